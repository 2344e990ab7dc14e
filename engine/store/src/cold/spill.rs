//! Spilling: keeps a table within its memory while it is recovered, before there is anybody to wait for it.
//! Not for a running store: see `bring` and `evict`.

use std::cell::RefCell;
use std::collections::HashSet;
use std::path::Path;

use flywheel_disk::World;
use futures_util::future::try_join_all;

use super::clean::clean_one;
use super::files::{PageFiles, remove_leftovers};
use crate::error::StoreError;
use crate::index::{Fetched, Gap, Page, Sweep, Tree};
use crate::options::StoreOptions;
use crate::partitions::PartitionTable;
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
    /// Nothing is spilled yet: what an earlier process spilled is removed.
    pub(crate) async fn begin(
        world: &W,
        directory: &Path,
        options: &StoreOptions,
    ) -> Result<Self, StoreError> {
        world.create_directory(directory).await?;
        remove_leftovers(world, directory).await?;
        let pages = PageFiles::new(world.clone(), directory, options.segment_bytes);
        Ok(Self {
            pages,
            budget_bytes: options.index_bytes,
            counters: Counters::default(),
            hand: Vec::new(),
        })
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
            if memory_bytes <= self.budget_bytes || turns > MOST_TURNS {
                return Ok(());
            }
            // Some more, so that not every batch has something to spill.
            let wanted_bytes = memory_bytes - self.budget_bytes + self.budget_bytes / 32;
            let table_leaf_bytes = table.borrow().leaf_memory_bytes();
            let mut sweep = Sweep { slots_left: usize::MAX, wanted_bytes, ..Sweep::default() };
            match &mut loading {
                Some(tree) if tree.leaf_memory_bytes() > table_leaf_bytes => {
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

    /// Brings what is cold of these keys.
    pub(crate) async fn bring(
        &self,
        table: &RefCell<PartitionTable>,
        keys: impl Iterator<Item = &[u8]>,
    ) -> Result<(), StoreError> {
        let pages: HashSet<Page> = {
            let table = table.borrow();
            keys.filter_map(|key| table.page_of(key)).collect()
        };
        let read = async |page| Ok::<_, StoreError>((page, self.pages.read(page).await?));
        for (page, leaf) in try_join_all(pages.into_iter().map(read)).await? {
            table.borrow_mut().install(page, &leaf);
        }
        Ok(())
    }

    /// Reads what a walk lacks.
    pub(crate) async fn fill_next(
        &self,
        gap: &Gap,
        fetched: &mut Fetched,
    ) -> Result<(), StoreError> {
        fetched.clear();
        for &page in &gap.pages {
            fetched.add(page, self.pages.read(page).await?);
        }
        Ok(())
    }
}
