//! Sessions: rows of a key that follow each other within a gap. They grow with their rows and run into each other.

use std::collections::BTreeMap;

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;

use super::windows::{Window, WindowClock};
use crate::error::Result;
use crate::operators::StateSize;
use crate::operators::aggregate::GroupKeys;
use crate::time::Watermark;

/// The open sessions of all keys. Each has a slot for what is kept of it.
pub struct Sessions {
    keys: GroupKeys,
    /// By key and start: those of a key lie apart from each other, so they end in this order too.
    open: BTreeMap<(u32, i64), Session>,
    /// Key and start by end and number: the order in which they will be over.
    ends: BTreeMap<(i64, u64), (u32, i64)>,
    slots: u32,
    /// How many sessions have begun.
    begun: u64,
    free: Vec<u32>,
    gap: i64,
    clock: WindowClock,
}

#[derive(Debug, Clone, Copy)]
struct Session {
    end: i64,
    slot: u32,
    /// How many had begun before it: of sessions that end together the one that began first comes first.
    number: u64,
}

impl Session {
    fn over(self, (key, start): (u32, i64)) -> Over {
        Over { key, window: Window { start, end: self.end }, slot: self.slot }
    }
}

/// Where a row belongs.
#[derive(Debug, PartialEq, Eq)]
pub enum Place {
    Late,
    /// What the slots of `merged` hold belongs here now.
    Slot {
        slot: u32,
        merged: Vec<u32>,
    },
}

/// A session that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Over {
    pub key: u32,
    pub window: Window,
    pub slot: u32,
}

impl Sessions {
    /// Of keys in the columns `key` of `schema`.
    pub fn try_new(schema: &SchemaRef, key: &[usize], gap: i64, clock: WindowClock) -> Result<Self> {
        let keys = GroupKeys::try_new(schema, key)?;
        let (open, ends) = (BTreeMap::new(), BTreeMap::new());
        Ok(Self { keys, open, ends, slots: 0, begun: 0, free: Vec::new(), gap, clock })
    }

    /// How many slots there are, free ones included.
    pub fn slots(&self) -> usize {
        self.slots as usize
    }

    pub fn size(&self) -> StateSize {
        // Every session is in two trees, whose nodes are two thirds full as a rule.
        let session = (size_of::<((u32, i64), Session)>() + size_of::<((i64, u64), (u32, i64))>()) * 3 / 2;
        let free = self.free.capacity() * size_of::<u32>();
        StateSize { keys: self.open.len(), bytes: self.keys.memory() + free + self.open.len() * session }
    }

    /// The keys of rows.
    pub fn intern(&mut self, columns: &[ArrayRef], rows: usize) -> Result<Vec<u32>> {
        self.keys.intern(columns, rows)
    }

    pub fn key_columns(&self, keys: &[u32]) -> Result<Vec<ArrayRef>> {
        self.keys.keys(keys)
    }

    /// Puts a row into a session: those it touches become one with it. It is late where even then the session is over.
    pub fn place(&mut self, key: u32, time: i64, progress: Watermark) -> Place {
        let row = Window { start: time, end: time.saturating_add(self.gap) };
        let until_row = self.open.range((key, i64::MIN)..=(key, row.end)).rev();
        let mut touched =
            until_row.map(|(place, session)| (*place, *session)).take_while(|(_, it)| row.start <= it.end);
        let Some(last) = touched.next() else {
            if self.clock.is_over(row.end, progress) {
                return Place::Late;
            }
            return Place::Slot { slot: self.open(key, row), merged: Vec::new() };
        };
        let before: Vec<((u32, i64), Session)> = touched.collect();
        let ((_, first_start), Session { slot, .. }) = *before.last().unwrap_or(&last);
        let window = Window { start: row.start.min(first_start), end: row.end.max(last.1.end) };
        if before.is_empty() && window.start == first_start && window.end == last.1.end {
            return Place::Slot { slot, merged: Vec::new() };
        }
        let mut number = u64::MAX;
        for (place, session) in before.iter().chain([&last]) {
            self.open.remove(place);
            self.ends.remove(&(session.end, session.number));
            number = number.min(session.number);
        }
        self.insert(key, window, slot, number);
        let others = before.iter().rev().chain([&last]).skip(1);
        let merged: Vec<u32> = others.map(|(_, session)| session.slot).collect();
        self.free.extend(&merged);
        Place::Slot { slot, merged }
    }

    /// Begins a session that touches no other; gives its slot.
    pub fn open(&mut self, key: u32, window: Window) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots += 1;
            self.slots - 1
        });
        self.insert(key, window, slot, self.begun);
        self.begun += 1;
        slot
    }

    fn insert(&mut self, key: u32, window: Window, slot: u32, number: u64) {
        self.open.insert((key, window.start), Session { end: window.end, slot, number });
        self.ends.insert((window.end, number), (key, window.start));
    }

    /// All open sessions in the order in which they began.
    pub fn all(&self) -> Vec<Over> {
        let mut all: Vec<(u64, Over)> =
            self.open.iter().map(|(place, session)| (session.number, session.over(*place))).collect();
        all.sort_unstable_by_key(|(number, _)| *number);
        all.into_iter().map(|(_, session)| session).collect()
    }

    /// When the next session is over.
    pub fn next_end(&self) -> Option<i64> {
        self.ends.first_key_value().map(|((end, _), _)| *end)
    }

    /// Takes out sessions that are over, `most` at once, in the order of their ends and of their beginnings. Their slots are
    /// free once [`Sessions::release`] is told.
    pub fn take_over(&mut self, progress: Watermark, most: usize) -> Vec<Over> {
        let mut over = Vec::new();
        while let Some(next) = self.ends.first_entry() {
            if over.len() == most || !self.clock.is_over(next.key().0, progress) {
                break;
            }
            let place = next.remove();
            over.extend(self.open.remove(&place).map(|session| session.over(place)));
        }
        over
    }

    /// Frees slots, and keys without sessions.
    pub fn release(&mut self, over: &[Over]) {
        self.free.extend(over.iter().map(|session| session.slot));
        self.release_keys(over.iter().map(|session| session.key).collect());
    }

    /// Frees those of these keys that have no sessions: of sessions that are over, or of rows that were late.
    pub fn release_keys(&mut self, mut keys: Vec<u32>) {
        keys.sort_unstable();
        keys.dedup();
        keys.retain(|key| self.open.range((*key, i64::MIN)..=(*key, i64::MAX)).next().is_none());
        self.keys.remove(&keys);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::Schema;

    use super::*;

    fn sessions() -> Sessions {
        let mut sessions = Sessions::try_new(&Arc::new(Schema::empty()), &[], 10, WindowClock::UTC).unwrap();
        sessions.intern(&[], 1).unwrap();
        sessions
    }

    fn slot(slot: u32, merged: &[u32]) -> Place {
        Place::Slot { slot, merged: merged.to_vec() }
    }

    #[test]
    fn sessions_that_touch_become_one() {
        let mut sessions = sessions();
        assert_eq!(sessions.place(0, 0, Watermark::MIN), slot(0, &[]));
        assert_eq!(sessions.place(0, 20, Watermark::MIN), slot(1, &[]));
        assert_eq!(sessions.place(0, 41, Watermark::MIN), slot(2, &[]));
        assert_eq!(sessions.place(0, 10, Watermark::MIN), slot(0, &[1]), "exactly a gap apart on both sides");
        let over = sessions.take_over(Watermark(29), 10);
        assert_eq!(over, [Over { key: 0, window: Window { start: 0, end: 30 }, slot: 0 }]);
        sessions.release(&over);
        assert_eq!(sessions.next_end(), Some(51));
        assert_eq!(sessions.slots(), 3);
    }

    #[test]
    fn a_late_row_counts_where_its_session_is_open() {
        let mut sessions = sessions();
        assert_eq!(sessions.place(0, 20, Watermark(25)), slot(0, &[]));
        assert_eq!(sessions.place(0, 12, Watermark(25)), slot(0, &[]));
        assert_eq!(sessions.place(0, 1, Watermark(25)), Place::Late);
        assert_eq!(sessions.next_end(), Some(30));
    }

    /// The numbers below `count`, shuffled.
    fn shuffled(count: u64, seed: u64) -> Vec<i64> {
        let mut numbers: Vec<u64> = (0..count).collect();
        numbers.sort_by_key(|number| {
            (number + 1).wrapping_mul(seed | 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29)
        });
        numbers.into_iter().map(|number| number as i64).collect()
    }

    #[test]
    fn a_key_may_have_very_many_open_sessions() {
        let count = 100_000;
        for times in [(0..count as i64).collect(), shuffled(count, 7)] {
            let mut sessions = sessions();
            for time in &times {
                assert!(
                    matches!(sessions.place(0, time * 20, Watermark::MIN), Place::Slot { merged, .. } if merged.is_empty())
                );
            }
            let over = sessions.take_over(Watermark::MAX, usize::MAX);
            let starts = over.iter().map(|session| session.window.start);
            assert!(starts.eq((0..count as i64).map(|time| time * 20)));
            sessions.release(&over);
            assert_eq!(sessions.size().keys, 0);
        }
    }

    /// Sessions in a list, each with the rows of its slot: every row is held against all of them.
    #[derive(Default)]
    struct Model {
        /// Number, key, window and rows.
        open: Vec<(u64, u32, Window, Vec<i64>)>,
        begun: u64,
    }

    impl Model {
        fn place(&mut self, key: u32, time: i64, progress: i64) -> bool {
            let row = Window { start: time, end: time + 10 };
            let touched = |of: u32, window: &Window| of == key && window.start <= row.end && row.start <= window.end;
            let (mut merged, apart): (Vec<_>, Vec<_>) =
                std::mem::take(&mut self.open).into_iter().partition(|(_, of, window, _)| touched(*of, window));
            self.open = apart;
            if merged.is_empty() && row.end - 1 <= progress {
                return false;
            }
            if merged.is_empty() {
                merged.push((self.begun, key, row, Vec::new()));
                self.begun += 1;
            }
            merged.sort_by_key(|(_, _, window, _)| window.start);
            let number = merged.iter().map(|session| session.0).min().unwrap();
            let start = merged.iter().map(|session| session.2.start).min().unwrap().min(row.start);
            let end = merged.iter().map(|session| session.2.end).max().unwrap().max(row.end);
            let rows = merged.into_iter().flat_map(|session| session.3).chain([time]).collect();
            self.open.push((number, key, Window { start, end }, rows));
            true
        }

        fn take_over(&mut self, progress: i64) -> Vec<(u32, Window, Vec<i64>)> {
            self.open.sort_by_key(|(number, _, window, _)| (window.end, *number));
            let over = self.open.iter().take_while(|(_, _, window, _)| window.end - 1 <= progress).count();
            self.open.drain(..over).map(|(_, key, window, rows)| (key, window, rows)).collect()
        }
    }

    #[test]
    fn sessions_are_those_of_a_plain_list() {
        for seed in 0..200 {
            let (mut sessions, mut model) = (sessions(), Model::default());
            let mut rows: Vec<Vec<i64>> = Vec::new();
            for (step, random) in shuffled(300, seed * 2 + 1).into_iter().enumerate() {
                // The watermark trails, so that some rows are late, some only by their session not so.
                let (key, time) = ((random % 2) as u32, random * 7 % 400 + step as i64 - 40);
                let progress = step as i64 - 20;
                let placed = match sessions.place(key, time, Watermark(progress)) {
                    Place::Late => false,
                    Place::Slot { slot, merged } => {
                        rows.resize(sessions.slots(), Vec::new());
                        for other in merged {
                            let moved = std::mem::take(&mut rows[other as usize]);
                            rows[slot as usize].extend(moved);
                        }
                        rows[slot as usize].push(time);
                        true
                    }
                };
                assert_eq!(placed, model.place(key, time, progress), "seed {seed}, step {step}");
                let progress = if step == 299 { 1000 } else { progress + 1 };
                let over = sessions.take_over(Watermark(progress), usize::MAX);
                let told = over.iter().map(|it| (it.key, it.window, std::mem::take(&mut rows[it.slot as usize])));
                assert_eq!(told.collect::<Vec<_>>(), model.take_over(progress), "seed {seed}, step {step}");
                // Both keys stay those of the test: only slots are freed.
                sessions.free.extend(over.iter().map(|session| session.slot));
                assert_eq!(sessions.all().len(), model.open.len());
            }
            assert!(sessions.all().is_empty());
        }
    }
}
