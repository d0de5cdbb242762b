//! Rows of JSON lines: a row a line, or what the lines mean in the table's own format where that is one of JSON.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};

use arrow::array::Array;
use arrow::compute::concat_batches;
use arrow::record_batch::RecordBatch;
use serde_json::value::RawValue;

use super::asked::Asked;
use super::file::open;
use super::samples::FileRows;
use crate::connectors::options::RawOptions;
use crate::error::{Error, Result, nearest};
use crate::formats::{FormatError, FormatRole, Place, TableFormat};
use crate::span::{SourceText, Span};
use crate::types::Schema;

/// Formats whose messages are JSON, so that a file of them has one on each line.
const JSON_FORMATS: [&str; 2] = ["json", "debezium-json"];

/// Lines whose fields are named when a column is missing.
const LINES_LOOKED_AT: usize = 100;

/// Reads the lines.
pub fn read(asked: &Asked) -> Result<(FileRows, Vec<Error>)> {
    let own = asked.options.get("format").or_else(|| asked.options.get("value.format"));
    let plain = [("format", "json")].into_iter().collect();
    let is_json = own.is_some_and(|own| JSON_FORMATS.contains(&own));
    let options: &RawOptions = if is_json { &asked.options } else { &plain };
    let owner = format!("table \"{}\"", asked.table);
    let format = TableFormat::require(options, FormatRole::Value, &owner, asked.zone, false)?;
    let (columns, projection) = columns_of(asked, &format);
    let mut decoder = format.decoding(&columns)?.decoder(&projection)?;
    let (mut batches, mut kinds, mut read) = (Vec::new(), Vec::new(), 0);
    for (number, line) in BufReader::new(open(asked)?).split(b'\n').enumerate() {
        let line = line.map_err(|error| asked.error(error))?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        if decoder.is_full() {
            kinds.extend(decoder.take_kinds().unwrap_or_default());
            batches.push(decoder.finish()?);
        }
        if read >= asked.most {
            break;
        }
        read += decoder.decode(&line).map_err(|error| misfit(asked, &format, number + 1, &line, error))? as u64;
    }
    kinds.extend(decoder.take_kinds().unwrap_or_default());
    batches.push(decoder.finish()?);
    let rows = concat_batches(&asked.columns.arrow(), &batches)?;
    let mut warnings = Vec::new();
    if rows.num_rows() > 0 {
        warnings.extend(missing(asked, &format, &rows, &columns)?);
    }
    if decoder.undecodable() > 0 {
        warnings.push(asked.error(format!(
            "{} of its fields or lines can't be read, and are NULL or passed over as '{}ignore-parse-errors' has it",
            decoder.undecodable(),
            format.context().prefix
        )));
    }
    Ok((FileRows { rows, kinds: format.has_changes().then_some(kinds) }, warnings))
}

/// The columns that are fields of the lines, and where each that is needed comes from: they, then what the format reads
/// beside them.
fn columns_of(asked: &Asked, format: &TableFormat) -> (Schema, Vec<usize>) {
    let beside = format.metadata();
    let place_beside = |name: &str| {
        let column = asked.metadata.iter().find(|column| column.name == name)?;
        let key = column.key.strip_prefix("value.").unwrap_or(&column.key);
        beside.iter().position(|(known, _)| *known == key)
    };
    let fields: Schema =
        asked.columns.fields.iter().filter(|field| place_beside(&field.name).is_none()).cloned().collect();
    let place = |name: &str| match place_beside(name) {
        Some(place) => fields.len() + place,
        None => fields.index_of(name).unwrap_or_default(),
    };
    let projection = asked.columns.names().map(place).collect();
    (fields, projection)
}

/// A line that is no row: where, and that the file is what to mend.
fn misfit(asked: &Asked, format: &TableFormat, number: usize, line: &[u8], error: FormatError) -> Error {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end_matches('\r');
    let (message, span) = match &error.place {
        Some(Place::Column(column)) => {
            let message = error.message.strip_suffix(&format!(" (line 1, column {column})")).unwrap_or(&error.message);
            let before = text.get(..column.saturating_sub(1)).unwrap_or(text);
            (message, Some((before.chars().count(), 1)))
        }
        Some(Place::Field(path)) => (error.message.as_str(), value_of(text, path)),
        None => (error.message.as_str(), None),
    };
    let (before, width) = span.unwrap_or((0, text.chars().count()));
    let said = asked.error(format!("line {number}: {message}"));
    let shown = SourceText::of_line(asked.path.display().to_string(), number as u32, text);
    let span = Span::on_line(number as u32, before as u32 + 1, width.max(1) as u32);
    said.with_hint(match format.has_changes() {
        false => "A line is a JSON object. Mend this one, or take it out of the file.".to_string(),
        true => format!(
            "A line is a message of the table's format '{}', with a schema around it where '{}schema-include' = 'true'. Mend this one, or take it out of the file; rows that are no changes can be given as .arrow or .parquet.",
            format.name(),
            format.context().prefix
        ),
    })
    .at(span)
    .in_text(&shown)
}

/// Characters before the value of a field, and in it.
fn value_of(line: &str, path: &[String]) -> Option<(usize, usize)> {
    let mut value: &RawValue = serde_json::from_str(line).ok()?;
    for name in path {
        value = *fields(value)?.get(name)?;
    }
    let before = (value.get().as_ptr() as usize).checked_sub(line.as_ptr() as usize)?;
    Some((line.get(..before)?.chars().count(), value.get().chars().count()))
}

type Fields<'a> = BTreeMap<String, &'a RawValue>;

fn fields(value: &RawValue) -> Option<Fields<'_>> {
    serde_json::from_str(value.get()).ok()
}

/// Columns that no line has.
///
/// # Errors
/// No line has any.
fn missing(asked: &Asked, format: &TableFormat, rows: &RecordBatch, columns: &Schema) -> Result<Option<Error>> {
    let empty = |name: &&str| rows.column_by_name(name).is_some_and(|column| column.null_count() == column.len());
    let mut missing: Vec<&str> = columns.names().filter(empty).collect();
    if missing.is_empty() {
        return Ok(None);
    }
    let quoted: Vec<String> = missing.iter().map(|name| format!("\"{name}\"")).collect();
    let mut known = Vec::new();
    for (number, line) in BufReader::new(open(asked)?).split(b'\n').enumerate() {
        let line = line.map_err(|error| asked.error(error))?;
        let named = |name: &String| memchr::memmem::find(&line, name.as_bytes()).is_some();
        if number >= LINES_LOOKED_AT && !quoted.iter().any(named) {
            continue;
        }
        let names = names_of(&line, format.has_changes());
        missing.retain(|name| !names.iter().any(|known| known == name));
        if missing.is_empty() {
            return Ok(None);
        }
        if number < LINES_LOOKED_AT {
            known.extend(names.into_iter().filter(|name| columns.index_of(name).is_none()));
        }
    }
    known.sort_unstable();
    known.dedup();
    let names = missing.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let meant = missing.iter().filter_map(|name| {
        let near = nearest(name, known.iter().map(String::as_str))?;
        Some(format!("\"{near}\" may be meant to be \"{name}\""))
    });
    let meant = meant.collect::<Vec<_>>().join(", ");
    let hint = match (meant.is_empty(), known.is_empty()) {
        (false, _) => Some(format!("In the file {meant}.")),
        (true, false) => Some(format!("Other fields of the file are {}.", known.join(", "))),
        (true, true) => None,
    };
    let hinted = |error: Error| match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    };
    if missing.len() == columns.len() {
        return Err(hinted(asked.error(format!("no line has any of the columns {names}"))));
    }
    let (columns, are) = if missing.len() == 1 { ("column", "it is") } else { ("columns", "they are") };
    Ok(Some(hinted(asked.error(format!("no line has the {columns} {names}: {are} NULL in every row")))))
}

/// The names of a row's fields; of a change, of the rows before and after it.
fn names_of(line: &[u8], is_change: bool) -> Vec<String> {
    let Some(message) = std::str::from_utf8(line).ok().and_then(|line| serde_json::from_str::<&RawValue>(line).ok())
    else {
        return Vec::new();
    };
    let rows = match message.get().starts_with('[') {
        true => serde_json::from_str::<Vec<&RawValue>>(message.get()).unwrap_or_default(),
        false => vec![message],
    };
    let sides = |row: &'_ RawValue| -> Vec<String> {
        let Some(mut message) = fields(row) else { return Vec::new() };
        if !is_change {
            return message.into_keys().collect();
        }
        if let Some(payload) = message.get("payload").copied().and_then(fields) {
            message = payload;
        }
        let sides = ["before", "after"].into_iter().filter_map(|side| fields(message.get(side)?));
        sides.flat_map(Fields::into_keys).collect()
    };
    rows.into_iter().flat_map(sides).collect()
}
