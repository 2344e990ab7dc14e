//! `flywheel-sim`: runs seeds, replays one, shrinks what fails, and lets canaries sing. Not the
//! simulation itself: that is the library, which knows no threads and no clock.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "seeds run on all cores, and how many a second is measured with the real clock"
)]

mod canaries;
mod one;
mod seeds;

use std::ops::RangeInclusive;
use std::process::ExitCode;

use clap::{ArgGroup, Parser};
use flywheel_sim::shape::Shape;
use flywheel_sim::tables::shape::TableShape;

/// Runs the whole engine in one thread by seed, with crashes and faults, and judges it.
///
/// Exit codes: 0 if every promise held, 1 if one was broken (or a canary lived), 2 on bad input.
#[derive(Debug, Parser)]
#[command(name = "sim", group(ArgGroup::new("what").required(true)))]
struct Args {
    /// Run one seed, twice, and print what it did and its trace: the same each time.
    #[arg(long, value_name = "N", group = "what")]
    seed: Option<u64>,

    /// Run so many seeds on all cores; shrink the first that fails and print its schedule.
    #[arg(long, value_name = "N", group = "what")]
    seeds: Option<u64>,

    /// Let each deliberate fault be made and see that it is found; needs the feature `canaries`.
    #[arg(long, group = "what")]
    canaries: bool,

    /// With --seed and --seeds: simulate tables and their transactions, not the shards alone.
    #[arg(long, conflicts_with = "canaries")]
    tables: bool,

    /// With --seeds and --canaries: the first seed.
    #[arg(long, value_name = "S", default_value_t = 1)]
    from: u64,

    /// With --canaries: every canary must be found within so many seeds.
    #[arg(long, value_name = "N", default_value_t = canaries::SEEDS)]
    within: u64,

    /// With --seed: leave these parts of the schedule out, as a shrunk failure names them.
    #[arg(
        long,
        value_name = "IDS",
        value_delimiter = ',',
        value_parser = one::read_range,
        requires = "seed"
    )]
    without: Vec<RangeInclusive<u32>>,

    /// With --seed: print the schedule, too.
    #[arg(long, requires = "seed")]
    verbose: bool,

    /// Threads to run seeds on; 0 for one on each core.
    #[arg(long, value_name = "N", default_value_t = 0)]
    jobs: usize,
}

fn main() -> ExitCode {
    let args = Args::parse();
    // A run that panics is a breach like any other, and is told as one.
    std::panic::set_hook(Box::new(|_| ()));
    let held = if let Some(seed) = args.seed {
        let without = args.without.into_iter().flatten().collect();
        if args.tables {
            one::replay::<TableShape>(seed, &without, args.verbose)
        } else {
            one::replay::<Shape>(seed, &without, args.verbose)
        }
    } else if let Some(count) = args.seeds {
        if args.tables {
            seeds::run::<TableShape>(args.from, count, args.jobs)
        } else {
            seeds::run::<Shape>(args.from, count, args.jobs)
        }
    } else {
        match canaries::run(args.from, args.within, args.jobs) {
            Ok(held) => held,
            Err(problem) => {
                eprintln!("sim: {problem}");
                return ExitCode::from(2);
            }
        }
    };
    if held { ExitCode::SUCCESS } else { ExitCode::from(1) }
}
