//! Space and failures: compaction gives space back, a full disk refuses writes and comes back, a
//! failed write or sync loses nothing, and closing ends whatever the state.

use std::time::Duration;

use bytes::Bytes;
use flywheel_disk::World;
use flywheel_disk::sim::{self, Fault, Op, SimDisk, SimWorld};
use flywheel_store::limits::MAX_COUNTER;
use flywheel_store::{
    Change, ImportedRecord, PartitionId, Store, StoreError, StoreOptions, Write, WriteBatch,
    WriteOutcome,
};

use crate::fixture::{everything, key, open, open_with, options, value};

const SEGMENT_BYTES: u64 = 64 << 10;

/// Segments that the store may hold beyond its data: see `Core::working_segments`.
const WORKING_SEGMENTS: u64 = 28;

fn batch(numbers: impl Iterator<Item = u64>, round: u64) -> WriteBatch {
    let put = |number| Write {
        key: key(number),
        value: Some(value(number, round, 900)),
        condition: None,
    };
    WriteBatch { writes: numbers.map(put).collect() }
}

async fn overwrite(store: &Store<SimWorld>, items: u64, round: u64) {
    // In another order each time, so that no segment dies as a whole.
    let strides = [7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47];
    let scattered = |number: u64| number * strides[round as usize % strides.len()] % items;
    for first in (0..items).step_by(8) {
        let numbers = (first..(first + 8).min(items)).map(scattered);
        store.write(batch(numbers, round)).await.expect("writes");
    }
}

/// Writes new items until the store refuses; how many were acknowledged.
async fn fill(store: &Store<SimWorld>) -> u64 {
    for first in (0..).step_by(8) {
        match store.write(batch(first..first + 8, 0)).await {
            Ok(WriteOutcome::Applied { .. }) => {}
            Err(StoreError::Full(_)) => return first,
            other => panic!("applied or full, found {other:?}"),
        }
    }
    unreachable!("no disk is endless")
}

async fn assert_items(store: &Store<SimWorld>, items: u64, round: u64) {
    let page = store.scan(everything()).await.expect("scans");
    assert_eq!(page.items.len() as u64, items);
    for number in (0..items).step_by(5) {
        let found = store.get(&key(number)).await.expect("reads").map(|found| found.value);
        assert_eq!(found, Some(value(number, round, 900)), "item {number}");
    }
}

async fn writable_within(world: &SimWorld, store: &Store<SimWorld>, seconds: u64) {
    write_within(world, store, WriteBatch::put(key(7), value(7, 0, 900)), seconds).await;
}

/// Tries a write until it is taken, for at most so long.
async fn write_within(world: &SimWorld, store: &Store<SimWorld>, batch: WriteBatch, seconds: u64) {
    for _ in 0..seconds * 20 {
        match store.write(batch.clone()).await {
            Ok(_) => return,
            Err(StoreError::Full(_)) => world.sleep(Duration::from_millis(50)).await,
            Err(other) => panic!("applied or full, found {other}"),
        }
    }
    panic!("still full after {seconds} s: {:?}, seed {}", store.stats(), world.seed());
}

fn limit(disk: &SimDisk, segments: u64) {
    disk.set_capacity_bytes(Some(segments * SEGMENT_BYTES + 8192));
}

#[test]
fn overwriting_a_fixed_set_keeps_files_within_twice_the_data() {
    let disk = SimDisk::new();
    sim::run(1, &disk, async |world| {
        let store = open(&world).await.expect("opens");
        for round in 0..12 {
            overwrite(&store, 2_000, round).await;
            let stats = store.stats();
            let bound = 2 * stats.live_bytes + 2 * (WORKING_SEGMENTS + 4) * SEGMENT_BYTES;
            assert!(stats.occupied_bytes <= bound, "round {round}: {stats:?}");
        }
        world.sleep(Duration::from_secs(5)).await;
        let stats = store.stats();
        let bound = 2 * stats.live_bytes + WORKING_SEGMENTS * SEGMENT_BYTES;
        assert!(stats.occupied_bytes <= bound, "at rest: {stats:?}");
        assert!(stats.compaction_rounds > 3 && stats.checkpoints > 3, "{stats:?}");
        assert_items(&store, 2_000, 11).await;
        store.close().await.expect("closes");
    });
}

#[test]
fn a_full_disk_refuses_writes_and_raising_its_capacity_brings_them_back() {
    for seed in 0..10 {
        let disk = SimDisk::new();
        limit(&disk, 30);
        let own = disk.clone();
        let items = sim::run(seed, &disk, async move |world| {
            let store = open(&world).await.expect("opens");
            let items = fill(&store).await;
            assert_items(&store, items, 0).await;
            let modified = store.modify(key(1), |_| Change::Put(Bytes::new())).await;
            assert!(matches!(modified, Err(StoreError::Full(_))), "{modified:?}");
            limit(&own, 60);
            writable_within(&world, &store, 5).await;
            store.close().await.expect("closes");
            items
        });
        sim::run(seed, &disk, async move |world| {
            assert_items(&open(&world).await.expect("opens"), items, 0).await;
        });
    }
}

#[test]
fn deleting_brings_a_full_disk_back() {
    for seed in 0..20 {
        let disk = SimDisk::new();
        limit(&disk, 24 + seed);
        sim::run(seed, &disk, async move |world| {
            let store = open(&world).await.expect("opens");
            let items = fill(&store).await;
            // Every second item of most segments, so that compaction has to help.
            let deletes = (0..items).filter(|number| number % 2 == 1 || *number < items / 3);
            let deletes =
                deletes.map(|number| Write { key: key(number), value: None, condition: None });
            for some in deletes.collect::<Vec<_>>().chunks(32) {
                write_within(&world, &store, WriteBatch { writes: some.to_vec() }, 60).await;
            }
            writable_within(&world, &store, 60).await;
            for number in (items / 3..items).filter(|number| number % 2 == 0) {
                let found = store.get(&key(number)).await.expect("reads").map(|found| found.value);
                assert_eq!(found, Some(value(number, 0, 900)), "item {number}, seed {seed}");
            }
            store.close().await.expect("closes");
        });
    }
}

#[test]
fn dropping_a_partition_brings_a_full_disk_back() {
    let disk = SimDisk::new();
    limit(&disk, 30);
    sim::run(3, &disk, async |world| {
        let store = open(&world).await.expect("opens");
        store.split_partition(PartitionId(1), key(50), PartitionId(2)).await.expect("splits");
        fill(&store).await;
        store.drop_partition(PartitionId(2)).await.expect("drops");
        assert_eq!(store.partition_of(&key(7)), Some(PartitionId(1)));
        writable_within(&world, &store, 60).await;
        store.close().await.expect("closes");
    });
}

#[test]
fn a_tight_disk_never_gets_stuck_while_most_of_it_is_dead() {
    for seed in 0..10 {
        let disk = SimDisk::new();
        limit(&disk, 28 + seed);
        sim::run(seed, &disk, async move |world| {
            let store = open(&world).await.expect("opens");
            for round in 0..12 {
                for first in (0..256).step_by(8) {
                    let numbers = (first..first + 8).map(|number| (number * 5 + round) % 256);
                    write_within(&world, &store, batch(numbers, round), 60).await;
                }
            }
            assert_items(&store, 256, 11).await;
            store.close().await.expect("closes");
        });
    }
}

#[test]
fn a_failed_log_write_stops_writes_and_loses_nothing() {
    for seed in 0..20 {
        let disk = SimDisk::new();
        let own = disk.clone();
        let acknowledged = sim::run(seed, &disk, async move |world| {
            let store = open(&world).await.expect("opens");
            overwrite(&store, 40, 0).await;
            own.plan(Fault::Error(Op::Write), "segment");
            let mut acknowledged = 40;
            loop {
                match store.write(batch(acknowledged..acknowledged + 1, 0)).await {
                    Ok(_) => acknowledged += 1,
                    Err(StoreError::Stopped(_)) => break,
                    other => panic!("applied or stopped, found {other:?}"),
                }
                assert!(acknowledged < 100, "the write that failed was made good");
            }
            let refused = store.write(WriteBatch::delete(key(1))).await;
            assert!(matches!(refused, Err(StoreError::Stopped(_))), "{refused:?}");
            assert_items(&store, acknowledged, 0).await;
            store.close().await.expect("closes without a checkpoint");
            acknowledged
        });
        if seed % 2 == 0 {
            disk.power_loss(seed);
        }
        sim::run(seed, &disk, async move |world| {
            let store = open(&world).await.expect("opens");
            let items = store.stats().items;
            assert!(
                (acknowledged..=acknowledged + 1).contains(&items),
                "{items} of {acknowledged}"
            );
            assert_items(&store, items, 0).await;
        });
    }
}

#[test]
fn a_failed_sync_of_compaction_or_a_checkpoint_loses_nothing() {
    for seed in 0..30 {
        let disk = SimDisk::new();
        let own = disk.clone();
        let round = sim::run(seed, &disk, async move |world| {
            let store = open(&world).await.expect("opens");
            overwrite(&store, 300, 0).await;
            own.plan(Fault::Error(Op::Sync), "segment");
            for round in 1..50 {
                for first in (0..300).step_by(10) {
                    match store.write(batch(first..first + 10, round)).await {
                        Ok(_) => {}
                        Err(StoreError::Stopped(_)) => {
                            let read = store.get(&key(first)).await.expect("reads go on");
                            assert_eq!(read.expect("is there").value, value(first, round - 1, 900));
                            store.close().await.expect("closes");
                            return (round, first);
                        }
                        other => panic!("applied or stopped, found {other:?}"),
                    }
                }
            }
            panic!("no sync was made with seed {seed}");
        });
        disk.power_loss(seed);
        sim::run(seed, &disk, async move |world| {
            let store = open(&world).await.expect("opens");
            for number in (0..300).filter(|number| !(round.1..round.1 + 10).contains(number)) {
                let newest = if number < round.1 { round.0 } else { round.0 - 1 };
                let found = store.get(&key(number)).await.expect("reads").expect("is there");
                assert_eq!(found.value, value(number, newest, 900), "item {number}, seed {seed}");
            }
        });
    }
}

#[test]
fn a_failed_sync_of_a_checkpoint_is_not_tried_again() {
    for seed in 0..10 {
        let disk = SimDisk::new();
        let own = disk.clone();
        sim::run(seed, &disk, async move |world| {
            let store = open(&world).await.expect("opens");
            overwrite(&store, 40, 0).await;
            own.plan(Fault::Error(Op::Sync), "segment");
            let failed = store.checkpoint().await;
            assert!(matches!(failed, Err(StoreError::Stopped(_))), "{failed:?}");
            let refused = store.write(batch(40..41, 0)).await;
            assert!(matches!(refused, Err(StoreError::Stopped(_))), "{refused:?}");
            assert_items(&store, 40, 0).await;
            store.close().await.expect("closes without a checkpoint");
        });
        disk.power_loss(seed);
        sim::run(seed, &disk, async move |world| {
            let store = open(&world).await.expect("opens");
            assert_items(&store, 40, 0).await;
        });
    }
}

#[test]
fn closing_ends_whatever_fails_meanwhile() {
    for seed in 0..40 {
        let disk = SimDisk::new();
        limit(&disk, 20 + seed % 7);
        let own = disk.clone();
        let items = sim::run(seed, &disk, async move |world| {
            let store = open(&world).await.expect("opens");
            let items = fill(&store).await;
            match seed % 4 {
                0 => {}
                1 => own.plan(Fault::Error(Op::Write), "/"),
                2 => own.plan(Fault::Error(Op::Sync), "/"),
                _ => own.plan(Fault::Error(Op::Write), "superblock"),
            }
            let snapshot = store.snapshot();
            let closed = store.close().await;
            let again = store.close().await;
            assert!(seed % 4 == 0 || closed.is_err(), "the fault was met, seed {seed}");
            assert!(closed.is_err() || again.is_ok(), "closing twice, seed {seed}");
            let after = store.write(WriteBatch::delete(key(0))).await;
            assert!(matches!(after, Err(StoreError::Closed | StoreError::Stopped(_))), "{after:?}");
            assert!(store.checkpoint().await.is_err(), "nothing is written after closing");
            assert_eq!(
                snapshot.scan(&everything()).await.expect("scans").items.len() as u64,
                items
            );
            items
        });
        disk.power_loss(seed);
        sim::run(seed, &disk, async move |world| {
            assert_items(&open(&world).await.expect("opens"), items, 0).await;
        });
    }
}

#[test]
fn a_snapshot_stays_readable_while_its_segments_are_compacted_away() {
    let disk = SimDisk::new();
    sim::run(5, &disk, async |world| {
        let store = open(&world).await.expect("opens");
        overwrite(&store, 400, 0).await;
        let snapshot = store.snapshot();
        let then = snapshot.scan(&everything()).await.expect("scans").items;
        for round in 1..12 {
            overwrite(&store, 400, round).await;
        }
        assert!(store.stats().compaction_rounds > 1, "{:?}", store.stats());
        assert!(snapshot.scan(&everything()).await.expect("scans").items == then);
        for number in 0..400 {
            let found = snapshot.get(&key(number)).await.expect("reads").expect("is there");
            assert_eq!(found.value, value(number, 0, 900));
        }
        drop(snapshot);
        overwrite(&store, 400, 12).await;
        world.sleep(Duration::from_secs(2)).await;
        let stats = store.stats();
        let bound = 2 * stats.live_bytes + WORKING_SEGMENTS * SEGMENT_BYTES;
        assert!(stats.occupied_bytes <= bound, "{stats:?}");
    });
}

#[test]
fn a_victim_that_cannot_be_read_does_not_stop_compaction() {
    let disk = SimDisk::new();
    let own = disk.clone();
    sim::run(6, &disk, async move |world| {
        let store = open(&world).await.expect("opens");
        overwrite(&store, 300, 0).await;
        own.plan(Fault::Error(Op::Read), "segment");
        for round in 1..20 {
            overwrite(&store, 300, round).await;
        }
        assert_eq!(own.planned_faults(), 0, "compaction met the fault");
        assert_items(&store, 300, 19).await;
        store.close().await.expect("closes");
    });
}

#[test]
fn records_too_large_for_a_batch_are_refused_by_every_way_in() {
    let disk = SimDisk::new();
    sim::run(7, &disk, async |world| {
        let store = open(&world).await.expect("opens");
        let large = Bytes::from(vec![1; options().segment_bytes as usize / 2]);
        let written = store.write(WriteBatch::put(key(1), large.clone())).await;
        assert!(matches!(written, Err(StoreError::BadRequest(_))), "{written:?}");
        let modified = store.modify(key(1), |_| Change::Put(large.clone())).await;
        assert!(matches!(modified, Err(StoreError::BadRequest(_))), "{modified:?}");
        let record = ImportedRecord { key: key(1), version: 9, value: Some(large) };
        let imported = store.import(vec![record]).await;
        assert!(matches!(imported, Err(StoreError::BadRequest(_))), "{imported:?}");
        assert_eq!(store.get(&key(1)).await.expect("reads"), None);
    });
}

#[test]
fn a_version_that_would_leave_none_for_later_writes_is_not_imported() {
    sim::run(8, &SimDisk::new(), async |world| {
        let store = open(&world).await.expect("opens");
        let import = |version| {
            store.import(vec![ImportedRecord { key: key(1), version, value: Some(key(1)) }])
        };
        for version in [u64::MAX, u64::MAX - 1, MAX_COUNTER + 1] {
            let refused = import(version).await;
            assert!(matches!(refused, Err(StoreError::BadRequest(_))), "{version}: {refused:?}");
        }
        import(MAX_COUNTER).await.expect("imports");
        let written = store.write(WriteBatch::put(key(1), key(2))).await.expect("writes");
        let first_version = MAX_COUNTER + 1;
        assert_eq!(written, WriteOutcome::Applied { first_version });
    });
}

/// The n-th item of a store of records small and large.
fn uneven(number: u64, seed: u64) -> Bytes {
    value(number, 0, 500 + ((number * 3701 + seed * 977) % 14_000) as usize)
}

#[test]
fn deleting_brings_a_disk_full_of_large_records_back() {
    for seed in 0..150 {
        let disk = SimDisk::new();
        limit(&disk, 24 + seed % 40);
        sim::run(seed, &disk, async move |world| {
            let store = open(&world).await.expect("opens");
            let put = |number| WriteBatch::put(key(number), uneven(number, seed));
            let (mut refused, mut kept) = (0, Vec::new());
            for number in 0.. {
                match store.write(put(number)).await {
                    Ok(_) => kept.push(number),
                    Err(StoreError::Full(_)) => refused += 1,
                    Err(other) => panic!("applied or full, found {other}"),
                }
                if refused == 20 {
                    break;
                }
            }
            let delete = |&number: &u64| Write { key: key(number), value: None, condition: None };
            let (dead, alive): (Vec<u64>, Vec<u64>) = kept.iter().partition(|&n| n % 2 == seed % 2);
            for some in dead.chunks(64) {
                let batch = WriteBatch { writes: some.iter().map(delete).collect() };
                write_within(&world, &store, batch, 60).await;
            }
            write_within(&world, &store, put(999_999), 60).await;
            for number in alive {
                let found = store.get(&key(number)).await.expect("reads").map(|found| found.value);
                assert_eq!(found, Some(uneven(number, seed)), "item {number}, seed {seed}");
            }
            store.close().await.expect("closes");
        });
    }
}

/// A process that dies leaves segments behind half filled: the room that compaction works in must not
/// shrink with each.
#[test]
fn crashes_on_a_full_disk_leave_it_able_to_come_back() {
    for seed in 0..60 {
        let disk = SimDisk::new();
        limit(&disk, 30 + seed % 20);
        let delete = |number: u64| Write { key: key(number), value: None, condition: None };
        let puts = move |number| WriteBatch::put(key(number), uneven(number, seed));
        // The first life fills the disk, some more die at work on it, the last one has time.
        for life in 0..12 {
            let steps = if life == 0 { 40_000 } else { 400 + (seed * 131 + life * 577) % 6_000 };
            sim::run_steps(seed + life, &disk, steps, async move |world| {
                let store = open(&world).await.expect("opens");
                for round in 0.. {
                    let number = life * 1_000 + round;
                    let batch = match round % 5 {
                        4 if life > 0 => {
                            WriteBatch { writes: vec![delete((round * 7 + life) % 300)] }
                        }
                        _ => puts(number % 300 + 300 * (number % 2)),
                    };
                    match store.write(batch).await {
                        Ok(_) => {}
                        Err(StoreError::Full(_)) => world.sleep(Duration::from_millis(3)).await,
                        Err(other) => panic!("applied or full, found {other}, seed {seed}"),
                    }
                }
            });
        }
        sim::run(seed, &disk, async move |world| {
            let store = open(&world).await.expect("opens");
            let kept = store.scan(everything()).await.expect("scans").items;
            let dead: Vec<Write> = (kept.iter().step_by(2))
                .map(|(key, _)| Write { key: key.clone(), value: None, condition: None })
                .collect();
            for some in dead.chunks(64) {
                write_within(&world, &store, WriteBatch { writes: some.to_vec() }, 60).await;
            }
            for number in 0..dead.len() as u64 / 5 {
                write_within(&world, &store, puts(10_000 + number), 60).await;
            }
            store.close().await.expect("closes");
        });
    }
}

#[test]
fn segments_that_seem_more_than_full_are_no_debt() {
    // 252 records of 4,112 bytes fill 253 blocks, and five such batches a segment. The index counts each
    // record with 4,160 bytes, so more seems live there than there is.
    let options = StoreOptions { segment_bytes: 1266 * 4096, ..options() };
    let batch = |round: u64, value: Option<Bytes>| WriteBatch {
        writes: (0..252)
            .map(|number| {
                let key = Bytes::from(format!("{round:02}{number:04}"));
                Write { key, value: value.clone(), condition: None }
            })
            .collect(),
    };
    let disk = SimDisk::new();
    sim::run(8, &disk, async |world| {
        let store = open_with(&world, options).await.expect("opens");
        let value = Bytes::from(vec![1; 4_112 - 20 - 6]);
        for round in 0..15 {
            store.write(batch(round, Some(value.clone()))).await.expect("writes");
        }
        // The first segment also holds the partition; without it only full ones are left.
        for round in 0..4 {
            store.write(batch(round, None)).await.expect("writes");
        }
        world.sleep(Duration::from_secs(5)).await;
        let stats = store.stats();
        assert_eq!(stats.live_bytes, 11 * 252 * 4_160, "{stats:?}");
        store.close().await.expect("closes");
    });
}
