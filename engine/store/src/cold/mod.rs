//! An index larger than memory: leaves that nobody asked for lately are *cold*. They stand as pages in
//! scratch files, and whoever needs one brings it back. Not part of what is durable: the files belong to one
//! process, are never synced, and recovery starts from checkpoint and log as ever.
//!
//! - `files`: where pages stand, and which space is used anew.
//! - `bring`: reading pages for those who need them.
//! - `gather`: all pages that a durable batch needs, before it is applied.
//! - `evict`: what leaves memory, and when.
//! - `clean`: taking what still counts out of the oldest pages.
//! - `spill`: the same for a table that nobody else uses: while it is recovered.

mod bring;
mod clean;
pub(crate) mod evict;
mod files;
mod gather;
mod spill;

use std::cell::Cell;

pub(crate) use self::bring::Brought;
pub(crate) use self::files::{PageFiles, remove_leftovers};
pub(crate) use self::gather::{Gather, stopping};
pub(crate) use self::spill::Spill;
use crate::sync::Signal;

/// Pages that a long walk reads ahead: enough to keep the disk busy, too little to wash anything out.
pub(crate) const READ_AHEAD_PAGES: usize = 32;

/// What is known of the index's memory.
pub(crate) struct IndexMemory {
    /// What it may take; without a bound nothing ever goes cold.
    pub(crate) budget_bytes: u64,
    /// Memory beyond the leaves, when it was last counted.
    own_bytes: Cell<u64>,
    /// Nothing can leave memory at the moment: nobody waits for it.
    is_stuck: Cell<bool>,
    /// It may be above its bound.
    pub(crate) grew: Signal,
    /// Something left it, or nothing can.
    pub(crate) room: Signal,
}

impl IndexMemory {
    pub(crate) fn new(budget_bytes: u64) -> Self {
        Self {
            budget_bytes,
            own_bytes: Cell::new(0),
            is_stuck: Cell::new(false),
            grew: Signal::default(),
            room: Signal::default(),
        }
    }

    pub(crate) fn is_bounded(&self) -> bool {
        self.budget_bytes < u64::MAX
    }

    /// How far it may go beyond its bound before requests are made to wait.
    fn slack_bytes(&self) -> u64 {
        self.budget_bytes / 8
    }

    /// What it is kept within.
    fn bound_bytes(&self) -> u64 {
        bound_bytes(self.budget_bytes, self.own_bytes.get())
    }

    /// Where eviction ends, so that it does not begin again with the next leaf.
    fn low_water_bytes(&self) -> u64 {
        self.bound_bytes() - self.budget_bytes / 32
    }
}

/// What an index is kept within: its budget, or what it takes with all leaves cold and room to work in.
fn bound_bytes(budget_bytes: u64, own_bytes: u64) -> u64 {
    budget_bytes.max(own_bytes.saturating_add(budget_bytes / 8))
}
