//! Options that are written and do nothing, found by what each says of itself.

use super::OptionNotice;
use super::connector::TableDescriptor;
use super::options::{COMMON_OPTIONS, DELIVERY_GUARANTEE, OptionEffect, OptionSpec, RawOptions, quoted_list};
use crate::formats::option_specs;

/// The options of a table that mean nothing beside the others, or nothing here at all.
pub fn idle_options(table: &TableDescriptor, connector: &[OptionSpec]) -> Vec<OptionNotice> {
    // A table whose format is unknown is refused elsewhere.
    let formats = option_specs(&table.options, Some("json")).unwrap_or_default();
    let specs: Vec<&OptionSpec> = COMMON_OPTIONS.iter().chain(connector).chain(&formats).collect();
    let spec_of = |key: &str| specs.iter().find(|spec| spec.key == key).copied();
    let notice = |key: &str| {
        let met = |other, values| is_met(&table.options, other, values, spec_of(other).and_then(|spec| spec.default));
        let message = match spec_of(key)?.effect {
            OptionEffect::Always => return None,
            OptionEffect::Never(why) => format!("has no effect: {why}"),
            OptionEffect::With(other, values) if met(other, values) => return None,
            OptionEffect::With(other, values) => format!("means nothing without {}", condition(other, values)),
            OptionEffect::Unless(other, values) if !met(other, values) => return None,
            OptionEffect::Unless(other, values) => format!("means nothing with {}", condition(other, values)),
        };
        let message = format!("option '{key}' of {} {message}", table.owner());
        Some(OptionNotice { key: key.to_string(), message, hint: None, unknown: false })
    };
    table.options.keys().filter_map(notice).collect()
}

/// The options of a table that mean nothing because the checkpoints of its job make it exactly-once, though it doesn't
/// say so.
pub fn idle_in_epochs(table: &TableDescriptor, connector: &[OptionSpec]) -> Vec<OptionNotice> {
    let guarantee = DELIVERY_GUARANTEE.key;
    if table.options.get(guarantee).is_some() {
        return Vec::new();
    }
    let idle = |key: &&str| {
        let spec = connector.iter().find(|spec| spec.key == *key);
        spec.is_some_and(
            |spec| matches!(spec.effect, OptionEffect::Unless(other, ["exactly-once"]) if other == guarantee),
        )
    };
    let notice = |key: &str| OptionNotice {
        key: key.to_string(),
        message: format!(
            "option '{key}' of {} has no effect: its rows are published with the checkpoints of the job",
            table.owner()
        ),
        hint: Some(format!("'{guarantee}' = 'at-least-once' writes them as they come.")),
        unknown: false,
    };
    table.options.keys().filter(idle).map(notice).collect()
}

fn is_met(options: &RawOptions, other: &str, values: &[&str], default: Option<&str>) -> bool {
    match values {
        [] => options.get(other).is_some(),
        values => {
            let value = options.get(other).or(default).unwrap_or_default();
            values.iter().any(|wanted| wanted.eq_ignore_ascii_case(value))
        }
    }
}

/// `'scan.startup.mode' = 'timestamp'`
pub fn condition(option: &str, values: &[&str]) -> String {
    match values {
        [] => format!("'{option}'"),
        [value] => format!("'{option}' = '{value}'"),
        values => format!("'{option}' = {}", quoted_list(values).replace("', '", "' or '")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::find;
    use crate::types::{Field, Schema, SqlType};

    fn table(connector: &str, pairs: &[(&str, &str)]) -> TableDescriptor {
        TableDescriptor {
            name: "t".into(),
            columns: [Field::new("a", SqlType::string())].into_iter().collect::<Schema>(),
            metadata: Vec::new(),
            primary_key: Vec::new(),
            partition_keys: Vec::new(),
            options: [("connector", connector)].iter().chain(pairs).copied().collect(),
            zone: chrono_tz::UTC,
        }
    }

    fn idle(connector: &str, pairs: &[(&str, &str)]) -> Vec<String> {
        let notices = idle_options(&table(connector, pairs), find(connector, None).unwrap().options());
        assert!(notices.iter().all(|notice| notice.message.contains(&format!("'{}'", notice.key))));
        notices.into_iter().map(|notice| notice.message).collect()
    }

    #[test]
    fn an_option_of_another_mode_means_nothing() {
        let bound = ("lookup.partial-cache.max-rows", "7");
        let said = "option 'lookup.partial-cache.max-rows' of table \"t\" (connector \"jdbc\") means nothing without \
                    'lookup.cache' = 'PARTIAL'";
        assert_eq!(idle("jdbc", &[bound]), [said]);
        assert!(idle("jdbc", &[bound, ("lookup.cache", "partial")]).is_empty());
        assert_eq!(idle("jdbc", &[("lookup.cache.caching-missing-key", "false")]).len(), 1);
        let offsets = ("scan.startup.specific-offsets", "partition:0,offset:1");
        assert_eq!(idle("kafka", &[offsets, ("scan.startup.mode", "earliest-offset")]).len(), 1);
        assert!(idle("kafka", &[offsets, ("scan.startup.mode", "specific-offsets")]).is_empty());
        assert_eq!(idle("kafka", &[("scan.bounded.timestamp-millis", "7")]).len(), 1);
        assert_eq!(idle("kafka", &[("sink.transactional-id-prefix", "a")]).len(), 1);
        let delay = ("sink.bulk-flush.backoff.delay", "1 s");
        assert!(
            idle("opensearch", &[delay])[0]
                .ends_with("'sink.bulk-flush.backoff.strategy' = 'CONSTANT' or 'EXPONENTIAL'")
        );
        assert!(idle("opensearch", &[delay, ("sink.bulk-flush.backoff.strategy", "CONSTANT")]).is_empty());
        let (interval, guarantee) = (("sink.bulk-flush.interval", "1 s"), "sink.delivery-guarantee");
        let said = idle("opensearch", &[interval, (guarantee, "exactly-once")]);
        assert!(said[0].ends_with("means nothing with 'sink.delivery-guarantee' = 'exactly-once'"), "{said:?}");
        assert!(idle("opensearch", &[interval, (guarantee, "at-least-once")]).is_empty());
        assert!(idle("opensearch", &[interval]).is_empty());
        assert_eq!(
            idle("filesystem", &[("sink.partition-commit.delay", "1 h"), ("compaction.file-size", "1 mb")]).len(),
            2
        );
    }

    #[test]
    fn what_fills_a_buffer_means_nothing_where_the_epoch_does() {
        let interval = ("sink.buffer-flush.interval", "2 s");
        let said = "option 'sink.buffer-flush.interval' of table \"t\" (connector \"jdbc\") means nothing with \
                    'sink.delivery-guarantee' = 'exactly-once'";
        assert_eq!(idle("jdbc", &[interval, ("sink.delivery-guarantee", "exactly-once")]), [said]);
        assert!(idle("jdbc", &[interval, ("sink.delivery-guarantee", "at-least-once")]).is_empty());
        assert!(idle("jdbc", &[interval]).is_empty());
        let [asked, unasked] =
            [&[interval, ("sink.delivery-guarantee", "exactly-once")][..], &[interval]].map(|pairs| {
                let notices = idle_in_epochs(&table("jdbc", pairs), find("jdbc", None).unwrap().options());
                notices.into_iter().map(|notice| notice.message).collect::<Vec<_>>()
            });
        assert!(asked.is_empty(), "it is told already");
        let said = "option 'sink.buffer-flush.interval' of table \"t\" (connector \"jdbc\") has no effect: its rows are \
                    published with the checkpoints of the job";
        assert_eq!(unasked, [said]);
    }

    #[test]
    fn an_option_that_does_nothing_here_says_why() {
        let said = "option 'scan.auto-commit' of table \"t\" (connector \"jdbc\") has no effect: a scan is one statement, \
                    which streams either way";
        assert_eq!(idle("jdbc", &[("scan.auto-commit", "false")]), [said]);
        let keys = [
            ("value.format", "json"),
            ("value.json.map-null-key.mode", "DROP"),
            ("value.json.fail-on-missing-field", "true"),
        ];
        assert_eq!(idle("kafka", &keys).len(), 1);
        assert_eq!(idle("filesystem", &[("format", "json"), ("json.map-null-key.literal", "x")]).len(), 1);
        assert!(
            idle("opensearch", &[("connection.request-timeout", "1 s")])[0].contains("never waits for a connection")
        );
    }
}
