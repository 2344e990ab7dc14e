//! Power lost at any step, of a creation, of a move, of a split: after the next open every key is
//! owned once, nothing acknowledged is lost, and nothing appears that nobody wrote.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::Bytes;
use flywheel_disk::sim::{self, Fault, Op, SimDisk, SimRng, SimWorld};
use flywheel_disk::{TaskClass, World};
use flywheel_shard::{Handle, LocalEngine, ShardError};

use crate::common::{as_number, key, number, open};

const SHARDS: usize = 3;
const KEYS: usize = 24;

/// More steps of the simulation than [`change_everything`] mostly takes.
const MANY_STEPS: u64 = 10_000;

/// What a client knows of one key: it may hold any value from the acknowledged to the last tried.
#[derive(Debug, Clone, Copy, Default)]
struct Counter {
    acknowledged: u64,
    tried: u64,
}

type Counters = Rc<RefCell<BTreeMap<usize, Counter>>>;

#[test]
fn a_creation_may_be_cut_short_anywhere() {
    let mut finished = false;
    for steps in (1..).step_by(3).take_while(|steps| *steps < 4000) {
        let disk = SimDisk::new();
        let created = sim::run_steps(steps, &disk, steps, async |world| {
            open(&world, SHARDS).await.handle().put(key(1), number(1)).await
        });
        disk.power_loss(steps);
        sim::run(steps, &disk, async |world| {
            let engine = open(&world, SHARDS).await;
            check_owned_once(&engine).await;
            let found = engine.handle().get(key(1)).await.expect("get");
            if created.is_some() {
                assert_eq!(as_number(&found.expect("acknowledged").value), 1, "steps {steps}");
            }
        });
        finished |= created.is_some();
    }
    assert!(finished, "no creation was long enough to finish");
}

#[test]
fn power_lost_at_every_step_of_a_move_loses_nothing() {
    let (base, first) = filled();
    // The seed says in which order tasks run, so that other moments come up.
    for seed in 0..4 {
        let steps = (1..).find(|&steps| {
            let (disk, counters) = (base.image(), Counters::default());
            counters.replace(first.clone());
            let moved = sim::run_steps(seed, &disk, steps, async |world| {
                move_one(&world, &counters).await;
            });
            lose_power_and_check(&disk, &counters, steps);
            moved.is_some()
        });
        assert!(steps > Some(200), "{steps:?} steps are too few for a move");
    }
}

/// Moves one partition while a few clients write.
async fn move_one(world: &SimWorld, counters: &Counters) {
    let engine = open(world, SHARDS).await;
    for k in (0..KEYS).step_by(8) {
        start_client(world, engine.handle(), k, Rc::clone(counters));
    }
    let place = engine.handle().locate(&key(0));
    let to = (place.shard + 1) % SHARDS as u16;
    engine.admin().move_partition(place.partition, to).await.expect("moved");
}

#[test]
fn power_lost_at_any_step_of_moves_and_splits_loses_nothing() {
    let (base, first) = filled();
    let (mut cut_short, mut finished) = (0, 0);
    for seed in 0..250 {
        let (disk, counters) = (base.image(), Counters::default());
        counters.replace(first.clone());
        let steps = SimRng::new(seed).below(MANY_STEPS);
        let ended = sim::run_steps(seed, &disk, steps, async |world| {
            change_everything(&world, &counters).await;
        });
        *(if ended.is_some() { &mut finished } else { &mut cut_short }) += 1;
        lose_power_and_check(&disk, &counters, seed);
    }
    assert!(cut_short > 50 && finished > 10, "{cut_short} cut short, {finished} finished");
}

/// A disk with an engine whose keys were all written, and what was written.
fn filled() -> (SimDisk, BTreeMap<usize, Counter>) {
    let (disk, counters) = (SimDisk::new(), Counters::default());
    sim::run(1, &disk, async |world| {
        let engine = open(&world, SHARDS).await;
        for k in 0..KEYS {
            raise(&engine.handle(), k, &counters).await.expect("first");
        }
        engine.close().await.expect("closed");
    });
    let written = counters.borrow().clone();
    (disk, written)
}

/// What must hold after every crash.
fn lose_power_and_check(disk: &SimDisk, counters: &Counters, seed: u64) {
    disk.power_loss(seed);
    sim::run(seed, disk, async |world| {
        let engine = open(&world, SHARDS).await;
        check_owned_once(&engine).await;
        check_counters(&engine.handle(), counters, seed).await;
        // The owners in the map take writes, too, and nobody else answers for them.
        for k in 0..KEYS {
            raise(&engine.handle(), k, counters).await.expect("write after the crash");
        }
        check_counters(&engine.handle(), counters, seed).await;
    });
}

#[test]
fn a_process_that_dies_without_power_loss_loses_nothing_either() {
    for seed in 0..40 {
        let (disk, counters) = (SimDisk::new(), Counters::default());
        let steps = 600 + SimRng::new(seed).below(4_000);
        sim::run_steps(seed, &disk, steps, async |world| {
            change_everything(&world, &counters).await;
        });
        sim::run(seed, &disk, async |world| {
            let engine = open(&world, SHARDS).await;
            check_owned_once(&engine).await;
            check_counters(&engine.handle(), &counters, seed).await;
        });
    }
}

#[test]
fn a_failed_write_in_a_move_leaves_one_owner_and_says_so() {
    for seed in 0..60 {
        let (disk, counters) = (SimDisk::new(), Counters::default());
        sim::run(seed, &disk, async |world| {
            let engine = open(&world, SHARDS).await;
            for k in 0..KEYS {
                raise(&engine.handle(), k, &counters).await.expect("first");
            }
            let place = engine.handle().locate(&key(0));
            let to = (place.shard + 1) % SHARDS as u16;
            let shard = if seed % 2 == 0 { to } else { place.shard };
            write_and_fail_later(&world, &engine, &counters, seed, shard);
            let moved = engine.admin().move_partition(place.partition, to).await;
            let fair = matches!(
                moved,
                Ok(()) | Err(ShardError::NotMoved { .. } | ShardError::Stranded(_))
            );
            assert!(fair, "seed {seed}: {moved:?}");
            if shard == to {
                // The disk that holds the partition is well: it is served, whatever failed there.
                assert!(!matches!(moved, Err(ShardError::Stranded(_))), "seed {seed}");
                engine.handle().get(key(0)).await.expect("served");
                if moved.is_err() {
                    raise(&engine.handle(), 0, &counters).await.expect("written");
                }
            }
            // The store whose disk failed says so again when it is closed.
            let _ = engine.close().await;
        });
        // The fault may not have happened yet, and opening writes too.
        disk.forget_planned_faults();
        sim::run(seed, &disk, async |world| {
            let engine = open(&world, SHARDS).await;
            check_owned_once(&engine).await;
            check_counters(&engine.handle(), &counters, seed).await;
        });
    }
}

/// Lets the next write of one shard's log fail at some moment of the move, with clients writing.
fn write_and_fail_later(
    world: &SimWorld,
    engine: &LocalEngine,
    counters: &Counters,
    seed: u64,
    shard: u16,
) {
    let (napping, disk) = (world.clone(), world.disk().clone());
    let nap_us = SimRng::new(seed).below(12_000);
    world.spawn(TaskClass::Foreground, async move {
        napping.sleep(std::time::Duration::from_micros(nap_us)).await;
        disk.plan(Fault::Error(Op::Write), &format!("shard-{shard:04}/segment"));
    });
    for k in 0..KEYS {
        start_client(world, engine.handle(), k, Rc::clone(counters));
    }
}

/// Clients that write all the time, while partitions are split and moved around.
async fn change_everything(world: &SimWorld, counters: &Counters) {
    let engine = open(world, SHARDS).await;
    for k in 0..KEYS {
        start_client(world, engine.handle(), k, Rc::clone(counters));
    }
    let admin = engine.admin();
    for round in 0..2 * SHARDS {
        let place = engine.handle().locate(&key(round * 5));
        let to = (place.shard + 1) % SHARDS as u16;
        admin.move_partition(place.partition, to).await.expect("moved");
        let at = key(round * 3 + 1);
        let id = engine.handle().locate(&at).partition;
        match admin.split_partition(id, at).await {
            Ok(_) | Err(ShardError::BadSplit { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    engine.close().await.expect("closed");
}

/// A client that raises one key until the engine closes.
fn start_client(world: &SimWorld, handle: Handle, k: usize, counters: Counters) {
    world.spawn(TaskClass::Foreground, async move {
        while raise(&handle, k, &counters).await.is_ok() {}
    });
}

/// Deletes the key or writes its next number; both count.
async fn raise(handle: &Handle, k: usize, counters: &Counters) -> Result<(), ShardError> {
    let next = {
        let mut counters = counters.borrow_mut();
        let counter = counters.entry(k).or_default();
        counter.tried += 1;
        counter.tried
    };
    if is_deletion(next) {
        handle.delete(key(k)).await?;
    } else {
        handle.put(key(k), number(next)).await?;
    }
    counters.borrow_mut().get_mut(&k).expect("made above").acknowledged = next;
    Ok(())
}

/// Every fifth change of a key deletes it.
fn is_deletion(n: u64) -> bool {
    n.is_multiple_of(5)
}

async fn check_counters(handle: &Handle, counters: &Counters, seed: u64) {
    let counters = counters.borrow().clone();
    for (k, Counter { acknowledged, tried }) in counters {
        let found = handle.get(key(k)).await.expect("get").map(|found| as_number(&found.value));
        let fits = match found {
            Some(found) => (acknowledged..=tried).contains(&found),
            None => acknowledged == 0 || (acknowledged..=tried).any(is_deletion),
        };
        assert!(fits, "seed {seed}: key {k} is {found:?}, not {acknowledged}..={tried}");
    }
}

/// The partitions cover all keys once.
async fn check_owned_once(engine: &LocalEngine) {
    let mut reached = Some(Bytes::new());
    for (info, _) in engine.admin().partitions().await.expect("listed") {
        assert_eq!(reached, Some(info.spec.start.clone()), "a gap or an overlap");
        reached = info.spec.end;
    }
    assert_eq!(reached, None, "the last keys have no owner");
}
