//! Bringing pages: for requests, which have them installed, and for walks, which only look at them.
//!
//! A page is pinned from the moment the index names it until it is read. After any wait the index may say
//! something else: whoever brought a page looks again.

use std::collections::BTreeSet;

use flywheel_disk::World;
use futures_util::future::{join_all, try_join_all};

use crate::core::Core;
use crate::error::StoreError;
use crate::index::{Fetched, Gap, Leaf, Location, Page};

/// What was brought for one request or one batch. Some may be evicted again before all is there: it is kept
/// here until the request is done.
#[derive(Default)]
pub(crate) struct Brought(Vec<(Page, Leaf)>);

impl Brought {
    /// Has the index take in one page more, and again those before it.
    pub(crate) async fn bring<W: World>(
        &mut self,
        core: &Core<W>,
        page: Page,
    ) -> Result<(), StoreError> {
        if self.0.iter().all(|(other, _)| *other != page) {
            let _pin = core.pages.pin();
            if self.0.is_empty() {
                core.index_room().await;
            }
            self.0.push((page, core.read_page(page).await?));
        }
        self.install(core);
        Ok(())
    }

    /// Keeps what was read elsewhere.
    pub(crate) fn add(&mut self, read: impl IntoIterator<Item = (Page, Leaf)>) {
        self.0.extend(read);
    }

    /// Has the index take in all of it that it still wants.
    pub(crate) fn install<W: World>(&self, core: &Core<W>) {
        self.0.iter().for_each(|(page, leaf)| core.install(*page, leaf));
    }
}

impl<W: World> Core<W> {
    /// Where the record of `key` lies, its page brought if need be. For compaction: a page misread once must
    /// not cost it a victim, so it is read again.
    pub(crate) async fn locate(&self, key: &[u8]) -> Result<Option<Location>, StoreError> {
        loop {
            match self.index_of(key)? {
                Ok(location) => return Ok(location),
                Err(page) => {
                    let _pin = self.pages.pin();
                    self.index_room().await;
                    let leaf = self.read_page_surely(page).await?;
                    self.install(page, &leaf);
                }
            }
        }
    }

    /// What the index says of `key`, or the page that says it.
    pub(crate) fn index_of(
        &self,
        key: &[u8],
    ) -> Result<Result<Option<Location>, Page>, StoreError> {
        let table = self.table.borrow();
        Ok(table.find(key).ok_or(StoreError::NotOwned)?.index.get(key))
    }

    /// Brings what is cold of these keys, side by side. Best effort: others may be evicted meanwhile, and
    /// a page that cannot be read is met again by whoever needs it.
    pub(crate) async fn bring_keys<'k>(&self, keys: impl Iterator<Item = &'k [u8]>) {
        if !self.index.is_bounded() {
            return;
        }
        let pages: BTreeSet<Page> = {
            let table = self.table.borrow();
            keys.filter_map(|key| table.page_of(key)).collect()
        };
        if !pages.is_empty() {
            join_all(pages.into_iter().map(|page| self.bring(page))).await;
        }
    }

    /// Has the index take in what a page holds, if it still wants it.
    pub(crate) async fn bring(&self, page: Page) -> Result<(), StoreError> {
        let pin = self.pages.pin();
        self.index_room().await;
        let leaf = self.read_page(page).await?;
        drop(pin);
        self.install(page, &leaf);
        Ok(())
    }

    /// Reads a page, which the caller has pinned.
    pub(crate) async fn read_page(&self, page: Page) -> Result<Leaf, StoreError> {
        let pass = self.reads.enter().await;
        let leaf = self.pages.read(page).await?;
        drop(pass);
        self.counters.index_pages_read.add(1);
        Ok(leaf)
    }

    /// Reads a page without which the store or its upkeep cannot go on, several times if need be. Not in line
    /// with requests: all of them wait for the log.
    pub(crate) async fn read_page_surely(&self, page: Page) -> Result<Leaf, StoreError> {
        self.counters.index_pages_read.add(1);
        self.pages.read_surely(page).await
    }

    /// Takes in what a page holds, if the index still wants it.
    pub(crate) fn install(&self, page: Page, leaf: &Leaf) {
        self.table.borrow_mut().install(page, leaf);
        self.note_index_growth();
    }

    /// Reads what a walk lacks.
    pub(crate) async fn fill(&self, gap: &Gap, fetched: &mut Fetched) -> Result<(), StoreError> {
        let _pin = self.pages.pin();
        let leaves = try_join_all(gap.pages.iter().map(|&page| self.read_page(page))).await?;
        for (&page, leaf) in gap.pages.iter().zip(leaves) {
            fetched.add(page, leaf);
        }
        Ok(())
    }

    /// Reads what a walk in the background lacks, which does not come back to what it has passed.
    pub(crate) async fn fill_next(
        &self,
        gap: &Gap,
        fetched: &mut Fetched,
    ) -> Result<(), StoreError> {
        let _pin = self.pages.pin();
        fetched.clear();
        let reads = gap.pages.iter().map(|&page| self.read_page_surely(page));
        for (&page, leaf) in gap.pages.iter().zip(try_join_all(reads).await?) {
            fetched.add(page, leaf);
        }
        Ok(())
    }
}
