//! Separator: the shortest bytes that tell two neighbouring leaves apart, kept beside the pointer.
//! Not a stored key: keys may come and go on both sides of it.

use super::heap;

/// What fits beside the two length bytes in the space of a boxed slice and its tag.
const INLINE_MAX: usize = 22;

/// A lower bound of the keys to its right, above every key to its left.
#[derive(Clone)]
pub(super) enum Separator {
    /// Nearly always: neighbours differ early.
    Inline {
        /// Bytes used.
        len: u8,
        /// The separator, then zeros.
        bytes: [u8; INLINE_MAX],
    },
    /// Neighbours that share a long prefix.
    Boxed(Box<[u8]>),
}

impl Separator {
    /// Below every key.
    pub(super) const LOWEST: Self = Self::Inline { len: 0, bytes: [0; INLINE_MAX] };

    /// The shortest separator of `left < right`: `left < separator <= right`.
    pub(super) fn between(left: &[u8], right: &[u8]) -> Self {
        debug_assert!(left < right, "{left:?} is not below {right:?}");
        Self::new(&right[..common_prefix_len(left, right) + 1])
    }

    /// A copy of `key`.
    pub(super) fn new(key: &[u8]) -> Self {
        match key.len() {
            len @ 0..=INLINE_MAX => {
                let mut bytes = [0; INLINE_MAX];
                bytes[..len].copy_from_slice(key);
                Self::Inline { len: len as u8, bytes }
            }
            _ => Self::Boxed(key.into()),
        }
    }

    /// The bytes to compare with.
    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Inline { len, bytes } => &bytes[..usize::from(*len)],
            Self::Boxed(bytes) => bytes,
        }
    }

    /// Heap bytes beyond the separator itself.
    pub(super) fn heap_bytes(&self) -> usize {
        match self {
            Self::Inline { .. } => 0,
            Self::Boxed(bytes) => heap::block_bytes(bytes.len()),
        }
    }
}

/// How many leading bytes `a` and `b` share.
pub(super) fn common_prefix_len(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(x, y)| x == y).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_are_short_and_small() {
        assert_eq!(size_of::<Separator>(), 24);
        let long = [7; 100];
        for (left, right, expected) in [
            (&b""[..], &b"a"[..], &b"a"[..]),
            (b"user1234", b"user1300", b"user13"),
            (b"user", b"user0", b"user0"),
            (&long[..50], &long, &long[..51]),
        ] {
            let separator = Separator::between(left, right);
            assert_eq!(separator.as_bytes(), expected);
            assert!(left < separator.as_bytes() && separator.as_bytes() <= right);
        }
    }
}
