//! What survives a crash: checkpoints of a job in a folder, and what a start makes of them.
//!
//! ```text
//!  STATE/JOB/lock                 held by the process that runs the job
//!           attempts/0000000007   taken by put-if-absent, one per start
//!           data/7-42-0           state and held output, many pieces in a file
//!           requests/…            for savepoints, from other processes
//!           chk-42/_metadata      the manifest of epoch 42: written last, by put-if-absent
//!           chk-42/published      of the last one of a job that has ended: every target has it
//! ```
//! A checkpoint is its manifest and the pieces that it names; those that did not change stay where an earlier one wrote
//! them. What no manifest names is collected. A crash at any byte leaves the checkpoints before it as they were.

mod data;
mod folder;
mod known;
mod look;
mod manifest;
mod place;
mod recovery;
mod requests;
mod retention;
mod state;
mod store;

pub use data::{DataReader, DataWriter, PieceRef};
pub use folder::{Found, JobFolder, Usable, is_running, job_folder};
pub use known::KnownPieces;
pub use look::{Sight, open_folder, other_writer, sights};
#[cfg(test)]
pub use manifest::tests::manifest as manifest_of;
pub use manifest::{
    CheckpointKind, HeldPart, Manifest, OperatorState, SourceState, SplitState, TableState, TargetState, VERSION,
};
pub use place::{local_folder, open_savepoint};
pub use recovery::{Decision, TargetMarker, TargetTraits, check_ours, decide};
pub use requests::{Reply, Requests};
pub use retention::{collect, collect_nameless};
pub use state::{Owner, read_snapshot, write_snapshot};
pub use store::Store;
#[cfg(test)]
pub use store::simulate_folders;
