//! Clock: which leaves leave memory. It comes by the slots in key order, round and round; a leaf that was
//! used since the last time stays for another round. Not when, nor where pages are written.

use super::leaf::Leaf;
use super::page::Page;
use super::slot::Passed;
use super::tree::Tree;

/// A leaf's place, as long as no leaf is added or removed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct LeafPosition {
    chunk: usize,
    slot: usize,
}

/// One stretch of the clock's way.
#[derive(Default)]
pub struct Sweep {
    /// Slots that it may still come by.
    pub slots_left: usize,
    /// Bytes of leaves that are still to be found.
    pub wanted_bytes: u64,
    /// Leaves that can go cold once they are written, as [`Tree::settle`] is told then.
    pub dirty: Vec<Leaf>,
    /// Bytes of leaves that went cold at once.
    pub chilled_bytes: u64,
}

impl Sweep {
    /// Whether there is no more to find, or no more to come by.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.slots_left == 0 || self.wanted_bytes == 0
    }
}

impl Tree {
    /// Sends the clock over the slots from that of `from` on. Where it goes on; `None` from the
    /// beginning of the next tree.
    pub fn sweep(&mut self, from: &[u8], sweep: &mut Sweep) -> Option<Vec<u8>> {
        if self.is_empty() {
            return None;
        }
        let first = self.find(from);
        let mut slot = self.root[first].chunk.find(from);
        for chunk in first..self.root.len() {
            slot = self.sweep_chunk(chunk, slot, sweep);
            if let Some(next) = self.leaves(chunk).get(slot) {
                return Some(next.low.as_bytes().to_vec());
            }
            slot = 0;
            if sweep.is_over() {
                let next = self.root.get(chunk + 1)?;
                return Some(next.low.as_bytes().to_vec());
            }
        }
        None
    }

    /// Sweeps a chunk from a slot on; the slot that comes next.
    fn sweep_chunk(&mut self, chunk: usize, from: usize, sweep: &mut Sweep) -> usize {
        let slots = self.leaves(chunk);
        let mut clean = Vec::new();
        let mut next = from;
        while next < slots.len() && !sweep.is_over() {
            sweep.slots_left -= 1;
            let slot = &slots[next];
            let mut found = |leaf: &Leaf| {
                let bytes = leaf.heap_bytes() as u64;
                sweep.wanted_bytes = sweep.wanted_bytes.saturating_sub(bytes);
                bytes
            };
            match slot.pass() {
                Passed::Kept => {}
                Passed::Clean => {
                    sweep.chilled_bytes += found(slot.warm_leaf());
                    clean.push(next);
                }
                Passed::Dirty(leaf) => {
                    found(leaf);
                    sweep.dirty.push(leaf.clone());
                }
            }
            next += 1;
        }
        if !clean.is_empty() {
            self.edit(chunk, |chunk| {
                clean.into_iter().for_each(|slot| chunk.change_slot(slot, |slot| slot.chill()));
            });
        }
        next
    }

    /// Which leaf has or would have `key`.
    #[must_use]
    pub fn leaf_position(&self, key: &[u8]) -> Option<LeafPosition> {
        let chunk = self.find(key);
        Some(LeafPosition { chunk, slot: self.root.get(chunk)?.chunk.find(key) })
    }

    /// Items of a leaf.
    #[must_use]
    pub fn leaf_items(&self, leaf: LeafPosition) -> usize {
        self.leaves(leaf.chunk)[leaf.slot].items()
    }

    /// The pages of the leaves on both sides of one, where these are cold.
    pub fn pages_beside(&self, leaf: LeafPosition) -> impl Iterator<Item = Page> {
        let slots = self.leaves(leaf.chunk);
        let below = match leaf.slot.checked_sub(1) {
            Some(slot) => slots.get(slot),
            None => leaf.chunk.checked_sub(1).and_then(|chunk| self.leaves(chunk).last()),
        };
        let next_chunk = || self.root.get(leaf.chunk + 1)?.chunk.slots().first();
        let above = slots.get(leaf.slot + 1).or_else(next_chunk);
        below.into_iter().chain(above).filter_map(|slot| slot.leaf().err())
    }

    /// Takes back what a page holds, if it still is wanted.
    pub fn install(&mut self, page: Page, leaf: &Leaf) {
        let first_key = leaf.first_key();
        if self.page_of(&first_key) == Some(page) {
            self.change_slot(&first_key, |slot| slot.install(page, leaf));
        }
    }

    /// Whether `leaf`, read from the page `was` or swept up while it was dirty, still is the tree's.
    #[must_use]
    pub fn holds(&self, leaf: &Leaf, was: Option<Page>) -> bool {
        self.slot(&leaf.first_key()).is_some_and(|slot| slot.holds(leaf, was))
    }

    /// Learns that `leaf` stands in the page `new` now. One that changed meanwhile stays as it is.
    pub fn settle(&mut self, leaf: &Leaf, was: Option<Page>, new: Page) {
        if self.holds(leaf, was) {
            self.change_slot(&leaf.first_key(), |slot| slot.settle(new));
        }
    }
}
