//! What flows between operators: batches of rows that say what they do to a table, watermarks, barriers and the end.

mod batch;
mod element;
mod origin;
pub mod rejects;
mod row_kind;

pub use batch::ChangelogBatch;
pub use element::{EndKind, Epoch, StreamElement};
pub use origin::Origin;
pub use row_kind::RowKind;
