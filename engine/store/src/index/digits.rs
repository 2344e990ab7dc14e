//! Digits: ASCII digits packed two to a byte so that packed bytes sort as the digits do.
//! Not a number format: leading zeros and lengths are kept, nothing is parsed.
//!
//! ```text
//! "4070"  ->  | 5 1 | 8 1 | 0 0 |     nibble = digit + 1, 0 = the end and beyond
//! ```

use std::cmp::Ordering;
use std::mem::size_of;
use std::ops::Range;

/// The widest packed suffix, in bytes: twice as many digits.
pub(super) const WIDTH_MAX: usize = 32;

/// The nibble that sorts above every digit.
const ABOVE: u8 = 11;

/// A suffix packed to a leaf's width, to be compared with the packed suffixes in it.
pub(super) struct Packed {
    bytes: [u8; WIDTH_MAX],
    width: usize,
    /// Whether the packed bytes say all of the suffix. If not, they sort right *before* it.
    pub(super) exact: bool,
}

impl Packed {
    /// Packs any suffix to `width` bytes: one that is too long, or has other bytes than digits,
    /// keeps its order among packed suffixes but is not exact.
    pub(super) fn new(suffix: &[u8], width: usize) -> Self {
        let mut bytes = [0; WIDTH_MAX];
        let mut exact = suffix.len() <= 2 * width;
        for (i, &byte) in suffix.iter().take(2 * width).enumerate() {
            let nibble = match byte {
                b'0'..=b'9' => byte - b'0' + 1,
                // Below every digit yet above the end: a tie with the shorter suffix, and inexact.
                ..b'0' => 0,
                _ => ABOVE,
            };
            bytes[i / 2] |= if i % 2 == 0 { nibble << 4 } else { nibble };
            if !byte.is_ascii_digit() {
                exact = false;
                break;
            }
        }
        Self { bytes, width, exact }
    }

    /// Its first eight bytes as a number that sorts as they do.
    fn first_word(&self) -> u64 {
        self.bytes.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.width]
    }
}

/// The rank of `sought` among the packed suffixes at `heads` in `block`, or the rank it would have.
///
/// Counts instead of halving: all cache lines of a cold leaf are fetched at once then, and nothing
/// is mispredicted. Each suffix is first judged by the word that *ends* with its eighth byte, or
/// its last: such a word never reaches beyond the heads, and in front of them stands the header.
pub(super) fn search(block: &[u8], heads: Range<usize>, sought: &Packed) -> Result<usize, usize> {
    const WORD: usize = size_of::<u64>();
    let width = sought.width;
    let word_width = width.min(WORD);
    let unused_bits = 8 * (WORD - word_width) as u32;
    let sought_word = sought.first_word() >> unused_bits;

    let words = block[heads.start + word_width - WORD..heads.end].windows(WORD).step_by(width);
    let word_of = |window: &[u8]| {
        let word = window.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        word << unused_bits >> unused_bits
    };
    let mut rank = words.map(|window| usize::from(word_of(window) < sought_word)).sum();

    // Now only suffixes that begin with the same word can be at or below the sought one.
    for head in block[heads].chunks_exact(width).skip(rank) {
        match head.cmp(sought.as_bytes()) {
            Ordering::Equal if sought.exact => return Ok(rank),
            Ordering::Equal | Ordering::Less => rank += 1,
            Ordering::Greater => break,
        }
    }
    Err(rank)
}

/// How many bytes `len` digits pack to.
pub(super) fn packed_width(len: usize) -> usize {
    len.div_ceil(2)
}

/// Appends the digits of a packed suffix to `key`.
pub(super) fn unpack_onto(key: &mut Vec<u8>, packed: &[u8]) {
    let mut digits = [0; 2 * WIDTH_MAX];
    for (pair, &byte) in digits.chunks_exact_mut(2).zip(packed) {
        // The end's nibble turns into the byte below '0'; it is cut off next.
        pair[0] = (byte >> 4) + (b'0' - 1);
        pair[1] = (byte & 0xf) + (b'0' - 1);
    }
    let mut len = 2 * packed.len();
    while len > 0 && digits[len - 1] < b'0' {
        len -= 1;
    }
    key.extend_from_slice(&digits[..len]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn digits_round_trip(digits in "[0-9]{0,20}", spare in 0usize..3) {
            let packed = Packed::new(digits.as_bytes(), packed_width(digits.len()) + spare);
            prop_assert!(packed.exact);
            let mut unpacked = b"user".to_vec();
            unpack_onto(&mut unpacked, packed.as_bytes());
            prop_assert_eq!(unpacked, format!("user{digits}").into_bytes());
        }

        #[test]
        fn any_suffix_keeps_its_order_among_digits(
            digits in "[0-9]{0,8}",
            tail in proptest::collection::vec(any::<u8>(), 0..4),
            keep in 0usize..8,
        ) {
            let width = packed_width(digits.len());
            let stored = Packed::new(digits.as_bytes(), width);
            let mut sought = digits.as_bytes()[..keep.min(digits.len())].to_vec();
            sought.extend(tail);
            let packed = Packed::new(&sought, width);
            let mut order = stored.as_bytes().cmp(packed.as_bytes());
            if !packed.exact {
                order = order.then(std::cmp::Ordering::Less);
            }
            prop_assert_eq!(order, digits.as_bytes().cmp(&sought[..]));
        }
    }
}
