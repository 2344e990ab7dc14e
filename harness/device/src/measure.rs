//! One measure each: random reads, durable writes, sequential I/O. Not which of them are taken, nor
//! in what order: that is `probe`.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::file::ProbeFile;
use crate::limits::{BLOCK_BYTES, MAX_LATENCY_NS, SEQUENTIAL_DEPTH, WARM_UP_PARTS};
use crate::noise::Noise;
use crate::ring::{Request, Ring};
use crate::{
    DurableMethod, DurableWriteFigure, LatencyUs, ProbeError, ProbeOptions, RandomReadFigure,
    RingFeatures,
};

/// Keeps every slot of a ring busy with what `next` asks for, until it asks for no more and all
/// I/Os have ended. `done` hears when each I/O started and ended.
pub fn drive(
    ring: &mut Ring,
    what: &'static str,
    options: &ProbeOptions,
    mut next: impl FnMut(&mut Ring, usize) -> Option<Request>,
    mut done: impl FnMut(Instant, Instant),
) -> Result<(), ProbeError> {
    let mut started = vec![Instant::now(); ring.depth()];
    for (slot, started) in started.iter_mut().enumerate() {
        let Some(request) = next(ring, slot) else { break };
        *started = Instant::now();
        ring.start(slot, request);
    }
    while ring.in_flight() > 0 {
        options.check_stop()?;
        ring.wait().map_err(ProbeError::io(what))?;
        // One reading of the clock serves the batch: its I/Os ended together, as far as any
        // submitter can tell, and their successors go to the kernel together.
        let now = Instant::now();
        while let Some(completion) = ring.take_completion() {
            let completion = completion.map_err(ProbeError::io(what))?;
            check_length(what, completion.moved_bytes, ring.slot_bytes())?;
            done(started[completion.slot], now);
            if let Some(request) = next(ring, completion.slot) {
                started[completion.slot] = now;
                ring.start(completion.slot, request);
            }
        }
    }
    Ok(())
}

/// Random 4 KiB reads: `threads` submitters with `depth` in flight each.
pub fn random_reads(
    probe_file: &ProbeFile,
    threads: usize,
    depth: usize,
    options: &ProbeOptions,
) -> Result<(RandomReadFigure, RingFeatures), ProbeError> {
    let start_line = Barrier::new(threads);
    let readers: Vec<Result<Reads, ProbeError>> = thread::scope(|scope| {
        let reader = |number| {
            let start_line = &start_line;
            move || read_randomly(probe_file, number, depth, options, start_line)
        };
        let running: Vec<_> = (0..threads).map(|number| scope.spawn(reader(number))).collect();
        running.into_iter().map(|thread| thread.join().expect("a reader panicked")).collect()
    });

    let mut iops = 0.0;
    let mut latency_ns = new_histogram();
    let mut features = RingFeatures::default();
    for reads in readers {
        let reads = reads?;
        iops += reads.window.per_second(reads.window.latency_ns.len());
        latency_ns.add(&reads.window.latency_ns).expect("histograms of one shape");
        features = reads.features;
    }
    let latency_us = LatencyUs::of(&latency_ns);
    Ok((RandomReadFigure { threads, queue_depth: threads * depth, iops, latency_us }, features))
}

/// What one reading thread brings back.
struct Reads {
    window: Window,
    features: RingFeatures,
}

fn read_randomly(
    probe_file: &ProbeFile,
    number: usize,
    depth: usize,
    options: &ProbeOptions,
    start_line: &Barrier,
) -> Result<Reads, ProbeError> {
    let ring = Ring::new(probe_file.file.clone(), depth, BLOCK_BYTES);
    // Before any `?`: a thread that failed must not leave the others waiting.
    start_line.wait();
    let mut ring = ring?;
    let blocks = probe_file.bytes / BLOCK_BYTES as u64;
    let mut noise = Noise::new(number as u64);
    let mut window = Window::open(options);
    let end = window.end;
    drive(
        &mut ring,
        "a random read",
        options,
        |_, _| {
            let offset = noise.below(blocks) * BLOCK_BYTES as u64;
            (Instant::now() < end).then_some(Request::Read { offset })
        },
        |started, ended| window.record(started, ended),
    )?;
    Ok(Reads { window, features: ring.features() })
}

/// Durable writes of `size_bytes`, one in flight, over written extents and at consecutive offsets.
pub fn durable_writes(
    probe_file: &ProbeFile,
    method: DurableMethod,
    size_bytes: usize,
    options: &ProbeOptions,
) -> Result<DurableWriteFigure, ProbeError> {
    const WHAT: &str = "a durable write";
    let mut ring = Ring::new(probe_file.file.clone(), 1, size_bytes)?;
    let mut noise = Noise::new(size_bytes as u64);
    ring.buffer(0).for_each(|block| noise.fill(block));

    let durable = method == DurableMethod::ODsync;
    let places = probe_file.bytes / size_bytes as u64;
    let mut window = Window::open(options);
    for number in 0.. {
        options.check_stop()?;
        ring.buffer(0).for_each(|block| noise.stamp(block));
        let offset = number % places * size_bytes as u64;
        let started = Instant::now();
        perform(&mut ring, WHAT, Request::Write { offset, durable })?;
        if method == DurableMethod::Fdatasync {
            perform(&mut ring, WHAT, Request::Sync)?;
        }
        let ended = Instant::now();
        window.record(started, ended);
        if ended >= window.end {
            break;
        }
    }
    Ok(DurableWriteFigure {
        method,
        size_bytes: size_bytes as u64,
        writes_per_s: window.per_second(window.latency_ns.len()),
        latency_us: LatencyUs::of(&window.latency_ns),
    })
}

/// Large sequential reads with several in flight, in bytes per second.
pub fn sequential_read(probe_file: &ProbeFile, options: &ProbeOptions) -> Result<f64, ProbeError> {
    let io_bytes = probe_file.sequential_io_bytes;
    let mut ring = Ring::new(probe_file.file.clone(), SEQUENTIAL_DEPTH, io_bytes)?;
    let mut offsets = (0..probe_file.bytes).step_by(io_bytes).cycle();
    let mut window = Window::open(options);
    let end = window.end;
    drive(
        &mut ring,
        "a sequential read",
        options,
        |_, _| {
            let offset = offsets.next().expect("a cycle has no end");
            (Instant::now() < end).then_some(Request::Read { offset })
        },
        |started, ended| window.record(started, ended),
    )?;
    Ok(window.per_second(window.latency_ns.len() * io_bytes as u64))
}

/// Large sequential writes with several in flight and one sync at the end, in bytes per second.
/// The time of the sync counts: what a volatile cache has swallowed is not written.
pub fn sequential_write(probe_file: &ProbeFile, options: &ProbeOptions) -> Result<f64, ProbeError> {
    const WHAT: &str = "a sequential write";
    let io_bytes = probe_file.sequential_io_bytes;
    let mut ring = Ring::new(probe_file.file.clone(), SEQUENTIAL_DEPTH, io_bytes)?;
    let mut noise = Noise::new(io_bytes as u64);
    for slot in 0..ring.depth() {
        ring.buffer(slot).for_each(|block| noise.fill(block));
    }
    let mut offsets = (0..probe_file.bytes).step_by(io_bytes).cycle();
    let start = Instant::now();
    let end = start + options.measure_time();
    let mut written_bytes = 0;
    drive(
        &mut ring,
        WHAT,
        options,
        |ring, slot| {
            ring.buffer(slot).for_each(|block| noise.stamp(block));
            let offset = offsets.next().expect("a cycle has no end");
            (Instant::now() < end).then_some(Request::Write { offset, durable: false })
        },
        |_, _| written_bytes += io_bytes,
    )?;
    perform(&mut ring, WHAT, Request::Sync)?;
    Ok(written_bytes as f64 / start.elapsed().as_secs_f64())
}

/// One I/O on slot 0 of an idle ring, start to end.
fn perform(ring: &mut Ring, what: &'static str, request: Request) -> Result<(), ProbeError> {
    ring.start(0, request);
    loop {
        ring.wait().map_err(ProbeError::io(what))?;
        if let Some(completion) = ring.take_completion() {
            let moved_bytes = completion.map_err(ProbeError::io(what))?.moved_bytes;
            return match request {
                Request::Sync => Ok(()),
                _ => check_length(what, moved_bytes, ring.slot_bytes()),
            };
        }
    }
}

fn check_length(
    what: &'static str,
    moved_bytes: usize,
    asked_bytes: usize,
) -> Result<(), ProbeError> {
    if moved_bytes == asked_bytes {
        Ok(())
    } else {
        Err(ProbeError::Short { what, moved_bytes, asked_bytes })
    }
}

/// The time during which I/Os count: after a warm-up, and until at least one has ended in it.
struct Window {
    begin: Instant,
    end: Instant,
    closed: Instant,
    latency_ns: Histogram<u64>,
}

impl Window {
    fn open(options: &ProbeOptions) -> Self {
        let time = options.measure_time();
        let begin = Instant::now() + time / WARM_UP_PARTS;
        let end = begin + time;
        Self { begin, end, closed: end, latency_ns: new_histogram() }
    }

    /// Counts an I/O that ended inside the window. On a disk so slow that none did, the first one
    /// after it counts and stretches the window: a rate, if a rough one, rather than none.
    fn record(&mut self, started: Instant, ended: Instant) {
        let late = ended > self.end;
        if ended < self.begin || (late && !self.latency_ns.is_empty()) {
            return;
        }
        self.closed = self.closed.max(ended);
        self.latency_ns.saturating_record((ended - started).as_nanos() as u64);
    }

    fn per_second(&self, count: u64) -> f64 {
        let length: Duration = self.closed - self.begin;
        count as f64 / length.as_secs_f64()
    }
}

fn new_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, MAX_LATENCY_NS, 3).expect("constant bounds")
}
