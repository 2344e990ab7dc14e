//! Run: items spelled out in full, in order, on their way from old leaves to new ones.
//! Everything that reshapes leaves (rebuild, split, merge, bulk load) goes through here.
//! Not kept anywhere: a run lives for one operation.

use std::ops::{ControlFlow, Range};

use super::Direction;
use super::block::{Form, Header, ITEMS_MAX};
use super::digits::Packed;
use super::leaf::Leaf;
use super::location::Location;
use super::separator::Separator;
use super::slot::Slot;

/// Items in strictly ascending key order.
#[derive(Default)]
pub(super) struct Run {
    keys: Vec<u8>,
    /// Where each key ends in `keys`.
    ends: Vec<usize>,
    locations: Vec<Location>,
}

/// Where to cut a run that has grown too long for one leaf.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// In halves: keys arrive anywhere.
    Middle,
    /// Before the last item: keys arrive in ascending order, and full leaves stay full.
    Last,
}

impl Run {
    pub(super) fn len(&self) -> usize {
        self.locations.len()
    }

    /// Appends an item above all others.
    pub(super) fn push(&mut self, key: &[u8], at: Location) {
        self.keys.extend_from_slice(key);
        self.ends.push(self.keys.len());
        self.locations.push(at);
    }

    /// Appends the leaf's items of these ranks.
    pub(super) fn extend(&mut self, leaf: &Leaf, ranks: Range<usize>) {
        self.ends.reserve(ranks.len());
        self.locations.reserve(ranks.len());
        let _ = leaf.visit(ranks, Direction::Forward, &mut Vec::new(), &mut |key, at| {
            self.push(key, at);
            ControlFlow::Continue(())
        });
    }

    /// The key at `rank`.
    pub(super) fn key(&self, rank: usize) -> &[u8] {
        let start = rank.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.keys[start..self.ends[rank]]
    }

    /// Whether one leaf can hold the run.
    pub(super) fn fits_one_leaf(&self) -> bool {
        self.plan(&(0..self.len())).fits_one_leaf()
    }

    /// Packs the run into as few leaves as `cut` and the leaf's bounds ask for, the first of them
    /// behind the separator `low`. The run is not empty.
    pub(super) fn pack(&self, low: Separator, cut: Cut) -> Vec<Slot> {
        let mut slots = Vec::with_capacity(self.len().div_ceil(ITEMS_MAX));
        self.pack_range(0..self.len(), low, cut, &mut slots);
        slots
    }

    fn pack_range(&self, range: Range<usize>, low: Separator, cut: Cut, slots: &mut Vec<Slot>) {
        let plan = self.plan(&range);
        if plan.fits_one_leaf() {
            slots.push(Slot::new(low, self.encode(plan, range)));
            return;
        }
        let at = match cut {
            Cut::Last if plan.count > ITEMS_MAX => range.end - 1,
            _ => range.start + range.len() / 2,
        };
        let middle = Separator::between(self.key(at - 1), self.key(at));
        self.pack_range(range.start..at, low, cut, slots);
        self.pack_range(at..range.end, middle, cut, slots);
    }

    fn plan(&self, range: &Range<usize>) -> Header {
        Header::plan(range.clone().map(|rank| self.key(rank)))
    }

    fn encode(&self, mut header: Header, range: Range<usize>) -> Leaf {
        let mut block = vec![0; header.used];
        block[header.prefix()].copy_from_slice(&self.key(range.start)[..header.prefix_len]);
        let mut tail_at = header.tail_at();
        for (rank, item) in range.enumerate() {
            let suffix = &self.key(item)[header.prefix_len..];
            match header.form {
                Form::Digits => {
                    let packed = Packed::new(suffix, header.head_width);
                    block[header.head(rank)].copy_from_slice(packed.as_bytes());
                }
                Form::Raw => {
                    let end = tail_at + suffix.len();
                    block[tail_at..end].copy_from_slice(suffix);
                    header.set_suffix_end(&mut block, rank, end - header.tail_at());
                    tail_at = end;
                }
            }
            let at = self.locations[item];
            block[header.location(rank)].copy_from_slice(&at.to_bytes());
            header.record_bytes += at.len_bytes();
        }
        header.write(&mut block);
        Leaf::from_block(&block)
    }
}
