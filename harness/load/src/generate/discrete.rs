//! One of a few values by weight: the operation chooser.
//! Not for large sets: it walks its values.

use crate::random::Random;

/// YCSB's `DiscreteGenerator`: values in the order they were added, weights normalised by their sum.
#[derive(Debug, Clone)]
pub struct Discrete<T> {
    shares: Vec<(f64, T)>,
}

impl<T: Copy> Discrete<T> {
    /// Chooses among `weighted`; values of weight 0 or less are left out, as YCSB does.
    ///
    /// `None` when no value has a positive weight.
    pub fn new(weighted: impl IntoIterator<Item = (f64, T)>) -> Option<Self> {
        let mut shares: Vec<(f64, T)> =
            weighted.into_iter().filter(|(weight, _)| *weight > 0.0).collect();
        let sum: f64 = shares.iter().map(|(weight, _)| weight).sum();
        for (weight, _) in &mut shares {
            *weight /= sum;
        }
        (!shares.is_empty()).then_some(Self { shares })
    }

    /// The next value.
    #[inline]
    pub fn next(&self, random: &mut Random) -> T {
        let mut rest = random.next_f64();
        let (last, others) = self.shares.split_last().expect("a chooser has at least one value");
        for (share, value) in others {
            if rest < *share {
                return *value;
            }
            rest -= share;
        }
        // Rounding may leave a sliver past the last share: it belongs to the last value.
        last.1
    }

    /// Each value with its share; shares add up to 1.
    pub fn shares(&self) -> &[(f64, T)] {
        &self.shares
    }
}
