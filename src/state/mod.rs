//! State: what an operator knows at a barrier, as tables that a later process can read.
//!
//! An operator gives a [`Snapshot`] and takes one back; `checkpoint/` makes bytes of it. A snapshot says everything: the
//! rows that come after a restart are those that would have come without one. What another operator has given, or the same
//! in another query, is refused as an error of kind `State`.
//!
//! A table is made of [`Piece`]s. Those that have not changed since the last barrier are the same, and say so by their
//! [`PieceId`]. Its rows belong to key groups ([`key_groups`]), by which they are dealt out anew when the parallelism
//! changes ([`Snapshot::rescaled`]).

mod key_group;
mod piece;
mod rescale;
mod slot_pieces;
mod snapshot;
mod table;

pub use key_group::{KEY_GROUPS, key_groups, subtask_of};
pub use piece::{Piece, PieceId, PieceRows};
pub use slot_pieces::SlotPieces;
pub use snapshot::Snapshot;
pub use table::StateTable;
