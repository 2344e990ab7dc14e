//! How far global indexes are behind their tables: times from a write to its change being followed. Not
//! following itself.

use std::sync::atomic::{AtomicU64, Ordering};

/// Upper ends of the buckets, in milliseconds; the last has none.
const BUCKETS_MS: [u64; 15] =
    [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 60_000, u64::MAX];

/// Counts of changes by how late they were followed, as Prometheus has its histograms.
#[derive(Debug, Default)]
pub struct Lag {
    counts: [AtomicU64; BUCKETS_MS.len()],
    sum_ms: AtomicU64,
    refused: AtomicU64,
}

impl Lag {
    pub(crate) fn note_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Entries that the storage never takes, and indexes lack: a fault of this program.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    pub(crate) fn note(&self, lag_ms: u64) {
        let bucket = BUCKETS_MS.iter().position(|end_ms| lag_ms <= *end_ms);
        self.counts[bucket.unwrap_or(BUCKETS_MS.len() - 1)].fetch_add(1, Ordering::Relaxed);
        self.sum_ms.fetch_add(lag_ms, Ordering::Relaxed);
    }

    /// Upper ends in milliseconds (`None` for the last), each with the changes that were no later.
    pub fn buckets_ms(&self) -> Vec<(Option<u64>, u64)> {
        let mut total = 0;
        let counts = BUCKETS_MS.iter().zip(&self.counts);
        counts
            .map(|(end_ms, count)| {
                total += count.load(Ordering::Relaxed);
                ((*end_ms != u64::MAX).then_some(*end_ms), total)
            })
            .collect()
    }

    /// All of it, in milliseconds.
    pub fn sum_ms(&self) -> u64 {
        self.sum_ms.load(Ordering::Relaxed)
    }
}
