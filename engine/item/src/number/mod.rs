//! DynamoDB's number: up to 38 decimal digits, 1E-130 to 9.99..E+125, zero and both signs. Exact.
//!
//! A number is `±significand · 10^exponent`. There is one form of each: the significand does not end in
//! a zero, and zero is not negative. So equal numbers are equal field by field, as `1000` and `1e3` must
//! be one key.

mod arithmetic;
mod bytes;
mod parse;
mod text;

use std::cmp::Ordering;

use crate::limits::{MAX_NUMBER_DIGITS, MAX_NUMBER_EXPONENT, MIN_NUMBER_EXPONENT};

/// An exact decimal.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Number {
    /// The significand's upper half. Two halves, because a `u128` would make every value 16 bytes larger.
    high: u64,
    /// The significand's lower half.
    low: u64,
    /// Power of ten that the significand is multiplied by; 0 for zero.
    exponent: i16,
    negative: bool,
}

/// Why something is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// The text does not read as a number.
    #[error("not a number")]
    NotNumeric,
    /// More digits than are kept.
    #[error("more than {MAX_NUMBER_DIGITS} significant digits")]
    TooManyDigits,
    /// Beyond the largest, or, as the result of a sum, not exact in the digits that are kept.
    #[error("beyond 9.9E+{MAX_NUMBER_EXPONENT}, or a sum of more than {MAX_NUMBER_DIGITS} digits")]
    Overflow,
    /// Below the smallest that is not zero.
    #[error("closer to zero than 1E{MIN_NUMBER_EXPONENT}")]
    Underflow,
}

impl Number {
    /// Zero.
    pub const ZERO: Self = Self { high: 0, low: 0, exponent: 0, negative: false };

    /// The number `±significand · 10^exponent`.
    ///
    /// # Errors
    /// If it has too many digits or is out of range.
    fn new(negative: bool, mut significand: u128, mut exponent: i32) -> Result<Self, NumberError> {
        if significand == 0 {
            return Ok(Self::ZERO);
        }
        while significand.is_multiple_of(10) {
            significand /= 10;
            exponent += 1;
        }
        let digits = digits_of(significand);
        if digits > MAX_NUMBER_DIGITS {
            return Err(NumberError::TooManyDigits);
        }
        let first = exponent + digits as i32 - 1;
        if first > MAX_NUMBER_EXPONENT {
            return Err(NumberError::Overflow);
        }
        if first < MIN_NUMBER_EXPONENT {
            return Err(NumberError::Underflow);
        }
        Ok(Self {
            high: (significand >> 64) as u64,
            low: significand as u64,
            exponent: i16::try_from(exponent).expect("within the range of a number"),
            negative,
        })
    }

    fn significand(&self) -> u128 {
        u128::from(self.high) << 64 | u128::from(self.low)
    }

    /// Whether it is zero.
    pub fn is_zero(&self) -> bool {
        self.high == 0 && self.low == 0
    }

    /// Whether it is below zero.
    pub fn is_negative(&self) -> bool {
        self.negative
    }

    /// Its digits without the zeros before and behind; 0 of them for zero.
    pub(crate) fn digits(&self) -> u32 {
        digits_of(self.significand())
    }

    /// The power of ten of its first digit: 2 for 345, -3 for 0.001. Undefined for zero, which has no
    /// first digit.
    pub(crate) fn first_exponent(&self) -> i32 {
        i32::from(self.exponent) + self.digits() as i32 - 1
    }

    /// How it and another are ordered, signs apart.
    fn cmp_magnitude(&self, other: &Self) -> Ordering {
        match (self.is_zero(), other.is_zero()) {
            (true, true) => return Ordering::Equal,
            (true, false) => return Ordering::Less,
            (false, true) => return Ordering::Greater,
            (false, false) => {}
        }
        let (ours, theirs) = (self.digits(), other.digits());
        // Digit by digit from the first on: the shorter one goes on with zeros.
        let widen =
            |number: &Self, from: u32, to: u32| number.significand() * 10u128.pow(to - from);
        self.first_exponent().cmp(&other.first_exponent()).then_with(|| {
            let digits = ours.max(theirs);
            widen(self, ours, digits).cmp(&widen(other, theirs, digits))
        })
    }
}

/// Decimal digits of a number; 0 for 0.
fn digits_of(significand: u128) -> u32 {
    significand.checked_ilog10().map_or(0, |power| power + 1)
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.cmp_magnitude(other),
            (true, true) => other.cmp_magnitude(self),
        }
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self::new(false, u128::from(value), 0).expect("20 digits are within the range of a number")
    }
}
