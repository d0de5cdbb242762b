//! Every connector against its real service, and the pipelines that use them all.

mod kafka;
mod opensearch;
mod pipelines;
mod postgres;
