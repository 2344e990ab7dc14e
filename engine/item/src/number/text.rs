//! Numbers to text, as DynamoDB returns them: all digits, no exponent.

use std::fmt;

use super::Number;
use crate::limits::MAX_NUMBER_DIGITS;

/// Digits that are written at once, and the power of ten of that.
const LOW_DIGITS: usize = 19;
const LOW: u128 = 10u128.pow(LOW_DIGITS as u32);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_negative() {
            f.write_str("-")?;
        }
        if self.is_zero() {
            return f.write_str("0");
        }
        let mut buffer = [0; MAX_NUMBER_DIGITS as usize];
        let digits = digits(self.significand(), &mut buffer);
        let exponent = i32::from(self.exponent);
        if exponent >= 0 {
            return write!(f, "{digits}{:0<1$}", "", exponent as usize);
        }
        let behind_point = exponent.unsigned_abs() as usize;
        match digits.len().checked_sub(behind_point) {
            Some(before) if before > 0 => {
                write!(f, "{}.{}", &digits[..before], &digits[before..])
            }
            _ => write!(f, "0.{digits:0>behind_point$}"),
        }
    }
}

/// The digits of a significand, at the end of the buffer. Not by `to_string`: numbers are written often,
/// and need no memory for it.
fn digits(mut significand: u128, buffer: &mut [u8; MAX_NUMBER_DIGITS as usize]) -> &str {
    let mut at = buffer.len();
    // Of 128 bits a division is slow: so many digits at once as the faster 64 hold.
    while significand > 0 && at > 0 {
        let (mut low, is_last) = match u64::try_from(significand) {
            Ok(low) => (low, true),
            Err(_) => ((significand % LOW) as u64, false),
        };
        significand = if is_last { 0 } else { significand / LOW };
        let end = at;
        while at > 0 && (low > 0 || (!is_last && end - at < LOW_DIGITS)) {
            at -= 1;
            buffer[at] = b'0' + (low % 10) as u8;
            low /= 10;
        }
    }
    std::str::from_utf8(&buffer[at..]).expect("digits are ASCII")
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
