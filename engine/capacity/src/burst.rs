//! A bucket with a second one behind it, of what was left unused over minutes. Not who says whether the node has
//! headroom for it: that is an argument.
//!
//! ```text
//!            rate
//!             |
//!             v
//!        +---------+  what does not fit   +----------------+
//!        | steady  | -------------------> | saved          |
//!        | 1 s     |                      | the rest of    |
//!        +---------+                      | 300 s          |
//!             |                           +----------------+
//!             v first                            v then, with headroom
//! ```
//!
//! Source: developer guide, "DynamoDB burst and adaptive capacity": "up to five minutes (300 seconds) of unused
//! read and write capacity", which it may also use itself; Elhemali et al., ATC'22, section 4.1: only if the node
//! has capacity left.

use std::time::Duration;

use crate::bucket::Bucket;
use crate::limits::MAX_BUCKET_UNITS;
use crate::tokens::{Rate, Tokens};

/// How long unused capacity is kept.
pub const BURST: Duration = Duration::from_secs(300);

/// How much of it may be taken at once whatever the node does.
pub const STEADY: Duration = Duration::from_secs(1);

/// Two buckets, one behind the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BurstBucket {
    steady: Bucket,
    saved: Tokens,
    saved_capacity: Tokens,
}

impl BurstBucket {
    /// One that has a second's units and has saved none. `burst` is how long what is unused is kept, all told;
    /// [`STEADY`] and less is no burst.
    #[must_use]
    pub fn new(now_ns: u64, rate: Rate, burst: Duration) -> Self {
        let (steady, saved_capacity) = capacities(rate, burst);
        Self { steady: Bucket::full(now_ns, rate, steady), saved: Tokens::ZERO, saved_capacity }
    }

    /// Units a second that come.
    #[must_use]
    pub fn rate(&self) -> Rate {
        self.steady.rate()
    }

    /// All that it can hold.
    #[must_use]
    pub fn capacity(&self) -> Tokens {
        self.steady.capacity() + self.saved_capacity
    }

    /// All that was there at the last refill, less what was taken since; below zero, what is owed.
    #[must_use]
    pub fn level(&self) -> Tokens {
        self.steady.level() + self.saved
    }

    /// The part of it that can be had.
    #[must_use]
    pub fn available(&self, has_headroom: bool) -> Tokens {
        self.steady.level() + if has_headroom { self.saved } else { Tokens::ZERO }
    }

    /// Adds what the rate brought until now.
    pub fn refill(&mut self, now_ns: u64) {
        let unused = self.steady.refill(now_ns);
        self.save(unused);
    }

    /// Takes an amount if it is there. One larger than a second's units is let in once those are there, so that it
    /// is let in at all, and paid off then.
    pub fn take(&mut self, now_ns: u64, amount: Tokens, has_headroom: bool) -> bool {
        self.refill(now_ns);
        let admitted = self.has(amount, has_headroom);
        if admitted {
            self.draw(amount, has_headroom);
        }
        admitted
    }

    /// Whether [`BurstBucket::take`] would let an amount in, as of the last refill.
    #[must_use]
    pub fn has(&self, amount: Tokens, has_headroom: bool) -> bool {
        self.available(has_headroom) >= amount || self.steady.is_full()
    }

    /// Takes an amount that [`BurstBucket::has`] allows.
    pub(crate) fn draw(&mut self, amount: Tokens, has_headroom: bool) {
        let short = (amount - self.steady.level()).max(Tokens::ZERO);
        let from_saved = if has_headroom { short.min(self.saved) } else { Tokens::ZERO };
        self.saved -= from_saved;
        self.steady.charge(amount - from_saved);
    }

    /// Gives back or charges the difference between what was reserved and what it took.
    pub fn settle(&mut self, reserved: Tokens, taken: Tokens) {
        let unused = self.steady.settle(reserved, taken);
        self.save(unused);
    }

    /// Nanoseconds until [`BurstBucket::take`] lets an amount in if nobody takes before; `None` for never.
    #[must_use]
    pub fn time_until_ns(&self, now_ns: u64, amount: Tokens, has_headroom: bool) -> Option<u64> {
        let saved = if has_headroom { self.saved } else { Tokens::ZERO };
        self.steady.time_until_ns(now_ns, amount - saved)
    }

    /// Changes the rate from now on, and what can be saved with it. What is there stays, as far as it fits.
    pub fn change(&mut self, now_ns: u64, rate: Rate, burst: Duration) {
        self.refill(now_ns);
        let (steady, saved_capacity) = capacities(rate, burst);
        let level = self.steady.level();
        self.steady.change(now_ns, rate, steady);
        self.saved_capacity = saved_capacity;
        self.saved = self.saved.min(saved_capacity);
        self.save(level - self.steady.level());
    }

    /// Two that together have its rate, its capacity and what is in it; the first has `numerator` of
    /// `denominator` of each.
    #[must_use]
    pub fn split(mut self, now_ns: u64, numerator: u64, denominator: u64) -> (Self, Self) {
        self.refill(now_ns);
        let (steady, steady_rest) = self.steady.split(now_ns, numerator, denominator);
        let first = Self {
            steady,
            saved: self.saved.part(numerator, denominator),
            saved_capacity: self.saved_capacity.part(numerator, denominator),
        };
        let second = Self {
            steady: steady_rest,
            saved: self.saved - first.saved,
            saved_capacity: self.saved_capacity - first.saved_capacity,
        };
        (first, second)
    }

    /// Drops an amount: of what is saved first.
    pub(crate) fn shed(&mut self, amount: Tokens) {
        let from_saved = amount.min(self.saved);
        self.saved -= from_saved;
        self.steady.charge(amount - from_saved);
    }

    fn save(&mut self, unused: Tokens) {
        self.saved = (self.saved + unused).min(self.saved_capacity);
    }
}

/// What the two hold: a second's units, and the rest of the burst's.
fn capacities(rate: Rate, burst: Duration) -> (Tokens, Tokens) {
    let steady = rate.within(STEADY);
    let all = rate.within(burst).min(Tokens::units(MAX_BUCKET_UNITS));
    (steady, (all - steady).max(Tokens::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    fn units(units: u64) -> Tokens {
        Tokens::units(units)
    }

    fn bucket() -> BurstBucket {
        BurstBucket::new(0, Rate::per_s(10), BURST)
    }

    /// How many single units can be had at once.
    fn drain(bucket: &mut BurstBucket, now_ns: u64, has_headroom: bool) -> u64 {
        (0..).take_while(|_| bucket.take(now_ns, units(1), has_headroom)).count() as u64
    }

    #[test]
    fn three_hundred_seconds_are_kept_and_not_one_more() {
        // It begins with one second's, so that 299 s on there are 300.
        for (idle_s, expected) in [(0, 10), (1, 20), (298, 2990), (299, 3000), (300, 3000)] {
            assert_eq!(drain(&mut bucket(), idle_s * S, true), expected, "{idle_s} s");
        }
        assert_eq!(drain(&mut bucket(), 100_000 * S, true), 3000);
    }

    #[test]
    fn without_headroom_there_is_one_second_and_what_was_saved_stays() {
        let mut bucket = bucket();
        assert_eq!(drain(&mut bucket, 100 * S, false), 10);
        assert_eq!(drain(&mut bucket, 100 * S, true), 1000);
        assert_eq!(drain(&mut bucket, 101 * S, false), 10);
    }

    #[test]
    fn no_burst_keeps_one_second() {
        let mut bucket = BurstBucket::new(0, Rate::per_s(10), Duration::ZERO);
        assert_eq!(drain(&mut bucket, 1000 * S, true), 10);
        assert_eq!(bucket.capacity(), units(10));
    }

    #[test]
    fn a_large_request_takes_what_was_saved_and_owes_the_rest() {
        let mut bucket = bucket();
        assert!(bucket.take(9 * S, units(400), true));
        assert_eq!(bucket.level(), -units(300));
        assert_eq!(bucket.time_until_ns(9 * S, units(1), true), Some(30 * S + S / 10));
        assert!(!bucket.take(39 * S, units(1), true));
        assert!(bucket.take(39 * S + S / 10, units(1), true));
    }

    #[test]
    fn another_rate_keeps_what_fits() {
        let mut bucket = bucket();
        bucket.change(100 * S, Rate::per_s(1), BURST);
        assert_eq!(bucket.level(), units(300));
        bucket.change(100 * S, Rate::per_s(100), BURST);
        assert_eq!(bucket.level(), units(300));
        assert_eq!(drain(&mut bucket, 100 * S, true), 300);
    }
}
