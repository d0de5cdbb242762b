//! Jobs through the library's front door, without services.

mod batch;
mod changelogs;
mod golden;
mod library;
mod oracle;
mod parallel;
