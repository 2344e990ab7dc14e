//! Cleaning: the oldest chunk of pages is read, what still counts in it is written anew, and its space is
//! used again. Files so stay within about twice what they hold.

use std::cell::RefCell;

use flywheel_disk::World;

use super::PageFiles;
use crate::error::StoreError;
use crate::index::{Leaf, Page};
use crate::limits::MAX_READINGS;
use crate::partitions::PartitionTable;
use crate::stats::Counters;

/// Cleans the oldest chunk if the page files are more than twice as large as what they hold; whether they
/// were. All pages that count are those of `table`, or of those who have pinned them.
pub(super) async fn clean_one<W: World>(
    pages: &PageFiles<W>,
    table: &RefCell<PartitionTable>,
    counters: &Counters,
) -> Result<bool, StoreError> {
    pages.reuse();
    let content_bytes = table.borrow().leaf_bytes();
    let Some(chunk) = pages.oldest_if_crowded(content_bytes) else { return Ok(false) };
    let mut readings = 1;
    let read = loop {
        match pages.read_chunk(chunk).await {
            Ok(read) if read.is_whole || readings == MAX_READINGS => break read,
            Err(error) if readings == MAX_READINGS => {
                pages.give_up(chunk);
                return Err(error.into());
            }
            Ok(_) | Err(_) => readings += 1,
        }
    };
    let counts = |(page, leaf): &(Page, Leaf)| table.borrow().holds(leaf, *page);
    let (old, leaves): (Vec<Page>, Vec<Leaf>) = read.leaves.into_iter().filter(counts).unzip();
    let new = pages.write(&leaves, counters).await?;
    for ((leaf, old), new) in leaves.iter().zip(old).zip(new) {
        table.borrow_mut().settle(leaf, Some(old), new);
    }
    if read.is_whole {
        pages.let_go(chunk);
    } else {
        counters.index_faults.add(1);
        pages.give_up(chunk);
    }
    pages.reuse();
    Ok(true)
}
