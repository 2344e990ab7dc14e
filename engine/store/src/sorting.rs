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

/// Sorts by bytes that each item has, a key most often; equal ones come in any order.
///
/// What is compared is a number: the eight bytes behind those that all have in common. Only where these are
/// the same are the bytes themselves looked at, which lie anywhere in memory.
pub(crate) async fn sort_by_bytes<W: World, T>(
    world: &W,
    items: Vec<T>,
    bytes: impl Fn(&T) -> &[u8],
) -> Vec<T> {
    let shared = shared_bytes(world, &items, &bytes).await;
    let mut order = Vec::with_capacity(items.len());
    for (piece, number) in items.chunks(PIECE_ITEMS).zip((0..).step_by(PIECE_ITEMS)) {
        order.extend(piece.iter().map(|item| head(&bytes(item)[shared..])).zip(number..));
        world.yield_if_needed().await;
    }
    let of = |place: usize| bytes(&items[place]);
    let order = sort_in_slices(world, order, |(one, at), (other, place)| {
        one.cmp(other).then_with(|| of(*at).cmp(of(*place)))
    });
    let order = order.await;
    let mut items: Vec<Option<T>> = items.into_iter().map(Some).collect();
    let mut sorted = Vec::with_capacity(items.len());
    for piece in order.chunks(PIECE_ITEMS) {
        sorted.extend(piece.iter().filter_map(|(_, place)| items[*place].take()));
        world.yield_if_needed().await;
    }
    sorted
}

/// How many first bytes all items have in common.
async fn shared_bytes<W: World, T>(world: &W, items: &[T], bytes: &impl Fn(&T) -> &[u8]) -> usize {
    let Some(first) = items.first().map(bytes) else { return 0 };
    let mut shared = first.len();
    for piece in items.chunks(PIECE_ITEMS) {
        for other in piece.iter().map(bytes) {
            if !other.starts_with(&first[..shared]) {
                shared = first.iter().zip(other).take_while(|(a, b)| a == b).count();
            }
        }
        world.yield_if_needed().await;
    }
    shared
}

/// The first eight bytes as a number in the same order; what is shorter comes first, or is the same.
fn head(bytes: &[u8]) -> u64 {
    let mut head = [0; 8];
    let length = bytes.len().min(head.len());
    head[..length].copy_from_slice(&bytes[..length]);
    u64::from_be_bytes(head)
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

    #[test]
    fn sorts_by_bytes_whatever_they_have_in_common() {
        sim::run(1, &SimDisk::new(), async |world| {
            let prefixes: [&[u8]; 4] = [b"", b"p", b"a prefix longer than a number", &[0; 9]];
            for prefix in prefixes {
                for length in [0, 1, 2, 600, 2000] {
                    // Some end early, some go on with zeros, some are equal.
                    let key = |n: usize| {
                        let digits = (n * 7919 % 701).to_string();
                        [prefix, digits.as_bytes(), &vec![0; n % 11]].concat()
                    };
                    let mut items: Vec<Vec<u8>> = (0..length).map(key).collect();
                    items.extend((length == 600).then(|| prefix.to_vec()));
                    let mut expected = items.clone();
                    expected.sort_unstable();
                    let sorted = sort_by_bytes(&world, items, |item| item).await;
                    assert_eq!(sorted, expected, "{prefix:?}, {length}");
                }
            }
        });
    }
}
