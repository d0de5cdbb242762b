//! Sessions: rows of a key that follow each other within a gap. They grow with their rows and run into each other.

use std::collections::BTreeMap;

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;

use super::windows::{Window, WindowClock};
use crate::changelog::Epoch;
use crate::error::Result;
use crate::operators::StateSize;
use crate::operators::aggregate::GroupKeys;
use crate::state::{PieceRows, SlotPieces, StateTable};
use crate::time::Watermark;

/// The open sessions of all keys. Each has a slot for what is kept of it.
pub struct Sessions {
    keys: GroupKeys,
    /// By key and start: those of a key lie apart from each other, so they end in this order too.
    open: BTreeMap<(u32, i64), Session>,
    /// Key and start by end and number: the order in which they will be over.
    ends: BTreeMap<(i64, u64), (u32, i64)>,
    /// Key and start of the session in each slot; none where it is free.
    slots: Vec<Option<(u32, i64)>>,
    /// How many sessions have begun.
    begun: u64,
    free: Vec<u32>,
    gap: i64,
    clock: WindowClock,
    /// What was given of slots at the last barrier.
    pieces: SlotPieces,
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

/// A session that is open.
#[derive(Debug, Clone, Copy)]
pub struct Open {
    pub key: u32,
    pub window: Window,
    /// How many had begun before it.
    pub number: u64,
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
        let (slots, free, pieces) = (Vec::new(), Vec::new(), SlotPieces::default());
        Ok(Self { keys, open, ends, slots, begun: 0, free, gap, clock, pieces })
    }

    /// How many slots there are, free ones included.
    pub fn slots(&self) -> usize {
        self.slots.len()
    }

    pub fn size(&self) -> StateSize {
        // Every session is in two trees, whose nodes are two thirds full as a rule.
        let session = (size_of::<((u32, i64), Session)>() + size_of::<((i64, u64), (u32, i64))>()) * 3 / 2;
        let slots = self.slots.capacity() * size_of::<Option<(u32, i64)>>() + self.free.capacity() * size_of::<u32>();
        let bytes = self.keys.memory() + slots + self.open.len() * session + self.pieces.memory();
        StateSize { keys: self.open.len(), bytes }
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
            self.pieces.touch(&[slot]);
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
        self.vacate(&merged);
        self.free.extend(&merged);
        Place::Slot { slot, merged }
    }

    /// Begins a session that touches no other; gives its slot.
    pub fn open(&mut self, key: u32, window: Window) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            (self.slots.len() - 1) as u32
        });
        self.insert(key, window, slot, self.begun);
        self.begun += 1;
        slot
    }

    fn insert(&mut self, key: u32, window: Window, slot: u32, number: u64) {
        self.open.insert((key, window.start), Session { end: window.end, slot, number });
        self.ends.insert((window.end, number), (key, window.start));
        self.slots[slot as usize] = Some((key, window.start));
        self.pieces.touch(&[slot]);
    }

    /// The sessions in these slots are open no longer.
    fn vacate(&mut self, slots: &[u32]) {
        slots.iter().for_each(|slot| self.slots[*slot as usize] = None);
        self.pieces.touch(slots);
    }

    /// The open session in a slot.
    pub fn session(&self, slot: u32) -> Option<Open> {
        let (key, start) = self.slots.get(slot as usize).copied().flatten()?;
        let session = self.open.get(&(key, start))?;
        Some(Open { key, window: Window { start, end: session.end }, number: session.number })
    }

    /// The slot of the open session with this key and start.
    pub fn slot(&self, place: (u32, i64)) -> Option<u32> {
        self.open.get(&place).map(|session| session.slot)
    }

    /// Adds what is kept of open sessions to a table; `save` makes the rows of those in some slots.
    pub fn save(
        &mut self,
        table: &mut StateTable,
        epoch: Epoch,
        mut save: impl FnMut(&Self, &[u32]) -> Result<Vec<PieceRows>>,
    ) -> Result<()> {
        let mut pieces = std::mem::take(&mut self.pieces);
        let saved = pieces.save(table, epoch, self.slots.len(), |slots| {
            let open: Vec<u32> = slots.filter(|slot| self.slots[*slot as usize].is_some()).collect();
            save(self, &open)
        });
        self.pieces = pieces;
        saved
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
        self.vacate(&over.iter().map(|session| session.slot).collect::<Vec<_>>());
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

    use arrow::array::AsArray;
    use arrow::datatypes::{Int64Type, Schema};

    use super::super::session_state::{save_sessions, session_columns};
    use super::*;
    use crate::state::Piece;

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
                assert_eq!(sessions.size().keys, model.open.len());
                assert_eq!(sessions.slots.iter().flatten().count(), model.open.len());
            }
            assert!(sessions.open.is_empty());
        }
    }

    /// The sessions that are open, as `start-end begun`, by the ids of their pieces.
    fn saved(sessions: &mut Sessions, epoch: u64) -> Vec<(String, Vec<String>)> {
        let mut table = StateTable::new(session_columns());
        let empty = table.clone();
        let rows = |sessions: &Sessions, slots: &[u32]| {
            let open: Vec<Open> = slots.iter().map(|slot| sessions.session(*slot).unwrap()).collect();
            Ok(vec![empty.rows(save_sessions(&open))?])
        };
        sessions.save(&mut table, Epoch(epoch), rows).unwrap();
        let text = |piece: &Piece| {
            let rows = piece.rows().unwrap();
            let column = |i: usize| rows.column(i).as_primitive::<Int64Type>().values().to_vec();
            let all = column(0).into_iter().zip(column(1)).zip(column(2));
            all.map(|((start, end), begun)| format!("{start}-{end} {begun}")).collect()
        };
        table.pieces().iter().map(|piece| (piece.id().unwrap().to_string(), text(piece))).collect()
    }

    #[test]
    fn only_sessions_that_changed_are_given_anew() {
        let mut sessions = sessions();
        (0..6_000).for_each(|i| assert_eq!(sessions.place(0, i * 100, Watermark::MIN), slot(i as u32, &[])));
        let ids = |saved: &[(String, Vec<String>)]| saved.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>();
        let first = saved(&mut sessions, 1);
        assert_eq!(ids(&first), ["0-0-0-1", "0-1-0-1"]);
        assert_eq!(saved(&mut sessions, 2), first);
        // A row within a session, one that makes it longer, one that makes two of them one, one that begins another.
        assert_eq!(sessions.place(0, 590_000, Watermark::MIN), slot(5_900, &[]));
        assert_eq!(ids(&saved(&mut sessions, 3)), ["0-0-0-1", "0-1-0-3"]);
        assert_eq!(sessions.place(0, 590_009, Watermark::MIN), slot(5_900, &[]));
        let longer = saved(&mut sessions, 4);
        assert_eq!(
            (ids(&longer), &longer[1].1[5_900 - 4_096]),
            (vec!["0-0-0-1".into(), "0-1-0-4".into()], &"590000-590019 5900".to_string())
        );
        (1..10).for_each(|i| drop(sessions.place(0, i * 10, Watermark::MIN)));
        let merged = saved(&mut sessions, 5);
        assert_eq!((ids(&merged), &merged[0].1[0]), (vec!["0-0-0-5".into(), "0-1-0-4".into()], &"0-110 0".to_string()));
        assert_eq!(merged[0].1.len(), 4_095);
        assert_eq!(sessions.place(0, 900_000, Watermark::MIN), slot(1, &[]));
        let begun = saved(&mut sessions, 6);
        assert_eq!(
            (ids(&begun), &begun[0].1[1]),
            (vec!["0-0-0-6".into(), "0-1-0-4".into()], &"900000-900010 6000".to_string())
        );
        // Those that are over are gone.
        let over = sessions.take_over(Watermark(500_000), usize::MAX);
        sessions.release(&over);
        let left = saved(&mut sessions, 7);
        assert_eq!(left.iter().map(|(_, rows)| rows.len()).sum::<usize>(), sessions.size().keys);
        assert_eq!(ids(&left), ["0-0-0-7", "0-1-0-7"]);
    }
}
