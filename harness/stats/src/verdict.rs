//! The four verdicts on a comparison, and how an interval comes to one. Knows no figures and no samples.

use serde::{Deserialize, Serialize};

use crate::StatsError;
use crate::bootstrap::Interval;
use crate::error::argument;

/// Which way a figure should go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Throughput, hit ratio.
    HigherIsBetter,
    /// Latency, cost per operation.
    LowerIsBetter,
}

/// What a comparison of A with B says of B.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PairVerdict {
    /// Worse, by more than the threshold: the whole interval says so.
    Regressed,
    /// Better, by more than the threshold: the whole interval says so.
    Improved,
    /// Neither by more than the threshold: the whole interval says so.
    Equivalent,
    /// The interval crosses the threshold, or there are too few samples for any verdict.
    Inconclusive,
}

/// Judges an interval of ln(B / A) against `threshold`, a share: 0.05 stands for ratios beyond 1.05 and
/// below 1 / 1.05, so that swapping A and B mirrors the verdict.
pub(crate) fn judge(log_ratio: &Interval, direction: Direction, threshold: f64) -> PairVerdict {
    let bound = threshold.ln_1p();
    let (above, below) = match direction {
        Direction::HigherIsBetter => (PairVerdict::Improved, PairVerdict::Regressed),
        Direction::LowerIsBetter => (PairVerdict::Regressed, PairVerdict::Improved),
    };
    if log_ratio.low > bound {
        above
    } else if log_ratio.high < -bound {
        below
    } else if log_ratio.low > -bound && log_ratio.high < bound {
        PairVerdict::Equivalent
    } else {
        PairVerdict::Inconclusive
    }
}

/// A threshold is a share of at least 0; at 0 nothing is ever equivalent.
pub(crate) fn check_threshold(threshold: f64) -> Result<(), StatsError> {
    argument("threshold", threshold, "0 up to 10", (0.0..=10.0).contains(&threshold))
}
