//! What librdkafka says besides records: errors and log lines, kept for messages and told to people.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::handshake::{self, Fault};
use super::properties::KafkaProperties;
use crate::connectors::{DoorMetrics, Reporter};
use crate::error::{Error, Result};

/// Listens to one librdkafka client. Secrets are cut out of everything that leaves it.
#[derive(Clone)]
pub struct KafkaContext(Arc<Listener>);

struct Listener {
    /// `Kafka at 127.0.0.1:9092`
    cluster: String,
    properties: KafkaProperties,
    reporter: Reporter,
    metrics: Arc<DoorMetrics>,
    heard: Mutex<Heard>,
}

#[derive(Default)]
struct Heard {
    /// The last error.
    reason: Option<Fault>,
    /// An error after which trying again can't help.
    fatal: Option<Fault>,
    /// True between losing every broker and hearing from one again.
    lost: bool,
    /// Looks why a certificate is refused.
    looking: Option<JoinHandle<()>>,
}

impl KafkaContext {
    /// Listens to a client of these (loaded) settings; errors are counted.
    pub fn new(properties: &KafkaProperties, reporter: Reporter, metrics: Arc<DoorMetrics>) -> Self {
        let (cluster, properties) = (format!("Kafka at {}", properties.servers()), properties.clone());
        Self(Arc::new(Listener { cluster, properties, reporter, metrics, heard: Mutex::default() }))
    }

    /// How messages name the brokers: `Kafka at 127.0.0.1:9092`.
    pub fn cluster(&self) -> &str {
        &self.0.cluster
    }

    /// The brokers' addresses as the table gives them.
    pub fn servers(&self) -> &str {
        self.0.cluster.strip_prefix("Kafka at ").unwrap_or(&self.0.cluster)
    }

    /// `text` without any secret of the table.
    pub fn redact(&self, text: &str) -> String {
        let secrets = self.0.properties.secrets.iter().filter(|s| !s.is_empty());
        secrets.fold(text.to_string(), |text, secret| text.replace(secret.as_str(), "******"))
    }

    /// An error of librdkafka as ours: `doing what: why`. Where a broker is away, why is what the client heard from it.
    pub fn failure(&self, doing: &str, error: &KafkaError) -> Error {
        let heard = self.heard();
        if let Some(fatal) = &heard.fatal {
            return error_of(doing, fatal);
        }
        let retriable = error.rdkafka_error_code().is_some_and(is_retriable);
        let out = match &heard.reason {
            Some(reason) if retriable => error_of(doing, reason),
            _ => Error::external(format!("{doing}: {}", self.redact(&words(error)))),
        };
        if retriable { out.retriable() } else { out }
    }

    /// The error that ended the client, if one did.
    pub fn check(&self) -> Result<()> {
        match &self.heard().fatal {
            Some(fatal) => Err(error_of(self.cluster(), fatal)),
            None => Ok(()),
        }
    }

    /// Waits until it is known why a broker's certificate is refused, where that is being looked at. Blocks.
    pub fn settle(&self) {
        let looking = self.heard().looking.take();
        if let Some(looking) = looking {
            // A look that came to nothing leaves the client's own words.
            let _ = looking.join();
        }
    }

    /// A broker has answered: says so where its loss was told.
    pub fn answered(&self) {
        let mut heard = self.heard();
        heard.reason = None;
        if std::mem::take(&mut heard.lost) {
            drop(heard);
            self.0.reporter.news(&format!("{} answers again", self.cluster()));
        }
    }

    /// Nobody has answered for this long though connections stand: says so, once.
    pub fn unanswered(&self, silence: Duration) {
        if !std::mem::replace(&mut self.heard().lost, true) {
            let why = format!("no answer for {} s", silence.as_secs());
            self.0.reporter.waits_because(&format!("waiting for {}", self.cluster()), &why);
        }
    }

    /// Some partitions can't be read though brokers answer: says so.
    pub fn waits_for(&self, what: &str, why: &str) {
        let why = self.redact(why);
        self.0.reporter.waits_because(&format!("waiting for {what} of {}", self.cluster()), &why);
    }

    /// What was waited for is read again: says so.
    pub fn reads_again(&self, what: &str) {
        self.0.reporter.news(&format!("{} gives {what} again", self.cluster()));
    }

    /// True while every broker is away.
    pub fn is_lost(&self) -> bool {
        self.heard().lost
    }

    /// Something was not delivered.
    pub fn count_error(&self) {
        self.0.metrics.errors.fetch_add(1, Ordering::Relaxed);
    }

    fn heard(&self) -> std::sync::MutexGuard<'_, Heard> {
        self.0.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A line about a connection that ended; one without a request that waits for it is no error to librdkafka.
    fn on_end_of_connection(&self, line: &str) {
        let line = line.split_once("]: ").map_or(line, |(_thread, line)| line);
        if let Some(fault) = handshake::broken_off(line) {
            self.heard().reason.get_or_insert(fault);
        }
    }

    /// A connection could not be made, or has ended: why, for whoever asks.
    pub fn broke(&self, fault: Fault) {
        tracing::debug!(cluster = self.cluster(), why = %fault.why, "connection");
        self.heard().reason = Some(Fault { why: self.redact(&fault.why), hint: fault.hint });
        self.count_error();
    }

    /// No broker is there: says so, once.
    pub fn lost_all(&self) {
        let mut heard = self.heard();
        if !std::mem::replace(&mut heard.lost, true) {
            let why = heard.reason.as_ref().map_or(String::new(), |reason| format!(": {}", reason.why));
            drop(heard);
            self.0.reporter.waits(&format!("lost {}{why}; reconnecting", self.cluster()));
        }
    }

    /// Hears an error of the client.
    pub fn on_error(&self, code: Option<RDKafkaErrorCode>, reason: &str) {
        let reason = self.redact(reason);
        let broken_off = handshake::broken_off(&reason);
        // "(after 0ms in state CONNECT)" and the like say nothing to people.
        let reason = reason.split(" (after ").next().unwrap_or_default().to_string();
        tracing::debug!(cluster = self.cluster(), %reason, "librdkafka error");
        // TLS 1.3 refuses a client's certificate only after the handshake: the client hears an alert as it reads.
        let code = if reason.contains("SSL alert number 4") || reason.contains("SSL alert number 116") {
            Some(RDKafkaErrorCode::SSL)
        } else {
            code
        };
        let mut heard = self.heard();
        match code {
            // Said after each broker's own reason, which is worth more.
            Some(RDKafkaErrorCode::AllBrokersDown) => {
                // Its own words only count brokers.
                drop(heard);
                self.lost_all();
                return;
            }
            // A handshake or login that breaks off because the broker goes away says nothing of certificates or passwords.
            Some(RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SSL)
                if reason.contains("Local: ") || reason.contains("SSL transport error") => {}
            Some(code @ (RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SSL | RDKafkaErrorCode::Fatal))
                if heard.fatal.is_none() && heard.looking.is_none() =>
            {
                match handshake::address(&reason).filter(|_| is_about_certificate(&reason)) {
                    Some(address) => heard.looking = self.look(address, code, &reason),
                    None => heard.fatal = Some(self.fault(code, &reason)),
                }
            }
            _ => {}
        }
        heard.reason = Some(broken_off.unwrap_or(Fault { why: reason, hint: "" }));
        self.count_error();
    }

    /// Looks at a broker's certificate, which takes a round trip or some seconds of silence, on a thread of its own: this
    /// one may drive other things.
    fn look(&self, address: &str, code: RDKafkaErrorCode, reason: &str) -> Option<JoinHandle<()>> {
        let (this, address, reason) = (self.clone(), address.to_string(), reason.to_string());
        let look = move || {
            let looked = handshake::fault(&address, &this.0.properties.config);
            let fault = looked.unwrap_or_else(|| this.fault(code, &reason));
            this.heard().fatal.get_or_insert(fault);
        };
        std::thread::Builder::new().name("kafka-handshake".into()).spawn(look).ok()
    }
}

fn is_about_certificate(reason: &str) -> bool {
    reason.contains("certificate verify failed") || reason.contains("0A000086")
}

impl KafkaContext {
    /// What a reason after which trying again can't help means for people.
    fn fault(&self, code: RDKafkaErrorCode, reason: &str) -> Fault {
        let hint = match code {
            RDKafkaErrorCode::Authentication => {
                "Check 'properties.sasl.jaas.config' and 'properties.sasl.mechanism' of the table or its integration."
            }
            RDKafkaErrorCode::SSL if reason.contains("alert") => {
                return handshake::refused(reason, &self.0.properties.config);
            }
            RDKafkaErrorCode::SSL if reason.contains("wrong version number") => handshake::MAYBE_NO_TLS,
            _ => "",
        };
        // `sasl_ssl://127.0.0.1:9093/bootstrap: ` repeats what the message begins with.
        let why = match reason.split_once(": ") {
            Some((from, why)) if from.contains("://") => why,
            _ => reason,
        };
        Fault { why: why.to_string(), hint }
    }
}

fn error_of(doing: &str, fault: &Fault) -> Error {
    let error = Error::external(format!("{doing}: {}", fault.why));
    if fault.hint.is_empty() { error } else { error.with_hint(fault.hint) }
}

impl ClientContext for KafkaContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        let message = self.redact(message);
        if facility == "FAIL" {
            self.on_end_of_connection(&message);
        }
        match level {
            RDKafkaLogLevel::Debug => tracing::debug!(target: "millstream::kafka", facility, "{message}"),
            RDKafkaLogLevel::Info | RDKafkaLogLevel::Notice => {
                tracing::info!(target: "millstream::kafka", facility, "{message}")
            }
            // Errors come as errors too and are told once; here they are for whoever turns logging up.
            _ => tracing::info!(target: "millstream::kafka", facility, "{message}"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.on_error(error.rdkafka_error_code(), reason);
    }
}

impl ConsumerContext for KafkaContext {}

/// What librdkafka means, without Rust names around it.
pub fn words(error: &KafkaError) -> String {
    match error {
        KafkaError::ClientConfig(_, why, _, _) | KafkaError::ClientCreation(why) => why.clone(),
        KafkaError::Subscription(why) | KafkaError::Seek(why) | KafkaError::PauseResume(why) => why.clone(),
        other => match other.rdkafka_error_code() {
            Some(code) => code_words(code),
            None => other.to_string(),
        },
    }
}

/// `Broker: Unknown topic or partition` and the like, in lower case as our messages are.
pub fn code_words(code: RDKafkaErrorCode) -> String {
    let text = code.to_string();
    // rdkafka writes `UnknownTopicOrPartition (Broker: Unknown topic or partition)`.
    let inner = text.split_once('(').map_or(text.as_str(), |(_, rest)| rest.trim_end_matches(')'));
    let inner = inner.strip_prefix("Broker: ").or(inner.strip_prefix("Local: ")).unwrap_or(inner);
    let mut letters = inner.chars();
    letters.next().map_or(String::new(), |first| first.to_lowercase().chain(letters).collect())
}

/// True where waiting can help: connections, elections, timeouts.
pub fn is_retriable(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::OperationTimedOut
            | Code::TimedOutQueue
            | Code::MessageTimedOut
            | Code::Resolve
            | Code::RequestTimedOut
            | Code::NetworkException
            | Code::LeaderNotAvailable
            | Code::NotLeaderForPartition
            | Code::BrokerNotAvailable
            | Code::ReplicaNotAvailable
            | Code::CoordinatorNotAvailable
            | Code::CoordinatorLoadInProgress
            | Code::NotCoordinator
            | Code::WaitingForCoordinator
            | Code::RebalanceInProgress
            | Code::OffsetNotAvailable
            | Code::FencedLeaderEpoch
            | Code::UnknownLeaderEpoch
            | Code::KafkaStorageError
            | Code::NotController
            | Code::UnstableOffsetCommit
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(told: Arc<Mutex<Vec<String>>>) -> KafkaContext {
        let reporter = Reporter::new(move |line| told.lock().unwrap().push(line.to_string()));
        let mut config = rdkafka::ClientConfig::new();
        config.set("bootstrap.servers", "h:1");
        let properties = KafkaProperties { config, secrets: vec!["geheim".into()], stores: Vec::new() };
        KafkaContext::new(&properties, reporter, Arc::default())
    }

    #[test]
    fn a_lost_cluster_is_told_once_and_so_is_its_return() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let context = context(told.clone());
        for _ in 0..3 {
            context.on_error(Some(RDKafkaErrorCode::BrokerTransportFailure), "h:1: Connection refused");
            context.on_error(Some(RDKafkaErrorCode::AllBrokersDown), "1/1 brokers are down");
        }
        context.answered();
        context.answered();
        context.unanswered(Duration::from_secs(5));
        context.unanswered(Duration::from_secs(9));
        let expected = [
            "lost Kafka at h:1: h:1: Connection refused; reconnecting",
            "Kafka at h:1 answers again",
            "waiting for Kafka at h:1: no answer for 5 s",
        ];
        assert_eq!(*told.lock().unwrap(), expected);
    }

    #[test]
    fn a_failed_login_is_final_and_shows_no_secret() {
        let context = context(Arc::default());
        context.on_error(Some(RDKafkaErrorCode::Authentication), "SASL login with geheim failed");
        let error =
            context.failure("cannot read", &KafkaError::MetadataFetch(RDKafkaErrorCode::BrokerTransportFailure));
        assert_eq!(error.message(), "cannot read: SASL login with ****** failed");
        assert!(!error.is_retriable());
        assert!(context.check().is_err());
    }

    #[test]
    fn a_login_that_breaks_off_is_worth_another_try() {
        let context = context(Arc::default());
        let reason = "SASL SCRAM-SHA-256 mechanism handshake failed: Local: Broker transport failure";
        context.on_error(Some(RDKafkaErrorCode::Authentication), reason);
        context.on_error(Some(RDKafkaErrorCode::SSL), "SSL transport error: Connection timed out");
        assert!(context.check().is_ok());
    }

    #[test]
    fn a_port_that_breaks_off_the_handshake_is_named_with_its_likely_reason() {
        let context = context(Arc::default());
        // Both are what librdkafka makes of the same.
        for reason in [
            "ssl://h:1/bootstrap: SSL handshake failed: Disconnected: SSL connection closed by peer: connecting to a \
             PLAINTEXT broker listener? (after 3ms in state SSL_HANDSHAKE)",
            "ssl://h:1/bootstrap: Disconnected: SSL connection closed by peer (after 0ms in state SSL_HANDSHAKE)",
        ] {
            context.on_error(Some(RDKafkaErrorCode::BrokerTransportFailure), reason);
            let error =
                context.failure("cannot read", &KafkaError::MetadataFetch(RDKafkaErrorCode::BrokerTransportFailure));
            assert!(error.is_retriable());
            let expected = "cannot read: ssl://h:1/bootstrap: the connection was closed in the TLS handshake";
            assert_eq!((error.message(), error.hint()), (expected, Some(handshake::MAYBE_NO_TLS)));
        }
    }

    #[test]
    fn a_refused_connection_is_worth_another_try_and_keeps_its_reason() {
        let context = context(Arc::default());
        context.on_error(
            Some(RDKafkaErrorCode::BrokerTransportFailure),
            "Connection refused (after 0ms in state CONNECT)",
        );
        let error =
            context.failure("cannot read", &KafkaError::MetadataFetch(RDKafkaErrorCode::BrokerTransportFailure));
        assert!(error.is_retriable());
        assert_eq!(error.message(), "cannot read: Connection refused");
    }
}
