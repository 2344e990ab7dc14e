//! Every number of a range with equal probability.
//! Not a key chooser: it does not know which keys exist yet.

use crate::random::Random;

/// Uniform over `min..=max`.
#[derive(Debug, Clone)]
pub struct Uniform {
    min: u64,
    count: u64,
}

impl Uniform {
    /// Uniform over `min..=max`. A `max` below `min` counts as `min`.
    pub fn new(min: u64, max: u64) -> Self {
        Self { min, count: (max.max(min) - min).saturating_add(1) }
    }

    /// The next number.
    #[inline]
    pub fn next(&self, random: &mut Random) -> u64 {
        self.min + random.next_below(self.count)
    }
}
