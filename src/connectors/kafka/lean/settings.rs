//! The settings of the native client, read out of those of librdkafka, and what it can't do.

use std::str::FromStr;
use std::time::Duration;

use rdkafka::ClientConfig;

use super::fetch::Wanted;
use super::scram::Hash;
#[cfg(feature = "tls")]
use super::tls::Tls;
use crate::connectors::kafka::properties::KafkaProperties;
use crate::error::Result;

/// An answer has no more bytes than this, so that little waits in memory; only a single batch may be larger.
const ANSWER_BYTES: i32 = 4 << 20;
/// A batch that is larger than all that may be fetched comes nevertheless: up to here, unless more may be fetched.
const BATCH_BYTES: usize = 100 << 20;

/// How long there is hope that what goes wrong is over soon.
const SILENCE: Duration = Duration::from_secs(6);

/// What the native client has to know.
#[derive(Clone)]
pub struct Settings {
    /// Brokers to begin with, as `host:port`.
    pub servers: Vec<String>,
    pub client_id: String,
    pub login: Option<Login>,
    #[cfg(feature = "tls")]
    pub tls: Option<Tls>,
    pub connect_timeout: Duration,
    pub request_timeout: Duration,
    /// How long to wait before another try to connect, and before another request.
    pub reconnect: Pause,
    pub retry: Pause,
    /// After so long without any answer it is said that nobody answers, and of a partition that it can't be read.
    pub silence: Duration,
    /// When to ask again who leads what though nothing is wrong, and when to close a connection that isn't used.
    pub metadata_age: Duration,
    pub idle: Option<Duration>,
    pub send_buffer: Option<u32>,
    pub receive_buffer: Option<u32>,
    pub wanted: Wanted,
    /// No batch is larger, also when it is unpacked, and no answer but for what stands around its records.
    pub batch_limit: usize,
    pub check_sums: bool,
}

/// A pause that grows with each try.
#[derive(Debug, Clone, Copy)]
pub struct Pause {
    first: Duration,
    longest: Duration,
}

impl Pause {
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest }
    }

    /// How long to wait after so many tries in a row: twice as long each time, and not all clients at once.
    pub fn after(&self, tries: u32) -> Duration {
        let grown = self.first.saturating_mul(1 << tries.saturating_sub(1).min(16)).min(self.longest.max(self.first));
        grown.mul_f64(rand::random_range(0.8..1.2))
    }
}

/// User and password, and how they are shown.
#[derive(Clone)]
pub struct Login {
    pub mechanism: Mechanism,
    pub user: String,
    pub password: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    Plain,
    Scram(Hash),
}

impl Mechanism {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "PLAIN" => Self::Plain,
            "SCRAM-SHA-256" => Self::Scram(Hash::Sha256),
            "SCRAM-SHA-512" => Self::Scram(Hash::Sha512),
            _ => return None,
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Scram(Hash::Sha256) => "SCRAM-SHA-256",
            Self::Scram(Hash::Sha512) => "SCRAM-SHA-512",
        }
    }
}

/// What of these settings only librdkafka can do; none where nothing is.
pub fn lacks(properties: &KafkaProperties) -> Option<String> {
    let get = |key| properties.config.get(key).unwrap_or_default();
    let protocol = get("security.protocol");
    if protocol.ends_with("ssl") && cfg!(not(feature = "tls")) {
        return Some(format!("'properties.security.protocol' = '{}'", protocol.to_uppercase()));
    }
    if protocol.ends_with("ssl") && !get("ssl.cipher.suites").is_empty() {
        return Some("'properties.ssl.cipher.suites'".into());
    }
    if !get("client.rack").is_empty() {
        return Some("'properties.client.rack'".into());
    }
    if !matches!(get("client.dns.lookup"), "" | "use_all_dns_ips") {
        return Some("'properties.client.dns.lookup'".into());
    }
    None
}

impl Settings {
    /// Settings that lack nothing, with the stores read in; their values have been checked by librdkafka.
    ///
    /// # Errors
    /// A certificate or a key that can't be used.
    pub fn new(properties: &KafkaProperties) -> Result<Self> {
        let config = &properties.config;
        let ms = |key, default| Duration::from_millis(number(config, key, default));
        let size = |key| Some(number(config, key, 0)).filter(|size| *size > 0);
        let protocol = config.get("security.protocol").unwrap_or_default();
        let mechanism = config.get("sasl.mechanism").and_then(Mechanism::of);
        let text = |key| config.get(key).unwrap_or_default().to_string();
        let fetch_max_bytes: i32 = number(config, "fetch.max.bytes", 52_428_800);
        Ok(Self {
            servers: properties.servers().split(',').filter(|s| !s.is_empty()).map(Into::into).collect(),
            client_id: text("client.id"),
            login: mechanism.filter(|_| protocol.starts_with("sasl")).map(|mechanism| Login {
                mechanism,
                user: text("sasl.username"),
                password: text("sasl.password"),
            }),
            #[cfg(feature = "tls")]
            tls: if protocol.ends_with("ssl") { Some(Tls::new(config)?) } else { None },
            connect_timeout: ms("socket.connection.setup.timeout.ms", 10_000),
            request_timeout: ms("socket.timeout.ms", 30_000),
            reconnect: Pause::new(ms("reconnect.backoff.ms", 50), ms("reconnect.backoff.max.ms", 1000)),
            retry: Pause::new(ms("retry.backoff.ms", 100), ms("retry.backoff.max.ms", 1000)),
            silence: SILENCE,
            metadata_age: ms("metadata.max.age.ms", 300_000),
            idle: Some(ms("connections.max.idle.ms", 540_000)).filter(|idle| !idle.is_zero()),
            send_buffer: size("socket.send.buffer.bytes"),
            receive_buffer: size("socket.receive.buffer.bytes"),
            wanted: Wanted {
                max_wait_ms: number(config, "fetch.wait.max.ms", 500),
                min_bytes: number(config, "fetch.min.bytes", 1),
                max_bytes: fetch_max_bytes.min(ANSWER_BYTES),
                partition_max_bytes: number(config, "max.partition.fetch.bytes", 1_048_576),
                committed_only: config.get("isolation.level") != Some("read_uncommitted"),
            },
            batch_limit: BATCH_BYTES.max(usize::try_from(fetch_max_bytes).unwrap_or(0)).min(u32::MAX as usize / 4),
            check_sums: config.get("check.crcs") != Some("false"),
        })
    }

    /// How long an answer to a request for records may take.
    pub fn fetch_timeout(&self) -> Duration {
        self.request_timeout + self.max_wait()
    }

    /// How long the broker may wait for records.
    pub fn max_wait(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.wanted.max_wait_ms).unwrap_or(0))
    }
}

fn number<N: FromStr>(config: &ClientConfig, key: &str, default: N) -> N {
    config.get(key).and_then(|value| value.trim().parse().ok()).unwrap_or(default)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::kafka::options::KafkaOptions;
    use crate::connectors::kafka::properties::Role;
    use crate::connectors::kafka::testing::table;

    fn properties(pairs: &[(&str, &str)]) -> KafkaProperties {
        let options = KafkaOptions::check(&table("a INT", pairs)).unwrap().options;
        KafkaProperties::build(&options, Role::Consumer, "g").unwrap()
    }

    #[test]
    fn settings_are_the_tables() {
        let settings = Settings::new(&properties(&[
            ("properties.fetch.max.wait.ms", "100"),
            ("properties.fetch.max.bytes", "1000"),
            ("properties.isolation.level", "read_uncommitted"),
            ("properties.request.timeout.ms", "5000"),
        ]))
        .unwrap();
        assert_eq!(settings.fetch_timeout(), Duration::from_millis(5100));
        assert_eq!((settings.wanted.max_bytes, settings.wanted.committed_only), (1000, false));
        let settings = Settings::new(&properties(&[])).unwrap();
        assert_eq!(settings.wanted.max_bytes, ANSWER_BYTES);
        assert_eq!(settings.wanted.partition_max_bytes, 1_048_576);
        assert!(settings.wanted.committed_only && settings.check_sums && settings.login.is_none());
        assert_eq!(settings.client_id, "millstream");
    }

    #[test]
    fn what_only_librdkafka_can_do_is_named() {
        assert_eq!(lacks(&properties(&[])), None);
        let rack = properties(&[("properties.client.rack", "a")]);
        assert_eq!(lacks(&rack).as_deref(), Some("'properties.client.rack'"));
    }

    #[test]
    fn pauses_grow_up_to_the_longest() {
        let pause = Pause::new(Duration::from_millis(100), Duration::from_secs(1));
        for (tries, ms) in [(1, 100), (2, 200), (4, 800), (5, 1000), (60, 1000)] {
            let expected = Duration::from_millis(ms);
            assert!((expected.mul_f64(0.79)..expected.mul_f64(1.21)).contains(&pause.after(tries)), "{tries}");
        }
    }
}
