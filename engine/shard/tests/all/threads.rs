//! Real cores and a real disk: many threads, splits and moves, locks, closing and dropping. Skipped,
//! saying why, where the host cannot run the engine.

use std::ops::Bound;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

use bytes::Bytes;
use flywheel_shard::{
    Change, Direction, Effect, Engine, EngineOptions, Handle, ScanRequest, ShardError, Version,
    own_prefix,
};
use futures_executor::block_on;
use futures_util::FutureExt;

use crate::common::{RealDirectory, as_number, everything, key, number, small_options};

const SHARDS: usize = 2;
const KEYS: usize = 64;

fn options() -> EngineOptions {
    EngineOptions { shards: SHARDS, ..small_options() }
}

#[test]
fn threads_read_and_write_while_partitions_split_and_move() {
    let Some(directory) = RealDirectory::new("threads") else { return };
    let engine = Engine::open(&directory.path(), options()).expect("opened");
    let counters: Vec<AtomicU64> = (0..KEYS).map(|_| AtomicU64::new(0)).collect();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for writer in 0..2 {
            let (handle, counters, stop) = (engine.handle(), &counters, &stop);
            scope.spawn(move || raise_own_keys(&handle, writer, counters, stop));
        }
        for _ in 0..2 {
            let (handle, counters, stop) = (engine.handle(), &counters, &stop);
            scope.spawn(move || check_that_nothing_is_stale(&handle, counters, stop));
        }
        shuffle(&engine);
        stop.store(true, Ordering::Relaxed);
    });
    let stats = engine.stats().expect("stats");
    let moves: u64 = stats.shards.iter().map(|shard| shard.moves).sum();
    assert!(moves >= 12 && stats.partitions.len() > 3, "{moves} moves");
    engine.close().expect("closed");

    let engine = Engine::open(&directory.path(), options()).expect("reopened");
    for (k, counter) in counters.iter().enumerate() {
        let found = engine.handle().blocking().get(key(k)).expect("get");
        let found = found.map_or(0, |found| as_number(&found.value));
        assert_eq!(found, counter.load(Ordering::Relaxed), "key {k}");
    }
    engine.close().expect("closed");
}

fn raise_own_keys(handle: &Handle, writer: usize, counters: &[AtomicU64], stop: &AtomicBool) {
    for n in 1.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let k = (n as usize * 13) % KEYS / 2 * 2 + writer;
        if n % 2 == 0 {
            handle.blocking().put(key(k), number(n)).expect("put");
        } else {
            let put = move |_: Option<&Bytes>| Change::Put(number(n));
            handle.blocking().modify(key(k), Box::new(put)).expect("modify");
        }
        counters[k].store(n, Ordering::Release);
    }
}

fn check_that_nothing_is_stale(handle: &Handle, counters: &[AtomicU64], stop: &AtomicBool) {
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let k = (n * 7) % KEYS;
        let before = counters[k].load(Ordering::Acquire);
        let found = handle.blocking().get(key(k)).expect("get");
        let found = found.map_or(0, |found| as_number(&found.value));
        assert!(found >= before, "key {k} is {found} and was {before} already");
        if n % 32 == 0 {
            let written = counters.iter().filter(|c| c.load(Ordering::Acquire) > 0).count();
            let page = handle.blocking().scan(everything(Direction::Forward, 1000)).expect("scan");
            assert!(page.items.len() >= written, "a scan lost {written} keys");
            assert!(page.items.is_sorted_by(|(left, _), (right, _)| left < right));
        }
    }
}

/// Moves every partition to and fro, and cuts them on the way.
fn shuffle(engine: &Engine) {
    for round in 0..12 {
        let place = engine.handle().locate(&key(round * 5));
        engine.move_partition(place.partition, 1 - place.shard).expect("moved");
        let at = key(round * 3 + 1);
        match engine.split_partition(engine.handle().locate(&at).partition, at) {
            Ok(_) | Err(ShardError::BadSplit { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_directory_has_one_opener_at_a_time_and_a_dropped_engine_frees_it() {
    let Some(directory) = RealDirectory::new("opener") else { return };
    let engine = Engine::open(&directory.path(), options()).expect("opened");
    let error = Engine::open(&directory.path(), options()).err().expect("already open");
    assert!(error.to_string().contains("another process"), "{error}");
    engine.handle().blocking().put(key(1), number(1)).expect("put");
    drop(engine);
    let engine = Engine::open(&directory.path(), options()).expect("free again");
    let found = engine.handle().blocking().get(key(1)).expect("get").expect("acknowledged");
    assert_eq!(as_number(&found.value), 1);
    engine.close().expect("closed");
}

#[test]
fn closing_answers_what_was_taken_and_later_calls_get_a_clear_error() {
    let Some(directory) = RealDirectory::new("close") else { return };
    let engine = Engine::open(&directory.path(), options()).expect("opened");
    let acknowledged = AtomicU64::new(0);
    let handle = engine.handle();
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for n in 1.. {
                match handle.blocking().put(key(1), number(n)) {
                    Ok(_) => acknowledged.store(n, Ordering::Relaxed),
                    Err(error) => return error,
                }
            }
            unreachable!("the engine closes")
        });
        while acknowledged.load(Ordering::Relaxed) < 10 {
            thread::yield_now();
        }
        engine.close().expect("closed");
        let error = writer.join().expect("no panic");
        assert!(matches!(error, ShardError::Closed), "{error}");
    });
    let engine = Engine::open(&directory.path(), options()).expect("reopened");
    let found = engine.handle().blocking().get(key(1)).expect("get").expect("acknowledged");
    assert!(as_number(&found.value) >= acknowledged.load(Ordering::Relaxed));
    engine.close().expect("closed");
}

#[test]
fn dropping_an_engine_leaves_nobody_waiting() {
    let Some(directory) = RealDirectory::new("drop") else { return };
    for round in 0..3 {
        let engine = Engine::open(&directory.path(), options()).expect("opened");
        let acknowledged = AtomicU64::new(0);
        let handle = engine.handle();
        thread::scope(|scope| {
            let write = |writer: usize| {
                let (handle, acknowledged) = (&handle, &acknowledged);
                move || loop {
                    match handle.blocking().put(key(writer), number(round)) {
                        Ok(_) => _ = acknowledged.fetch_add(1, Ordering::Relaxed),
                        Err(error) => return error,
                    }
                }
            };
            let writers = [0, 1, 2, 3].map(|writer| scope.spawn(write(writer)));
            while acknowledged.load(Ordering::Relaxed) < 50 {
                thread::yield_now();
            }
            drop(engine);
            for writer in writers {
                let error = writer.join().expect("no panic");
                assert!(matches!(error, ShardError::Closed), "{error}");
            }
        });
    }
}

#[test]
fn a_change_that_panics_writes_nothing_and_harms_nobody_else() {
    let Some(directory) = RealDirectory::new("panic") else { return };
    let engine = Engine::open(&directory.path(), options()).expect("opened");
    let handle = engine.handle();
    handle.blocking().put(key(0), number(1)).expect("put");
    let answer = handle.blocking().modify(key(0), Box::new(|_| panic!("a client's mistake")));
    assert!(matches!(answer, Err(ShardError::ChangePanicked)), "{answer:?}");
    let found = handle.blocking().get(key(0)).expect("get").expect("there");
    assert_eq!(as_number(&found.value), 1);
    engine.close().expect("closed");
}

#[test]
fn opening_reports_progress_and_refuses_another_number_of_shards() {
    let Some(directory) = RealDirectory::new("shards") else { return };
    let engine = Engine::open(&directory.path(), options()).expect("opened");
    assert!(engine.identity().dsync_us.is_some(), "the trial's figures are kept");
    engine.handle().blocking().put(key(1), Bytes::from(vec![1; 5000])).expect("put");
    drop(engine);
    let more = EngineOptions { shards: SHARDS + 1, ..options() };
    let error = Engine::open(&directory.path(), more).err().expect("two shards, not three");
    assert!(matches!(error, ShardError::ShardCount { made_with: 2, asked: 3, .. }), "{error}");
    let reports = std::sync::Arc::new(AtomicU64::new(0));
    let counting = std::sync::Arc::clone(&reports);
    let count = move |_| _ = counting.fetch_add(1, Ordering::Relaxed);
    let engine = Engine::open_with_progress(&directory.path(), options(), count).expect("opened");
    assert!(reports.load(Ordering::Relaxed) > 0, "nothing was reported");
    engine.close().expect("closed");
}

/// A guest's task: says where it runs, then waits for ever; says when it is dropped.
struct Guest {
    handle: Handle,
    said: mpsc::Sender<String>,
}

impl Guest {
    async fn stay(self) {
        let name = thread::current().name().unwrap_or_default().to_owned();
        // The core serves others while its guest waits, also for the core itself.
        self.handle.put(key(1), Bytes::from(name.clone())).await.expect("put");
        self.said.send(name).expect("heard");
        std::future::pending::<()>().await;
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // Nobody may listen any more.
        let _ = self.said.send("gone".to_owned());
    }
}

#[test]
fn tasks_of_others_run_on_the_cores_until_the_engine_closes() {
    let Some(directory) = RealDirectory::new("guests") else { return };
    for is_closed in [true, false] {
        let engine = Engine::open(&directory.path(), options()).expect("opened");
        let (said, heard) = mpsc::channel();
        for shard in 0..engine.shards() {
            let guest = Guest { handle: engine.handle(), said: said.clone() };
            // Not to be sent to another thread, and that is fine.
            let start = move || {
                let here = std::rc::Rc::new(guest);
                async move { std::rc::Rc::into_inner(here).expect("one").stay().await }
                    .boxed_local()
            };
            engine.run_on_shard(shard, start).expect("started");
        }
        let mut names = [heard.recv().expect("runs"), heard.recv().expect("runs")];
        names.sort();
        assert_eq!(names, ["flywheel-0", "flywheel-1"]);
        engine.run_on_shard(0, || panic!("a guest's mistake")).expect("started");
        engine.run_on_shard(1, || async { panic!("another") }.boxed_local()).expect("started");
        let far = engine.run_on_shard(2, || std::future::ready(()).boxed_local());
        assert!(matches!(far, Err(ShardError::NoSuchShard { asked: 2, last: 1 })), "{far:?}");
        engine.handle().blocking().put(key(2), number(1)).expect("the cores go on");
        if is_closed {
            engine.close().expect("closed");
        } else {
            drop(engine);
        }
        drop(said);
        assert_eq!(heard.iter().collect::<Vec<_>>(), ["gone", "gone"]);
    }
}

#[test]
fn a_thread_that_waits_for_appends_is_woken() {
    let Some(directory) = RealDirectory::new("appended") else { return };
    let options = EngineOptions { own_ranges: true, ..options() };
    let engine = Engine::open(&directory.path(), options).expect("opened");
    let handle = engine.handle();
    let append = |n: u64| {
        let effect = Effect::Append { stem: Bytes::new(), value: number(n) };
        let change = Box::new(|_: Option<&Bytes>| Change::Several(vec![effect]));
        handle.blocking().modify(key(0), change).expect("appended").version.expect("written")
    };
    let shard = handle.locate(&key(0)).shard;
    thread::scope(|scope| {
        let (waiting, first) = (engine.handle(), append(0));
        let reader = scope.spawn(move || {
            let (mut seen, mut last) = (0, first);
            while seen < 200 {
                let highest = block_on(waiting.appended(shard, last)).expect("woken");
                let key_of = |version: Version| {
                    Bytes::from([&own_prefix(shard)[..], &version.to_be_bytes()].concat())
                };
                let request = ScanRequest {
                    start: Bound::Excluded(key_of(last)),
                    end: Bound::Included(key_of(highest)),
                    ..everything(Direction::Forward, 1000)
                };
                let page = waiting.blocking().scan(request).expect("scan");
                for (_, item) in page.items {
                    seen += 1;
                    assert_eq!(as_number(&item.value), seen, "in order");
                }
                last = highest;
            }
        });
        for n in 1..=200 {
            append(n);
        }
        reader.join().expect("saw all");
    });
    let waiting = engine.handle();
    thread::scope(|scope| {
        let waits = scope.spawn(move || block_on(waiting.appended(1 - shard, 0)));
        thread::sleep(std::time::Duration::from_millis(20));
        engine.close().expect("closed");
        assert!(matches!(waits.join().expect("no panic"), Err(ShardError::Closed)));
    });
}

#[test]
fn handles_and_their_futures_may_change_threads() {
    fn is_send<T: Send>(_: &T) {}
    fn is_shared<T: Send + Sync + Clone>() {}
    is_shared::<Handle>();
    is_shared::<flywheel_shard::Admin>();
    let check = |handle: &Handle, admin: &flywheel_shard::Admin| {
        is_send(&handle.get(key(1)));
        is_send(&handle.scan(everything(Direction::Forward, 1)));
        is_send(&handle.modify(key(1), Box::new(|_| Change::Keep)));
        is_send(&handle.appended(0, 0));
        is_send(&admin.stats());
        is_send(&admin.run_on_shard(0, || std::future::ready(()).boxed_local()));
    };
    let _ = check;
}
