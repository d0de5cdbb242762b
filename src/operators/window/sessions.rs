//! Sessions: rows of a key that follow each other within a gap. They grow with their rows and run into each other.

use std::collections::BTreeSet;

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
    /// By key.
    open: Vec<Vec<Session>>,
    /// End, number and key of each, in the order in which they will be over.
    ends: BTreeSet<(i64, u64, u32)>,
    slots: u32,
    /// How many sessions have begun.
    begun: u64,
    free: Vec<u32>,
    gap: i64,
    clock: WindowClock,
}

#[derive(Debug, Clone, Copy)]
struct Session {
    window: Window,
    slot: u32,
    /// How many had begun before it: of sessions that end together the one that began first comes first.
    number: u64,
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
        Ok(Self { keys, open: Vec::new(), ends: BTreeSet::new(), slots: 0, begun: 0, free: Vec::new(), gap, clock })
    }

    /// How many slots there are, free ones included.
    pub fn slots(&self) -> usize {
        self.slots as usize
    }

    pub fn size(&self) -> StateSize {
        // Every session is in two places: with its key, and in the tree, whose nodes are two thirds full as a rule.
        let session = size_of::<Session>() + size_of::<(i64, u32, i64)>() * 3 / 2;
        let lists = self.open.capacity() * size_of::<Vec<Session>>() + self.free.capacity() * size_of::<u32>();
        StateSize { keys: self.ends.len(), bytes: self.keys.memory() + lists + self.ends.len() * session }
    }

    /// The keys of rows.
    pub fn intern(&mut self, columns: &[ArrayRef], rows: usize) -> Result<Vec<u32>> {
        let keys = self.keys.intern(columns, rows)?;
        self.open.resize_with(self.keys.slots(), Vec::new);
        Ok(keys)
    }

    pub fn key_columns(&self, keys: &[u32]) -> Result<Vec<ArrayRef>> {
        self.keys.keys(keys)
    }

    /// Puts a row into a session: those it touches become one with it. It is late where even then the session is over.
    pub fn place(&mut self, key: u32, time: i64, progress: Watermark) -> Place {
        let row = Window { start: time, end: time.saturating_add(self.gap) };
        let open = &mut self.open[key as usize];
        let touched = |session: &Session| session.window.start <= row.end && row.start <= session.window.end;
        let first = open.iter().position(touched);
        let Some(first) = first else {
            if self.clock.is_over(row.end, progress) {
                return Place::Late;
            }
            return Place::Slot { slot: self.open(key, row), merged: Vec::new() };
        };
        let count = open[first..].iter().take_while(|session| touched(session)).count();
        let (mut window, mut number) = (row, u64::MAX);
        for session in &open[first..first + count] {
            self.ends.remove(&(session.window.end, session.number, key));
            window.start = window.start.min(session.window.start);
            window.end = window.end.max(session.window.end);
            number = number.min(session.number);
        }
        let merged: Vec<u32> = open.drain(first + 1..first + count).map(|session| session.slot).collect();
        let slot = open[first].slot;
        open[first] = Session { window, slot, number };
        self.ends.insert((window.end, number, key));
        self.free.extend(&merged);
        Place::Slot { slot, merged }
    }

    /// Begins a session that touches no other; gives its slot.
    pub fn open(&mut self, key: u32, window: Window) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots += 1;
            self.slots - 1
        });
        let (open, number) = (&mut self.open[key as usize], self.begun);
        let at = open.partition_point(|session| session.window.start < window.start);
        open.insert(at, Session { window, slot, number });
        self.ends.insert((window.end, number, key));
        self.begun += 1;
        slot
    }

    /// All open sessions in the order in which they began.
    pub fn all(&self) -> Vec<Over> {
        let of_key = |(key, open): (usize, &Vec<Session>)| {
            let over = |session: &Session| Over { key: key as u32, window: session.window, slot: session.slot };
            open.iter().map(|session| (session.number, over(session))).collect::<Vec<_>>()
        };
        let mut all: Vec<(u64, Over)> = self.open.iter().enumerate().flat_map(of_key).collect();
        all.sort_unstable_by_key(|(number, _)| *number);
        all.into_iter().map(|(_, session)| session).collect()
    }

    /// When the next session is over.
    pub fn next_end(&self) -> Option<i64> {
        self.ends.first().map(|(end, ..)| *end)
    }

    /// Takes out sessions that are over, `most` at once, in the order of their ends and of their beginnings. Their slots are
    /// free once [`Sessions::release`] is told.
    pub fn take_over(&mut self, progress: Watermark, most: usize) -> Vec<Over> {
        let mut over = Vec::new();
        while let Some(&(end, number, key)) = self.ends.first() {
            if over.len() == most || !self.clock.is_over(end, progress) {
                break;
            }
            self.ends.pop_first();
            let open = &mut self.open[key as usize];
            if let Some(at) = open.iter().position(|session| session.number == number) {
                let session = open.remove(at);
                over.push(Over { key, window: session.window, slot: session.slot });
            }
        }
        over
    }

    /// Frees slots, and keys without sessions.
    pub fn release(&mut self, over: &[Over]) {
        self.free.extend(over.iter().map(|session| session.slot));
        let mut keys: Vec<u32> = over.iter().map(|session| session.key).collect();
        keys.retain(|key| self.open[*key as usize].is_empty());
        keys.sort_unstable();
        keys.dedup();
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
}
