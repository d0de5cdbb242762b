//! For people: tables in a terminal, the live line, the command line.
