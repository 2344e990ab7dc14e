//! Counters shared by all workers: the next key to insert, and the last one known to be stored.
//! They draw nothing at random.

use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::limits::ACKNOWLEDGE_WINDOW;

/// YCSB's `CounterGenerator`: start, start + 1, ...
#[derive(Debug)]
pub struct Counter {
    next: AtomicU64,
}

impl Counter {
    /// Counts from `start`.
    pub const fn new(start: u64) -> Self {
        Self { next: AtomicU64::new(start) }
    }

    /// The next number.
    #[inline]
    pub fn next(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }
}

/// YCSB's `SequentialGenerator`: walks `min..=max` round and round.
#[derive(Debug)]
pub struct Sequential {
    steps: Counter,
    min: u64,
    count: u64,
}

impl Sequential {
    /// Walks `min..=max`.
    pub fn new(min: u64, max: u64) -> Self {
        Self { steps: Counter::new(0), min, count: max.max(min) - min + 1 }
    }

    /// The next number; all workers share one walk.
    #[inline]
    pub fn next(&self) -> u64 {
        self.min + self.steps.next() % self.count
    }
}

/// Too many inserts are unacknowledged: the window cannot take another until the oldest returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowFull;

impl fmt::Display for WindowFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{ACKNOWLEDGE_WINDOW} inserts are ahead of the oldest unacknowledged one")
    }
}

impl Error for WindowFull {}

/// YCSB's `AcknowledgedCounterGenerator`: hands out numbers, and knows below which all have come back.
///
/// Holds a window of 2^20 flags (1 MiB). YCSB throws when the window overflows; this one refuses to hand
/// out the number instead, so nothing is lost. No locks: whoever finds the sweep free does it.
#[derive(Debug)]
pub struct AcknowledgedCounter {
    next: AtomicU64,
    /// Every number below this one is acknowledged.
    limit: AtomicU64,
    sweeping: AtomicBool,
    window: Box<[AtomicBool]>,
}

impl AcknowledgedCounter {
    /// Counts from `start`; everything below it counts as acknowledged.
    pub fn new(start: u64) -> Self {
        Self {
            next: AtomicU64::new(start),
            limit: AtomicU64::new(start),
            sweeping: AtomicBool::new(false),
            window: (0..ACKNOWLEDGE_WINDOW).map(|_| AtomicBool::new(false)).collect(),
        }
    }

    /// The next number. Every number handed out must be acknowledged, also when its insert failed.
    pub fn next(&self) -> Result<u64, WindowFull> {
        let claimed = self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |next| {
            let ahead = next - self.limit.load(Ordering::Relaxed).min(next);
            (ahead < ACKNOWLEDGE_WINDOW).then_some(next + 1)
        });
        claimed.map_err(|_| WindowFull)
    }

    /// How many numbers are acknowledged without a gap: all keys below this one exist.
    #[inline]
    pub fn end(&self) -> u64 {
        self.limit.load(Ordering::Acquire)
    }

    /// The last number acknowledged without a gap (YCSB's `lastValue`), or `None` when none is.
    #[inline]
    pub fn last(&self) -> Option<u64> {
        self.end().checked_sub(1)
    }

    fn slot(&self, number: u64) -> &AtomicBool {
        &self.window[(number % ACKNOWLEDGE_WINDOW) as usize]
    }

    /// Says that `number`, which `next` handed out, has come back.
    pub fn acknowledge(&self, number: u64) {
        self.slot(number).store(true, Ordering::SeqCst);
        // A flag set while another thread sweeps may be missed by that sweep, so the loop looks again
        // after letting go: the last one out leaves no acknowledged number behind the limit.
        while self.slot(self.limit.load(Ordering::SeqCst)).load(Ordering::SeqCst) {
            if self.sweeping.swap(true, Ordering::SeqCst) {
                return;
            }
            let mut limit = self.limit.load(Ordering::SeqCst);
            while self.slot(limit).swap(false, Ordering::SeqCst) {
                limit += 1;
            }
            self.limit.store(limit, Ordering::SeqCst);
            self.sweeping.store(false, Ordering::SeqCst);
        }
    }
}
