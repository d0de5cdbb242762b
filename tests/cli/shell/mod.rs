//! `millstream sql` in a terminal.

mod completing;
mod editing;
mod hanging_up;
mod history;
mod jobs;
mod leaving;
mod queries;
mod terminal;
mod transcripts;
mod view;
