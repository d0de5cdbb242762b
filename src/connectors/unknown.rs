//! Options of a declaration that nobody knows: told as soon as the table is declared, and refused where it is used.

use super::options::{COMMON_OPTIONS, NOT_YET, OptionSpec, RawOptions};
use super::{Connector, OptionNotice};
use crate::error::did_you_mean;
use crate::formats::option_specs;

/// The options of a table of this connector that neither it nor the formats it names have; none where a format isn't
/// known, whose options they may be. `owner` names the table.
pub fn unknown_options(owner: &str, options: &RawOptions, connector: &dyn Connector) -> Vec<OptionNotice> {
    let Ok(formats) = option_specs(options, Some("json")) else { return Vec::new() };
    let specs: Vec<&OptionSpec> = COMMON_OPTIONS.iter().chain(connector.options()).chain(&formats).collect();
    let is_known = |key: &&str| NOT_YET.contains(key) || specs.iter().any(|spec| spec.matches(key));
    let notice = |key: &str| OptionNotice {
        key: key.to_string(),
        message: format!("unknown option '{key}' in {owner}"),
        hint: did_you_mean(key, specs.iter().map(|spec| spec.key).filter(|key| !key.ends_with('*'))),
        unknown: true,
    };
    options.keys().filter(|key| !is_known(key)).map(notice).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::{all, find};

    fn told(pairs: &[(&str, &str)]) -> Vec<(String, Option<String>)> {
        let options: RawOptions = pairs.iter().copied().collect();
        let connector = find(options.get("connector").unwrap(), None).unwrap();
        unknown_options("table \"t\"", &options, connector).into_iter().map(|n| (n.message, n.hint)).collect()
    }

    #[test]
    fn an_option_that_nobody_knows_is_told_with_the_nearest() {
        let kafka = [("connector", "kafka"), ("topc", "t"), ("scan.startup.mod", "x"), ("value.format", "json")];
        let hint = |key: &str| Some(format!("Did you mean \"{key}\"?"));
        assert_eq!(
            told(&kafka),
            [
                ("unknown option 'topc' in table \"t\"".to_string(), hint("topic")),
                ("unknown option 'scan.startup.mod' in table \"t\"".to_string(), hint("scan.startup.mode")),
            ]
        );
        let of_format = ("value.json.ignore-parse-error", "true");
        let hint = hint("value.json.ignore-parse-errors");
        assert_eq!(told(&[&kafka[..1], &kafka[3..], &[of_format]].concat())[0].1, hint);
    }

    #[test]
    fn what_is_known_is_not_told() {
        let known = [
            ("connector", "kafka"),
            ("properties.whatever", "x"),
            ("value.format", "json"),
            ("value.json.ignore-parse-errors", "true"),
            ("scan.watermark.idle-timeout", "5 s"),
            ("scan.watermark.alignment.group", "g"),
        ];
        assert_eq!(told(&known), []);
        assert_eq!(told(&[("connector", "datagen"), ("fields.a.kind", "sequence")]), []);
        assert_eq!(told(&[("connector", "kafka"), ("format", "avro"), ("avro.timestamp_mapping.legacy", "true")]), []);
        for connector in all() {
            let keys = connector.options().iter().filter(|spec| !spec.key.contains(['*', '#']));
            let options: Vec<_> = keys.map(|spec| (spec.key, "json")).filter(|(key, _)| *key != "format").collect();
            let told = unknown_options("it", &options.into_iter().collect(), *connector);
            assert!(told.is_empty(), "{}: {told:?}", connector.names()[0]);
        }
    }
}
