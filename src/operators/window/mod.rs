//! Windows: the rows of a stretch of time, put together and told when it is over.

mod aggregate;
mod late;
mod local;
mod pane;
mod probe;
mod session_aggregate;
mod session_state;
mod session_table;
mod sessions;
mod slices;
mod table;
mod windows;

pub use aggregate::{WindowAggregate, WindowAggregateShape, WindowInput, WindowOutput};
pub use late::LateRows;
pub use local::LocalWindowAggregate;
pub(in crate::operators) use pane::{Pane, Partials};
pub use pane::{PaneShape, states};
pub(in crate::operators) use probe::{are_many, probe};
pub use session_aggregate::SessionAggregate;
pub use session_table::{SessionTable, SessionTableShape};
pub use table::{WindowPart, WindowTable};
pub use windows::{WindowClock, WindowKind};
