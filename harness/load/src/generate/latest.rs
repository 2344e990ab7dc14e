//! Zipfian popularity that favours the most recent insert.
//! Does not know what was inserted: the caller says which key is the last.

use super::Zipfian;
use crate::random::Random;

/// YCSB's `SkewedLatestGenerator`: the last key is the most popular, the one before it next, and so on.
#[derive(Debug, Clone)]
pub struct SkewedLatest {
    ages: Zipfian,
}

impl SkewedLatest {
    /// For a key space whose last key is `last` at the start. Sums `last` terms: see [`super::zeta`].
    pub fn new(last: u64) -> Self {
        Self { ages: Zipfian::new(0, last.max(1) - 1) }
    }

    /// The next key, at most `last`.
    ///
    /// Extends the sum by one term for every key that was inserted since the previous draw.
    #[inline]
    pub fn next(&mut self, last: u64, random: &mut Random) -> u64 {
        if last == 0 {
            return 0;
        }
        last.saturating_sub(self.ages.next_among(last, random))
    }
}
