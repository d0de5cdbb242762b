//! Room above the prompt: what asks the line editor to stop for a moment, so that others' lines can be written.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::console;

/// The line editor looks at `stop` many times a second.
#[derive(Default)]
pub struct Room {
    stop: Arc<AtomicBool>,
    /// The history is being searched, which a stop would end: lines wait until it is over.
    searching: AtomicBool,
    waiting: AtomicBool,
}

impl Room {
    pub fn stop_signal(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }

    /// Tells whether the history is being searched.
    pub fn searching(&self, searching: bool) {
        self.searching.store(searching, Ordering::SeqCst);
        if !searching && self.waiting.swap(false, Ordering::SeqCst) {
            self.stop.store(true, Ordering::SeqCst);
        }
    }
}

impl console::Prompt for Room {
    fn make_room(&self, urgent: bool) {
        self.waiting.store(true, Ordering::SeqCst);
        if urgent || !self.searching.load(Ordering::SeqCst) {
            self.waiting.store(false, Ordering::SeqCst);
            self.stop.store(true, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::Prompt;

    #[test]
    fn lines_wait_for_the_end_of_a_search_unless_they_are_urgent() {
        let room = Room::default();
        let stops = || room.stop.swap(false, Ordering::SeqCst);
        room.make_room(false);
        assert!(stops());
        room.searching(true);
        room.make_room(false);
        assert!(!stops());
        room.make_room(true);
        assert!(stops());
        room.make_room(false);
        room.searching(false);
        assert!(stops());
        room.searching(false);
        assert!(!stops());
    }
}
