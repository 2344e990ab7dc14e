//! Recently used records in memory, under a hard budget in bytes. Not of pages: with hashed keys a
//! cached page is mostly neighbours that nobody asked for. Resists scans, which do not go through it.

use std::hash::{Hash, Hasher};

use bytes::Bytes;
use quick_cache::{DefaultHashBuilder, Equivalent, Weighter, unsync};

use crate::types::Versioned;

/// What a cached record costs beyond its key and value: entry, hash table, allocations.
const ENTRY_OVERHEAD_BYTES: u64 = 160;

/// Only for sizing the tables at start.
const TYPICAL_RECORD_BYTES: u64 = 1024;

/// The newest durable versions of recently used keys.
pub(crate) struct RecordCache {
    records: unsync::Cache<Key, Versioned, Weigh>,
    budget_bytes: u64,
}

struct Key {
    tag: u32,
    key: Bytes,
}

struct Query<'a> {
    tag: u32,
    key: &'a [u8],
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.tag == other.tag && self.key == other.key
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Query { tag: self.tag, key: &self.key }.hash(state);
    }
}

impl Hash for Query<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u32(self.tag);
        state.write(self.key);
    }
}

impl Equivalent<Key> for Query<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.tag == key.tag && *self.key == *key.key
    }
}

#[derive(Clone)]
struct Weigh;

impl Weighter<Key, Versioned> for Weigh {
    fn weight(&self, key: &Key, record: &Versioned) -> u64 {
        key.key.len() as u64 + record.value.len() as u64 + ENTRY_OVERHEAD_BYTES
    }
}

impl RecordCache {
    pub(crate) fn new(budget_bytes: u64) -> Self {
        let expected = (budget_bytes / (TYPICAL_RECORD_BYTES + ENTRY_OVERHEAD_BYTES)) as usize;
        let records = unsync::Cache::with(
            expected.max(16),
            budget_bytes,
            Weigh,
            DefaultHashBuilder::default(),
            unsync::DefaultLifecycle::default(),
        );
        Self { records, budget_bytes }
    }

    pub(crate) fn get(&self, tag: u32, key: &[u8]) -> Option<&Versioned> {
        self.records.get(&Query { tag, key })
    }

    pub(crate) fn insert(&mut self, tag: u32, key: Bytes, record: Versioned) {
        if self.budget_bytes > 0 {
            self.records.insert(Key { tag, key }, record);
        }
    }

    pub(crate) fn remove(&mut self, tag: u32, key: &[u8]) {
        self.records.remove(&Query { tag, key });
    }

    pub(crate) fn weight_bytes(&self) -> u64 {
        self.records.weight()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_within_its_budget_and_tells_tags_apart() {
        let mut cache = RecordCache::new(1 << 20);
        let record = |n: u64| Versioned { version: n, value: Bytes::from(vec![0; 1000]) };
        for n in 0..5_000u64 {
            cache.insert(1, Bytes::from(n.to_be_bytes().to_vec()), record(n));
            assert!(cache.weight_bytes() <= 1 << 20, "{} bytes cached", cache.weight_bytes());
        }
        let newest = 4_999u64.to_be_bytes();
        cache.insert(1, Bytes::copy_from_slice(&newest), record(1));
        assert_eq!(cache.get(1, &newest), Some(&record(1)));
        assert_eq!(cache.get(2, &newest), None, "another ownership's record");
        cache.remove(1, &newest);
        assert_eq!(cache.get(1, &newest), None);
    }
}
