//! Bench: one store on one core and a real disk: reads from the cache, and durable writes beside what the
//! same file takes without a store. Then cached reads on two cores at once, each with a store of its own: what
//! cores lose to each other by sharing a machine. Not through shards: a hop between cores is not counted here.
//!
//!     cargo bench -p flywheel-store --bench one_core -- [DIR]

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use bytes::Bytes;
use flywheel_disk::real::{RealWorld, keep_freed_memory, run_on_core};
use flywheel_disk::{Durability, File, World, host};
use flywheel_store::{PartitionId, PartitionSpec, PartitionState, Store, StoreOptions, WriteBatch};
use futures_util::future::join_all;

/// The binary's own allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CALLERS: u64 = 512;

/// How much is done: all of it with `cargo bench`, a trace with `cargo test`.
#[derive(Clone, Copy)]
struct Size {
    items: u64,
    time: Duration,
    rounds: usize,
}

const FULL: Size = Size { items: 200_000, time: Duration::from_secs(4), rounds: 3 };
const TINY: Size = Size { items: 1_000, time: Duration::from_millis(20), rounds: 1 };

fn main() {
    keep_freed_memory();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let size = if arguments.iter().any(|one| one == "--bench") { FULL } else { TINY };
    let directory = arguments.iter().find(|one| !one.starts_with("--"));
    let directory = directory.map_or_else(|| env!("CARGO_TARGET_TMPDIR").into(), PathBuf::from);
    if let Err(error) = host::check(&directory) {
        println!("skipped, because {error}");
        return;
    }
    let scratch = tempfile::tempdir_in(&directory).expect("a directory");
    let path = scratch.path().to_owned();
    let core = run_on_core(0, "bench", Duration::ZERO, move || measure(path, size));
    core.expect("a core starts").join().expect("ends");
    if std::thread::available_parallelism().is_ok_and(|cores| cores.get() >= 2) {
        for round in 1..=size.rounds {
            let one = gets_side_by_side(scratch.path(), 1, size);
            let two = gets_side_by_side(scratch.path(), 2, size);
            println!("round {round}: cached gets on two cores {:.2} of those on one", two / one);
        }
    }
}

/// How long something has lasted.
struct Watch<'a> {
    world: &'a RealWorld,
    started_ns: u64,
}

impl<'a> Watch<'a> {
    fn start(world: &'a RealWorld) -> Self {
        Self { world, started_ns: world.now_ns() }
    }

    fn lasted(&self) -> Duration {
        Duration::from_nanos(self.world.now_ns() - self.started_ns)
    }

    fn per_s(&self, count: u64) -> f64 {
        count as f64 / self.lasted().as_secs_f64()
    }
}

async fn measure(directory: PathBuf, size: Size) {
    let world = RealWorld::new(Durability::Dsync);
    for value_bytes in [100, 1000] {
        let store = open(&world, &directory.join(format!("store-{value_bytes}"))).await;
        println!("values of {value_bytes} bytes, {} keys, {CALLERS} callers", size.items);
        for round in 1..=size.rounds {
            let (puts_per_s, put_bytes_per_s, batch_bytes) =
                puts(&world, &store, &size, value_bytes).await;
            let plain = directory.join(format!("plain-{value_bytes}-{round}"));
            let plain_bytes_per_s = plain_writes(&world, &plain, &size, batch_bytes).await;
            println!(
                "  durable puts {:.0} K/s in batches of {} KiB: {:.2} of the {:.0} MB/s that plain writes reach",
                puts_per_s / 1e3,
                batch_bytes >> 10,
                put_bytes_per_s / plain_bytes_per_s,
                plain_bytes_per_s / 1e6
            );
            println!("  cached gets  {:.2} M/s", gets(&world, &store, &size).await / 1e6);
        }
        store.close().await.expect("closes");
    }
}

async fn open(world: &RealWorld, directory: &Path) -> Store<RealWorld> {
    let options = StoreOptions { cache_bytes: 1 << 30, ..StoreOptions::default() };
    let store = Store::open(world.clone(), directory, options, None).await.expect("opens");
    let whole = PartitionSpec {
        id: PartitionId(1),
        ownership_epoch: 1,
        start: Bytes::new(),
        end: None,
        state: PartitionState::Serving,
    };
    store.create_partition(whole).await.expect("creates");
    store
}

fn key(number: u64) -> Bytes {
    Bytes::from(format!("user{:019}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 1))
}

/// Puts a second, logged bytes a second, and bytes of the mean batch.
async fn puts(
    world: &RealWorld,
    store: &Store<RealWorld>,
    size: &Size,
    value_bytes: usize,
) -> (f64, f64, usize) {
    let value = Bytes::from(vec![7; value_bytes]);
    let before = store.stats();
    let (watch, done) = (Watch::start(world), Cell::new(0));
    let callers = (0..CALLERS).map(|caller| {
        let (value, watch, done) = (&value, &watch, &done);
        async move {
            let mut number = caller;
            // Every key once at least: what is read afterwards is there.
            while number < size.items || watch.lasted() < size.time {
                let put = WriteBatch::put(key(number % size.items), value.clone());
                store.write(put).await.expect("writes");
                number += CALLERS;
                done.set(done.get() + 1);
            }
        }
    });
    join_all(callers).await;
    let stats = store.stats();
    let logged_bytes = stats.log_bytes_written - before.log_bytes_written;
    let batches = stats.log_batches - before.log_batches;
    (watch.per_s(done.get()), watch.per_s(logged_bytes), (logged_bytes / batches) as usize)
}

/// Bytes a second of durable writes one behind the other in a written file, as many in flight as the log's.
async fn plain_writes(world: &RealWorld, path: &Path, size: &Size, batch_bytes: usize) -> f64 {
    const FILE_BYTES: u64 = 256 << 20;
    let length = batch_bytes.next_multiple_of(4096);
    let file = world.create(path, FILE_BYTES).await.expect("creates");
    let (watch, next, written) = (Watch::start(world), Cell::new(0), Cell::new(0));
    let writers = (0..StoreOptions::default().commit_depth).map(|_| async {
        while watch.lasted() < size.time {
            let at = next.get() % (FILE_BYTES / length as u64) * length as u64;
            next.set(next.get() + 1);
            file.write_durable(at, world.buffer(length)).await.expect("writes");
            written.set(written.get() + length as u64);
        }
    });
    join_all(writers).await;
    let bytes_per_s = watch.per_s(written.get());
    world.remove(path).await.expect("removes");
    bytes_per_s
}

/// Cached reads a second.
async fn gets(world: &RealWorld, store: &Store<RealWorld>, size: &Size) -> f64 {
    let keys: Vec<Bytes> = (0..size.items).map(key).collect();
    let (watch, mut done) = (Watch::start(world), 0);
    while watch.lasted() < size.time {
        for key in &keys {
            assert!(store.get(key).await.expect("reads").is_some());
        }
        done += keys.len() as u64;
    }
    watch.per_s(done)
}

/// Cached reads a second of so many cores at the same time, added up.
fn gets_side_by_side(directory: &Path, cores: usize, size: Size) -> f64 {
    let (filled, (send, results)) = (Arc::new(Barrier::new(cores)), std::sync::mpsc::channel());
    let running: Vec<_> = (0..cores)
        .map(|core| {
            let scratch = tempfile::tempdir_in(directory).expect("a directory");
            let (filled, send) = (filled.clone(), send.clone());
            let work = move || async move {
                let world = RealWorld::new(Durability::Dsync);
                let store = open(&world, &scratch.path().join("store")).await;
                puts(&world, &store, &Size { time: Duration::ZERO, ..size }, 100).await;
                filled.wait();
                send.send(gets(&world, &store, &size).await).expect("somebody listens");
                store.close().await.expect("closes");
            };
            run_on_core(core, "bench", Duration::ZERO, work).expect("a core starts")
        })
        .collect();
    drop(send);
    let sum = results.iter().sum();
    running.into_iter().for_each(|core| core.join().expect("ends"));
    sum
}
