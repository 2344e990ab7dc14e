//! Bench: what splits and moves cost the requests beside them. Clients read and write all the time; the
//! longest and the p99.9 of what ended while partitions were cut or moved stand beside those of the rest.
//!
//!     cargo bench -p flywheel-shard --bench moving -- [DIR]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "clients stand outside the engine"
)]

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use flywheel_disk::host;
use flywheel_disk::real::keep_freed_memory;
use flywheel_shard::{Engine, EngineOptions, Handle, PartitionId, SplitOptions, StoreOptions};
use futures_executor::block_on;
use futures_util::future::join_all;

/// The binary's own allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const VALUE_BYTES: usize = 1000;
const SHARDS: usize = 2;
/// Partitions begin at these; each split cuts one of them in halves.
const SPLITS: [&str; 7] = ["2", "4", "6", "8", "a", "c", "e"];
const HALVES: [&str; 8] = ["1", "3", "5", "7", "9", "b", "d", "f"];

/// How much is done: all of it with `cargo bench`, a trace with `cargo test`.
struct Size {
    items: u64,
    clients: u64,
    /// How long clients are left alone between two changes.
    calm: Duration,
    rounds: usize,
}

const FULL: Size =
    Size { items: 400_000, clients: 64, calm: Duration::from_secs(3), rounds: HALVES.len() };
const TINY: Size = Size { items: 500, clients: 4, calm: Duration::from_millis(5), rounds: 1 };

/// How long a change may still be felt once it is answered.
const AFTERMATH: Duration = Duration::from_millis(100);

/// What goes on while an operation ends.
#[derive(Clone, Copy)]
enum Phase {
    Calm,
    Split,
    Move,
}

const NAMES: [&str; 3] =
    ["nothing else going on", "while partitions are split", "while they are moved"];

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
    measure(&scratch.path().join("engine"), &size);
}

fn measure(directory: &Path, size: &Size) {
    let options = EngineOptions {
        shards: SHARDS,
        store: StoreOptions { cache_bytes: 64 << 20, ..StoreOptions::default() },
        initial_splits: SPLITS.map(Bytes::from).into(),
        split: SplitOptions { automatic: false, ..SplitOptions::default() },
        ..EngineOptions::default()
    };
    let engine = Engine::open(directory, options).expect("opens");
    load(&engine.handle(), size);
    let (phase, ended) = (AtomicUsize::new(Phase::Calm as usize), AtomicBool::new(false));
    let mut samples_us = thread::scope(|scope| {
        let clients = scope.spawn(|| run_clients(&engine.handle(), size, &phase, &ended));
        for half in HALVES.iter().take(size.rounds) {
            change(&engine, half, size, &phase);
        }
        ended.store(true, Ordering::Relaxed);
        clients.join().expect("clients end")
    });
    for (name, samples_us) in NAMES.iter().zip(&mut samples_us) {
        print_line(name, samples_us);
    }
    engine.close().expect("closes");
}

/// Cuts the partition around `half`, moves the upper part to the other shard, and back.
fn change(engine: &Engine, half: &'static str, size: &Size, phase: &AtomicUsize) {
    let enter = |next: Phase| phase.store(next as usize, Ordering::Relaxed);
    let calm = || {
        enter(Phase::Calm);
        thread::sleep(size.calm);
    };
    calm();
    let all = engine.partitions().expect("lists");
    let around = |spec: &flywheel_shard::PartitionSpec| {
        *spec.start < *half.as_bytes()
            && spec.end.as_ref().is_none_or(|end| **end > *half.as_bytes())
    };
    let (info, owner) = all.iter().find(|(info, _)| around(&info.spec)).expect("one holds it");
    enter(Phase::Split);
    let upper: PartitionId =
        engine.split_partition(info.spec.id, Bytes::from_static(half.as_bytes())).expect("splits");
    thread::sleep(AFTERMATH);
    let other = (*owner + 1) % SHARDS as u16;
    for to in [other, *owner] {
        calm();
        enter(Phase::Move);
        let started = Instant::now();
        if let Err(error) = engine.move_partition(upper, to) {
            println!("not moved: {error}");
        }
        thread::sleep(AFTERMATH);
        println!("moved the partition from {half} on in {:.0?}", started.elapsed());
    }
    enter(Phase::Calm);
}

fn key(number: u64) -> Bytes {
    Bytes::from(format!("{:016x}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
}

fn load(handle: &Handle, size: &Size) {
    let value = Bytes::from(vec![b'.'; VALUE_BYTES]);
    block_on(join_all((0..size.clients).map(async |first| {
        for number in (first..size.items).step_by(size.clients as usize) {
            handle.put(key(number), value.clone()).await.expect("writes");
        }
    })));
}

/// Runs clients until the end; the response times of each phase, in microseconds.
fn run_clients(
    handle: &Handle,
    size: &Size,
    phase: &AtomicUsize,
    ended: &AtomicBool,
) -> [Vec<u32>; NAMES.len()] {
    let samples_us = RefCell::new([const { Vec::new() }; NAMES.len()]);
    let value = Bytes::from(vec![b'.'; VALUE_BYTES]);
    block_on(join_all((0..size.clients).map(async |client| {
        let mut draw = client + 1;
        while !ended.load(Ordering::Relaxed) {
            // Xorshift: any sequence that visits keys without order will do.
            draw ^= draw << 13;
            draw ^= draw >> 7;
            draw ^= draw << 17;
            let (key, started) = (key(draw % size.items), Instant::now());
            if draw & (1 << 40) == 0 {
                handle.get(key).await.expect("reads").expect("was loaded");
            } else {
                handle.put(key, value.clone()).await.expect("writes");
            }
            let lasted_us = started.elapsed().as_micros() as u32;
            samples_us.borrow_mut()[phase.load(Ordering::Relaxed)].push(lasted_us);
        }
    })));
    samples_us.into_inner()
}

fn print_line(name: &str, samples_us: &mut [u32]) {
    samples_us.sort_unstable();
    let at = |share: f64| samples_us.get((samples_us.len() as f64 * share) as usize).copied();
    let ms = |us: Option<u32>| us.map_or(f64::NAN, |us| f64::from(us) / 1e3);
    println!(
        "{name}: {} operations, p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms, longest {:.1} ms",
        samples_us.len(),
        ms(at(0.5)),
        ms(at(0.99)),
        ms(at(0.999)),
        ms(samples_us.last().copied())
    );
}
