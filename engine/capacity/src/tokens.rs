//! Request units and rates as exact integers, for what must neither lose nor invent any. Not how many a
//! request takes: that is `units`.
//!
//! ```text
//!   Tokens   nano-units:                  1 unit = 1,000,000,000, half a unit and a share of one are exact
//!   Rate     milli-units a second:        a rate times whole microseconds is whole nano-units
//! ```
//!
//! So a bucket refills without a division and without a remainder, whatever the rate.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};
use std::time::Duration;

use crate::limits::{MAX_BUCKET_UNITS, MAX_RATE_UNITS_PER_S};

/// An amount of request units, exact to a billionth. Below zero it is a debt. Arithmetic saturates.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tokens(i64);

impl Tokens {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// How many make one unit.
    pub const PER_UNIT: i64 = 1_000_000_000;

    /// So many whole units.
    #[must_use]
    pub const fn units(units: u64) -> Self {
        let units = if units > i64::MAX as u64 { i64::MAX } else { units as i64 };
        Self(units.saturating_mul(Self::PER_UNIT))
    }

    /// So many billionths of a unit.
    #[must_use]
    pub const fn nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Units as requests are told of them, rounded down to a billionth.
    #[must_use]
    pub fn from_f64(units: f64) -> Self {
        Self((units * Self::PER_UNIT as f64) as i64)
    }

    /// In billionths of a unit.
    #[must_use]
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// In units: exact for all that requests take, which are multiples of half a unit.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / Self::PER_UNIT as f64
    }

    /// Whole units, rounded down; none of a debt.
    #[must_use]
    pub const fn whole_units(self) -> u64 {
        if self.0 < 0 { 0 } else { (self.0 / Self::PER_UNIT) as u64 }
    }

    /// Twice as much.
    #[must_use]
    pub const fn twice(self) -> Self {
        Self(self.0.saturating_mul(2))
    }

    /// The part of it that is `numerator` of `denominator`, rounded down; none of nothing.
    #[must_use]
    pub fn part(self, numerator: u64, denominator: u64) -> Self {
        if denominator == 0 {
            return Self::ZERO;
        }
        let part = i128::from(self.0) * i128::from(numerator) / i128::from(denominator);
        Self(part.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
    }

    /// Whether it is a debt.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }
}

impl Add for Tokens {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Tokens {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Neg for Tokens {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl AddAssign for Tokens {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Tokens {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Sum for Tokens {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::ZERO, Add::add)
    }
}

/// Request units a second, exact to a thousandth. 0 to [`MAX_RATE_UNITS_PER_S`].
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(u64);

impl Rate {
    /// Nothing ever.
    pub const ZERO: Self = Self(0);

    /// The highest.
    pub const HIGHEST: Self = Self(MAX_RATE_UNITS_PER_S * 1000);

    /// So many units a second; the highest rate if that is more.
    #[must_use]
    pub const fn per_s(units: u64) -> Self {
        let units = if units > MAX_RATE_UNITS_PER_S { MAX_RATE_UNITS_PER_S } else { units };
        Self(units * 1000)
    }

    /// So many thousandths of a unit a second, within the same bound.
    #[must_use]
    pub const fn milli_per_s(milli_units: u64) -> Self {
        let Self(highest) = Self::HIGHEST;
        Self(if milli_units > highest { highest } else { milli_units })
    }

    /// Units a second.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// Thousandths of a unit a second.
    #[must_use]
    pub const fn as_milli(self) -> u64 {
        self.0
    }

    /// The part of it that is `numerator` of `denominator`, rounded down; nothing of nothing.
    #[must_use]
    pub fn part(self, numerator: u64, denominator: u64) -> Self {
        if denominator == 0 {
            return Self::ZERO;
        }
        let part = u128::from(self.0) * u128::from(numerator) / u128::from(denominator);
        Self::milli_per_s(u64::try_from(part).unwrap_or(u64::MAX))
    }

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self::milli_per_s(self.0.saturating_add(other.0))
    }

    /// What is left without the other.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// What it brings within so many whole microseconds. Saturates.
    #[must_use]
    pub const fn within_us(self, elapsed_us: u64) -> Tokens {
        let nanos = self.0.saturating_mul(elapsed_us);
        Tokens(if nanos > i64::MAX as u64 { i64::MAX } else { nanos as i64 })
    }

    /// What it brings within a time, at most as much as a bucket may hold.
    #[must_use]
    pub fn within(self, time: Duration) -> Tokens {
        let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.within_us(us).min(Tokens::units(MAX_BUCKET_UNITS))
    }

    /// Microseconds after which it has brought `tokens`, rounded up; `None` for never.
    #[must_use]
    pub fn time_for_us(self, tokens: Tokens) -> Option<u64> {
        let nanos = u64::try_from(tokens.0).unwrap_or(0);
        match (nanos, self.0) {
            (0, _) => Some(0),
            (_, 0) => None,
            (nanos, rate) => Some(nanos.div_ceil(rate)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_times_a_time_is_exact() {
        assert_eq!(Rate::per_s(1000).within_us(1), Tokens::nanos(1_000_000));
        assert_eq!(Rate::milli_per_s(1).within_us(1_000_000), Tokens::nanos(1_000_000));
        assert_eq!(Rate::per_s(3).within(Duration::from_secs(300)), Tokens::units(900));
        assert_eq!(Rate::per_s(3).time_for_us(Tokens::units(1)), Some(333_334));
        assert_eq!(Rate::ZERO.time_for_us(Tokens::units(1)), None);
        assert_eq!(Rate::ZERO.time_for_us(-Tokens::units(1)), Some(0));
    }

    #[test]
    fn parts_round_down_and_what_is_too_large_stops_at_the_bound() {
        assert_eq!(Tokens::units(10).part(1, 3), Tokens::nanos(3_333_333_333));
        assert_eq!(Rate::per_s(100).part(1, 3), Rate::milli_per_s(33_333));
        assert_eq!(Rate::per_s(u64::MAX), Rate::HIGHEST);
        assert_eq!(Rate::HIGHEST.plus(Rate::per_s(1)), Rate::HIGHEST);
        assert_eq!(Tokens::units(u64::MAX) + Tokens::units(1), Tokens::nanos(i64::MAX));
        assert_eq!(Rate::HIGHEST.within_us(u64::MAX), Tokens::nanos(i64::MAX));
        assert_eq!(Tokens::from_f64(0.5), Tokens::nanos(500_000_000));
        assert_eq!(Tokens::from_f64(0.5).as_f64(), 0.5);
        assert_eq!(Tokens::nanos(1_999_999_999).whole_units(), 1);
    }
}
