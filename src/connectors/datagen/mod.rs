//! Rows made up: random or in sequence.
