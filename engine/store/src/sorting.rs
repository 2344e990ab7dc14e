//! Sorting much without holding the core: in pieces, which are then merged. Not for short lists.

use std::cmp::Ordering;
use std::collections::VecDeque;

use flywheel_disk::World;

/// Items that are sorted, or merged, in one go: well below a slice.
const PIECE_ITEMS: usize = 512;

/// Sorts by `compare`; equal ones come in any order. Lets other tasks of the core run meanwhile.
pub(crate) async fn sort_in_slices<W: World, T>(
    world: &W,
    items: Vec<T>,
    compare: impl Fn(&T, &T) -> Ordering,
) -> Vec<T> {
    let mut pieces = VecDeque::with_capacity(items.len().div_ceil(PIECE_ITEMS));
    let mut items = items.into_iter();
    loop {
        let mut piece: Vec<T> = items.by_ref().take(PIECE_ITEMS).collect();
        if piece.is_empty() {
            break;
        }
        piece.sort_unstable_by(&compare);
        pieces.push_back(piece);
        world.yield_if_needed().await;
    }
    // From the front to the back: each round merges neighbours in length.
    while pieces.len() > 1 {
        let (Some(one), Some(other)) = (pieces.pop_front(), pieces.pop_front()) else { break };
        pieces.push_back(merge(world, one, other, &compare).await);
    }
    pieces.pop_front().unwrap_or_default()
}

async fn merge<W: World, T>(
    world: &W,
    one: Vec<T>,
    other: Vec<T>,
    compare: &impl Fn(&T, &T) -> Ordering,
) -> Vec<T> {
    let mut merged = Vec::with_capacity(one.len() + other.len());
    let (mut one, mut other) = (one.into_iter().peekable(), other.into_iter().peekable());
    loop {
        for _ in 0..PIECE_ITEMS {
            let next = match (one.peek(), other.peek()) {
                (Some(a), Some(b)) if compare(b, a).is_lt() => other.next(),
                (Some(_), _) => one.next(),
                (None, _) => other.next(),
            };
            let Some(next) = next else { return merged };
            merged.push(next);
        }
        world.yield_if_needed().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flywheel_disk::sim::{self, SimDisk};

    #[test]
    fn sorts_lists_of_all_lengths() {
        sim::run(1, &SimDisk::new(), async |world| {
            for length in [0, 1, 2, 511, 512, 513, 1024, 1025, 5000] {
                // Many equal ones among them.
                let items: Vec<u64> = (0..length).map(|n| n * 7919 % 701).collect();
                let mut expected = items.clone();
                expected.sort_unstable();
                assert_eq!(sort_in_slices(&world, items, u64::cmp).await, expected, "{length}");
            }
        });
    }
}
