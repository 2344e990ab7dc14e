//! Exponentially distributed ages.
//! Gives distances back from the last key, not keys.

use crate::random::Random;

/// YCSB's `ExponentialGenerator`: `-ln(u) / gamma`, `gamma = -ln(1 - percentile/100) / range`.
#[derive(Debug, Clone)]
pub struct Exponential {
    gamma: f64,
}

impl Exponential {
    /// `percentile` (above 0, below 100) percent of draws fall below `range` (above 0).
    pub fn new(percentile: f64, range: f64) -> Self {
        Self { gamma: -(1.0 - percentile / 100.0).ln() / range }
    }

    /// The next distance, truncated; `u64::MAX` for a uniform draw of 0.
    #[inline]
    pub fn next(&self, random: &mut Random) -> u64 {
        (-random.next_f64().ln() / self.gamma) as u64
    }

    /// The mean of all draws before truncation.
    pub fn mean(&self) -> f64 {
        1.0 / self.gamma
    }
}
