//! Order: scans that find their items scattered have them put together, and nobody else pays for it.

use std::ops::Bound;
use std::time::Duration;

use flywheel_disk::World;
use flywheel_disk::sim::{self, SimDisk, SimWorld};
use flywheel_store::{ScanRequest, Store, StoreOptions, Write, WriteBatch};

use crate::fixture::{everything, key, open_with, options, value};

const ITEMS: u64 = 2_000;
const SCAN_ITEMS: usize = 40;

fn uncached() -> StoreOptions {
    StoreOptions { cache_bytes: 0, scrub_bytes_per_s: 0, ..options() }
}

/// In batches, which leave little dead space for compaction to give back.
async fn load(store: &Store<SimWorld>) {
    let put = |number| {
        let value = Some(value(number, 0, 900));
        Write { key: key(number), value, condition: None }
    };
    for first in (0..ITEMS).step_by(12) {
        let writes = (first..ITEMS.min(first + 12)).map(put).collect();
        store.write(WriteBatch { writes }).await.expect("writes");
    }
}

/// Scans from so many keys on; the reads that each scan took.
async fn scan(store: &Store<SimWorld>, scans: u64) -> f64 {
    let before = store.stats().scan_ios;
    for number in 0..scans {
        let start = Bound::Included(key(number * 61 % ITEMS));
        let request = ScanRequest { start, max_items: SCAN_ITEMS, ..everything() };
        store.scan(request).await.expect("scans");
    }
    (store.stats().scan_ios - before) as f64 / scans as f64
}

async fn assert_items(store: &Store<SimWorld>) {
    let page = store.scan(everything()).await.expect("scans");
    assert_eq!(page.items.len() as u64, ITEMS);
    for number in 0..ITEMS {
        let found = store.get(&key(number)).await.expect("reads").map(|found| found.value);
        assert_eq!(found, Some(value(number, 0, 900)), "item {number}");
    }
}

#[test]
fn scans_have_their_items_put_together() {
    let disk = SimDisk::new();
    let reads = sim::run(1, &disk, async |world| {
        let store = open_with(&world, uncached()).await.expect("opens");
        load(&store).await;
        let at_first = scan(&store, 20).await;
        assert!(at_first > 10.0, "{at_first} reads a scan of what was loaded in no order");
        for _ in 0..50 {
            scan(&store, 50).await;
            world.sleep(Duration::from_millis(500)).await;
        }
        let stats = store.stats();
        assert!(stats.order_rounds > 0, "{stats:?}");
        assert!(stats.occupied_bytes <= 2 * stats.live_bytes + (28 << 16), "{stats:?}");
        assert_items(&store).await;
        let at_last = scan(&store, 50).await;
        store.close().await.expect("closes");
        at_last
    });
    // 36 KB stand in one segment of 64 KiB or in two.
    assert!(reads < 3.0, "{reads} reads a scan");
    sim::run(2, &disk, async |world| {
        let store = open_with(&world, uncached()).await.expect("opens");
        assert_items(&store).await;
        let mut rounds = Vec::new();
        for _ in 0..40 {
            scan(&store, 50).await;
            world.sleep(Duration::from_millis(500)).await;
            rounds.push(store.stats().order_rounds);
        }
        assert_eq!(rounds[10], rounds[39], "what is in order is left alone: {rounds:?}");
    });
}

#[test]
fn what_is_not_scanned_is_not_put_in_order() {
    sim::run(1, &SimDisk::new(), async |world| {
        let store = open_with(&world, uncached()).await.expect("opens");
        load(&store).await;
        for number in 0..ITEMS {
            store.get(&key(number)).await.expect("reads");
        }
        world.sleep(Duration::from_secs(60)).await;
        let stats = store.stats();
        assert_eq!(stats.order_rounds, 0, "{stats:?}");
    });
}
