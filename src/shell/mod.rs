//! For people: tables in a terminal, the live line, the command line.

pub mod display_width;
pub mod final_table;
pub mod tableau;
