//! Which types turn into which by themselves, and what several have in common.
