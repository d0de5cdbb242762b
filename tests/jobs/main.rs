//! Jobs through the library's front door, without services.

mod changelogs;
mod golden;
mod library;
mod parallel;
