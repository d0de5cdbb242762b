//! The Java client's settings, each with what becomes of it here, and the words that some of them take.
//! <https://kafka.apache.org/documentation/#configuration>

use super::properties::Role;
use crate::connectors::options::quoted_list;

/// One setting of the Java client.
pub struct Property {
    /// The Java client's name.
    pub java: &'static str,
    pub clients: Clients,
    pub becomes: Becomes,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Clients {
    Both,
    Consumer,
    Producer,
}

pub enum Becomes {
    /// The same under this name, with the Java client's default where it isn't librdkafka's.
    Setting(&'static str, Option<&'static str>),
    /// The same, but librdkafka writes the Java client's -1 ("leave it to the system", "never") as 0.
    SettingOrNone(&'static str, Option<&'static str>),
    /// How hard this codec compresses, where it is the one that is chosen.
    Level(&'static str),
    /// A setting of producers with transactions, under the same name.
    OfTransactions(&'static str),
    /// Read by the engine itself.
    Ours,
    /// Read by [`super::security`].
    Security,
    /// Without effect here, and why.
    Nothing(&'static str),
}

use Becomes::{Level, Nothing, OfTransactions, Ours, Security, Setting, SettingOrNone};
use Clients::{Both, Consumer, Producer};

const fn property(java: &'static str, clients: Clients, becomes: Becomes) -> Property {
    Property { java, clients, becomes }
}

const JAVA_ONLY: &str = "it names a class of the Java client";
const KERBEROS: &str = "there is no login with Kerberos";
const ENGINE: &str = "the engine decides it";

pub const PROPERTIES: &[Property] = &[
    // Connections.
    property("bootstrap.servers", Both, Setting("bootstrap.servers", None)),
    property("client.id", Both, Setting("client.id", Some("millstream"))),
    property("client.rack", Both, Setting("client.rack", None)),
    property("client.dns.lookup", Both, Setting("client.dns.lookup", Some("use_all_dns_ips"))),
    property("connections.max.idle.ms", Both, SettingOrNone("connections.max.idle.ms", Some("540000"))),
    property("reconnect.backoff.ms", Both, Setting("reconnect.backoff.ms", Some("50"))),
    property("reconnect.backoff.max.ms", Both, Setting("reconnect.backoff.max.ms", Some("1000"))),
    property("retry.backoff.ms", Both, Setting("retry.backoff.ms", Some("100"))),
    property("retry.backoff.max.ms", Both, Setting("retry.backoff.max.ms", Some("1000"))),
    property("socket.connection.setup.timeout.ms", Both, Setting("socket.connection.setup.timeout.ms", Some("10000"))),
    property("socket.connection.setup.timeout.max.ms", Both, Nothing("the timeout of a connection doesn't grow")),
    property("metadata.max.age.ms", Both, Setting("metadata.max.age.ms", Some("300000"))),
    property("metadata.recovery.strategy", Both, Setting("metadata.recovery.strategy", Some("rebootstrap"))),
    property(
        "metadata.recovery.rebootstrap.trigger.ms",
        Both,
        Setting("metadata.recovery.rebootstrap.trigger.ms", Some("300000")),
    ),
    property("send.buffer.bytes", Both, SettingOrNone("socket.send.buffer.bytes", None)),
    property("receive.buffer.bytes", Both, SettingOrNone("socket.receive.buffer.bytes", None)),
    property("enable.metrics.push", Both, Setting("enable.metrics.push", Some("true"))),
    property("request.timeout.ms", Consumer, Setting("socket.timeout.ms", Some("30000"))),
    property("request.timeout.ms", Producer, Setting("request.timeout.ms", Some("30000"))),
    // Reading.
    property("group.id", Consumer, Ours),
    property("auto.offset.reset", Consumer, Ours),
    property("isolation.level", Consumer, Setting("isolation.level", Some("read_committed"))),
    property("allow.auto.create.topics", Consumer, Setting("allow.auto.create.topics", Some("true"))),
    property("check.crcs", Consumer, Setting("check.crcs", Some("true"))),
    property("fetch.min.bytes", Consumer, Setting("fetch.min.bytes", Some("1"))),
    property("fetch.max.bytes", Consumer, Setting("fetch.max.bytes", Some("52428800"))),
    property("fetch.max.wait.ms", Consumer, Setting("fetch.wait.max.ms", Some("500"))),
    property("max.partition.fetch.bytes", Consumer, Setting("max.partition.fetch.bytes", Some("1048576"))),
    property("session.timeout.ms", Consumer, Setting("session.timeout.ms", Some("45000"))),
    property("heartbeat.interval.ms", Consumer, Setting("heartbeat.interval.ms", Some("3000"))),
    property("max.poll.interval.ms", Consumer, Setting("max.poll.interval.ms", Some("300000"))),
    property("group.instance.id", Consumer, Nothing("partitions are assigned by the engine, not by the group")),
    property("group.protocol", Consumer, Nothing("partitions are assigned by the engine, not by the group")),
    property("group.remote.assignor", Consumer, Nothing("partitions are assigned by the engine, not by the group")),
    property(
        "partition.assignment.strategy",
        Consumer,
        Nothing("partitions are assigned by the engine, not by the group"),
    ),
    property("enable.auto.commit", Consumer, Nothing("offsets are committed with checkpoints")),
    property("auto.commit.interval.ms", Consumer, Nothing("offsets are committed with checkpoints")),
    property("max.poll.records", Consumer, Nothing("micro-batches have their own limits")),
    property("exclude.internal.topics", Consumer, Nothing(ENGINE)),
    property("default.api.timeout.ms", Consumer, Nothing("'connection.max-retry-timeout' bounds the wait")),
    property("key.deserializer", Consumer, Nothing(JAVA_ONLY)),
    property("value.deserializer", Consumer, Nothing(JAVA_ONLY)),
    property("partition.discovery.interval.ms", Consumer, Nothing("see 'scan.topic-partition-discovery.interval'")),
    property("commit.offsets.on.checkpoint", Consumer, Ours),
    property("client.id.prefix", Consumer, Nothing("use 'properties.client.id'")),
    property("register.consumer.metrics", Consumer, Nothing(JAVA_ONLY)),
    // Writing.
    property("acks", Producer, Setting("acks", Some("all"))),
    property("enable.idempotence", Producer, Ours),
    property("retries", Producer, Setting("retries", Some("2147483647"))),
    property("delivery.timeout.ms", Producer, Setting("delivery.timeout.ms", Some("120000"))),
    // Left out, what is sent while little comes waits for nothing, see `KafkaProperties::lingers`.
    property("linger.ms", Producer, Setting("linger.ms", None)),
    // Not the Java client's 16384: with five requests of that size under way librdkafka polls in a busy loop, which
    // costs as much CPU as everything else together. It is a bound, and delays nothing: `linger.ms` does.
    property("batch.size", Producer, Setting("batch.size", Some("1000000"))),
    property("buffer.memory", Producer, Ours),
    property("max.request.size", Producer, Setting("message.max.bytes", Some("1048576"))),
    property(
        "max.in.flight.requests.per.connection",
        Producer,
        Setting("max.in.flight.requests.per.connection", Some("5")),
    ),
    property("compression.type", Producer, Setting("compression.type", Some("none"))),
    property("compression.gzip.level", Producer, Level("gzip")),
    property("compression.lz4.level", Producer, Level("lz4")),
    property("compression.zstd.level", Producer, Level("zstd")),
    property("max.block.ms", Producer, Nothing("a full buffer holds back the source for as long as it is full")),
    property("metadata.max.idle.ms", Producer, Nothing(ENGINE)),
    property("partitioner.class", Producer, Nothing("use 'sink.partitioner'")),
    property("partitioner.ignore.keys", Producer, Nothing("use 'sink.partitioner'")),
    property("partitioner.adaptive.partitioning.enable", Producer, Nothing(ENGINE)),
    property("partitioner.availability.timeout.ms", Producer, Nothing(ENGINE)),
    property("transaction.timeout.ms", Producer, OfTransactions("transaction.timeout.ms")),
    property("transactional.id", Producer, Nothing("'sink.transactional-id-prefix' and the job's name make it")),
    property("transaction.two.phase.commit.enable", Producer, Nothing("a transaction is committed by who began it")),
    property("key.serializer", Producer, Nothing(JAVA_ONLY)),
    property("value.serializer", Producer, Nothing(JAVA_ONLY)),
    // Java only.
    property("interceptor.classes", Both, Nothing(JAVA_ONLY)),
    property("metric.reporters", Both, Nothing(JAVA_ONLY)),
    property("metrics.num.samples", Both, Nothing(JAVA_ONLY)),
    property("metrics.recording.level", Both, Nothing(JAVA_ONLY)),
    property("metrics.sample.window.ms", Both, Nothing(JAVA_ONLY)),
    property("auto.include.jmx.reporter", Both, Nothing(JAVA_ONLY)),
    property("security.providers", Both, Nothing(JAVA_ONLY)),
    // Security: read by its own file.
    property("security.protocol", Both, Security),
    property("sasl.mechanism", Both, Security),
    property("sasl.jaas.config", Both, Security),
    property("sasl.kerberos.service.name", Both, Nothing(KERBEROS)),
    property("sasl.username", Both, Security),
    property("sasl.password", Both, Security),
    property("sasl.client.callback.handler.class", Both, Nothing(JAVA_ONLY)),
    property("sasl.login.callback.handler.class", Both, Nothing(JAVA_ONLY)),
    property("sasl.login.class", Both, Nothing(JAVA_ONLY)),
    property("ssl.endpoint.identification.algorithm", Both, Security),
    property("ssl.truststore.type", Both, Security),
    property("ssl.truststore.location", Both, Security),
    property("ssl.truststore.password", Both, Security),
    property("ssl.truststore.certificates", Both, Security),
    property("ssl.keystore.type", Both, Security),
    property("ssl.keystore.location", Both, Security),
    property("ssl.keystore.password", Both, Security),
    property("ssl.keystore.certificate.chain", Both, Security),
    property("ssl.keystore.key", Both, Security),
    property("ssl.key.password", Both, Security),
    property("ssl.ca.location", Both, Security),
    property("ssl.certificate.location", Both, Security),
    property("ssl.key.location", Both, Security),
    property("ssl.cipher.suites", Both, Setting("ssl.cipher.suites", None)),
    property("ssl.protocol", Both, Nothing("the newest protocol both sides know is used")),
    property("ssl.enabled.protocols", Both, Nothing("the newest protocol both sides know is used")),
    property("ssl.provider", Both, Nothing(JAVA_ONLY)),
    property("ssl.engine.factory.class", Both, Nothing(JAVA_ONLY)),
    property("ssl.keymanager.algorithm", Both, Nothing(JAVA_ONLY)),
    property("ssl.trustmanager.algorithm", Both, Nothing(JAVA_ONLY)),
    property("ssl.secure.random.implementation", Both, Nothing(JAVA_ONLY)),
];

impl Clients {
    pub fn includes(self, role: Role) -> bool {
        match self {
            Both => true,
            Consumer => role == Role::Consumer,
            Producer => role == Role::Producer,
        }
    }
}

/// Settings of which only some words are taken.
const WORDS: &[(&str, &[&str])] = &[
    ("acks", &["all", "-1", "0", "1"]),
    ("client.dns.lookup", &["use_all_dns_ips", "resolve_canonical_bootstrap_servers_only"]),
    ("compression.type", &["none", "gzip", "snappy", "lz4", "zstd"]),
    ("isolation.level", &["read_committed", "read_uncommitted"]),
    ("security.protocol", &["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]),
];

/// Why a value is refused, of which librdkafka speaks by its own names: `value 0 is outside allowed range 1..900000`.
pub fn refused(java: &str, value: &str, why: &str) -> String {
    if let Some((_, words)) = WORDS.iter().find(|(name, _)| *name == java) {
        return format!("'{value}' is not one of {}", quoted_list(words));
    }
    let range = why.split_once("allowed range ").and_then(|(_, range)| range.trim().split_once(".."));
    match range {
        Some((least, most)) if least.chars().all(|c| c.is_ascii_digit() || c == '-') => {
            format!("'{value}' is not between {least} and {most}")
        }
        _ if why.starts_with("Invalid value") => format!("'{value}' is not a value that it takes"),
        _ => why.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_value_is_named_with_what_is_allowed() {
        let codec = refused(
            "compression.type",
            "zip",
            "Invalid value \"zip\" for configuration property \"compression.codec\"",
        );
        assert_eq!(codec, "'zip' is not one of 'none', 'gzip', 'snappy', 'lz4', 'zstd'");
        let range = "Configuration property \"message.max.bytes\" value 10 is outside allowed range 1000..1000000000\n";
        assert_eq!(refused("max.request.size", "10", range), "'10' is not between 1000 and 1000000000");
        let number = "Invalid value for configuration property \"queue.buffering.max.ms\"";
        assert_eq!(refused("linger.ms", "x", number), "'x' is not a value that it takes");
        assert_eq!(refused("ssl.cipher.suites", "x", "no cipher"), "no cipher");
    }
}
