//! The benchmark of a job that somebody has written: its doors are replaced, everything between them is what would run.
//!
//! Sources give Arrow batches that were prepared before, of made-up rows or of a file; sinks count and forget; lookup
//! tables answer from memory. What a job costs is measured from its start to its end, and once more with an account for
//! every node. Decoding, encoding and the services themselves are left out.

mod asked;
mod damage;
mod deal;
mod doors;
mod event_time;
mod file;
mod filling;
mod frames;
mod generate;
#[cfg(test)]
mod hot_loops;
mod job;
mod lines;
mod rows;
mod samples;

pub use filling::{BenchOptions, GivenRows};
pub use job::{Bench, Measured, MeasuredCosts, MeasuredNode, Progress};
pub use samples::Samples;
