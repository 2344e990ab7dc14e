//! Clients that use partitions while these split and move: no error, no lost write, no stale read,
//! versions that only rise. And the splits that happen by themselves, or must not.

use std::cell::Cell;
use std::ops::Bound;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use flywheel_disk::sim::{self, SimDisk, SimWorld};
use flywheel_disk::{TaskClass, World};
use flywheel_shard::{
    BalanceRules, Change, Condition, Direction, EngineOptions, Handle, LocalEngine, Rates,
    ScanRequest, SplitOptions, SplitRules, WriteBatch, WriteOutcome,
};

use crate::common::{as_number, everything, key, number, open, open_with, small_options};

const SHARDS: usize = 3;
const CLIENTS: usize = 6;
const KEYS: usize = 60;

#[test]
fn clients_see_nothing_of_splits_and_moves() {
    for seed in 0..12 {
        sim::run(seed, &SimDisk::new(), async |world| {
            let engine = open(&world, SHARDS).await;
            let (stop, running) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(0)));
            for client in 0..CLIENTS {
                let (handle, stop) = (engine.handle(), Rc::clone(&stop));
                let running = Rc::clone(&running);
                running.set(running.get() + 1);
                world.spawn(TaskClass::Foreground, async move {
                    use_own_keys(&handle, client, &stop).await;
                    running.set(running.get() - 1);
                });
            }
            shuffle(&engine, seed as usize).await;
            stop.set(true);
            while running.get() > 0 {
                world.sleep(Duration::from_millis(1)).await;
            }
            let stats = engine.admin().stats().await.expect("stats");
            assert!(stats.shards.iter().any(|shard| shard.moves > 0 && shard.sent_on > 0));
            engine.close().await.expect("closed");
        });
    }
}

/// Raises its own keys, reads them back, adds to them, finds them in scans: each must show exactly
/// what this client did last, since nobody else touches them.
async fn use_own_keys(handle: &Handle, client: usize, stop: &Cell<bool>) {
    let mut last_version = vec![0; KEYS];
    for n in 1.. {
        if stop.get() {
            return;
        }
        let k = (n as usize * 11) % KEYS / CLIENTS * CLIENTS + client;
        let version = if n % 3 == 0 {
            let put = move |_: Option<&Bytes>| Change::Put(number(n));
            let modified = handle.modify(key(k), Box::new(put)).await.expect("modify");
            modified.version.expect("it was put")
        } else {
            handle.put(key(k), number(n)).await.expect("put")
        };
        assert!(version > last_version[k], "{version} is not above {}", last_version[k]);
        let found = handle.get(key(k)).await.expect("get").expect("it was put");
        assert_eq!((found.version, as_number(&found.value)), (version, n), "client {client}");
        last_version[k] = version;
        let stale = WriteBatch::delete(key(k)).when(Condition::VersionIs(version - 1));
        let refused = handle.write(stale).await.expect("write");
        assert!(matches!(refused, WriteOutcome::ConditionFailed { .. }), "{refused:?}");
        if n % 4 == 0 {
            last_version[k] = handle.delete(key(k)).await.expect("delete");
            assert_eq!(handle.get(key(k)).await.expect("get"), None, "client {client}, key {k}");
        } else if n % 10 == 1 {
            let direction = if n % 20 == 1 { Direction::Forward } else { Direction::Backward };
            let page = handle.scan(everything(direction, KEYS)).await.expect("scan");
            let seen = page.items.iter().find(|(found, _)| *found == key(k)).expect("in the scan");
            assert_eq!(as_number(&seen.1.value), n);
        }
    }
}

/// Moves partitions around, cutting some.
pub async fn shuffle(engine: &LocalEngine, seed: usize) {
    for round in 0..12 {
        let handle = engine.handle();
        let place = handle.locate(&key(seed + round * 7));
        let to = (usize::from(place.shard) + 1 + round % 2) % SHARDS;
        engine.admin().move_partition(place.partition, to as u16).await.expect("moved");
        let at = key(round * 5);
        let id = handle.locate(&at).partition;
        engine.admin().split_partition(id, at).await.expect("split");
    }
}

#[test]
fn versions_of_a_deleted_key_rise_across_moves() {
    sim::run(5, &SimDisk::new(), async |world| {
        let engine = open(&world, 2).await;
        let handle = engine.handle();
        // Long ago, and nothing else was written since: only the tombstone had this version.
        for _ in 0..50 {
            handle.put(key(0), number(0)).await.expect("put");
        }
        let deleted = handle.delete(key(0)).await.expect("delete");
        let place = handle.locate(&key(0));
        engine.admin().move_partition(place.partition, 1 - place.shard).await.expect("moved");
        let again = handle.put(key(0), number(1)).await.expect("put");
        assert!(again > deleted, "{again} is not above {deleted}");
    });
}

#[test]
fn a_partition_of_a_single_key_can_be_moved() {
    sim::run(6, &SimDisk::new(), async |world| {
        let options = EngineOptions {
            initial_splits: ["k", "k\0"].map(Bytes::from).into(),
            ..small_options()
        };
        let engine = open_with(&world, 2, options).await.expect("opened");
        let handle = engine.handle();
        handle.put(Bytes::from("k"), number(7)).await.expect("put");
        let place = handle.locate(b"k");
        for to in [1 - place.shard, place.shard] {
            engine.admin().move_partition(place.partition, to).await.expect("moved");
            let found = handle.get(Bytes::from("k")).await.expect("get").expect("there");
            assert_eq!((as_number(&found.value), handle.locate(b"k").shard), (7, to));
        }
    });
}

#[test]
fn a_large_partition_moves_in_many_pages() {
    sim::run(7, &SimDisk::new(), async |world| {
        let engine = open(&world, 2).await;
        let handle = engine.handle();
        let value = Bytes::from(vec![7u8; 8 << 10]);
        let name = |n: usize| Bytes::from(format!("a{n:04}"));
        for n in 0..200 {
            handle.put(name(n), value.clone()).await.expect("put");
        }
        let place = handle.locate(b"a");
        engine.admin().move_partition(place.partition, 1 - place.shard).await.expect("moved");
        let request = ScanRequest { max_bytes: 64 << 10, ..everything(Direction::Forward, 1000) };
        assert_eq!(count_items(&handle, request).await, 200);
        let stats = engine.admin().stats().await.expect("stats");
        assert_eq!(stats.store.items, 200, "the old shard forgot its copy");
    });
}

async fn count_items(handle: &Handle, mut request: ScanRequest) -> usize {
    let mut count = 0;
    loop {
        let page = handle.scan(request.clone()).await.expect("scan");
        count += page.items.len();
        match page.items.last() {
            Some((last, _)) if page.more => request.start = Bound::Excluded(last.clone()),
            _ => return count,
        }
    }
}

/// An engine of one partition that splits on its own at small thresholds.
async fn splitting(world: &SimWorld, rules: SplitRules) -> LocalEngine {
    let rules = SplitRules { hot_looks: 3, ..rules };
    let split = SplitOptions { automatic: true, rules, ..SplitOptions::default() };
    let options = EngineOptions { initial_splits: Vec::new(), split, ..small_options() };
    open_with(world, 2, options).await.expect("opened")
}

#[test]
fn a_partition_splits_by_itself_once_it_is_large() {
    sim::run(8, &SimDisk::new(), async |world| {
        let split = SplitRules { size_bytes: 64 << 10, ..SplitRules::default() };
        let engine = splitting(&world, split).await;
        let handle = engine.handle();
        for n in 0..100 {
            handle.put(key(n), Bytes::from(vec![0; 1000])).await.expect("put");
        }
        world.sleep(Duration::from_secs(5)).await;
        let partitions = engine.admin().partitions().await.expect("listed");
        assert_eq!(partitions.len(), 2, "100 KB of records, and 64 KB are the most");
        let [lower, upper] = [&partitions[0].0, &partitions[1].0];
        assert!(lower.items > 30 && upper.items > 30, "{} and {}", lower.items, upper.items);
    });
}

/// Runs reads at the given keys for some seconds and says how many partitions there are then, and
/// how often a due split was not done.
fn load(keys: impl Fn(u64) -> Bytes) -> (usize, u64) {
    sim::run(9, &SimDisk::new(), async |world| {
        let most = SplitRules::default().requests;
        let requests = Rates { reads_per_s: 600.0, ..most };
        let split = SplitRules { requests, ..SplitRules::default() };
        let engine = splitting(&world, split).await;
        let handle = engine.handle();
        for n in 0..12_000 {
            handle.get(keys(n)).await.expect("get");
            world.sleep(Duration::from_millis(1)).await;
        }
        let stats = engine.admin().stats().await.expect("stats");
        let vetoed = stats.shards.iter().map(|shard| shard.splits_vetoed).sum();
        (stats.partitions.len(), vetoed)
    })
}

#[test]
fn scattered_load_splits_a_partition() {
    let (partitions, _) = load(|n| number(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    assert_eq!(partitions, 2, "a thousand reads a second, and 600 are the most");
}

#[test]
fn a_single_hot_key_and_a_sequential_front_split_nothing() {
    for (partitions, vetoed) in [load(|_| number(1 << 60)), load(number)] {
        assert_eq!(partitions, 1);
        assert!(vetoed > 0, "the split was never due");
    }
}

#[test]
fn partitions_move_off_a_busy_shard_until_both_are_alike() {
    sim::run(10, &SimDisk::new(), async |world| {
        let balance = BalanceRules { lopsided_looks: 2, ..BalanceRules::default() };
        let most = Rates { reads_per_s: 300.0, writes_per_s: 300.0 };
        let rules = SplitRules { requests: most, hot_looks: 3600, ..SplitRules::default() };
        let split = SplitOptions { automatic: true, balance, rules, ..SplitOptions::default() };
        // Four partitions on each of two shards; only the first four are asked.
        let initial_splits = (1..8).map(|n| number(n << 61)).collect();
        let options = EngineOptions { initial_splits, split, ..small_options() };
        let engine = open_with(&world, 2, options).await.expect("opened");
        let handle = engine.handle();
        for n in 0..30_000 {
            handle.get(number((n % 4) << 61)).await.expect("get");
            world.sleep(Duration::from_millis(1)).await;
        }
        let partitions = engine.admin().partitions().await.expect("listed");
        let shards: Vec<u16> = partitions.iter().take(4).map(|(_, shard)| *shard).collect();
        assert_eq!(shards.iter().filter(|shard| **shard == 0).count(), 2, "{shards:?}");
        let stats = engine.admin().stats().await.expect("stats");
        assert_eq!(stats.shards.iter().map(|shard| shard.moves).sum::<u64>(), 2, "and no more");
    });
}
