//! Readings of CPUs, the same every time, and what the jobs must make of them.

use chrono::DateTime;
use serde_json::{Value, json};

use super::stage::THRESHOLDS;

/// 2021-10-11 12:53:09.277 UTC: late enough for the hours to pass one o'clock.
pub const START: i64 = 1_633_956_789_277;

pub struct Reading {
    pub host: &'static str,
    pub cpu: String,
    /// In tenths of a percent; None where the message doesn't say.
    pub usage: Option<i64>,
    pub at: i64,
}

/// `count` readings of seven hosts with thresholds and one without, out of order, many of them just below, at or just
/// above a threshold.
pub fn readings(count: i64) -> Vec<Reading> {
    (0..count).map(reading).collect()
}

fn reading(i: i64) -> Reading {
    let (host, threshold) = THRESHOLDS.get((i * 5 % 8) as usize).copied().unwrap_or(("gandalf", 0));
    let around = if i / 3 % 2 == 0 { 800 } else { threshold * 10 };
    let usage = match i / 7 % 4 {
        0 => around - 1,
        1 => around,
        2 => around + 1,
        _ => i * 371 % 1001,
    };
    Reading {
        host,
        cpu: format!("cpu{}", i % 4 + 1),
        usage: (i % 97 != 5).then_some(usage.max(0)),
        at: START + i * 1009 - i * 7919 % 8000,
    }
}

impl Reading {
    pub fn new(host: &'static str, usage: i64) -> Self {
        Self { host, cpu: "cpu1".into(), usage: Some(usage * 10), at: START }
    }

    /// As hosts publish it: with the key that sends a host's readings to one partition.
    pub fn record(&self) -> (&'static str, String) {
        let usage = self.usage.map(|_| format!("\"usage\": {}, ", self.usage())).unwrap_or_default();
        let (host, cpu, at) = (self.host, &self.cpu, self.at);
        (host, format!(r#"{{"hostname": "{host}", "cpu": "{cpu}", {usage}"occurred_at": {at}}}"#))
    }

    fn usage(&self) -> String {
        let tenths = self.usage.unwrap_or_default();
        format!("{}.{}", tenths / 10, tenths % 10)
    }

    fn is_above(&self, percent: i64) -> bool {
        self.usage.is_some_and(|tenths| tenths > percent * 10)
    }

    fn format_time(&self, pattern: &str) -> String {
        DateTime::from_timestamp_millis(self.at).unwrap().format(pattern).to_string()
    }

    /// The value job 1 writes, if any.
    pub fn high(&self) -> Option<String> {
        self.is_above(80).then(|| self.alert(None))
    }

    /// The value job 3 writes under this threshold, if any.
    pub fn above(&self, threshold: i64) -> Option<String> {
        self.is_above(threshold).then(|| self.alert(Some(threshold)))
    }

    fn alert(&self, threshold: Option<i64>) -> String {
        let seconds = self.format_time("%Y-%m-%d %H:%M:%S%.3f");
        let time = seconds.trim_end_matches('0').trim_end_matches('.');
        let (host, cpu, usage) = (self.host, &self.cpu, self.usage());
        let threshold = threshold.map(|t| format!(",\"threshold\":{t}")).unwrap_or_default();
        format!(r#"{{"time_ltz":"{time}","hostname":"{host}","cpu":"{cpu}","usage":{usage}{threshold}}}"#)
    }

    /// The document job 5 writes for that alert.
    pub fn document(&self, threshold: i64) -> Option<Value> {
        let usage = self.usage.unwrap_or_default() as f64 / 10.0;
        (self.is_above(threshold) && ["happy", "sleepy"].contains(&self.host)).then(|| {
            json!({
                "time_ltz": self.format_time("%Y/%m/%d %I:%M:%S"),
                "hostname": self.host, "cpu": self.cpu, "usage": usage, "threshold": threshold,
            })
        })
    }
}

/// What a host is allowed in the tutorial.
pub fn threshold(host: &str) -> Option<i64> {
    THRESHOLDS.iter().find(|(name, _)| *name == host).map(|(_, threshold)| *threshold)
}
