//! Numbers as bytes whose order is that of the numbers, as keys and stored items have them.
//!
//! ```text
//!   +------+----------+-----------------+-----+
//!   | sign | exponent | digits in pairs | end |
//!   | 1    | 1        | 1 to 19         | 1   |
//!   +------+----------+-----------------+-----+
//!     sign      1 negative, 2 zero (nothing follows), 3 positive
//!     exponent  power of ten of the first digit, and 130
//!     pair      two digits as 0 to 99, and 1; the last one is filled up with a zero
//!     end       0: what goes on is larger than what ends
//! ```
//!
//! All but the sign is complemented for negative numbers. One number has one encoding, none is another's
//! beginning, and so more may follow.

use super::Number;
use crate::limits::{MAX_NUMBER_PAIRS, MIN_NUMBER_EXPONENT};

const NEGATIVE: u8 = 1;
const ZERO: u8 = 2;
const POSITIVE: u8 = 3;
const END: u8 = 0;

impl Number {
    /// Appends its encoding.
    pub fn encode(&self, out: &mut Vec<u8>) {
        if self.is_zero() {
            out.push(ZERO);
            return;
        }
        out.push(if self.negative { NEGATIVE } else { POSITIVE });
        let flip = if self.negative { 0xff } else { 0 };
        let exponent = self.first_exponent() - MIN_NUMBER_EXPONENT;
        out.push(u8::try_from(exponent).expect("checked when the number was made") ^ flip);
        let digits = self.digits();
        let mut rest = self.significand() * if digits.is_multiple_of(2) { 1 } else { 10 };
        let pairs = digits.div_ceil(2) as usize;
        let mut buffer = [0; MAX_NUMBER_PAIRS];
        for pair in buffer[..pairs].iter_mut().rev() {
            *pair = ((rest % 100) as u8 + 1) ^ flip;
            rest /= 100;
        }
        out.extend_from_slice(&buffer[..pairs]);
        out.push(END ^ flip);
    }

    /// Reads an encoding from the start of `bytes`. Returns the number and what follows it; `None` if
    /// these are not bytes that [`Number::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (&sign, bytes) = bytes.split_first()?;
        let negative = match sign {
            ZERO => return Some((Self::ZERO, bytes)),
            NEGATIVE => true,
            POSITIVE => false,
            _ => return None,
        };
        let flip = if negative { 0xff } else { 0 };
        let (&exponent, bytes) = bytes.split_first()?;
        let end = bytes.iter().take(MAX_NUMBER_PAIRS + 1).position(|&byte| byte ^ flip == END)?;
        let mut significand = 0u128;
        for &byte in &bytes[..end] {
            let pair = (byte ^ flip).checked_sub(1).filter(|&pair| pair < 100)?;
            significand = significand.checked_mul(100)?.checked_add(u128::from(pair))?;
        }
        // The first pair has two digits and the last is not 00, or this is another's encoding.
        if significand < 10 * 100u128.pow(end.checked_sub(1)? as u32)
            || significand.is_multiple_of(100)
        {
            return None;
        }
        let first = i32::from(exponent ^ flip) + MIN_NUMBER_EXPONENT;
        let number = Self::new(negative, significand, first - (2 * end as i32 - 1)).ok()?;
        Some((number, &bytes[end + 1..]))
    }
}
