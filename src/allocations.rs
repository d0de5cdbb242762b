//! An allocator that counts what is asked of it, while somebody wants to know; otherwise it costs one look at a flag.
//!
//! `unsafe` because an allocator is: it hands every call on as it came, and so relies on the caller's promises and on `A`
//! alone.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Hands everything on to `A`; the binary has it around its allocator.
#[derive(Debug, Default)]
pub struct Counting<A>(pub A);

/// How many want to know.
static WANTED: AtomicUsize = AtomicUsize::new(0);

/// Bytes that threads have asked for. A thread has a line of memory of its own, so that threads don't meet, unless there
/// are more of them than lines.
static LINES: [Line; 256] = [const { Line(AtomicU64::new(0)) }; 256];

/// What a processor takes from another at once.
#[repr(align(128))]
struct Line(AtomicU64);

/// The number of the next thread that counts for the first time.
static NEXT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Bytes that the thread has asked for.
    static OF_THREAD: Cell<u64> = const { Cell::new(0) };
    /// Its line.
    static LINE: Cell<Option<usize>> = const { Cell::new(None) };
}

/// As long as there is one, it is counted.
#[derive(Debug)]
pub struct Counted(());

impl Counted {
    pub fn begin() -> Self {
        WANTED.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        WANTED.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Bytes that this thread has asked for while they were counted. What was given back is not taken off.
pub fn of_thread() -> u64 {
    OF_THREAD.get()
}

/// The same of all threads.
pub fn of_process() -> u64 {
    LINES.iter().map(|line| line.0.load(Ordering::Relaxed)).sum()
}

#[cold]
fn add(bytes: usize) {
    // A thread that is ending asks for nothing that counts.
    let _ending = OF_THREAD.try_with(|all| all.set(all.get().wrapping_add(bytes as u64)));
    let _ending = LINE.try_with(|line| {
        let number = line.get().unwrap_or_else(|| NEXT.fetch_add(1, Ordering::Relaxed) % LINES.len());
        line.set(Some(number));
        LINES[number].0.fetch_add(bytes as u64, Ordering::Relaxed);
    });
}

// SAFETY: every call goes on to `A` as it came, and so its answers are `A`'s. Counting asks for no memory (the thread's
// cells need neither that nor a destructor) and can't unwind.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Counting<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if WANTED.load(Ordering::Relaxed) > 0 {
            add(layout.size());
        }
        // SAFETY: the caller's promise for `layout`.
        unsafe { self.0.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller has `at` from this allocator, and so from `A`, with `layout`.
        unsafe { self.0.dealloc(at, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if WANTED.load(Ordering::Relaxed) > 0 {
            add(layout.size());
        }
        // SAFETY: the caller's promise for `layout`.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if WANTED.load(Ordering::Relaxed) > 0 {
            add(size.saturating_sub(layout.size()));
        }
        // SAFETY: as for `dealloc`, and the caller's promise for `size`.
        unsafe { self.0.realloc(at, layout, size) }
    }
}

#[cfg(test)]
mod tests {
    use std::alloc::System;

    use super::*;

    #[test]
    fn what_is_asked_for_is_counted_while_it_is_wanted() {
        let (allocator, layout) = (Counting(System), Layout::from_size_align(100_000, 8).unwrap());
        // SAFETY: what is allocated is given back with the layout that it has.
        let (thread, all) = unsafe {
            let small = allocator.alloc(layout);
            // Behind the first call: another test may be counting, too.
            let before = (of_thread(), of_process());
            let counted = Counted::begin();
            let zeroed = allocator.alloc_zeroed(layout);
            // A little is not kept back until more has come together.
            let grown = allocator.realloc(small, layout, 100_010);
            drop(counted);
            allocator.dealloc(zeroed, layout);
            allocator.dealloc(grown, Layout::from_size_align(100_010, 8).unwrap());
            before
        };
        assert_eq!(of_thread() - thread, 100_010);
        assert!(of_process() - all >= 100_010);
    }
}
