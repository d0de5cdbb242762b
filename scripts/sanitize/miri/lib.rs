//! Files of the engine with `unsafe` and without foreign code that Miri can't run, with their own tests.

#[path = "../../../src/allocations.rs"]
pub mod allocations;
#[path = "../../../src/cpu_time.rs"]
pub mod cpu_time;

#[cfg(test)]
mod tests {
    use std::alloc::System;
    use std::thread;

    use super::allocations::{Counted, Counting, of_thread};

    #[global_allocator]
    static ALLOCATOR: Counting<System> = Counting(System);

    #[test]
    fn a_whole_program_allocates_through_it_on_several_threads_while_it_counts() {
        let _counted = Counted::begin();
        let of_one = |size: usize| {
            let before = of_thread();
            let mut rows: Vec<String> = Vec::new();
            for i in 0..size {
                rows.push(format!("row {i}"));
            }
            rows.shrink_to_fit();
            assert!(vec![0u8; 100].iter().all(|byte| *byte == 0));
            drop(rows);
            of_thread() - before
        };
        let threads: Vec<_> = (1..4).map(|i| thread::spawn(move || of_one(20 * i))).collect();
        let counts: Vec<u64> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert!(counts.iter().all(|count| *count > 100), "{counts:?}");
    }
}
