//! A hot set of low keys and a cold rest, each uniform inside.
//! The hot keys are neighbours: that is YCSB's choice, and what makes it differ from zipfian.

use crate::random::Random;

/// YCSB's `HotspotIntegerGenerator`.
#[derive(Debug, Clone)]
pub struct Hotspot {
    min: u64,
    hot: u64,
    cold: u64,
    operation_fraction: f64,
}

impl Hotspot {
    /// Over `min..=max`: the first `data_fraction` of the range takes `operation_fraction` of the draws.
    ///
    /// Both fractions lie in `[0, 1]`. A set that comes out empty gives its draws to the other one (YCSB
    /// divides by zero there).
    pub fn new(min: u64, max: u64, data_fraction: f64, operation_fraction: f64) -> Self {
        let count = max.max(min) - min + 1;
        let hot = ((count as f64 * data_fraction) as u64).min(count);
        Self { min, hot, cold: count - hot, operation_fraction }
    }

    /// Keys in the hot set.
    pub fn hot_keys(&self) -> u64 {
        self.hot
    }

    /// The next number.
    #[inline]
    pub fn next(&self, random: &mut Random) -> u64 {
        let hot = random.next_f64() < self.operation_fraction;
        if (hot && self.hot > 0) || self.cold == 0 {
            self.min + random.next_below(self.hot)
        } else {
            self.min + self.hot + random.next_below(self.cold)
        }
    }
}
