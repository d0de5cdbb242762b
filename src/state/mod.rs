//! State: what an operator knows at a barrier, as tables that a later process can read.
//!
//! An operator gives a [`Snapshot`] and takes one back; only this room knows bytes, and every form of them has a version.
//! A snapshot says everything: the rows that come after a restart are those that would have come without one. One that is
//! damaged, or that another operator has given, is refused as an error of kind `State`.

mod encoding;
mod snapshot;
mod table;

pub use encoding::VERSION;
pub use snapshot::Snapshot;
pub use table::StateTable;
