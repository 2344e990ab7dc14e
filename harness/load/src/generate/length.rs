//! How long a field or a scan is: constant, uniform, zipfian or from a histogram.
//! Does not know what the length is of.

use super::{HistogramLengths, Uniform, Zipfian};
use crate::random::Random;

/// A distribution of lengths.
#[derive(Debug, Clone)]
pub enum Lengths {
    /// Always the same.
    Constant(u64),
    /// Uniform over a range.
    Uniform(Uniform),
    /// Short ones most often; the second value is the longest allowed.
    Zipfian(Zipfian, u64),
    /// By the counts of a file.
    Histogram(HistogramLengths),
}

impl Lengths {
    /// Uniform over `min..=max`.
    pub fn uniform(min: u64, max: u64) -> Self {
        Self::Uniform(Uniform::new(min, max))
    }

    /// Zipfian over `min..=max`: `min` most often.
    pub fn zipfian(min: u64, max: u64) -> Self {
        Self::Zipfian(Zipfian::new(min, max), max)
    }

    /// The next length.
    #[inline]
    pub fn next(&self, random: &mut Random) -> u64 {
        match self {
            Self::Constant(length) => *length,
            Self::Uniform(uniform) => uniform.next(random),
            // The zipfian formula can overshoot by one; a length has a promised maximum.
            Self::Zipfian(zipfian, max) => zipfian.next(random).min(*max),
            Self::Histogram(histogram) => histogram.next(random),
        }
    }
}
