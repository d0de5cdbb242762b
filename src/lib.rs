//! Millstream runs Flink SQL on one machine: Kafka in; Kafka, PostgreSQL and OpenSearch out.
//!
//! The rooms, in the order a row travels: [`sql`] splits and parses a script, [`catalog`] says what names mean,
//! [`types`] and [`functions`] are Flink's, [`plan`] makes a stream plan, [`runtime`] runs it with [`operators`]
//! between the [`connectors`], whose bytes the [`formats`] read and write. [`changelog`] and [`time`] are what flows.

pub mod catalog;
pub mod changelog;
pub mod cli;
pub mod connectors;
pub mod console;
pub mod error;
pub mod formats;
pub mod functions;
pub mod operators;
pub mod plan;
pub mod reference;
pub mod runtime;
pub mod session;
pub mod settings;
pub mod shell;
pub mod span;
pub mod sql;
pub mod time;
pub mod types;

pub use error::{Error, ErrorKind, Result};
pub use session::{Outcome, Query, Session};
