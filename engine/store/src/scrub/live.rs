//! From the index to the places of live records, and from damaged places back to their keys. Walks over
//! the index in slices; what it says of a moment ago is checked against what it says now.

use std::collections::HashMap;
use std::ops::{Bound, ControlFlow};

use flywheel_disk::World;

use super::finding::Concern;
use super::pass::Pass;
use crate::cold::READ_AHEAD_PAGES;
use crate::core::Core;
use crate::error::StoreError;
use crate::index::{Direction, Fetched, Location};
use crate::limits::{MAX_SCRUB_ENTRIES, MAX_SCRUB_UNNAMED};
use crate::sorting::sort_in_slices;

/// Entries of the index that one slice visits.
const INDEX_SLICE: usize = 2048;

/// Where a live record stands, and a checksum of its key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) location: Location,
    pub(super) key_sum: u32,
}

impl Entry {
    pub(super) fn segment(&self) -> u16 {
        self.location.segment()
    }
}

/// The live records of some segments.
pub(super) struct Entries {
    /// The segments, ascending, each with the life it lived before and while the index was walked, if
    /// it still does.
    pub(super) segments: Vec<(u16, u64)>,
    /// Their live records' places, ascending.
    pub(super) places: Vec<Entry>,
}

/// A damaged record that was live when the index was walked.
#[derive(Debug)]
pub(super) struct Unnamed {
    pub(super) location: Location,
    /// Of its segment.
    pub(super) life: u64,
    pub(super) what: String,
}

/// The checksum of a key, as entries carry it.
pub(super) fn key_sum(key: &[u8]) -> u32 {
    crc32fast::hash(key)
}

/// Takes the places of all live records of a group of segments, ascending, from the index. Segments for
/// which there is no room come back.
pub(super) async fn collect<W: World>(
    core: &Core<W>,
    mut group: Vec<u16>,
) -> Result<(Entries, Vec<u16>), StoreError> {
    let mut wanted = vec![false; usize::from(u16::MAX) + 1];
    group.iter().for_each(|&segment| wanted[usize::from(segment)] = true);
    // Taken first: a place of an earlier life must not be looked for in a later one.
    let life = |segment: u16| core.segments.borrow().get(segment).life;
    let lives: Vec<u64> = group.iter().map(|&segment| life(segment)).collect();
    let mut left = Vec::new();
    let mut places: Vec<Entry> = Vec::new();
    visit_all(core, |key, location| {
        if !wanted[usize::from(location.segment())] {
            return;
        }
        places.push(Entry { location, key_sum: key_sum(key) });
        if places.len() > MAX_SCRUB_ENTRIES
            && group.len() > 1
            && let Some(last) = group.pop()
        {
            wanted[usize::from(last)] = false;
            places.retain(|entry| entry.segment() != last);
            left.push(last);
        }
    })
    .await?;
    let place = |entry: &Entry| (entry.segment(), entry.location.offset_bytes());
    let places = sort_in_slices(&core.world, places, |a, b| place(a).cmp(&place(b))).await;
    left.reverse();
    Ok((Entries { segments: group.into_iter().zip(lives).collect(), places }, left))
}

/// Visits the whole index, in slices.
async fn visit_all<W: World>(
    core: &Core<W>,
    mut each: impl FnMut(&[u8], Location),
) -> Result<(), StoreError> {
    let mut from = Bound::Unbounded;
    let mut fetched = Fetched::ahead(READ_AHEAD_PAGES);
    loop {
        let mut count = 0;
        let mut reached = None;
        let start = from.as_ref().map(|key: &Vec<u8>| key.as_slice());
        let mut one = |key: &[u8], location: Location| {
            each(key, location);
            count += 1;
            if count < INDEX_SLICE {
                return ControlFlow::Continue(());
            }
            reached = Some(key.to_vec());
            ControlFlow::Break(())
        };
        let (end, forward) = (Bound::Unbounded, Direction::Forward);
        let visited = core.table.borrow().visit(start, end, forward, &fetched, &mut one);
        match (visited, reached) {
            (Err(gap), _) => {
                core.fill_next(&gap, &mut fetched).await?;
                from = gap.resume(from);
            }
            (Ok(()), Some(key)) => from = Bound::Excluded(key),
            (Ok(()), None) => return Ok(()),
        }
        core.world.yield_if_needed().await;
        if core.is_closing() {
            return Err(StoreError::Closed);
        }
    }
}

impl<W: World> Pass<'_, W> {
    /// Notes a damaged record.
    pub(super) async fn bad_record(&mut self, bad: Unnamed) -> Result<(), StoreError> {
        self.unnamed.push(bad);
        if self.unnamed.len() < MAX_SCRUB_UNNAMED {
            return Ok(());
        }
        self.name_unnamed().await
    }

    /// Finds the keys of damaged records. One that the index no longer points to is nobody's loss.
    pub(super) async fn name_unnamed(&mut self) -> Result<(), StoreError> {
        if self.unnamed.is_empty() {
            return Ok(());
        }
        let bad = std::mem::take(&mut self.unnamed);
        let bad: HashMap<Location, Unnamed> =
            bad.into_iter().map(|bad| (bad.location, bad)).collect();
        let mut named = Vec::new();
        let segments = &self.core.segments;
        visit_all(self.core, |key, location| {
            if let Some(bad) = bad.get(&location)
                && segments.borrow().get(location.segment()).life == bad.life
            {
                named.push((location, bytes::Bytes::copy_from_slice(key)));
            }
        })
        .await?;
        for (location, key) in named {
            let file = self.segment_file(location.segment());
            let what = bad[&location].what.clone();
            self.found(file, location.offset_bytes().into(), what, Concern::Record { key });
        }
        Ok(())
    }
}
