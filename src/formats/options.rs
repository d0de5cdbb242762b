//! The checked options of one format in one table.

use super::table::prefixed;
use super::{Format, FormatContext};
use crate::connectors::options::{Options, RawOptions};
use crate::error::{Error, Result};

/// A format's options, read by their names without prefix; messages spell them as the table does.
#[derive(Debug, Clone)]
pub struct FormatOptions {
    prefix: String,
    options: Options,
}

impl FormatOptions {
    /// Checks `raw` (prefix removed) against the options of `format`.
    pub fn check(format: &'static dyn Format, raw: &RawOptions, context: &FormatContext) -> Result<Self> {
        let mut spelled = RawOptions::new();
        for (key, value) in raw.iter() {
            spelled.set(format!("{}{key}", context.prefix), value, raw.span(key));
        }
        let options = Options::check_only(&context.owner, &spelled, prefixed(format, &context.prefix))?;
        Ok(Self { prefix: context.prefix.clone(), options })
    }

    /// The option as the table spells it: `json.ignore-parse-errors`.
    pub fn spelled(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// The value as written, or the default.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.options.text(&self.spelled(key))
    }

    pub fn bool(&self, key: &str) -> bool {
        self.options.bool(&self.spelled(key))
    }

    pub fn is_set(&self, key: &str) -> bool {
        self.options.is_set(&self.spelled(key))
    }

    /// `option 'csv.field-delimiter' of table ...: why`
    pub fn invalid(&self, key: &str, why: impl std::fmt::Display) -> Error {
        self.options.invalid(&self.spelled(key), why)
    }
}
