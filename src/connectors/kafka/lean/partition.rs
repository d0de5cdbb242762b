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
    /// The newest term of a leader that was heard of, and since when leaders of older ones are told of.
    newest_term: i32,
    older_since: Option<Instant>,
    /// The leader's term when the record before the position was written, where that is known.
    pub read_term: Option<i32>,
    /// The term whose leader is known to have what was read.
    pub proven_term: i32,
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
            newest_term: split.term.unwrap_or(-1),
            older_since: None,
            read_term: split.term,
            proven_term: -1,
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

    /// True when this broker leads it and may be asked for it now.
    pub fn waits_for(&self, broker: i32, now: Instant) -> bool {
        self.leader.is_some_and(|leader| leader.broker == broker) && self.is_open() && self.rests_until(now).is_none()
    }

    /// Takes the leader that a broker tells of. One of an older term than was heard of before is none: who tells so hasn't
    /// heard of the election yet. Where that doesn't pass, it is another topic of the same name.
    pub fn follow(&mut self, leader: Leader) {
        let is_older = (0..self.newest_term).contains(&leader.epoch);
        if is_older && self.older_since.get_or_insert_with(Instant::now).elapsed() < UNKNOWN {
            self.leader = None;
            return;
        }
        (self.leader, self.newest_term, self.older_since) = (Some(leader), leader.epoch, None);
    }

    /// The leader's term; -1 where it isn't known.
    pub fn term(&self) -> i32 {
        self.leader.map_or(-1, |leader| leader.epoch)
    }

    /// The term of what was read, while a leader of another one may not have it.
    pub fn doubt(&self) -> Option<i32> {
        let now = self.term();
        self.read_term.filter(|read| now >= 0 && now != *read && now != self.proven_term)
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
