//! How long groups live without a row, in processing time.

use arrow::datatypes::DataType;

/// When a row last came to each slot.
#[derive(Debug)]
pub struct Lifetime {
    ttl_ms: i64,
    /// Processing time as of the batch at hand.
    pub now_ms: i64,
    touched_ms: Vec<i64>,
    /// When to look for slots whose time is over; `None`: there are no groups.
    pub next_sweep_ms: Option<i64>,
}

/// A sweep goes through all slots: not more often than this.
const SWEEP_MS_MIN: i64 = 1000;

impl Lifetime {
    pub fn new(ttl_ms: i64) -> Self {
        Self { ttl_ms, now_ms: 0, touched_ms: Vec::new(), next_sweep_ms: None }
    }

    /// Bytes held.
    pub fn memory(&self) -> usize {
        self.touched_ms.capacity() * size_of::<i64>()
    }

    fn is_over(&self, slot: u32, now_ms: i64) -> bool {
        self.touched_ms[slot as usize].saturating_add(self.ttl_ms) <= now_ms
    }

    fn sweep_after(&mut self, now_ms: i64) {
        self.next_sweep_ms = Some(now_ms.saturating_add(self.ttl_ms.max(SWEEP_MS_MIN)));
    }

    /// A row has come to these slots. Gives those of them whose time was over before. `counts`: rows of every slot.
    pub fn touch(&mut self, slots: &[u32], counts: &[i64]) -> Vec<u32> {
        let mut over = Vec::new();
        self.touched_ms.resize(counts.len(), self.now_ms);
        for &slot in slots {
            if counts[slot as usize] > 0 && self.is_over(slot, self.now_ms) {
                over.push(slot);
            }
            self.touched_ms[slot as usize] = self.now_ms;
        }
        if self.next_sweep_ms.is_none() {
            self.sweep_after(self.now_ms);
        }
        over
    }

    /// The column of a state table that [`Lifetime::touched`] fills.
    pub fn column() -> (String, DataType) {
        ("touched".to_string(), DataType::Int64)
    }

    /// When a row last came to these slots.
    pub fn touched(&self, slots: &[u32]) -> Vec<i64> {
        slots.iter().map(|slot| self.touched_ms[*slot as usize]).collect()
    }

    /// Slots that had rows before a restart.
    pub fn restore(&mut self, slots: &[u32], touched_ms: &[i64]) {
        for (&slot, &touched) in slots.iter().zip(touched_ms) {
            if self.touched_ms.len() <= slot as usize {
                self.touched_ms.resize(slot as usize + 1, touched);
            }
            self.touched_ms[slot as usize] = touched;
            let sweep = touched.saturating_add(self.ttl_ms.max(SWEEP_MS_MIN));
            self.next_sweep_ms = Some(self.next_sweep_ms.map_or(sweep, |next| next.min(sweep)));
        }
    }

    /// The slots with rows whose time is over.
    pub fn sweep(&mut self, now_ms: i64, counts: &[i64]) -> Vec<u32> {
        let slots = (0..self.touched_ms.len() as u32).filter(|slot| counts[*slot as usize] > 0);
        let (over, alive): (Vec<u32>, Vec<u32>) = slots.partition(|slot| self.is_over(*slot, now_ms));
        match alive.is_empty() {
            true => self.next_sweep_ms = None,
            false => self.sweep_after(now_ms),
        }
        over
    }
}
