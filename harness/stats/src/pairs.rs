//! What changed between two builds that were measured in pairs, A and B one after the other on the same
//! machine, and whether more pairs are needed. Does not choose the order of the runs, and knows no units:
//! only ratios.
//!
//! Works on ln(B / A) of each pair, so that swapping A and B mirrors the result.
//!
//! A sequential gate looks at its pairs up to four times, at 8, 12, 16 and 20, and every look is another chance to
//! err: it takes [`Bootstrap::for_gate`]. Verdicts in percent of 4,000 gates each, 1,000 resamples, the noise that
//! of one pair's logarithm, B slower by the change:
//!
//! | noise, threshold | no change: either / equivalent | 2 % | 5 % | 10 % | exactly the threshold |
//! |---|---|---|---|---|---|
//! | 3 %, 3 % | 0.0 / 90.5 | 0.2 | 76.4 | 100.0 | 2.2 |
//! | 3 %, 5 % | 0.0 / 100.0 | 0.0 | 4.9 | 100.0 | 2.4 |
//! | 8 %, 3 % | 0.2 / 0.2 | 1.0 | 16.6 | 93.7 | 2.5 |
//! | 8 %, 5 % | 0.0 / 19.5 | 0.1 | 3.0 | 74.5 | 2.4 |
//!
//! "Either" is a false alarm; the changes' columns are `Regressed`. The last column is the worst case, and
//! would be 6.0 to 6.7 at a level of 95 %. Noise of 8 % a pair is too much for these thresholds: runs must be longer.

use serde::{Deserialize, Serialize};

use crate::bootstrap::{Bootstrap, Interval};
use crate::error::{all_positive, at_least};
use crate::verdict::{check_threshold, judge};
use crate::{Direction, PairVerdict, StatsError};

/// Fewer pairs than these are inconclusive, whatever they say.
pub const MIN_PAIRS: usize = 6;

/// Pairs that a sequential gate begins with.
pub const FIRST_PAIRS: usize = 8;

/// Pairs that it adds while the verdict is inconclusive: an even number keeps AB and BA in balance.
pub const MORE_PAIRS: usize = 4;

/// Pairs at which it gives up.
pub const MOST_PAIRS: usize = 20;

const _: () =
    assert!(MIN_PAIRS <= FIRST_PAIRS && (MOST_PAIRS - FIRST_PAIRS).is_multiple_of(MORE_PAIRS));

/// What pairs say of B against A.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// B / A: the geometric mean over the pairs, and its bounds.
    pub ratio: Interval,
    /// How many pairs there were.
    pub pairs: usize,
    /// What that means for B.
    pub verdict: PairVerdict,
    /// The change, as a share, below which nobody cares.
    pub threshold: f64,
}

/// Compares `pairs` of figures of (A, B), all positive and of the same unit.
///
/// # Errors
/// Fewer than 2 pairs, a figure that is not finite and positive (its index counts pairs), a threshold
/// outside of 0..=10, or what [`Bootstrap::mean`] refuses.
pub fn compare_pairs(
    pairs: &[(f64, f64)],
    direction: Direction,
    threshold: f64,
    bootstrap: &Bootstrap,
) -> Result<Comparison, StatsError> {
    check_threshold(threshold)?;
    at_least(2, pairs.len())?;
    let (a, b): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    all_positive(&a)?;
    all_positive(&b)?;
    // The difference of logarithms: the quotient may overflow where they do not.
    let logs: Vec<f64> = pairs.iter().map(|(a, b)| b.ln() - a.ln()).collect();
    let interval = bootstrap.mean(&logs)?;
    let verdict = if pairs.len() < MIN_PAIRS {
        PairVerdict::Inconclusive
    } else {
        judge(&interval, direction, threshold)
    };
    Ok(Comparison { ratio: interval.map(f64::exp), pairs: pairs.len(), verdict, threshold })
}

/// How many more pairs a sequential gate measures that has so many, and this verdict on them: [`FIRST_PAIRS`], then
/// [`MORE_PAIRS`] while it is inconclusive, up to [`MOST_PAIRS`]. Pairs are judged only when there are as many as one of those
/// looks wants, never in between: each look is a chance to err, and the intervals allow for so many.
pub fn missing_pairs(pairs: usize, verdict: PairVerdict) -> usize {
    let to_the_look = match pairs.checked_sub(FIRST_PAIRS) {
        None => return FIRST_PAIRS - pairs,
        Some(_) if pairs >= MOST_PAIRS => return 0,
        Some(beyond) => beyond.next_multiple_of(MORE_PAIRS) - beyond,
    };
    match to_the_look {
        0 if verdict == PairVerdict::Inconclusive => MORE_PAIRS,
        missing => missing,
    }
}
