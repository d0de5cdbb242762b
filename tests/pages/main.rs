//! The documents' blocks, run as they stand: what prints something prints what the page says.

mod block;
mod command;
#[allow(dead_code)] // the tests of the command line need more of it
#[path = "../cli/millstream.rs"]
mod millstream;
mod page;
mod reader;
mod session;
#[allow(dead_code)] // the tests of the shell need more of it
#[path = "../cli/shell/terminal.rs"]
mod terminal;
mod tutorial;
mod typed;
mod walk;
