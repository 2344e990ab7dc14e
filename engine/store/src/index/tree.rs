//! Tree: the index itself, two binary searches above the leaves; cloning it is a snapshot.
//! Not concurrent: one owner edits it, snapshots are only read.

use std::mem::size_of;
use std::ops::Range;
use std::rc::Rc;

use super::block::KEY_MAX;
use super::chunk::{Chunk, LEAVES_MAX, MERGED_LEAVES_MAX};
use super::heads::Heads;
use super::heap;
use super::location::Location;
use super::page::Page;
use super::run::{Cut, Run};
use super::separator::Separator;
use super::slot::{Slot, Totals};

/// Below this a chunk should be merged with a neighbour.
const UNDERFULL_LEAVES: usize = LEAVES_MAX / 4;

/// A chunk and its low separator, kept here so that the root is searched without following it.
/// The first chunk's separator has no meaning: keys below it belong to that chunk too.
#[derive(Clone)]
pub(super) struct Branch {
    pub(super) low: Separator,
    pub(super) chunk: Rc<Chunk>,
}

impl Branch {
    fn new(chunk: Chunk) -> Self {
        Self { low: chunk.low().clone(), chunk: Rc::new(chunk) }
    }
}

/// An ordered map from keys (1 to 4096 bytes) to [`Location`]s.
///
/// `clone` takes a consistent snapshot in O(chunks), about one per ten thousand items. While a
/// snapshot lives, a write copies the leaf and the chunk it touches, once each; with none alive
/// writes happen in place.
#[derive(Clone, Default)]
pub struct Tree {
    pub(super) root: Vec<Branch>,
    /// Of the branches' separators.
    heads: Heads,
    totals: Totals,
}

/// Where an item is: its chunk, the leaf in the chunk, its rank in the leaf.
#[derive(Clone, Copy)]
struct Position {
    chunk: usize,
    leaf: usize,
    rank: usize,
}

impl Tree {
    /// An empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Items in the tree.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.totals.items
    }

    /// Whether there is no item.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.root.is_empty()
    }

    /// The sum of all items' [`Location::len_bytes`].
    #[must_use]
    pub fn record_bytes(&self) -> u64 {
        self.totals.record_bytes
    }

    /// Heap bytes that the tree takes, allocator overhead included, as if it shared nothing with
    /// snapshots. O(chunks).
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let branch_bytes = |branch: &Branch| branch.chunk.own_bytes() + branch.low.heap_bytes();
        let root_bytes = heap::block_bytes(self.root.capacity() * size_of::<Branch>());
        let chunk_bytes: usize = self.root.iter().map(branch_bytes).sum();
        root_bytes + self.heads.heap_bytes() + chunk_bytes + self.totals.heap_bytes as usize
    }

    /// Bytes of leaves in memory, and of long separators: what grows and shrinks with every write.
    #[must_use]
    pub fn leaf_memory_bytes(&self) -> u64 {
        self.totals.heap_bytes
    }

    /// Bytes of leaves that are only on the disk.
    #[must_use]
    pub fn cold_bytes(&self) -> u64 {
        self.totals.cold_bytes
    }

    /// Where the record of `key` lies. Does not allocate.
    ///
    /// # Errors
    /// The page that says it, if its leaf is cold.
    pub fn get(&self, key: &[u8]) -> Result<Option<Location>, Page> {
        let Some(slot) = self.slot(key) else { return Ok(None) };
        Ok(slot.used_leaf()?.get(key))
    }

    /// The page that must be [installed](Self::install) before `key` is changed.
    #[must_use]
    pub fn page_of(&self, key: &[u8]) -> Option<Page> {
        if self.totals.cold_bytes == 0 {
            return None;
        }
        self.slot(key)?.leaf().err()
    }

    /// Inserts `key`, or moves it to `at`; the location it had.
    ///
    /// # Panics
    /// If `key` is longer than 4096 bytes, or its leaf is cold: see [`page_of`](Self::page_of).
    pub fn insert(&mut self, key: &[u8], at: Location) -> Option<Location> {
        assert!(key.len() <= KEY_MAX, "key of {} B is longer than {KEY_MAX} B", key.len());
        if self.root.is_empty() {
            let mut run = Run::default();
            run.push(key, at);
            self.push_branch(Chunk::new(run.pack(Separator::LOWEST, Cut::Middle)));
            return None;
        }
        let index = self.find(key);
        let replaced = self.edit(index, |chunk| chunk.insert(key, at));
        self.split_if_overfull(index);
        replaced
    }

    /// Removes `key`; the location it had.
    ///
    /// # Panics
    /// If its leaf is cold: see [`page_of`](Self::page_of).
    pub fn remove(&mut self, key: &[u8]) -> Option<Location> {
        let at = self.position(key)?;
        let removed = self.edit(at.chunk, |chunk| chunk.remove(at.leaf, at.rank));
        let leaves = self.leaves(at.chunk).len();
        if leaves == 0 {
            self.replace_branches(at.chunk..at.chunk + 1, None);
        } else if leaves < UNDERFULL_LEAVES && !self.merge_chunks(at.chunk) && at.chunk > 0 {
            self.merge_chunks(at.chunk - 1);
        }
        Some(removed)
    }

    /// Moves `key` to `to` if it still is at `from`, and says whether it was.
    ///
    /// # Panics
    /// If its leaf is cold: see [`page_of`](Self::page_of).
    pub fn relocate(&mut self, key: &[u8], from: Location, to: Location) -> bool {
        let Some(at) = self.position(key) else { return false };
        if self.location(at) != from {
            return false;
        }
        self.edit(at.chunk, |chunk| chunk.set_location(at.leaf, at.rank, to));
        true
    }

    /// Splits the tree: `self` keeps the keys below `at`, the rest is returned.
    /// Copies one leaf; O(chunks).
    ///
    /// # Panics
    /// If the leaf of `at` is cold: see [`page_of`](Self::page_of).
    pub fn split_off(&mut self, at: &[u8]) -> Self {
        if self.is_empty() {
            return Self::new();
        }
        let index = self.find(at);
        let mut right = Self { root: self.root.split_off(index + 1), ..Self::default() };
        let upper = self.edit(index, |chunk| chunk.split_off(at));
        if self.leaves(index).is_empty() {
            self.root.pop();
        }
        if !upper.slots().is_empty() {
            right.root.insert(0, Branch::new(upper));
        }
        self.recount();
        right.recount();
        right
    }

    /// Appends a leaf above all others, behind a separator that is above all keys so far.
    pub(super) fn push_leaf(&mut self, slot: Slot) {
        match self.root.len().checked_sub(1) {
            Some(last) if self.leaves(last).len() < LEAVES_MAX => {
                self.edit(last, |chunk| chunk.push(slot));
            }
            _ => self.push_branch(Chunk::new(vec![slot])),
        }
    }

    fn push_branch(&mut self, chunk: Chunk) {
        self.totals.exchange(Totals::default(), chunk.totals());
        let end = self.root.len();
        self.replace_branches(end..end, Some(Branch::new(chunk)));
    }

    /// The chunk that has or would have `key`. The tree is not empty.
    pub(super) fn find(&self, key: &[u8]) -> usize {
        self.heads.find(key, |index| self.root[index].low.as_bytes())
    }

    /// The slot of the leaf that has or would have `key`.
    pub(super) fn slot(&self, key: &[u8]) -> Option<&Slot> {
        let chunk = &self.root.get(self.find(key))?.chunk;
        Some(&chunk.slots()[chunk.find(key)])
    }

    /// Changes the slot of `key`, but not what its leaf says. The tree is not empty.
    pub(super) fn change_slot<T>(&mut self, key: &[u8], change: impl FnOnce(&mut Slot) -> T) -> T {
        self.edit(self.find(key), |chunk| chunk.change_slot(chunk.find(key), change))
    }

    /// The item of `key`, whose leaf is warm.
    fn position(&self, key: &[u8]) -> Option<Position> {
        let chunk = self.find(key);
        let slots = self.root.get(chunk)?.chunk.slots();
        let leaf = self.root[chunk].chunk.find(key);
        let rank = slots[leaf].warm_leaf().search(key).ok()?;
        Some(Position { chunk, leaf, rank })
    }

    pub(super) fn leaves(&self, chunk: usize) -> &[Slot] {
        self.root[chunk].chunk.slots()
    }

    fn location(&self, at: Position) -> Location {
        self.leaves(at.chunk)[at.leaf].warm_leaf().location(at.rank)
    }

    /// Runs `edit` on a chunk of our own and accounts for what it changed.
    pub(super) fn edit<T>(&mut self, index: usize, edit: impl FnOnce(&mut Chunk) -> T) -> T {
        let chunk = Rc::make_mut(&mut self.root[index].chunk);
        let before = chunk.totals();
        let outcome = edit(chunk);
        self.totals.exchange(before, chunk.totals());
        outcome
    }

    /// Replaces branches without a word about totals.
    fn replace_branches(&mut self, range: Range<usize>, branch: Option<Branch>) {
        self.root.splice(range.clone(), branch);
        let separator = |index: usize| self.root[index].low.as_bytes();
        self.heads.replace(range, self.root.len(), separator);
    }

    /// Makes heads and totals anew.
    fn recount(&mut self) {
        self.heads = Heads::new(self.root.len(), |index| self.root[index].low.as_bytes());
        self.totals = Totals::sum(self.root.iter().map(|branch| branch.chunk.totals()));
    }

    fn split_if_overfull(&mut self, index: usize) {
        if self.leaves(index).len() > LEAVES_MAX {
            let right = Rc::make_mut(&mut self.root[index].chunk).split();
            self.replace_branches(index + 1..index + 1, Some(Branch::new(right)));
        }
    }

    /// Merges chunk `index` with the one after it, if both are there and fit one chunk well.
    fn merge_chunks(&mut self, index: usize) -> bool {
        let Some([left, right]) = self.root.get(index..index + 2) else { return false };
        if left.chunk.slots().len() + right.chunk.slots().len() > MERGED_LEAVES_MAX {
            return false;
        }
        let right = Rc::clone(&right.chunk);
        self.replace_branches(index + 1..index + 2, None);
        self.totals.exchange(right.totals(), Totals::default());
        self.edit(index, |chunk| chunk.append(Rc::unwrap_or_clone(right)));
        true
    }
}

#[cfg(test)]
use super::leaf::Leaf;

#[cfg(test)]
impl Tree {
    /// Checks every rule that ties the tree's parts together.
    pub(super) fn check(&self) {
        let mut last: Option<Vec<u8>> = None;
        for (c, branch) in self.root.iter().enumerate() {
            let chunk = &branch.chunk;
            assert!((1..=LEAVES_MAX).contains(&chunk.slots().len()), "chunk {c} has a wrong size");
            assert_eq!(branch.low.as_bytes(), chunk.low().as_bytes(), "chunk {c}'s low");
            assert_eq!(Chunk::new(chunk.slots().to_vec()).totals(), chunk.totals(), "chunk {c}");
            for (l, slot) in chunk.slots().iter().enumerate() {
                assert!(slot.items() > 0, "leaf {c}/{l} is empty");
                let low = slot.low.as_bytes();
                let Ok(leaf) = slot.leaf() else {
                    assert!(
                        (c, l) == (0, 0) || last.as_deref() < Some(low),
                        "{low:?} after {last:?}"
                    );
                    continue;
                };
                let first = leaf.first_key();
                assert_eq!((self.find(&first), chunk.find(&first)), (c, l), "place of {first:?}");
                let mut records = 0;
                for rank in 0..leaf.len() {
                    let key = leaf.key(rank);
                    records += u64::from(leaf.location(rank).len_bytes());
                    assert!(last.as_ref() < Some(&key), "{key:?} follows {last:?}");
                    if rank == 0 && (c, l) != (0, 0) {
                        assert!(last.as_deref() < Some(low), "{low:?} is not above {last:?}");
                    }
                    assert!((c, l) == (0, 0) || low <= &key[..], "{low:?} is above {key:?}");
                    last = Some(key);
                }
                assert_eq!(records, leaf.record_bytes(), "leaf {c}/{l}'s records");
                assert!(Leaf::from_page(leaf.as_page()).is_some(), "leaf {c}/{l} is not sound");
            }
        }
        let mut counted = self.clone();
        counted.recount();
        assert_eq!(counted.totals, self.totals);
    }
}
