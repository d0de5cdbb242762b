//! The built binary on its own, without a service: exit codes, errors, plans, jobs.

mod bench;
mod bench_files;
mod check;
mod checkpoints;
mod errors;
mod form;
mod interrupts;
mod jobs;
mod logs;
mod millstream;
mod plans;
mod prints;
mod rejects;
mod results;
mod run;
mod secrets;
mod shell;
mod sql;
mod windows;
