//! A gate's result as JUnit XML, which CI servers show as tests: each budget and each judged figure is one.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::table::{change, number};
use super::{CounterVerdict, GateResult};
use crate::PairVerdict;
use crate::compare::verdict_word;
use crate::units::fine_ratio;

/// The text of the file.
pub(super) fn report(result: &GateResult) -> String {
    let mut report = Report::new("flywheel gate");
    if let Some(check) = &result.counters {
        let mut suite = TestSuite::new("counted per operation");
        suite.add_test_cases(check.rows.iter().map(|row| {
            let status = match row.verdict {
                CounterVerdict::Within | CounterVerdict::Under => TestCaseStatus::success(),
                CounterVerdict::NoBudget => undecided("there is no budget".into()),
                CounterVerdict::Over => failed(format!(
                    "{} per operation, budget {} ({})",
                    number(row.measured),
                    row.budget.map_or("none".into(), number),
                    change(row)
                )),
            };
            case(&row.operation, row.counter.name(), status)
        }));
        suite.add_test_cases(check.not_counted.iter().map(|reason| {
            let status = if check.is_strict { undecided(reason.clone()) } else { skipped(reason) };
            case("not counted", reason, status)
        }));
        report.add_test_suite(suite);
    }
    if let Some(check) = &result.paired {
        let mut suite = TestSuite::new("measured in pairs");
        suite.add_test_cases(check.figures.iter().filter(|figure| figure.is_judged).map(
            |figure| {
                let of = &figure.comparison;
                let said = format!(
                    "{}: {} of the baseline's [{}, {}], {} pairs",
                    verdict_word(of.verdict),
                    fine_ratio(of.ratio.estimate),
                    fine_ratio(of.ratio.low),
                    fine_ratio(of.ratio.high),
                    of.pairs
                );
                case(&check.workload, figure.figure.label(), verdict_of(of.verdict, said))
            },
        ));
        // What no single figure says: too few pairs, or a rate that was not kept.
        let said = format!("{} of {} pairs count", check.valid().count(), check.pairs.len());
        suite.add_test_case(case(&check.workload, "all pairs", verdict_of(check.verdict(), said)));
        report.add_test_suite(suite);
    }
    report.to_string().expect("writing to memory does not fail")
}

fn verdict_of(verdict: PairVerdict, said: String) -> TestCaseStatus {
    match verdict {
        PairVerdict::Improved | PairVerdict::Equivalent => TestCaseStatus::success(),
        PairVerdict::Regressed => failed(said),
        PairVerdict::Inconclusive => undecided(said),
    }
}

/// Whatever leaves the gate inconclusive.
fn undecided(message: String) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_message(message);
    status
}

fn case(class: &str, name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(class);
    case
}

fn failed(message: String) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_message(message);
    status
}

fn skipped(message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(message);
    status
}
