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
    /// The newest leader epoch that was heard of, and since when leaders of older ones are told of.
    newest_leader_epoch: i32,
    older_since: Option<Instant>,
    /// The leader epoch in which the record before the position was written, where that is known.
    pub read_leader_epoch: Option<i32>,
    /// The leader epoch whose leader is known to have what was read.
    pub proven_leader_epoch: i32,
    pub known_end: KnownEnd,
    /// When records of it were sent last, counted in answers: who waits longest comes first.
    pub served: u64,
    unknown_since: Option<Instant>,
    /// What stands in the way of reading it, and since when something does.
    trouble: Option<(Instant, String)>,
    /// Tries in a row that came to nothing, until when it is not asked for after the last one, and its leader not looked for.
    tries: u32,
    rests_until: Option<Instant>,
    looks_from: Option<Instant>,
}

impl Partition {
    pub fn new(split: KafkaSplit) -> Self {
        Self {
            position: split.position,
            newest_leader_epoch: split.leader_epoch.unwrap_or(-1),
            older_since: None,
            read_leader_epoch: split.leader_epoch,
            proven_leader_epoch: -1,
            split,
            ended: false,
            leader: None,
            known_end: Arc::new(AtomicI64::new(-1)),
            served: 0,
            unknown_since: None,
            trouble: None,
            tries: 0,
            rests_until: None,
            looks_from: None,
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

    /// Takes the leader that a broker tells of; false where it has none then. One of an older epoch than was heard of before
    /// is none: who tells so hasn't heard of the election yet. Where that doesn't pass, it is another topic of the same name.
    pub fn follow(&mut self, leader: Leader) -> bool {
        let is_older = (0..self.newest_leader_epoch).contains(&leader.leader_epoch);
        if is_older && self.leader.is_some() {
            return true;
        }
        if is_older && self.older_since.get_or_insert_with(Instant::now).elapsed() < UNKNOWN {
            return false;
        }
        (self.leader, self.newest_leader_epoch, self.older_since) = (Some(leader), leader.leader_epoch, None);
        true
    }

    /// The leader epoch; -1 where it isn't known.
    pub fn leader_epoch(&self) -> i32 {
        self.leader.map_or(-1, |leader| leader.leader_epoch)
    }

    /// The leader epoch of what was read, while the leader of another one may not have it.
    pub fn doubt(&self) -> Option<i32> {
        let now = self.leader_epoch();
        self.read_leader_epoch.filter(|read| now >= 0 && now != *read && now != self.proven_leader_epoch)
    }

    /// When it may be asked for, if not now.
    pub fn rests_until(&self, now: Instant) -> Option<Instant> {
        self.rests_until.filter(|until| *until > now)
    }

    /// When something is to be tried again.
    pub fn wakes_at(&self, now: Instant) -> impl Iterator<Item = Instant> {
        [self.rests_until, self.looks_from].into_iter().flatten().filter(move |at| *at > now)
    }

    /// Its leader has answered.
    pub fn is_well(&mut self) {
        (self.tries, self.rests_until, self.looks_from) = (0, None, None);
        (self.unknown_since, self.trouble) = (None, None);
    }

    /// Its leader doesn't lead it, or can't now: looks for another, the first time at once, and asks after a pause.
    pub fn look_again(&mut self, why: &str, pause: Pause) {
        self.has_no_leader(why, pause);
        self.rests_until = self.looks_from;
        self.looks_from = self.looks_from.filter(|_| self.tries > 1);
    }

    /// There is no leader: it is looked for again after a pause.
    pub fn has_no_leader(&mut self, why: &str, pause: Pause) {
        self.loses_leader(why);
        self.tries += 1;
        self.looks_from = Some(Instant::now() + pause.after(self.tries));
    }

    /// Its leader is away: another one is looked for at once.
    pub fn loses_leader(&mut self, why: &str) {
        (self.leader, self.looks_from) = (None, None);
        let since = self.trouble.as_ref().map_or_else(Instant::now, |(since, _)| *since);
        self.trouble = Some((since, why.into()));
    }

    /// True when its leader is to be looked for now.
    pub fn wants_leader(&self, now: Instant) -> bool {
        self.is_open() && self.leader.is_none() && self.looks_from.is_none_or(|from| from <= now)
    }

    /// What has stood in the way of reading it for so long.
    pub fn trouble(&self, patience: Duration) -> Option<&str> {
        self.trouble.as_ref().filter(|(since, _)| since.elapsed() >= patience).map(|(_, why)| &**why)
    }

    /// Nobody could have read it up to now, or heard of it.
    pub fn hopes_again(&mut self) {
        self.unknown_since = None;
        if let Some((since, _)) = &mut self.trouble {
            *since = Instant::now();
        }
    }

    /// A broker knows it.
    pub fn is_known(&mut self) {
        self.unknown_since = None;
    }

    /// A broker doesn't know it. True when that has been so for too long.
    pub fn is_unknown(&mut self) -> bool {
        self.unknown_since.get_or_insert_with(Instant::now).elapsed() >= UNKNOWN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition() -> Partition {
        let split =
            KafkaSplit { topic: "t".into(), partition: 0, position: 0, leader_epoch: None, end: None, bound: None };
        Partition::new(split)
    }

    fn long_ago() -> Instant {
        Instant::now().checked_sub(UNKNOWN).unwrap()
    }

    #[test]
    fn a_partition_is_unknown_only_while_no_broker_knows_it() {
        let mut partition = partition();
        assert!(!partition.is_unknown());
        partition.unknown_since = Some(long_ago());
        assert!(partition.is_unknown());
        // It was only late: whoever starts later may be late again.
        partition.is_known();
        assert!(!partition.is_unknown());
        // So may all be who come back together.
        partition.unknown_since = Some(long_ago());
        partition.hopes_again();
        assert!(!partition.is_unknown());
    }

    #[test]
    fn a_leader_is_looked_for_at_once_and_then_less_and_less_often() {
        let mut partition = partition();
        let pause = Pause::new(Duration::from_millis(100), Duration::from_secs(1));
        let now = Instant::now();
        partition.look_again("a", pause);
        assert!(partition.wants_leader(now) && partition.rests_until(now).is_some());
        for tries in 2..9 {
            let before = Instant::now();
            partition.has_no_leader("b", pause);
            let from = partition.looks_from.unwrap();
            let least = Duration::from_millis((100 << (tries - 1)).min(1000)).mul_f64(0.79);
            assert!(from >= before + least && !partition.wants_leader(before), "{tries}");
            assert!(partition.wants_leader(from));
        }
        assert_eq!((partition.trouble(Duration::ZERO), partition.trouble(UNKNOWN)), (Some("b"), None));
        partition.is_well();
        assert_eq!((partition.trouble(Duration::ZERO), partition.tries), (None, 0));
    }

    #[test]
    fn a_leader_that_reads_well_is_not_given_up_for_an_older_one() {
        let mut partition = partition();
        assert!(partition.follow(Leader { broker: 1, leader_epoch: 5 }));
        assert!(partition.follow(Leader { broker: 2, leader_epoch: 4 }));
        assert_eq!(partition.leader, Some(Leader { broker: 1, leader_epoch: 5 }));
        partition.loses_leader("away");
        assert!(!partition.follow(Leader { broker: 2, leader_epoch: 4 }));
        partition.older_since = Some(long_ago());
        assert!(partition.follow(Leader { broker: 2, leader_epoch: 4 }));
    }
}
