//! A run: cases by seed until there were enough, and what they found, shrunk.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::bench::{Bench, Exchange, Gone};
use crate::case::Case;
use crate::draw::{self, Choice, OPERATIONS};
use crate::limits::MAX_SHRINK_RUNS;
use crate::record::Recorder;
use crate::report::{Group, Report, Told};
use crate::shrink::shrink;

/// What to run.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Where cases come from.
    pub seed: u64,
    /// How many of them.
    pub cases: Option<u64>,
    /// For how long.
    pub time: Option<Duration>,
    /// Operations that are drawn, and no others; all that every endpoint knows if empty.
    pub only: Vec<String>,
    /// Differences that are known, and not told again.
    pub known: BTreeSet<String>,
    /// Runs that shrinking one difference may take; all that are sensible if not given.
    pub shrink_runs: Option<usize>,
}

/// Why there was nothing to run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// An endpoint is gone.
    #[error(transparent)]
    Gone(#[from] Gone),
    /// Nothing is left to draw.
    #[error("no operation is left to draw: of {0} all endpoints know none")]
    NoOperation(String),
}

/// Runs a plan. `stop` says when to end before, `found` is told each new difference. An endpoint that goes on the way
/// is told in the report.
///
/// # Errors
/// [`RunError`].
pub fn run(
    bench: &mut Bench,
    plan: &Plan,
    recorder: Option<&mut Recorder>,
    stop: impl Fn() -> bool,
    found: impl FnMut(&Group),
) -> Result<Report, RunError> {
    let started = Instant::now();
    let (choice, left_out) = choose(bench, plan)?;
    let mut run = Run { bench, plan, groups: BTreeMap::new(), recorder, found };
    let (mut case, mut fault) = (0, None);
    let is_over = |case| {
        plan.cases.is_some_and(|most| case >= most)
            || plan.time.is_some_and(|most| started.elapsed() >= most)
    };
    while !is_over(case) && !stop() {
        case += 1;
        // What was found before an endpoint went is worth telling.
        if let Err(gone) = run.case(case - 1, &draw::case(plan.seed, case - 1, &choice), &stop) {
            fault = Some(gone.to_string());
            break;
        }
    }
    let mut groups: Vec<Group> = run.groups.into_values().collect();
    groups.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.signature.cmp(&b.signature)));
    Ok(Report {
        endpoints: bench.endpoints.iter().map(|of| (of.name.clone(), of.url.clone())).collect(),
        seed: plan.seed,
        left_out,
        cases: case,
        requests: bench.requests,
        seconds: started.elapsed().as_secs_f64(),
        fault,
        groups,
    })
}

/// What is drawn: what was asked for, or what all know. Also what was left out.
fn choose(bench: &Bench, plan: &Plan) -> Result<(Choice, Vec<String>), RunError> {
    for endpoint in &bench.endpoints {
        if !endpoint.is_alive() {
            let why = endpoint.send("ListTables", b"{}").body.to_string();
            let (name, url) = (endpoint.name.clone(), endpoint.url.clone());
            return Err(Gone { name, url, after: None, why }.into());
        }
    }
    let is_asked = |name: &str| plan.only.is_empty() || plan.only.iter().any(|only| only == name);
    let asked = OPERATIONS.iter().map(|(_, name)| *name).filter(|name| is_asked(name));
    let (known, left_out): (Vec<&str>, Vec<&str>) = asked
        .partition(|name| !plan.only.is_empty() || bench.endpoints.iter().all(|of| of.knows(name)));
    let choice = Choice::of(|name| known.contains(&name));
    let none = || RunError::NoOperation(plan.only.join(", "));
    Ok((choice.ok_or_else(none)?, left_out.into_iter().map(str::to_owned).collect()))
}

struct Run<'a, F> {
    bench: &'a mut Bench,
    plan: &'a Plan,
    groups: BTreeMap<String, Group>,
    recorder: Option<&'a mut Recorder>,
    found: F,
}

impl<F: FnMut(&Group)> Run<'_, F> {
    fn case(&mut self, number: u64, case: &Case, stop: &impl Fn() -> bool) -> Result<(), Gone> {
        let exchanges = self.bench.run(case)?;
        if let Some(recorder) = &mut self.recorder {
            recorder.record(self.bench, case, &exchanges)?;
        }
        for signature in exchanges.iter().filter_map(|exchange| exchange.difference.as_ref()) {
            if let Some(group) = self.groups.get_mut(signature) {
                group.count += 1;
            } else if !self.plan.known.contains(signature) && !stop() {
                let group = self.group(number, case, signature, &exchanges)?;
                (self.found)(&group);
                self.groups.insert(signature.clone(), group);
            }
        }
        Ok(())
    }

    fn group(
        &mut self,
        number: u64,
        case: &Case,
        signature: &str,
        exchanges: &[Exchange],
    ) -> Result<Group, Gone> {
        let mut best = (case.clone(), exchanges.to_vec());
        // Who records what is agreed on does not wait for what is not.
        let asked = self.plan.shrink_runs.unwrap_or(MAX_SHRINK_RUNS);
        let most_runs = if self.recorder.is_some() { 0 } else { asked };
        shrink(case.clone(), most_runs, |candidate| {
            let exchanges = self.bench.run(candidate)?;
            let shows = |of: &Exchange| of.difference.as_deref() == Some(signature);
            let holds = exchanges.iter().any(shows);
            if holds {
                best = (candidate.clone(), exchanges);
            }
            Ok(holds)
        })?;
        let (shrunk, exchanges) = best;
        let tell = |(request, exchange): (_, Exchange)| Told {
            request,
            answers: exchange.answers,
            differs: exchange.difference.as_deref() == Some(signature),
        };
        let exchanges = shrunk.requests.into_iter().zip(exchanges).map(tell).collect();
        Ok(Group { signature: signature.to_owned(), count: 1, case: number, exchanges })
    }
}
