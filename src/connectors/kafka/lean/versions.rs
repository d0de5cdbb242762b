//! The versions of requests that a broker takes. <https://kafka.apache.org/protocol.html#The_Messages_ApiVersions>

use std::collections::HashMap;
use std::ops::RangeInclusive;

use bytes::Bytes;

use super::wire::{Answer, Api, Malformed, Request};

/// What a broker announces.
#[derive(Debug, Clone, Default)]
pub struct Versions(HashMap<i16, (i16, i16)>);

/// The question, in the version that every broker takes.
pub fn request(client_id: &str) -> Request {
    Request::new(Api::ApiVersions, 0, client_id)
}

impl Versions {
    /// What the broker answers, or its error.
    pub fn of(bytes: Bytes) -> Result<Result<Self, i16>, Malformed> {
        let mut answer = Answer::new(bytes);
        let error = answer.i16()?;
        let versions = answer.array(|answer| Ok((answer.i16()?, (answer.i16()?, answer.i16()?))))?;
        Ok(if error == 0 { Ok(Self(versions.into_iter().collect())) } else { Err(error) })
    }

    /// The newest version that both sides speak.
    pub fn choose(&self, api: Api, ours: RangeInclusive<i16>) -> Option<i16> {
        let (oldest, newest) = *self.0.get(&(api as i16))?;
        let version = newest.min(*ours.end());
        (version >= oldest.max(*ours.start())).then_some(version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_that_both_speak_is_chosen() {
        let bytes = Bytes::from_static(&[0, 0, 0, 0, 0, 1, 0, 1, 0, 4, 0, 17]);
        let versions = Versions::of(bytes).unwrap().unwrap();
        assert_eq!(versions.choose(Api::Fetch, 4..=10), Some(10));
        assert_eq!(versions.choose(Api::Fetch, 4..=20), Some(17));
        assert_eq!(versions.choose(Api::Fetch, 1..=3), None);
        assert_eq!(versions.choose(Api::Metadata, 4..=7), None);
        assert_eq!(Versions::of(Bytes::from_static(&[0, 35, 0, 0, 0, 0])).unwrap().unwrap_err(), 35);
    }
}
