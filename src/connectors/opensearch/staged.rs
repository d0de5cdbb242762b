//! What a writer leaves for an epoch: its actions in order, in the form that a checkpoint keeps.
//!
//! ```text
//! version: 1 byte │ the actions, as the body of a bulk request │ per action: 4 bytes │ number of actions: 4 bytes
//! ```
//! The four bytes of an action, little-endian like their number, are its length, and in their highest bit whether the
//! document is dropped, rather than failing the job, where the service rejects it.

use bytes::Bytes;

use super::bulk::{Actions, Bulk};
use crate::error::{Error, Result};

const VERSION: u8 = 1;
const DROPS: u32 = 1 << 31;

/// Actions that are collected for an epoch.
#[derive(Debug)]
pub struct Staging {
    pub bulk: Bulk,
    /// Whether each action's document may be dropped.
    drops: Vec<bool>,
}

impl Staging {
    pub fn new() -> Self {
        Self { bulk: Bulk::behind(&[VERSION]), drops: Vec::new() }
    }

    /// Says of the action that was pushed last whether its document may be dropped.
    pub fn mark(&mut self, drops: bool) {
        self.drops.push(drops);
    }

    /// Takes everything out, leaving nothing: the number of actions and their bytes. None need no bytes.
    pub fn take(&mut self) -> Result<(u64, Bytes)> {
        let Self { bulk, drops } = std::mem::replace(self, Self::new());
        let (mut body, starts) = bulk.into_parts();
        if starts.is_empty() {
            return Ok((0, Bytes::new()));
        }
        let ends = starts.iter().skip(1).copied().chain([body.len()]);
        let lengths: Vec<usize> = starts.iter().zip(ends).map(|(start, end)| end - start).collect();
        body.reserve_exact(4 * (lengths.len() + 1));
        let too_large = || Error::internal("an epoch of more documents or larger ones than there can be");
        for (length, drops) in lengths.iter().zip(drops) {
            let length = u32::try_from(*length).ok().filter(|length| length & DROPS == 0).ok_or_else(too_large)?;
            body.extend_from_slice(&(length | if drops { DROPS } else { 0 }).to_le_bytes());
        }
        body.extend_from_slice(&u32::try_from(starts.len()).map_err(|_| too_large())?.to_le_bytes());
        Ok((starts.len() as u64, body.into()))
    }
}

/// Actions to publish.
#[derive(Debug)]
pub struct StagedActions {
    pub actions: Actions,
    /// Whether each action's document may be dropped.
    pub drops: Vec<bool>,
}

impl StagedActions {
    /// Reads what [`Staging::take`] gave; the bytes are shared.
    ///
    /// # Errors
    /// Bytes of a later version, or none that it gave.
    pub fn decode(payload: &Bytes) -> Result<Self> {
        let Some(version) = payload.first() else {
            return Ok(Self { actions: Bulk::default().take(), drops: Vec::new() });
        };
        if *version != VERSION {
            let message =
                format!("documents in the checkpoint are of form {version}, and only form {VERSION} is known");
            return Err(Error::state(message)
                .with_hint("They were written by another version of Millstream: start that one once more."));
        }
        let damaged = || Error::state("documents in the checkpoint are damaged");
        let (rest, count) = payload[1..].split_last_chunk::<4>().ok_or_else(damaged)?;
        let count = u32::from_le_bytes(*count) as usize;
        let size = count.checked_mul(4).and_then(|trailer| rest.len().checked_sub(trailer)).ok_or_else(damaged)?;
        let (mut starts, mut drops, mut start) = (Vec::with_capacity(count), Vec::with_capacity(count), 0);
        for word in rest[size..].chunks_exact(4) {
            let word = u32::from_le_bytes(word.try_into().map_err(|_| damaged())?);
            starts.push(start);
            drops.push(word & DROPS != 0);
            start += (word & !DROPS) as usize;
        }
        if start != size {
            return Err(damaged());
        }
        Ok(Self { actions: Actions::new(payload.slice(1..=size), starts), drops })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    /// Version 1, byte by byte.
    const FIXTURE: &[u8] = b"\x01\
        {\"delete\":{\"_index\":\"i\",\"_id\":\"a\"}}\n\
        {\"create\":{\"_index\":\"i\",\"_id\":\"b\"}}\n{}\n\
        \x24\0\0\0\x27\0\0\x80\x02\0\0\0";

    fn staging() -> Staging {
        let mut staging = Staging::new();
        staging.bulk.push_delete("i", "a");
        staging.mark(false);
        staging.bulk.push_create("i", "b", b"{}");
        staging.mark(true);
        staging
    }

    #[test]
    fn the_form_is_pinned() {
        let mut staging = staging();
        let (rows, payload) = staging.take().unwrap();
        assert_eq!((rows, String::from_utf8_lossy(&payload)), (2, String::from_utf8_lossy(FIXTURE)));
        assert_eq!(payload, FIXTURE);
        assert_eq!(staging.take().unwrap(), (0, Bytes::new()));
    }

    #[test]
    fn what_was_staged_is_read_again() {
        let staged = StagedActions::decode(&Bytes::from_static(FIXTURE)).unwrap();
        assert_eq!(staged.drops, [false, true]);
        assert_eq!(staged.actions.len(), 2);
        assert_eq!(staged.actions.slice(1..2).body(), "{\"create\":{\"_index\":\"i\",\"_id\":\"b\"}}\n{}\n");
        let nothing = StagedActions::decode(&Bytes::new()).unwrap();
        assert_eq!(nothing.actions.len(), 0);
    }

    #[test]
    fn other_bytes_are_errors() {
        let later = [&[9], &FIXTURE[1..]].concat();
        let error = StagedActions::decode(&later.into()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::State);
        assert_eq!(error.message(), "documents in the checkpoint are of form 9, and only form 1 is known");
        for end in 1..FIXTURE.len() {
            let error = StagedActions::decode(&FIXTURE[..end].to_vec().into()).unwrap_err();
            assert_eq!((error.kind(), error.message()), (ErrorKind::State, "documents in the checkpoint are damaged"));
        }
    }
}
