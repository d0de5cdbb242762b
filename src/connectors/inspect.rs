//! What questions to a service that are about no table have in common: their options, and how long they wait.

use super::options::{OptionSpec, Options, RawOptions};
use crate::error::Result;

/// How long to go on trying while the service is away, where its integration doesn't say: somebody sits in front of it.
const PATIENCE: &str = "10 s";
const PATIENCE_KEY: &str = "connection.max-retry-timeout";

/// The options among `raw` that are in `specs`, of which only `address` must be there. All services have one for how
/// long to go on trying.
pub fn options(owner: &str, raw: &RawOptions, specs: &[OptionSpec], address: &str) -> Result<Options> {
    let mut kept = RawOptions::new();
    for (key, value) in raw.iter().filter(|(key, _)| specs.iter().any(|spec| spec.matches(key))) {
        kept.set(key, value, None);
    }
    if kept.get(PATIENCE_KEY).is_none() {
        kept.set(PATIENCE_KEY, PATIENCE, None);
    }
    let specs = specs.iter().map(|spec| OptionSpec { required: spec.key == address, ..*spec });
    Options::check_only(owner, &kept, specs.collect())
}
