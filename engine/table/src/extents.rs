//! How much a table and its indexes hold, as descriptions tell it. Tables and global indexes are partitions of
//! the storage, which knows; of what stands together it is told apart here: all of a small table is counted,
//! of a larger one the shares that its last sweep found (`upkeep`) are taken for those of now.

use std::ops::Bound;

use flywheel_item::key::prefix_successor;
use flywheel_shard::{Direction, ScanRequest};

use crate::catalog::record::{ShareRecord, SweepRecord};
use crate::keys;
use crate::limits::{MAX_COUNTED_BYTES, MAX_COUNTED_KEYS, MAX_PAGE_BYTES, MAX_STRETCH_ITEMS};
use crate::storage::{Extent, Storage, StorageError};
use crate::table::Table;
use crate::tables::Tables;

/// How much a table and its indexes hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Extents {
    pub table: Extent,
    /// In the order of the table's record.
    pub locals: Vec<Extent>,
    pub globals: Vec<Extent>,
}

impl<S: Storage> Tables<S> {
    /// How much a table and its indexes hold, about.
    pub(crate) async fn extents(&self, table: &Table) -> Result<Extents, StorageError> {
        let measure = |prefix: &[u8]| self.storage().measure(prefix.to_vec().into());
        let whole = measure(table.prefix()).await?;
        let mut extents = Extents { table: whole, ..Extents::default() };
        for index in &table.globals {
            extents.globals.push(measure(index.prefix()).await?);
        }
        if table.locals.is_empty() {
            return Ok(extents);
        }
        let swept = table.record.sweep.as_ref();
        let shares = match swept.filter(|swept| swept.total().keys > MAX_COUNTED_KEYS as u64) {
            Some(swept) if whole.items > MAX_COUNTED_KEYS as u64 => swept.clone(),
            _ => self.count(table).await?,
        };
        extents.table = shares.scaled(shares.items, whole);
        extents.locals = shares.locals.iter().map(|share| shares.scaled(*share, whole)).collect();
        Ok(extents)
    }

    /// Counts a table's first keys.
    async fn count(&self, table: &Table) -> Result<SweepRecord, StorageError> {
        let end = prefix_successor(table.prefix());
        let mut request = ScanRequest {
            start: Bound::Included(table.prefix().to_vec().into()),
            end: end.map_or(Bound::Unbounded, |end| Bound::Excluded(end.into())),
            direction: Direction::Forward,
            max_items: MAX_STRETCH_ITEMS,
            max_bytes: MAX_PAGE_BYTES,
        };
        let mut counted = SweepRecord::of(table, 0);
        loop {
            let page = self.storage().scan(request.clone()).await?;
            for (key, versioned) in &page.items {
                counted.add(key, versioned.value.len());
            }
            let total = counted.total();
            let is_enough =
                total.keys >= MAX_COUNTED_KEYS as u64 || total.bytes >= MAX_COUNTED_BYTES as u64;
            match page.items.last() {
                Some((last, _)) if page.more && !is_enough => {
                    request.start = Bound::Excluded(last.clone());
                }
                _ => return Ok(counted),
            }
        }
    }
}

impl SweepRecord {
    /// A sweep of a table in which nothing has been seen yet.
    pub fn of(table: &Table, began_ms: u64) -> Self {
        let locals = vec![ShareRecord::default(); table.locals.len()];
        Self { began_ms, items: ShareRecord::default(), locals }
    }

    /// Counts a key of the table and its value.
    pub fn add(&mut self, key: &[u8], value_bytes: usize) {
        let tag = key.get(keys::kept_together_bytes(key)).copied().unwrap_or_default();
        let local = usize::from(tag).checked_sub(1).filter(|_| !self.locals.is_empty());
        let share = match local {
            None => Some(&mut self.items),
            Some(place) => self.locals.get_mut(place),
        };
        if let Some(share) = share {
            share.keys += 1;
            share.bytes += (key.len() + value_bytes) as u64;
        }
    }

    /// All that was seen.
    pub fn total(&self) -> ShareRecord {
        self.locals.iter().fold(self.items, |total, share| ShareRecord {
            keys: total.keys + share.keys,
            bytes: total.bytes + share.bytes,
        })
    }

    /// What `share` comes to in `whole`.
    fn scaled(&self, share: ShareRecord, whole: Extent) -> Extent {
        let total = self.total();
        let scaled = |part: u64, of: u64, whole: u64| {
            let scaled = u128::from(whole) * u128::from(part) / u128::from(of.max(1));
            u64::try_from(scaled).unwrap_or(u64::MAX)
        };
        Extent {
            items: scaled(share.keys, total.keys, whole.items),
            size_bytes: scaled(share.bytes, total.bytes, whole.size_bytes),
        }
    }
}
