//! The job files of `sql/alerting`, run by the binary on the real services: their output in full, and their bad days.
//!
//! The files run as they are but for the names of topics, table and index, which are each test's own.

mod alerts;
mod bad_days;
mod changes;
pub mod cutter;
mod dead_letters;
mod eavesdropper;
mod full_disk;
mod integrations;
pub mod job;
mod postgres_trouble;
mod producer;
pub mod readings;
mod refused;
pub mod stage;
mod thresholds;
pub mod topic;
mod updating;
mod windows;
