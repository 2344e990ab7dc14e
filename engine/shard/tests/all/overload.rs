//! More than an engine can do, in virtual time: queues stay bounded, refusals are clear and have no effect, what
//! is accepted is answered soon, control messages get through, and all is well as soon as the load falls.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use flywheel_disk::sim::{self, SimDisk, SimOptions, SimWorld};
use flywheel_disk::{TaskClass, World};
use flywheel_shard::{EngineOptions, Handle, LocalEngine, ShardError, ShardStats, StoreOptions};

use crate::common::{key, number, open_with, small_options};

/// Keys that are read: more than the cache holds.
const KEYS: usize = 600;
/// One read at a time, each of a millisecond: what one shard can do.
const CAPACITY_PER_S: u64 = 1000;
const QUEUE_TIME: Duration = Duration::from_millis(20);
const MAILBOX: usize = 512;

fn slow_disk() -> SimOptions {
    SimOptions { read_us: 1000..=1000, transfer_ns_per_kib: 0, ..SimOptions::default() }
}

fn options() -> EngineOptions {
    let small = small_options();
    EngineOptions {
        store: StoreOptions { reads_in_flight: 1, cache_bytes: 1 << 10, ..small.store },
        mailbox_requests: MAILBOX,
        queue_time: Some(QUEUE_TIME),
        always_admitted: 4,
        ..small
    }
}

/// What became of one request: when it arrived, how long it took, how it ended.
struct Ended {
    at_ns: u64,
    took_ns: u64,
    answer: Result<(), ShardError>,
}

type Log = Rc<RefCell<Vec<Ended>>>;

/// Sends `ask(n)` for as many n as arrive at `rate_per_s` in `length`, each as a task that nobody waits for.
async fn offer<F: Future<Output = Result<(), ShardError>> + 'static>(
    world: &SimWorld,
    log: &Log,
    rate_per_s: u64,
    length: Duration,
    ask: impl Fn(usize) -> F,
) {
    let arrivals = rate_per_s * length.as_millis() as u64 / 1000;
    for n in 0..arrivals {
        let (asked, log, clock) = (ask(n as usize), Rc::clone(log), world.clone());
        world.spawn(TaskClass::Foreground, async move {
            let at_ns = clock.now_ns();
            let answer = asked.await;
            log.borrow_mut().push(Ended { at_ns, took_ns: clock.now_ns() - at_ns, answer });
        });
        world.sleep(Duration::from_nanos(1_000_000_000 / rate_per_s)).await;
    }
}

/// Waits until all of `arrivals` have been answered.
async fn settle(world: &SimWorld, log: &Log, arrivals: usize) {
    while log.borrow().len() < arrivals {
        world.sleep(Duration::from_millis(1)).await;
    }
}

fn get(handle: &Handle, n: usize) -> impl Future<Output = Result<(), ShardError>> + 'static {
    let handle = handle.clone();
    // Far from what was read last, so that the cache does not help.
    async move { handle.get(key(n * 37 % KEYS)).await.map(|found| assert!(found.is_some())) }
}

async fn loaded(world: &SimWorld, options: EngineOptions) -> LocalEngine {
    let engine = open_with(world, 1, options).await.expect("opened");
    let handle = engine.handle();
    for n in 0..KEYS {
        handle.put(key(n), Bytes::from(vec![7; 200])).await.expect("put");
    }
    engine
}

async fn stats(engine: &LocalEngine) -> ShardStats {
    engine.admin().stats().await.expect("stats").shards.remove(0)
}

fn accepted(log: &[Ended]) -> usize {
    log.iter().filter(|ended| ended.answer.is_ok()).count()
}

fn p99_ns(log: &[Ended]) -> u64 {
    let mut times: Vec<u64> =
        log.iter().filter(|ended| ended.answer.is_ok()).map(|ended| ended.took_ns).collect();
    times.sort_unstable();
    times[times.len() * 99 / 100]
}

#[test]
fn three_times_capacity_is_refused_beyond_a_short_queue_and_not_a_moment_longer() {
    sim::run_with(1, &SimDisk::new(), slow_disk(), async |world| {
        let engine = loaded(&world, options()).await;
        let (handle, log) = (engine.handle(), Log::default());
        // The rate becomes known under load that it can bear.
        offer(&world, &log, CAPACITY_PER_S * 9 / 10, Duration::from_secs(1), |n| get(&handle, n))
            .await;
        settle(&world, &log, 900).await;
        assert_eq!(accepted(&log.take()), 900, "below capacity nothing is refused");

        let three = Duration::from_secs(3);
        // The door closes 100 ms after the queue has come, and what came in by then must drain.
        let steady_ns = world.now_ns() + 500_000_000;
        offer(&world, &log, 3 * CAPACITY_PER_S, three, |n| get(&handle, n)).await;
        let under_way = stats(&engine).await;
        assert!(under_way.admitted.is_some(), "the door is closed: {under_way:?}");
        assert!(under_way.waiting + under_way.active <= 2 * 20, "{under_way:?}");
        // From one moment to the next.
        let began_ns = world.now_ns();
        offer(&world, &log, CAPACITY_PER_S / 2, Duration::from_secs(1), |n| get(&handle, n)).await;
        settle(&world, &log, 9000 + 500).await;

        let log = log.take();
        let (after, during): (Vec<_>, Vec<_>) =
            log.into_iter().partition(|ended| ended.at_ns >= began_ns);
        let busy = |ended: &&Ended| matches!(ended.answer, Err(ShardError::Busy(_)));
        let refused = during.iter().filter(busy).count();
        assert_eq!(accepted(&during) + refused, 9000, "each was answered or clearly refused");
        let share = accepted(&during) as f64 / (3 * CAPACITY_PER_S) as f64;
        assert!(share >= 0.95, "{share} of what it can do");
        let steady: Vec<_> = during.into_iter().filter(|ended| ended.at_ns >= steady_ns).collect();
        let p99_ns = p99_ns(&steady);
        assert!(p99_ns <= 2 * QUEUE_TIME.as_nanos() as u64, "{p99_ns} ns");
        let last = after.iter().filter(busy).map(|ended| ended.at_ns - began_ns).max();
        assert!(last.is_none_or(|at_ns| at_ns <= 50_000_000), "refused {last:?} ns after the fall");
        assert!(accepted(&after) >= 475);

        let rested = stats(&engine).await;
        assert_eq!((rested.admitted, rested.waiting, rested.active), (None, 0, 0));
        assert!(rested.waiting_most <= MAILBOX && rested.turned_away > 5000, "{rested:?}");
        assert_eq!(rested.turned_away + rested.refused, refused as u64 + busy_count(&after));
    });
}

fn busy_count(log: &[Ended]) -> u64 {
    log.iter().filter(|ended| ended.answer.is_err()).count() as u64
}

#[test]
fn without_a_queue_time_the_fixed_bounds_still_hold() {
    sim::run_with(2, &SimDisk::new(), slow_disk(), async |world| {
        let all = EngineOptions { queue_time: None, in_flight: 100, ..options() };
        let engine = loaded(&world, all).await;
        let (handle, log) = (engine.handle(), Log::default());
        let second = Duration::from_secs(1);
        offer(&world, &log, 3 * CAPACITY_PER_S, second, |n| get(&handle, n)).await;
        settle(&world, &log, 3000).await;
        let stats = stats(&engine).await;
        assert_eq!((stats.turned_away, stats.admitted), (0, None));
        assert!(stats.active_most <= 100, "{stats:?}");
        assert!(accepted(&log.borrow()) >= 1000);
        let busy =
            |ended: &Ended| matches!(ended.answer, Ok(()) | Err(ShardError::Busy("the handle")));
        assert!(log.borrow().iter().all(busy));
    });
}

#[test]
fn a_burst_after_a_quiet_time_is_let_in_whole() {
    sim::run_with(3, &SimDisk::new(), slow_disk(), async |world| {
        let engine = loaded(&world, options()).await;
        let (handle, log) = (engine.handle(), Log::default());
        for _ in 0..3 {
            // Five times what it answers in its queue time, but gone before the queue has stood for long.
            let moment = Duration::from_millis(1);
            offer(&world, &log, 100_000, moment, |n| get(&handle, n)).await;
            settle(&world, &log, 100).await;
            assert_eq!(accepted(&log.take()), 100);
            world.sleep(Duration::from_secs(1)).await;
        }
    });
}

#[test]
fn a_refused_write_never_happened_and_an_accepted_one_did() {
    for seed in 0..4 {
        let disk = SimDisk::new();
        let slow = SimOptions { write_us: 5_000..=9_000, ..SimOptions::default() };
        let (accepted, refused) = sim::run_with(seed, &disk, slow.clone(), async |world| {
            // The handles' bounds and the mailbox refuse, or the door, once a queue has stood.
            let door = seed % 2 == 1;
            let tight = if door {
                EngineOptions { queue_time: Some(Duration::from_millis(1)), ..options() }
            } else {
                EngineOptions { in_flight: 60, mailbox_requests: 8, ..options() }
            };
            let length = Duration::from_millis(if door { 300 } else { 50 });
            let engine = open_with(&world, 2, tight).await.expect("opened");
            let (handle, other) = (engine.handle(), engine.handle());
            let outcomes: Rc<RefCell<Vec<(usize, bool)>>> = Rc::default();
            let log = Log::default();
            let put = |n: usize| {
                let (handle, outcomes) = (
                    if n.is_multiple_of(2) { &handle } else { &other }.clone(),
                    Rc::clone(&outcomes),
                );
                async move {
                    let answer = match n % 3 {
                        0 => handle.put(key(n), number(n as u64)).await.map(|_| ()),
                        1 => {
                            let put = move |_: Option<&Bytes>| {
                                flywheel_shard::Change::Put(number(n as u64))
                            };
                            handle.modify(key(n), Box::new(put)).await.map(|_| ())
                        }
                        _ => handle
                            .write(flywheel_shard::WriteBatch::put(key(n), number(n as u64)))
                            .await
                            .map(|_| ()),
                    };
                    outcomes.borrow_mut().push((n, answer.is_ok()));
                    answer
                }
            };
            offer(&world, &log, 60_000, length, put).await;
            settle(&world, &log, 60 * length.as_millis() as usize).await;
            let queue =
                |ended: &Ended| matches!(ended.answer, Err(ShardError::Busy("a shard's queue")));
            assert_eq!(log.borrow().iter().any(queue), door, "seed {seed}");
            let busy = |ended: &Ended| matches!(ended.answer, Ok(()) | Err(ShardError::Busy(_)));
            assert!(log.borrow().iter().all(busy), "nothing but yes and busy");
            let (yes, no): (Vec<_>, Vec<_>) = outcomes.take().into_iter().partition(|(_, ok)| *ok);
            for (n, _) in &no {
                let found = engine.handle().get(key(*n)).await.expect("get");
                assert!(found.is_none(), "seed {seed}: {n} was refused and is there");
            }
            (yes, no)
        });
        assert!(accepted.len() > 50 && refused.len() > 500, "{} {}", accepted.len(), refused.len());
        // The power goes at the very end: what was accepted is durable, what was refused never comes up.
        disk.power_loss(seed);
        sim::run_with(seed + 100, &disk, slow, async |world| {
            let engine = open_with(&world, 2, options()).await.expect("reopened");
            for (n, accepted) in accepted.iter().chain(&refused) {
                let found = engine.handle().get(key(*n)).await.expect("get");
                let expected = accepted.then(|| number(*n as u64));
                assert_eq!(found.map(|found| found.value), expected, "seed {seed}: {n}");
            }
        });
    }
}

#[test]
fn splits_moves_checkpoints_and_figures_get_through_under_overload() {
    sim::run_with(5, &SimDisk::new(), slow_disk(), async |world| {
        let engine = open_with(&world, 2, options()).await.expect("opened");
        let (handle, log) = (engine.handle(), Log::default());
        for n in 0..KEYS {
            handle.put(key(n), Bytes::from(vec![7; 200])).await.expect("put");
        }
        let controlled = Rc::new(RefCell::new(None));
        let (done, admin, locate) = (Rc::clone(&controlled), engine.admin(), handle.clone());
        let clock = world.clone();
        world.spawn(TaskClass::Foreground, async move {
            // Once the overload has lasted.
            clock.sleep(Duration::from_millis(500)).await;
            let busy = admin.stats().await.expect("stats");
            let turned_away: u64 = busy.shards.iter().map(|shard| shard.turned_away).sum();
            admin.checkpoint().await.expect("checkpoint");
            let place = locate.locate(b"k");
            admin.split_partition(place.partition, Bytes::from("k")).await.expect("split");
            let place = locate.locate(b"k");
            admin.move_partition(place.partition, 1 - place.shard).await.expect("moved");
            assert_eq!(locate.locate(b"k").shard, 1 - place.shard);
            *done.borrow_mut() = Some(turned_away);
        });
        let while_loaded = Duration::from_secs(8);
        offer(&world, &log, 6 * CAPACITY_PER_S, while_loaded, |n| get(&handle, n)).await;
        assert!(controlled.take().is_some_and(|refused| refused > 500), "done while it lasted");
        settle(&world, &log, 48_000).await;
        let fine = |ended: &Ended| matches!(ended.answer, Ok(()) | Err(ShardError::Busy(_)));
        assert!(log.borrow().iter().all(fine), "clients saw nothing of it");
    });
}
