//! Millstream runs Flink SQL on one machine: Kafka in; Kafka, PostgreSQL and OpenSearch out.
//!
//! As a library it is a [`Session`]: SQL text in, results and running jobs out. Tables come from `CREATE TABLE`, from
//! Arrow batches, or from a channel that the program feeds; a query gives a stream of changelog batches.
//!
//! ```
//! use std::sync::Arc;
//! use millstream::{Session, arrow::array::{Float64Array, RecordBatch, StringArray}};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> millstream::Result<()> {
//! # let host: Arc<StringArray> = Arc::new(vec!["doc", "happy"].into());
//! # let usage: Arc<Float64Array> = Arc::new(vec![98.3, 12.0].into());
//! # let batch = RecordBatch::try_from_iter([("host", host as _), ("load", usage as _)])?;
//! let mut session = Session::new();
//! let loads = session.register_channel("loads", &batch.schema(), 16)?;
//! let mut alerts = session.query("SELECT UPPER(host) AS host, load FROM loads WHERE load > 80").await?;
//! loads.send(batch).await.expect("the query reads it");
//! drop(loads); // No more rows: the query ends.
//! while let Some(changes) = alerts.next().await? {
//!     for row in 0..changes.num_rows() {
//!         println!("{} {:?}", changes.kind(row), changes.rows().slice(row, 1)); // +I, DOC, 98.3
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! An `INSERT` (or a statement set) is a job: it runs until its data ends or it is stopped, while its handle is held.
//!
//! ```
//! use millstream::{JobEnd, Outcome, Session};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> millstream::Result<()> {
//! let mut session = Session::new();
//! let script = "
//!     CREATE TABLE numbers (n INT) WITH ('connector' = 'datagen', 'rows-per-second' = '5');
//!     CREATE TABLE nowhere (n INT) WITH ('connector' = 'blackhole');
//!     INSERT INTO nowhere SELECT n FROM numbers";
//! for outcome in session.execute(script).await? {
//!     if let Outcome::Job(mut job) = outcome {
//!         job.stop(); // Rows in flight arrive, sinks flush.
//!         assert_eq!(job.wait().await?, JobEnd::Stopped);
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The rooms, in the order a row travels: [`sql`] splits and parses a script, [`catalog`] says what names mean,
//! [`types`] and [`functions`] are Flink's, [`plan`] makes a stream plan, [`runtime`] runs it with [`operators`]
//! between the [`connectors`], whose bytes the [`formats`] read and write. [`changelog`] and [`time`] are what flows,
//! [`state`] is what an operator knows at a barrier.

#[allow(unsafe_code)]
pub mod allocations;
pub mod bench;
pub mod catalog;
pub mod changelog;
pub mod checkpoint;
pub mod cli;
pub mod connectors;
pub mod console;
#[allow(unsafe_code)]
pub mod cpu_time;
pub mod error;
pub mod failpoint;
pub mod formats;
pub mod functions;
pub mod log;
pub mod operators;
pub mod plan;
pub mod reference;
pub mod runtime;
pub mod session;
pub mod settings;
pub mod shell;
pub mod span;
pub mod sql;
pub mod startup;
pub mod state;
pub mod time;
pub mod types;
pub mod wrap;

/// The Arrow that batches come and go with.
pub use arrow;
pub use changelog::{ChangelogBatch, RowKind};
pub use error::{Error, ErrorKind, Result};
pub use runtime::{JobEnd, JobHandle};
pub use session::{Outcome, Query, Session};

/// Tests know what is asked of it.
#[cfg(test)]
#[global_allocator]
static ALLOCATOR: allocations::Counting<std::alloc::System> = allocations::Counting(std::alloc::System);

/// The README's Rust examples, run as doctests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
