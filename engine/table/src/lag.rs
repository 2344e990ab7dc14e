//! How far global indexes are behind their tables: times from a write to its change being followed, and how
//! writes wait where that would grow without end. Not following itself.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Poll, Waker};

use crate::limits::MAX_ROUNDS_WAITED;

/// Upper ends of the buckets, in milliseconds; the last has none.
const BUCKETS_MS: [u64; 15] =
    [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 60_000, u64::MAX];

/// Counts of changes by how late they were followed, as Prometheus has its histograms.
#[derive(Debug, Default)]
pub struct Lag {
    counts: [AtomicU64; BUCKETS_MS.len()],
    sum_ms: AtomicU64,
    refused: AtomicU64,
    /// Whether there are more changes than are followed in one round.
    is_behind: AtomicBool,
    rounds: AtomicU64,
    /// Who waits for the end of a round.
    waiting: Mutex<Vec<Waker>>,
}

impl Lag {
    /// One round of following is over, and there is more than the next one will do, or not.
    pub(crate) fn end_round(&self, is_behind: bool) {
        self.is_behind.store(is_behind, Ordering::Release);
        self.rounds.fetch_add(1, Ordering::AcqRel);
        let waiting = std::mem::take(&mut *self.waiting());
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Waits while indexes are behind, but not for ever: with more writes than can be followed, writes are as
    /// fast as they are followed, and what was written is in the indexes soon.
    pub(crate) async fn caught_up(&self) {
        for _ in 0..MAX_ROUNDS_WAITED {
            let seen = self.rounds.load(Ordering::Acquire);
            if !self.is_behind.load(Ordering::Acquire) {
                return;
            }
            poll_fn(|context| {
                // Asked for before looking, so that no round is missed.
                self.waiting().push(context.waker().clone());
                let is_over = self.rounds.load(Ordering::Acquire) != seen;
                if is_over { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Waker>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

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

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn writes_wait_while_indexes_are_behind_but_not_for_ever() {
        let lag = Lag::default();
        assert_eq!(lag.caught_up().now_or_never(), Some(()), "nothing is behind at first");
        lag.end_round(true);
        let mut waits = pin!(lag.caught_up());
        assert_eq!(waits.as_mut().now_or_never(), None);
        lag.end_round(false);
        assert_eq!(waits.as_mut().now_or_never(), Some(()), "all was followed");
        lag.end_round(true);
        let mut waits = pin!(lag.caught_up());
        for _ in 0..MAX_ROUNDS_WAITED {
            assert_eq!(waits.as_mut().now_or_never(), None);
            lag.end_round(true);
        }
        assert_eq!(waits.as_mut().now_or_never(), Some(()), "it has waited long enough");
    }
}
