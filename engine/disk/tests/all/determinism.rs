//! A seed decides everything that happens in the simulated machine, and nothing else does. Not
//! about the disk's promises.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

use flywheel_disk::limits::BLOCK_BYTES;
use flywheel_disk::sim::{self, SimDisk, SimExecutor, SimOptions, SimWorld, TaskOrder};
use flywheel_disk::{File, TaskClass, World};
use futures_util::future::{Either, join_all, select};

use crate::{create_log, filled, log};

/// A run with much to decide: tasks that write, sync, read, yield and sleep. Returns the trace and
/// the final bytes.
fn busy_run(seed: u64) -> (u64, Vec<u8>) {
    let (executor, disk) = (SimExecutor::new(seed), SimDisk::new());
    let world = SimWorld::new(&executor, &disk, SimOptions::default());
    executor.block_on(async {
        let file = Rc::new(create_log(&world, 8 * BLOCK_BYTES as u64).await);
        let left = Rc::new(Cell::new(8));
        for task in 0..8u64 {
            let (world, file, left) = (world.clone(), file.clone(), left.clone());
            world.clone().spawn(TaskClass::Foreground, async move {
                for round in 0..5 {
                    let offset_bytes = task * BLOCK_BYTES as u64;
                    let buffer = filled(&world, BLOCK_BYTES, (task * 10 + round) as u8);
                    file.write(offset_bytes, buffer).await.expect("a healthy disk");
                    world.yield_if_needed().await;
                    file.sync().await.expect("a healthy disk");
                    world.sleep(Duration::from_micros(task * 10)).await;
                    file.read(0, 8 * BLOCK_BYTES).await.expect("a healthy disk");
                }
                left.set(left.get() - 1);
            });
        }
        while left.get() > 0 {
            world.sleep(Duration::from_millis(1)).await;
        }
    });
    (executor.trace(), disk.read_bytes(&log()))
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in 0..20 {
        assert_eq!(busy_run(seed).0, busy_run(seed).0, "seed {seed}");
    }
}

#[test]
fn different_seeds_give_different_traces_and_the_same_result() {
    let runs: Vec<_> = (0..50).map(busy_run).collect();
    let traces: BTreeSet<_> = runs.iter().map(|(trace, _)| trace).collect();
    assert_eq!(traces.len(), runs.len());
    assert!(runs.iter().all(|(_, bytes)| *bytes == runs[0].1));
}

/// The order in which five tasks ran that were ready together.
fn order_of_five(executor: &SimExecutor) -> Vec<u32> {
    let world = SimWorld::new(executor, &SimDisk::new(), SimOptions::default());
    executor.block_on(async {
        let order = Rc::new(RefCell::new(Vec::new()));
        for task in 0..5 {
            let order = order.clone();
            world.spawn(TaskClass::Background, async move { order.borrow_mut().push(task) });
        }
        world.sleep(Duration::from_nanos(1)).await;
        order.take()
    })
}

#[test]
fn ready_tasks_run_in_any_order_or_first_come_first_served() {
    let orders: BTreeSet<_> =
        (0..2_000).map(|seed| order_of_five(&SimExecutor::new(seed))).collect();
    assert_eq!(orders.len(), 120, "all orders of five tasks come up");
    for seed in 0..20 {
        let executor = SimExecutor::with_order(seed, TaskOrder::Fifo);
        assert_eq!(order_of_five(&executor), [0, 1, 2, 3, 4], "seed {seed}");
    }
}

#[test]
fn requests_end_out_of_order() {
    let orders: BTreeSet<_> = (0..50)
        .map(|seed| {
            sim::run(seed, &SimDisk::new(), async |world| {
                let file = create_log(&world, 4 * BLOCK_BYTES as u64).await;
                let order = RefCell::new(Vec::new());
                join_all((0..4).map(async |block: u64| {
                    let buffer = world.buffer(BLOCK_BYTES);
                    file.write(block * BLOCK_BYTES as u64, buffer).await.expect("healthy");
                    order.borrow_mut().push(block);
                }))
                .await;
                order.take()
            })
        })
        .collect();
    assert!(orders.len() > 10, "only the orders {orders:?}");
}

#[test]
fn the_clock_jumps_to_the_next_timer_that_somebody_awaits() {
    let executor = SimExecutor::new(1);
    let world = SimWorld::new(&executor, &SimDisk::new(), SimOptions::default());
    executor.block_on(async {
        world.sleep(Duration::from_secs(3_600)).await;
        assert_eq!(world.now_ns(), 3_600_000_000_000);
        let long = std::pin::pin!(world.sleep(Duration::from_secs(1_000)));
        let short = std::pin::pin!(world.sleep(Duration::from_secs(1)));
        assert!(matches!(select(long, short).await, Either::Right(_)));
        world.sleep(Duration::MAX).await;
    });
    assert_eq!(executor.now_ns(), u64::MAX);
}

#[test]
fn an_abandoned_sleep_does_not_move_the_clock() {
    let executor = SimExecutor::new(1);
    let world = SimWorld::new(&executor, &SimDisk::new(), SimOptions::default());
    executor.block_on(async {
        drop(world.sleep(Duration::from_secs(1)));
        world.sleep(Duration::from_secs(2)).await;
    });
    assert_eq!(executor.now_ns(), 2_000_000_000);
}

#[test]
fn a_task_that_only_yields_still_sees_its_request_end() {
    let options = SimOptions { yields_per_million: 1_000_000, ..SimOptions::default() };
    sim::run_with(3, &SimDisk::new(), options, async |world| {
        let done = Rc::new(Cell::new(false));
        let (file, setter) = (create_log(&world, BLOCK_BYTES as u64).await, done.clone());
        world.spawn(TaskClass::Foreground, async move {
            file.read(0, BLOCK_BYTES).await.expect("a healthy disk");
            setter.set(true);
        });
        while !done.get() {
            world.yield_if_needed().await;
        }
    });
}

#[test]
#[should_panic(expected = "deadlock in the simulation with seed 42")]
fn a_deadlock_panics_with_its_seed() {
    sim::run(42, &SimDisk::new(), async |world| {
        drop(world.sleep(Duration::from_secs(1)));
        pending::<()>().await;
    });
}

#[test]
fn dropping_the_executor_drops_its_tasks() {
    let alive = Rc::new(());
    let world = sim::run(5, &SimDisk::new(), async |world| {
        for _ in 0..3 {
            let held = (alive.clone(), world.clone());
            world.spawn(TaskClass::Commit, async move {
                pending::<()>().await;
                drop(held);
            });
        }
        world.sleep(Duration::from_millis(1)).await;
        assert_eq!(Rc::strong_count(&alive), 4);
        world
    });
    assert_eq!(Rc::strong_count(&alive), 1, "a crash leaves nothing in memory");
    let held = alive.clone();
    world.spawn(TaskClass::Commit, async move { drop(held) });
    assert_eq!(Rc::strong_count(&alive), 1, "a dead executor takes no tasks");
}

#[test]
fn a_run_can_be_stopped_at_every_step() {
    let mut progress = vec![0];
    for steps in 1.. {
        let disk = SimDisk::new();
        let ended = sim::run_steps(9, &disk, steps, async |world| {
            let file = create_log(&world, 4 * BLOCK_BYTES as u64).await;
            for block in 0..4 {
                let buffer = filled(&world, BLOCK_BYTES, 1);
                file.write_durable(block * BLOCK_BYTES as u64, buffer).await.expect("healthy");
            }
        });
        let has_log = !disk.files().is_empty();
        let bytes = if has_log { disk.durable_bytes(&log()) } else { Vec::new() };
        progress.push(bytes.iter().filter(|&&byte| byte == 1).count());
        if ended.is_some() {
            break;
        }
    }
    assert!(progress.is_sorted(), "{progress:?}");
    assert_eq!(progress.last(), Some(&(4 * BLOCK_BYTES)));
    progress.dedup();
    assert_eq!(progress.len(), 5, "every number of blocks came up: {progress:?}");
}
