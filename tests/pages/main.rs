//! The documents' commands, run as they stand, on the services that `make test` starts.

mod page;
mod tutorial;
