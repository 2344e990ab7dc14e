//! Tree: the index itself, two binary searches above the leaves; cloning it is a snapshot.
//! Not concurrent: one owner edits it, snapshots are only read.

use std::mem::size_of;
use std::ops::{Bound, ControlFlow, Range};
use std::rc::Rc;

use super::Direction;
use super::block::KEY_MAX;
use super::chunk::{Chunk, LEAVES_MAX, MERGED_LEAVES_MAX, Slot, Totals};
use super::heads::Heads;
use super::heap;
use super::leaf::Leaf;
use super::location::Location;
use super::run::{Cut, Run};
use super::separator::Separator;

/// Below this a chunk should be merged with a neighbour.
const UNDERFULL_LEAVES: usize = LEAVES_MAX / 4;

/// A chunk and its low separator, kept here so that the root is searched without following it.
/// The first chunk's separator has no meaning: keys below it belong to that chunk too.
#[derive(Clone)]
struct Branch {
    low: Separator,
    chunk: Rc<Chunk>,
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
    root: Vec<Branch>,
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

    /// Where the record of `key` lies. Does not allocate.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<Location> {
        self.position(key).map(|at| self.location(at))
    }

    /// Inserts `key`, or moves it to `at`; the location it had.
    ///
    /// # Panics
    /// If `key` is longer than 4096 bytes.
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

    /// Appends a tree whose every key is above every key of `self`: undoes a
    /// [`split_off`](Self::split_off). O(chunks).
    ///
    /// # Panics
    /// If the keys overlap.
    pub fn append(&mut self, mut right: Self) {
        let last = self.nth_key(Direction::Backward, 0);
        let first = right.nth_key(Direction::Forward, 0);
        let (Some(last), Some(first)) = (last, first) else {
            if self.is_empty() {
                *self = right;
            }
            return;
        };
        assert!(last < first, "appended keys from {first:?} to a tree that ends at {last:?}");
        let low = Separator::between(&last, &first);
        right.root[0].low = low.clone();
        right.edit(0, |chunk| chunk.set_low(low));

        let seam = self.root.len() - 1;
        self.root.append(&mut right.root);
        self.recount();
        self.merge_chunks(seam);
    }

    /// A key near the middle by record bytes and above the first key, so that a split there leaves
    /// neither side empty. `None` for fewer than two items. O(chunks).
    #[must_use]
    pub fn middle_key(&self) -> Option<Vec<u8>> {
        if self.len() < 2 {
            return None;
        }
        let middle = self.position_of_byte(self.record_bytes() / 2);
        let is_first = middle.chunk == 0 && middle.leaf == 0 && middle.rank == 0;
        if is_first {
            self.nth_key(Direction::Forward, 1)
        } else {
            Some(self.leaf(middle).key(middle.rank))
        }
    }

    /// Shows `f` the keys within the bounds and their locations, in the order of `direction`, until
    /// it breaks. Bounds that cross show nothing.
    pub fn visit(
        &self,
        start: Bound<&[u8]>,
        end: Bound<&[u8]>,
        direction: Direction,
        f: &mut dyn FnMut(&[u8], Location) -> ControlFlow<()>,
    ) {
        let mut key = Vec::new();
        // Breaks when `f` does, and when the far bound lies within the leaf.
        let mut visit_leaf = |slot: &Slot| {
            let leaf = &slot.leaf;
            let ranks = leaf.ranks(start, end);
            let more = match direction {
                Direction::Forward => ranks.end == leaf.len(),
                Direction::Backward => ranks.start == 0,
            };
            leaf.visit(ranks, direction, &mut key, f)?;
            if more { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let near = if direction == Direction::Forward { start } else { end };
        let Some((chunk, leaf)) = self.leaf_at(near, direction) else { return };
        let _ = match direction {
            Direction::Forward => {
                let rest = self.root[chunk + 1..].iter().flat_map(|branch| branch.chunk.slots());
                self.leaves(chunk)[leaf..].iter().chain(rest).try_for_each(&mut visit_leaf)
            }
            Direction::Backward => {
                let rest = self.root[..chunk].iter().flat_map(|branch| branch.chunk.slots());
                let leaves = rest.chain(&self.leaves(chunk)[..=leaf]);
                leaves.rev().try_for_each(&mut visit_leaf)
            }
        };
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
    fn find(&self, key: &[u8]) -> usize {
        self.heads.find(key, |index| self.root[index].low.as_bytes())
    }

    fn position(&self, key: &[u8]) -> Option<Position> {
        let chunk = self.find(key);
        let slots = self.root.get(chunk)?.chunk.slots();
        let leaf = self.root[chunk].chunk.find(key);
        let rank = slots[leaf].leaf.search(key).ok()?;
        Some(Position { chunk, leaf, rank })
    }

    /// The leaf where a walk from `bound` begins.
    fn leaf_at(&self, bound: Bound<&[u8]>, direction: Direction) -> Option<(usize, usize)> {
        let last = self.root.len().checked_sub(1)?;
        Some(match (bound, direction) {
            (Bound::Included(key) | Bound::Excluded(key), _) => {
                let chunk = self.find(key);
                (chunk, self.root[chunk].chunk.find(key))
            }
            (Bound::Unbounded, Direction::Forward) => (0, 0),
            (Bound::Unbounded, Direction::Backward) => (last, self.leaves(last).len() - 1),
        })
    }

    fn leaves(&self, chunk: usize) -> &[Slot] {
        self.root[chunk].chunk.slots()
    }

    fn leaf(&self, at: Position) -> &Leaf {
        &self.leaves(at.chunk)[at.leaf].leaf
    }

    fn location(&self, at: Position) -> Location {
        self.leaf(at).location(at.rank)
    }

    /// The key that a walk in `direction` meets after `skipped` others.
    fn nth_key(&self, direction: Direction, mut skipped: usize) -> Option<Vec<u8>> {
        let mut found = None;
        self.visit(Bound::Unbounded, Bound::Unbounded, direction, &mut |key, _| match skipped
            .checked_sub(1)
        {
            Some(fewer) => {
                skipped = fewer;
                ControlFlow::Continue(())
            }
            None => {
                found = Some(key.to_vec());
                ControlFlow::Break(())
            }
        });
        found
    }

    /// The item whose record holds byte `byte` of all records in key order; the last item if the
    /// records are shorter. The tree is not empty.
    fn position_of_byte(&self, mut byte: u64) -> Position {
        let chunk = take_until(&mut byte, self.root.iter().map(|b| b.chunk.totals().record_bytes));
        let leaves = self.leaves(chunk);
        let leaf = take_until(&mut byte, leaves.iter().map(|slot| slot.leaf.record_bytes()));
        let items = &leaves[leaf].leaf;
        let lengths = (0..items.len()).map(|rank| u64::from(items.location(rank).len_bytes()));
        let rank = take_until(&mut byte, lengths);
        Position { chunk, leaf, rank }
    }

    /// Runs `edit` on a chunk of our own and accounts for what it changed.
    fn edit<T>(&mut self, index: usize, edit: impl FnOnce(&mut Chunk) -> T) -> T {
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

/// Takes parts from `amount` until one exceeds what is left of it: that part's index, or the last.
fn take_until(amount: &mut u64, parts: impl ExactSizeIterator<Item = u64>) -> usize {
    let last = parts.len() - 1;
    for (index, part) in parts.enumerate() {
        if *amount < part || index == last {
            return index;
        }
        *amount -= part;
    }
    last
}

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
                assert!(slot.leaf.len() > 0, "leaf {c}/{l} is empty");
                let first = slot.leaf.key(0);
                assert_eq!((self.find(&first), chunk.find(&first)), (c, l), "place of {first:?}");
                let low = slot.low.as_bytes();
                let mut records = 0;
                for rank in 0..slot.leaf.len() {
                    let key = slot.leaf.key(rank);
                    records += u64::from(slot.leaf.location(rank).len_bytes());
                    assert!(last.as_ref() < Some(&key), "{key:?} follows {last:?}");
                    if rank == 0 && (c, l) != (0, 0) {
                        assert!(last.as_deref() < Some(low), "{low:?} is not above {last:?}");
                    }
                    assert!((c, l) == (0, 0) || low <= &key[..], "{low:?} is above {key:?}");
                    last = Some(key);
                }
                assert_eq!(records, slot.leaf.record_bytes(), "leaf {c}/{l}'s records");
            }
        }
        let mut counted = self.clone();
        counted.recount();
        assert_eq!(counted.totals, self.totals);
    }
}
