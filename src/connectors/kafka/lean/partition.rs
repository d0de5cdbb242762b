//! A partition that is read: how far, from whom, and what stands in its way.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use tokio::time::Instant;

use super::leaders::Leader;
use super::settings::Pause;
use crate::connectors::kafka::fetcher::KnownEnd;
use crate::connectors::kafka::split::KafkaSplit;

/// How long brokers may say that they don't know a partition: one that has just started may not have heard of it.
const UNKNOWN: Duration = Duration::from_secs(5);

/// One of the splits.
pub struct Partition {
    pub split: KafkaSplit,
    /// The offset to ask for next.
    pub position: i64,
    /// The reader has heard that it ends.
    pub ended: bool,
    pub leader: Option<Leader>,
    pub known_end: KnownEnd,
    /// When records of it were sent last, counted in answers: who waits longest comes first.
    pub served: u64,
    unknown_since: Option<Instant>,
    tries: u32,
    rests_until: Option<Instant>,
}

impl Partition {
    pub fn new(split: KafkaSplit) -> Self {
        Self {
            position: split.position,
            split,
            ended: false,
            leader: None,
            known_end: Arc::new(AtomicI64::new(-1)),
            served: 0,
            unknown_since: None,
            tries: 0,
            rests_until: None,
        }
    }

    /// True while there are records to ask for.
    pub fn is_open(&self) -> bool {
        !self.ended && self.split.end.is_none_or(|end| self.position < end)
    }

    /// When it may be asked for, if not now.
    pub fn rests_until(&self, now: Instant) -> Option<Instant> {
        self.rests_until.filter(|until| *until > now)
    }

    /// Its leader has answered.
    pub fn is_well(&mut self) {
        (self.tries, self.rests_until, self.unknown_since) = (0, None, None);
    }

    /// Its leader doesn't lead it, or can't now: looks for another, and asks after a pause.
    pub fn look_again(&mut self, pause: Pause) {
        self.leader = None;
        self.tries += 1;
        self.rests_until = Some(Instant::now() + pause.after(self.tries));
    }

    /// A broker doesn't know it. True when that has been so for too long.
    pub fn is_unknown(&mut self) -> bool {
        self.unknown_since.get_or_insert_with(Instant::now).elapsed() >= UNKNOWN
    }
}
