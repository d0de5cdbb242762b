//! CSV, positional.
