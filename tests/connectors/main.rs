//! Every connector against its real service.

mod kafka;
mod opensearch;
mod postgres;
