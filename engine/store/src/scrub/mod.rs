//! Scrub: reads again what stands on the medium and checks it, so that rot is found while other copies
//! still exist. Not on any request's path, and not through the cache: it is the medium that is asked.
//!
//! A pass looks at all that anybody still needs: both slots of the superblock, every segment's header,
//! the newest checkpoint, the log behind it, and each record that the index points to. What is dead is
//! nobody's loss, and no finding. Nothing is pinned: what was recycled while it was read is recognised
//! by its segment's life, and passed over.
//!
//! - `pass`: one pass over everything: its pace, its reads, its report.
//! - `walk`: the batches and live records of one segment.
//! - `chunks`: the newest checkpoint.
//! - `live`: from the index to the places of live records, and from damaged places back to keys.
//! - `finding`: what is said of damage.

mod chunks;
mod finding;
mod live;
mod pass;
mod walk;
mod window;

use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use flywheel_disk::World;
use futures_util::future::select;

pub use self::finding::{Concern, Finding, ScrubReport, ScrubState};
pub(crate) use self::pass::Pass;
use crate::core::Core;
use crate::error::StoreError;

/// Time between opening and the first pass: opening has just read much of it.
const FIRST_REST: Duration = Duration::from_secs(60);

/// Time between the end of a pass and the next.
const REST: Duration = Duration::from_secs(600);

/// Runs until the store is closing.
pub(crate) async fn run<W: World>(core: Rc<Core<W>>) {
    let mut rest = FIRST_REST;
    while wait(&core, rest).await {
        let pass = Pass::paced(&core, core.options.scrub_bytes_per_s);
        // It ends early only because the store is closing.
        let _ = pass.run().await;
        rest = REST;
    }
}

/// One pass, unpaced.
pub(crate) async fn now<W: World>(core: &Rc<Core<W>>) -> Result<ScrubReport, StoreError> {
    Pass::unpaced(core).run().await
}

/// Waits, unless the store is closing; whether to go on.
async fn wait<W: World>(core: &Core<W>, time: Duration) -> bool {
    let until_ns = core.world.now_ns().saturating_add(time.as_nanos() as u64);
    loop {
        if core.is_closing() || core.is_stopped() {
            return false;
        }
        let now_ns = core.world.now_ns();
        if now_ns >= until_ns {
            return true;
        }
        // The signal that a closing store gives too.
        let called = pin!(core.upkeep_wanted.wait());
        let rested = pin!(core.world.sleep(Duration::from_nanos(until_ns - now_ns)));
        select(called, rested).await;
    }
}
