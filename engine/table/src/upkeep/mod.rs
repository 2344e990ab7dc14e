//! What is done for tables in the background: making and taking them away (`lifecycle`), global indexes
//! (`following`), items that end (`ending`), what is only found by going through tables (`sweep`), what is left of
//! transactions (`ledger`), and of capacity over time (`throughput`). All of it begins from what is durable, so that it goes on where
//! it was after a crash.

mod ending;
mod following;
mod ledger;
mod lifecycle;
mod sweep;
mod throughput;

use std::future::Future;
use std::ops::Bound;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use flywheel_item::key::prefix_successor;
use flywheel_shard::{Direction, ScanRequest};
use futures_util::future::{Either, join5, select};

use crate::limits::{MAX_FOLLOWED_CHANGES, MAX_PAGE_BYTES};
use crate::storage::{Storage, StorageError};
use crate::tables::Tables;

/// How background work waits.
pub trait Sleeper: 'static {
    /// Waits at least this long.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()>;
}

/// What a storage that has too much to do is given before it is asked again, and one that failed.
const PAUSE: Duration = Duration::from_millis(20);

impl<S: Storage> Tables<S> {
    /// Works in the background until the storage is closed. To be run once for a storage, on any thread.
    pub async fn upkeep(self, sleeper: impl Sleeper) {
        let sleeper = Rc::new(sleeper);
        let lifecycle = lifecycle::run(self.clone(), Rc::clone(&sleeper));
        let following = following::run(self.clone(), Rc::clone(&sleeper));
        let ledger = ledger::run(self.clone(), Rc::clone(&sleeper));
        let ending = ending::run(self.clone(), Rc::clone(&sleeper));
        let sweep = sweep::run(self.clone(), Rc::clone(&sleeper));
        let throughput = pin!(throughput::run(&self, &*sleeper));
        let work = pin!(join5(lifecycle, following, ledger, ending, sweep));
        // Nothing durable: it ends with the rest.
        select(work, throughput).await;
    }
}

/// Asks for a page of what begins with `prefix`, from `start` on: as much as is looked at together.
fn page_of(prefix: &[u8], start: Bound<Bytes>) -> ScanRequest {
    let end = prefix_successor(prefix);
    ScanRequest {
        start,
        end: end.map_or(Bound::Unbounded, |end| Bound::Excluded(end.into())),
        direction: Direction::Forward,
        max_items: MAX_FOLLOWED_CHANGES,
        max_bytes: MAX_PAGE_BYTES,
    }
}

/// Does something until it is done; `None` once the storage is closed. A fault is tried again too: nobody is
/// there to be told, and what was to be done is durable.
async fn persist<T>(
    sleeper: &impl Sleeper,
    mut attempt: impl AsyncFnMut() -> Result<T, StorageError>,
) -> Option<T> {
    loop {
        match attempt().await {
            Ok(value) => return Some(value),
            Err(StorageError::Closed) => return None,
            Err(_) => sleeper.sleep(PAUSE).await,
        }
    }
}

/// Waits for something, but no longer than this.
async fn at_most<T>(
    sleeper: &impl Sleeper,
    duration: Duration,
    awaited: impl Future<Output = T>,
) -> Option<T> {
    let (sleep, awaited) = (Box::pin(sleeper.sleep(duration)), Box::pin(awaited));
    match select(awaited, sleep).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(_) => None,
    }
}
