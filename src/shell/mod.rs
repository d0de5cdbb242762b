//! For people: tables in a terminal, the live line, the command line.

pub mod client;
pub mod command;
pub mod display_width;
pub mod editor;
pub mod final_table;
pub mod input;
pub mod interrupt;
pub mod script_file;
pub mod tableau;
