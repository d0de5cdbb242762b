//! Lines of values with the same sign between them.

use serde_json::{Map, Number, Value};

use crate::connectors::kafka::inspect::Record;

const DELIMITERS: &[char] = &[',', ';', '\t', '|'];

/// A row's record and its fields by name.
type Row<'a> = (&'a Record, Map<String, Value>);

/// The sign between the values, and each line's values by made-up names; `None` where the lines are no CSV.
pub fn rows<'a>(texts: &[(&'a Record, &str)]) -> Option<(char, Vec<Row<'a>>)> {
    if texts.iter().any(|(_, line)| line.starts_with(['[', '{'])) {
        return None;
    }
    let delimiter = DELIMITERS.iter().copied().find(|delimiter| {
        let mut counts = texts.iter().map(|(_, line)| fields(line, *delimiter).len());
        let first = counts.next().unwrap_or(0);
        first > 1 && counts.all(|count| count == first)
    })?;
    let row = |line: &str| {
        let values = fields(line, delimiter).into_iter().enumerate();
        values.map(|(i, value)| (format!("c{}", i + 1), typed(&value))).collect()
    };
    Some((delimiter, texts.iter().map(|(record, line)| (*record, row(line))).collect()))
}

/// The values of a line, `"` around those that hold the delimiter.
fn fields(line: &str, delimiter: char) -> Vec<String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    for c in line.trim_end_matches(['\r', '\n']).chars() {
        match c {
            '"' => quoted = !quoted,
            c if c == delimiter && !quoted => fields.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    fields.push(field);
    fields
}

fn typed(value: &str) -> Value {
    let is_number = value.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit());
    match (value, is_number) {
        ("true" | "false", _) => Value::Bool(value == "true"),
        // `007` is a name.
        (_, true) if value.len() > 1 && value.starts_with('0') && !value.starts_with("0.") => value.into(),
        (_, true) => value.parse::<Number>().map_or_else(|_| value.into(), Value::Number),
        _ => value.into(),
    }
}
