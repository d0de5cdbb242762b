//! What happens to rows between the doors: one file, one operator.
