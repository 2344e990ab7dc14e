//! Whether a run met its target, and the exit code that says so. Not the comparison of two runs.

use crate::RunResult;

/// The outcome of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every type of operation had its p99 at or below the target.
    Met,
    /// At least one type of operation had its p99 above the target.
    Missed,
    /// The schedule was not kept, so the response times say how long the run was, not how fast the system is.
    Unsustained,
    /// The figures cannot be trusted: an operation failed, a check found a difference, or
    /// nothing was measured.
    Fault,
}

impl Verdict {
    /// Judges each type of operation by its own p99 of response time. Types never average: a fast
    /// read does not pay for a slow update.
    pub fn of(result: &RunResult) -> Self {
        let measured = || result.operations.values().filter(|operation| operation.count > 0);
        let failed = result.operations.values().any(|operation| operation.errors > 0);
        let differs = result.verification.as_ref().is_some_and(|found| !found.passed())
            || result.validation.as_ref().is_some_and(|found| !found.passed())
            || result.read_back.as_ref().is_some_and(|found| found.wrong > 0);
        if failed || differs || result.faults > 0 || measured().next().is_none() {
            Self::Fault
        } else if result.schedule.as_ref().is_some_and(|schedule| !schedule.sustained) {
            Self::Unsustained
        } else if measured().all(|operation| operation.response_us.p99 <= result.target.p99_us) {
            Self::Met
        } else {
            Self::Missed
        }
    }

    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "missed",
            Self::Unsustained => "not sustained",
            Self::Fault => "fault",
        }
    }

    /// The process's exit code: 0 met, 1 missed or not sustained, 2 fault.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Met => 0,
            Self::Missed | Self::Unsustained => 1,
            Self::Fault => 2,
        }
    }

    /// For several runs: a fault outweighs a miss, and a miss outweighs a met target.
    pub fn worse(self, other: Self) -> Self {
        if self.exit_code() >= other.exit_code() { self } else { other }
    }
}
