//! Location: where the newest version of a record lies in the log, in 48 bits.
//! Not the record itself, and not a promise about its exact length: the length is an upper bound,
//! good enough to size one read and to account for live bytes.
//!
//! ```text
//!  47           32 31                    10 9       6 5       0
//! +---------------+------------------------+---------+---------+
//! |  segment (16) |  offset / 16 B    (22) |  exp(4) | mant(6) |
//! +---------------+------------------------+---------+---------+
//! ```
//!
//! The length code is a tiny float of 16-byte units that always rounds up:
//! `exp == 0` means `mant` units, else `(64 + mant) << (exp - 1)` units.
//! It overshoots by less than one unit, or by less than 1/64 of the length.

use std::fmt;

const MANTISSA_BITS: u32 = 6;
const EXPONENT_BITS: u32 = 4;
const LENGTH_BITS: u32 = EXPONENT_BITS + MANTISSA_BITS;
const OFFSET_BITS: u32 = 22;
const OFFSET_SHIFT: u32 = LENGTH_BITS;
const SEGMENT_SHIFT: u32 = OFFSET_SHIFT + OFFSET_BITS;
const LOCATION_BITS: u32 = SEGMENT_SHIFT + u16::BITS;

/// The leading bit that a normalised mantissa leaves out.
const MANTISSA_TOP: u32 = 1 << MANTISSA_BITS;
const EXPONENT_MAX: u32 = (1 << EXPONENT_BITS) - 1;

/// A record's place in the log: segment, byte offset, and an upper bound of its length.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Location(u64);

impl Location {
    /// Records start at multiples of this many bytes.
    pub const UNIT: u32 = 16;
    /// Segments are at most this long: 64 MiB.
    pub const OFFSET_END: u32 = Self::UNIT << OFFSET_BITS;
    /// The longest record that the length code can describe: about 31.7 MiB.
    pub const LEN_MAX: u32 = ((2 * MANTISSA_TOP - 1) << (EXPONENT_MAX - 1)) * Self::UNIT;
    /// Bytes of the encoded form.
    pub const ENCODED_LEN: usize = (LOCATION_BITS / u8::BITS) as usize;

    /// `offset_bytes` is a multiple of [`UNIT`](Self::UNIT) below [`OFFSET_END`](Self::OFFSET_END);
    /// `len_bytes` is at most [`LEN_MAX`](Self::LEN_MAX) and is rounded up.
    #[must_use]
    pub fn new(segment: u16, offset_bytes: u32, len_bytes: u32) -> Self {
        debug_assert!(
            offset_bytes.is_multiple_of(Self::UNIT),
            "offset {offset_bytes} is no multiple of {}",
            Self::UNIT
        );
        debug_assert!(
            offset_bytes < Self::OFFSET_END,
            "offset {offset_bytes} is not below {}",
            Self::OFFSET_END
        );
        let offset_units = u64::from(offset_bytes / Self::UNIT);
        let code = u64::from(length_code(len_bytes));
        Self(u64::from(segment) << SEGMENT_SHIFT | offset_units << OFFSET_SHIFT | code)
    }

    /// The segment's number.
    #[must_use]
    pub fn segment(self) -> u16 {
        (self.0 >> SEGMENT_SHIFT) as u16
    }

    /// Where the record starts in its segment, in bytes.
    #[must_use]
    pub fn offset_bytes(self) -> u32 {
        let units = (self.0 >> OFFSET_SHIFT) as u32 & ((1 << OFFSET_BITS) - 1);
        units * Self::UNIT
    }

    /// An upper bound of the record's length, in bytes: less than 16 B or less than 1/64 too long.
    #[must_use]
    pub fn len_bytes(self) -> u32 {
        let code = self.0 as u32 & ((1 << LENGTH_BITS) - 1);
        let (exponent, mantissa) = (code >> MANTISSA_BITS, code & (MANTISSA_TOP - 1));
        let units = match exponent {
            0 => mantissa,
            _ => (MANTISSA_TOP + mantissa) << (exponent - 1),
        };
        units * Self::UNIT
    }

    /// The 48 bits, big endian.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::ENCODED_LEN] {
        let [_, _, encoded @ ..] = self.0.to_be_bytes();
        encoded
    }

    /// The inverse of [`to_bytes`](Self::to_bytes). Every pattern of 48 bits is a location.
    #[must_use]
    pub fn from_bytes(encoded: [u8; Self::ENCODED_LEN]) -> Self {
        let [a, b, c, d, e, f] = encoded;
        Self(u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}+{}", self.segment(), self.offset_bytes(), self.len_bytes())
    }
}

/// The smallest code that decodes to at least `len_bytes`.
fn length_code(len_bytes: u32) -> u32 {
    debug_assert!(
        len_bytes <= Location::LEN_MAX,
        "record of {len_bytes} B is longer than {} B",
        Location::LEN_MAX
    );
    let units = len_bytes.div_ceil(Location::UNIT);
    if units < MANTISSA_TOP {
        return units;
    }
    let shift = units.ilog2() - MANTISSA_BITS;
    let rounded = units.div_ceil(1 << shift);
    // Rounding up may carry (127.5 becomes 128). The carry then lands on the exponent by plain
    // addition, because the code of the next power starts where this one's mantissas end.
    let code = ((shift + 1) << MANTISSA_BITS) + (rounded - MANTISSA_TOP);
    code.min((1 << LENGTH_BITS) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parts_survive_at_their_bounds() {
        for segment in [0, 1, u16::MAX] {
            for offset in [0, 16, Location::OFFSET_END - 16] {
                for len in [0, 1, 16, 1008, 1009, 1024, Location::LEN_MAX] {
                    let at = Location::new(segment, offset, len);
                    assert_eq!((at.segment(), at.offset_bytes()), (segment, offset));
                    assert!(at.len_bytes() >= len, "{at:?} is shorter than {len}");
                    assert_eq!(Location::from_bytes(at.to_bytes()), at);
                }
            }
        }
    }

    #[test]
    fn every_length_code_means_itself() {
        let mut previous = None;
        for code in 0..1 << LENGTH_BITS {
            let len = Location(u64::from(code)).len_bytes();
            assert_eq!(length_code(len), code, "length {len}");
            assert!(previous < Some(len), "codes ascend with lengths, {previous:?} then {len}");
            previous = Some(len);
        }
        const { assert!(Location::LEN_MAX >= (1 << 20) + (8 << 10)) };
    }

    proptest! {
        #[test]
        fn length_is_a_tight_upper_bound(len in 0..=Location::LEN_MAX) {
            let bound = Location::new(7, 32, len).len_bytes();
            prop_assert!(bound >= len);
            prop_assert!(bound - len <= len / 64 + Location::UNIT);
        }

        #[test]
        fn bytes_round_trip(bits in 0u64..1 << 48) {
            let at = Location(bits);
            prop_assert_eq!(Location::from_bytes(at.to_bytes()), at);
            let again = Location::new(at.segment(), at.offset_bytes(), at.len_bytes());
            prop_assert_eq!(again, at);
        }
    }
}
