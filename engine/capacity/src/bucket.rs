//! A token bucket in exact integers: what a rate brings, up to a capacity, is there to be taken. Not who may use
//! what was saved up over minutes: that is `burst`.
//!
//! Work is reserved before it is done and settled when it is known what it took, so the level may fall below
//! zero: what was taken too much is paid off before anything else is let in. A bucket never mints units:
//!
//! ```text
//!   taken within any window  <=  rate x window + capacity + what the largest request exceeds the capacity by
//! ```
//!
//! counting what was given back within the window as not taken. A clock that goes back brings nothing, one that
//! leaps forward brings a full bucket, and a new rate holds from the moment it is set.

use crate::limits::MAX_BUCKET_UNITS;
use crate::tokens::{Rate, Tokens};

/// Nanoseconds of a microsecond: refills are by whole ones, the rest of a time is kept for the next.
const US_NS: u64 = 1000;

/// One bucket. Times are of one monotonic clock, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    rate: Rate,
    capacity: Tokens,
    level: Tokens,
    /// Until when `level` has what the rate brought.
    refilled_ns: u64,
}

impl Bucket {
    /// A full one. Capacities above [`MAX_BUCKET_UNITS`] and below zero are made those.
    #[must_use]
    pub fn full(now_ns: u64, rate: Rate, capacity: Tokens) -> Self {
        let capacity = within_bounds(capacity);
        Self { rate, capacity, level: capacity, refilled_ns: now_ns }
    }

    /// An empty one, within the same bounds.
    #[must_use]
    pub fn empty(now_ns: u64, rate: Rate, capacity: Tokens) -> Self {
        Self { level: Tokens::ZERO, ..Self::full(now_ns, rate, capacity) }
    }

    /// Units a second that come.
    #[must_use]
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// What it holds when full.
    #[must_use]
    pub fn capacity(&self) -> Tokens {
        self.capacity
    }

    /// What was there at the last refill, less what was taken since; below zero, what is owed.
    #[must_use]
    pub fn level(&self) -> Tokens {
        self.level
    }

    /// Whether it holds all that it can; one that can hold nothing never does.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.level >= self.capacity && self.capacity > Tokens::ZERO
    }

    /// Adds what the rate brought until now. Returns what did not fit.
    pub fn refill(&mut self, now_ns: u64) -> Tokens {
        let elapsed_us = now_ns.saturating_sub(self.refilled_ns) / US_NS;
        self.refilled_ns += elapsed_us * US_NS;
        // More than both of these would bring overflows, and fills the bucket just as well.
        let brought = self.rate.within_us(elapsed_us);
        self.put(brought)
    }

    /// Takes an amount if it is there. An amount larger than the bucket is let in once that is full, so that it
    /// is let in at all, and paid off then.
    pub fn take(&mut self, now_ns: u64, amount: Tokens) -> bool {
        self.refill(now_ns);
        let admitted = self.has(amount);
        if admitted {
            self.level -= amount;
        }
        admitted
    }

    /// Whether [`Bucket::take`] would let an amount in, as of the last refill.
    #[must_use]
    pub fn has(&self, amount: Tokens) -> bool {
        self.level >= amount || self.is_full()
    }

    /// Takes an amount whether it is there or not: what is owed from before.
    pub fn charge(&mut self, amount: Tokens) {
        self.level -= amount;
    }

    /// Gives back or charges the difference between what was reserved and what it took. Returns what did not
    /// fit.
    pub fn settle(&mut self, reserved: Tokens, taken: Tokens) -> Tokens {
        self.put(reserved - taken)
    }

    /// Nanoseconds until [`Bucket::take`] lets an amount in if nobody takes before; `None` for never.
    #[must_use]
    pub fn time_until_ns(&self, now_ns: u64, amount: Tokens) -> Option<u64> {
        if self.capacity == Tokens::ZERO && amount > self.level {
            return None;
        }
        let missing = amount.min(self.capacity) - self.level;
        let until_ns =
            self.refilled_ns.saturating_add(self.rate.time_for_us(missing)?.saturating_mul(US_NS));
        Some(until_ns.saturating_sub(now_ns))
    }

    /// Changes the rate and the capacity from now on. What is there stays, as far as it fits.
    pub fn change(&mut self, now_ns: u64, rate: Rate, capacity: Tokens) {
        self.refill(now_ns);
        // The rest of a microsecond is forgone, lest the new rate apply to the past.
        self.refilled_ns = self.refilled_ns.max(now_ns);
        self.rate = rate;
        self.capacity = within_bounds(capacity);
        self.level = self.level.min(self.capacity);
    }

    /// Two buckets that together have its rate, its capacity and what is in it, to the last billionth of a
    /// unit; the first has `numerator` of `denominator` of each. `numerator` is at most `denominator`.
    #[must_use]
    pub fn split(mut self, now_ns: u64, numerator: u64, denominator: u64) -> (Self, Self) {
        self.refill(now_ns);
        let first = Self {
            rate: self.rate.part(numerator, denominator),
            capacity: self.capacity.part(numerator, denominator),
            level: self.level.part(numerator, denominator),
            ..self
        };
        let second = Self {
            rate: self.rate.minus(first.rate),
            capacity: self.capacity - first.capacity,
            level: self.level - first.level,
            ..self
        };
        (first, second)
    }

    /// Adds or takes an amount; returns what did not fit.
    fn put(&mut self, amount: Tokens) -> Tokens {
        let level = self.level + amount;
        self.level = level.min(self.capacity);
        level - self.level
    }
}

fn within_bounds(capacity: Tokens) -> Tokens {
    capacity.max(Tokens::ZERO).min(Tokens::units(MAX_BUCKET_UNITS))
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    fn units(units: u64) -> Tokens {
        Tokens::units(units)
    }

    #[test]
    fn it_fills_at_its_rate_to_its_capacity() {
        let mut bucket = Bucket::empty(0, Rate::per_s(10), units(20));
        assert!(!bucket.take(S / 10 - 1, units(1)));
        assert!(bucket.take(S / 10, units(1)));
        assert!(!bucket.take(S / 10, units(1)));
        assert!(bucket.take(100 * S, units(20)), "and no more than it holds");
        assert!(!bucket.take(100 * S, Tokens::nanos(1)));
    }

    #[test]
    fn what_was_taken_too_much_is_paid_off_first() {
        let mut bucket = Bucket::full(0, Rate::per_s(1), units(10));
        assert!(bucket.take(0, units(1)));
        bucket.settle(units(1), units(15));
        assert_eq!(bucket.level(), -units(5));
        assert_eq!(bucket.time_until_ns(0, units(1)), Some(6 * S));
        assert!(!bucket.take(6 * S - 1, units(1)));
        assert!(bucket.take(6 * S, units(1)));
        assert_eq!(bucket.settle(units(11), units(0)), units(1), "no more than it holds");
    }

    #[test]
    fn what_exceeds_the_bucket_waits_until_it_is_full() {
        let mut bucket = Bucket::empty(0, Rate::per_s(1), units(10));
        assert_eq!(bucket.time_until_ns(0, units(400)), Some(10 * S));
        assert!(!bucket.take(10 * S - 1, units(400)));
        assert!(bucket.take(10 * S, units(400)));
        assert_eq!(bucket.time_until_ns(10 * S, units(1)), Some(391 * S));
    }

    #[test]
    fn no_clock_mints_units() {
        let mut bucket = Bucket::full(100 * S, Rate::HIGHEST, units(5));
        assert!(bucket.take(0, units(5)), "long before it was made");
        assert!(!bucket.take(100 * S, units(1)), "back and forth");
        assert!(bucket.take(u64::MAX, units(5)));
        assert!(!bucket.take(u64::MAX, units(1)));
        bucket.change(u64::MAX, Rate::HIGHEST, Tokens::nanos(i64::MAX));
        assert_eq!(bucket.level(), Tokens::ZERO);
        assert_eq!(bucket.capacity(), units(MAX_BUCKET_UNITS));
    }

    #[test]
    fn a_new_rate_holds_from_now_on() {
        let mut bucket = Bucket::empty(0, Rate::per_s(1), units(100));
        bucket.change(10 * S, Rate::per_s(5), units(100));
        assert_eq!(bucket.level(), units(10));
        bucket.change(11 * S + 999, Rate::ZERO, units(12));
        assert_eq!(bucket.level(), units(12));
        assert!(bucket.take(11 * S + 999, units(12)));
        assert_eq!(bucket.time_until_ns(11 * S, units(1)), None);
        let mut bucket = Bucket::empty(0, Rate::ZERO, units(100));
        bucket.change(999, Rate::per_s(1_000_000), units(100));
        bucket.refill(1000);
        assert_eq!(bucket.level(), Tokens::ZERO, "not for the time before");
    }

    #[test]
    fn a_bucket_of_nothing_lets_nothing_in() {
        let mut bucket = Bucket::full(0, Rate::ZERO, Tokens::ZERO);
        assert!(!bucket.take(S, Tokens::nanos(1)));
        assert_eq!(bucket.time_until_ns(S, units(1)), None);
    }
}
