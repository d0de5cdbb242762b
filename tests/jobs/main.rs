//! Jobs through the library's front door, without services.

mod golden;
mod library;
