//! The runtime, driven by a source that a test feeds and a sink that it watches.

mod barriers;
mod chain;
mod epochs;
mod event_time;
mod flow;
mod harness;
mod jobs;
mod lookup;
mod one_row;
mod script;
mod simulation;

pub use simulation::time as simulated_time;
