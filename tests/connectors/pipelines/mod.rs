//! The job files of `sql/alerting`, run by the binary on the real services: their output in full, and their bad days.
//!
//! The files run as they are but for the names of topics, table and index, which are each test's own.

mod alerts;
mod bad_days;
mod cutter;
mod dead_letters;
mod eavesdropper;
mod integrations;
mod postgres_trouble;
pub mod job;
mod producer;
mod readings;
mod stage;
mod thresholds;
mod topic;
