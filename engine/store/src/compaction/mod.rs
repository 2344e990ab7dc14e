//! Compaction: takes live records out of their segments and writes them anew in key order, so that
//! space comes back and scans find neighbours together. Not on any request's path.
//!
//! A round rescues live records, sorts them, and writes them as runs. Each run is made durable first;
//! only then does a relocation in the log say that the index points to it, for those records that
//! nobody overwrote meanwhile. Segments that are empty then are freed by the next sweep.
//!
//! Work is paced by debt: for each byte logged, as many bytes of victims are worked off as keep the
//! dead share where it is; writers wait only if files would grow past twice the live data.
//!
//! On a full disk a round is begun only if it surely gives back more segments than it takes, and it is
//! all or nothing: were half of it left behind by a crash, the space that it took would be lost to the
//! rounds after it.
//!
//! - `victims`: segments that are rewritten for their dead space.
//! - `order`: segments and key ranges that are rewritten for the scans.
//! - `rescue`: live records, read from where they stand.
//! - `output`: runs, and the relocations that make them count.
//! - `pace`: how fast.

mod order;
mod output;
mod pace;
mod rescue;
mod victims;

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use flywheel_disk::World;

use crate::core::Core;
use crate::error::StoreError;
use crate::index::Location;
use crate::maintenance;
use crate::sorting::sort_by_bytes;
use crate::space::Need;

use self::order::Order;
use self::output::{Output, abandon, relocate, runs};
use self::pace::Pace;

/// How often the loop looks for work when nobody calls it.
const IDLE_LOOK: Duration = Duration::from_millis(200);

/// How long the loop, or a slice of its work, waits at a time.
const PACE_SLEEP: Duration = Duration::from_millis(1);

/// Runs that share one sync.
const RUNS_PER_SYNC: usize = 8;

/// What one round writes anew, and what it may use for it.
struct Round {
    source: Source,
    need: Need,
    /// Nothing is relocated before everything is written.
    is_atomic: bool,
    pace: Pace,
}

/// Where a round finds its records.
enum Source {
    /// All that is live in these segments.
    Victims(Vec<u16>),
    /// What the index said of a key range.
    Range(Vec<(Bytes, Location)>),
}

/// Runs until the store is closing.
pub(crate) async fn run<W: World>(core: Rc<Core<W>>) {
    let (mut output, mut order) = (Output::default(), Order::default());
    while !core.is_closing() && !core.is_stopped() {
        let wanted = core.upkeep_wanted.wait();
        // What the index says stays readable while a round is at it.
        let pin = core.pins.pin();
        let chosen = match victims::choose(&core) {
            Some(chosen) => Some(chosen),
            None => order.choose(&core).await,
        };
        let Some(chosen) = chosen else {
            drop(pin);
            let idle = std::pin::pin!(core.world.sleep(IDLE_LOOK));
            let wanted = std::pin::pin!(wanted);
            futures_util::future::select(wanted, idle).await;
            continue;
        };
        let victims = match &chosen.source {
            Source::Victims(victims) => victims.clone(),
            Source::Range(_) => Vec::new(),
        };
        match round(&core, chosen, &mut output).await {
            Ok(()) => check_emptied(&core, &victims),
            Err(StoreError::Full(_) | StoreError::Closed) => {}
            Err(StoreError::Stopped(error)) => maintenance::stop(&core, error),
            // Unreadable victims stay as they are: their readers get the error with its place.
            Err(_) => core.counters.compaction_faults.add(1),
        }
        drop(pin);
        for victim in victims {
            core.segments.borrow_mut().get_mut(victim).being_compacted = false;
        }
        core.maintenance_wanted.notify();
        core.world.sleep(PACE_SLEEP).await;
    }
}

async fn round<W: World>(
    core: &Rc<Core<W>>,
    chosen: Round,
    output: &mut Output,
) -> Result<(), StoreError> {
    let Round { source, need, is_atomic, mut pace } = chosen;
    let rescued = match source {
        Source::Victims(victims) => rescue::of_segments(core, &victims, &mut pace).await?,
        Source::Range(entries) => rescue::of_entries(core, &entries, &mut pace).await?,
    };
    let rescued = sort_by_bytes(&core.world, rescued, |record| &*record.key).await;
    let mut written = Vec::new();
    for records in runs(rescued, core.options.max_run_bytes()) {
        let bytes = records.iter().map(|record| u64::from(record.from.len_bytes())).sum();
        match output.write_run(core, records, need).await {
            Ok(run) => written.push(run),
            // What is written already must not be left behind, neither pointed to nor freed.
            Err(error) if is_atomic => {
                abandon(core, &written);
                return Err(error);
            }
            Err(error) => {
                relocate(core, written).await?;
                return Err(error);
            }
        }
        pace.worked(core, bytes).await?;
        if written.len() >= RUNS_PER_SYNC && !is_atomic {
            relocate(core, std::mem::take(&mut written)).await?;
        }
    }
    relocate(core, written).await?;
    core.counters.compaction_rounds.add(1);
    Ok(())
}

/// A victim that still has live records holds ones that could not be read: it is left alone. Unless they are
/// on its account only until their partition is forgotten.
fn check_emptied<W: World>(core: &Core<W>, victims: &[u16]) {
    if core.is_forgetting.get() || !core.dropped.borrow().is_empty() {
        return;
    }
    let mut segments = core.segments.borrow_mut();
    for &victim in victims {
        let slot = segments.get_mut(victim);
        if slot.live_bytes > 0 {
            slot.unreadable = true;
            core.counters.compaction_faults.add(1);
        }
    }
}
