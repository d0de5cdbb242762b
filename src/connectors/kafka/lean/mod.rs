//! The native client, which reads records of Kafka: their bytes stay where the broker's answer has put them.
//!
//! A [`fetcher`] asks the [`leaders`] of its [`partition`]s for records through a [`connection`] to each ([`search`] finds
//! them, in a [`race`]), and walks what comes ([`record_set`]: [`batch`]es of [`record`]s, [`compression`], [`aborted`]
//! transactions) into blocks. The requests are in [`versions`], [`fetch`], [`leaders`] and [`leader_epochs`], their fields
//! in [`wire`], the memory of answers in [`spare`], error [`codes`] beside them, logins in [`scram`], encryption in
//! [`tls`]. What it can't do, [`settings`] says; then librdkafka reads.

mod aborted;
mod batch;
mod codes;
mod compression;
mod connection;
mod fetch;
mod fetcher;
#[cfg(test)]
mod fetcher_tests;
#[cfg(test)]
mod hot_loop;
#[cfg(test)]
mod java_batches;
mod leader_epochs;
mod leaders;
mod partition;
mod race;
mod record;
mod record_set;
#[cfg(test)]
mod record_set_tests;
mod scram;
#[cfg(test)]
mod scripted;
mod search;
mod settings;
mod spare;
#[cfg(feature = "tls")]
mod tls;
mod unreadable;
mod versions;
mod wire;

pub use self::fetcher::{Fetching, Instead, LeanFetcher};
#[cfg(test)]
pub(crate) use self::hot_loop::records_to_rows;
pub use self::settings::{Settings, lacks};
#[cfg(feature = "tls")]
pub use self::tls::trusted;
