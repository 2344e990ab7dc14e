//! Spilling: keeps a table within its memory while it is recovered, before there is anybody to wait for it.
//! Not for a running store: see `bring` and `evict`.

use std::cell::RefCell;
use std::path::Path;

use flywheel_disk::World;
use futures_util::future::try_join_all;

use super::bound_bytes;
use super::clean::clean_one;
use super::files::PageFiles;
use crate::error::StoreError;
use crate::index::{Fetched, Gap, Leaf, Page, Sweep, Tree};
use crate::options::StoreOptions;
use crate::partitions::{PartitionTable, Touch};
use crate::stats::Counters;

/// Times that the clock goes round before what is left in memory stays there.
const MOST_TURNS: usize = 6;

/// A recovering table's memory, and the files for what does not fit.
pub(crate) struct Spill<W: World> {
    pub(crate) pages: PageFiles<W>,
    budget_bytes: u64,
    /// Nobody asks.
    counters: Counters,
    /// Where the clock goes on, in the table.
    hand: Vec<u8>,
}

impl<W: World> Spill<W> {
    /// Nothing is spilled yet.
    pub(crate) fn new(world: &W, directory: &Path, options: &StoreOptions) -> Self {
        Self {
            pages: PageFiles::new(world.clone(), directory, options.segment_bytes),
            budget_bytes: options.index_bytes,
            counters: Counters::default(),
            hand: Vec::new(),
        }
    }

    /// Has leaves of the table leave memory, and of a tree that is still being loaded.
    pub(crate) async fn relieve(
        &mut self,
        table: &RefCell<PartitionTable>,
        mut loading: Option<&mut Tree>,
    ) -> Result<(), StoreError> {
        if self.budget_bytes == u64::MAX {
            return Ok(());
        }
        let mut turns = 0;
        let mut loading_hand = Vec::new();
        loop {
            let loading_bytes = loading.as_ref().map_or(0, |tree| tree.memory_bytes() as u64);
            let memory_bytes = table.borrow().index_memory_bytes() + loading_bytes;
            let table_leaf_bytes = table.borrow().leaf_memory_bytes();
            let loading_leaf_bytes = loading.as_ref().map_or(0, |tree| tree.leaf_memory_bytes());
            let own_bytes = memory_bytes - table_leaf_bytes - loading_leaf_bytes;
            let bound_bytes = bound_bytes(self.budget_bytes, own_bytes);
            if memory_bytes <= bound_bytes || turns > MOST_TURNS {
                return Ok(());
            }
            // Some more, so that not every batch has something to spill.
            let wanted_bytes = memory_bytes - bound_bytes + self.budget_bytes / 32;
            let mut sweep = Sweep { slots_left: usize::MAX, wanted_bytes, ..Sweep::default() };
            match &mut loading {
                Some(tree) if loading_leaf_bytes > table_leaf_bytes => {
                    loading_hand = tree.sweep(&loading_hand, &mut sweep).unwrap_or_default();
                    turns += usize::from(loading_hand.is_empty());
                }
                _ => {
                    table.borrow_mut().sweep(&mut self.hand, &mut sweep);
                    turns += usize::from(self.hand.is_empty());
                }
            }
            let pages = self.pages.write(&sweep.dirty, &self.counters).await?;
            for (leaf, page) in sweep.dirty.iter().zip(pages) {
                match &mut loading {
                    Some(tree) if tree.holds(leaf, None) => tree.settle(leaf, None, page),
                    _ => table.borrow_mut().settle(leaf, None, page),
                }
            }
            // Only the table knows which pages count.
            let is_whole = loading.is_none();
            while is_whole && clean_one(&self.pages, table, &self.counters).await? {}
        }
    }

    /// Has the table take in all that these changes need, so that they can be applied at once.
    pub(crate) async fn bring(
        &self,
        table: &RefCell<PartitionTable>,
        changes: impl Iterator<Item = (&[u8], Touch)> + Clone,
    ) -> Result<(), StoreError> {
        loop {
            let pages = table.borrow().pages_needed(changes.clone());
            if pages.is_empty() {
                return Ok(());
            }
            let read = async |page| Ok((page, self.pages.read_surely(page).await?));
            let read: Result<Vec<(Page, Leaf)>, StoreError> =
                try_join_all(pages.into_iter().map(read)).await;
            for (page, leaf) in read? {
                table.borrow_mut().install(page, &leaf);
            }
        }
    }

    /// Reads what a walk lacks.
    pub(crate) async fn fill_next(
        &self,
        gap: &Gap,
        fetched: &mut Fetched,
    ) -> Result<(), StoreError> {
        fetched.clear();
        for &page in &gap.pages {
            fetched.add(page, self.pages.read_surely(page).await?);
        }
        Ok(())
    }
}
