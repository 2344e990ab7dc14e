//! The partitions of one store and their indexes. Not their load, not where others are: that is the
//! shard's. Changed only by applying the log, so that replaying the log gives the same table.

use std::ops::Bound;

use bytes::Bytes;

use crate::error::StoreError;
use crate::format::meta::Meta;
use crate::index::{Direction, Location, Tree};
use crate::limits::MAX_KEY_BYTES;
use crate::types::{PartitionId, PartitionInfo, PartitionSpec, PartitionState};

/// A partition and where its items are. Cloning is cheap: a snapshot.
#[derive(Clone)]
pub(crate) struct Partition {
    pub(crate) spec: PartitionSpec,
    pub(crate) index: Tree,
    /// Cached records carry it: those of an earlier ownership of the same keys never match again.
    pub(crate) cache_tag: u32,
}

/// All partitions of a store, in key order. Cloning is cheap: a snapshot.
#[derive(Clone, Default)]
pub(crate) struct PartitionTable {
    partitions: Vec<Partition>,
    cache_tags: u32,
}

impl PartitionTable {
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Partition> {
        self.partitions.iter()
    }

    pub(crate) fn infos(&self) -> Vec<PartitionInfo> {
        let info = |partition: &Partition| PartitionInfo {
            spec: partition.spec.clone(),
            items: partition.index.len(),
            record_bytes: partition.index.record_bytes(),
        };
        self.iter().map(info).collect()
    }

    /// The partition that holds `key`.
    pub(crate) fn find(&self, key: &[u8]) -> Option<&Partition> {
        let after = self.partitions.partition_point(|partition| *partition.spec.start <= *key);
        let partition = &self.partitions[after.checked_sub(1)?];
        partition.spec.contains(key).then_some(partition)
    }

    /// The partition that holds `key`, to change its index.
    pub(crate) fn find_mut(&mut self, key: &[u8]) -> Option<&mut Partition> {
        let after = self.partitions.partition_point(|partition| *partition.spec.start <= *key);
        let partition = &mut self.partitions[after.checked_sub(1)?];
        partition.spec.contains(key).then_some(partition)
    }

    pub(crate) fn by_id(&self, id: PartitionId) -> Option<&Partition> {
        self.iter().find(|partition| partition.spec.id == id)
    }

    /// Adds a partition with an index that a checkpoint held.
    pub(crate) fn restore(&mut self, spec: PartitionSpec, index: Tree) {
        let at = self.partitions.partition_point(|other| other.spec.start < spec.start);
        self.cache_tags += 1;
        self.partitions.insert(at, Partition { spec, index, cache_tag: self.cache_tags });
    }

    /// Whether a change of partitions can be applied now.
    pub(crate) fn check(&self, meta: &Meta) -> Result<(), StoreError> {
        let bad = |id, reason| Err(StoreError::BadPartition { id, reason });
        match meta {
            Meta::Create(spec) => {
                if spec.end.as_ref().is_some_and(|end| *end <= spec.start) {
                    return bad(spec.id, "its end is not above its start");
                }
                let bounds = [Some(&spec.start), spec.end.as_ref()];
                if bounds.into_iter().flatten().any(|bound| bound.len() > MAX_KEY_BYTES) {
                    return bad(spec.id, "its bounds are longer than keys may be");
                }
                if self.by_id(spec.id).is_some() {
                    return bad(spec.id, "it exists already");
                }
                let overlaps = |other: &PartitionSpec| {
                    spec.end.as_ref().is_none_or(|end| other.start < *end)
                        && other.end.as_ref().is_none_or(|end| spec.start < *end)
                };
                match self.iter().find(|other| overlaps(&other.spec)) {
                    Some(_) => bad(spec.id, "it overlaps another"),
                    None => Ok(()),
                }
            }
            Meta::Split { id, at, right } => match self.by_id(*id) {
                None => bad(*id, "there is none"),
                Some(_) if self.by_id(*right).is_some() => bad(*right, "it exists already"),
                Some(left) if *at <= left.spec.start || !left.spec.contains(at) => {
                    bad(*id, "the split key is not inside it")
                }
                Some(_) => Ok(()),
            },
            Meta::Activate { id, .. } | Meta::Drop(id) => match self.by_id(*id) {
                None => bad(*id, "there is none"),
                Some(_) => Ok(()),
            },
            Meta::Relocate { .. } => Ok(()),
        }
    }

    /// Applies a change of partitions; returns the index of one that was dropped.
    pub(crate) fn apply(&mut self, meta: &Meta) -> Option<Tree> {
        match meta {
            Meta::Create(spec) => self.restore(spec.clone(), Tree::new()),
            Meta::Split { id, at, right } => self.split(*id, at, *right),
            Meta::Activate { id, ownership_epoch } => {
                let partition = self.partitions.iter_mut().find(|other| other.spec.id == *id)?;
                partition.spec.ownership_epoch = *ownership_epoch;
                partition.spec.state = PartitionState::Serving;
            }
            Meta::Drop(id) => {
                let at = self.partitions.iter().position(|other| other.spec.id == *id)?;
                return Some(self.partitions.remove(at).index);
            }
            Meta::Relocate { .. } => {}
        }
        None
    }

    fn split(&mut self, id: PartitionId, at: &Bytes, right: PartitionId) {
        let Some(position) = self.partitions.iter().position(|other| other.spec.id == id) else {
            return;
        };
        let left = &mut self.partitions[position];
        let index = left.index.split_off(at);
        let spec = PartitionSpec { id: right, start: at.clone(), ..left.spec.clone() };
        left.spec.end = Some(at.clone());
        let cache_tag = left.cache_tag;
        self.partitions.insert(position + 1, Partition { spec, index, cache_tag });
    }

    /// Visits the items of a key range over all partitions, in key order or against it, until `f`
    /// says to stop.
    pub(crate) fn visit(
        &self,
        start: Bound<&[u8]>,
        end: Bound<&[u8]>,
        direction: Direction,
        f: &mut dyn FnMut(&[u8], Location) -> std::ops::ControlFlow<()>,
    ) {
        if is_empty(start, end) {
            return;
        }
        let mut stopped = false;
        let mut in_one = |partition: &Partition| {
            partition.index.visit(start, end, direction, &mut |key, location| {
                let flow = f(key, location);
                stopped = flow.is_break();
                flow
            });
            stopped
        };
        match direction {
            Direction::Forward => _ = self.iter().any(&mut in_one),
            Direction::Backward => _ = self.iter().rev().any(&mut in_one),
        }
    }
}

fn is_empty(start: Bound<&[u8]>, end: Bound<&[u8]>) -> bool {
    use Bound::{Excluded, Included};
    match (start, end) {
        (Included(start), Included(end)) => start > end,
        (Included(start) | Excluded(start), Included(end) | Excluded(end)) => start >= end,
        _ => false,
    }
}
