//! Chunk: some hundred neighbouring leaves, the unit that a snapshot shares or a write copies.
//! Not a level that deepens: the tree has exactly one layer of chunks above one of leaves.

use std::mem::size_of;
use std::ops::Range;

use super::block::{BYTES_MAX, ITEMS_MAX};
use super::heads::Heads;
use super::heap;
use super::leaf::{Leaf, NoRoom};
use super::location::Location;
use super::run::{Cut, Run};
use super::separator::Separator;
use super::slot::{Slot, Totals};

/// A chunk holds at most this many leaves between two operations.
pub(super) const LEAVES_MAX: usize = 256;
/// Slots that a chunk reserves when it must grow.
const LEAVES_SLACK: usize = 16;

/// Leaves are merged only up to here, so that the next insertions do not split them again.
const MERGED_ITEMS_MAX: usize = ITEMS_MAX * 3 / 4;
const MERGED_BYTES_MAX: usize = BYTES_MAX * 3 / 4;
/// The same for chunks.
pub(super) const MERGED_LEAVES_MAX: usize = LEAVES_MAX * 3 / 4;

/// Leaves in key order, and their totals. Never empty between two operations of its tree.
#[derive(Clone)]
pub(super) struct Chunk {
    slots: Vec<Slot>,
    /// Of the slots' separators.
    heads: Heads,
    totals: Totals,
}

impl Chunk {
    pub(super) fn new(slots: Vec<Slot>) -> Self {
        let totals = Totals::sum(slots.iter().map(Slot::totals));
        let heads = Heads::new(slots.len(), |index| slots[index].low.as_bytes());
        Self { slots, heads, totals }
    }

    pub(super) fn totals(&self) -> Totals {
        self.totals
    }

    pub(super) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The separator below its first leaf.
    pub(super) fn low(&self) -> &Separator {
        &self.slots[0].low
    }

    /// Heap bytes of the chunk itself, without leaves and separators.
    pub(super) fn own_bytes(&self) -> usize {
        let slots_bytes = self.slots.capacity() * size_of::<Slot>();
        let own_bytes = heap::rc_block_bytes(size_of::<Self>());
        own_bytes + heap::block_bytes(slots_bytes) + self.heads.heap_bytes()
    }

    /// The leaf that has or would have `key`. Keys below the first separator go to the first leaf.
    pub(super) fn find(&self, key: &[u8]) -> usize {
        self.heads.find(key, |index| self.slots[index].low.as_bytes())
    }

    /// Inserts or replaces; the replaced location. May leave the chunk overfull.
    pub(super) fn insert(&mut self, key: &[u8], at: Location) -> Option<Location> {
        let index = self.find(key);
        match self.edit(index, |leaf| leaf.insert(key, at)) {
            Ok(replaced) => replaced,
            Err(NoRoom { rank }) => {
                self.rebuild_with(index, rank, key, at);
                None
            }
        }
    }

    /// Replaces the location of an item; the replaced one.
    pub(super) fn set_location(&mut self, index: usize, rank: usize, at: Location) -> Location {
        self.edit(index, |leaf| leaf.set_location(rank, at))
    }

    /// Removes an item, and its leaf if that was the last in it. May leave the chunk empty.
    pub(super) fn remove(&mut self, index: usize, rank: usize) -> Location {
        let removed = self.edit(index, |leaf| leaf.remove(rank));
        let leaf = self.slots[index].warm_leaf();
        if leaf.len() == 0 {
            self.remove_leaf(index);
        } else if leaf.is_underfull() && !self.merge_leaves(index) && index > 0 {
            self.merge_leaves(index - 1);
        }
        removed
    }

    /// Appends a leaf above all others.
    pub(super) fn push(&mut self, slot: Slot) {
        self.replace(self.slots.len()..self.slots.len(), vec![slot]);
    }

    /// Appends the leaves of a chunk above this one.
    pub(super) fn append(&mut self, right: Self) {
        let seam = self.slots.len();
        self.replace(seam..seam, right.slots);
        self.merge_leaves(seam - 1);
    }

    /// Sets the separator below the first leaf.
    pub(super) fn set_low(&mut self, low: Separator) {
        let before = self.slots[0].totals();
        self.slots[0].low = low;
        self.totals.exchange(before, self.slots[0].totals());
    }

    /// Gives away the upper leaves, from `index` on.
    pub(super) fn split_off_leaves(&mut self, index: usize) -> Self {
        let right = Self::new(self.slots.split_off(index));
        self.slots.shrink_to_fit();
        self.heads = Heads::new(index, |index| self.slots[index].low.as_bytes());
        self.totals.exchange(right.totals, Totals::default());
        right
    }

    /// Gives away the keys at or above `key`. Either side may be left empty.
    pub(super) fn split_off(&mut self, key: &[u8]) -> Self {
        let index = self.find(key);
        let leaf = self.slots[index].warm_leaf();
        let (rank, count) = (leaf.search(key).unwrap_or_else(|rank| rank), leaf.len());
        if rank == 0 {
            return self.split_off_leaves(index);
        }
        if rank < count {
            let (mut left, mut right) = (Run::default(), Run::default());
            left.extend(leaf, 0..rank);
            right.extend(leaf, rank..count);
            let middle = Separator::between(left.key(rank - 1), right.key(0));
            let mut slots = left.pack(self.slots[index].low.clone(), Cut::Middle);
            slots.extend(right.pack(middle, Cut::Middle));
            debug_assert_eq!(slots.len(), 2, "a part of what fits a leaf fits a leaf");
            self.replace(index..index + 1, slots);
        }
        self.split_off_leaves(index + 1)
    }

    /// Halves an overfull chunk; the upper half. Where keys arrive in ascending order, the lower
    /// part stays full.
    pub(super) fn split(&mut self) -> Self {
        let last_is_new = self.slots.last().is_some_and(|slot| slot.items() == 1);
        self.split_off_leaves(if last_is_new { LEAVES_MAX } else { self.slots.len() / 2 })
    }

    /// Changes a slot, but not what its leaf says, and accounts for it.
    pub(super) fn change_slot<T>(
        &mut self,
        index: usize,
        change: impl FnOnce(&mut Slot) -> T,
    ) -> T {
        let slot = &mut self.slots[index];
        let before = slot.totals();
        let outcome = change(slot);
        self.totals.exchange(before, slot.totals());
        outcome
    }

    /// Runs `edit` on a leaf and accounts for what it changed.
    fn edit<T>(&mut self, index: usize, edit: impl FnOnce(&mut Leaf) -> T) -> T {
        self.change_slot(index, |slot| edit(slot.edit()))
    }

    /// Rebuilds a leaf with one more item, as one leaf or several.
    fn rebuild_with(&mut self, index: usize, rank: usize, key: &[u8], at: Location) {
        let slot = &self.slots[index];
        let leaf = slot.warm_leaf();
        let count = leaf.len();
        let mut run = Run::default();
        run.extend(leaf, 0..rank);
        run.push(key, at);
        run.extend(leaf, rank..count);
        let cut = if rank == count { Cut::Last } else { Cut::Middle };
        let slots = run.pack(slot.low.clone(), cut);
        self.replace(index..index + 1, slots);
    }

    /// Merges leaf `index` with the one after it, if both are there, warm, and fit one leaf well.
    fn merge_leaves(&mut self, index: usize) -> bool {
        let Some([low_slot, high_slot]) = self.slots.get(index..index + 2) else { return false };
        let (Ok(left), Ok(right)) = (low_slot.leaf(), high_slot.leaf()) else { return false };
        let items = left.len() + right.len();
        let bytes = left.used_bytes() + right.used_bytes();
        if items > MERGED_ITEMS_MAX || bytes > MERGED_BYTES_MAX {
            return false;
        }
        let mut run = Run::default();
        run.extend(left, 0..left.len());
        run.extend(right, 0..right.len());
        // A shorter shared prefix may make the whole larger than its parts.
        if !run.fits_one_leaf() {
            return false;
        }
        let merged = run.pack(low_slot.low.clone(), Cut::Middle);
        self.replace(index..index + 2, merged);
        true
    }

    /// Drops an empty leaf. Its key range falls to the leaf below it, or to the one above.
    fn remove_leaf(&mut self, index: usize) {
        let low = self.slots[index].low.clone();
        self.replace(index..index + 1, Vec::new());
        if index == 0 && !self.slots.is_empty() {
            self.set_low(low);
        }
    }

    fn replace(&mut self, range: Range<usize>, slots: Vec<Slot>) {
        let before = Totals::sum(self.slots[range.clone()].iter().map(Slot::totals));
        let after = Totals::sum(slots.iter().map(Slot::totals));
        self.totals.exchange(before, after);
        let growth = slots.len().saturating_sub(range.len());
        if self.slots.len() + growth > self.slots.capacity() {
            // Exactly, because doubling would leave half of the space unused.
            self.slots.reserve_exact(growth.max(LEAVES_SLACK));
        }
        self.slots.splice(range.clone(), slots);
        let separator = |index: usize| self.slots[index].low.as_bytes();
        self.heads.replace(range, self.slots.len(), separator);
    }
}
