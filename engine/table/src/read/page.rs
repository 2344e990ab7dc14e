//! A page of a query or a scan: reads items in the order of their keys until there are enough, looks at
//! each, and says where the next page begins. Not which keys: see `bounds`.

use std::ops::Bound;

use bytes::Bytes;
use flywheel_api::{ApiError, ItemOut};
use flywheel_capacity::units::read_units;
use flywheel_item::expression::{Condition, Projection};
use flywheel_item::key::prefix_successor;
use flywheel_item::{Item, codec};
use flywheel_shard::{Direction, ScanRequest};
use futures_util::future::try_join_all;

use super::bounds::Bounds;
use super::skip::{self, Next};
use crate::capacity::Units;
use crate::limits::{MAX_BATCH_IN_FLIGHT, MAX_FETCHED_TOGETHER, MAX_PAGE_BYTES, MAX_STRETCH_ITEMS};
use crate::storage::Storage;
use crate::stored;
use crate::table::{Source, Table};
use crate::tables::Tables;
use crate::throughput::permit::Spot;

/// What a page is to hold.
#[derive(Debug)]
pub(crate) struct PageRequest<'a> {
    pub table: &'a Table,
    pub source: Source<'a>,
    pub bounds: Bounds,
    /// Whether these are of one partition key.
    pub is_query: bool,
    pub is_forward: bool,
    /// Items that are looked at, at the most.
    pub limit: usize,
    pub filter: Option<Condition>,
    pub output: Output,
    /// Whether a local index is asked for attributes that it does not hold: they are the table's.
    pub fetches: bool,
    pub is_consistent: bool,
}

impl PageRequest<'_> {
    /// Where the page is counted among the partitions.
    fn spot(&self) -> Option<Spot> {
        match &self.bounds.start {
            Bound::Included(key) | Bound::Excluded(key) => Some(Spot::page(key, self.is_query)),
            Bound::Unbounded => None,
        }
    }
}

/// What of the items found is returned.
#[derive(Debug)]
pub(crate) enum Output {
    /// Only how many.
    Count,
    /// All that is there.
    All,
    Parts(Projection),
}

/// A page.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub items: Vec<ItemOut>,
    pub count: usize,
    /// Items that were looked at.
    pub scanned: usize,
    /// Where the next page begins, if there may be one.
    pub last_key: Option<Item>,
    pub units: Units,
}

/// A page while it is made.
struct Making<'a> {
    request: PageRequest<'a>,
    page: Page,
    /// Bytes of items that were looked at.
    evaluated_bytes: usize,
    /// The last of them.
    last: Option<Bytes>,
    /// Units of items that were fetched from the table.
    fetched_units: f64,
    fetched_bytes: usize,
    /// Bytes that stood between and are not the source's own.
    skipped_bytes: usize,
    /// Whether the last stretch had nothing of its own.
    is_sparse: bool,
    /// Where the page ends if nothing more is found within its bounds.
    end: Option<Item>,
}

impl<S: Storage> Tables<S> {
    /// Reads a page.
    pub(crate) async fn page(&self, request: PageRequest<'_>) -> Result<Page, ApiError> {
        let (table, source) = (request.table, request.source);
        let least = read_units(0, request.is_consistent);
        let permit = self.reserve_read(table, source, request.spot(), least)?;
        let mut bounds = request.bounds.clone();
        let is_forward = request.is_forward;
        let mut making = Making {
            request,
            page: Page::default(),
            evaluated_bytes: 0,
            last: None,
            fetched_units: 0.0,
            fetched_bytes: 0,
            skipped_bytes: 0,
            is_sparse: false,
            end: None,
        };
        while !bounds.are_empty() {
            let found = self.storage().scan(making.stretch(&bounds)).await?;
            let Some((last, value)) = found.items.last().cloned() else { break };
            bounds.behind(last.clone(), is_forward);
            let more = found.more;
            let is_full = making.take(self, found.items).await?;
            if is_full {
                making.end = making.key_of_last()?;
                break;
            }
            if !more {
                break;
            }
            if is_forward {
                making.skip(self, &mut bounds, &last, value.value).await?;
            }
        }
        making.page.last_key = making.end.take();
        let page = making.finish();
        permit.settle(page.units.total());
        Ok(page)
    }
}

impl Making<'_> {
    /// The next request to the storage: no more than may be missing.
    fn stretch(&self, bounds: &Bounds) -> ScanRequest {
        let left = self.request.limit - self.page.scanned;
        let left = match self.request.source {
            _ if self.is_sparse => MAX_STRETCH_ITEMS,
            // An item, and its entry in each index.
            Source::Table | Source::Local(_) => {
                left.saturating_mul(1 + self.request.table.locals.len())
            }
            Source::Global(_) => left,
        };
        let left = if self.request.fetches { MAX_FETCHED_TOGETHER } else { left };
        ScanRequest {
            start: bounds.start.clone(),
            end: bounds.end.clone(),
            direction: if self.request.is_forward {
                Direction::Forward
            } else {
                Direction::Backward
            },
            max_items: left.min(MAX_STRETCH_ITEMS),
            max_bytes: MAX_PAGE_BYTES,
        }
    }

    /// Looks at items; says whether the page is full.
    async fn take<S: Storage>(
        &mut self,
        tables: &Tables<S>,
        found: Vec<(Bytes, flywheel_shard::Versioned)>,
    ) -> Result<bool, ApiError> {
        let mut taken = Vec::with_capacity(found.len());
        let mut is_full = false;
        self.is_sparse = true;
        for (key, versioned) in found {
            if !self.request.source.holds(self.request.table, &key) {
                self.skipped_bytes += key.len() + versioned.value.len();
                continue;
            }
            self.is_sparse = false;
            let Some(value) = tables.visible(&key, versioned.value).await? else { continue };
            let size_bytes = stored::size_bytes(&value)?;
            if self.page.scanned > 0 && self.evaluated_bytes + size_bytes > MAX_PAGE_BYTES {
                is_full = true;
                break;
            }
            self.evaluated_bytes += size_bytes;
            self.page.scanned += 1;
            self.last = Some(value.clone());
            taken.push(value);
            if self.page.scanned == self.request.limit {
                is_full = true;
                break;
            }
        }
        if self.request.fetches {
            taken = self.fetch(tables, taken).await?;
            is_full |= self.fetched_bytes > MAX_PAGE_BYTES;
        }
        for bytes in taken {
            self.look(bytes)?;
        }
        Ok(is_full)
    }

    /// Goes past what is not the source's own, from the last key that was read. Once as much was skipped as a page
    /// may hold, the page ends with the entries of the same partition key.
    async fn skip<S: Storage>(
        &mut self,
        tables: &Tables<S>,
        bounds: &mut Bounds,
        last: &Bytes,
        value: Bytes,
    ) -> Result<(), ApiError> {
        let (table, source) = (self.request.table, self.request.source);
        let next = Next::of(source, table, last);
        if let Source::Local(index) = source
            && next != Next::Behind
            && self.skipped_bytes > MAX_PAGE_BYTES
            && self.end.is_none()
            // One that is not there names no partition key; it goes on a little.
            && let Some(item) = tables.visible(last, value).await?
        {
            self.end = Some(skip::behind_partition(table, index, &stored::decode(&item)?));
            bounds.end = Bound::Excluded(match &next {
                Next::Within(key) => prefix_successor(key).unwrap_or_default().into(),
                Next::Beyond(key) => key.clone(),
                Next::Behind => last.clone(),
            });
        }
        match next {
            Next::Behind => {}
            Next::Within(key) | Next::Beyond(key) => bounds.start = Bound::Included(key),
        }
        Ok(())
    }

    /// The table's items in place of an index's entries.
    async fn fetch<S: Storage>(
        &mut self,
        tables: &Tables<S>,
        entries: Vec<Bytes>,
    ) -> Result<Vec<Bytes>, ApiError> {
        let mut items = Vec::with_capacity(entries.len());
        for some in entries.chunks(MAX_BATCH_IN_FLIGHT) {
            let keys: Result<Vec<Bytes>, ApiError> = some
                .iter()
                .map(|entry| Ok(self.request.table.item_key(&stored::decode(entry)?)))
                .collect();
            let keys = keys?;
            let reads = keys.iter().map(|key| tables.stored(key));
            for found in try_join_all(reads).await? {
                // An item that went since its entry was read is as if it had gone before.
                let Some(found) = found else { continue };
                let size_bytes = stored::size_bytes(&found)?;
                self.fetched_bytes += size_bytes;
                self.fetched_units += read_units(size_bytes, self.request.is_consistent);
                items.push(found);
            }
        }
        Ok(items)
    }

    /// Takes an item into the page if the filter lets it pass.
    fn look(&mut self, bytes: Bytes) -> Result<(), ApiError> {
        let PageRequest { filter, output, .. } = &self.request;
        let parts = matches!(output, Output::Parts(_));
        let item = if filter.is_some() || parts { Some(stored::decode(&bytes)?) } else { None };
        if let (Some(filter), Some(item)) = (filter, &item)
            && !filter.holds(item)
        {
            return Ok(());
        }
        self.page.count += 1;
        match (output, item) {
            (Output::Count, _) => {}
            (Output::Parts(projection), Some(item)) => {
                self.page.items.push(projection.apply(&item).into());
            }
            (Output::All | Output::Parts(_), _) => self.page.items.push(bytes.into()),
        }
        Ok(())
    }

    /// The key attributes of the last item that was looked at.
    fn key_of_last(&self) -> Result<Option<Item>, ApiError> {
        let Some(last) = &self.last else { return Ok(None) };
        let stored = codec::read(last).map_err(|malformed| stored::unreadable(&malformed))?;
        let mut key = Item::new();
        for name in self.request.table.key_names(self.request.source) {
            let value = stored.get(name).map_err(|malformed| stored::unreadable(&malformed))?;
            if let Some(value) = value {
                let value = value.to_value().map_err(|malformed| stored::unreadable(&malformed))?;
                key.insert(name.to_owned(), value);
            }
        }
        Ok(Some(key))
    }

    fn finish(mut self) -> Page {
        let units = read_units(self.evaluated_bytes, self.request.is_consistent);
        match self.request.source {
            Source::Table => self.page.units.table = units,
            Source::Local(index) => {
                self.page.units.table = self.fetched_units;
                self.page.units.locals.insert(index.name.clone(), units);
            }
            Source::Global(index) => {
                self.page.units.globals.insert(index.name.clone(), units);
            }
        }
        self.page
    }
}
