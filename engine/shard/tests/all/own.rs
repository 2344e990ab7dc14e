//! Own ranges: where appends go, what stays where it is, readers that wait for more and miss nothing while
//! partitions move, full disks.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use flywheel_disk::sim::{self, SimDisk, SimWorld};
use flywheel_disk::{TaskClass, World};
use flywheel_shard::{
    Change, Direction, Effect, EngineOptions, Handle, LocalEngine, Rates, ScanRequest, ShardError,
    SplitOptions, SplitRules, StoreError, Version, Versioned, WriteBatch, limits, own_prefix,
};
use futures_util::FutureExt;
use futures_util::future::join_all;

use crate::common::{as_number, everything, key, number, open, open_with, small_options};
use crate::moving::shuffle;

const SHARDS: usize = 3;
const CLIENTS: usize = 6;
const STEM: &[u8] = b"log/";

fn with_own_ranges() -> EngineOptions {
    EngineOptions { own_ranges: true, ..small_options() }
}

/// Raises a key, and appends its number and what it holds now. What it holds, and its version.
async fn raise(handle: &Handle, n: usize) -> Result<(u64, Version), ShardError> {
    let change = move |now: Option<&Bytes>| {
        let next = now.map_or(0, |now| as_number(now)) + 1;
        let value = Bytes::from([(n as u64).to_be_bytes(), next.to_be_bytes()].concat());
        let put = Effect::Put { key: key(n), value: number(next) };
        Change::Several(vec![put, Effect::Append { stem: STEM.into(), value }])
    };
    let modified = handle.modify(key(n), Box::new(change)).await?;
    let before = modified.before.map_or(0, |before| as_number(&before.value));
    Ok((before + 1, modified.version.expect("something was written")))
}

/// The number of the key and what it held then.
fn appended(item: &Versioned) -> (usize, u64) {
    let (n, held) = item.value.split_at(8);
    (as_number(n) as usize, as_number(held))
}

fn feed_key(shard: u16, version: Version) -> Bytes {
    Bytes::from([&own_prefix(shard)[..], STEM, &version.to_be_bytes()].concat())
}

/// What was appended to a shard's own range behind `cursor`, a page of it.
async fn page(handle: &Handle, shard: u16, cursor: Version) -> Vec<(Bytes, Versioned)> {
    let request = ScanRequest {
        start: Bound::Excluded(feed_key(shard, cursor)),
        end: Bound::Excluded(feed_key(shard, Version::MAX)),
        ..everything(Direction::Forward, 7)
    };
    let items = handle.scan(request).await.expect("scan").items;
    assert!(items.iter().all(|(key, item)| *key == feed_key(shard, item.version)), "{items:?}");
    items
}

#[test]
fn appends_stand_in_the_own_range_of_the_shard_that_decides() {
    let disk = SimDisk::new();
    let mut last = 0;
    for life in 0..3 {
        last = sim::run(life, &disk, async |world| {
            // Whether there are own ranges was decided when the directory was made.
            let options = EngineOptions { own_ranges: life == 0, ..small_options() };
            let engine = open_with(&world, 2, options).await.expect("opened");
            let (handle, mut last) = (engine.handle(), last);
            assert!(handle.has_own_ranges() && handle.shards() == 2);
            for n in 0..20 {
                let shard = handle.locate(&key(n)).shard;
                let (held, version) = raise(&handle, n).await.expect("raised");
                let found = handle.get(feed_key(shard, version + 1)).await.expect("get");
                assert_eq!(found.as_ref().map(appended), Some((n, held)));
                assert_eq!(held, life + 1);
                if shard == 0 {
                    assert!(version > last, "over restarts too");
                    last = version;
                    let trimmed = WriteBatch::delete(feed_key(0, version + 1));
                    handle.write(trimmed).await.expect("trimmed");
                }
            }
            let partitions = engine.admin().partitions().await.expect("listed");
            let owned: Vec<_> =
                partitions.iter().map(|(info, shard)| (info.spec.start.to_vec(), *shard)).collect();
            assert_eq!(owned[..3], [(vec![], 0), (own_prefix(1).to_vec(), 1), (vec![1], 0)]);
            assert_eq!(page(&handle, 0, 0).await, []);
            engine.close().await.expect("closed");
            last
        });
    }
}

#[test]
fn own_ranges_are_never_split_nor_moved() {
    sim::run(2, &SimDisk::new(), async |world| {
        let split = SplitOptions {
            automatic: true,
            rules: SplitRules {
                size_bytes: 16 << 10,
                requests: Rates { writes_per_s: 1.0, ..SplitRules::default().requests },
                hot_looks: 2,
                ..SplitRules::default()
            },
            ..SplitOptions::default()
        };
        let options = EngineOptions { split, initial_splits: Vec::new(), ..with_own_ranges() };
        let engine = open_with(&world, 2, options).await.expect("opened");
        let handle = engine.handle();
        for n in 0..600 {
            let effect = Effect::Append { stem: STEM.into(), value: Bytes::from(vec![7; 100]) };
            let change = Box::new(|_: Option<&Bytes>| Change::Several(vec![effect]));
            handle.modify(key(n), change).await.expect("appended");
            handle.put(feed_key(0, n as u64 * 7_919 % 600), number(1)).await.expect("put");
            world.sleep(Duration::from_millis(10)).await;
        }
        for shard in 0..2 {
            let place = handle.locate(&own_prefix(shard));
            let moved = engine.admin().move_partition(place.partition, 1 - shard).await;
            assert!(matches!(moved, Err(ShardError::NotMoved { .. })), "{moved:?}");
            let at = feed_key(shard, 300);
            let cut = engine.admin().split_partition(place.partition, at).await;
            let message = cut.as_ref().expect_err("refused").to_string();
            assert!(message.contains("own range"), "{message}");
            assert!(matches!(cut, Err(ShardError::BadSplit { .. })), "{message}");
        }
        let partitions = engine.admin().partitions().await.expect("listed");
        let own = partitions.iter().filter(|(info, _)| *info.spec.start < b"\x01"[..]);
        assert_eq!(own.count(), 2);
        engine.close().await.expect("closed");
    });
}

#[test]
fn splits_within_own_ranges_are_refused_in_the_options() {
    for (split, is_good) in [(&b"\0k"[..], false), (b"\x01", false), (b"\x01\0", true)] {
        let initial_splits = vec![Bytes::from_static(split)];
        let options = EngineOptions { initial_splits, ..with_own_ranges() };
        assert_eq!(options.check().is_ok(), is_good, "{split:?}");
    }
}

/// Reads what is appended to a shard until the engine closes.
async fn follow(handle: &Handle, shard: u16, seen: &RefCell<Vec<(Version, (usize, u64))>>) {
    let (mut cursor, mut told) = (0, 0);
    loop {
        let items = page(handle, shard, cursor).await;
        if items.is_empty() {
            match handle.appended(shard, told.max(cursor)).await {
                Ok(version) => {
                    assert!(version > told.max(cursor), "woken for nothing");
                    told = version;
                }
                Err(ShardError::Closed) => return,
                Err(error) => panic!("{error}"),
            }
        }
        for (_, item) in items {
            assert!(item.version > cursor);
            cursor = item.version;
            seen.borrow_mut().push((item.version, appended(&item)));
        }
    }
}

async fn raise_own_keys(handle: &Handle, client: usize, stop: &Cell<bool>) -> Vec<(usize, u64)> {
    let mut held = Vec::new();
    for n in (0..5).cycle() {
        if stop.get() {
            break;
        }
        let own = n * CLIENTS + client;
        held.push((own, raise(handle, own).await.expect("raised").0));
    }
    held
}

#[test]
fn readers_that_wait_miss_nothing_while_partitions_move() {
    for seed in 0..12 {
        sim::run(seed, &SimDisk::new(), async |world| {
            let engine = open_with(&world, SHARDS, with_own_ranges()).await.expect("opened");
            let seen: Rc<RefCell<Vec<_>>> = Rc::default();
            for shard in 0..SHARDS as u16 {
                let (handle, seen) = (engine.handle(), Rc::clone(&seen));
                world.spawn(TaskClass::Foreground, async move {
                    follow(&handle, shard, &seen).await;
                });
            }
            let (stop, running) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(CLIENTS)));
            let raised: Rc<RefCell<Vec<_>>> = Rc::default();
            for client in 0..CLIENTS {
                let (handle, stop) = (engine.handle(), Rc::clone(&stop));
                let (running, raised) = (Rc::clone(&running), Rc::clone(&raised));
                world.spawn(TaskClass::Foreground, async move {
                    let held = raise_own_keys(&handle, client, &stop).await;
                    raised.borrow_mut().extend(held);
                    running.set(running.get() - 1);
                });
            }
            shuffle(&engine, seed as usize).await;
            stop.set(true);
            while running.get() > 0 {
                world.sleep(Duration::from_millis(1)).await;
            }
            world.sleep(Duration::from_millis(100)).await;
            let mut seen = seen.take();
            // Each key's in the order of their versions, whatever shard decided.
            seen.sort_unstable();
            let mut of_keys: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
            for (_, (n, held)) in &seen {
                of_keys.entry(*n).or_default().push(*held);
            }
            for (n, held) in of_keys {
                let expected: Vec<u64> = (1..=held.len() as u64).collect();
                assert_eq!(held, expected, "key {n}, seed {seed}");
            }
            assert_eq!(seen.len(), raised.borrow().len(), "seed {seed}");
            let stats = engine.admin().stats().await.expect("stats");
            assert!(stats.shards.iter().any(|shard| shard.moves > 0));
            engine.close().await.expect("closed");
        });
    }
}

#[test]
fn waits_end_are_bounded_and_may_be_given_up() {
    sim::run(4, &SimDisk::new(), async |world| {
        let engine = open(&world, 2).await;
        let none = engine.handle().appended(0, 0).await;
        assert!(matches!(none, Err(ShardError::NoOwnRanges)), "{none:?}");
        engine.close().await.expect("closed");
    });
    sim::run(5, &SimDisk::new(), async |world| {
        let engine = open_with(&world, 1, with_own_ranges()).await.expect("opened");
        let handle = engine.handle();
        let far = handle.appended(1, 0).await;
        assert!(matches!(far, Err(ShardError::NoSuchShard { asked: 1, last: 0 })), "{far:?}");
        for _ in 0..2 * limits::MAX_FEED_WAITERS {
            let mut given_up = pin!(handle.appended(0, 0));
            assert!((&mut given_up).now_or_never().is_none());
            // It arrives before it is dropped.
            world.sleep(Duration::from_micros(1)).await;
        }
        let mut waits = Vec::new();
        for _ in 0..limits::MAX_FEED_WAITERS {
            let mut wait = Box::pin(handle.appended(0, 0));
            assert!((&mut wait).now_or_never().is_none());
            world.sleep(Duration::from_micros(1)).await;
            waits.push(wait);
        }
        let one_more = handle.appended(0, 0).await;
        assert!(matches!(one_more, Err(ShardError::Busy(_))), "{one_more:?}");
        let (_, version) = raise(&handle, 1).await.expect("raised");
        for answer in join_all(waits).await {
            assert_eq!(answer.expect("woken"), version + 1);
        }
        let mut late = pin!(handle.appended(0, version + 1));
        assert!((&mut late).now_or_never().is_none());
        engine.close().await.expect("closed");
        assert!(matches!(late.await, Err(ShardError::Closed)));
    });
}

/// Puts until the disk is full.
async fn fill(handle: &Handle) {
    for n in 0.. {
        match handle.put(key(1_000 + n), Bytes::from(vec![7; 9_000])).await {
            Ok(_) => {}
            Err(ShardError::Store(error)) if matches!(*error, StoreError::Full(_)) => return,
            Err(error) => panic!("{error}"),
        }
    }
}

async fn check_full(world: &SimWorld, disk: &SimDisk, engine: &LocalEngine) {
    let handle = engine.handle();
    let (held, version) = raise(&handle, 1).await.expect("raised");
    disk.set_capacity_bytes(Some(disk.used_bytes() + (1 << 20)));
    fill(&handle).await;
    // Compaction may make a little room now and then.
    let mut last = (held, version);
    let refused = loop {
        match raise(&handle, 1).await {
            Ok(raised) => last = raised,
            Err(refused) => break refused,
        }
        fill(&handle).await;
    };
    let is_full =
        matches!(&refused, ShardError::Store(error) if matches!(**error, StoreError::Full(_)));
    assert!(is_full, "{refused}");
    let found = handle.get(key(1)).await.expect("get").expect("there");
    assert_eq!((as_number(&found.value), found.version), last);
    let mut feed = page(&handle, 0, version).await;
    while let Some((_, behind)) = feed.last() {
        assert!(behind.version <= last.1 + 1, "appended and refused");
        feed = page(&handle, 0, behind.version).await;
    }
    handle.write(WriteBatch::delete(feed_key(0, version + 1))).await.expect("trims go on");
    disk.set_capacity_bytes(None);
    for _ in 0..100 {
        if let Ok((held, _)) = raise(&handle, 1).await {
            assert_eq!(held, last.0 + 1);
            return;
        }
        world.sleep(Duration::from_millis(100)).await;
    }
    panic!("writes did not come back");
}

#[test]
fn a_full_disk_refuses_all_effects_or_none() {
    for seed in 0..8 {
        let disk = SimDisk::new();
        let own = disk.clone();
        sim::run(seed, &disk, async move |world| {
            let engine = open_with(&world, 1, with_own_ranges()).await.expect("opened");
            check_full(&world, &own, &engine).await;
            engine.close().await.expect("closed");
        });
    }
}
