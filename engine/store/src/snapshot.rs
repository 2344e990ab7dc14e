//! Snapshots: a store as it was at one moment, readable while writes go on. A list of immutable
//! segments and the index over them, not a copy: backup, restore and replication start from it.

use std::ops::{Bound, ControlFlow};
use std::rc::Rc;

use flywheel_disk::World;

use crate::cold::READ_AHEAD_PAGES;
use crate::core::Core;
use crate::error::StoreError;
use crate::format::place::Place;
use crate::index::{Direction, Fetched, Location};
use crate::partitions::PartitionTable;
use crate::pins::Pin;
use crate::types::{ScanPage, ScanRequest, Versioned};

/// A store at one moment. Holding it keeps what it shows on the disk; drop it soon.
pub struct Snapshot<W: World> {
    core: Rc<Core<W>>,
    table: PartitionTable,
    pin: Pin,
    /// Of the index, where it does not fit its memory.
    _pages_pin: Pin,
    number: u64,
}

impl<W: World> Snapshot<W> {
    pub(crate) fn take(core: &Rc<Core<W>>) -> Self {
        Self {
            core: core.clone(),
            table: core.table.borrow().clone(),
            pin: core.pins.pin(),
            _pages_pin: core.pages.pin(),
            number: core.settled.get().number,
        }
    }

    /// The last batch of the log that it shows.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The value that `key` had.
    ///
    /// # Errors
    /// Faults of the disk and corruption; [`StoreError::NotOwned`] if no partition held the key.
    pub async fn get(&self, key: &[u8]) -> Result<Option<Versioned>, StoreError> {
        let partition = self.table.find(key).ok_or(StoreError::NotOwned)?;
        let location = match partition.index.get(key) {
            Ok(location) => location,
            Err(page) => self.core.read_page(page).await?.get(key),
        };
        match location {
            // Its own pin may outlive this future's: the snapshot's stands for it.
            Some(location) => self.core.fetch(key, location, self.core.pins.pin()).await.map(Some),
            None => Ok(None),
        }
    }

    /// The items that a range held.
    ///
    /// # Errors
    /// Faults of the disk and corruption.
    pub async fn scan(&self, request: &ScanRequest) -> Result<ScanPage, StoreError> {
        self.core.scan_table(&self.table, request, &self.pin).await
    }

    /// The segments that hold what it shows: where each begins, in the order of their lives. Their
    /// bytes do not change while the snapshot is held.
    ///
    /// # Errors
    /// Faults of the disk, where the index does not fit its memory.
    pub async fn segments(&self) -> Result<Vec<Place>, StoreError> {
        let mut used = std::collections::BTreeSet::new();
        let mut start = Bound::Unbounded;
        let mut fetched = Fetched::ahead(READ_AHEAD_PAGES);
        let mut note = |_: &[u8], location: Location| {
            used.insert(location.segment());
            ControlFlow::Continue(())
        };
        loop {
            let from = start.as_ref().map(Vec::as_slice);
            let (end, forward) = (Bound::Unbounded, Direction::Forward);
            let Err(gap) = self.table.visit(from, end, forward, &fetched, &mut note) else { break };
            self.core.fill_next(&gap, &mut fetched).await?;
            start = gap.resume(start);
        }
        let segments = self.core.segments.borrow();
        let mut places: Vec<Place> =
            used.into_iter().map(|segment| segments.place(segment, 0)).collect();
        places.sort_by_key(|place| place.life);
        Ok(places)
    }
}
