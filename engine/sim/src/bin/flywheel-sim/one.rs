//! One seed: replayed, twice, so that its trace can be seen to be the same; and the telling of a run.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use flywheel_sim::plan::{PartId, Plan};
use flywheel_sim::run::{self, Report};
use flywheel_sim::shrink;
use flywheel_sim::workload::Workload;

/// Runs that shrinking may take.
const SHRINKING_RUNS: usize = 600;

/// Runs one seed. Whether every promise held.
pub fn replay<W: Workload>(seed: u64, without: &BTreeSet<PartId>, verbose: bool) -> bool {
    let plan = Plan::<W>::draw(seed).without(without);
    if verbose {
        print!("{plan}");
    }
    let (report, again) = (run::run(&plan), run::run(&plan));
    tell(seed, &report);
    if report.trace != again.trace {
        println!("  NOT THE SAME AGAIN: trace {:016x}", again.trace);
        return false;
    }
    report.breach.is_none()
}

/// Prints what a run did.
fn tell(seed: u64, report: &Report) {
    let Report { breach, trace, steps, calls, answered, undecided, faults, reached } = report;
    println!(
        "seed {seed}: trace {trace:016x}, {steps} steps, {answered} of {calls} calls answered"
    );
    println!("  faults: {faults:?}");
    println!(
        "  {} batches, {} compaction rounds, {} checkpoints, {} bytes replayed, {undecided} undecided",
        reached.log_batches, reached.compaction_rounds, reached.checkpoints, reached.replayed_bytes
    );
    match breach {
        None => println!("  every promise held"),
        Some(breach) => println!("  BREACH: {breach}"),
    }
}

/// Shrinks a failing seed and prints what is left of it.
pub fn shrink_and_tell<W: Workload>(seed: u64) {
    let plan = Plan::<W>::draw(seed);
    let report = run::run(&plan);
    tell(seed, &report);
    if report.breach.is_none() {
        return;
    }
    let before = plan.parts().len();
    let shrunk = shrink::shrink(&plan, report, SHRINKING_RUNS, run::run);
    let left = before - shrunk.left_out.len();
    println!("\nshrunk to {left} of {before} parts in {} runs:\n{}", shrunk.runs, shrunk.plan);
    tell(seed, &shrunk.report);
    let left_out = spell(&shrunk.left_out);
    let flag = W::FLAG;
    println!("\nreplay it:       scripts/sim{flag} --seed {seed}");
    println!("as it is shrunk: scripts/sim{flag} --seed {seed} --without {left_out}");
}

/// Numbers as `1,4-9`.
fn spell(ids: &BTreeSet<PartId>) -> String {
    let mut ranges: Vec<(PartId, PartId)> = Vec::new();
    for &id in ids {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == id => *last = id,
            _ => ranges.push((id, id)),
        }
    }
    let range = |(first, last): (PartId, PartId)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    };
    ranges.into_iter().map(range).collect::<Vec<_>>().join(",")
}

/// Reads one number or range of [`spell`]'s.
///
/// # Errors
/// If it is neither.
pub fn read_range(text: &str) -> Result<RangeInclusive<PartId>, String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (first.parse(), last.parse()) {
        (Ok(first), Ok(last)) => Ok(first..=last),
        _ => Err("expected a number, or two with a dash between them".to_owned()),
    }
}
