//! Walk: a tree's items in key order or against it, and where its middle is. Changes nothing, and brings
//! nothing in: what a walk passes is seldom asked for again soon.

use std::ops::{Bound, ControlFlow, Range};

use super::Direction;
use super::leaf::Leaf;
use super::location::Location;
use super::page::{Fetched, Gap, Page};
use super::slot::Slot;
use super::tree::Tree;

/// Breaks a walk that is over, or one that lacks a leaf.
enum End<'s> {
    Over,
    Lacks(&'s Slot, Page),
}

impl Tree {
    /// Shows `f` the keys within the bounds and their locations, in the order of `direction`, until
    /// it breaks. Bounds that cross show nothing.
    ///
    /// # Errors
    /// The [`Gap`] where the walk broke off, at a leaf that is neither in memory nor `fetched`.
    pub fn visit(
        &self,
        start: Bound<&[u8]>,
        end: Bound<&[u8]>,
        direction: Direction,
        fetched: &Fetched,
        f: &mut dyn FnMut(&[u8], Location) -> ControlFlow<()>,
    ) -> Result<(), Gap> {
        let mut key = Vec::new();
        let mut passed: Option<&Slot> = None;
        // Breaks when `f` does, and when the far bound lies within the leaf.
        let mut visit_leaf = |slot| {
            let leaf = leaf_of(slot, fetched).map_err(|page| End::Lacks(slot, page))?;
            let ranks = leaf.ranks(start, end);
            let more = match direction {
                Direction::Forward => ranks.end == leaf.len(),
                Direction::Backward => ranks.start == 0,
            };
            if leaf.visit(ranks, direction, &mut key, f).is_break() || !more {
                return Err(End::Over);
            }
            passed = Some(slot);
            Ok(())
        };
        let near = if direction == Direction::Forward { start } else { end };
        let mut slots = self.slots_from(near, direction);
        let walked = slots.try_for_each(&mut visit_leaf);
        let Err(End::Lacks(lacking, page)) = walked else { return Ok(()) };
        let resume = passed.map(|passed| match direction {
            Direction::Forward => Bound::Included(lacking.low.as_bytes().to_vec()),
            Direction::Backward => Bound::Excluded(passed.low.as_bytes().to_vec()),
        });
        Err(Gap { pages: self.lacking(page, near, end, direction, fetched), resume })
    }

    /// Shows `f` all items whose leaves are in memory.
    pub fn visit_warm(&self, f: &mut dyn FnMut(&[u8], Location) -> ControlFlow<()>) {
        let mut key = Vec::new();
        let leaves =
            self.slots_from(Bound::Unbounded, Direction::Forward).filter_map(|s| s.leaf().ok());
        for leaf in leaves {
            if leaf.visit(0..leaf.len(), Direction::Forward, &mut key, f).is_break() {
                return;
            }
        }
    }

    /// A key near the middle by record bytes and above the first key, so that a split there leaves
    /// neither side empty. `None` for fewer than two items, or if no such key is in memory. O(chunks).
    #[must_use]
    pub fn middle_key(&self) -> Option<Vec<u8>> {
        if self.len() < 2 {
            return None;
        }
        let mut byte = self.record_bytes() / 2;
        let chunk = take_until(&mut byte, self.root.iter().map(|b| b.chunk.totals().record_bytes));
        let slots = self.leaves(chunk);
        let slot = take_until(&mut byte, slots.iter().map(Slot::record_bytes));
        let is_first = chunk == 0 && slot == 0;
        if let Ok(leaf) = slots[slot].leaf() {
            let lengths = (0..leaf.len()).map(|rank| u64::from(leaf.location(rank).len_bytes()));
            let rank = take_until(&mut byte, lengths).max(usize::from(is_first));
            if rank < leaf.len() {
                return Some(leaf.key(rank));
            }
        }
        // Between two leaves the separator is as good a key as any.
        let mut from_here = slots[slot..].iter().chain(self.slots_of(chunk + 1..self.root.len()));
        let above = from_here.nth(usize::from(is_first))?;
        Some(above.low.as_bytes().to_vec())
    }

    /// The slots that a walk from `bound` comes by, in its order.
    fn slots_from(
        &self,
        bound: Bound<&[u8]>,
        direction: Direction,
    ) -> Box<dyn Iterator<Item = &Slot> + '_> {
        let Some((chunk, leaf)) = self.leaf_at(bound, direction) else {
            return Box::new(std::iter::empty());
        };
        match direction {
            Direction::Forward => {
                let rest = self.slots_of(chunk + 1..self.root.len());
                Box::new(self.leaves(chunk)[leaf..].iter().chain(rest))
            }
            Direction::Backward => {
                let rest = self.slots_of(0..chunk);
                Box::new(rest.chain(&self.leaves(chunk)[..=leaf]).rev())
            }
        }
    }

    fn slots_of(&self, chunks: Range<usize>) -> impl DoubleEndedIterator<Item = &Slot> {
        self.root[chunks].iter().flat_map(|branch| branch.chunk.slots())
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

    /// The page that a walk lacks and, as far as it may ask for more, those behind it within its end.
    fn lacking(
        &self,
        first: Page,
        near: Bound<&[u8]>,
        end: Bound<&[u8]>,
        direction: Direction,
        fetched: &Fetched,
    ) -> Vec<Page> {
        let is_beyond = |slot: &&Slot| match (direction, end) {
            (Direction::Forward, Bound::Included(end) | Bound::Excluded(end)) => {
                slot.low.as_bytes() > end
            }
            _ => false,
        };
        let slots =
            self.slots_from(near, direction).skip_while(|slot| slot.leaf().err() != Some(first));
        let cold = slots
            .take_while(|slot| !is_beyond(slot))
            .filter_map(|slot| leaf_of(slot, fetched).err());
        let mut pages: Vec<Page> = cold.take(fetched.most_pages()).collect();
        if pages.is_empty() {
            pages.push(first);
        }
        pages
    }
}

fn leaf_of<'a>(slot: &'a Slot, fetched: &'a Fetched) -> Result<&'a Leaf, Page> {
    slot.leaf().or_else(|page| fetched.leaf(page).ok_or(page))
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
