//! Own ranges: of the keys below 0x01, each shard has a partition that is never moved nor split, so that what
//! it appends there is on its own core and in its own log for good. Not what is appended: that is decided with
//! what it belongs to, see [`flywheel_store::Effect::Append`].
//!
//! Nothing remembers that a directory has own ranges but these partitions: their names, bounds and places.

use bytes::Bytes;
use flywheel_store::{PartitionId, PartitionSpec, PartitionState, own_prefix};

use crate::route::{Place, RouteMap};

/// First key above all own ranges.
pub(crate) const END: &[u8] = &[1];

/// Why an own range is not split or moved.
pub(crate) const FIXED: &str = "it is its shard's own range, which is never split nor moved";

/// The own range of one of `shards` shards. They are the first partitions of a directory.
pub(crate) fn range(shard: u16, shards: u16) -> PartitionSpec {
    let first = |shard: u16| match shard {
        0 => Bytes::new(),
        _ if shard == shards => Bytes::from_static(END),
        _ => Bytes::copy_from_slice(&own_prefix(shard)),
    };
    PartitionSpec {
        id: PartitionId(u64::from(shard) + 1),
        ownership_epoch: 1,
        start: first(shard),
        end: Some(first(shard + 1)),
        state: PartitionState::Serving,
    }
}

/// Whether each of `shards` shards has its own range.
pub(crate) fn are_in(routes: &RouteMap, shards: u16) -> bool {
    let expected = (0..shards).map(|shard| {
        let PartitionSpec { id, start, .. } = range(shard, shards);
        (start, Some(Place { partition: id, shard }))
    });
    let mut found = routes.iter();
    expected.into_iter().all(|(start, place)| {
        found.next().is_some_and(|(found, at)| *found == start && Some(at) == place)
    }) && found.next().is_some_and(|(start, _)| **start == *END)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(shards: u16, beyond: &'static [u8]) -> Vec<(Bytes, Place)> {
        let own = (0..shards).map(|shard| {
            let spec = range(shard, shards);
            (spec.start, Place { partition: spec.id, shard })
        });
        let rest = Place { partition: PartitionId(99), shard: 0 };
        own.chain([(Bytes::from_static(beyond), rest)]).collect()
    }

    #[test]
    fn own_ranges_lie_side_by_side_below_one() {
        for shards in [1, 2, 300] {
            let ranges: Vec<_> = (0..shards).map(|shard| range(shard, shards)).collect();
            assert!(ranges[0].start.is_empty());
            assert_eq!(ranges.last().and_then(|last| last.end.as_deref()), Some(END));
            assert!(ranges.windows(2).all(|pair| pair[0].end.as_ref() == Some(&pair[1].start)));
            for (shard, range) in (0..).zip(&ranges) {
                let key = [&own_prefix(shard)[..], &[0xFF; 40]].concat();
                assert!(range.contains(&key), "shard {shard} of {shards}");
            }
        }
    }

    #[test]
    fn they_are_known_by_what_they_are() {
        for shards in [1, 3] {
            assert!(are_in(&RouteMap::new(routes(shards, END), None), shards));
            assert!(!are_in(&RouteMap::new(routes(shards, b"\x02"), None), shards));
            let mut moved = routes(shards, END);
            moved[0].1.shard = 7;
            assert!(!are_in(&RouteMap::new(moved, None), shards));
        }
        let whole = vec![(Bytes::new(), Place { partition: PartitionId(1), shard: 0 })];
        assert!(!are_in(&RouteMap::new(whole, None), 1));
    }
}
