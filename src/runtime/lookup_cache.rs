//! Answers of a lookup kept for a while: least recently used out first, with expiry after write or access.

use arrow::record_batch::RecordBatch;
use lru::LruCache;
use tokio::time::Instant;

use crate::connectors::LookupCacheOptions;

/// Rows by key bytes. A key without rows is kept too where the options say so.
pub struct LookupCache {
    options: LookupCacheOptions,
    entries: LruCache<Box<[u8]>, Entry>,
    pub hits: u64,
    pub misses: u64,
}

struct Entry {
    rows: RecordBatch,
    written: Instant,
    accessed: Instant,
}

impl LookupCache {
    pub fn new(options: LookupCacheOptions) -> Self {
        let entries = match options.max_rows.and_then(std::num::NonZeroUsize::new) {
            Some(max) => LruCache::new(max),
            None => LruCache::unbounded(),
        };
        Self { options, entries, hits: 0, misses: 0 }
    }

    /// The rows of a key, if they are known and fresh.
    pub fn get(&mut self, key: &[u8], now: Instant) -> Option<RecordBatch> {
        let expired = self.entries.peek(key).is_some_and(|entry| self.is_expired(entry, now));
        if expired {
            self.entries.pop(key);
        }
        match self.entries.get_mut(key) {
            Some(entry) => {
                entry.accessed = now;
                self.hits += 1;
                Some(entry.rows.clone())
            }
            None => {
                self.misses += 1;
                None
            }
        }
    }

    pub fn put(&mut self, key: &[u8], rows: RecordBatch, now: Instant) {
        if rows.num_rows() == 0 && !self.options.cache_missing_keys {
            return;
        }
        self.entries.put(key.into(), Entry { rows, written: now, accessed: now });
    }

    fn is_expired(&self, entry: &Entry, now: Instant) -> bool {
        let after = |limit: Option<std::time::Duration>, since: Instant| {
            limit.is_some_and(|limit| now.saturating_duration_since(since) >= limit)
        };
        after(self.options.expire_after_write, entry.written) || after(self.options.expire_after_access, entry.accessed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use arrow::array::Int32Array;

    use super::*;

    fn rows(n: i32) -> RecordBatch {
        RecordBatch::try_from_iter([("a", Arc::new(Int32Array::from_iter_values(0..n)) as _)]).unwrap()
    }

    fn cache(max_rows: usize, write: Option<u64>, access: Option<u64>, missing: bool) -> LookupCache {
        LookupCache::new(LookupCacheOptions {
            max_rows: Some(max_rows),
            expire_after_write: write.map(Duration::from_secs),
            expire_after_access: access.map(Duration::from_secs),
            cache_missing_keys: missing,
        })
    }

    #[test]
    fn the_least_recently_used_key_goes_first() {
        let mut cache = cache(2, None, None, true);
        let now = Instant::now();
        cache.put(b"a", rows(1), now);
        cache.put(b"b", rows(1), now);
        assert!(cache.get(b"a", now).is_some());
        cache.put(b"c", rows(1), now);
        assert!(cache.get(b"b", now).is_none());
        assert!(cache.get(b"a", now).is_some());
    }

    #[test]
    fn entries_expire_after_write_and_after_access() {
        let now = Instant::now();
        let at = |s| now + Duration::from_secs(s);
        let mut cache = cache(9, Some(10), Some(4), true);
        cache.put(b"a", rows(1), now);
        assert!(cache.get(b"a", at(3)).is_some());
        assert!(cache.get(b"a", at(6)).is_some(), "the access at 3 s keeps it");
        assert!(cache.get(b"a", at(9)).is_some());
        assert!(cache.get(b"a", at(11)).is_none(), "10 s after the write it is gone");
    }

    #[test]
    fn misses_are_kept_only_where_the_options_say_so() {
        let now = Instant::now();
        for kept in [true, false] {
            let mut cache = cache(9, None, None, kept);
            cache.put(b"a", rows(0), now);
            assert_eq!(cache.get(b"a", now).is_some(), kept);
        }
    }
}
