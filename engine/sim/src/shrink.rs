//! Shrinking: leaves parts of a failing plan out as long as it still fails, until nothing more can go.
//! Not clever about why it fails: any breach counts.

use std::collections::BTreeSet;

use crate::plan::{PartId, Plan};
use crate::run::Report;
use crate::workload::Workload;

/// A failing plan with as few parts as could be reached.
#[derive(Debug)]
pub struct Shrunk<W: Workload> {
    /// Parts that may be left out.
    pub left_out: BTreeSet<PartId>,
    /// What remains of the plan.
    pub plan: Plan<W>,
    /// How it fails.
    pub report: Report,
    /// How often it was run.
    pub runs: usize,
}

/// Shrinks a plan that fails with `report`, in at most so many runs by `run`.
pub fn shrink<W: Workload>(
    plan: &Plan<W>,
    report: Report,
    most_runs: usize,
    run: impl Fn(&Plan<W>) -> Report,
) -> Shrunk<W> {
    let mut shrunk = Shrunk { left_out: BTreeSet::new(), plan: plan.clone(), report, runs: 0 };
    let mut at_once = plan.parts().len().div_ceil(2).max(1);
    loop {
        let mut went = false;
        let parts: Vec<PartId> = shrunk.plan.parts();
        for some in parts.chunks(at_once) {
            if shrunk.runs == most_runs {
                return shrunk;
            }
            let mut left_out = shrunk.left_out.clone();
            left_out.extend(some);
            let candidate = plan.without(&left_out);
            let report = run(&candidate);
            shrunk.runs += 1;
            if report.breach.is_some() {
                went = true;
                (shrunk.left_out, shrunk.plan, shrunk.report) = (left_out, candidate, report);
            }
        }
        if at_once == 1 && !went {
            return shrunk;
        }
        at_once = at_once.div_ceil(2);
    }
}
