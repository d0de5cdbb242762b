//! A stream plan, running: tasks, channels, exchange, alignment, shutdown.
