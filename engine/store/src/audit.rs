//! Invariants of a running store, read off its tables: for simulators and tests, between any two steps.
//! Changes nothing and waits for nothing. Not the medium: that is for those who read it.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use flywheel_disk::World;

use crate::core::Core;
use crate::format::segment::CONTENT_AT;
use crate::index::{Location, Tree};
use crate::limits::{MAX_BATCH_BYTES, MAX_PENDING_WRITE_BYTES};
use crate::segments::{SegmentState, Segments};

/// How much an audit looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audit {
    /// Lists and sums: a few dozen comparisons.
    Quick,
    /// Every entry of the index that is in memory, too.
    Thorough,
}

impl<W: World> Core<W> {
    /// # Errors
    /// The invariant that does not hold, with what was found.
    pub(crate) fn audit(&self, audit: Audit) -> Result<(), String> {
        let pending_bytes = self.log.borrow().pending_bytes;
        let most_pending_bytes = MAX_PENDING_WRITE_BYTES + MAX_BATCH_BYTES;
        if pending_bytes > most_pending_bytes {
            return Err(format!("{pending_bytes} bytes wait, above {most_pending_bytes}"));
        }
        let segments = self.segments.borrow();
        segments.audit()?;
        if audit == Audit::Quick {
            return Ok(());
        }
        let mut live_bytes = vec![0; segments.all.len()];
        let table = self.table.borrow();
        for partition in table.iter() {
            add_live(&segments, &partition.index, &mut live_bytes)?;
        }
        for (index, _) in &*self.dropped.borrow() {
            add_live(&segments, index, &mut live_bytes)?;
        }
        for (segment, (slot, live_bytes)) in segments.all.iter().zip(live_bytes).enumerate() {
            // A dropped partition that is being forgotten is still on the account, in part.
            if live_bytes > slot.live_bytes {
                return Err(format!(
                    "the index points to {live_bytes} bytes of segment {segment}, its account says {}",
                    slot.live_bytes
                ));
            }
        }
        Ok(())
    }
}

fn add_live<W: World>(
    segments: &Segments<W>,
    index: &Tree,
    live_bytes: &mut [u64],
) -> Result<(), String> {
    let mut found = Ok(());
    let mut add = |key: &[u8], location: Location| match check_location(segments, location) {
        Ok(()) => {
            live_bytes[usize::from(location.segment())] += u64::from(location.len_bytes());
            ControlFlow::Continue(())
        }
        Err(problem) => {
            found = Err(format!("{problem}, for key {:?}", String::from_utf8_lossy(key)));
            ControlFlow::Break(())
        }
    };
    index.visit_warm(&mut add);
    found
}

fn check_location<W: World>(segments: &Segments<W>, location: Location) -> Result<(), String> {
    let segment = location.segment();
    let Some(slot) = segments.all.get(usize::from(segment)) else {
        return Err(format!("the index points into segment {segment}, which does not exist"));
    };
    if !matches!(slot.state, SegmentState::Open | SegmentState::Sealed) {
        return Err(format!("the index points into segment {segment}, which is {:?}", slot.state));
    }
    let (from, length) = (location.offset_bytes(), location.len_bytes());
    if from < CONTENT_AT || from >= segments.segment_bytes {
        return Err(format!("the index points to byte {from} (+{length}) of segment {segment}"));
    }
    Ok(())
}

impl<W: World> Segments<W> {
    /// The accounts agree with each other.
    fn audit(&self) -> Result<(), String> {
        let listed =
            [(SegmentState::Free, self.free_list()), (SegmentState::Ready, self.ready_list())];
        let mut seen = BTreeSet::new();
        for (state, list) in listed {
            for &segment in list {
                let slot = self.get(segment);
                if slot.state != state || slot.live_bytes > 0 || slot.unsettled > 0 {
                    return Err(format!(
                        "segment {segment} is listed as {state:?}, and is {:?} with {} live bytes \
                         and {} batches on their way",
                        slot.state, slot.live_bytes, slot.unsettled
                    ));
                }
                if !seen.insert(segment) {
                    return Err(format!("segment {segment} is listed twice as free or ready"));
                }
            }
        }
        let live_bytes: u64 = self.all.iter().map(|slot| slot.live_bytes).sum();
        if live_bytes != self.live_bytes() {
            return Err(format!(
                "{live_bytes} live bytes in all, the sum kept says {}",
                self.live_bytes()
            ));
        }
        Ok(())
    }
}
