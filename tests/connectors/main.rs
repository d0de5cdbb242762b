//! Every connector against its real service, and the pipelines that use them all.

mod kafka;
mod kills;
mod look;
mod opensearch;
mod outages;
mod pipelines;
mod postgres;
