//! Whether a run met its target, and the exit code that says so. Not the comparison of two runs.

use std::collections::BTreeMap;

use crate::{OperationFigures, OperationKind, Verification};

/// The outcome of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every type of operation had its p99 at or below the target.
    Met,
    /// At least one type of operation had its p99 above the target.
    Missed,
    /// The figures cannot be trusted: an operation failed, the verification found a difference, or
    /// nothing was measured.
    Fault,
}

impl Verdict {
    /// Judges each type of operation by its own p99 of response time. Types never average: a fast
    /// read does not pay for a slow update.
    pub fn judge(
        target_p99_us: f64,
        operations: &BTreeMap<OperationKind, OperationFigures>,
        verification: Option<&Verification>,
    ) -> Self {
        let measured = || operations.values().filter(|operation| operation.count > 0);
        let failed = operations.values().any(|operation| operation.errors > 0);
        let differs = verification.is_some_and(|verification| !verification.passed());
        if failed || differs || measured().next().is_none() {
            Self::Fault
        } else if measured().all(|operation| operation.response_us.p99 <= target_p99_us) {
            Self::Met
        } else {
            Self::Missed
        }
    }

    /// The process's exit code: 0 met, 1 missed, 2 fault.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Met => 0,
            Self::Missed => 1,
            Self::Fault => 2,
        }
    }

    /// For several runs: a fault outweighs a miss, and a miss outweighs a met target.
    pub fn worse(self, other: Self) -> Self {
        if self.exit_code() >= other.exit_code() { self } else { other }
    }
}
