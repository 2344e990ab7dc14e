//! The partitions of one store and their indexes. Not their load, not where others are: that is the
//! shard's. Changed only by applying the log, so that replaying the log gives the same table.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use bytes::Bytes;

use crate::error::StoreError;
use crate::format::meta::Meta;
use crate::index::{Direction, Fetched, Gap, Leaf, LeafPosition, Location, Page, Sweep, Tree};
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

/// What a change does to a key of the index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Touch {
    /// Its record has another place.
    Moved,
    /// It is added, or a partition is cut there: its leaf may come to be several.
    Shaped,
    /// It is taken out.
    Removed,
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
    ///
    /// # Errors
    /// The gap where the walk broke off, at a leaf that is neither in memory nor `fetched`.
    pub(crate) fn visit(
        &self,
        start: Bound<&[u8]>,
        end: Bound<&[u8]>,
        direction: Direction,
        fetched: &Fetched,
        f: &mut dyn FnMut(&[u8], Location) -> std::ops::ControlFlow<()>,
    ) -> Result<(), Gap> {
        if is_empty(start, end) {
            return Ok(());
        }
        let mut stopped = false;
        let mut in_one = |partition: &Partition| {
            let ends_before =
                partition.spec.end.as_ref().is_some_and(|partition_end| {
                    is_empty(start, Bound::Excluded(&**partition_end))
                });
            // One beyond the bounds has nothing to show, and might lack the leaf that says so.
            if stopped || ends_before || is_empty(Bound::Included(&*partition.spec.start), end) {
                return Ok(());
            }
            let mut show = |key: &[u8], location| {
                let flow = f(key, location);
                stopped = flow.is_break();
                flow
            };
            let visited = partition.index.visit(start, end, direction, fetched, &mut show);
            visited.map_err(|mut gap| {
                // The partitions before this one are done.
                gap.resume = gap.resume.or_else(|| match direction {
                    Direction::Forward => {
                        let is_behind = is_empty(start, Bound::Excluded(&*partition.spec.start));
                        (!is_behind).then(|| Bound::Included(partition.spec.start.to_vec()))
                    }
                    Direction::Backward => {
                        let bound = partition.spec.end.as_ref()?;
                        let is_behind = is_empty(Bound::Included(&**bound), end);
                        (!is_behind).then(|| Bound::Excluded(bound.to_vec()))
                    }
                });
                gap
            })
        };
        match direction {
            Direction::Forward => self.iter().try_for_each(&mut in_one),
            Direction::Backward => self.iter().rev().try_for_each(&mut in_one),
        }
    }

    /// The page that must be installed before `key` is changed.
    pub(crate) fn page_of(&self, key: &[u8]) -> Option<Page> {
        self.find(key)?.index.page_of(key)
    }

    /// The pages that must be installed before these changes are made, all at once. The range of a leaf that
    /// they may empty falls to a leaf beside it, which has to be there as well.
    pub(crate) fn pages_needed<'k>(
        &self,
        changes: impl Iterator<Item = (&'k [u8], Touch)>,
    ) -> BTreeSet<Page> {
        let mut pages = BTreeSet::new();
        // Of leaves in memory: a key, how many are taken out, whether it may come to be several.
        let mut leaves: BTreeMap<(u64, LeafPosition), (&[u8], usize, bool)> = BTreeMap::new();
        for (key, touch) in changes {
            let Some(partition) = self.find(key) else { continue };
            let index = &partition.index;
            if index.cold_bytes() == 0 {
                continue;
            }
            if let Some(page) = index.page_of(key) {
                pages.insert(page);
            } else if touch != Touch::Moved
                && let Some(leaf) = index.leaf_position(key)
            {
                let known = leaves.entry((partition.spec.id.0, leaf)).or_insert((key, 0, false));
                known.1 += usize::from(touch == Touch::Removed);
                known.2 |= touch == Touch::Shaped;
            }
        }
        for ((_, leaf), (key, removed, is_shaped)) in leaves {
            let index = &self.find(key).expect("found above").index;
            if removed > 0 && (is_shaped || removed >= index.leaf_items(leaf)) {
                pages.extend(index.pages_beside(leaf));
            }
        }
        pages
    }

    /// Takes back what a page holds, if it still is wanted.
    pub(crate) fn install(&mut self, page: Page, leaf: &Leaf) {
        if let Some(partition) = self.find_mut(&leaf.first_key()) {
            partition.index.install(page, leaf);
        }
    }

    /// Whether a leaf still is one of these, as [`Tree::holds`] says.
    pub(crate) fn holds(&self, leaf: &Leaf, was: Page) -> bool {
        self.find(&leaf.first_key()).is_some_and(|partition| partition.index.holds(leaf, Some(was)))
    }

    /// Learns that a leaf stands in a page now, as [`Tree::settle`] does.
    pub(crate) fn settle(&mut self, leaf: &Leaf, was: Option<Page>, new: Page) {
        if let Some(partition) = self.find_mut(&leaf.first_key()) {
            partition.index.settle(leaf, was, new);
        }
    }

    /// Sends the clock on from `hand`, at most to the end: then `hand` is the beginning again.
    pub(crate) fn sweep(&mut self, hand: &mut Vec<u8>, sweep: &mut Sweep) {
        let after = self.partitions.partition_point(|partition| *partition.spec.start <= **hand);
        for partition in &mut self.partitions[after.saturating_sub(1)..] {
            if sweep.is_over() {
                *hand = partition.spec.start.to_vec();
                return;
            }
            if let Some(next) = partition.index.sweep(hand, sweep) {
                *hand = next.max(partition.spec.start.to_vec());
                return;
            }
        }
        hand.clear();
    }

    /// Memory of all indexes.
    pub(crate) fn index_memory_bytes(&self) -> u64 {
        self.iter().map(|partition| partition.index.memory_bytes() as u64).sum()
    }

    /// Memory of their leaves.
    pub(crate) fn leaf_memory_bytes(&self) -> u64 {
        self.iter().map(|partition| partition.index.leaf_memory_bytes()).sum()
    }

    /// Bytes of all leaves, in memory or on the disk.
    pub(crate) fn leaf_bytes(&self) -> u64 {
        let cold_bytes: u64 = self.iter().map(|partition| partition.index.cold_bytes()).sum();
        cold_bytes + self.leaf_memory_bytes()
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
