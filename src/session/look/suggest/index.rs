//! A table for an index, from its mapping.

use super::proposal::{Line, Proposal, name};
use crate::connectors::opensearch::mapping::Field;

/// The type of ours that holds what documents have in a field; `None` where documents hold no such field. A mapping doesn't say which fields are arrays, nor how dates are spelled
/// beyond its own formats: `STRING` takes any spelling.
pub fn field_type(field: &Field) -> Option<String> {
    let ty = match field.ty.as_str() {
        "alias" => return None,
        "boolean" => "BOOLEAN",
        "byte" => "TINYINT",
        "short" => "SMALLINT",
        "integer" => "INT",
        "long" => "BIGINT",
        "unsigned_long" => "DECIMAL(20, 0)",
        "half_float" | "float" => "FLOAT",
        "double" | "scaled_float" => "DOUBLE",
        "binary" => "BYTES",
        "knn_vector" | "dense_vector" => "ARRAY<FLOAT>",
        "flat_object" | "flattened" => "MAP<STRING, STRING>",
        "date" => match field.format.as_deref() {
            Some("epoch_millis" | "epoch_second") => "BIGINT",
            Some("yyyy-MM-dd" | "date" | "strict_date") => "DATE",
            _ => "STRING",
        },
        "object" | "nested" if !field.fields.is_empty() => {
            let inner = field.fields.iter().filter_map(|f| Some(format!("{} {}", name(&f.name), field_type(f)?)));
            let row = match inner.collect::<Vec<_>>() {
                none if none.is_empty() => "STRING".to_string(),
                inner => format!("ROW<{}>", inner.join(", ")),
            };
            return Some(if field.ty == "nested" { format!("ARRAY<{row}>") } else { row });
        }
        // Several types, places and ranges, and what the service may have learned since.
        _ => "STRING",
    };
    Some(ty.to_string())
}

/// Adds the columns that documents of an index have to `proposal`.
pub fn propose(proposal: &mut Proposal, fields: &[Field]) {
    for field in fields {
        let Some(ty) = field_type(field) else { continue };
        let is_text = ["text", "keyword"].contains(&field.ty.as_str());
        let comment = (ty == "STRING" && !is_text).then(|| field.ty.clone());
        proposal.columns.push(Line::new(format!("{} {ty}", name(&field.name)), comment));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(ty: &str, format: Option<&str>, fields: Vec<Field>) -> Field {
        let format = format.map(str::to_string);
        Field { name: "order".into(), ty: ty.into(), format, fields, others: Vec::new() }
    }

    #[test]
    fn a_type_holds_what_documents_have() {
        for (ty, format, expected) in [
            ("keyword", None, Some("STRING")),
            ("unsigned_long", None, Some("DECIMAL(20, 0)")),
            ("scaled_float", None, Some("DOUBLE")),
            ("date", None, Some("STRING")),
            ("date", Some("strict_date_optional_time||epoch_millis"), Some("STRING")),
            ("date", Some("epoch_millis"), Some("BIGINT")),
            ("date", Some("yyyy-MM-dd"), Some("DATE")),
            ("long, keyword", None, Some("STRING")),
            ("object", None, Some("STRING")),
            ("alias", None, None),
        ] {
            assert_eq!(field_type(&field(ty, format, Vec::new())).as_deref(), expected, "{ty}");
        }
        let inner = vec![field("integer", None, Vec::new()), field("alias", None, Vec::new())];
        assert_eq!(field_type(&field("nested", None, inner)).unwrap(), "ARRAY<ROW<`order` INT>>");
        // Nothing but aliases: no ROW without fields.
        let inner = vec![field("alias", None, Vec::new())];
        assert_eq!(field_type(&field("object", None, inner)).unwrap(), "STRING");
    }
}
