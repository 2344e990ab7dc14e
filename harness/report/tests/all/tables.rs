//! What people see, character by character.

use std::path::PathBuf;

use flywheel_report::{
    OperationFigures, OperationKind, Paint, RunResult, Schedule, Validation, Verification, suite,
    summary, tsv,
};

use crate::{operation, sample};

/// Compares with a file of `golden/`, or writes it when asked to.
pub(crate) fn check(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/all/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(golden == text, "{} differs from:\n{text}", path.display());
}

/// A run with little in it: no probe, no engine, few samples, stopped early.
fn bare() -> RunResult {
    let mut result = RunResult {
        workload: "c".into(),
        system: "null".into(),
        elapsed_s: 0.5,
        partial: true,
        throughput_ops_per_s: 250.0,
        operations: [
            (OperationKind::Read, operation(100, 12_500.0)),
            (OperationKind::Scan, OperationFigures::default()),
        ]
        .into(),
        ..RunResult::default()
    };
    result.seal();
    result
}

fn faulty() -> RunResult {
    let mut result = sample();
    result.workload = "a".into();
    result.verification = Some(Verification { checked: 1_000_000, wrong: 3 });
    result.seal();
    result
}

#[test]
fn summary_of_a_full_run() {
    check("summary.txt", &summary(&sample(), Paint::plain()));
}

#[test]
fn summary_of_a_bare_run() {
    check("summary-bare.txt", &summary(&bare(), Paint::plain()));
}

#[test]
fn summary_of_a_faulty_run() {
    check("summary-faulty.txt", &summary(&faulty(), Paint::plain()));
}

#[test]
fn summary_of_a_throttled_run() {
    let mut result = sample();
    result.schedule = Some(Schedule {
        arrivals: "poisson".into(),
        shape: "flat".into(),
        rate_per_s: 120_000.0,
        offered: 7_230_000,
        refused: [("ProvisionedThroughputExceededException".to_owned(), 30_000)].into(),
        in_flight_most: Some(64),
        ..Schedule::default()
    });
    result.intervals[0].throttled = 30_000;
    result.seal();
    check("summary-throttled.txt", &summary(&result, Paint::plain()));
    let row = tsv(&result);
    let row: Vec<Vec<&str>> = row.lines().map(|line| line.split('\t').collect()).collect();
    let cell = |name: &str| row[1][row[0].iter().position(|head| *head == name).unwrap()];
    assert_eq!((cell("throttled"), cell("throttling_ended_s")), ("30000", "1"));
}

#[test]
fn suite_of_three_runs() {
    check("suite.txt", &suite(&[faulty(), sample(), bare()]));
}

#[test]
fn a_p99_exactly_at_the_target_reads_as_equal() {
    let mut result = bare();
    result.operations = [(OperationKind::Read, operation(20_000, 10_000.0))].into();
    let text = summary(&result, Paint::plain());
    assert!(text.contains("p99 10.0 ms = 10.0 ms (READ): target met\n"), "{text}");
    assert!(!text.contains("a hint"), "{text}");
}

#[test]
fn a_sum_is_told_with_its_score_and_a_wrong_one_is_the_fault() {
    let mut result = sample();
    let validation = Validation {
        records: 1_000,
        expected: 500,
        least: 500,
        most: 501,
        found: 500,
        unsettled: 1,
        ..Validation::default()
    };
    result.validation = Some(validation.clone());
    let line = "summed      1,000 records hold 500 of 500, anomaly score 0, 1 without an answer";
    assert!(
        summary(&result, Paint::plain()).contains(line),
        "{}",
        summary(&result, Paint::plain())
    );
    result.validation = Some(Validation { found: 400, anomaly_score: 0.25, ..validation });
    result.seal();
    let text = summary(&result, Paint::plain());
    assert!(text.contains("fault: what all records hold together is not"), "{text}");
    assert!(text.contains("hold 400 of 500, anomaly score 0.25"), "{text}");
}

#[test]
fn tests_are_no_terminal_and_get_no_colour() {
    assert_eq!(summary(&sample(), Paint::plain()).matches('\x1b').count(), 0);
}

#[test]
fn a_rate_not_sustained_says_what_its_times_are_worth() {
    let line = |refused: u64, final_slip_us: f64, late: u64| {
        let schedule = Schedule {
            arrivals: "poisson".into(),
            rate_per_s: 130_000.0,
            refused: [("a shard's queue".to_owned(), refused)].into(),
            final_slip_us,
            late,
            ..Schedule::default()
        };
        summary(&RunResult { schedule: Some(schedule), ..sample() }, Paint::plain())
    };
    let refused = line(7_000, 12.0, 0);
    assert!(refused.contains("rate not sustained: 120,000 of 130,000 operations/s"), "{refused}");
    assert!(refused.contains("7,000 refused; its response times are those of what was accepted"));
    for slipped in [line(0, 9e6, 0), line(7_000, 9e6, 0), line(7_000, 12.0, 5)] {
        assert!(slipped.contains("only say how long the run was"), "{slipped}");
    }
}
