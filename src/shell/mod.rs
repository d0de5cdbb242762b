//! For people: results and listings in a terminal and outside one, the live line, the command line.

pub mod client;
pub mod columns;
pub mod command;
pub mod describe;
pub mod described;
pub mod display_width;
pub mod editor;
pub mod help;
pub mod input;
pub mod interrupt;
pub mod job_list;
pub mod jobs;
pub mod quiet;
pub mod rates;
pub mod results;
pub mod screen_text;
pub mod script_file;
pub mod tableau;
