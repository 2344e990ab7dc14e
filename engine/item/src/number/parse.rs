//! Numbers from text: `-12`, `+.5`, `5.`, `1.e5`. No white space, no names of infinities.
//!
//! The text may be as long as a request: its zeros are counted, never kept, and an exponent is checked
//! before anything is computed with it.

use super::{Number, NumberError};
use crate::limits::{MAX_NUMBER_DIGITS, MAX_NUMBER_EXPONENT, MIN_NUMBER_EXPONENT};

impl Number {
    /// Reads a number.
    ///
    /// Zero has a magnitude here, as DynamoDB gives it one: that of a 1 in place of its last digit. So
    /// `0.0e126` is read and `0e126` overflows.
    ///
    /// # Errors
    /// If the text is no number, or one that is out of range or too long.
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        let text = text.as_bytes();
        let (negative, text) = match text.split_first() {
            Some((b'-', rest)) => (true, rest),
            Some((b'+', rest)) => (false, rest),
            _ => (false, text),
        };
        let (coefficient, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E'))
        {
            Some(at) => (&text[..at], parse_exponent(&text[at + 1..])?),
            None => (text, 0),
        };
        let digits = Digits::parse(coefficient)?;
        // Saturating: whatever is this far out is out of range, whichever way.
        let exponent = exponent.saturating_sub(digits.behind_point);
        if digits.significand == 0 {
            return check_zero(exponent);
        }
        if digits.kept > MAX_NUMBER_DIGITS {
            return Err(NumberError::TooManyDigits);
        }
        let exponent = exponent.saturating_add(digits.trailing_zeros);
        match i32::try_from(exponent) {
            Ok(exponent) if exponent.abs() < 1 << 16 => {
                Self::new(negative, digits.significand, exponent)
            }
            _ if exponent > 0 => Err(NumberError::Overflow),
            _ => Err(NumberError::Underflow),
        }
    }
}

fn check_zero(exponent: i64) -> Result<Number, NumberError> {
    if exponent > i64::from(MAX_NUMBER_EXPONENT) {
        Err(NumberError::Overflow)
    } else if exponent < i64::from(MIN_NUMBER_EXPONENT) {
        Err(NumberError::Underflow)
    } else {
        Ok(Number::ZERO)
    }
}

/// What stands before the exponent.
#[derive(Default)]
struct Digits {
    /// From the first digit that is not zero to the last one.
    significand: u128,
    /// Digits in `significand`, counted on beyond those that fit.
    kept: u32,
    /// Zeros behind the last digit that is not zero.
    trailing_zeros: i64,
    /// Digits behind the point.
    behind_point: i64,
}

impl Digits {
    fn parse(text: &[u8]) -> Result<Self, NumberError> {
        let (mut digits, mut any, mut point) = (Self::default(), false, false);
        for &byte in text {
            match byte {
                b'.' if !point => point = true,
                b'0'..=b'9' => {
                    any = true;
                    digits.behind_point += i64::from(point);
                    digits.push(byte - b'0');
                }
                _ => return Err(NumberError::NotNumeric),
            }
        }
        if any { Ok(digits) } else { Err(NumberError::NotNumeric) }
    }

    fn push(&mut self, digit: u8) {
        if digit == 0 {
            self.trailing_zeros += i64::from(self.kept > 0);
            return;
        }
        let more = self.trailing_zeros.saturating_add(1);
        self.trailing_zeros = 0;
        self.kept = u32::try_from(more).map_or(u32::MAX, |more| self.kept.saturating_add(more));
        if self.kept <= MAX_NUMBER_DIGITS {
            self.significand = self.significand * 10u128.pow(more as u32) + u128::from(digit);
        }
    }
}

/// DynamoDB reads an exponent as 64 bits: one beyond them is no number, rather than one out of range.
fn parse_exponent(text: &[u8]) -> Result<i64, NumberError> {
    let text = std::str::from_utf8(text).map_err(|_| NumberError::NotNumeric)?;
    text.parse().map_err(|_| NumberError::NotNumeric)
}
