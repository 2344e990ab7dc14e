//! An index that does not fit its memory: answers are the same, reads cost one more at the most, memory and
//! files keep their bounds, and what goes wrong with a page is an error and never a wrong answer.

use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use flywheel_disk::World;
use flywheel_disk::sim::{self, SimDisk, SimWorld};
use flywheel_store::{
    Audit, Direction, PartitionId, ScanRequest, Store, StoreError, StoreOptions, WriteBatch,
};

use crate::fixture::{DIRECTORY, everything, key, open_with, options, value};

const ITEMS: u64 = 4_000;

/// A fifth of what the index of so many items takes.
const INDEX_BYTES: u64 = 10 << 10;

/// No cache and no scrub, so that what a request reads can be counted.
fn small() -> StoreOptions {
    StoreOptions {
        segment_bytes: 256 << 10,
        cache_bytes: 0,
        index_bytes: INDEX_BYTES,
        scrub_bytes_per_s: 0,
        checkpoint_min_log_bytes: 64 << 20,
        ..options()
    }
}

async fn put_all(store: &Store<SimWorld>, round: u64) {
    put_some(store, round, |_| true).await;
}

async fn put_some(store: &Store<SimWorld>, round: u64, is_put: impl Fn(u64) -> bool) {
    // Keys lie in another order than numbers: every batch touches leaves everywhere.
    for first in (0..ITEMS).step_by(16) {
        let batch = WriteBatch {
            writes: (first..first + 16)
                .filter(|number| is_put(*number))
                .map(|number| flywheel_store::Write {
                    key: key(number),
                    value: Some(value(number, round, 20)),
                    condition: None,
                })
                .collect(),
        };
        store.write(batch).await.expect("writes");
    }
}

/// Every item is there, by key and in both orders; memory is within its bound at the end.
async fn assert_all(world: &SimWorld, store: &Store<SimWorld>, round: u64) {
    for number in (0..ITEMS).step_by(3) {
        let found = store.get(&key(number)).await.expect("reads").map(|found| found.value);
        assert_eq!(found, Some(value(number, round, 20)), "item {number}");
        let absent = Bytes::from(format!("{}-", String::from_utf8_lossy(&key(number))));
        assert_eq!(store.get(&absent).await.expect("reads"), None, "{absent:?}");
    }
    let mut expected: Vec<(Bytes, Bytes)> =
        (0..ITEMS).map(|n| (key(n), value(n, round, 20))).collect();
    expected.sort();
    for direction in [Direction::Forward, Direction::Backward] {
        let page = store.scan(ScanRequest { direction, ..everything() }).await.expect("scans");
        let found = page.items.into_iter().map(|(key, found)| (key, found.value));
        assert!(found.eq(expected.iter().cloned()), "every item once, {direction:?}");
        expected.reverse();
    }
    store.audit(Audit::Thorough).expect("sound");
    world.sleep(Duration::from_secs(1)).await;
    let stats = store.stats();
    assert_eq!(stats.items, ITEMS);
    assert!(stats.index_cold_bytes > 2 * INDEX_BYTES, "only {} B are cold", stats.index_cold_bytes);
    // Where pages stand is on top: a few bytes for each.
    let bound = INDEX_BYTES + stats.index_cold_bytes / 8;
    assert!(stats.index_memory_bytes <= bound, "{} B of index", stats.index_memory_bytes);
}

#[test]
fn answers_are_those_of_a_store_whose_index_fits() {
    let disk = SimDisk::new();
    sim::run(7, &disk, async |world| {
        let store = open_with(&world, small()).await.expect("opens");
        put_all(&store, 0).await;
        assert_all(&world, &store, 0).await;
        for round in 1..4 {
            put_all(&store, round).await;
        }
        assert_all(&world, &store, 3).await;
        // Splits cut leaves that are not in memory; dropping one walks over such.
        let middle = store.middle_key(PartitionId(1)).expect("a middle");
        store.split_partition(PartitionId(1), middle, PartitionId(2)).await.expect("splits");
        assert_all(&world, &store, 3).await;
        store.close().await.expect("closes");

        // From a checkpoint, then from the log: neither takes more memory than it may.
        let store = open_with(&world, small()).await.expect("opens");
        let memory_bytes = store.stats().index_memory_bytes;
        assert!(memory_bytes <= 2 * INDEX_BYTES, "{memory_bytes} B after a checkpoint was loaded");
        assert_all(&world, &store, 3).await;
        put_all(&store, 4).await;
    });
    // The process is gone; the next one starts from the log.
    sim::run(8, &disk, async |world| {
        let store = open_with(&world, small()).await.expect("opens");
        assert!(store.stats().replayed_bytes > 0, "there was a log to replay");
        assert_all(&world, &store, 4).await;

        let before = store.partitions().len();
        store.drop_partition(PartitionId(2)).await.expect("drops");
        world.sleep(Duration::from_secs(1)).await;
        let live_bytes: u64 = store.partitions().iter().map(|info| info.record_bytes).sum();
        assert_eq!((store.partitions().len(), store.stats().live_bytes), (before - 1, live_bytes));
    });
}

#[test]
fn a_read_takes_one_more_at_the_most() {
    sim::run(3, &SimDisk::new(), async |world| {
        let store = open_with(&world, small()).await.expect("opens");
        put_all(&store, 0).await;
        world.sleep(Duration::from_secs(1)).await;
        let mut reads = [0; 3];
        for number in (0..ITEMS).step_by(5) {
            let before = store.stats();
            assert!(store.get(&key(number)).await.expect("reads").is_some());
            let over = store.stats().since(&before);
            let taken = (over.read_ios + over.index_pages_read) as usize;
            assert!((1..=2).contains(&taken), "{taken} reads for item {number}");
            reads[taken] += 1;
        }
        let [_, one, two] = reads;
        assert!(two > one, "{one} reads of one page, {two} of two: most of the index is cold");
        let stats = store.stats();
        assert_eq!(stats.read_ios, one + two);
        assert!(stats.index_pages_read >= two);
    });
}

#[test]
fn page_files_stay_within_a_few_times_the_index_and_go_with_the_bound() {
    let disk = SimDisk::new();
    sim::run(5, &disk, async |world| {
        let store = open_with(&world, small()).await.expect("opens");
        put_all(&store, 0).await;
        // Half of the leaves change again and again; the pages of the others grow old, and must be kept.
        let middle = key_in_the_middle();
        let is_low = |number| key(number) < middle;
        for round in 1..12 {
            put_some(&store, round, is_low).await;
        }
        for number in 0..ITEMS {
            let found = store.get(&key(number)).await.expect("reads").map(|found| found.value);
            let round = if is_low(number) { 11 } else { 0 };
            assert_eq!(found, Some(value(number, round, 20)), "item {number}");
        }
        let stats = store.stats();
        let written = stats.index_bytes_written;
        assert!(written > 10 * stats.index_cold_bytes, "{written} B written: nothing to clean");
        // Twice the content, four chunks, and a file that was just made.
        let most = 2 * (stats.index_cold_bytes + INDEX_BYTES) + 4 * (32 << 10) + (256 << 10);
        assert!(stats.index_file_bytes <= most, "{} B of files, {most} B", stats.index_file_bytes);
    });
    sim::run(10, &disk, async |world| {
        let unbounded = StoreOptions { index_bytes: u64::MAX, ..small() };
        let store = open_with(&world, unbounded).await.expect("opens");
        assert_eq!(page_files(&disk), Vec::<PathBuf>::new(), "they belonged to the process before");
        assert_eq!(store.stats().index_cold_bytes, 0);
    });
}

fn key_in_the_middle() -> Bytes {
    let mut keys: Vec<Bytes> = (0..ITEMS).map(key).collect();
    keys.sort();
    keys[keys.len() / 2].clone()
}

fn page_files(disk: &SimDisk) -> Vec<PathBuf> {
    let is_page_file = |path: &PathBuf| {
        path.starts_with(Path::new(DIRECTORY).join("index-"))
            || path.to_string_lossy().contains("/index-")
    };
    disk.files().into_iter().map(|(path, _)| path).filter(is_page_file).collect()
}

#[test]
fn damaged_pages_are_errors_and_never_wrong_answers() {
    let disk = SimDisk::new();
    sim::run(9, &disk, async |world| {
        let store = open_with(&world, small()).await.expect("opens");
        put_all(&store, 0).await;
        world.sleep(Duration::from_secs(1)).await;
        for path in page_files(&disk) {
            let length = disk.read_bytes(&path).len();
            disk.replace_bytes(&path, 0, &vec![0x5a; length]);
        }
        let mut damaged = 0;
        for number in (0..ITEMS).step_by(7) {
            match store.get(&key(number)).await {
                Ok(found) => assert_eq!(found.map(|found| found.value), Some(value(number, 0, 20))),
                Err(StoreError::Corrupt { file, .. }) => {
                    assert!(file.contains("/index-"), "{file}");
                    damaged += 1;
                }
                Err(other) => panic!("item {number}: {other}"),
            }
        }
        assert!(damaged > 100, "{damaged} reads met a damaged page");
        let all = store.scan(ScanRequest { start: Bound::Unbounded, ..everything() }).await;
        assert!(matches!(all, Err(StoreError::Corrupt { .. })), "a scan met one");
        // What cannot be applied must not be acknowledged.
        let mut refused = 0;
        for number in (0..ITEMS).step_by(97) {
            refused += u64::from(
                store.write(WriteBatch::put(key(number), value(number, 1, 20))).await.is_err(),
            );
        }
        assert!(refused > 0, "a write that cannot be applied is refused");
    });
    sim::run(10, &disk, async |world| {
        let store = open_with(&world, small()).await.expect("opens");
        for number in 0..ITEMS {
            let found = store.get(&key(number)).await.expect("reads").expect("is there").value;
            assert!(
                found == value(number, 0, 20)
                    || (number % 97 == 0 && found == value(number, 1, 20))
            );
        }
    });
}

/// A leaf that a batch empties leaves its range to a neighbour, which the rest of the batch may need.
#[test]
fn a_batch_may_empty_a_leaf_between_cold_ones_and_go_on_in_its_range() {
    let options = StoreOptions { index_bytes: 0, ..small() };
    let disk = SimDisk::new();
    let mut sorted: Vec<Bytes> = (0..ITEMS).map(key).collect();
    sorted.sort();
    let kept: Vec<Bytes> = sorted.iter().step_by(40).cloned().collect();
    let behind = |key: &Bytes| Bytes::from([&key[..], b"+"].concat());
    sim::run(11, &disk, async |world| {
        let store = open_with(&world, options.clone()).await.expect("opens");
        put_all(&store, 0).await;
        // About one item a leaf: cold leaves are not merged.
        for key in sorted.iter().filter(|key| !kept.contains(key)) {
            store.write(WriteBatch::delete(key.clone())).await.expect("deletes");
        }
        for key in &kept {
            let write = |key: Bytes, value: Option<Bytes>| flywheel_store::Write {
                key,
                value,
                condition: None,
            };
            // One batch, and one group of several.
            let both = vec![write(key.clone(), None), write(behind(key), Some(key.clone()))];
            let (one, two) = (store.write(WriteBatch { writes: both }), store.get(key));
            let (one, _) = futures_util::future::join(one, two).await;
            one.expect("writes");
            let again = [
                store.write(WriteBatch::delete(behind(key))),
                store.write(WriteBatch::delete(key.clone())),
                store.write(WriteBatch::put(behind(&behind(key)), key.clone())),
            ];
            futures_util::future::try_join_all(again).await.expect("writes");
        }
        check_behind(&store, &kept, behind).await;
    });
    sim::run(12, &disk, async |world| {
        let store = open_with(&world, options.clone()).await.expect("opens");
        check_behind(&store, &kept, behind).await;
    });
}

async fn check_behind(store: &Store<SimWorld>, kept: &[Bytes], behind: impl Fn(&Bytes) -> Bytes) {
    let page = store.scan(everything()).await.expect("scans");
    let found = page.items.into_iter().map(|(key, found)| (key, found.value));
    assert!(found.eq(kept.iter().map(|key| (behind(&behind(key)), key.clone()))));
}
