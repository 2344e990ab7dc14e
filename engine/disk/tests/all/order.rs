//! When requests end in the simulated machine: slow, stuck, held; and a check after every step. Not
//! about what they bring.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use flywheel_disk::limits::BLOCK_BYTES;
use flywheel_disk::sim::{self, Fault, Op, SimDisk, SimExecutor, SimFaults, SimOptions, SimWorld};
use flywheel_disk::{DiskFault, File, TaskClass, World};
use futures_util::future::join;

use crate::{create_log, data, filled, log};

const BLOCK: u64 = BLOCK_BYTES as u64;

/// What a read takes, and what went wrong.
fn read_ns(options: SimOptions) -> (u64, SimFaults) {
    let disk = SimDisk::new();
    disk.write_bytes(&log(), &[0; BLOCK_BYTES]);
    let took_ns = sim::run_with(1, &disk, options, async |world| {
        let file = world.open(&log()).await.expect("it is there");
        let start_ns = world.now_ns();
        file.read(0, BLOCK_BYTES).await.expect("healthy");
        world.now_ns() - start_ns
    });
    (took_ns, disk.counters().faults)
}

#[test]
fn slow_and_stuck_requests_take_longer() {
    let healthy = SimOptions::default();
    let (base_ns, faults) = read_ns(healthy.clone());
    assert!((60_000..=202_000).contains(&base_ns), "{base_ns} ns");
    assert_eq!(faults, SimFaults::default());

    let slow = SimOptions { slow_per_million: 1_000_000, ..healthy.clone() };
    let (slow_ns, faults) = read_ns(slow);
    assert!((10_000_000..=500_000_000).contains(&(slow_ns - base_ns)), "{slow_ns} ns");
    assert_eq!(faults, SimFaults { slow: 1, ..SimFaults::default() });

    let stuck_us = 60_000_000..=60_000_000;
    let stuck = SimOptions { stuck_per_million: 1_000_000, stuck_us, ..healthy };
    let (stuck_ns, faults) = read_ns(stuck);
    assert_eq!(stuck_ns - base_ns, 60_000_000_000);
    assert_eq!(faults, SimFaults { stuck: 1, ..SimFaults::default() });
}

#[test]
fn held_requests_end_when_and_in_the_order_they_are_released() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let disk = SimDisk::new();
        sim::run(1, &disk, async |world| {
            let file = Rc::new(create_log(&world, 3 * BLOCK).await);
            let ended = Rc::new(RefCell::new(Vec::new()));
            for block in 0..3u64 {
                disk.plan(Fault::Held(Op::Write), "log");
                let (file, ended) = (file.clone(), ended.clone());
                let buffer = filled(&world, BLOCK_BYTES, 1);
                world.spawn(TaskClass::Commit, async move {
                    file.write_durable(block * BLOCK, buffer).await.expect("healthy");
                    ended.borrow_mut().push(block);
                });
                world.sleep(Duration::from_micros(1)).await;
            }
            world.sleep(Duration::from_secs(3_600)).await;
            assert_eq!(world.held(), vec![(Op::Write, log()); 3]);
            assert_eq!(*ended.borrow(), [0; 0], "an hour is not enough");
            assert_eq!(disk.durable_bytes(&log()), [0; 3 * BLOCK_BYTES]);
            let mut left = vec![0, 1, 2];
            for block in order {
                let index = left.iter().position(|&other| other == block).expect("not yet");
                left.remove(index);
                world.release_held(index);
                world.sleep(Duration::from_nanos(1)).await;
            }
            assert_eq!(*ended.borrow(), order);
        });
        assert_eq!(disk.durable_bytes(&log()), [1; 3 * BLOCK_BYTES]);
        assert_eq!(disk.counters().faults, SimFaults { held: 3, ..SimFaults::default() });
    }
}

#[test]
fn every_request_that_takes_time_can_be_held() {
    let disk = SimDisk::new();
    sim::run(1, &disk, async |world| {
        let file = create_log(&world, BLOCK).await;
        let (new, inner) = (data().join("new"), data().join("inner"));
        let release = async |op: Op| {
            world.sleep(Duration::from_secs(60)).await;
            assert_eq!(world.held().iter().map(|(op, _)| *op).collect::<Vec<_>>(), [op]);
            world.release_held(0);
        };
        let hold = |op: Op| disk.plan(Fault::Held(op), "/data");
        hold(Op::Read);
        join(file.read(0, BLOCK_BYTES), release(Op::Read)).await.0.expect("healthy");
        hold(Op::Sync);
        join(file.sync(), release(Op::Sync)).await.0.expect("healthy");
        hold(Op::Create);
        join(world.create(&new, BLOCK), release(Op::Create)).await.0.expect("healthy");
        hold(Op::Remove);
        join(world.remove(&new), release(Op::Remove)).await.0.expect("healthy");
        hold(Op::CreateDirectory);
        let made = join(world.create_directory(&inner), release(Op::CreateDirectory)).await.0;
        made.expect("healthy");
    });
    assert_eq!(disk.counters().faults.held, 5);
}

#[test]
fn a_held_write_is_lost_with_the_power_and_lands_after_a_crash_of_the_process() {
    let disk = SimDisk::new();
    sim::run(1, &disk, async |world| {
        let file = create_log(&world, BLOCK).await;
        disk.plan(Fault::Held(Op::Write), "log");
        let buffer = filled(&world, BLOCK_BYTES, 1);
        let cut = async {
            world.sleep(Duration::from_secs(1)).await;
            disk.power_loss(3);
            world.release_held(0);
        };
        let (written, ()) = join(file.write_durable(0, buffer), cut).await;
        assert_eq!(written.expect_err("the power was lost").fault, DiskFault::Io);
    });
    disk.write_bytes(&log(), &[0; BLOCK_BYTES]);
    sim::run(2, &disk, async |world| {
        let file = world.open(&log()).await.expect("it is there");
        disk.plan(Fault::Held(Op::Write), "log");
        let buffer = filled(&world, BLOCK_BYTES, 1);
        world.spawn(TaskClass::Commit, async move {
            let _ = file.write_durable(0, buffer).await;
        });
        world.sleep(Duration::from_secs(1)).await;
    });
    sim::run(3, &disk, async |world| {
        assert_eq!(world.held(), [], "a crash leaves nothing held");
        let file = world.open(&log()).await.expect("it is there");
        assert_eq!(file.read(0, BLOCK_BYTES).await.expect("healthy")[0], 1);
    });
}

#[test]
#[should_panic(expected = "1 requests are held")]
fn waiting_for_a_held_request_is_a_deadlock() {
    let disk = SimDisk::new();
    sim::run(1, &disk, async |world| {
        let file = create_log(&world, BLOCK).await;
        disk.plan(Fault::Held(Op::Read), "log");
        let _ = file.read(0, BLOCK_BYTES).await;
    });
}

#[test]
#[should_panic(expected = "these end at once")]
fn what_takes_no_time_cannot_be_held() {
    SimDisk::new().plan(Fault::Held(Op::Open), "log");
}

/// Runs some writes with a check after every step. Returns how often it ran, the steps, the trace.
fn checked_run(mut check: impl FnMut(u64)) -> (u64, u64) {
    let (executor, disk) = (SimExecutor::new(1), SimDisk::new());
    let world = SimWorld::new(&executor, &disk, SimOptions::default());
    let main = async {
        let file = create_log(&world, BLOCK).await;
        for byte in 0..10 {
            let buffer = filled(&world, BLOCK_BYTES, byte);
            file.write_durable(0, buffer).await.expect("healthy");
        }
    };
    let go_on = |step| {
        check(step);
        true
    };
    executor.block_on_checked(u64::MAX, go_on, main).expect("it ends");
    (executor.steps(), executor.trace())
}

#[test]
fn a_check_runs_after_every_step_and_changes_nothing() {
    let calls = RefCell::new(Vec::new());
    let (steps, trace) = checked_run(|step| calls.borrow_mut().push(step));
    assert!(steps > 20);
    assert_eq!(calls.take(), (1..=steps).collect::<Vec<_>>());
    assert_eq!(checked_run(|_| ()), (steps, trace));
}

#[test]
fn a_check_may_end_a_run() {
    let executor = SimExecutor::new(1);
    let world = SimWorld::new(&executor, &SimDisk::new(), SimOptions::default());
    let ended = executor.block_on_checked(100, |_| false, world.sleep(Duration::from_secs(1)));
    assert_eq!((ended, executor.steps()), (None, 1));
}

#[test]
#[should_panic(expected = "a check only looks")]
fn a_check_that_acts_is_refused() {
    let executor = SimExecutor::new(1);
    let world = SimWorld::new(&executor, &SimDisk::new(), SimOptions::default());
    let once = Cell::new(true);
    let check = |_: u64| {
        if once.replace(false) {
            world.spawn(TaskClass::Background, async {});
        }
        true
    };
    executor.block_on_checked(100, check, world.sleep(Duration::from_secs(1)));
}
