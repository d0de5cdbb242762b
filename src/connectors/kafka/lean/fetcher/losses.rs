//! What doesn't go well: brokers that are away or silent, and partitions that can't be read meanwhile.

use std::time::Duration;

use rdkafka::error::RDKafkaErrorCode;
use tokio::time::Instant;

use super::LeanFetcher;
use crate::connectors::kafka::handshake::{Fault, MAYBE_NO_TLS, MAYBE_TLS};
use crate::connectors::kafka::lean::connection::Failure;
use crate::connectors::kafka::lean::partition::Partition;
use crate::connectors::kafka::lean::unreadable::{OTHER_CLIENT, too_large};
use crate::error::{Error, Result};

impl LeanFetcher {
    /// Says so where nobody has answered for long.
    pub(super) fn listen(&self) {
        let patience = self.settings.silence.max(self.settings.max_wait() + Duration::from_secs(2));
        if self.heard.elapsed() >= patience && (self.looks.is_looking || self.brokers.values().any(|b| b.is_busy)) {
            self.context.unanswered(self.heard.elapsed());
        }
    }

    /// Says once that partitions can't be read though brokers answer, and once that they all are again.
    pub(super) fn tell_of_trouble(&mut self) {
        if self.told.is_some() {
            if self.troubles(Duration::ZERO).next().is_none()
                && let Some(told) = self.told.take()
            {
                self.context.reads_again(&told);
            }
            return;
        }
        let mut stuck = self.troubles(self.settings.silence);
        let Some((first, why)) = stuck.next().filter(|_| !self.context.is_lost()) else { return };
        let others = match stuck.count() {
            0 => String::new(),
            others => format!(" and {others} more"),
        };
        let what = format!("topic \"{}\", partition {}{others}", first.split.topic, first.split.partition);
        self.context.waits_for(&what, why);
        self.told = Some(what);
    }

    /// The partitions that something has stood in the way of for so long, and what.
    fn troubles(&self, patience: Duration) -> impl Iterator<Item = (&Partition, &str)> {
        let open = self.partitions.iter().filter(|partition| partition.is_open());
        open.filter_map(move |partition| Some((partition, partition.trouble(patience)?)))
    }

    /// A broker's connection is gone, or there was none to be had: who leads its partitions now?
    pub(super) fn lose(&mut self, id: i32, failure: Failure) -> Result<()> {
        let mut what = failure;
        let mut was_standing = false;
        if let Some(broker) = self.brokers.get_mut(&id) {
            was_standing = broker.tries == 0;
            broker.is_busy = false;
            broker.connection = None;
            broker.tries += 1;
            broker.rests_until = Some(Instant::now() + self.settings.reconnect.after(broker.tries));
            if let Failure::Away(why) = what {
                what = Failure::Away(format!("{}: {why}", broker.address));
            }
        }
        let led = |partition: &&mut Partition| partition.leader.is_some_and(|leader| leader.broker == id);
        for partition in self.partitions.iter_mut().filter(led) {
            partition.loses_leader(what.words());
        }
        // Connections end, for one when a broker is stopped in good order: what counts is whether there is another.
        if was_standing && matches!(what, Failure::Away(_)) {
            tracing::debug!("a connection to Kafka has ended: {what:?}");
            return Ok(());
        }
        self.is_away(what)
    }

    /// A try to reach a broker has failed.
    pub(super) fn is_away(&mut self, failure: Failure) -> Result<()> {
        let stands =
            self.brokers.values().any(|broker| broker.tries == 0 && (broker.is_busy || broker.connection.is_some()));
        match failure {
            Failure::Away(why) => self.context.on_error(Some(RDKafkaErrorCode::BrokerTransportFailure), &why),
            Failure::BrokenOff { in_tls } => {
                let (when, hint) = match in_tls {
                    true => ("in the TLS handshake", MAYBE_NO_TLS),
                    false => ("before the broker said its version", MAYBE_TLS),
                };
                self.context.broke(Fault { why: format!("the connection was closed {when}"), hint });
            }
            // As librdkafka says it: the context looks what is wrong with the certificate.
            Failure::Tls(why) => self.context.on_error(Some(RDKafkaErrorCode::SSL), &why),
            Failure::Login(why) => {
                self.context.on_error(Some(RDKafkaErrorCode::Authentication), &format!("the login failed: {why}"));
                return Ok(());
            }
            Failure::Large { size, limit } => return Err(too_large(self.context.cluster(), size, limit)),
            Failure::Unable(why) => {
                self.is_unable = true;
                let what = format!("{}: {why}", self.context.cluster());
                return Err(Error::external(what).with_hint(OTHER_CLIENT));
            }
        }
        if !stands {
            self.context.lost_all();
        }
        Ok(())
    }
}
