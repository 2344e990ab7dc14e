//! Whether counts fit probabilities: Pearson's chi-square test of goodness of fit. Does not estimate the
//! probabilities: they must not come from the same counts.

use serde::{Deserialize, Serialize};

use crate::StatsError;
use crate::error::{all_finite, argument, at_least};
use crate::moments::chi_square_p;

/// Cells in which fewer are expected are joined with their neighbours (Cochran 1954).
pub const LEAST_EXPECTED: f64 = 5.0;

/// Probabilities may miss a sum of 1 by so much, which is rounding.
const SUM_WITHIN: f64 = 1e-6;

/// What the test says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// Sum of (count - expected)^2 / expected over the cells; the largest finite number when something
    /// impossible was counted.
    pub statistic: f64,
    /// Cells, after joining, less one.
    pub degrees_of_freedom: usize,
    /// Probability of a statistic at least as large, if the counts came from these probabilities.
    pub p_value: f64,
}

/// Tests `counts` against `probabilities`, cell by cell in an order in which joining neighbours makes
/// sense. A count where the probability is 0 refutes the fit alone: its p-value is 0.
///
/// # Errors
/// Lists of different lengths, a probability that is not finite or below 0, a sum that is not 1, or fewer
/// than 2 cells left after joining (then more draws are needed).
pub fn goodness_of_fit(counts: &[u64], probabilities: &[f64]) -> Result<Fit, StatsError> {
    if counts.len() != probabilities.len() {
        return Err(StatsError::Lengths { left: counts.len(), right: probabilities.len() });
    }
    all_finite(probabilities)?;
    let least = probabilities.iter().copied().fold(0.0, f64::min);
    argument("probability", least, "0 or more", least >= 0.0)?;
    let sum: f64 = probabilities.iter().sum();
    argument("sum of probabilities", sum, "1", (sum - 1.0).abs() <= SUM_WITHIN)?;

    let total = counts.iter().sum::<u64>() as f64;
    let cells = joined(counts, probabilities, total);
    at_least(2, cells.len())?;
    let degrees_of_freedom = cells.len() - 1;
    let impossible = counts.iter().zip(probabilities).any(|(&count, &p)| count > 0 && p == 0.0);
    if impossible {
        return Ok(Fit { statistic: f64::MAX, degrees_of_freedom, p_value: 0.0 });
    }
    let statistic =
        cells.iter().map(|(count, expected)| (count - expected).powi(2) / expected).sum();
    let p_value = chi_square_p(statistic, degrees_of_freedom as f64);
    Ok(Fit { statistic, degrees_of_freedom, p_value })
}

/// (count, expected) of each cell, neighbours joined until [`LEAST_EXPECTED`] are expected in each.
fn joined(counts: &[u64], probabilities: &[f64], total: f64) -> Vec<(f64, f64)> {
    let mut cells: Vec<(f64, f64)> = Vec::new();
    let (mut count, mut expected) = (0.0, 0.0);
    for (&counted, &probability) in counts.iter().zip(probabilities) {
        count += counted as f64;
        expected += total * probability;
        // Rounding must not join cells of exactly the least.
        if expected >= LEAST_EXPECTED * (1.0 - SUM_WITHIN) {
            cells.push((count, expected));
            (count, expected) = (0.0, 0.0);
        }
    }
    if let Some(last) = cells.last_mut() {
        last.0 += count;
        last.1 += expected;
    }
    cells
}
