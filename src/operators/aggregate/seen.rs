//! Which slots occur in a span of rows, and a word on each.

/// A note per slot; beginning a span forgets those of the span before, without touching them.
#[derive(Default)]
pub struct Seen {
    notes: Vec<Note>,
    span: u32,
}

#[derive(Clone, Copy, Default)]
struct Note {
    span: u32,
    word: u32,
}

/// The word on a slot whose last row has gone: its values are to be cleared before another row comes.
pub const EMPTIED: u32 = u32::MAX;

impl Seen {
    /// Begins a span in which `slots` slots may occur.
    pub fn begin(&mut self, slots: usize) {
        self.grow(slots);
        self.span = self.span.wrapping_add(1);
        if self.span == 0 {
            self.notes.fill(Note::default());
            self.span = 1;
        }
    }

    pub fn grow(&mut self, slots: usize) {
        self.notes.resize(slots.max(self.notes.len()), Note::default());
    }

    /// Notes a word on a slot; gives the last one, where the slot has occurred.
    #[inline]
    pub fn meet(&mut self, slot: u32, word: u32) -> Option<u32> {
        let note = &mut self.notes[slot as usize];
        let last = (note.span == self.span).then_some(note.word);
        *note = Note { span: self.span, word };
        last
    }

    pub fn has(&self, slot: u32) -> bool {
        self.notes[slot as usize].span == self.span
    }

    #[inline]
    pub fn set(&mut self, slot: u32, word: u32) {
        self.notes[slot as usize].word = word;
    }

    /// Bytes held.
    pub fn memory(&self) -> usize {
        self.notes.capacity() * size_of::<Note>()
    }
}
