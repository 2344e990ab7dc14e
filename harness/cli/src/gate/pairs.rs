//! Two builds in pairs: each loads fresh files and answers at one rate, in an order that is drawn and balanced; then both answer
//! as fast as they can, in short turns; with the disk probed before and after.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use flywheel_device::{Probe, ProbeOptions};
use flywheel_load::OpenOptions;
use flywheel_report::gate::{Build, PairFigures, PairedCheck, SideFigures, Thresholds};
use flywheel_report::{OperationKind, RunResult, Verdict};
use flywheel_stats::SplitMix64;

use crate::args::{Common, GateArgs, Rate};
use crate::child::{Child, Running};
use crate::device;
use crate::error::CliError;
use crate::settings::{self, Named};

use super::turns;

/// Seconds of each loop, unless `--seconds` is given.
const DEFAULT_SECONDS: u64 = 5;

/// What runs of pairs do without: nothing is read back that was read back before.
const LEAN: [&str; 2] = ["--verify", "0"];

/// Properties of both sides, unless the workload or `-p` has others: runs are many and short.
const DEFAULTS: [(&str, &str); 2] = [("threadcount", "64"), ("warmuptime", "2")];

/// One side of a pair: which binary, and what more it is told.
pub struct Side {
    /// Its `flywheel`.
    pub program: PathBuf,
    /// More flags.
    pub flags: Vec<String>,
}

/// What is to be compared, sound as far as can be told without running it.
pub struct Plan {
    check: PairedCheck,
    named: Named,
}

/// Checks the flags; `None` without a baseline.
pub fn plan(args: &GateArgs, thresholds: &Thresholds) -> Result<Option<Plan>, CliError> {
    let Some(baseline) = &args.baseline else {
        for (is_given, flag) in
            [(args.candidate.is_some(), "--candidate"), (!args.files.is_empty(), "-P")]
        {
            if is_given {
                let problem =
                    format!("{flag}: there is nothing to compare with: give --baseline too");
                return Err(CliError::Flag(problem));
            }
        }
        return Ok(None);
    };
    let candidate = match &args.candidate {
        Some(candidate) => candidate.clone(),
        None => Child::this_program()?,
    };
    let (baseline, candidate) = (Child::binary(baseline)?, Child::binary(&candidate)?);
    let named = workload(args)?;
    let build = |path: &Path| Build { path: path.display().to_string(), ..Build::default() };
    let check = PairedCheck {
        workload: named.name.clone(),
        properties: named.workload.properties().clone(),
        baseline: build(&baseline),
        candidate: build(&candidate),
        seconds: seconds(&args.common),
        thresholds: *thresholds,
        judged: args.judge.clone(),
        seed: named.workload.seed,
        ..PairedCheck::default()
    };
    Ok(Some(Plan { check, named }))
}

/// The workload that pairs are run with, and an empty directory to run them in.
pub fn workload(args: &GateArgs) -> Result<Named, CliError> {
    if args.files.is_empty() {
        let problem = "-P: pairs need a workload, such as -P workloads/a.properties";
        return Err(CliError::Flag(problem.into()));
    }
    let name = settings::workload_name(&args.files);
    let seconds = Some(DEFAULT_SECONDS);
    let named = settings::resolve_with(name, &args.files, &args.common, seconds, &DEFAULTS)?;
    // Response times are measured in an open loop, which does not suit every workload.
    OpenOptions::new(1.0, 1).check(&named.workload)?;
    if !settings::is_empty(&args.common.dir)? {
        let problem =
            "not empty, and every run begins with fresh files; delete it, or choose another --dir";
        return Err(CliError::Data { directory: args.common.dir.clone(), problem: problem.into() });
    }
    Ok(named)
}

/// Seconds of each loop.
pub fn seconds(common: &Common) -> u64 {
    common.seconds.unwrap_or(DEFAULT_SECONDS)
}

/// Measures pairs until they say enough.
pub fn run(args: &GateArgs, plan: Plan, stop: &Arc<AtomicBool>) -> Result<PairedCheck, CliError> {
    let Plan { mut check, named } = plan;
    let side = |build: &Build| Side { program: PathBuf::from(&build.path), flags: Vec::new() };
    let (baseline, candidate) = (side(&check.baseline), side(&check.candidate));
    let mut pairs = Pairs::begin(args, &named, stop)?;
    let (a, b) = (pairs.peak(&baseline)?, pairs.peak(&candidate)?);
    note_build(&mut check.baseline, &a);
    note_build(&mut check.candidate, &b);
    check.rate_per_s = common_rate(args.rate, &[&a, &b]);
    check.operation = slowest(&a);
    let mut order = Order::new(check.seed);
    loop {
        let missing = check.missing_pairs();
        if missing == 0 {
            return Ok(check);
        }
        for _ in 0..missing {
            let load = PairLoad { rate_per_s: check.rate_per_s, operation: check.operation };
            let candidate_first = order.next();
            let pair = pairs.measure(&baseline, &candidate, &load, candidate_first)?;
            if !check.add(pair)? {
                order.again(candidate_first);
            }
            println!("pair {}: {}", check.pairs.len(), told(&check));
        }
    }
}

/// The type of operation to look at: one for all pairs, or a p50 of reads would be held against one of updates.
pub fn slowest(result: &RunResult) -> Option<OperationKind> {
    result.slowest().map(|(kind, _)| kind)
}

/// The figures so far, or why the last pair does not count.
fn told(check: &PairedCheck) -> String {
    if check.figures.is_empty() {
        return "the figures come with the next".into();
    }
    if let Some(reason) = check.pairs.last().and_then(|pair| pair.void.as_ref()) {
        return format!("void, because {reason}");
    }
    let judged = check.figures.iter().filter(|figure| figure.is_judged);
    let ratios = judged.map(|of| {
        format!("{} {:.3} of the baseline's", of.figure.label(), of.comparison.ratio.estimate)
    });
    ratios.collect::<Vec<_>>().join(", ")
}

fn note_build(build: &mut Build, result: &RunResult) {
    build.git_revision.clone_from(&result.environment.git_revision);
    build.git_changed = result.environment.git_changed;
}

/// The rate that was asked for, or such a share of the slowest of these.
pub fn common_rate(rate: Rate, peaks: &[&RunResult]) -> f64 {
    let peaks = peaks.iter().map(|result| result.throughput_ops_per_s);
    rate.of_slowest(peaks).map_or(1.0, |rate| rate.max(1.0))
}

/// At what response times are measured, and of what.
pub struct PairLoad {
    /// Operations per second.
    pub rate_per_s: f64,
    /// Their type.
    pub operation: Option<OperationKind>,
}

/// What a probe found.
#[derive(Clone, Copy)]
struct Probed {
    read_iops: f64,
    /// Median of the fastest durable write.
    write_us: f64,
}

/// Pairs on one directory.
pub struct Pairs<'a> {
    args: &'a GateArgs,
    stop: &'a Arc<AtomicBool>,
    common: Common,
    probe: Option<Probe>,
    /// Whether the directory was not there before.
    made_dir: bool,
    /// Where children leave results, which nobody needs once they are read.
    runs: PathBuf,
    /// What the probe found last.
    probed: Option<Probed>,
}

impl<'a> Pairs<'a> {
    /// Prepares the probe.
    pub fn begin(
        args: &'a GateArgs,
        named: &Named,
        stop: &'a Arc<AtomicBool>,
    ) -> Result<Self, CliError> {
        let dir = &args.common.dir;
        let made_dir = !dir.exists();
        std::fs::create_dir_all(dir).map_err(CliError::file(dir))?;
        let mut common = args.common.clone();
        // The gate probes for them.
        common.no_probe = true;
        // What was worked out here, also where a build has another default.
        for (name, _) in DEFAULTS {
            if let Some(value) = named.workload.properties().get(name) {
                common.properties.push(format!("{name}={value}"));
            }
        }
        let runs = dir.join("runs");
        // From here on the directory goes away again, also if there is no probing it.
        let mut pairs = Self { args, stop, common, probe: None, made_dir, runs, probed: None };
        if !args.common.no_probe {
            let mut options = ProbeOptions::brief(dir);
            options.stop = Some(stop.clone());
            pairs.probe = Some(device::prepare(options)?);
        }
        Ok(pairs)
    }

    /// A closed loop on fresh files: what the build can do at most. Its records are read back: nothing is compared with a build
    /// that loses them.
    pub fn peak(&mut self, side: &Side) -> Result<RunResult, CliError> {
        let dir = self.fresh("first")?;
        let (seconds, flags) = (seconds(&self.common), flags(side, &[]));
        let (result, _) =
            self.child(side).measure("engine", &dir, seconds, None, &flags)?.result()?;
        sound(&result)?;
        self.remove(&dir)?;
        Ok(result)
    }

    /// One pair at a rate.
    pub fn measure(
        &mut self,
        baseline: &Side,
        candidate: &Side,
        load: &PairLoad,
        candidate_first: bool,
    ) -> Result<PairFigures, CliError> {
        let before = match self.probed {
            Some(probed) => Some(probed),
            None => self.probe()?,
        };
        let mut sides = [baseline, candidate];
        if candidate_first {
            sides.reverse();
        }
        // First what leaves both with equal files: the same operations at the same rate.
        let dirs = [self.fresh("first")?, self.fresh("second")?];
        let mut figures = Vec::new();
        for (side, dir) in sides.into_iter().zip(&dirs) {
            figures.push(self.respond(side, dir, load)?);
        }
        for (figures, closed) in figures.iter_mut().zip(self.in_turns(sides, &dirs)?) {
            // It had every second turn.
            figures.throughput_ops_per_s = 2.0 * closed.throughput_ops_per_s;
            figures.cpu_us_per_op = closed.process.cpu_us_per_op;
            figures.written_bytes_per_op = closed.process.written_bytes_per_op;
        }
        for dir in &dirs {
            self.remove(dir)?;
        }
        let after = self.probe()?;
        self.probed = after;
        let device_drift = before.zip(after).map(|(before, after)| {
            let change = |a: f64, b: f64| (a / b).max(b / a) - 1.0;
            change(before.read_iops, after.read_iops).max(change(before.write_us, after.write_us))
        });
        let [first, second] = <[SideFigures; 2]>::try_from(figures).expect("one for each side");
        let (candidate, baseline) = if candidate_first { (first, second) } else { (second, first) };
        Ok(PairFigures { candidate_first, baseline, candidate, device_drift, void: None })
    }

    /// An open loop at the one rate.
    fn respond(&self, side: &Side, dir: &Path, load: &PairLoad) -> Result<SideFigures, CliError> {
        let (seconds, rate, flags) =
            (seconds(&self.common), Some(load.rate_per_s), flags(side, &LEAN));
        let (result, _) =
            self.child(side).measure("engine", dir, seconds, rate, &flags)?.result()?;
        sound(&result)?;
        let sustained = result.schedule.as_ref().is_some_and(|schedule| schedule.sustained);
        let of = load.operation.and_then(|kind| result.operations.get(&kind));
        let response_us = of.filter(|of| sustained && of.count > 0).map(|of| of.response_us);
        Ok(SideFigures {
            sustained,
            p50_us: response_us.map(|us| us.p50),
            p99_us: response_us.map(|us| us.p99),
            ..SideFigures::default()
        })
    }

    /// Closed loops of both, which run at the same time and take turns.
    fn in_turns(&self, sides: [&Side; 2], dirs: &[PathBuf; 2]) -> Result<Vec<RunResult>, CliError> {
        let children = sides.map(|side| self.child(side));
        let mut running = Vec::new();
        for ((child, side), dir) in children.iter().zip(sides).zip(dirs) {
            let (seconds, flags) = (seconds(&self.common).saturating_mul(2), flags(side, &LEAN));
            running.push(child.measure("engine", dir, seconds, None, &flags)?);
        }
        let results = turns::take(running, Running::id, |running| Ok(running.result()?.0))?;
        let results = results.into_iter().collect::<Result<Vec<RunResult>, CliError>>()?;
        results.iter().try_for_each(sound)?;
        Ok(results)
    }

    fn child(&'a self, side: &Side) -> Child<'a> {
        Child {
            program: side.program.clone(),
            limit: None,
            files: &self.args.files,
            common: &self.common,
            out: &self.runs,
            stop: self.stop,
        }
    }

    fn probe(&self) -> Result<Option<Probed>, CliError> {
        let Some(probe) = &self.probe else { return Ok(None) };
        let figures = device::measure(probe, "probing")?;
        let writes = figures.durable_writes.iter().map(|write| write.latency_us.p50);
        Ok(Some(Probed {
            read_iops: figures.read_iops_max,
            write_us: writes.fold(f64::INFINITY, f64::min),
        }))
    }

    /// A folder for one build's files and results.
    fn fresh(&self, name: &str) -> Result<PathBuf, CliError> {
        let dir = self.common.dir.join(name);
        self.remove(&dir)?;
        Ok(dir)
    }

    fn remove(&self, dir: &Path) -> Result<(), CliError> {
        match std::fs::remove_dir_all(dir) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(CliError::file(dir)(error))
            }
            _ => Ok(()),
        }
    }
}

impl Drop for Pairs<'_> {
    fn drop(&mut self) {
        // What stays behind harms nobody.
        let dir = &self.common.dir;
        let _ = std::fs::remove_dir_all(&self.runs);
        for data in ["first", "second"] {
            let _ = std::fs::remove_dir_all(dir.join(data));
        }
        self.probe = None;
        if self.made_dir {
            let _ = std::fs::remove_dir(dir);
        }
    }
}

fn flags(side: &Side, more: &[&str]) -> Vec<String> {
    // Of the generator's floor nothing is made here.
    let more = more.iter().chain(&["--no-floor"]).map(|flag| (*flag).to_owned());
    more.chain(side.flags.iter().cloned()).collect()
}

/// Nothing is compared with a build whose operations fail, or are refused in a closed loop, or that loses data.
fn sound(result: &RunResult) -> Result<(), CliError> {
    let lost = result.read_back.as_ref().map_or(0, |found| found.wrong);
    let refused = match result.verdict() {
        Verdict::Fault => result.operations.values().map(|of| of.errors).sum::<u64>().max(1),
        _ => 0,
    };
    match result.faults.max(refused) + lost {
        0 if result.partial => Err(CliError::Child("a run ended before its time".into())),
        0 => Ok(()),
        faults => Err(CliError::Phase { phase: format!("running {}", result.workload), faults }),
    }
}

/// Who comes first: drawn, but of each two pairs in a row once the one and once the other.
pub struct Order {
    random: SplitMix64,
    /// What comes next, the last one first.
    next: Vec<bool>,
}

impl Order {
    /// Drawn from a seed.
    pub fn new(seed: u64) -> Self {
        Self { random: SplitMix64::new(seed), next: Vec::new() }
    }

    /// Whether the candidate does.
    pub fn next(&mut self) -> bool {
        if let Some(next) = self.next.pop() {
            return next;
        }
        let first = self.random.next_u64() & 1 == 1;
        self.next.push(!first);
        first
    }

    /// A pair in this order did not count, and is measured again.
    pub fn again(&mut self, candidate_first: bool) {
        self.next.push(candidate_first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_balanced_after_every_two_pairs_and_not_always_the_same() {
        let mut order = Order::new(7);
        let drawn: Vec<bool> = (0..40).map(|_| order.next()).collect();
        assert!(drawn.chunks(2).all(|two| two[0] != two[1]), "{drawn:?}");
        let firsts: Vec<bool> = drawn.iter().copied().step_by(2).collect();
        assert!(firsts.contains(&true) && firsts.contains(&false), "{firsts:?}");
        let first = order.next();
        order.again(first);
        assert_eq!((order.next(), order.next()), (first, !first), "a void pair is made up for");
        assert_ne!(drawn, {
            let mut other = Order::new(8);
            (0..40).map(|_| other.next()).collect::<Vec<_>>()
        });
    }
}
