//! Scans: items of a key range in order, as they were at one moment. Not through the cache: a scan
//! would only wash it out; what is cached already is used.
//!
//! The index is walked first, in one go; then the records that are not cached are read in the order
//! in which they stand on the disk, neighbours with one read.

use std::ops::{Bound, ControlFlow, Range};

use bytes::Bytes;
use flywheel_disk::{DiskError, File, World};
use futures_util::future::try_join_all;

use crate::cold::READ_AHEAD_PAGES;
use crate::core::Core;
use crate::error::StoreError;
use crate::format::round_up;
use crate::index::{Fetched, Gap, Location};
use crate::limits::{MAX_RUN_READ_BYTES, MAX_SCAN_GAP_BYTES};
use crate::partitions::PartitionTable;
use crate::pins::Pin;
use crate::types::{ScanPage, ScanRequest, Versioned};

/// Items that a leaf of the index holds, more or less.
const TYPICAL_LEAF_ITEMS: usize = 40;

/// What the index says of a range: keys and places in the asked order.
struct Listing {
    entries: Vec<(Bytes, Location)>,
    more: bool,
}

/// Records that one read brings: a stretch of one segment.
pub(crate) struct Stretch {
    pub(crate) segment: u16,
    bytes: Range<u32>,
    /// Positions in the listing.
    pub(crate) entries: Vec<usize>,
}

impl<W: World> Core<W> {
    /// Scans what is live now.
    pub(crate) async fn scan(&self, request: &ScanRequest) -> Result<ScanPage, StoreError> {
        let mut fetched = Fetched::ahead(pages_of(request));
        let (listing, cached, pin) = loop {
            let gap = {
                let table = self.table.borrow();
                match list(&table, request, &fetched) {
                    Ok(listing) => {
                        let cached = self.look_up_cached(&table, &listing);
                        break (listing, cached, self.pins.pin());
                    }
                    Err(gap) => gap,
                }
            };
            // Listed anew from the beginning: what a scan shows is of one moment.
            let _pin = self.pages.pin();
            self.index_room().await;
            self.fill(&gap, &mut fetched).await?;
            for &page in &gap.pages {
                fetched.leaf(page).into_iter().for_each(|leaf| self.install(page, leaf));
            }
        };
        self.read_listing(listing, cached, &pin).await
    }

    /// Scans a snapshot, which `pin` keeps readable.
    pub(crate) async fn scan_table(
        &self,
        table: &PartitionTable,
        request: &ScanRequest,
        pin: &Pin,
    ) -> Result<ScanPage, StoreError> {
        let mut fetched = Fetched::ahead(pages_of(request));
        let listing = loop {
            match list(table, request, &fetched) {
                Ok(listing) => break listing,
                Err(gap) => self.fill(&gap, &mut fetched).await?,
            }
        };
        let uncached = vec![None; listing.entries.len()];
        self.read_listing(listing, uncached, pin).await
    }

    fn look_up_cached(&self, table: &PartitionTable, listing: &Listing) -> Vec<Option<Versioned>> {
        let cache = self.cache.borrow();
        let mut partition = None;
        let look_up = |(key, _): &(Bytes, Location)| {
            if !partition.is_some_and(|p: &crate::partitions::Partition| p.spec.contains(key)) {
                partition = table.find(key);
            }
            cache.get(partition?.cache_tag, key).cloned()
        };
        listing.entries.iter().map(look_up).collect()
    }

    /// Brings the records of a listing. `_pin` was taken when the listing was made, and keeps its
    /// places readable until all is read.
    async fn read_listing(
        &self,
        listing: Listing,
        mut found: Vec<Option<Versioned>>,
        _pin: &Pin,
    ) -> Result<ScanPage, StoreError> {
        let missing = (0..found.len()).filter(|&position| found[position].is_none());
        let stretches = coalesce(&listing.entries, missing.collect());
        self.charge_for_disorder(&stretches);
        let reads = stretches.iter().map(|stretch| self.scan_stretch(stretch, &listing.entries));
        for (stretch, records) in stretches.iter().zip(try_join_all(reads).await?) {
            for (&position, record) in stretch.entries.iter().zip(records) {
                found[position] = Some(record);
            }
        }
        self.counters.scans.add(1);
        self.counters.scanned_items.add(found.len() as u64);
        let keys = listing.entries.into_iter().map(|(key, _)| key);
        let records = found.into_iter().map(|record| record.expect("cached or read above"));
        Ok(ScanPage { items: keys.zip(records).collect(), more: listing.more })
    }

    /// Reads beyond those that the same records would take side by side.
    fn charge_for_disorder(&self, stretches: &[Stretch]) {
        let bytes: usize = stretches.iter().map(|stretch| stretch.bytes.len()).sum();
        let needed = 1 + bytes / MAX_RUN_READ_BYTES;
        self.earn_order_credit(stretches.len().saturating_sub(needed) as u64);
    }

    async fn scan_stretch(
        &self,
        stretch: &Stretch,
        entries: &[(Bytes, Location)],
    ) -> Result<Vec<Versioned>, StoreError> {
        let place = self.segments.borrow().place(stretch.segment, 0);
        let pass = self.reads.enter().await;
        let (from, block) = self.read_stretch(stretch).await?;
        drop(pass);
        self.counters.scan_ios.add(1);
        self.counters.scan_bytes.add(block.len() as u64);
        let decode = |&position: &usize| {
            let (key, location) = &entries[position];
            let at = location.offset_bytes();
            self.decode(key, place.at(at), &block[at as usize - from..])
        };
        stretch.entries.iter().map(decode).collect()
    }

    /// A stretch's bytes, and the offset at which they begin.
    pub(crate) async fn read_stretch(
        &self,
        stretch: &Stretch,
    ) -> Result<(usize, <W::File as File>::Block), DiskError> {
        let file = self.segments.borrow().get(stretch.segment).file.clone();
        let alignment = file.read_alignment_bytes();
        let from = stretch.bytes.start as usize & !(alignment - 1);
        let to = round_up(stretch.bytes.end as usize, alignment).min(file.size_bytes() as usize);
        Ok((from, file.read(from as u64, to - from).await?))
    }
}

/// Pages of the index that a scan may need, if none is in memory.
fn pages_of(request: &ScanRequest) -> usize {
    (1 + request.max_items / TYPICAL_LEAF_ITEMS).min(READ_AHEAD_PAGES)
}

fn list(table: &PartitionTable, request: &ScanRequest, fetched: &Fetched) -> Result<Listing, Gap> {
    let mut entries = Vec::with_capacity(request.max_items.min(128));
    let mut bytes = 0;
    let mut more = false;
    let (start, end) = (as_slice(&request.start), as_slice(&request.end));
    table.visit(start, end, request.direction, fetched, &mut |key, location| {
        if entries.len() >= request.max_items || bytes >= request.max_bytes {
            more = true;
            return ControlFlow::Break(());
        }
        bytes += location.len_bytes() as usize;
        entries.push((Bytes::copy_from_slice(key), location));
        ControlFlow::Continue(())
    })?;
    Ok(Listing { entries, more })
}

fn as_slice(bound: &Bound<Bytes>) -> Bound<&[u8]> {
    bound.as_ref().map(|key| &**key)
}

/// Joins neighbours on the disk into stretches: small gaps are read over, large stretches cut.
pub(crate) fn coalesce(entries: &[(Bytes, Location)], mut positions: Vec<usize>) -> Vec<Stretch> {
    let place = |position: usize| {
        let location = entries[position].1;
        (location.segment(), location.offset_bytes())
    };
    positions.sort_unstable_by_key(|&position| place(position));
    let mut stretches: Vec<Stretch> = Vec::new();
    for position in positions {
        let (segment, start) = place(position);
        let end = start + entries[position].1.len_bytes();
        match stretches.last_mut() {
            Some(last)
                if last.segment == segment
                    && start <= last.bytes.end + MAX_SCAN_GAP_BYTES
                    && (end - last.bytes.start) as usize <= MAX_RUN_READ_BYTES =>
            {
                last.bytes.end = last.bytes.end.max(end);
                last.entries.push(position);
            }
            _ => stretches.push(Stretch { segment, bytes: start..end, entries: vec![position] }),
        }
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_join_and_strangers_do_not() {
        let at = |segment, offset| (Bytes::new(), Location::new(segment, offset, 1024));
        let entries = vec![at(1, 4096), at(2, 4096), at(1, 5120), at(1, 1 << 20)];
        let stretches = coalesce(&entries, vec![0, 1, 2, 3]);
        let shape: Vec<_> =
            stretches.iter().map(|s| (s.segment, s.bytes.start, s.entries.clone())).collect();
        assert_eq!(shape, vec![(1, 4096, vec![0, 2]), (1, 1 << 20, vec![3]), (2, 4096, vec![1])]);
        assert_eq!(stretches[0].bytes.end, 6144);
    }
}
