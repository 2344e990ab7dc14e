//! What the driver makes of a target that fails, corrupts, loses, or never answers.
//! Healthy targets are in `driver`.

use std::time::Duration;

use flywheel_load::figures::IntervalFigures;
use flywheel_load::{
    Control, Operation, RunError, RunFigures, RunOptions, TargetErrorKind, Workload, run,
};

use crate::support::{Fault, Map, workload};

fn verified(more: &[(&str, &str)]) -> Workload {
    let mut all = vec![
        ("recordcount", "300"),
        ("operationcount", "1000"),
        ("fieldcount", "2"),
        ("fieldlength", "60"),
        ("dataintegrity", "true"),
        ("threadcount", "4"),
    ];
    all.extend(more);
    workload(&all)
}

/// Loads without a fault, then runs with it.
fn run_with(fault: Fault, workload: &Workload) -> RunFigures {
    let map = Map::new(Fault::None);
    map.load(workload);
    map.with_fault(fault).run(workload)
}

fn failed(figures: &RunFigures) -> u64 {
    figures.verification.as_ref().expect("dataintegrity is on").failed
}

#[test]
fn one_flipped_bit_in_a_read_is_caught() {
    let workload = verified(&[("readproportion", "1"), ("updateproportion", "0")]);
    let figures = run_with(Fault::CorruptEvery(100), &workload);
    // Each of two workers returns at least 400 of the 1000 records.
    assert!(failed(&figures) >= 8, "{:?}", figures.verification);
    assert!(!figures.is_clean());
    assert!(figures.errors.is_empty(), "a wrong answer is not an error of the target's own");
    let samples = &figures.verification.as_ref().expect("on").samples;
    assert!(samples[0].contains("differs at byte"), "{samples:?}");
}

#[test]
fn one_flipped_bit_in_a_scan_and_in_a_read_modify_write_is_caught() {
    for proportion in ["scanproportion", "readmodifywriteproportion"] {
        let workload = verified(&[
            ("readproportion", "0"),
            ("updateproportion", "0"),
            ("maxscanlength", "5"),
            (proportion, "1"),
        ]);
        assert!(failed(&run_with(Fault::CorruptEvery(100), &workload)) > 0, "{proportion}");
    }
}

#[test]
fn rows_out_of_order_are_caught() {
    let workload = verified(&[
        ("readproportion", "0"),
        ("updateproportion", "0"),
        ("scanproportion", "1"),
        ("minscanlength", "3"),
    ]);
    assert!(failed(&run_with(Fault::Unordered, &workload)) > 0);
}

#[test]
fn a_lost_insert_is_caught_by_whoever_reads_it() {
    let workload = verified(&[
        ("readproportion", "0.5"),
        ("updateproportion", "0"),
        ("insertproportion", "0.5"),
        ("requestdistribution", "latest"),
    ]);
    let figures = run_with(Fault::LoseEvery(10), &workload);
    assert!(failed(&figures) > 0);
    assert!(figures.operations[&Operation::Read].not_found > 0);
}

#[test]
fn errors_are_counted_by_kind_with_the_first_messages() {
    let workload = verified(&[("readmodifywriteproportion", "0.2")]);
    let figures = run_with(Fault::FailEvery(10), &workload);
    assert_eq!(
        figures.operations_total + figures.errors_total,
        1_000,
        "failures use up the operation count"
    );
    let [overloaded] = figures.errors.as_slice() else {
        panic!("one kind of error: {:?}", figures.errors);
    };
    assert_eq!(overloaded.kind, TargetErrorKind::Overloaded);
    assert_eq!(overloaded.count, figures.errors_total);
    let throttled = |second: &IntervalFigures| (second.throttled, second.errors);
    let series: Vec<_> = figures.intervals.iter().map(throttled).collect();
    assert!(series.iter().all(|(throttled, errors)| throttled == errors), "{series:?}");
    assert!(series.iter().any(|(throttled, _)| *throttled > 0), "{series:?}");
    assert_eq!(overloaded.samples.len(), 5);
    assert!(overloaded.samples[0].ends_with("the queue is full"), "{:?}", overloaded.samples);
    let by_operation: u64 = figures.operations.values().map(|of| of.errors).sum();
    let halves = figures.operations[&Operation::ReadModifyWrite].errors;
    assert_eq!(by_operation, figures.errors_total + halves, "a failed half fails the whole");
    assert!(!figures.is_clean());
}

#[test]
fn failed_inserts_are_tried_again_as_often_as_asked() {
    let retried = |limit| {
        let workload = verified(&[
            ("core_workload_insertion_retry_limit", limit),
            ("core_workload_insertion_retry_interval", "0.001"),
            ("threadcount", "1"),
        ]);
        let map = Map::new(Fault::FailFirst(3));
        (map.load(&workload), map.snapshot().len())
    };
    let (figures, stored) = retried("3");
    assert_eq!((figures.insertion_retries, figures.errors_total, stored), (3, 0, 300));
    assert_eq!(figures.errors[0].count, 3, "every failure is counted");
    let (figures, stored) = retried("1");
    assert_eq!((figures.insertion_retries, figures.errors_total, stored), (2, 1, 299));
    let (figures, stored) = retried("0");
    assert_eq!((figures.insertion_retries, figures.errors_total, stored), (0, 3, 297));
}

#[test]
fn an_operation_that_never_returns_is_abandoned_once_the_run_is_over() {
    let workload = verified(&[("operationcount", "0"), ("maxexecutiontime", "0.01")]);
    let map = Map::new(Fault::None);
    map.load(&workload);
    let map = map.with_fault(Fault::HangAt(20));
    let options = RunOptions { drain: Some(Duration::from_millis(1)), ..RunOptions::default() };
    let figures = run(&workload, &&map, &options, &map.control).expect("the map connects");
    assert_eq!(figures.abandoned, 1);
    assert!(figures.partial && !figures.is_clean());
    assert!(figures.operations_total > 0, "the others went on");
}

#[test]
fn updates_of_missing_records_are_counted_not_failed() {
    let workload =
        verified(&[("readproportion", "0"), ("updateproportion", "1"), ("dataintegrity", "false")]);
    let figures = Map::new(Fault::None).run(&workload);
    assert_eq!(figures.operations[&Operation::Update].not_found, 1_000);
    assert_eq!(figures.user_bytes_written, 0, "nothing was written");
    assert!(figures.is_clean());
}

#[test]
fn a_worker_that_cannot_connect_ends_the_phase_for_all() {
    let workload = verified(&[]);
    let map = Map::new(Fault::Refuse(1));
    let options = RunOptions { workers: Some(3), ..RunOptions::default() };
    let refused = run(&workload, &&map, &options, &Control::new());
    match refused {
        Err(RunError::Connect { worker: 1, error }) => {
            assert_eq!(error.kind, TargetErrorKind::Unavailable)
        }
        other => panic!("worker 1 cannot connect: {other:?}"),
    }
}
