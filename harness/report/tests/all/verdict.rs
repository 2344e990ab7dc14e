//! One table of operations and what they come to.

use flywheel_report::{
    OperationFigures, OperationKind, ReadBack, RunResult, Schedule, Validation, Verdict,
    Verification,
};

use crate::{operation, sample};

#[test]
fn each_type_is_judged_by_itself() {
    use OperationKind::{Read, Scan, Update};
    let failed = OperationFigures { errors: 1, ..operation(100, 500.0) };
    for (operations, expected, why) in [
        (vec![], Verdict::Fault, "nothing was measured"),
        (vec![(Read, operation(0, 0.0))], Verdict::Fault, "nothing was measured of the one type"),
        (vec![(Read, operation(100, 9_999.0))], Verdict::Met, "below"),
        (vec![(Read, operation(100, 10_000.0))], Verdict::Met, "exactly at the target"),
        (vec![(Read, operation(100, 10_000.1))], Verdict::Missed, "above"),
        (
            vec![(Read, operation(1_000_000, 10.0)), (Update, operation(1, 10_001.0))],
            Verdict::Missed,
            "a rare slow type is not averaged away",
        ),
        (
            vec![(Read, operation(100, 500.0)), (Scan, operation(0, 1e9))],
            Verdict::Met,
            "a type without samples has no p99",
        ),
        (vec![(Read, failed.clone())], Verdict::Fault, "a failed operation"),
        (
            vec![(Read, operation(100, 500.0)), (Update, OperationFigures { count: 0, ..failed })],
            Verdict::Fault,
            "a type that only failed",
        ),
    ] {
        let result =
            RunResult { operations: operations.into_iter().collect(), ..RunResult::default() };
        assert_eq!(Verdict::of(&result), expected, "{why}");
    }
}

#[test]
fn wrong_data_is_a_fault_however_fast() {
    for (wrong, expected) in [(0, Verdict::Met), (1, Verdict::Fault)] {
        let verification = Some(Verification { checked: 10, wrong });
        assert_eq!(Verdict::of(&RunResult { verification, ..sample() }), expected);
        assert_eq!(Verdict::of(&RunResult { faults: wrong, ..sample() }), expected);
        let read_back = Some(ReadBack { checked: 10, wrong, expected: 10 });
        assert_eq!(Verdict::of(&RunResult { read_back, ..sample() }), expected);
    }
}

#[test]
fn a_sum_outside_its_bounds_is_a_fault() {
    let within = Validation { least: 8, most: 10, expected: 8, found: 10, ..Validation::default() };
    for (validation, expected) in [
        (within.clone(), Verdict::Met),
        (Validation { found: 7, ..within.clone() }, Verdict::Fault),
        (Validation { found: 11, ..within.clone() }, Verdict::Fault),
        (Validation { wrong: 1, ..within }, Verdict::Fault),
    ] {
        let result = RunResult { validation: Some(validation), ..sample() };
        assert_eq!(Verdict::of(&result), expected, "{:?}", result.validation);
    }
}

#[test]
fn a_rate_that_was_not_sustained_is_called_so_whatever_its_p99() {
    let slow = [(OperationKind::Read, operation(100, 3e7))].into();
    for (sustained, operations, expected) in [
        (true, sample().operations, Verdict::Met),
        (false, sample().operations, Verdict::Unsustained),
        (false, slow, Verdict::Unsustained),
    ] {
        let schedule = Some(Schedule { sustained, ..Schedule::default() });
        let result = RunResult { schedule, operations, ..sample() };
        assert_eq!(Verdict::of(&result), expected);
    }
}

#[test]
fn exit_codes_are_fixed_and_the_worst_wins() {
    let verdicts = [Verdict::Met, Verdict::Missed, Verdict::Unsustained, Verdict::Fault];
    assert_eq!(verdicts.map(Verdict::exit_code), [0, 1, 1, 2]);
    for a in verdicts {
        for b in verdicts {
            assert_eq!(a.worse(b).exit_code(), a.exit_code().max(b.exit_code()));
        }
    }
}

#[test]
fn sealing_records_the_verdict() {
    let mut result = sample();
    assert!(result.target.met);
    result.target.p99_us = 2_000.0;
    assert_eq!(result.seal(), Verdict::Missed);
    assert!(!result.target.met);
}
