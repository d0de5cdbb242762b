//! Aggregation: groups, and the running values of each.

mod call;
mod group;
mod keys;
mod lifetime;

pub use call::AggregateCall;
pub use group::GroupAggregate;
pub(in crate::operators) use keys::GroupKeys;
