//! Aggregation: groups, and the running values of each.

mod bundle;
mod byte_keys;
mod call;
mod changes;
mod group;
mod key_codec;
mod keys;
mod lifetime;
mod local;
mod number_keys;
mod run;
mod saved;
mod seen;

pub use bundle::BundleEnd;
pub use call::AggregateCall;
pub use group::GroupAggregate;
pub(in crate::operators) use keys::GroupKeys;
pub(in crate::operators) use lifetime::Lifetime;
pub use local::LocalGroupAggregate;
pub(in crate::operators) use saved::{SavedGroups, numbers};

#[cfg(test)]
mod property_tests;
