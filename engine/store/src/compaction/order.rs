//! Order: what is rewritten only so that scans find neighbours together. Not for space: see `victims`.
//!
//! Scans pay for it: each read that order would have saved them earns the rewriting of so many bytes as
//! cost the disk about the same. So a store that is never scanned is never put in order, and the work can
//! at most double what disorder costs.
//!
//! Segments in the order of arrival come first, a round of them at a time: each round becomes one
//! sorted stretch. Then key ranges, each in one round, which find one piece in every such stretch.

use std::ops::{Bound, ControlFlow};

use bytes::Bytes;
use flywheel_disk::World;

use super::pace::Pace;
use super::{Round, Source};
use crate::cold::READ_AHEAD_PAGES;
use crate::core::{Core, Health};
use crate::index::{Direction, Fetched, Gap, Location};
use crate::limits::{MAX_COMPACTION_ROUND_BYTES, MAX_ORDER_ROUND_ENTRIES};
use crate::scan::coalesce;
use crate::segments::Segment;
use crate::space::Need;

/// Entries of the index that are looked at in one slice.
const SLICE_ENTRIES: usize = 1024;

/// About what a scan asks for: so many bytes of neighbours should stand together, or half a segment.
const WINDOW_BYTES: u64 = 64 << 10;

/// Reads for one window beyond which a range is worth a round: a window may end one segment and begin
/// another.
const READS_PER_WINDOW: usize = 2;

/// Bytes that are read and written anew in about the time of one random read: at 70 K random reads a
/// second and some 0.9 GB/s each way.
const BYTES_PER_READ: u64 = 8 << 10;

/// The work that brings scans what they pay for.
#[derive(Default)]
pub(super) struct Order {
    /// The key from which the next range begins.
    from: Bytes,
}

/// A key range as the index has it, and how scattered it is.
#[derive(Default)]
struct Range {
    entries: Vec<(Bytes, Location)>,
    bytes: u64,
    windows: usize,
    reads: usize,
    /// Where the window begins that is not full yet, and its bytes.
    window: (usize, u64),
}

impl Order {
    /// What is to be put in order next, if scans have paid for a round and there is room for it.
    pub(super) async fn choose<W: World>(&mut self, core: &Core<W>) -> Option<Round> {
        let live_bytes = core.segments.borrow().live_bytes();
        let round_bytes = MAX_COMPACTION_ROUND_BYTES.min(live_bytes);
        let may_begin = || {
            matches!(*core.health.borrow(), Health::Running)
                && core.has_space_for(round_bytes)
                && !core.is_closing()
        };
        if round_bytes == 0 || core.order_credit_bytes.get() < round_bytes || !may_begin() {
            return None;
        }
        let source = match unordered(core, round_bytes) {
            Some(victims) => Source::Victims(victims),
            None => Source::Range(self.next_range(core, round_bytes).await?),
        };
        core.spend_order_credit(round_bytes);
        core.counters.order_rounds.add(1);
        Some(Round { source, need: Need::Runs, is_atomic: false, pace: Pace::of_order(core) })
    }

    /// The next range that is scattered. If none is, scans pay for something else: their credit is gone.
    async fn next_range<W: World>(
        &mut self,
        core: &Core<W>,
        round_bytes: u64,
    ) -> Option<Vec<(Bytes, Location)>> {
        let mut seen_bytes = 0;
        while seen_bytes < core.segments.borrow().live_bytes() {
            let range = self.take_range(core, round_bytes).await;
            if range.entries.is_empty() || core.is_closing() {
                break;
            }
            if range.reads > READS_PER_WINDOW * range.windows {
                return Some(range.entries);
            }
            seen_bytes += range.bytes;
        }
        core.spend_order_credit(u64::MAX);
        None
    }

    /// The range from where the last one ended, and round again.
    async fn take_range<W: World>(&mut self, core: &Core<W>, round_bytes: u64) -> Range {
        let mut range = Range::default();
        let mut fetched = Fetched::ahead(READ_AHEAD_PAGES);
        loop {
            let ended = match range.extend(core, &mut self.from, round_bytes, &fetched) {
                Ok(ended) => ended,
                // What cannot be read ends the range; whoever needs it gets the error.
                Err(gap) => {
                    match gap.resume.clone() {
                        Some(Bound::Excluded(mut shown)) => {
                            // The very next key there is.
                            shown.push(0);
                            self.from = shown.into();
                        }
                        Some(Bound::Included(next)) => self.from = next.into(),
                        Some(Bound::Unbounded) | None => {}
                    }
                    let is_unreadable = core.fill_next(&gap, &mut fetched).await.is_err();
                    if is_unreadable {
                        core.counters.compaction_faults.add(1);
                        self.from = Bytes::new();
                    }
                    is_unreadable
                }
            };
            core.world.yield_if_needed().await;
            if ended {
                range.end_window();
                return range;
            }
        }
    }
}

impl Range {
    /// Takes in one slice of entries from `from` on; whether the range is complete.
    fn extend<W: World>(
        &mut self,
        core: &Core<W>,
        from: &mut Bytes,
        round_bytes: u64,
        fetched: &Fetched,
    ) -> Result<bool, Gap> {
        let window_bytes = WINDOW_BYTES.min(u64::from(core.options.segment_bytes) / 2);
        let table = core.table.borrow();
        let (mut count, mut next) = (0, None);
        let start = Bound::Included(&**from);
        table.visit(
            start,
            Bound::Unbounded,
            Direction::Forward,
            fetched,
            &mut |key, location| {
                let is_full =
                    self.bytes >= round_bytes || self.entries.len() == MAX_ORDER_ROUND_ENTRIES;
                if count == SLICE_ENTRIES || is_full {
                    next = Some((Bytes::copy_from_slice(key), is_full));
                    return ControlFlow::Break(());
                }
                count += 1;
                self.push(Bytes::copy_from_slice(key), location, window_bytes);
                ControlFlow::Continue(())
            },
        )?;
        let (key, ended) = next.unwrap_or((Bytes::new(), true));
        *from = key;
        Ok(ended)
    }

    fn push(&mut self, key: Bytes, location: Location, window_bytes: u64) {
        self.entries.push((key, location));
        self.bytes += u64::from(location.len_bytes());
        self.window.1 += u64::from(location.len_bytes());
        if self.window.1 >= window_bytes {
            self.end_window();
        }
    }

    fn end_window(&mut self) {
        let window = &self.entries[self.window.0..];
        if !window.is_empty() {
            self.windows += 1;
            self.reads += coalesce(window, (0..window.len()).collect()).len();
        }
        self.window = (self.entries.len(), 0);
    }
}

impl<W: World> Core<W> {
    /// Scans made so many reads that order would have saved them.
    pub(crate) fn earn_order_credit(&self, reads: u64) {
        let earned_bytes = reads.saturating_mul(BYTES_PER_READ);
        let credit_bytes = self.order_credit_bytes.get().saturating_add(earned_bytes);
        // More than everything cannot be put in order.
        let most_bytes = (2 * self.segments.borrow().live_bytes()).max(MAX_COMPACTION_ROUND_BYTES);
        self.order_credit_bytes.set(credit_bytes.min(most_bytes));
    }

    pub(crate) fn spend_order_credit(&self, bytes: u64) {
        self.order_credit_bytes.set(self.order_credit_bytes.get().saturating_sub(bytes));
    }
}

/// Sealed segments in the order of arrival, if there are enough for a round.
fn unordered<W: World>(core: &Core<W>, round_bytes: u64) -> Option<Vec<u16>> {
    let mut segments = core.segments.borrow_mut();
    let is_unordered =
        |slot: &Segment<W>| slot.may_be_emptied() && !slot.holds_runs && slot.live_bytes > 0;
    let most = round_bytes.div_ceil(u64::from(segments.segment_bytes)) as usize;
    let found = (0u16..).zip(&segments.all).filter(|(_, slot)| is_unordered(slot));
    let victims: Vec<u16> = found.map(|(segment, _)| segment).take(most).collect();
    if victims.len() < most {
        return None;
    }
    segments.begin_compaction(&victims);
    Some(victims)
}
