//! A table for a topic, from a sample of its records.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::csv;
use super::proposal::{Line, Proposal, name};
use super::shape::{Epoch, Shape};
use super::time::{self, Moment};
use crate::connectors::kafka::inspect::{Kept, Record};
use crate::error::{Error, Result};
use crate::session::look::shown::text;

/// How much of the records is read by the format that is suggested.
struct Told<'a> {
    /// The rows of the table, each with its record.
    rows: Vec<(&'a Record, Map<String, Value>)>,
    /// Records with a value.
    valued: usize,
}

/// Adds columns, watermark and format to `proposal`.
///
/// # Errors
/// No record that has a value.
pub fn propose(proposal: &mut Proposal, topic: &str, records: &[Record]) -> Result<()> {
    let valued: Vec<(&Record, &Kept)> = records.iter().filter_map(|r| Some((r, r.value.as_ref()?))).collect();
    let tombstones = records.len() - valued.len();
    if valued.is_empty() {
        let error = Error::external(match tombstones {
            0 => format!("topic \"{topic}\" is empty: there is no record to tell its columns by"),
            n => format!("no record of topic \"{topic}\" that was looked at has a value: tombstones, {n}"),
        });
        return Err(error.with_hint("Send some records first, or write CREATE TABLE by hand."));
    }
    let documents: Vec<_> = valued.iter().filter_map(|(r, kept)| Some((*r, object(kept)?))).collect();
    let told = Told { valued: valued.len(), rows: documents };
    // Broken ones among them don't make it another format.
    let is_json = told.rows.len() * 2 > told.valued;
    if let Some(with_schema) = envelope(&told.rows).filter(|_| is_json) {
        debezium(proposal, &told, with_schema);
        return Ok(());
    }
    if tombstones > 0 {
        let message =
            format!("{tombstones} of {} records have no value: deletes, which upsert-kafka reads", records.len());
        proposal.comments.push(message);
    }
    if is_json {
        json(proposal, topic, told);
        return Ok(());
    }
    let texts: Option<Vec<(&Record, &str)>> =
        valued.iter().map(|(r, kept)| Some((*r, text(&kept.bytes).filter(|_| kept.is_whole())?))).collect();
    match texts {
        Some(texts) => match csv::rows(&texts) {
            Some((delimiter, rows)) => {
                let told = Told { valued: rows.len(), rows };
                proposal.comments.push("The columns have no names in CSV: give them yours.".into());
                columns(proposal, &told, false);
                proposal.option("format", "csv");
                if delimiter != ',' {
                    let shown = if delimiter == '\t' { "\\t".to_string() } else { delimiter.to_string() };
                    proposal.option("csv.field-delimiter", shown);
                }
            }
            None => raw(proposal, &valued, "message", "STRING", "The values are text, neither JSON objects nor CSV."),
        },
        None => {
            let confluent = valued.iter().all(|(_, kept)| kept.bytes.first() == Some(&0) && kept.length > 5);
            let why = match confluent {
                true => "The values look like Avro with a schema registry, which no format here reads: bytes.",
                false => "The values are no text: bytes.",
            };
            raw(proposal, &valued, "message", "BYTES", why);
        }
    }
    Ok(())
}

fn object(kept: &Kept) -> Option<Map<String, Value>> {
    match serde_json::from_slice(&kept.bytes).ok()? {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

/// Whether all are Debezium's, and whether their schema comes with them.
fn envelope(rows: &[(&Record, Map<String, Value>)]) -> Option<bool> {
    let is_change = |object: &Map<String, Value>| {
        let op = object.get("op").and_then(Value::as_str);
        op.is_some_and(|op| ["c", "u", "d", "r"].contains(&op)) && object.contains_key("after")
    };
    let with_schema = |object: &Map<String, Value>| {
        object.contains_key("schema") && object.get("payload").and_then(Value::as_object).is_some_and(is_change)
    };
    if rows.iter().all(|(_, object)| is_change(object)) {
        return Some(false);
    }
    rows.iter().all(|(_, object)| with_schema(object)).then_some(true)
}

fn json(proposal: &mut Proposal, topic: &str, told: Told<'_>) {
    let broken = told.valued - told.rows.len();
    if broken > 0 {
        proposal.comments.push(format!(
            "{broken} of {} records are no JSON objects: they fail a job, unless 'error-handling.mode' is 'skip'",
            told.valued
        ));
    }
    if told.rows.iter().all(|(_, object)| object.is_empty()) {
        proposal.comments.push(format!("All records of topic \"{topic}\" are empty objects."));
        proposal.columns.push(Line::new("`value` STRING", None));
    }
    let key = key_comment(&told);
    let iso = columns(proposal, &told, true);
    proposal.comments.extend(key);
    proposal.option("format", "json");
    if iso {
        proposal.option("json.timestamp-format.standard", "ISO-8601");
    }
}

/// Columns of rows with a watermark; says whether times are in ISO-8601.
fn columns(proposal: &mut Proposal, told: &Told<'_>, iso_possible: bool) -> bool {
    let mut fields: indexmap::IndexMap<&str, Shape> = Default::default();
    for (_, object) in &told.rows {
        for (key, value) in object {
            fields.entry(key).or_default().add(value);
        }
    }
    let standards = fields.values().map(Shape::standards);
    let (sql, iso) = standards.fold((0, 0), |(sql, iso), (s, i)| (sql + s, iso + i));
    let iso = iso_possible && iso > sql;
    let mut moments: Vec<Moment> = Vec::new();
    let mut computed = Vec::new();
    for (key, shape) in &fields {
        let (mut ty, note) = shape.sql(iso);
        let rows = told.rows.len();
        let seen = shape.present();
        let epoch = shape.epoch(key);
        if let Some(epoch) = epoch {
            ty = "BIGINT".into();
            let column = free(&format!("{key}_time"), &fields);
            let millis = match epoch {
                Epoch::Seconds => format!("TO_TIMESTAMP_LTZ({}, 0)", name(key)),
                Epoch::Millis => format!("TO_TIMESTAMP_LTZ({}, 3)", name(key)),
                Epoch::Micros => format!("TO_TIMESTAMP_LTZ({} / 1000, 3)", name(key)),
            };
            computed.push(Line::new(format!("{} AS {millis}", name(&column)), None));
            moments.push(Moment::of_epoch(key, column, epoch));
        }
        if let Some(spelling) = shape.spelling().filter(|_| ty.starts_with("TIMESTAMP")) {
            moments.push(Moment::of_text(key, spelling));
        }
        let missing = (seen < rows && seen > 0).then(|| format!("in {seen} of {rows} records"));
        let comment = [missing, note].into_iter().flatten().collect::<Vec<_>>();
        let comment = (!comment.is_empty()).then(|| comment.join("; "));
        proposal.columns.push(Line::new(format!("{} {ty}", name(key)), comment));
    }
    proposal.columns.extend(computed);
    watermark(proposal, told, moments, |column| free(column, &fields));
    iso
}

/// A name that no field has.
fn free(wanted: &str, fields: &indexmap::IndexMap<&str, Shape>) -> String {
    let mut name = wanted.to_string();
    while fields.contains_key(name.as_str()) {
        name.push('_');
    }
    name
}

/// The likeliest event time of the columns; else the records' own.
fn watermark(proposal: &mut Proposal, told: &Told<'_>, moments: Vec<Moment>, free: impl Fn(&str) -> String) {
    let always = |moment: &&Moment| told.rows.iter().all(|(_, object)| moment.millis(object).is_some());
    let chosen = moments.iter().filter(always).min_by_key(|moment| moment.rank());
    let (column, disorder) = match chosen {
        Some(moment) => {
            let disorder = time::disorder(told.rows.iter().map(|(r, object)| (*r, moment.millis(object))));
            (moment.column.clone(), disorder)
        }
        None => {
            let column = free("record_time");
            let sql = format!("{} TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL", name(&column));
            proposal.columns.push(Line::new(sql, Some("when the record was written".into())));
            (column, time::disorder(told.rows.iter().map(|(r, _)| (*r, r.timestamp))))
        }
    };
    let (delay, shown) = time::delay(disorder);
    let comment = match disorder {
        0 => "in order in the sample".to_string(),
        _ => format!("up to {shown} out of order in the sample"),
    };
    let column = name(&column);
    proposal
        .constraints
        .push(Line::new(format!("WATERMARK FOR {column} AS {column} - INTERVAL {delay}"), Some(comment)));
}

/// The column that a lookup join needs; none in a table of changes.
pub fn add_processing_time(proposal: &mut Proposal) {
    let has_changes = proposal.options.iter().any(|(key, value)| key == "format" && value.starts_with("debezium"));
    let is_taken = |name: &str| proposal.columns.iter().any(|line| line.sql.starts_with(&format!("{name} ")));
    let free = ["proctime", "proc_time", "processing_time"].into_iter().find(|name| !is_taken(name));
    if let Some(name) = free.filter(|_| !has_changes) {
        let comment = "for JOIN … FOR SYSTEM_TIME AS OF".to_string();
        proposal.columns.push(Line::new(format!("{name} AS PROCTIME()"), Some(comment)));
    }
}

/// What the keys of the records are, where all have one.
fn key_comment(told: &Told<'_>) -> Option<String> {
    let keys: Option<Vec<&Kept>> = told.rows.iter().map(|(r, _)| r.key.as_ref()).collect();
    let keys = keys.filter(|keys| !keys.is_empty())?;
    let objects: Option<Vec<_>> = keys.iter().map(|key| object(key)).collect();
    if let Some(objects) = objects {
        let names: Vec<_> = objects.first()?.keys().map(|key| name(key)).collect();
        return Some(format!(
            "The keys are JSON objects of {}: 'key.format' = 'json' with 'key.fields' reads them.",
            names.join(", ")
        ));
    }
    let texts: Option<Vec<&str>> = keys.iter().map(|key| text(&key.bytes)).collect();
    let Some(texts) = texts else { return Some("The keys are no text.".to_string()) };
    let holds = |field: &&String| {
        let same = |(key, (_, object)): (&&str, &(&Record, Map<String, Value>))| match object.get(*field) {
            Some(Value::String(value)) => value == key,
            Some(Value::Number(value)) => value.to_string() == *key,
            _ => false,
        };
        texts.iter().zip(&told.rows).all(same)
    };
    match told.rows.first()?.1.keys().find(holds) {
        Some(field) => Some(format!("The key of each record is its {}.", name(field))),
        None => Some("The keys are text: 'key.format' = 'raw' with 'key.fields' reads them into a column.".to_string()),
    }
}

fn debezium(proposal: &mut Proposal, told: &Told<'_>, with_schema: bool) {
    let mut rows: Vec<(&Record, Map<String, Value>)> = Vec::new();
    for (record, object) in &told.rows {
        let change = if with_schema { object.get("payload").and_then(Value::as_object) } else { Some(object) };
        let images = ["before", "after"].into_iter().filter_map(|image| change?.get(image)?.as_object());
        rows.extend(images.map(|image| (*record, image.clone())));
    }
    let before = proposal.constraints.len();
    columns(proposal, &Told { valued: rows.len(), rows }, false);
    // Changes come in their own order: time is rarely what such a table is for.
    proposal.constraints.truncate(before);
    proposal.columns.retain(|line| !line.sql.contains(" METADATA FROM "));
    proposal.comments.push("The values are changes as Debezium tells them.".into());
    let keys: Vec<String> =
        told.rows.first().and_then(|(r, _)| r.key.as_ref()).and_then(object).map_or(Vec::new(), |key| {
            let inner = key.get("payload").and_then(Value::as_object).unwrap_or(&key);
            inner.keys().map(|key| name(key)).collect()
        });
    let is_column = |key: &String| proposal.columns.iter().any(|line| line.sql.starts_with(&format!("{key} ")));
    if !keys.is_empty() && keys.iter().all(is_column) {
        let key = keys.join(", ");
        proposal
            .constraints
            .push(Line::new(format!("PRIMARY KEY ({key}) NOT ENFORCED"), Some("the records' key".into())));
    }
    proposal.option("format", "debezium-json");
    if with_schema {
        proposal.option("debezium-json.schema-include", "true");
    }
}

fn raw(proposal: &mut Proposal, valued: &[(&Record, &Kept)], column: &str, ty: &str, why: &str) {
    proposal.comments.push(why.to_string());
    proposal.columns.push(Line::new(format!("{column} {ty}"), None));
    let rows = valued.iter().map(|(r, _)| (*r, Map::new())).collect();
    watermark(proposal, &Told { rows, valued: valued.len() }, Vec::new(), str::to_string);
    proposal.option("format", "raw");
}

/// Records by partition, in the order of their offsets.
pub fn by_partition<T>(records: impl Iterator<Item = (i32, i64, T)>) -> BTreeMap<i32, Vec<(i64, T)>> {
    let mut partitions: BTreeMap<i32, Vec<(i64, T)>> = BTreeMap::new();
    for (partition, offset, value) in records {
        partitions.entry(partition).or_default().push((offset, value));
    }
    partitions.values_mut().for_each(|records| records.sort_by_key(|(offset, _)| *offset));
    partitions
}
