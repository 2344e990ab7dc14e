//! `flywheel search`: the highest rate that meets the target, the knee, and the curve between. Each step is an
//! open loop at one rate on one open engine; what was found is judged and written by `flywheel-report`.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use flywheel_load::{Control, RunFigures, TargetFactory, Workload};
use flywheel_report::{
    BestRate, Environment, Paint, RateRun, SearchResult, new_search, search_summary, utc_now,
    write_search_folder,
};
use flywheel_stats::{DEFAULT_SENSITIVITY, Point, knee};

use crate::args::{Chosen, SearchArgs};
use crate::convert;
use crate::drive;
use crate::dynamodb::DynamoDb;
use crate::error::CliError;
use crate::interrupt;
use crate::measure::faults_of;
use crate::phases::Bench;
use crate::progress;
use crate::run;
use crate::settings::{self, Named};
use crate::systems::{self, Flywheel, Manners, Open, System, Table};

/// Seconds of each run, unless `--seconds` is given: p99 of 1,000 operations a second has its samples then.
const DEFAULT_SECONDS: u64 = 10;

/// Shares of the peak that are tried first: they draw the curve, and bracket the rate that is looked for.
const SWEEP: [f64; 8] = [0.1, 0.25, 0.4, 0.55, 0.7, 0.8, 0.9, 1.0];

/// Each step beyond the peak, and how far they go.
const BEYOND: f64 = 1.25;
const FURTHEST: f64 = 20.0;

/// The search ends when the bracket is this narrow, as a share of its upper end.
const NARROW: f64 = 0.05;

/// Runs that confirm the rate that was found.
const CONFIRMATIONS: u64 = 3;

/// Times that a rate which is not confirmed gives way to a lower one.
const RETREATS: u32 = 3;

/// Searches; the exit code says whether a rate was found.
pub fn command(args: &SearchArgs, stop: &Arc<AtomicBool>) -> Result<u8, CliError> {
    let common = &args.common;
    let name = settings::workload_name(&args.files);
    let named = settings::resolve(name, &args.files, common, Some(DEFAULT_SECONDS))?;
    // Whether the workload suits an open loop at all, before anything is loaded.
    drive::open(&systems::null_manners(common), &named.workload, 1.0)?;
    let bare = Bench { common, stop, probe: None };
    match args.target.0 {
        Chosen::Peer(peer) => {
            peer.available()?;
            search(&peer, args, &named, &bare)
        }
        Chosen::Engine => search(&Flywheel::default(), args, &named, &bare),
        Chosen::Table => search(&Table::default(), args, &named, &bare),
        Chosen::DynamoDb => search(&DynamoDb(&args.dynamodb), args, &named, &bare),
        Chosen::Null => Err(CliError::Flag("--target: null has no rate that it cannot do".into())),
    }
}

fn search<S: System>(
    system: &S,
    args: &SearchArgs,
    named: &Named,
    bare: &Bench<'_>,
) -> Result<u8, CliError> {
    let Bench { common, stop, .. } = *bare;
    run::load_if_empty(system, bare, named, true)?;
    let probe = if system.is_local() { run::probe(common, stop)? } else { None };
    let bench = Bench { common, stop, probe: probe.as_ref() };
    let mut result = begin(args, named, system.name());
    result.device.before = bench.probe("probing before")?;
    let open = system.open(&bench, &named.workload, true)?;
    let searched = Search {
        bench: &bench,
        peak_seconds: args.peak_seconds,
        factory: open.factory(),
        manners: open.manners(common, &named.workload),
        workload: &named.workload,
        result: &mut result,
    }
    .run();
    open.close()?;
    searched?;
    result.device.after = bench.probe("probing after")?;
    println!("{}", search_summary(&result, Paint::for_stdout()));
    let folder = write_search_folder(&common.out, &result).map_err(CliError::file(&common.out))?;
    println!("{}", folder.display());
    Ok(result.verdict().exit_code())
}

/// A result with all that is known before anything is measured.
fn begin(args: &SearchArgs, named: &Named, system: &str) -> SearchResult {
    let arrivals = named.workload.arrivals.spacing;
    SearchResult {
        workload: named.name.clone(),
        system: system.to_owned(),
        properties: named.workload.properties().clone(),
        seed: named.workload.seed,
        command: std::env::args().collect(),
        started_utc: utc_now(),
        environment: Environment::gather(&args.common.dir),
        arrivals: arrivals.map_or("poisson", |arrivals| arrivals.name()).to_owned(),
        target_p99_us: args.common.p99_ms * 1e3,
        seconds_each: args.common.seconds.unwrap_or(DEFAULT_SECONDS),
        ..new_search()
    }
}

struct Search<'a, F> {
    bench: &'a Bench<'a>,
    peak_seconds: u64,
    factory: &'a F,
    manners: Manners,
    workload: &'a Workload,
    result: &'a mut SearchResult,
}

impl<F: TargetFactory> Search<'_, F> {
    fn run(&mut self) -> Result<(), CliError> {
        let closed = drive::closed(&self.manners);
        let peak = self.bench.peak(&closed, self.factory, self.workload, self.peak_seconds)?;
        self.result.peak_ops_per_s = peak;
        let (mut met, mut failed) = self.sweep(peak)?;
        while let (low, Some(high)) = (met.unwrap_or(0.0), failed) {
            if high - low <= NARROW * high || high < peak * NARROW {
                break;
            }
            let middle = 0.5 * (low + high);
            if self.meets(middle)? {
                met = Some(middle);
            } else {
                failed = Some(middle);
            }
        }
        if let Some(rate) = met {
            self.confirm(rate, failed)?;
        }
        self.find_knee()
    }

    /// The curve. Returns the highest rate that met the target below the lowest that did not, and that one.
    fn sweep(&mut self, peak: f64) -> Result<(Option<f64>, Option<f64>), CliError> {
        let (mut met, mut failed) = (None, None);
        for share in SWEEP {
            let rate = share * peak;
            if self.meets(rate)? {
                if failed.is_none() {
                    met = Some(rate);
                }
            } else {
                failed = failed.or(Some(rate));
                // What lies further beyond says nothing new.
                if self.result.runs.last().is_some_and(|run| !run.sustained) {
                    break;
                }
            }
        }
        // A closed loop's clients may be too few to show what the system can do.
        let mut rate = peak;
        while failed.is_none() && rate < FURTHEST * peak {
            rate *= BEYOND;
            if self.meets(rate)? {
                met = Some(rate);
            } else {
                failed = Some(rate);
            }
        }
        Ok((met, failed))
    }

    /// Whether a rate meets the target: by its first run, or by two of three if that does not.
    fn meets(&mut self, rate: f64) -> Result<bool, CliError> {
        Ok(self.step(rate, false)? || (self.step(rate, false)? && self.step(rate, false)?))
    }

    /// Repeats the rate that was found, and gives way to a lower one while most runs of it fail.
    fn confirm(&mut self, mut rate: f64, mut failed: Option<f64>) -> Result<(), CliError> {
        for _ in 0..=RETREATS {
            let mut met = 0;
            for _ in 0..CONFIRMATIONS {
                met += u64::from(self.step(rate, true)?);
            }
            if 2 * met > CONFIRMATIONS {
                self.result.best = Some(BestRate {
                    rate_per_s: rate,
                    too_high_per_s: failed,
                    runs: CONFIRMATIONS,
                    met,
                });
                return Ok(());
            }
            failed = Some(rate);
            rate *= 1.0 - 2.0 * NARROW;
        }
        self.result.best = self.best_of_all(rate);
        Ok(())
    }

    /// The highest rate up to `most` that met the target in most of the runs made at it.
    fn best_of_all(&self, most: f64) -> Option<BestRate> {
        let runs = &self.result.runs;
        let of = |rate: f64| {
            let at_rate = runs.iter().filter(move |run| run.rate_per_s == rate);
            let met = at_rate.clone().filter(|run| run.meets(self.result.target_p99_us)).count();
            (at_rate.count() as u64, met as u64)
        };
        let mut rates: Vec<f64> = runs.iter().map(|run| run.rate_per_s).collect();
        rates.retain(|rate| *rate <= most && matches!(of(*rate), (runs, met) if 2 * met > runs));
        let rate_per_s = rates.into_iter().reduce(f64::max)?;
        let (made, met) = of(rate_per_s);
        let above = runs.iter().map(|run| run.rate_per_s).filter(|rate| *rate > rate_per_s);
        Some(BestRate { rate_per_s, too_high_per_s: above.reduce(f64::min), runs: made, met })
    }

    /// One run at one rate. Whether it met the target.
    fn step(&mut self, rate_per_s: f64, confirms: bool) -> Result<bool, CliError> {
        let bench = self.bench;
        let mut workload = self.workload.clone();
        // Other operations in each run, and the same ones whenever the search is made again.
        workload.seed = workload.seed.wrapping_add(self.result.runs.len() as u64);
        workload.warm_up = workload.warm_up.min(Duration::from_secs(2));
        let looped = drive::open(&self.manners, &workload, rate_per_s)?;
        let control = Control::with_stop_flag(bench.stop.clone());
        let label = format!("{rate_per_s:.0} ops/s");
        let drive = || looped.drive(&workload, self.factory, &control);
        let figures = flywheel_load::validated(&workload, self.factory, &control, || {
            progress::follow(&label, &control, drive)
        })?;
        if interrupt::is_set(bench.stop) {
            return Err(CliError::Interrupted);
        }
        self.result.faults += faults_of(&figures);
        let run = rate_run(&figures, rate_per_s, confirms);
        let meets = run.meets(self.result.target_p99_us);
        self.result.runs.push(run);
        Ok(meets)
    }

    fn find_knee(&mut self) -> Result<(), CliError> {
        let curve = self.result.curve();
        let sustained = curve.points.iter().filter(|point| point.sustained);
        let points: Vec<Point> =
            sustained.map(|of| Point { rate_per_s: of.rate_per_s, p99_us: of.p99_us }).collect();
        let found = knee(&points, DEFAULT_SENSITIVITY)?;
        self.result.knee_rate_per_s = found.map(|knee| knee.at.rate_per_s);
        Ok(())
    }
}

fn rate_run(figures: &RunFigures, rate_per_s: f64, confirms: bool) -> RateRun {
    let slowest = convert::slowest(figures);
    let us = slowest.map(|(_, us)| us).unwrap_or_default();
    let open = figures.open.as_ref();
    RateRun {
        rate_per_s,
        throughput_ops_per_s: figures.throughput_ops_per_s,
        slowest: slowest.map(|(kind, _)| kind),
        p50_us: us.p50,
        p99_us: us.p99,
        p999_us: us.p999,
        max_us: us.max,
        turned_away: open.map_or(0, |open| open.total.late + open.total.refused_total()),
        sustained: figures.pace.is_some_and(|pace| pace.sustained),
        confirms,
    }
}
