//! What many values have in common: the type of the column that holds them all.

use chrono::{NaiveDate, NaiveDateTime};
use indexmap::IndexMap;
use serde_json::Value;

use super::proposal::name;

/// An object with more keys than this is a map.
const MAP_KEYS: usize = 100;
/// Whole numbers beyond it are BIGINT: those of a sample tell little of the largest.
const INT: u64 = 1_000_000;

/// Values seen in one place.
#[derive(Debug, Default)]
pub struct Shape {
    nulls: usize,
    bools: usize,
    ints: Ints,
    /// Numbers with a fraction or an exponent.
    floats: usize,
    texts: usize,
    /// How many of the texts are times, by their spelling.
    times: IndexMap<Spelling, usize>,
    objects: usize,
    pub fields: IndexMap<String, Shape>,
    arrays: usize,
    elements: Option<Box<Shape>>,
}

#[derive(Debug, Default)]
struct Ints {
    count: usize,
    /// Those that are no BIGINT.
    huge: usize,
    /// The least and the most of the others.
    bounds: Option<(i64, i64)>,
}

/// How a text spells a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Spelling {
    /// `2026-01-31 12:00:00.5`, of the json format's SQL
    Sql,
    SqlZ,
    /// `2026-01-31T12:00:00.5`, of its ISO-8601
    Iso,
    IsoZ,
    Date,
    /// With another offset than Z, which the format can't read.
    Offset,
}

/// What whole numbers count since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Epoch {
    Seconds,
    Millis,
    Micros,
}

impl Spelling {
    pub fn of(text: &str) -> Option<Self> {
        if !(10..=35).contains(&text.len()) || !text.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        if NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok() && text.len() == 10 {
            return Some(Self::Date);
        }
        let (stem, zulu) = text.strip_suffix('Z').map_or((text, false), |stem| (stem, true));
        let fits = |format: &str| NaiveDateTime::parse_from_str(stem, format).is_ok();
        match (text.as_bytes().get(10)?, zulu) {
            (b' ', false) if fits("%Y-%m-%d %H:%M:%S%.f") => Some(Self::Sql),
            (b' ', true) if fits("%Y-%m-%d %H:%M:%S%.f") => Some(Self::SqlZ),
            (b'T', false) if fits("%Y-%m-%dT%H:%M:%S%.f") => Some(Self::Iso),
            (b'T', true) if fits("%Y-%m-%dT%H:%M:%S%.f") => Some(Self::IsoZ),
            (b'T' | b' ', false) if chrono::DateTime::parse_from_rfc3339(text).is_ok() => Some(Self::Offset),
            _ => None,
        }
    }

    /// True for one that `'json.timestamp-format.standard'` has to be `ISO-8601` for.
    pub fn is_iso(self) -> bool {
        matches!(self, Self::Iso | Self::IsoZ)
    }
}

impl Shape {
    pub fn add(&mut self, value: &Value) {
        match value {
            Value::Null => self.nulls += 1,
            Value::Bool(_) => self.bools += 1,
            Value::Number(number) => self.add_number(number),
            Value::String(text) => {
                self.texts += 1;
                if let Some(spelling) = Spelling::of(text) {
                    *self.times.entry(spelling).or_default() += 1;
                }
            }
            Value::Object(object) => {
                self.objects += 1;
                for (key, value) in object {
                    self.fields.entry(key.clone()).or_default().add(value);
                }
            }
            Value::Array(values) => {
                self.arrays += 1;
                let elements = self.elements.get_or_insert_default();
                values.iter().for_each(|value| elements.add(value));
            }
        }
    }

    fn add_number(&mut self, number: &serde_json::Number) {
        let text = number.to_string();
        if text.contains(['.', 'e', 'E']) {
            self.floats += 1;
            return;
        }
        match text.parse::<i64>() {
            Ok(value) => {
                let (least, most) = self.ints.bounds.unwrap_or((value, value));
                self.ints.bounds = Some((least.min(value), most.max(value)));
            }
            Err(_) => self.ints.huge += 1,
        }
        self.ints.count += 1;
    }

    /// Values that are not null.
    pub fn present(&self) -> usize {
        self.bools + self.ints.count + self.floats + self.texts + self.objects + self.arrays
    }

    /// The kinds of values there are, with how many of each.
    fn kinds(&self) -> Vec<(&'static str, usize)> {
        let all = [
            ("boolean", self.bools),
            ("number", self.ints.count + self.floats),
            ("string", self.texts),
            ("object", self.objects),
            ("array", self.arrays),
        ];
        all.into_iter().filter(|(_, count)| *count > 0).collect()
    }

    /// The spelling of all its texts, where they are times.
    pub fn spelling(&self) -> Option<Spelling> {
        let (spelling, count) = self.times.first()?;
        (self.kinds().len() == 1 && *count == self.present()).then_some(*spelling)
    }

    /// How many times of each standard there are here and below: SQL, ISO-8601.
    pub fn standards(&self) -> (usize, usize) {
        let own = self.spelling().map_or((0, 0), |spelling| match spelling {
            Spelling::Sql | Spelling::SqlZ => (1, 0),
            Spelling::Iso | Spelling::IsoZ => (0, 1),
            Spelling::Date | Spelling::Offset => (0, 0),
        });
        let below = self.fields.values().chain(self.elements.as_deref()).map(Shape::standards);
        below.fold(own, |(sql, iso), (s, i)| (sql + s, iso + i))
    }

    /// What the numbers of a field called `name` count, where all of them are times of this century.
    pub fn epoch(&self, name: &str) -> Option<Epoch> {
        if self.ints.count == 0 || self.ints.count < self.present() || self.ints.huge > 0 {
            return None;
        }
        let (least, most) = self.ints.bounds?;
        let all_in = |unit: i64| least >= 1_000_000_000 * unit && most < 4_102_444_800 * unit;
        let name = name.to_lowercase();
        let sounds = ["time", "date", "ts", "epoch", "seen", "since"].iter().any(|word| name.contains(word))
            || name.ends_with("at")
            || name.ends_with("_on");
        match () {
            () if all_in(1_000) => Some(Epoch::Millis),
            () if all_in(1) && sounds => Some(Epoch::Seconds),
            () if all_in(1_000_000) && sounds => Some(Epoch::Micros),
            () => None,
        }
    }

    /// The type, and what is to be said of it. `iso`: how the table's format reads times.
    pub fn sql(&self, iso: bool) -> (String, Option<String>) {
        let string = |why: &str| ("STRING".to_string(), Some(why.to_string()));
        let kinds = self.kinds();
        match kinds.as_slice() {
            [] => string("only null"),
            [("boolean", _)] => ("BOOLEAN".to_string(), None),
            [("number", _)] => (self.number().to_string(), None),
            [("string", _)] => self.text(iso),
            [("object", _)] => self.object(iso),
            [("array", _)] => match &self.elements {
                Some(elements) if elements.present() > 0 => {
                    let (element, note) = elements.sql(iso);
                    (format!("ARRAY<{element}>"), note)
                }
                _ => ("ARRAY<STRING>".to_string(), Some("only empty arrays".to_string())),
            },
            several => {
                let counts: Vec<_> = several.iter().map(|(kind, count)| format!("{kind} in {count}")).collect();
                string(&format!("{} records", counts.join(", ")))
            }
        }
    }

    fn number(&self) -> &'static str {
        let (least, most) = self.ints.bounds.unwrap_or_default();
        let is_large = least.unsigned_abs().max(most.unsigned_abs()) > INT;
        match () {
            () if self.floats > 0 => "DOUBLE",
            () if self.ints.huge > 0 => "DECIMAL(38, 0)",
            () if is_large => "BIGINT",
            () => "INT",
        }
    }

    fn text(&self, iso: bool) -> (String, Option<String>) {
        let plain = |why: &str| ("STRING".to_string(), Some(why.to_string()));
        match self.spelling() {
            Some(Spelling::Date) => ("DATE".to_string(), None),
            Some(Spelling::Offset) => plain("times with an offset, which the format doesn't read"),
            Some(spelling) if spelling.is_iso() != iso => plain("times in another spelling than the other columns'"),
            Some(Spelling::SqlZ | Spelling::IsoZ) => ("TIMESTAMP_LTZ(3)".to_string(), None),
            Some(_) => ("TIMESTAMP(3)".to_string(), None),
            None if !self.times.is_empty() => {
                let times: usize = self.times.values().sum();
                plain(&format!("times in {times} of {} records", self.texts))
            }
            None => ("STRING".to_string(), None),
        }
    }

    fn object(&self, iso: bool) -> (String, Option<String>) {
        if self.fields.is_empty() {
            return ("MAP<STRING, STRING>".to_string(), Some("only empty objects".to_string()));
        }
        if self.fields.len() > MAP_KEYS {
            let mut types: Vec<String> = self.fields.values().map(|shape| shape.sql(iso).0).collect();
            types.dedup();
            let value = match types.as_slice() {
                [one] => one.as_str(),
                many if many.iter().all(|t| ["INT", "BIGINT"].contains(&t.as_str())) => "BIGINT",
                many if many.iter().all(|t| ["INT", "BIGINT", "DOUBLE"].contains(&t.as_str())) => "DOUBLE",
                _ => "STRING",
            };
            return (format!("MAP<STRING, {value}>"), Some(format!("{} keys in the sample", self.fields.len())));
        }
        let mut notes = Vec::new();
        let fields = self.fields.iter().map(|(key, shape)| {
            let (ty, note) = shape.sql(iso);
            notes.extend(note.map(|note| format!("{key}: {note}")));
            format!("{} {ty}", name(key))
        });
        let row = format!("ROW<{}>", fields.collect::<Vec<_>>().join(", "));
        (row, (!notes.is_empty()).then(|| notes.join("; ")))
    }
}
