//! A log at rest is confirmed: an empty batch calls the last one durable, so that damage to it is told
//! from a power loss. It costs nothing under load, and is written once.

use std::path::{Path, PathBuf};
use std::time::Duration;

use flywheel_disk::World;
use flywheel_disk::sim::{self, Fault, Op, SimDisk, SimWorld};
use flywheel_store::format::batch::BatchHeader;
use flywheel_store::limits::CONFIRM_AFTER_MS;
use flywheel_store::{Store, StoreError, StoreOptions, WriteBatch};

use super::image::{End, REST, image, small, state};
use super::layout::{BLOCK_BYTES, segment_path};
use super::oracle::{Oracle, Outcome};
use crate::fixture::{DIRECTORY, key, open_with, value};

/// Shorter than what is called a rest.
const PAUSE: Duration = Duration::from_millis(CONFIRM_AFTER_MS / 2);

/// Segments in which five items of this length leave hardly any room: compaction has nothing to do.
const FILLING_BYTES: usize = 50 * BLOCK_BYTES - 200;

fn dense() -> StoreOptions {
    StoreOptions { segment_bytes: 1 << 20, ..small() }
}

async fn put(store: &Store<SimWorld>, number: u64) {
    // Nearly a block, so that compaction finds nothing worth its while.
    let batch = WriteBatch::put(key(number), value(number, 0, 3_900));
    store.write(batch).await.expect("writes");
}

/// Batches without records on a disk.
fn confirmations(disk: &SimDisk) -> usize {
    let count = |(path, _): (PathBuf, u64)| {
        let bytes = disk.read_bytes(&path);
        let headers = bytes.chunks(BLOCK_BYTES).map(BatchHeader::decode_anywhere);
        headers.filter(|header| header.as_ref().is_ok_and(|header| header.records == 0)).count()
    };
    disk.files().into_iter().map(count).sum()
}

/// What damage to the last batch that holds something makes of an image.
fn lose_last(oracle: &Oracle) -> Outcome {
    let last = oracle.layout.log.iter().rev().find(|batch| batch.is_writers).expect("a log");
    let disk = oracle.image.disk.image();
    let path = segment_path(last.place.segment);
    disk.replace_bytes(&path, last.place.offset_bytes.into(), &vec![0; BLOCK_BYTES]);
    oracle.outcome(&disk, "the last batch lost")
}

#[test]
fn damage_to_the_last_batch_of_a_log_at_rest_is_an_error() {
    let crashed = lose_last(&Oracle::new(image(End::Crashed)));
    assert!(matches!(crashed, Outcome::Older(_)), "nothing calls it durable: {crashed:?}");
    let rested = lose_last(&Oracle::new(image(End::Rested)));
    assert!(matches!(rested, Outcome::Refused(..)), "it was confirmed: {rested:?}");
}

#[test]
fn what_a_crash_left_unproven_is_confirmed_by_the_next_process() {
    let image = image(End::Crashed);
    sim::run(7, &image.disk, async |world| {
        let store = Store::open(world.clone(), Path::new(DIRECTORY), small(), None).await;
        assert_eq!(&state(&store.expect("opens")).await, image.states.last().expect("one"));
        world.sleep(REST).await;
    });
    let outcome = lose_last(&Oracle::new(image));
    assert!(matches!(outcome, Outcome::Refused(..)), "{outcome:?}");
}

#[test]
fn processes_that_only_come_and_go_confirm_once() {
    let disk = SimDisk::new();
    sim::run(13, &disk, async |world| {
        let store = open_with(&world, dense()).await.expect("opens");
        for number in 0..5 {
            let batch = WriteBatch::put(key(number), value(number, 0, FILLING_BYTES));
            store.write(batch).await.expect("writes");
        }
    });
    for (process, expected) in [1, 0, 0].into_iter().enumerate() {
        disk.power_loss(process as u64);
        let batches = sim::run(14, &disk, async |world| {
            let store = open_with(&world, dense()).await.expect("opens");
            world.sleep(REST).await;
            store.stats().log_batches
        });
        assert_eq!(batches, expected, "process {process}");
    }
}

#[test]
fn a_log_at_rest_is_confirmed_once_and_one_at_work_never() {
    let disk = SimDisk::new();
    sim::run(8, &disk, async |world| {
        let store = open_with(&world, dense()).await.expect("opens");
        for number in 0..200 {
            put(&store, number).await;
            world.sleep(if number % 2 == 0 { PAUSE } else { Duration::ZERO }).await;
        }
        assert_eq!(store.stats().log_batches, 201, "one a write, and one for the partition");
        world.sleep(REST).await;
        assert_eq!(store.stats().log_batches, 202, "one confirmation");
        world.sleep(REST * 100).await;
        assert_eq!(store.stats().log_batches, 202, "which needs none itself");
        put(&store, 1).await;
        world.sleep(REST).await;
        assert_eq!(store.stats().log_batches, 204, "the next write is confirmed again");
        store.close().await.expect("closes");
        assert_eq!(store.stats().log_batches, 204, "closing writes a checkpoint instead");
    });
    sim::run(9, &disk, async |world| {
        let store = open_with(&world, dense()).await.expect("opens");
        world.sleep(REST).await;
        assert_eq!(store.stats().log_batches, 0, "the checkpoint proves everything");
    });
}

#[test]
fn nothing_is_confirmed_by_a_store_that_closes_or_stopped() {
    let disk = SimDisk::new();
    let own = disk.clone();
    sim::run(10, &disk, async move |world| {
        let store = open_with(&world, dense()).await.expect("opens");
        put(&store, 1).await;
        own.plan(Fault::Error(Op::Write), "segment");
        let failed = store.write(WriteBatch::delete(key(1))).await;
        assert!(matches!(failed, Err(StoreError::Stopped(_))), "{failed:?}");
        let writes = own.counters().writes;
        world.sleep(REST).await;
        assert_eq!(own.counters().writes, writes, "a stopped store writes nothing");
    });
    let disk = SimDisk::new();
    sim::run(11, &disk, async |world| {
        let store = open_with(&world, dense()).await.expect("opens");
        put(&store, 1).await;
        store.close().await.expect("closes");
        world.sleep(REST).await;
        assert_eq!(store.stats().log_batches, 2, "the partition and the item");
    });
}

#[test]
fn nothing_is_confirmed_on_a_full_disk_until_it_has_room() {
    let disk = SimDisk::new();
    disk.set_capacity_bytes(Some(9 * u64::from(dense().segment_bytes) + 8192));
    let own = disk.clone();
    sim::run(12, &disk, async move |world| {
        let store = open_with(&world, dense()).await.expect("opens");
        for number in 0.. {
            let batch = WriteBatch::put(key(number), value(number, 0, FILLING_BYTES));
            match store.write(batch).await {
                Ok(_) => {}
                Err(StoreError::Full(_)) => break,
                Err(other) => panic!("written or full, found {other}"),
            }
        }
        // The log may have rested before, while writers waited for room.
        let before = confirmations(&own);
        world.sleep(REST).await;
        assert_eq!(confirmations(&own), before, "a full store confirms nothing");
        own.set_capacity_bytes(None);
        world.sleep(REST * 2).await;
        assert!(confirmations(&own) > before, "with room again, it does");
        store.close().await.expect("closes");
    });
}
