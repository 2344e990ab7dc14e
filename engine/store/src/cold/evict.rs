//! Evicting: keeps the index within its memory. Not in the background: when it is full, requests wait for
//! it. Not which leaf goes: that is the clock's, see `index::clock`.

use std::rc::Rc;
use std::time::Duration;

use flywheel_disk::World;

use super::clean::clean_one;
use crate::core::Core;
use crate::error::StoreError;
use crate::index::Sweep;

/// Slots that the clock comes by in one slice.
const SLICE_SLOTS: usize = 1024;

/// How long nothing is written after a write of pages failed.
const RETRY: Duration = Duration::from_millis(100);

/// Runs until the store is closing.
pub(crate) async fn run<W: World>(core: Rc<Core<W>>) {
    let mut hand = Vec::new();
    while !core.finished.get() {
        let grew = core.index.grew.wait();
        let relieved = relieve(&core, &mut hand).await;
        core.index.is_stuck.set(core.index_excess_bytes() > 0);
        core.index.room.notify();
        if relieved.is_err() {
            // A full disk, most likely. Memory grows meanwhile, as it must.
            core.counters.index_faults.add(1);
            core.world.sleep(RETRY).await;
            continue;
        }
        grew.await;
    }
}

/// Has leaves leave memory until it is within its bound, or none can.
async fn relieve<W: World>(core: &Core<W>, hand: &mut Vec<u8>) -> Result<(), StoreError> {
    let mut fruitless_turns = 0;
    while core.index_excess_bytes() > 0 {
        let wanted_bytes = core.index_surplus_bytes().min(core.pages.chunk_bytes());
        let mut sweep = Sweep { slots_left: SLICE_SLOTS, wanted_bytes, ..Sweep::default() };
        core.table.borrow_mut().sweep(hand, &mut sweep);
        let found = sweep.chilled_bytes > 0 || !sweep.dirty.is_empty();
        if !sweep.dirty.is_empty() {
            let pages = core.pages.write(&sweep.dirty, &core.counters).await?;
            let mut table = core.table.borrow_mut();
            for (leaf, page) in sweep.dirty.iter().zip(pages) {
                table.settle(leaf, None, page);
            }
        }
        while clean_one(&core.pages, &core.table, &core.counters).await? {
            core.world.yield_if_needed().await;
        }
        if found {
            core.index.is_stuck.set(false);
        }
        core.index.room.notify();
        fruitless_turns = match (found, hand.is_empty()) {
            (true, _) => 0,
            (false, ended) => fruitless_turns + usize::from(ended),
        };
        // The first time round the clock may only have taken note of what was used.
        if fruitless_turns > 2 || core.finished.get() {
            break;
        }
        core.world.yield_if_needed().await;
    }
    Ok(())
}

impl<W: World> Core<W> {
    /// Has leaves evicted if there are too many.
    pub(crate) fn note_index_growth(&self) {
        if self.is_index_above(0) {
            self.index.grew.notify();
        }
    }

    /// Waits while the index is far above its bound, and something can leave it.
    pub(crate) async fn index_room(&self) {
        while self.must_wait_for_index() {
            let changed = self.index.room.wait();
            self.index.grew.notify();
            changed.await;
        }
    }

    /// Whether the index is far above its bound, and something can leave it.
    pub(crate) fn must_wait_for_index(&self) -> bool {
        !self.index.is_stuck.get()
            && !self.finished.get()
            && self.is_index_above(self.index.slack_bytes())
    }

    /// Whether the index takes more than its bound and so much more, as far as can be told at once.
    fn is_index_above(&self, slack_bytes: u64) -> bool {
        let index = &self.index;
        if !index.is_bounded() {
            return false;
        }
        let leaf_bytes = self.table.borrow().leaf_memory_bytes();
        let memory_bytes = leaf_bytes + index.own_bytes.get();
        memory_bytes > index.bound_bytes().saturating_add(slack_bytes)
    }

    /// Bytes by which the index exceeds its bound, counted anew.
    pub(super) fn index_excess_bytes(&self) -> u64 {
        self.count_index_bytes().saturating_sub(self.index.bound_bytes())
    }

    /// Bytes that are to leave memory once it exceeds its bound.
    fn index_surplus_bytes(&self) -> u64 {
        self.count_index_bytes().saturating_sub(self.index.low_water_bytes())
    }

    fn count_index_bytes(&self) -> u64 {
        let table = self.table.borrow();
        let memory_bytes = table.index_memory_bytes();
        self.index.own_bytes.set(memory_bytes - table.leaf_memory_bytes());
        memory_bytes
    }
}
