//! What is measured of a piece of work: rows per second, and the bytes that it asks for, a row.

use std::alloc::System;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Throughput};
use millstream::allocations::{Counted, Counting, of_thread};

#[global_allocator]
static ALLOCATOR: Counting<System> = Counting(System);

/// Prints what a piece of work asks for, a row.
pub fn tell_bytes(name: &str, rows: usize, work: impl FnOnce()) {
    let _counted = Counted::begin();
    let before = of_thread();
    work();
    println!("{name}: {:.1} bytes a row", (of_thread() - before) as f64 / rows.max(1) as f64);
}

/// Does the work once, so that buffers and state are there, prints what it then asks for, and measures how fast it is.
#[allow(dead_code)] // a window is new each time
pub fn measure(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, rows: usize, mut work: impl FnMut()) {
    work();
    tell_bytes(name, rows, &mut work);
    group.throughput(Throughput::Elements(rows as u64));
    group.bench_function(name, |b| b.iter(&mut work));
}
