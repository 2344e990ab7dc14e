//! The store on a real disk: open, write, reopen, verify. Not a measurement.
#![allow(clippy::disallowed_methods, reason = "a test prepares its directory itself")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use flywheel_disk::real::{RealWorld, run_on_core};
use flywheel_disk::{Durability, host};
use flywheel_store::{PartitionId, Store, StoreOptions, WriteBatch};
use futures_util::future::join_all;

use crate::fixture::{everything, key, value, whole};

const ITEMS: u64 = 20_000;
const CALLERS: u64 = 32;

async fn open(directory: &Path) -> Store<RealWorld> {
    let options =
        StoreOptions { segment_bytes: 4 << 20, cache_bytes: 1 << 20, ..StoreOptions::default() };
    let world = RealWorld::new(Durability::Dsync);
    Store::open(world, directory, options, None).await.expect("opens")
}

async fn write_all(directory: PathBuf) {
    let store = open(&directory).await;
    store.create_partition(whole(PartitionId(1))).await.expect("creates");
    let callers = (0..CALLERS).map(|caller| {
        let store = &store;
        async move {
            for number in (caller..ITEMS).step_by(CALLERS as usize) {
                let batch = WriteBatch::put(key(number), value(number, 1, 100));
                store.write(batch).await.expect("writes");
            }
        }
    });
    join_all(callers).await;
    store.close().await.expect("closes");
}

async fn verify_all(directory: PathBuf) {
    let store = open(&directory).await;
    for number in (0..ITEMS).step_by(37) {
        let found = store.get(&key(number)).await.expect("reads").map(|found| found.value);
        assert_eq!(found, Some(value(number, 1, 100)), "item {number}");
    }
    let page = store.scan(everything()).await.expect("scans");
    let mut expected: Vec<Bytes> = (0..ITEMS).map(key).collect();
    expected.sort();
    assert!(page.items.iter().map(|(key, _)| key).eq(&expected), "every key once, in order");
    store.close().await.expect("closes");
}

#[test]
fn what_was_written_is_there_after_reopening() {
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    if let Err(error) = host::check(scratch.path()) {
        println!("skipped, because {error}");
        return;
    }
    let directory = scratch.path().join("shard-0000");
    let (write, verify) = (directory.clone(), directory);
    let core = run_on_core(0, "write", Duration::ZERO, move || write_all(write));
    core.expect("a core starts").join().expect("writes");
    let core = run_on_core(0, "verify", Duration::ZERO, move || verify_all(verify));
    core.expect("a core starts").join().expect("verifies");
}
