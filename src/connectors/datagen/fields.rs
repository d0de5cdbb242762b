//! The options of columns, `fields.price.max`, and whether each belongs to one.

use std::time::Duration;

use crate::connectors::options::Options;
use crate::error::{Error, Result, did_you_mean};

/// Reads options of columns and remembers which there could have been.
pub(super) struct FieldOptions<'a> {
    options: &'a Options,
    known: Vec<String>,
}

impl<'a> FieldOptions<'a> {
    pub fn new(options: &'a Options) -> Self {
        Self { options, known: Vec::new() }
    }

    /// The option `name` of the field at `path` (`price`, or `prices.element` for the items of an array).
    fn text(&mut self, path: &str, name: &str) -> Option<&'a str> {
        let key = format!("fields.{path}.{name}");
        let value = self.options.raw().get(&key);
        self.known.push(key);
        value
    }

    /// A number of type `T`, or `default`.
    pub fn number<T: std::str::FromStr>(&mut self, path: &str, name: &str, default: T) -> Result<T> {
        match self.text(path, name) {
            None => Ok(default),
            Some(text) => text.trim().parse().map_err(|_| {
                self.invalid(path, name, format!("'{text}' is not a number that the column's type can hold"))
            }),
        }
    }

    /// A number that must be given.
    pub fn required<T: std::str::FromStr + Default>(&mut self, path: &str, name: &str) -> Result<T> {
        if self.options.raw().get(&format!("fields.{path}.{name}")).is_none() {
            return Err(self.options.missing(&format!("fields.{path}.{name}")));
        }
        self.number(path, name, T::default())
    }

    pub fn bool(&mut self, path: &str, name: &str) -> bool {
        self.text(path, name).is_some_and(|text| text.trim().eq_ignore_ascii_case("true"))
    }

    pub fn duration(&mut self, path: &str, name: &str) -> Duration {
        self.text(path, name).and_then(crate::connectors::options::parse_duration).unwrap_or_default()
    }

    /// True where the column's values are a sequence.
    pub fn is_sequence(&mut self, path: &str) -> bool {
        self.text(path, "kind") == Some("sequence")
    }

    pub fn null_rate(&mut self, path: &str) -> Result<f32> {
        let rate: f32 = self.number(path, "null-rate", 0.0)?;
        if (0.0..=1.0).contains(&rate) {
            return Ok(rate);
        }
        Err(self.invalid(path, "null-rate", format!("'{rate}' is not between 0 and 1")))
    }

    pub fn invalid(&self, path: &str, name: &str, why: impl std::fmt::Display) -> Error {
        self.options.invalid(&format!("fields.{path}.{name}"), why)
    }

    /// Fails for an option that no column has read: of an unknown column, or of another type.
    pub fn check_all_used(&self) -> Result<()> {
        let written = self.options.raw().keys().filter(|key| key.starts_with("fields."));
        for key in written {
            if self.known.iter().any(|known| known == key) {
                continue;
            }
            let error = Error::statement(format!("option '{key}' of {} fits no column", self.options.owner()));
            let hint = did_you_mean(key, self.known.iter().map(String::as_str));
            return Err(match hint {
                Some(hint) => error.with_hint(hint),
                None => error.with_hint("It is 'fields.<column>.<option>', and not every type takes every option."),
            }
            .at(self.options.raw().span(key)));
        }
        Ok(())
    }
}
