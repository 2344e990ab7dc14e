//! Latency against throughput: what a search for the highest sustainable rate leaves. Holds figures; searches nothing.

use serde::{Deserialize, Serialize};

/// Runs at fixed rates, and what was concluded from them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencyCurve {
    /// The runs, in any order.
    pub points: Vec<CurvePoint>,
    /// Bound on the p99, in microseconds.
    pub target_p99_us: f64,
    /// Where latency leaves the floor, in operations per second; `None` where there is no knee.
    #[serde(default)]
    pub knee_rate_per_s: Option<f64>,
    /// The highest rate that was sustained and kept the target; `None` if none did.
    #[serde(default)]
    pub best_rate_per_s: Option<RateEstimate>,
}

/// One run at a fixed rate. Percentiles are of the response time of the slowest type of operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Operations per second that were asked for.
    pub rate_per_s: f64,
    /// Median, in microseconds.
    pub p50_us: f64,
    /// 99th percentile.
    pub p99_us: f64,
    /// 99.9th percentile.
    pub p999_us: f64,
    /// Whether the rate was kept; if not, the times say how long the run was.
    pub sustained: bool,
}

/// A rate in operations per second and the bounds around it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RateEstimate {
    /// The highest rate that surely kept the target.
    pub low: f64,
    /// The rate that was chosen.
    pub estimate: f64,
    /// The lowest rate that surely did not.
    pub high: f64,
}
