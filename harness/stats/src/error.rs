//! Why a question has no answer: the figures or the arguments do not allow one. Never a verdict.

/// Squares of larger figures, times some, overflow.
const LARGEST: f64 = 1e100;

/// What stands in the way of an answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StatsError {
    /// Fewer figures than the method can work with.
    #[error("{found} figures, where {needed} are the fewest")]
    TooFew {
        /// The fewest that will do.
        needed: usize,
        /// How many came.
        found: usize,
    },
    /// A figure is NaN, infinite, or so large (beyond 1e100) that squares overflow.
    #[error("figure {index} is {value}, not a number that can be reckoned with")]
    NotFinite {
        /// Its place, from 0.
        index: usize,
        /// The figure.
        value: f64,
    },
    /// A figure whose logarithm is needed is zero or below.
    #[error("figure {index} is {value}, where only positive ones have a ratio")]
    NotPositive {
        /// Its place, from 0.
        index: usize,
        /// The figure.
        value: f64,
    },
    /// An argument is out of its range.
    #[error("{name} is {value}, where {range} is allowed")]
    Argument {
        /// Its name.
        name: &'static str,
        /// What was given.
        value: f64,
        /// What is allowed.
        range: &'static str,
    },
    /// Two lists that belong together differ in length.
    #[error("{left} and {right} figures, where the same number is needed")]
    Lengths {
        /// Length of the first list.
        left: usize,
        /// Length of the second.
        right: usize,
    },
}

/// Every figure is finite, and within [`LARGEST`] of zero.
pub(crate) fn all_finite(figures: &[f64]) -> Result<(), StatsError> {
    match figures.iter().position(|figure| figure.is_nan() || figure.abs() > LARGEST) {
        Some(index) => Err(StatsError::NotFinite { index, value: figures[index] }),
        None => Ok(()),
    }
}

/// Every figure is finite and above zero.
pub(crate) fn all_positive(figures: &[f64]) -> Result<(), StatsError> {
    all_finite(figures)?;
    match figures.iter().position(|&figure| figure <= 0.0) {
        Some(index) => Err(StatsError::NotPositive { index, value: figures[index] }),
        None => Ok(()),
    }
}

/// At least `needed` figures came.
pub(crate) fn at_least(needed: usize, found: usize) -> Result<(), StatsError> {
    if found < needed { Err(StatsError::TooFew { needed, found }) } else { Ok(()) }
}

/// `holds` is whether the argument `name` lies in `range`.
pub(crate) fn argument(
    name: &'static str,
    value: f64,
    range: &'static str,
    holds: bool,
) -> Result<(), StatsError> {
    if holds { Ok(()) } else { Err(StatsError::Argument { name, value, range }) }
}
