//! Forgetting dropped partitions: their records are taken off the segments' accounts, a slice at a time, so
//! that their space comes back. Not dropping itself, which the log does at once.

use std::ops::{Bound, ControlFlow};
use std::rc::Rc;

use flywheel_disk::World;

use crate::cold::READ_AHEAD_PAGES;
use crate::core::Core;
use crate::error::StoreError;
use crate::index::{Direction, Fetched, Gap, Tree};

/// Entries that are forgotten in one slice.
const FORGET_SLICE: usize = 2048;

/// Runs until the store is closing.
pub(crate) async fn run<W: World>(core: Rc<Core<W>>) {
    while !core.is_closing() && !core.is_stopped() {
        let wanted = core.upkeep_wanted.wait();
        loop {
            // Kept while it is forgotten: its pages stay readable.
            let Some((index, _pin)) = core.dropped.borrow_mut().pop() else { break };
            core.is_forgetting.set(true);
            let forgotten = forget(&core, &index).await;
            core.is_forgetting.set(false);
            match forgotten {
                Ok(()) | Err(StoreError::Closed) => {}
                // Its space comes back when the store is opened next.
                Err(_) => core.counters.index_faults.add(1),
            }
            core.maintenance_wanted.notify();
        }
        wanted.await;
    }
}

async fn forget<W: World>(core: &Core<W>, index: &Tree) -> Result<(), StoreError> {
    let mut from = Bound::Unbounded;
    let mut fetched = Fetched::ahead(READ_AHEAD_PAGES);
    loop {
        let (visited, next) = forget_slice(core, index, &from, &fetched);
        match (visited, next) {
            (Err(gap), _) => {
                core.fill_next(&gap, &mut fetched).await?;
                from = gap.resume(from);
            }
            (Ok(()), Some(next)) => from = Bound::Included(next),
            (Ok(()), None) => return Ok(()),
        }
        core.world.yield_if_needed().await;
        if core.is_closing() {
            return Err(StoreError::Closed);
        }
    }
}

/// Forgets one slice; where the next begins.
fn forget_slice<W: World>(
    core: &Core<W>,
    index: &Tree,
    from: &Bound<Vec<u8>>,
    fetched: &Fetched,
) -> (Result<(), Gap>, Option<Vec<u8>>) {
    let mut segments = core.segments.borrow_mut();
    let (mut count, mut next) = (0, None);
    let start = from.as_ref().map(Vec::as_slice);
    let mut each = |key: &[u8], location| {
        if count == FORGET_SLICE {
            next = Some(key.to_vec());
            return ControlFlow::Break(());
        }
        count += 1;
        segments.debit(location);
        ControlFlow::Continue(())
    };
    (index.visit(start, Bound::Unbounded, Direction::Forward, fetched, &mut each), next)
}
