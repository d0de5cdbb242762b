//! Partition columns as folders: `day=2026-11-01/hour=07`, with odd characters as `%3A`.

use std::path::{Component, Path};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringArray};
use chrono_tz::Tz;

use crate::error::{Error, Result};
use crate::functions::cast::{CastMode, cast_array};
use crate::types::print::{PrintStyle, Printer};
use crate::types::{Field, SqlType, TypeKind};

/// The folders between `root` and the file at `path` that name a partition; all on the way to a file that is elsewhere.
pub fn of_path(path: &Path, root: &Path) -> Vec<(String, String)> {
    let between = path.parent().map(|folder| folder.strip_prefix(root).unwrap_or(folder));
    let folders = between.into_iter().flat_map(Path::components).filter_map(|c| match c {
        Component::Normal(name) => name.to_str(),
        _ => None,
    });
    folders.filter_map(|f| f.split_once('=')).map(|(key, value)| (unescape(key), unescape(value))).collect()
}

/// Whether values of a type can name folders.
pub fn is_supported(kind: &TypeKind) -> bool {
    kind.is_string()
        || kind.is_integer()
        || matches!(kind, TypeKind::Boolean | TypeKind::Date | TypeKind::Decimal { .. })
}

/// The value that a folder stands for, as an array of one row.
///
/// # Errors
/// A text that is no value of the column's type, or the default name for a column that is NOT NULL.
pub fn read(text: &str, default_name: &str, field: &Field, zone: Tz) -> Result<ArrayRef> {
    let text = (text != default_name).then_some(text);
    if text.is_none() && !field.ty.nullable {
        let name = &field.name;
        return Err(Error::data(format!("partition column \"{name}\" is NOT NULL, but its folder stands for NULL")));
    }
    let texts: ArrayRef = Arc::new(StringArray::from(vec![text]));
    cast_array(&texts, &SqlType::string(), &field.ty, CastMode::Explicit, zone)
        .map_err(|e| e.context(format!("partition column \"{}\"", field.name)))
}

/// Prints values of partition columns as folder names.
pub struct FolderPrinter<'a> {
    columns: Vec<(&'a str, &'a dyn Array, Printer<'a>)>,
    default_name: &'a str,
    text: String,
}

impl<'a> FolderPrinter<'a> {
    pub fn new(columns: impl Iterator<Item = (&'a Field, &'a dyn Array)>, default_name: &'a str, zone: Tz) -> Self {
        let printer = |(field, array): (&'a Field, &'a dyn Array)| {
            (field.name.as_str(), array, Printer::new(array, &field.ty, zone, PrintStyle::Cast))
        };
        Self { columns: columns.map(printer).collect(), default_name, text: String::new() }
    }

    /// The folder of a row: `day=2026-11-01/hour=7`. NULL and the empty text go to the default name.
    pub fn folder(&mut self, row: usize, out: &mut String) {
        out.clear();
        for (name, array, printer) in &self.columns {
            if !out.is_empty() {
                out.push('/');
            }
            escape(name, out);
            out.push('=');
            self.text.clear();
            if array.is_valid(row) {
                printer.print(row, &mut self.text);
            }
            match self.text.is_empty() {
                true => escape(self.default_name, out),
                false => escape(&self.text, out),
            }
        }
    }
}

/// Writes what would mean something in a path as `%` and two hexadecimal digits, as Hive does.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '\u{1}'..='\u{1f}'
            | '"'
            | '#'
            | '%'
            | '\''
            | '*'
            | '/'
            | ':'
            | '='
            | '?'
            | '\\'
            | '\u{7f}'
            | '{'
            | '['
            | ']'
            | '^' => {
                out.push_str(&format!("%{:02X}", c as u32));
            }
            c => out.push(c),
        }
    }
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let code = rest.get(at + 1..at + 3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(code) => {
                out.push(code as char);
                rest = &rest[at + 3..];
            }
            None => {
                out.push('%');
                rest = &rest[at + 1..];
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, Int32Array};
    use arrow::datatypes::Int32Type;

    use super::*;

    #[test]
    fn folders_give_back_the_values_they_were_made_of() {
        let texts = StringArray::from(vec![Some("a/b=c:d%"), None, Some(""), Some("grün")]);
        let numbers = Int32Array::from(vec![Some(7), Some(-1), None, Some(0)]);
        let fields = [Field::new("k=1", SqlType::string()), Field::new("n", SqlType::nullable(TypeKind::Int))];
        let columns: [&dyn Array; 2] = [&texts, &numbers];
        let mut printer = FolderPrinter::new(fields.iter().zip(columns), "__NULL__", chrono_tz::UTC);
        let mut folder = String::new();
        let expected = [
            ("k%3D1=a%2Fb%3Dc%3Ad%25/n=7", Some("a/b=c:d%")),
            ("k%3D1=__NULL__/n=-1", None),
            ("k%3D1=__NULL__/n=__NULL__", None),
            ("k%3D1=grün/n=0", Some("grün")),
        ];
        for (row, (name, text)) in expected.into_iter().enumerate() {
            printer.folder(row, &mut folder);
            assert_eq!(folder, name);
            let read_back = of_path(&Path::new("/root").join(&folder).join("part-0"), Path::new("/root"));
            assert_eq!(read_back[0].0, "k=1");
            let value = read(&read_back[0].1, "__NULL__", &fields[0], chrono_tz::UTC).unwrap();
            assert_eq!(value.as_string::<i32>().iter().next().unwrap(), text, "{name}");
            let value = read(&read_back[1].1, "__NULL__", &fields[1], chrono_tz::UTC).unwrap();
            assert_eq!(value.as_primitive::<Int32Type>().iter().next(), numbers.iter().nth(row), "{name}");
        }
    }

    #[test]
    fn a_folder_that_is_no_value_names_the_column() {
        let field = Field::new("n", SqlType::not_null(TypeKind::Int));
        let error = read("x", "__NULL__", &field, chrono_tz::UTC).unwrap_err();
        assert!(error.message().starts_with("partition column \"n\": "), "{error}");
        let error = read("__NULL__", "__NULL__", &field, chrono_tz::UTC).unwrap_err();
        assert!(error.message().contains("NOT NULL"), "{error}");
    }
}
