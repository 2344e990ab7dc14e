//! `flywheel gate --self-test`: the same build on both sides of the pairs, the one slowed down by a known amount. Says how often
//! a gate on this machine cries out for nothing, and how often it misses something.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use flywheel_report::gate::{
    PairedCheck, SelfTest, SelfTestLevel, Thresholds, self_test_summary, write_self_test_folder,
};
use flywheel_report::{Environment, GATE_SCHEMA_VERSION, utc_now};

use super::pairs::{self, Order, PairLoad, Pairs, Side};
use crate::args::GateArgs;
use crate::child::Child;
use crate::error::CliError;

/// Work on top, in percent of the processor's time.
const SLOWDOWNS_PERCENT: [f64; 4] = [0.0, 2.0, 5.0, 10.0];

/// Rounds from which on an interrupted test has something to report.
const FEWEST_ROUNDS: u64 = 2;

/// Measures all levels in turns, prints, and leaves a folder.
pub fn command(
    args: &GateArgs,
    thresholds: &Thresholds,
    stop: &Arc<AtomicBool>,
) -> Result<u8, CliError> {
    let named = pairs::workload(args)?;
    let program = Child::this_program()?;
    let side = |percent: f64| Side {
        program: program.clone(),
        // Zero as well: what is compared has the same wrapping on both sides.
        flags: vec!["--slow-down".into(), percent.to_string()],
    };
    let mut test = SelfTest {
        schema_version: GATE_SCHEMA_VERSION,
        command: std::env::args().collect(),
        started_utc: utc_now(),
        environment: Environment::gather(&args.common.dir),
        workload: named.name.clone(),
        seconds: pairs::seconds(&args.common),
        thresholds: *thresholds,
        judged: args.judge.clone(),
        ..SelfTest::default()
    };
    let mut running = Pairs::begin(args, &named, stop)?;
    let baseline = side(0.0);
    let most = SLOWDOWNS_PERCENT[SLOWDOWNS_PERCENT.len() - 1];
    let slowest = running.peak(&side(most))?;
    test.rate_per_s = pairs::common_rate(args.rate, &[&slowest]);
    let load = PairLoad { rate_per_s: test.rate_per_s, operation: pairs::slowest(&slowest) };
    // Each level as balanced as a gate of its own.
    let mut orders: Vec<Order> =
        (0..SLOWDOWNS_PERCENT.len()).map(|level| Order::new(level as u64)).collect();
    let mut levels: Vec<PairedCheck> = SLOWDOWNS_PERCENT
        .map(|_| PairedCheck {
            thresholds: *thresholds,
            judged: args.judge.clone(),
            seed: named.workload.seed,
            ..PairedCheck::default()
        })
        .into();
    // In turns, so that what changes with time changes for all.
    'measured: for round in 0..args.pairs {
        for ((level, percent), order) in levels.iter_mut().zip(SLOWDOWNS_PERCENT).zip(&mut orders) {
            let candidate_first = order.next();
            let pair = running.measure(&baseline, &side(percent), &load, candidate_first);
            let pair = match pair {
                // What whole rounds found is an hour's work perhaps, and sound.
                Err(CliError::Interrupted) if round >= FEWEST_ROUNDS => {
                    eprintln!("flywheel: interrupted: the report is of {round} rounds");
                    break 'measured;
                }
                other => other?,
            };
            if !level.add(pair)? {
                order.again(candidate_first);
            }
        }
        println!("round {} of {}", round + 1, args.pairs);
    }
    for (level, percent) in levels.into_iter().zip(SLOWDOWNS_PERCENT) {
        let (pairs, seed) = (level.pairs, named.workload.seed);
        let level = SelfTestLevel::new(percent, pairs, &args.judge, thresholds, seed)?;
        test.levels.push(level);
    }
    println!("{}", self_test_summary(&test));
    let out = &args.common.out;
    let folder = write_self_test_folder(out, &test).map_err(CliError::file(out))?;
    println!("{}", folder.display());
    Ok(0)
}
