//! `millstream sql` in a terminal.

mod completing;
mod editing;
mod history;
mod jobs;
mod leaving;
mod queries;
mod terminal;
mod transcripts;
mod view;
