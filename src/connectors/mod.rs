//! The doors: where rows come from and go to.
//!
//! A [`Connector`] turns a table's options into a [`Source`], a [`Sink`] or a [`LookupSource`]: descriptions that are
//! checked without touching a service. `open` touches the world and gives a running [`SourceReader`], [`SinkWriter`]
//! or [`Lookup`]. This room knows rows, splits and epochs; it has not heard of operators or plans.

#[cfg(feature = "tls")]
mod authorities;
pub mod blackhole;
mod connector;
pub mod datagen;
mod effect;
mod epoch_room;
pub mod filesystem;
pub mod inspect;
pub mod kafka;
mod lookup;
pub mod opensearch;
pub mod options;
pub mod postgres;
pub mod print;
pub mod provider;
mod registry;
mod reporter;
mod retry;
pub mod secrets;
mod sink;
mod source;
mod target;
#[cfg(test)]
mod testing;
mod unknown;

pub use connector::{Connector, MetadataColumn, OptionNotice, TableDescriptor, TableUse, cannot};
pub use effect::{condition, idle_in_epochs, idle_options};
pub use epoch_room::{EpochRoom, Told};
pub use lookup::{Lookup, LookupCacheOptions, LookupRequest, LookupRows, LookupSource};
pub use registry::{all, find};
pub use reporter::{Report, Reporter, Waits};
pub use retry::{Retries, RetryPolicy};
pub use sink::{ChangelogSupport, Sink, SinkWriter};
pub use source::{DoorMetrics, OpenContext, ScanRequest, Source, SourceChanges, SourceEvent, SourceReader, Split};
pub use target::{
    Committer, EpochMode, Guarantee, Marker, ONE_PROCESS, SinkTarget, Staged, StagedPart, Target, TargetContext,
    TargetTable, WriterEpochs,
};
pub use unknown::unknown_options;
