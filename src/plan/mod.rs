//! From a bound query to a stream plan: names and types, pushdown, EXPLAIN.
//!
//! [`bind`] gives a typed DataFusion `LogicalPlan`, [`optimize`] applies the rules that hold on streams, [`lower`]
//! makes the [`stream_plan`] that the runtime builds.

pub mod aggregate;
pub mod batch;
pub mod bind;
pub mod changelog_mode;
pub mod current_watermark;
pub mod dead_letters;
mod delivery;
pub mod expand;
pub mod explain;
pub mod identity;
pub mod lineage;
pub mod lower;
pub mod mini_batch;
pub mod net_changes;
pub mod nodes;
pub mod optimize;
pub mod sink_check;
pub mod state;
pub mod stream_plan;
pub mod table;
pub mod text;
pub mod unnest;
pub mod upsert_keys;
pub mod uses;
pub mod window;
pub mod window_columns;
