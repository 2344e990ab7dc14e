//! Heads: eight telling bytes of each separator, packed side by side so that a search rarely
//! touches the separators themselves. Not the separators: ties go back to them.
//!
//! ```text
//! separators   -      user10432   user10977   user1121         (the first has no meaning)
//! prefix       "user1"
//! heads        -      "0432...."  "0977...."  "121....."       as big-endian u64, zero padded
//! ```

use std::mem::size_of;
use std::ops::Range;

use super::heap;
use super::separator::{Separator, common_prefix_len};

/// Heads that are reserved when the list must grow: exactly, because doubling would leave half of
/// the space unused.
const HEADS_SLACK: usize = 16;

/// The heads of a list of separators, one for one. The list's first separator is never compared
/// with: keys below it belong to the first place too.
#[derive(Clone)]
pub(super) struct Heads {
    /// What all separators but the first begin with; kept while it holds, not always the longest.
    prefix: Separator,
    heads: Vec<u64>,
}

impl Heads {
    /// The heads of `count` separators, each told by `separator`.
    pub(super) fn new<'s>(count: usize, separator: impl Fn(usize) -> &'s [u8]) -> Self {
        let prefix = match count {
            0 | 1 => &[],
            _ => {
                let (first, last) = (separator(1), separator(count - 1));
                &first[..common_prefix_len(first, last)]
            }
        };
        let heads = (0..count).map(|i| head(separator(i), prefix.len())).collect();
        Self { prefix: Separator::new(prefix), heads }
    }

    /// Heap bytes beyond the struct itself.
    pub(super) fn heap_bytes(&self) -> usize {
        self.prefix.heap_bytes() + heap::block_bytes(self.heads.capacity() * size_of::<u64>())
    }

    /// The last place whose separator is at or below `key`, or the first place.
    pub(super) fn find<'s>(&self, key: &[u8], separator: impl Fn(usize) -> &'s [u8]) -> usize {
        let Some(heads) = self.heads.get(1..) else { return 0 };
        let prefix = self.prefix.as_bytes();
        if !key.starts_with(prefix) {
            return if key < prefix { 0 } else { heads.len() };
        }
        let sought = head(key, prefix.len());
        let below = heads.partition_point(|&head| head < sought);
        if heads.get(below) != Some(&sought) {
            return below;
        }
        let (mut low, mut high) = (below, heads.partition_point(|&head| head <= sought));
        while low < high {
            let middle = (low + high) / 2;
            // Head `middle` belongs to the separator after the first one.
            if separator(middle + 1) <= key {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Follows a change of the list: the places `replaced` made way for others, `count` are there
    /// now, each told by `separator`.
    pub(super) fn replace<'s>(
        &mut self,
        replaced: Range<usize>,
        count: usize,
        separator: impl Fn(usize) -> &'s [u8],
    ) {
        let added = replaced.start..replaced.end + count - self.heads.len();
        let prefix = self.prefix.as_bytes();
        let holds = |place| place == 0 || separator(place).starts_with(prefix);
        if self.heads.len() < 2 || !added.clone().all(holds) {
            *self = Self::new(count, separator);
            return;
        }
        if count > self.heads.capacity() {
            self.heads.reserve_exact(count - self.heads.len() + HEADS_SLACK);
        }
        let prefix_len = prefix.len();
        self.heads.splice(replaced, added.map(|place| head(separator(place), prefix_len)));
    }
}

impl Default for Heads {
    fn default() -> Self {
        Self { prefix: Separator::LOWEST, heads: Vec::new() }
    }
}

/// The eight bytes behind the prefix as a number that sorts as they do, or ties.
fn head(key: &[u8], prefix_len: usize) -> u64 {
    let rest = key.get(prefix_len..).unwrap_or_default();
    if let Some(bytes) = rest.first_chunk() {
        return u64::from_be_bytes(*bytes);
    }
    let mut bytes = [0; size_of::<u64>()];
    bytes[..rest.len()].copy_from_slice(rest);
    u64::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::{btree_set, vec};
    use proptest::prelude::*;

    fn expected(separators: &[Vec<u8>], key: &[u8]) -> usize {
        separators.partition_point(|separator| &separator[..] <= key).saturating_sub(1)
    }

    proptest! {
        #[test]
        fn finds_what_the_separators_say(
            all in btree_set(vec(0u8..3, 0..12), 1..40),
            cut in (0usize..40, 0usize..5, 0usize..40),
            keys in vec(vec(0u8..3, 0..14), 20),
        ) {
            let mut list: Vec<_> = all.into_iter().collect();
            // Take a few out in the middle, then put them back: both are replacements.
            let start = cut.0.min(list.len());
            let range = start..(start + cut.1).min(list.len());
            let whole = list.clone();
            let mut heads = Heads::new(list.len(), |i| &whole[i]);
            let taken: Vec<_> = list.drain(range.clone()).collect();
            heads.replace(range, list.len(), |i| &list[i]);
            for key in &keys {
                prop_assert_eq!(heads.find(key, |i| &list[i]), expected(&list, key));
            }
            heads.replace(start..start, list.len() + taken.len(), |i| &whole[i]);
            for key in keys.iter().chain(&whole) {
                prop_assert_eq!(heads.find(key, |i| &whole[i]), expected(&whole, key));
            }
        }
    }
}
