//! Who owns what after a start: the shards' claims, settled into one owner for every key. Not I/O:
//! claims in, orders and places out.
//!
//! A crash may leave a move half done. A claim still Importing never came to be. Of two that serve
//! the same keys, the higher epoch owns them: epochs rise with every move and both parts of a split
//! inherit them, so claims on one key always differ in epoch unless something is broken.

use bytes::Bytes;
use flywheel_store::{PartitionId, PartitionSpec, PartitionState};

use crate::own;
use crate::route::Place;
use crate::shard::Orders;

/// One owner for every key.
#[derive(Debug)]
pub(crate) struct Assembly {
    /// What each shard is to do first.
    pub orders: Vec<Orders>,
    /// Where each partition is, by its first key, ascending.
    pub places: Vec<(Bytes, Place)>,
    /// Above every partition's name so far.
    pub next_partition: u64,
}

/// The first partitions of a new directory: own ranges if asked for, then the others, dealt over the shards in
/// key order. Whatever an interrupted creation left in the stores is dropped.
pub(crate) fn create(
    claims: &[Vec<PartitionSpec>],
    own_ranges: bool,
    initial_splits: &[Bytes],
) -> Assembly {
    let (shards, partitions) = (claims.len(), initial_splits.len() + 1);
    let own = if own_ranges { shards as u16 } else { 0 };
    let mut orders: Vec<Orders> = claims
        .iter()
        .map(|claims| Orders { drop: claims.iter().map(|spec| spec.id).collect(), create: vec![] })
        .collect();
    let mut entries = Vec::with_capacity(usize::from(own) + partitions);
    for shard in 0..own {
        let spec = own::range(shard, own);
        entries.push((spec.start.clone(), Place { partition: spec.id, shard }));
        orders[usize::from(shard)].create.push(spec);
    }
    let first = if own_ranges { Bytes::from_static(own::END) } else { Bytes::new() };
    for n in 0..partitions {
        let start = n.checked_sub(1).map_or(&first, |before| &initial_splits[before]).clone();
        let spec = PartitionSpec {
            id: PartitionId(u64::from(own) + n as u64 + 1),
            ownership_epoch: 1,
            start: start.clone(),
            end: initial_splits.get(n).cloned(),
            state: PartitionState::Serving,
        };
        let shard = n * shards / partitions;
        entries.push((start, Place { partition: spec.id, shard: shard as u16 }));
        orders[shard].create.push(spec);
    }
    let next_partition = entries.len() as u64 + 1;
    Assembly { orders, places: entries, next_partition }
}

/// Settles what the shards claim.
///
/// # Errors
/// What is wrong, if some key would have no owner or two.
pub(crate) fn settle(claims: &[Vec<PartitionSpec>]) -> Result<Assembly, String> {
    let mut orders = vec![Orders::default(); claims.len()];
    let by_shard = claims.iter().enumerate();
    let mut all: Vec<(usize, &PartitionSpec)> =
        by_shard.flat_map(|(shard, specs)| specs.iter().map(move |spec| (shard, spec))).collect();
    let names = all.iter().map(|(_, spec)| spec.id.0);
    let next_partition = names.max().unwrap_or(0) + 1;
    all.sort_by_key(|(_, spec)| std::cmp::Reverse(spec.ownership_epoch));
    let mut owners: Vec<(usize, &PartitionSpec)> = Vec::new();
    for (shard, spec) in all {
        let overlapping = owners.iter().find(|(_, owner)| overlap(owner, spec));
        match (spec.state, overlapping) {
            (PartitionState::Serving, None) => owners.push((shard, spec)),
            (PartitionState::Serving, Some((other, owner)))
                if owner.ownership_epoch == spec.ownership_epoch =>
            {
                return Err(format!(
                    "shards {other} and {shard} both own keys of partitions {} and {} in epoch {}",
                    owner.id.0, spec.id.0, spec.ownership_epoch
                ));
            }
            _ => orders[shard].drop.push(spec.id),
        }
    }
    owners.sort_by(|(_, left), (_, right)| left.start.cmp(&right.start));
    check_no_gap(&owners)?;
    let entry = |(shard, spec): &(usize, &PartitionSpec)| {
        (spec.start.clone(), Place { partition: spec.id, shard: *shard as u16 })
    };
    let places = owners.iter().map(entry).collect();
    Ok(Assembly { orders, places, next_partition })
}

fn overlap(left: &PartitionSpec, right: &PartitionSpec) -> bool {
    let begins_before_end = |left: &PartitionSpec, right: &PartitionSpec| {
        right.end.as_ref().is_none_or(|end| left.start < *end)
    };
    begins_before_end(left, right) && begins_before_end(right, left)
}

/// `owners` do not overlap and are in key order.
fn check_no_gap(owners: &[(usize, &PartitionSpec)]) -> Result<(), String> {
    let mut reached = Some(Bytes::new());
    for (_, spec) in owners {
        if reached.as_ref() != Some(&spec.start) {
            return Err(format!("nobody owns the keys below those of partition {}", spec.id.0));
        }
        reached = spec.end.clone();
    }
    match reached {
        None => Ok(()),
        Some(_) => Err("nobody owns the last keys".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::RouteMap;
    use PartitionState::{Importing, Serving};

    fn spec(
        id: u64,
        ownership_epoch: u64,
        start: &'static str,
        end: &'static str,
        state: PartitionState,
    ) -> PartitionSpec {
        let end = (end != "~").then(|| Bytes::from(end));
        PartitionSpec { id: PartitionId(id), ownership_epoch, start: start.into(), end, state }
    }

    fn drops(assembly: &Assembly) -> Vec<Vec<u64>> {
        let ids = |orders: &Orders| orders.drop.iter().map(|id| id.0).collect();
        assembly.orders.iter().map(ids).collect()
    }

    fn owners(assembly: &Assembly) -> Vec<(u64, u16)> {
        assembly.places.iter().map(|(_, place)| (place.partition.0, place.shard)).collect()
    }

    fn are_in(assembly: &Assembly, shards: u16) -> bool {
        own::are_in(&RouteMap::new(assembly.places.clone(), None), shards)
    }

    #[test]
    fn a_new_directory_is_dealt_in_order_and_evenly() {
        let splits: Vec<Bytes> = ["b", "c", "d", "e"].map(Bytes::from).into();
        let assembly = create(&[vec![], vec![spec(9, 1, "", "~", Serving)]], false, &splits);
        assert_eq!(owners(&assembly), [(1, 0), (2, 0), (3, 0), (4, 1), (5, 1)]);
        assert_eq!(drops(&assembly), [vec![], vec![9]]);
        assert_eq!(assembly.next_partition, 6);
        let alone = create(&[vec![], vec![], vec![]], false, &[]);
        assert_eq!(owners(&alone), [(1, 0)]);
        let own = create(&[vec![], vec![]], true, &splits[..1]);
        assert_eq!(owners(&own), [(1, 0), (2, 1), (3, 0), (4, 1)]);
        assert!(are_in(&own, 2) && own.next_partition == 5);
        let claims: Vec<_> = own.orders.into_iter().map(|orders| orders.create).collect();
        let again = settle(&claims).expect("settled");
        assert!(are_in(&again, 2) && again.next_partition == 5);
    }

    #[test]
    fn a_move_that_was_not_activated_never_was() {
        let claims = [vec![spec(1, 1, "", "~", Serving)], vec![spec(1, 2, "", "~", Importing)]];
        let assembly = settle(&claims).expect("settled");
        assert_eq!((owners(&assembly), drops(&assembly)), (vec![(1, 0)], vec![vec![], vec![1]]));
    }

    #[test]
    fn the_higher_epoch_owns_even_after_it_was_split() {
        let claims = [
            vec![spec(1, 1, "", "~", Serving)],
            vec![spec(1, 2, "", "m", Serving), spec(2, 2, "m", "~", Serving)],
        ];
        let assembly = settle(&claims).expect("settled");
        assert_eq!(owners(&assembly), [(1, 1), (2, 1)]);
        assert_eq!(drops(&assembly), [vec![1], vec![]]);
        assert_eq!(assembly.next_partition, 3);
    }

    #[test]
    fn gaps_and_quarrels_are_errors() {
        let gap = [vec![spec(1, 1, "", "b", Serving), spec(2, 1, "c", "~", Serving)]];
        assert!(settle(&gap).unwrap_err().contains("partition 2"));
        let open_end = [vec![spec(1, 1, "", "b", Serving)]];
        assert!(settle(&open_end).unwrap_err().contains("last keys"));
        let quarrel = [vec![spec(1, 3, "", "~", Serving)], vec![spec(1, 3, "", "~", Serving)]];
        assert!(settle(&quarrel).unwrap_err().contains("shards 0 and 1"));
        assert!(settle(&[vec![]]).is_err());
    }
}
