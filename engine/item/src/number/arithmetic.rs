//! Sums and differences, exact or an error: nothing is ever rounded.

use super::{Number, NumberError};

impl Number {
    /// The sum of two.
    ///
    /// # Errors
    /// If it is out of range, or has more digits than are kept. DynamoDB calls the latter an overflow.
    pub fn checked_add(self, other: Self) -> Result<Self, NumberError> {
        if self.is_zero() {
            return Ok(other);
        }
        if other.is_zero() {
            return Ok(self);
        }
        let (upper, lower) =
            if self.exponent >= other.exponent { (self, other) } else { (other, self) };
        // Neither significand ends in a zero, so the sum has its last digit where the lower one has. What
        // does not fit 128 bits then is at least 2·10^38, and at least 10^38 once the lower one, which has
        // at most 38 digits, is taken from it: 39 digits either way.
        let shift = u32::from(upper.exponent.abs_diff(lower.exponent));
        let upper_significand = 10u128
            .checked_pow(shift)
            .and_then(|power| upper.significand().checked_mul(power))
            .ok_or(NumberError::Overflow)?;
        let (negative, significand) = if upper.negative == lower.negative {
            let sum = upper_significand.checked_add(lower.significand());
            (upper.negative, sum.ok_or(NumberError::Overflow)?)
        } else if upper_significand >= lower.significand() {
            (upper.negative, upper_significand - lower.significand())
        } else {
            (lower.negative, lower.significand() - upper_significand)
        };
        Self::new(negative, significand, i32::from(lower.exponent)).map_err(|error| match error {
            NumberError::TooManyDigits => NumberError::Overflow,
            other => other,
        })
    }

    /// The difference of two.
    ///
    /// # Errors
    /// As [`Number::checked_add`].
    pub fn checked_sub(self, other: Self) -> Result<Self, NumberError> {
        self.checked_add(Self { negative: !other.negative && !other.is_zero(), ..other })
    }
}
