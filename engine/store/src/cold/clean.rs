//! Cleaning: the oldest chunk of pages is read, what still counts in it is written anew, and its space is
//! used again. Files so stay within about twice what they hold.

use flywheel_disk::World;

use crate::core::Core;
use crate::error::StoreError;
use crate::index::{Leaf, Page};

/// Cleans chunks until the page files are no more than twice as large as what they hold.
pub(super) async fn clean<W: World>(core: &Core<W>) -> Result<(), StoreError> {
    core.pages.reuse(&core.pins);
    loop {
        let content_bytes = core.table.borrow().leaf_bytes();
        let Some(chunk) = core.pages.oldest_if_crowded(content_bytes) else { return Ok(()) };
        let read = core.pages.read_chunk(chunk).await?;
        let counts = |(page, leaf): &(Page, Leaf)| core.table.borrow().holds(leaf, *page);
        let (old, leaves): (Vec<Page>, Vec<Leaf>) = read.leaves.into_iter().filter(counts).unzip();
        let new = core.write_pages(&leaves).await?;
        for ((leaf, old), new) in leaves.iter().zip(old).zip(new) {
            core.table.borrow_mut().settle(leaf, Some(old), new);
        }
        if read.is_whole {
            core.pages.let_go(chunk, core.pins.end_epoch());
        } else {
            core.counters.index_faults.add(1);
            core.pages.give_up(chunk);
        }
        core.pages.reuse(&core.pins);
        core.world.yield_if_needed().await;
    }
}
