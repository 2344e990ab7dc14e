//! What is to be known of a trace before it is replayed: how much, how long, which one, and a sample of its keys.
//! One pass over it, in memory that does not grow with it.

use std::collections::BTreeMap;

use xxhash_rust::xxh3::Xxh3;

use super::{TraceEntry, TraceError, key_hash};
use crate::limits::TRACE_SAMPLE_MAX;
use crate::workload::Operation;

/// A key of the sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampledKey {
    /// The key.
    pub key: String,
    /// Whether the trace's first operation on it is an INSERT: then nothing is loaded under it.
    pub begins_with_insert: bool,
}

/// What is known of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// How many operations it has, by type; types that it lacks are absent.
    pub operations: BTreeMap<Operation, u64>,
    /// Time of the first operation, in microseconds.
    pub first_us: u64,
    /// Time of the last one.
    pub last_us: u64,
    /// XXH3 of all fields of all operations, in order: the same whatever the format and the compression.
    pub fingerprint: u64,
    /// Up to [`TRACE_SAMPLE_MAX`] distinct keys, each as likely as any other however often it occurs: those with the
    /// least hashes. In order of the keys; all of them if there are no more.
    pub sample: Vec<SampledKey>,
}

impl Survey {
    /// Goes through a whole trace.
    ///
    /// # Errors
    /// The first one of the trace.
    pub fn of(
        entries: impl Iterator<Item = Result<TraceEntry, TraceError>>,
    ) -> Result<Self, TraceError> {
        let mut hasher = Xxh3::new();
        let mut operations: BTreeMap<Operation, u64> = BTreeMap::new();
        let mut times: Option<(u64, u64)> = None;
        let mut sample: BTreeMap<u64, SampledKey> = BTreeMap::new();
        for entry in entries {
            let entry = entry?;
            update(&mut hasher, &entry);
            *operations.entry(entry.operation).or_default() += 1;
            times = Some((times.map_or(entry.time_us, |(first, _)| first), entry.time_us));
            take_sample(&mut sample, entry);
        }
        // Without operations a trace is an error, so there are times.
        let (first_us, last_us) = times.unwrap_or_default();
        let mut sample: Vec<SampledKey> = sample.into_values().collect();
        sample.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(Self { operations, first_us, last_us, fingerprint: hasher.digest(), sample })
    }

    /// Operations of all types.
    pub fn total(&self) -> u64 {
        self.operations.values().sum()
    }
}

/// Keeps the keys with the least hashes. One that is in the end among them has been since it first occurred, so that
/// what is known of its first operation is so.
fn take_sample(sample: &mut BTreeMap<u64, SampledKey>, entry: TraceEntry) {
    let hash = key_hash(&entry.key);
    let is_full = sample.len() >= TRACE_SAMPLE_MAX;
    if is_full && sample.last_key_value().is_some_and(|(largest, _)| hash > *largest) {
        return;
    }
    let begins_with_insert = entry.operation == Operation::Insert;
    sample.entry(hash).or_insert(SampledKey { key: entry.key, begins_with_insert });
    if sample.len() > TRACE_SAMPLE_MAX {
        sample.pop_last();
    }
}

fn update(hasher: &mut Xxh3, entry: &TraceEntry) {
    // No number of a trace is as large as this.
    let number = |number: Option<u64>| number.unwrap_or(u64::MAX);
    let key = entry.key.as_bytes();
    for number in [
        entry.time_us,
        entry.operation as u64,
        number(entry.size_bytes),
        number(entry.count),
        key.len() as u64,
    ] {
        hasher.update(&number.to_le_bytes());
    }
    hasher.update(key);
}
