//! `properties.*`: the Java client's settings, their names and defaults, as settings of librdkafka.
//!
//! What a table leaves out takes the Java client's default (Kafka 4.1), not librdkafka's. Two differences are wanted:
//! `isolation.level` is `read_committed`, and `batch.size` is larger. Settings that only mean something inside a Java
//! process are left out and named by [`notices`], as are unknown ones: the Java client warns about those too.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;

use super::address;
use super::java::{
    Becomes::{Level, Nothing, OfTransactions, Ours, Security, Setting, SettingOrNone},
    PROPERTIES, Property, refused,
};
use super::security;
use super::stores::Store;
#[cfg(feature = "tls")]
use crate::connectors::authorities::{Systems, pem};
use crate::connectors::options::Options;
use crate::connectors::secrets::is_secret;
use crate::connectors::{OptionNotice, TableDescriptor};
use crate::error::{Result, nearest};

/// Which client a setting is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Consumer,
    Producer,
}

/// The settings of one client, ready for librdkafka.
#[derive(Clone)]
pub struct KafkaProperties {
    pub config: ClientConfig,
    /// Values that must never be shown.
    pub secrets: Vec<String>,
    /// Files that are read when a client is made.
    pub stores: Vec<Store>,
}

/// Without the settings, among which there are passwords.
impl std::fmt::Debug for KafkaProperties {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KafkaProperties({})", self.servers())
    }
}

/// Names of librdkafka's that are taken, and not offered.
const NOT_JAVA: &[&str] =
    &["sasl.username", "sasl.password", "ssl.ca.location", "ssl.certificate.location", "ssl.key.location"];

/// True for a setting of the Java client.
pub fn is_known(key: &str) -> bool {
    PROPERTIES.iter().any(|p| p.java == key)
}

/// The settings of a table that have no effect: unknown ones, and those that mean nothing here.
pub fn notices(table: &TableDescriptor) -> Vec<OptionNotice> {
    let mut notices = Vec::new();
    for (option, _) in table.options.iter() {
        let Some(key) = option.strip_prefix("properties.") else { continue };
        let owner = table.owner();
        let notice = |message, hint, unknown| OptionNotice { key: option.to_string(), message, hint, unknown };
        match PROPERTIES.iter().find(|p| p.java == key).map(|p| &p.becomes) {
            None => {
                let message = format!("option '{option}' of {owner} has no effect: the client has no such setting");
                let near = nearest(key, PROPERTIES.iter().map(|p| p.java).filter(|name| !NOT_JAVA.contains(name)));
                notices.push(notice(message, near.map(|near| format!("Did you mean 'properties.{near}'?")), true));
            }
            Some(Nothing(why)) => {
                notices.push(notice(format!("option '{option}' of {owner} has no effect: {why}"), None, false));
            }
            Some(Level(codec)) => {
                let chosen = table.options.get("properties.compression.type").unwrap_or("none").trim();
                let why = match chosen == *codec {
                    true if level_of(table.options.get(option).unwrap_or_default())
                        .is_none_or(|n| n <= HIGHEST_LEVEL) =>
                    {
                        continue;
                    }
                    true => format!("counts as {HIGHEST_LEVEL}, the highest level that the client knows"),
                    false => format!("means nothing without 'properties.compression.type' = '{codec}'"),
                };
                notices.push(notice(format!("option '{option}' of {owner} {why}"), None, false));
            }
            Some(OfTransactions(_)) if table.options.get("sink.delivery-guarantee") != Some("exactly-once") => {
                let why = "means nothing without 'sink.delivery-guarantee' = 'exactly-once'";
                notices.push(notice(format!("option '{option}' of {owner} {why}"), None, false));
            }
            Some(_) => {}
        }
    }
    notices
}

/// Every address has a port, as Java's client wants it.
fn check_servers(options: &Options, servers: &str) -> Result<()> {
    let has_port = |server: &str| address::host_and_port(server).is_some();
    match servers.split(',').map(str::trim).find(|server| !server.is_empty() && !has_port(server)) {
        Some(server) => {
            let error = options.invalid("properties.bootstrap.servers", format!("'{server}' has no port"));
            Err(error.with_hint("Write it as host:port, several with a comma between."))
        }
        None => Ok(()),
    }
}

/// librdkafka's highest level of every codec.
const HIGHEST_LEVEL: i32 = 12;

fn level_of(value: &str) -> Option<i32> {
    value.trim().parse().ok()
}

impl KafkaProperties {
    /// The settings of a table's client. `group` is the consumer group, also of clients that only look things up.
    ///
    /// # Errors
    /// A setting whose meaning can't be kept, named with what to use instead.
    pub fn build(options: &Options, role: Role, group: &str) -> Result<Self> {
        let mut built = Self { config: ClientConfig::new(), secrets: Vec::new(), stores: Vec::new() };
        built.set_defaults(role);
        for (key, value) in options.with_prefix("properties.") {
            if is_secret(key) {
                built.secrets.push(value.to_string());
            }
            built.set(role, key, value);
        }
        let servers: Vec<_> = built.servers().split(',').map(|server| address::bare(server.trim())).collect();
        let servers = servers.join(",");
        check_servers(options, &servers)?;
        if !servers.is_empty() {
            built.config.set("bootstrap.servers", servers);
        }
        security::apply(options, &mut built)?;
        match role {
            Role::Consumer => built.set_consumer(group),
            Role::Producer => built.set_producer(options)?,
        }
        built.check(options)?;
        Ok(built)
    }

    /// The settings with the stores read in: what a client is made of.
    ///
    /// # Errors
    /// A file that can't be read, is of another kind, or has another password.
    pub fn loaded(&self) -> Result<Self> {
        let mut loaded = self.clone();
        for store in loaded.stores.drain(..) {
            store.load(&mut loaded.config)?;
        }
        #[cfg(feature = "tls")]
        loaded.trust_somebody()?;
        Ok(loaded)
    }

    /// Where it isn't said whom to trust, the authorities are that the system trusts: librdkafka would look for them
    /// elsewhere.
    #[cfg(feature = "tls")]
    fn trust_somebody(&mut self) -> Result<()> {
        let is_set = |key| self.config.get(key).is_some();
        let is_tls = self.config.get("security.protocol").is_some_and(|protocol| protocol.ends_with("ssl"));
        if is_tls && !is_set("ssl.ca.pem") && !is_set("ssl.ca.location") {
            let systems = Systems::find()?;
            match systems.only_file() {
                Some(file) => _ = self.config.set("ssl.ca.location", file.to_string_lossy()),
                None => _ = self.config.set("ssl.ca.pem", pem(&systems.certificates()?)?),
            }
        }
        Ok(())
    }

    /// The brokers' addresses as the table gives them, but for a protocol before them.
    pub fn servers(&self) -> &str {
        self.config.get("bootstrap.servers").unwrap_or_default()
    }

    /// Lets no set of records grow beyond what the topic takes.
    pub fn limit_batches(&mut self, bytes: usize) {
        let now = self.config.get("batch.size").and_then(|size| size.parse().ok()).unwrap_or(1_000_000);
        self.config.set("batch.size", bytes.clamp(1, now).to_string());
    }

    /// Whether the table says how long records wait for company (`linger.ms`). Left out they wait 5 ms, and while
    /// few come for nothing.
    pub fn lingers(&self) -> bool {
        self.config.get("linger.ms").is_some()
    }

    /// How large key and value of a record may be together (`max.request.size`).
    pub fn message_bytes(&self) -> usize {
        self.config.get("message.max.bytes").and_then(|size| size.parse().ok()).unwrap_or(1 << 20)
    }

    /// Makes the settings those of a producer with transactions.
    ///
    /// What waits longer than a transaction may last waits for nothing: librdkafka refuses such settings, which the Java
    /// client takes.
    pub fn set_transactional(&mut self, id: &str) {
        let timeout = self.transaction_timeout().as_millis().to_string();
        let capped = |config: &ClientConfig, key: &str, default: u128| {
            let set = config.get(key).and_then(|value| value.parse().ok()).unwrap_or(default);
            set.min(self.transaction_timeout().as_millis()).to_string()
        };
        let delivery = capped(&self.config, "delivery.timeout.ms", 120_000);
        // Left alone, librdkafka would wait for every answer as long as a transaction may last.
        let request = capped(&self.config, "request.timeout.ms", 30_000);
        self.config
            .set("transactional.id", id)
            .set("transaction.timeout.ms", timeout)
            .set("delivery.timeout.ms", delivery)
            .set("socket.timeout.ms", request);
        // Nobody sees a row before its transaction is committed, which sends what waits: large requests cost less.
        if !self.lingers() {
            self.config.set("linger.ms", "20");
        }
    }

    /// How long a transaction may be open before the broker ends it (`transaction.timeout.ms`). Left out it is what every
    /// broker allows: Flink's hour is none of these, and a transaction that is ended costs nothing but a replay.
    pub fn transaction_timeout(&self) -> Duration {
        let set = self.config.get("transaction.timeout.ms").and_then(|value| value.parse().ok());
        Duration::from_millis(set.unwrap_or(900_000))
    }

    /// How long a record may wait until it is acknowledged (`delivery.timeout.ms`).
    pub fn delivery_timeout(&self) -> Duration {
        let set = self.config.get("delivery.timeout.ms").and_then(|value| value.parse().ok());
        Duration::from_millis(set.unwrap_or(120_000))
    }

    /// Whether records are compressed: then it can't be told how large one will be.
    pub fn compresses(&self) -> bool {
        self.config.get("compression.type").is_some_and(|codec| codec != "none")
    }

    /// Refuses settings under which there are no transactions.
    pub fn check_transactional(&self, options: &Options) -> Result<()> {
        if self.config.get("enable.idempotence") == Some("true") {
            return Ok(());
        }
        let error = options.invalid("sink.delivery-guarantee", "'exactly-once' needs an idempotent producer");
        Err(error.with_hint(
            "Leave out 'properties.enable.idempotence', 'properties.acks', 'properties.retries' and \
             'properties.max.in.flight.requests.per.connection', whose defaults make one.",
        ))
    }

    /// Lets librdkafka look at names and values; touches no broker and no file.
    fn check(&self, options: &Options) -> Result<()> {
        let Err(error) = self.config.create_native_config() else {
            return Ok(());
        };
        let (key, why) = match error {
            KafkaError::ClientConfig(_, why, key, _) => (key, why),
            other => (String::new(), other.to_string()),
        };
        let named = |p: &&Property| matches!(p.becomes, Setting(name, _) | SettingOrNone(name, _) | OfTransactions(name) if name == key);
        let java = PROPERTIES.iter().find(named).map_or(key.as_str(), |p| p.java);
        let option = format!("properties.{java}");
        let value = options.raw().get(&option).unwrap_or_default();
        let why = refused(java, value, &why);
        let shown = self.secrets.iter().filter(|s| !s.is_empty()).fold(why, |why, s| why.replace(s.as_str(), "******"));
        Err(options.invalid(&option, shown))
    }

    fn set_defaults(&mut self, role: Role) {
        for property in PROPERTIES.iter().filter(|p| p.clients.includes(role)) {
            if let Setting(name, Some(default)) | SettingOrNone(name, Some(default)) = property.becomes {
                self.config.set(name, default);
            }
        }
    }

    fn set(&mut self, role: Role, key: &str, value: &str) {
        // A setting that no client has is a warning; one of the other client is fine: a table may be source and sink.
        let Some(property) = PROPERTIES.iter().find(|p| p.java == key && p.clients.includes(role)) else {
            return;
        };
        match property.becomes {
            Setting(name, _) | OfTransactions(name) => {
                self.config.set(name, value.trim());
            }
            SettingOrNone(name, _) => {
                let value = value.trim();
                self.config.set(name, if value == "-1" { "0" } else { value });
            }
            Nothing(_) | Ours | Security | Level(_) => {}
        }
    }

    /// The level of the codec that is chosen; those of the others wait for theirs.
    fn set_level(&mut self, options: &Options) -> Result<()> {
        let codec = self.config.get("compression.type").unwrap_or("none");
        let option = format!("properties.compression.{codec}.level");
        if let Some(value) = options.raw().get(&option) {
            let level =
                level_of(value).ok_or_else(|| options.invalid(&option, format!("'{value}' is not a number")))?;
            self.config.set("compression.level", level.clamp(-1, HIGHEST_LEVEL).to_string());
        }
        Ok(())
    }

    fn set_consumer(&mut self, group: &str) {
        self.config
            .set("group.id", group)
            // Offsets live in checkpoints; a commit is a progress report.
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            // A lost range is an error with its name, never a silent jump.
            .set("auto.offset.reset", "error")
            // The end of a partition passes control and aborted records, which no record does.
            .set("enable.partition.eof", "true")
            // What waits in memory, for all partitions of a reader together.
            .set("queued.max.messages.kbytes", "32768")
            // The default, a second, lets a fast reader starve after it has drained the queue.
            .set("fetch.queue.backoff.ms", "5");
    }

    fn set_producer(&mut self, options: &Options) -> Result<()> {
        self.set_level(options)?;
        let memory = options.text("properties.buffer.memory").unwrap_or("33554432").trim().to_string();
        let bytes: u64 = memory
            .parse()
            .map_err(|_| options.invalid("properties.buffer.memory", format!("'{memory}' is not a number of bytes")))?;
        let idempotence = self.idempotence(options)?;
        self.config
            .set("queue.buffering.max.kbytes", (bytes / 1024).clamp(1, i32::MAX as u64).to_string())
            // Bounded by bytes alone, as in the Java client.
            .set("queue.buffering.max.messages", "0")
            .set("batch.num.messages", "1000000")
            .set("partitioner", "murmur2_random")
            .set("enable.idempotence", idempotence);
        Ok(())
    }

    /// True unless switched off, or another setting rules it out and nobody asked for it (as in the Java client).
    fn idempotence(&self, options: &Options) -> Result<&'static str> {
        let key = "properties.enable.idempotence";
        let number = |name: &str| self.config.get(name).and_then(|v| v.parse::<i64>().ok());
        let ruled_out = if !matches!(self.config.get("acks"), Some("all" | "-1")) {
            Some("'properties.acks' is not 'all'")
        } else if number("retries") == Some(0) {
            Some("'properties.retries' is 0")
        } else if number("max.in.flight.requests.per.connection").is_some_and(|n| n > 5) {
            Some("'properties.max.in.flight.requests.per.connection' is more than 5")
        } else {
            None
        };
        match (options.text(key).map(str::trim), ruled_out) {
            (Some("false"), _) | (None, Some(_)) => Ok("false"),
            (Some("true"), Some(why)) => Err(options.invalid(key, format!("idempotence is impossible because {why}"))),
            (Some("true") | None, None) => Ok("true"),
            (Some(other), _) => Err(options.invalid(key, format!("'{other}' is not true or false"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::kafka::options::KafkaOptions;
    use crate::connectors::kafka::testing::table;

    fn build(role: Role, pairs: &[(&str, &str)]) -> Result<KafkaProperties> {
        let options = KafkaOptions::check(&table("a INT", pairs))?.options;
        KafkaProperties::build(&options, role, "g")
    }

    #[test]
    fn every_default_is_one_librdkafka_takes() {
        for role in [Role::Consumer, Role::Producer] {
            let properties = build(role, &[]).unwrap();
            properties.config.create_native_config().unwrap();
        }
    }

    #[test]
    fn defaults_are_the_java_clients() {
        let producer = build(Role::Producer, &[]).unwrap().config;
        for (key, value) in [
            ("acks", "all"),
            ("batch.size", "1000000"),
            ("delivery.timeout.ms", "120000"),
            ("enable.idempotence", "true"),
            ("message.max.bytes", "1048576"),
            ("partitioner", "murmur2_random"),
            ("queue.buffering.max.kbytes", "32768"),
            ("request.timeout.ms", "30000"),
        ] {
            assert_eq!(producer.get(key), Some(value), "{key}");
        }
        let consumer = build(Role::Consumer, &[]).unwrap().config;
        for (key, value) in [
            ("check.crcs", "true"),
            ("connections.max.idle.ms", "540000"),
            ("fetch.wait.max.ms", "500"),
            ("group.id", "g"),
            ("isolation.level", "read_committed"),
            ("session.timeout.ms", "45000"),
            ("socket.timeout.ms", "30000"),
        ] {
            assert_eq!(consumer.get(key), Some(value), "{key}");
        }
    }

    #[test]
    fn a_protocol_before_a_broker_is_passed_over() {
        let servers = "PLAINTEXT://h:9092 , sasl_ssl://[::1]:9093";
        let properties = build(Role::Consumer, &[("properties.bootstrap.servers", servers)]).unwrap();
        assert_eq!(properties.servers(), "h:9092,[::1]:9093");
        let error = build(Role::Consumer, &[("properties.bootstrap.servers", "PLAINTEXT://h")]).unwrap_err();
        assert!(error.message().contains("'h' has no port"), "{error}");
    }

    #[test]
    fn java_names_become_librdkafkas() {
        let pairs = [
            ("properties.max.request.size", "2000000"),
            ("properties.buffer.memory", "1048576"),
            ("properties.compression.type", "zstd"),
            ("properties.compression.zstd.level", "3"),
            ("properties.send.buffer.bytes", "-1"),
            ("properties.connections.max.idle.ms", "-1"),
        ];
        let config = build(Role::Producer, &pairs).unwrap().config;
        assert_eq!(config.get("message.max.bytes"), Some("2000000"));
        assert_eq!(config.get("queue.buffering.max.kbytes"), Some("1024"));
        assert_eq!(config.get("compression.type"), Some("zstd"));
        assert_eq!(config.get("compression.level"), Some("3"));
        assert_eq!(config.get("socket.send.buffer.bytes"), Some("0"));
        assert_eq!(config.get("connections.max.idle.ms"), Some("0"));
        config.create_native_config().unwrap();
    }

    #[test]
    fn java_only_and_unknown_settings_are_told_of() {
        let pairs =
            [("properties.key.deserializer", "x.Y"), ("properties.fetch.min.bites", "1"), ("properties.acks", "1")];
        let told: Vec<_> = notices(&table("a INT", &pairs))
            .into_iter()
            .map(|notice| (notice.key, notice.message, notice.hint, notice.unknown))
            .collect();
        let owner = "of table \"t\" (connector \"kafka\") has no effect";
        assert_eq!(
            told,
            [
                (
                    "properties.key.deserializer".to_string(),
                    format!("option 'properties.key.deserializer' {owner}: it names a class of the Java client"),
                    None,
                    false
                ),
                (
                    "properties.fetch.min.bites".to_string(),
                    format!("option 'properties.fetch.min.bites' {owner}: the client has no such setting"),
                    Some("Did you mean 'properties.fetch.min.bytes'?".to_string()),
                    true
                ),
            ]
        );
    }

    #[test]
    fn no_wait_of_a_producer_is_longer_than_its_transactions() {
        let mut properties = build(Role::Producer, &[("properties.transaction.timeout.ms", "20000")]).unwrap();
        properties.set_transactional("p-job-0");
        for (key, value) in
            [("transaction.timeout.ms", "20000"), ("delivery.timeout.ms", "20000"), ("socket.timeout.ms", "20000")]
        {
            assert_eq!(properties.config.get(key), Some(value), "{key}");
        }
        let mut properties = build(Role::Producer, &[]).unwrap();
        properties.set_transactional("p-job-0");
        assert_eq!(properties.config.get("transaction.timeout.ms"), Some("900000"));
        assert_eq!(properties.config.get("delivery.timeout.ms"), Some("120000"));
        let error = build(Role::Producer, &[("properties.transaction.timeout.ms", "soon")]).unwrap_err();
        assert!(error.message().starts_with("option 'properties.transaction.timeout.ms' of table \"t\""), "{error}");
    }

    #[test]
    fn a_setting_of_the_other_client_is_left_alone() {
        let pairs = [("properties.linger.ms", "100")];
        assert_eq!(build(Role::Consumer, &pairs).unwrap().config.get("linger.ms"), None);
        assert!(notices(&table("a INT", &pairs)).is_empty());
    }

    #[test]
    fn a_value_that_no_client_takes_is_refused_before_anything_runs() {
        for (key, role) in [("properties.fetch.min.bytes", Role::Consumer), ("properties.acks", Role::Producer)] {
            let error = build(role, &[(key, "many")]).unwrap_err();
            assert!(error.message().starts_with(&format!("option '{key}' of table \"t\"")), "{error}");
        }
    }

    #[test]
    fn idempotence_yields_to_acks_unless_it_was_asked_for() {
        let config = build(Role::Producer, &[("properties.acks", "1")]).unwrap().config;
        assert_eq!(config.get("enable.idempotence"), Some("false"));
        let pairs = [("properties.acks", "1"), ("properties.enable.idempotence", "true")];
        let error = build(Role::Producer, &pairs).unwrap_err();
        assert!(error.message().contains("idempotence is impossible because 'properties.acks'"), "{error}");
    }
}
