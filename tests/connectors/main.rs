//! Every connector against its real service.

mod kafka;
mod opensearch;
