//! Which values options take.

use chrono_tz::Tz;

use super::{EARLIER, Effect, SETTINGS};
use crate::checkpoint::local_folder;
use crate::connectors::options::{parse_duration, quoted_list};
use crate::error::{Error, Result, nearest};

/// The values of `sql-client.execution.result-mode`: Flink's three, and ours.
pub const RESULT_MODES: &[&str] = &["TABLE", "CHANGELOG", "TABLEAU", "CSV", "JSON", "VERTICAL"];

/// The words that an option takes, where it takes nothing else.
pub fn allowed_words(key: &str) -> Option<&'static [&'static str]> {
    Some(match key {
        "table.dynamic-table-options.enabled"
        | "table.dml-sync"
        | "table.exec.mini-batch.enabled"
        | "table.exec.source.cdc-events-duplicate"
        | "sql-client.display.print-time-cost" => &["true", "false"],
        "table.exec.sink.not-null-enforcer" => &["ERROR", "DROP"],
        "table.exec.sink.type-length-enforcer" => &["IGNORE", "TRIM_PAD", "ERROR"],
        "table.exec.sink.upsert-materialize" | "table.exec.sink.keyed-shuffle" => &["AUTO", "NONE", "FORCE"],
        "table.optimizer.agg-phase-strategy" => &["AUTO", "TWO_PHASE", "ONE_PHASE"],
        "sql-client.execution.result-mode" => RESULT_MODES,
        "execution.runtime-mode" => &["STREAMING", "BATCH"],
        "execution.checkpointing.mode" => &["EXACTLY_ONCE", "AT_LEAST_ONCE"],
        "execution.checkpointing.externalized-checkpoint-retention" => {
            &["DELETE_ON_CANCELLATION", "RETAIN_ON_CANCELLATION", "NO_EXTERNALIZED_CHECKPOINTS"]
        }
        "execution.state-recovery.ignore-unclaimed-state" => &["true", "false"],
        "restart-strategy.type" => &[
            "exponential-delay",
            "exponentialdelay",
            "fixed-delay",
            "fixeddelay",
            "failure-rate",
            "failurerate",
            "none",
            "off",
            "disable",
        ],
        _ => return None,
    })
}

/// Whether an option takes a value.
///
/// # Errors
/// What it takes instead.
pub(super) fn check_value(key: &str, value: &str) -> Result<()> {
    if let Some((_, now)) = EARLIER.iter().find(|(earlier, _)| *earlier == key) {
        return check_value(now, value);
    }
    let expect = |fine: bool, expected: &str| match fine {
        true => Ok(()),
        false => Err(Error::statement(format!("option '{key}': '{value}' is not {expected}"))),
    };
    let word = |words: &[&str]| {
        let fine = words.iter().any(|w| w.eq_ignore_ascii_case(value));
        expect(fine, &format!("one of {}", quoted_list(words))).map_err(|error| {
            match nearest(value, words.iter().copied()) {
                Some(near) => error.with_hint(format!("Did you mean '{near}'?")),
                None => error,
            }
        })
    };
    if let Some(Effect::Only(values)) = SETTINGS.iter().find(|s| s.key == key).map(|s| s.effect)
        && !values.iter().any(|v| v.eq_ignore_ascii_case(value.trim()))
    {
        return Err(Error::unsupported(format!("'{key}' = '{value}'"))
            .with_hint(format!("It would change results; {} is supported.", quoted_list(values))));
    }
    match key {
        "parallelism.default" | "table.exec.resource.default-parallelism" => {
            expect(value.trim().parse::<i64>().is_ok_and(|n| n == -1 || n > 0), "a positive number")
        }
        "pipeline.micro-batch.max-rows" => {
            expect(value.parse::<usize>().is_ok_and(|n| (1..=1 << 20).contains(&n)), "a number from 1 to 1048576")
        }
        "table.display.max-column-width" => expect(value.parse::<usize>().is_ok_and(|n| n > 0), "a positive number"),
        "table.local-time-zone" => match parse_zone(value) {
            Some(_) => Ok(()),
            None => Err(Error::statement(format!("option '{key}': '{value}' is not a time zone"))
                .with_hint("Use a name such as 'UTC' or 'Europe/Berlin'.")),
        },
        "pipeline.auto-watermark-interval"
        | "table.exec.source.idle-timeout"
        | "table.exec.state.ttl"
        | "table.exec.mini-batch.allow-latency"
        | "execution.checkpointing.interval"
        | "execution.checkpointing.timeout"
        | "execution.checkpointing.min-pause"
        | "restart-strategy.fixed-delay.delay"
        | "restart-strategy.failure-rate.failure-rate-interval"
        | "restart-strategy.failure-rate.delay"
        | "restart-strategy.exponential-delay.initial-backoff"
        | "restart-strategy.exponential-delay.max-backoff"
        | "restart-strategy.exponential-delay.reset-backoff-threshold" => {
            expect(parse_duration(value).is_some(), "a duration such as '500 ms', '5 s' or '1 min'")
        }
        "table.exec.mini-batch.size" | "sql-client.execution.max-table-result.rows" => {
            expect(value.trim().parse::<i64>().is_ok(), "a number")
        }
        "execution.checkpointing.dir" | "execution.checkpointing.savepoint-dir" | "execution.state-recovery.path" => {
            local_folder(value).map(drop).map_err(|error| error.context(format!("option '{key}'")))
        }
        "execution.checkpointing.tolerable-failed-checkpoints"
        | "execution.checkpointing.num-retained"
        | "restart-strategy.fixed-delay.attempts"
        | "restart-strategy.failure-rate.max-failures-per-interval"
        | "restart-strategy.exponential-delay.attempts-before-reset-backoff" => {
            expect(value.trim().parse::<u32>().is_ok(), "a number")
        }
        "restart-strategy.exponential-delay.backoff-multiplier"
        | "restart-strategy.exponential-delay.jitter-factor" => {
            expect(value.trim().parse::<f64>().is_ok_and(f64::is_finite), "a number")
        }
        // As in Flink's SQL: it is for programs.
        "execution.runtime-mode" if value.eq_ignore_ascii_case("AUTOMATIC") => {
            Err(Error::unsupported(format!("'execution.runtime-mode' = '{value}'"))
                .with_hint("Set 'STREAMING' or 'BATCH'."))
        }
        _ => allowed_words(key).map_or(Ok(()), word),
    }
}

/// A zone by its IANA name; `default` and `UTC±n` spellings as in Java.
pub(super) fn parse_zone(name: &str) -> Option<Tz> {
    let name = name.trim();
    if name.eq_ignore_ascii_case("default") || name == "Z" {
        return Some(Tz::UTC);
    }
    if let Ok(zone) = name.parse::<Tz>() {
        return Some(zone);
    }
    // `GMT+2` means east of Greenwich in Java, and `Etc/GMT-2` the same in the tz database.
    let rest = name.strip_prefix("GMT").or_else(|| name.strip_prefix("UTC"))?;
    let (sign, hours) =
        rest.strip_prefix('+').map(|h| ('-', h)).or_else(|| rest.strip_prefix('-').map(|h| ('+', h)))?;
    let hours: u32 = hours.strip_suffix(":00").unwrap_or(hours).parse().ok()?;
    format!("Etc/GMT{sign}{hours}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;

    #[test]
    fn wrong_values_are_refused_with_what_is_allowed() {
        let mut settings = Settings::new();
        for (key, value, said) in [
            ("parallelism.default", "many", "option 'parallelism.default': 'many' is not a positive number"),
            ("table.local-time-zone", "Mars", "option 'table.local-time-zone': 'Mars' is not a time zone"),
            (
                "table.exec.state.ttl",
                "a day",
                "option 'table.exec.state.ttl': 'a day' is not a duration such as '500 ms', '5 s' or '1 min'",
            ),
            (
                "table.exec.sink.not-null-enforcer",
                "MAYBE",
                "option 'table.exec.sink.not-null-enforcer': 'MAYBE' is not one of 'ERROR', 'DROP'",
            ),
            ("execution.runtime-mode", "AUTOMATIC", "'execution.runtime-mode' = 'AUTOMATIC' is not supported"),
        ] {
            assert_eq!(settings.set(key, value).unwrap_err().message(), said);
        }
    }

    #[test]
    fn zones_are_read_as_java_reads_them() {
        assert_eq!(parse_zone("Europe/Berlin"), Some(Tz::Europe__Berlin));
        assert_eq!(parse_zone("GMT+02:00"), Some(Tz::Etc__GMTMinus2));
        assert_eq!(parse_zone("UTC-5"), Some(Tz::Etc__GMTPlus5));
        assert_eq!(parse_zone("nowhere"), None);
    }
}
