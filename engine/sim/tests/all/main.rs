//! The tests of the simulator itself: the same seed does the same, the first seeds pass, and what fails
//! shrinks. That it finds faults is shown by `scripts/sim --canaries`.

use std::cell::Cell;
use std::ops::Range;

use flywheel_sim::plan::Plan;
use flywheel_sim::run::{self, Report};
use flywheel_sim::shape::Shape;
use flywheel_sim::shrink;
use flywheel_sim::tables::shape::TableShape;
use flywheel_sim::workload::Workload;

/// Seeds that every run of the tests looks at; `.ci/run` and the nightly command look at more.
const SEEDS: u64 = 40;

/// The same of tables, whose seeds take longer.
const SEEDS_OF_TABLES: u64 = 20;

#[test]
fn the_same_seed_does_the_same() {
    does_the_same::<Shape>(1..8);
    does_the_same::<TableShape>(1..4);
}

fn does_the_same<W: Workload>(seeds: Range<u64>) {
    for seed in seeds {
        let [first, second] = [(); 2].map(|()| run::run(&Plan::<W>::draw(seed)));
        assert_eq!(first.trace, second.trace, "seed {seed}");
        assert_eq!((first.steps, first.calls), (second.steps, second.calls), "seed {seed}");
    }
    let [first, second] = [1, 2].map(|seed| run::run(&Plan::<W>::draw(seed)));
    assert_ne!(first.trace, second.trace);
}

#[test]
fn every_promise_holds_in_the_first_seeds() {
    let did = holds_in_the_first::<Shape>(SEEDS);
    // A simulator that does nothing breaks no promise either.
    assert!(did.iter().all(|&did| 5 * did > SEEDS), "too little was done: {did:?}");
}

#[test]
fn every_promise_of_tables_holds_in_the_first_seeds() {
    let [answered, faults, .., checkpoints] = holds_in_the_first::<TableShape>(SEEDS_OF_TABLES);
    let did = [answered / 20, faults, checkpoints];
    assert!(did.iter().all(|&did| did > SEEDS_OF_TABLES), "too little was done: {did:?}");
}

/// What these seeds did together.
fn holds_in_the_first<W: Workload>(seeds: u64) -> [u64; 5] {
    let mut total = [0; 5];
    for seed in 1..=seeds {
        let report = run::run(&Plan::<W>::draw(seed));
        if let Some(breach) = report.breach {
            panic!("seed {seed}: {breach}\nreplay it with scripts/sim{} --seed {seed}", W::FLAG);
        }
        let did = [
            report.answered,
            report.faults.total(),
            report.reached.compaction_rounds,
            report.reached.order_rounds,
            report.reached.checkpoints,
        ];
        total = std::array::from_fn(|n| total[n] + did[n]);
    }
    total
}

#[test]
fn a_failing_plan_shrinks_to_what_it_fails_by() {
    let plan =
        (1..).map(Plan::<Shape>::draw).find(|plan| plan.lives.len() > 2).expect("there are such");
    // One operation of the second life is to blame.
    let life = &plan.lives[1];
    let culprit = life.clients[0].last().expect("clients do something").id;
    let runs = Cell::new(0);
    let fails = |plan: &Plan| {
        runs.set(runs.get() + 1);
        let breach = plan.parts().contains(&culprit).then(|| "it".to_owned());
        Report { breach, ..Report::default() }
    };
    let report = fails(&plan);
    let shrunk = shrink::shrink(&plan, report, 10_000, fails);
    assert_eq!(shrunk.plan.parts(), [life.id, culprit]);
    assert!(shrunk.report.breach.is_some() && runs.get() < 2_000, "{} runs", runs.get());
}
