//! A mapping: the fields that documents of an index have, and how they are indexed.

use serde::Deserialize;
use serde_json::Map;

/// What the service says of one index.
#[derive(Debug, Deserialize)]
pub struct Mapping {
    mappings: Object,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Object {
    properties: Map<String, serde_json::Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Property {
    /// Objects have none.
    #[serde(rename = "type")]
    ty: Option<String>,
    format: Option<String>,
    properties: Map<String, serde_json::Value>,
    /// The same value indexed in other ways.
    fields: Map<String, serde_json::Value>,
}

/// A field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    /// `keyword`; several with commas where indexes differ.
    pub ty: String,
    /// How a date is spelled, where the mapping says it.
    pub format: Option<String>,
    /// Those of an object.
    pub fields: Vec<Field>,
    /// The same value indexed in other ways; they are no part of the documents.
    pub others: Vec<Field>,
}

/// The fields of several indexes together.
pub fn fields(mappings: impl Iterator<Item = Mapping>) -> Vec<Field> {
    let mut all = Vec::new();
    mappings.for_each(|mapping| merge(&mut all, of(&mapping.mappings.properties)));
    all
}

fn of(properties: &Map<String, serde_json::Value>) -> Vec<Field> {
    let field = |(name, value): (&String, &serde_json::Value)| {
        let property = Property::deserialize(value).unwrap_or_default();
        Field {
            name: name.clone(),
            ty: property.ty.unwrap_or_else(|| "object".to_string()),
            format: property.format,
            fields: of(&property.properties),
            others: of(&property.fields),
        }
    };
    properties.iter().map(field).collect()
}

fn merge(all: &mut Vec<Field>, more: Vec<Field>) {
    for field in more {
        let Some(known) = all.iter_mut().find(|known| known.name == field.name) else {
            all.push(field);
            continue;
        };
        if !known.ty.split(", ").any(|ty| ty == field.ty) {
            known.ty = format!("{}, {}", known.ty, field.ty);
        }
        if known.format != field.format {
            known.format = None;
        }
        merge(&mut known.fields, field.fields);
        merge(&mut known.others, field.others);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(properties: &str) -> Mapping {
        serde_json::from_str(&format!(r#"{{"mappings": {{"dynamic": "strict", "properties": {properties}}}}}"#))
            .unwrap()
    }

    fn shown(fields: &[Field]) -> String {
        let field = |f: &Field| {
            let inner = if f.fields.is_empty() { String::new() } else { format!("({})", shown(&f.fields)) };
            let others = if f.others.is_empty() { String::new() } else { format!("+({})", shown(&f.others)) };
            let format = f.format.as_ref().map_or(String::new(), |format| format!("[{format}]"));
            format!("{}: {}{format}{inner}{others}", f.name, f.ty)
        };
        fields.iter().map(field).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn fields_of_several_indexes_are_merged() {
        let first = read(
            r#"{"at": {"type": "date", "format": "epoch_millis"}, "host": {"properties": {"name": {"type": "keyword"}}},
                "m": {"type": "text", "fields": {"raw": {"type": "keyword", "ignore_above": 256}}}, "n": {"type": "long"}}"#,
        );
        let second = read(
            r#"{"at": {"type": "date"}, "host": {"properties": {"ip": {"type": "ip"}}}, "n": {"type": "double"},
                "n2": {"type": "long"}}"#,
        );
        let empty: Mapping = serde_json::from_str(r#"{"mappings": {}}"#).unwrap();
        assert_eq!(
            shown(&fields([empty, first].into_iter())),
            "at: date[epoch_millis]; host: object(name: keyword); m: text+(raw: keyword); n: long"
        );
        let first = read(
            r#"{"at": {"type": "date", "format": "epoch_millis"}, "host": {"properties": {"name": {"type": "keyword"}}}, "n": {"type": "long"}}"#,
        );
        assert_eq!(
            shown(&fields([first, second].into_iter())),
            "at: date; host: object(name: keyword; ip: ip); n: long, double; n2: long"
        );
    }
}
