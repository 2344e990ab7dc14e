//! Many seeds, on all cores: each runs alone in its thread. Counts, shows progress, stops at the first
//! that fails.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use flywheel_sim::plan::Plan;
use flywheel_sim::run::{self, Report};
use flywheel_sim::workload::Workload;
use indicatif::{ProgressBar, ProgressStyle};

use crate::one;

/// What many seeds did together.
#[derive(Debug, Default)]
struct Totals {
    seeds: u64,
    steps: u64,
    calls: u64,
    answered: u64,
    undecided: u64,
    faults: u64,
    power_losses: u64,
    compaction_rounds: u64,
    order_rounds: u64,
    checkpoints: u64,
    replayed_bytes: u64,
}

/// Runs `count` seeds from `from` on. Whether every promise held.
pub fn run<W: Workload>(from: u64, count: u64, jobs: usize) -> bool {
    let started = Instant::now();
    let bar = ProgressBar::new(count).with_style(style());
    let totals = Mutex::new(Totals::default());
    let broken = for_each_with::<W>(
        from,
        count,
        jobs,
        || (),
        |_, report| {
            totals.lock().expect("no holder panics").add(report);
            bar.inc(1);
        },
    );
    bar.finish_and_clear();
    let seconds = started.elapsed().as_secs_f64();
    totals.into_inner().expect("no holder panics").tell(seconds);
    match broken {
        None => {
            println!("every promise held in seeds {from} to {}", from + count - 1);
            true
        }
        Some(seed) => {
            println!("a promise was broken; shrinking seed {seed} ...");
            one::shrink_and_tell::<W>(seed);
            false
        }
    }
}

/// Runs seeds in order on `jobs` threads until one fails: the lowest that did. Each thread begins with
/// `prepare`; `done` sees each report.
pub fn for_each_with<W: Workload>(
    from: u64,
    count: u64,
    jobs: usize,
    prepare: impl Fn() + Sync,
    done: impl Fn(u64, &Report) + Sync,
) -> Option<u64> {
    let jobs = match jobs {
        0 => thread::available_parallelism().map_or(1, usize::from),
        jobs => jobs,
    };
    let (next, broken) = (AtomicU64::new(from), AtomicU64::new(u64::MAX));
    let work = || {
        prepare();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= from + count || seed > broken.load(Ordering::Relaxed) {
                return;
            }
            let report = run::run(&Plan::<W>::draw(seed));
            if report.breach.is_some() {
                broken.fetch_min(seed, Ordering::Relaxed);
            }
            done(seed, &report);
        }
    };
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(work);
        }
    });
    let broken = broken.into_inner();
    (broken < u64::MAX).then_some(broken)
}

impl Totals {
    fn add(&mut self, report: &Report) {
        self.seeds += 1;
        self.steps += report.steps;
        self.calls += report.calls;
        self.answered += report.answered;
        self.undecided += report.undecided;
        self.faults += report.faults.total();
        self.power_losses += report.faults.power_losses;
        self.compaction_rounds += report.reached.compaction_rounds;
        self.order_rounds += report.reached.order_rounds;
        self.checkpoints += report.reached.checkpoints;
        self.replayed_bytes += report.reached.replayed_bytes;
    }

    fn tell(&self, seconds: f64) {
        let rate = |count: u64| count as f64 / seconds;
        let Self { seeds, steps, calls, answered, undecided, faults, power_losses, .. } = self;
        println!("{seeds} seeds in {seconds:.1} s: {:.1} a second", rate(*seeds));
        println!(
            "{calls} operations ({answered} answered), {:.0} a second; {faults} faults ({power_losses} \
             power losses), {:.0} a second; {:.0} steps a second",
            rate(*calls),
            rate(*faults),
            rate(*steps)
        );
        println!(
            "{} compaction rounds ({} for order), {} checkpoints, {} MiB of log replayed; {undecided} histories undecided",
            self.compaction_rounds,
            self.order_rounds,
            self.checkpoints,
            self.replayed_bytes >> 20
        );
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:40} {pos}/{len} seeds, {per_sec}, {eta} left")
        .expect("a constant template")
}
