//! `flywheel peers`: the engine and others under one workload on one disk, in turns, each run in a process of its
//! own that may use as much memory as the others'. The runs are `flywheel run`'s; the table is
//! `flywheel-report`'s.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use flywheel_load::Workload;
use flywheel_load::random::Random;
use flywheel_report::{
    Environment, PeersResult, RunResult, SystemRuns, peers_summary, utc_now, write_peers_folder,
};
use flywheel_targets::PeerName;

use crate::args::{Chosen, PeersArgs, Rate, TargetName};
use crate::child::Child;
use crate::error::CliError;
use crate::loaded;
use crate::memory_limit::MemoryLimit;
use crate::settings::{self, Named};

/// Seconds of each run, unless `--seconds` is given.
const DEFAULT_SECONDS: u64 = 10;

/// What a process may use beside its cache, unless `--memory-mib` is given: write buffers, index, and a page cache
/// that must not be a second cache.
const BESIDE_CACHE_MIB: u64 = 640;

/// More than any machine has: bytes of it still fit a number.
const MOST_MEMORY_MIB: u64 = 1 << 40;

/// Loads all systems, runs them in turns, and prints the table.
pub fn command(args: &PeersArgs, stop: &Arc<AtomicBool>) -> Result<u8, CliError> {
    let common = &args.common;
    let name = settings::workload_name(&args.files);
    let named = settings::resolve(name, &args.files, common, Some(DEFAULT_SECONDS))?;
    let systems = systems(args)?;
    if args.keep {
        for system in &systems {
            let dir = dir_of(&common.dir, system);
            if !settings::is_empty(&dir)? {
                loaded::check(&dir, &named.workload)?;
            }
        }
    } else if !settings::is_empty(&common.dir)? {
        let problem = "not empty, and every system begins with fresh files; delete it, or choose \
                       another --dir, or --keep what a --keep left";
        return Err(CliError::Data { directory: common.dir.clone(), problem: problem.into() });
    }
    let usual_mib = common.cache_mib.saturating_add(BESIDE_CACHE_MIB);
    let memory_mib = args.memory_mib.unwrap_or(usual_mib).min(MOST_MEMORY_MIB);
    let limit = MemoryLimit::new(memory_mib << 20);
    if let Err(reason) = &limit {
        eprintln!("flywheel: memory cannot be bounded: {reason}");
    }
    let mut result = begin(args, &named, &limit, memory_mib);
    let limit = limit.ok();
    let child = Child {
        program: Child::this_program()?,
        limit: limit.as_ref(),
        files: &args.files,
        common,
        out: &common.out,
        stop,
    };
    let runner = Runner { args, named: &named, child };
    let mut runs = runner.load_all(&systems)?;
    runner.rounds(&mut runs, None)?;
    if let Some(rate) = common_rate(args.rate, &runs) {
        result.rate_per_s = Some(rate);
        runner.rounds(&mut runs, Some(rate))?;
    }
    result.add(&runs, user_bytes(&named.workload));
    println!("{}", peers_summary(&result));
    let folder = write_peers_folder(&common.out, &result).map_err(CliError::file(&common.out))?;
    println!("{}", folder.display());
    for system in systems.iter().filter(|_| !args.keep) {
        remove(&dir_of(&common.dir, system));
    }
    Ok(if result.is_clean() { 0 } else { crate::EXIT_FAULT })
}

/// The engine first, then what was asked for, or all that this build has.
fn systems(args: &PeersArgs) -> Result<Vec<String>, CliError> {
    let mut names = vec!["engine".to_owned()];
    let asked = args.systems.iter().map(|TargetName(chosen)| *chosen);
    let built = || PeerName::ALL.into_iter().filter(|peer| peer.is_built()).map(Chosen::Peer);
    let chosen: Vec<Chosen> =
        if args.systems.is_empty() { built().collect() } else { asked.collect() };
    for chosen in chosen {
        if let Chosen::Peer(peer) = chosen {
            peer.available()?;
            names.push(peer.to_string());
        }
    }
    if names.len() == 1 {
        let problem = "this build has no peers: run scripts/peers-setup, then cargo build --release \
                       --features peers (RocksDB takes a quarter of an hour; any of fjall, lmdb, redb, sled a minute)";
        return Err(CliError::Flag(problem.into()));
    }
    Ok(names)
}

fn begin(
    args: &PeersArgs,
    named: &Named,
    limit: &Result<MemoryLimit, String>,
    memory_mib: u64,
) -> PeersResult {
    PeersResult {
        workload: named.name.clone(),
        properties: named.workload.properties().clone(),
        seed: named.workload.seed,
        command: std::env::args().collect(),
        started_utc: utc_now(),
        environment: Environment::gather(&args.common.dir),
        rounds: args.rounds,
        memory_limit_bytes: limit.as_ref().ok().map(|_| memory_mib << 20),
        memory_limit_refused: limit.as_ref().err().cloned(),
        ..PeersResult::default()
    }
}

/// A rate that every system can keep: such a share of the slowest one's.
fn common_rate(rate: Rate, runs: &[SystemRuns]) -> Option<f64> {
    let closed = runs.iter().flat_map(|runs| &runs.closed);
    let throughputs = closed.map(|(result, _)| result.throughput_ops_per_s);
    rate.of_slowest(throughputs).filter(|rate| *rate >= 1.0)
}

/// Bytes of keys, field names and values that the load wrote, if all fields are as long as they can be.
fn user_bytes(workload: &Workload) -> f64 {
    let mut key = Vec::new();
    workload.write_key(workload.insert_start, &mut key);
    let names: usize = workload.field_names.iter().map(String::len).sum();
    let fields = workload.field_length_max as f64 * f64::from(workload.field_count());
    workload.insert_count as f64 * (key.len() as f64 + names as f64 + fields)
}

struct Runner<'a> {
    args: &'a PeersArgs,
    named: &'a Named,
    child: Child<'a>,
}

impl Runner<'_> {
    fn load_all(&self, systems: &[String]) -> Result<Vec<SystemRuns>, CliError> {
        let mut runs = Vec::new();
        for system in systems {
            let name = if system == "engine" { "flywheel" } else { system };
            let dir = dir_of(&self.args.common.dir, system);
            if !settings::is_empty(&dir)? {
                println!("{system:<10} was loaded before");
                runs.push(SystemRuns { system: name.into(), ..SystemRuns::default() });
                continue;
            }
            let printed = match self.child.flywheel("load", system, &dir, &[]) {
                Err(CliError::Child(reason)) => {
                    eprintln!("flywheel: {reason}");
                    remove(&dir);
                    let failure = Some(reason);
                    runs.push(SystemRuns { system: name.into(), failure, ..SystemRuns::default() });
                    continue;
                }
                printed => printed?,
            };
            let rate = printed.rsplit(' ').next().and_then(|last| last.strip_suffix("/s"));
            println!("{system:<10} loaded: {}", printed.split(": ").last().unwrap_or_default());
            let load_ops_per_s = rate.and_then(|rate| rate.parse().ok());
            runs.push(SystemRuns { system: name.into(), load_ops_per_s, ..SystemRuns::default() });
        }
        Ok(runs)
    }

    /// All rounds of one loop: closed, or open at a rate. Each round in an order of its own, and every second one
    /// in the reverse of the one before, so that no system always comes after the same.
    fn rounds(&self, runs: &mut [SystemRuns], rate: Option<f64>) -> Result<(), CliError> {
        let mut order: Vec<usize> = (0..runs.len()).collect();
        let mut random = Random::new(self.named.workload.seed.wrapping_add(0x9e37));
        for round in 0..self.args.rounds {
            if round % 2 == 0 {
                shuffle(&mut order, &mut random);
            } else {
                order.reverse();
            }
            for &index in &order {
                if runs[index].failure.is_some() {
                    continue;
                }
                let (result, folder) = match self.measure(&runs[index].system, rate) {
                    // The others can still be compared.
                    Err(CliError::Child(reason)) => {
                        eprintln!("flywheel: {reason}");
                        runs[index].failure = Some(reason);
                        continue;
                    }
                    measured => measured?,
                };
                let how = rate.map_or("closed loop".to_owned(), |rate| format!("{rate:.0}/s"));
                println!(
                    "{:<10} round {} of {}, {how}: {:.0} ops/s",
                    runs[index].system,
                    round + 1,
                    self.args.rounds,
                    result.throughput_ops_per_s
                );
                let list =
                    if rate.is_some() { &mut runs[index].open } else { &mut runs[index].closed };
                list.push((result, folder));
            }
        }
        Ok(())
    }

    fn measure(&self, system: &str, rate: Option<f64>) -> Result<(RunResult, String), CliError> {
        let seconds = self.args.common.seconds.unwrap_or(DEFAULT_SECONDS);
        let system = if system == "flywheel" { "engine" } else { system };
        let dir = dir_of(&self.args.common.dir, system);
        self.child.measure(system, &dir, seconds, rate, &[])?.result()
    }
}

fn dir_of(dir: &Path, system: &str) -> PathBuf {
    dir.join(system)
}

fn remove(dir: &Path) {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            eprintln!("flywheel: {} could not be removed: {error}", dir.display());
        }
        _ => {}
    }
}

/// Fisher and Yates's shuffle.
fn shuffle(order: &mut [usize], random: &mut Random) {
    for last in (1..order.len()).rev() {
        order.swap(last, random.next_below(last as u64 + 1) as usize);
    }
}
