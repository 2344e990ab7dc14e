//! Many callers at once, over several lives on one disk: what was answered stays true, whatever ends
//! a life. The book of answers and its rules stand in `history`.

use std::cell::Cell;
use std::ops::Bound;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use flywheel_disk::sim::{self, Fault, Op, SimDisk, SimRng, SimWorld};
use flywheel_disk::{TaskClass, World};
use flywheel_store::{
    Change, Condition, PartitionId, ScanRequest, Store, StoreError, StoreOptions, Versioned, Write,
    WriteBatch, WriteOutcome,
};
use futures_util::future::{join, select};

use crate::fixture::{everything, open_with, options};
use crate::history::History;

const KEYS: u64 = 24;
const COUNTERS: u64 = 3;
const PAIRS: u64 = 3;
const WORKERS: u64 = 8;
const OPERATIONS: u64 = 160;

/// What one caller works with.
#[derive(Clone)]
struct Caller {
    world: SimWorld,
    store: Store<SimWorld>,
    history: Rc<History>,
}

/// Lives in a row on one disk; all but the last end in a crash at a random step.
fn lives(seed: u64, crashes: u64, power: impl Fn(&mut SimRng) -> bool) {
    let disk = SimDisk::new();
    let mut rng = SimRng::new(seed ^ 0x5EED);
    let history = Rc::new(History::new(seed));
    for life in 0..crashes {
        let steps = 1 + rng.below(if life == 0 { 8_000 } else { 40_000 });
        let life_seed = seed * 1_000 + life;
        let own = history.clone();
        sim::run_steps(life_seed, &disk, steps, async move |world| one_life(world, own).await);
        if power(&mut rng) {
            disk.power_loss(life_seed);
        }
    }
    for last in 0..2 {
        let own = history.clone();
        sim::run(seed * 1_000 + 900 + last, &disk, async move |world| one_life(world, own).await);
    }
}

/// Opens, checks what is there against the book, works, closes.
async fn one_life(world: SimWorld, history: Rc<History>) {
    // Some lives without a cache, so that reads meet the disk; some with more groups in flight.
    let seed = world.seed();
    let options = StoreOptions {
        cache_bytes: if seed.is_multiple_of(3) { 0 } else { 16 << 10 },
        commit_depth: 1 + (seed % 4) as usize,
        commit_beside_bytes: (seed % 3) as usize * 1024,
        // Where checkpoints are rare, replay is long and much waits to be recycled.
        checkpoint_min_log_bytes: if seed.is_multiple_of(2) { 96 << 10 } else { 1 << 20 },
        ..options()
    };
    let store = open_with(&world, options).await.unwrap_or_else(|error| {
        panic!("opens with seed {seed}: {error}");
    });
    let page = store.scan(everything()).await.expect("scans");
    history.begin_life(&page.items);
    let running = Rc::new(Cell::new(WORKERS));
    for worker in 0..WORKERS {
        let caller =
            Caller { world: world.clone(), store: store.clone(), history: history.clone() };
        let mut rng = SimRng::new(seed ^ (worker + 1) << 32);
        let running = running.clone();
        world.spawn(TaskClass::Foreground, async move {
            for _ in 0..OPERATIONS {
                caller.operate(&mut rng).await;
            }
            running.set(running.get() - 1);
        });
    }
    while running.get() > 0 {
        world.sleep(Duration::from_millis(1)).await;
    }
    let page = store.scan(everything()).await.expect("scans");
    history.check_quiet(&page.items);
    store.close().await.expect("closes");
}

impl Caller {
    async fn operate(&self, rng: &mut SimRng) {
        match rng.below(100) {
            0..30 => self.put(rng, None).await,
            30..38 => self.delete(rng).await,
            38..48 => self.put_if(rng).await,
            48..62 => self.increment(rng).await,
            62..72 => self.write_pair(rng).await,
            72..88 => self.read(rng).await,
            88..94 => self.scan(rng).await,
            94..98 => self.read_snapshot(rng).await,
            98 if rng.below(12) == 0 => self.store.checkpoint().await.expect("checkpoints"),
            _ => self.world.sleep(Duration::from_millis(rng.below(20))).await,
        }
    }

    async fn put(&self, rng: &mut SimRng, condition: Option<Condition>) {
        let key = plain_key(rng);
        let value = self.history.new_value(&key, length(rng));
        let submitted = self.history.submit(&key, Some(value.clone()));
        let batch =
            WriteBatch { writes: vec![Write { key: key.clone(), value: Some(value), condition }] };
        let outcome = self.store.write(batch).await.expect("writes");
        self.history.answered(submitted, condition, &outcome);
    }

    async fn delete(&self, rng: &mut SimRng) {
        let key = plain_key(rng);
        let submitted = self.history.submit(&key, None);
        let outcome = self.store.write(WriteBatch::delete(key)).await.expect("deletes");
        self.history.answered(submitted, None, &outcome);
    }

    async fn put_if(&self, rng: &mut SimRng) {
        let key = plain_key(rng);
        let asked = self.history.ask(&key);
        let found = self.store.get(&key).await.expect("reads");
        self.history.check_read(&key, &asked, found.as_ref());
        let condition = match (&found, rng.below(4)) {
            (_, 0) => Condition::Absent,
            (Some(_), 1) | (None, _) => Condition::Exists,
            (Some(found), _) => Condition::VersionIs(found.version),
        };
        let value = self.history.new_value(&key, length(rng));
        let submitted = self.history.submit_if(&key, Some(value.clone()));
        let batch = WriteBatch::put(key, value).when(condition);
        let outcome = self.store.write(batch).await.expect("decides");
        self.history.answered(submitted, Some(condition), &outcome);
    }

    async fn increment(&self, rng: &mut SimRng) {
        let key = Bytes::from(format!("counter{}", rng.below(COUNTERS)));
        let padding = length(rng);
        self.history.count_submitted(&key);
        let change = |before: Option<&Versioned>| {
            let count = before.map_or(0, |before| History::count_in(&before.value));
            Change::Put(History::counter(count + 1, padding))
        };
        let modified = self.store.modify(key.clone(), change).await.expect("modifies");
        let before = modified.before.map_or(0, |before| History::count_in(&before.value));
        self.history.counted(&key, before + 1);
    }

    async fn write_pair(&self, rng: &mut SimRng) {
        let pair = rng.below(PAIRS);
        let stamp = self.history.new_value(b"pair", length(rng));
        let write = |end| Write {
            key: Bytes::from(format!("pair{pair}{end}")),
            value: Some(stamp.clone()),
            condition: None,
        };
        let submitted = self.history.submit(&write('a').key, Some(stamp.clone()));
        let batch = WriteBatch { writes: vec![write('a'), write('b')] };
        let outcome = self.store.write(batch).await.expect("writes");
        self.history.answered(submitted, None, &outcome);
    }

    async fn read(&self, rng: &mut SimRng) {
        let key = plain_key(rng);
        let asked = self.history.ask(&key);
        let found = self.store.get(&key).await.expect("reads");
        self.history.check_read(&key, &asked, found.as_ref());
    }

    async fn scan(&self, rng: &mut SimRng) {
        let asked = self.history.ask_all();
        let start = Bound::Included(plain_key(rng));
        let all = rng.coin();
        let request =
            if all { everything() } else { ScanRequest { start, max_items: 9, ..everything() } };
        let page = self.store.scan(request).await.expect("scans");
        self.history.check_page(&asked, &page.items, all);
    }

    async fn read_snapshot(&self, rng: &mut SimRng) {
        let asked = self.history.ask_all();
        let snapshot = self.store.snapshot();
        let first = snapshot.scan(&everything()).await.expect("scans");
        self.history.check_page(&asked, &first.items, true);
        self.world.sleep(Duration::from_millis(rng.below(10))).await;
        let again = snapshot.scan(&everything()).await.expect("scans again");
        assert!(first.items == again.items, "a snapshot changed, seed {}", self.world.seed());
    }
}

fn plain_key(rng: &mut SimRng) -> Bytes {
    Bytes::from(format!("plain{:02}", rng.below(KEYS)))
}

fn length(rng: &mut SimRng) -> usize {
    match rng.below(10) {
        0 => 6_000,
        1..4 => rng.below(3_000) as usize,
        _ => rng.below(200) as usize,
    }
}

#[test]
fn answers_hold_while_the_machine_stays_up() {
    for seed in 0..20 {
        lives(seed, 0, |_| false);
    }
}

#[test]
fn answers_hold_over_power_losses() {
    for seed in 100..160 {
        lives(seed, 4, |_| true);
    }
}

#[test]
fn answers_hold_over_crashes_of_process_and_machine() {
    for seed in 200..240 {
        lives(seed, 6, SimRng::coin);
    }
}

/// An answer that never comes hangs its caller: the simulation would call that a deadlock.
#[test]
fn every_caller_is_answered_when_writes_fail() {
    for seed in 300..340 {
        let disk = SimDisk::new();
        let history = Rc::new(History::new(seed));
        let own = history.clone();
        let faults = disk.clone();
        sim::run(seed, &disk, async move |world| {
            let store = open_with(&world, options()).await.expect("opens");
            let mut rng = SimRng::new(seed);
            let running = Rc::new(Cell::new(WORKERS));
            for worker in 0..WORKERS {
                let (store, own, running) = (store.clone(), own.clone(), running.clone());
                let mut rng = SimRng::new(seed ^ (worker + 1) << 32);
                world.spawn(TaskClass::Foreground, async move {
                    while put_until_stopped(&store, &own, &mut rng).await {}
                    running.set(running.get() - 1);
                });
            }
            world.sleep(Duration::from_millis(rng.below(60))).await;
            if rng.coin() {
                faults.plan(Fault::Error(Op::Write), "/")
            } else {
                faults.plan(Fault::Error(Op::Sync), "segment")
            }
            while running.get() > 0 {
                world.sleep(Duration::from_millis(1)).await;
            }
            let page = store.scan(everything()).await.expect("reads go on");
            own.check_seen(&page.items);
            assert!(matches!(store.checkpoint().await, Err(StoreError::Stopped(_))));
            let _ = store.close().await;
        });
        let own = history.clone();
        sim::run(seed + 1, &disk, async move |world| one_life(world, own).await);
    }
}

async fn put_until_stopped(store: &Store<SimWorld>, history: &History, rng: &mut SimRng) -> bool {
    let key = plain_key(rng);
    let value = history.new_value(&key, length(rng));
    let submitted = history.submit(&key, Some(value.clone()));
    match store.write(WriteBatch::put(key, value)).await {
        Ok(outcome @ WriteOutcome::Applied { .. }) => {
            history.answered(submitted, None, &outcome);
            true
        }
        Err(StoreError::Stopped(_)) => false,
        other => panic!("a put is applied or stopped, found {other:?}"),
    }
}

/// Both are checked against a table that knows the other, or both would be there.
#[test]
fn of_two_equal_partitions_made_at_once_one_is_refused() {
    for seed in 0..20 {
        sim::run(seed, &SimDisk::new(), async |world| {
            let store = open_with(&world, options()).await.expect("opens");
            let split = |right| {
                store.split_partition(PartitionId(1), Bytes::from_static(b"m"), PartitionId(right))
            };
            let (one, two) = join(split(2), split(2)).await;
            assert!(one.is_ok() != two.is_ok(), "{one:?} and {two:?}, seed {seed}");
            let (one, two) = join(split(3), store.drop_partition(PartitionId(2))).await;
            assert!(one.is_err() && two.is_ok(), "{one:?} and {two:?}, seed {seed}");
            assert_eq!(store.partitions().len(), 1, "seed {seed}");
        });
    }
}

/// A caller that no longer waits must not keep others from their checkpoints, or from closing.
#[test]
fn a_checkpoint_given_up_blocks_nobody() {
    for seed in 0..20 {
        sim::run(seed, &SimDisk::new(), async |world| {
            let store = open_with(&world, options()).await.expect("opens");
            for number in 0..50 {
                let key = Bytes::from(format!("plain{number:02}"));
                store.write(WriteBatch::put(key.clone(), key)).await.expect("writes");
            }
            {
                let patience = world.sleep(Duration::from_micros(100 + 50 * seed));
                let checkpoint = pin!(store.checkpoint());
                let _ = select(checkpoint, patience).await;
            }
            store.checkpoint().await.expect("checkpoints");
            store.close().await.expect("closes");
        });
    }
}
