//! The memory of large answers, which is taken again when nobody reads them any more.
//!
//! All connections of a reader share it: the records of one answer are handed over before the next one is looked at, so
//! few are read at a time, however many brokers there are.

use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};

/// Answers whose memory is kept for later ones.
pub const COUNT: usize = 4;
/// And of which size: a batch that is larger than what is asked for is rare.
pub const SIZES: RangeInclusive<usize> = (64 << 10)..=(8 << 20);

/// Answers of late. Cheap to clone, the clones are one.
#[derive(Clone, Default)]
pub struct Spare(Arc<Mutex<Vec<Bytes>>>);

impl Spare {
    /// Memory of an answer that nobody reads any more, or new memory.
    pub fn take(&self, size: usize) -> BytesMut {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if SIZES.contains(&size)
            && let Some(i) = answers.iter().position(Bytes::is_unique)
            && let Ok(mut buffer) = answers.remove(i).try_into_mut()
        {
            buffer.clear();
            if buffer.capacity() >= size {
                return buffer;
            }
        }
        BytesMut::with_capacity(size)
    }

    /// Keeps the memory of an answer, and no longer that of the oldest one where there are too many.
    pub fn keep(&self, answer: &Bytes) {
        if SIZES.contains(&answer.len()) {
            let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if answers.len() >= COUNT {
                answers.remove(0);
            }
            answers.push(answer.clone());
        }
    }
}
