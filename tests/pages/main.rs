//! The documents' blocks, run as they stand: what prints something prints what the page says.

mod block;
mod command;
mod page;
mod reader;
mod session;
mod tutorial;
mod walk;
