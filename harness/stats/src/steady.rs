//! Whether a run still drifts, from its last seconds: throughput and p99 must both have come to rest. Does
//! not say whether it is fast, and takes no figure out of the results: warm-up ends when it says so.
//!
//! The drift is the least-squares slope times the window, over the mean. One stalled second near an end
//! bends that line, so seconds that lie alone and far from a Theil-Sen line (the median of all pairwise slopes,
//! which ignores up to 29 % of strays: Sen, JASA 63, 1968) are set aside first. Strays in a row are
//! a step, and stay. Seconds of one run depend on each other, so the test of the slope calls too
//! many drifts real: the error is a longer warm-up.

use serde::{Deserialize, Serialize};

use crate::StatsError;
use crate::error::{all_finite, argument};
use crate::moments::{Moments, SIGMA_PER_DEVIATION, median, two_sided_p};

/// Seconds further than this from the line, in median absolute deviations scaled to a normal's sigma, are
/// strays, if they are so far off in shares of the level too: on a line without noise, rounding is none.
const STRAY_SIGMAS: f64 = 6.0;
const STRAY_SHARE: f64 = 0.01;

/// The fewest seconds that a slope is tested with.
const LEAST_WINDOW_S: usize = 8;

/// What one second of a run did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Second {
    /// Operations answered in it.
    pub throughput_ops_per_s: f64,
    /// Of their response times.
    pub p99_us: f64,
}

/// Bounds of a drift, as shares of the mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DriftBounds {
    /// Up to here a drift is none, whatever its test says.
    pub sure: f64,
    /// Up to here a drift is none if its test does not tell it from zero.
    pub most: f64,
}

/// What counts as steady.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SteadyOptions {
    /// Seconds looked at, at least 8.
    pub window_s: usize,
    /// Bounds of the throughput's drift.
    pub throughput: DriftBounds,
    /// Bounds of the p99's.
    pub p99: DriftBounds,
    /// A slope whose p-value is below this is told from zero: above 0 and below 1.
    pub significance: f64,
}

impl Default for SteadyOptions {
    /// 30 seconds, 5 % and 15 %, 0.05.
    fn default() -> Self {
        let bounds = DriftBounds { sure: 0.05, most: 0.15 };
        Self { window_s: 30, throughput: bounds, p99: bounds, significance: 0.05 }
    }
}

/// How one figure moved over the window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// From the first second to the last along the line, as a share of the mean; 0 of a mean of 0.
    pub relative: f64,
    /// Of the slope's t-test against zero.
    pub p_value: f64,
    /// Seconds that were strays.
    pub set_aside: usize,
    /// Whether the bounds call it none. Never of a mean of 0: nothing happened.
    pub steady: bool,
}

/// What the last seconds of a run say.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Steadiness {
    /// Of the throughput.
    pub throughput: Drift,
    /// Of the p99.
    pub p99: Drift,
    /// Whether both are steady.
    pub steady: bool,
}

/// Judges the last `window_s` of `seconds`; `None` while there are fewer.
///
/// # Errors
/// A figure that is not finite (its index counts from the window's start), or an option out of range.
pub fn steadiness(
    seconds: &[Second],
    options: &SteadyOptions,
) -> Result<Option<Steadiness>, StatsError> {
    let SteadyOptions { window_s, significance, .. } = *options;
    argument("window_s", window_s as f64, "8 or more", window_s >= LEAST_WINDOW_S)?;
    let is_share = significance > 0.0 && significance < 1.0;
    argument("significance", significance, "above 0 and below 1", is_share)?;
    for bounds in [options.throughput, options.p99] {
        argument("sure drift", bounds.sure, "0 or more", bounds.sure >= 0.0)?;
        let is_wider = bounds.most >= bounds.sure;
        argument("most drift", bounds.most, "the sure drift or more", is_wider)?;
    }
    let Some(skipped) = seconds.len().checked_sub(window_s) else { return Ok(None) };
    let last = &seconds[skipped..];
    let of = |figure: fn(&Second) -> f64, bounds| {
        let figures: Vec<f64> = last.iter().map(figure).collect();
        all_finite(&figures)?;
        Ok(drift(&figures, bounds, significance))
    };
    let throughput = of(|second| second.throughput_ops_per_s, options.throughput)?;
    let p99 = of(|second| second.p99_us, options.p99)?;
    Ok(Some(Steadiness { throughput, p99, steady: throughput.steady && p99.steady }))
}

fn drift(figures: &[f64], bounds: DriftBounds, significance: f64) -> Drift {
    let kept = without_strays(figures);
    let set_aside = figures.len() - kept.len();
    let (places, values): (Vec<f64>, Vec<f64>) = kept.into_iter().unzip();
    let (slope, p_value) = least_squares(&places, &values);
    let mean = Moments::of(&values).mean;
    if mean <= 0.0 {
        return Drift { relative: 0.0, p_value, set_aside, steady: false };
    }
    let relative = slope * (figures.len() - 1) as f64 / mean;
    let steady =
        relative.abs() <= bounds.sure || (relative.abs() <= bounds.most && p_value >= significance);
    Drift { relative, p_value, set_aside, steady }
}

/// (place, figure) of each that is near the Theil-Sen line, or has a neighbour that is not either.
fn without_strays(figures: &[f64]) -> Vec<(f64, f64)> {
    let mut slopes = Vec::with_capacity(figures.len() * (figures.len() - 1) / 2);
    for (i, early) in figures.iter().enumerate() {
        for (j, late) in figures.iter().enumerate().skip(i + 1) {
            slopes.push((late - early) / (j - i) as f64);
        }
    }
    let slope = median(&mut slopes);
    let flat: Vec<f64> =
        figures.iter().enumerate().map(|(at, figure)| figure - slope * at as f64).collect();
    let level = median(&mut flat.clone());
    let deviations: Vec<f64> = flat.iter().map(|figure| (figure - level).abs()).collect();
    let sigma = SIGMA_PER_DEVIATION * median(&mut deviations.clone());
    let middle = level + slope * (figures.len() - 1) as f64 / 2.0;
    let bound = (STRAY_SIGMAS * sigma).max(STRAY_SHARE * middle.abs());
    let is_far = |at: usize| deviations.get(at).is_some_and(|&deviation| deviation > bound);
    let alone = |at: usize| is_far(at) && !is_far(at + 1) && !at.checked_sub(1).is_some_and(is_far);
    let all = figures.iter().enumerate().filter(|&(at, _)| !alone(at));
    all.map(|(at, &figure)| (at as f64, figure)).collect()
}

/// The slope, and the two-sided p-value of its t-test against zero; 0 of a perfect line that is not flat.
fn least_squares(places: &[f64], values: &[f64]) -> (f64, f64) {
    let (x, y) = (Moments::of(places), Moments::of(values));
    let squares_x = x.variance * (x.count - 1.0);
    let squares_y = y.variance * (y.count - 1.0);
    let products: f64 =
        places.iter().zip(values).map(|(place, value)| (place - x.mean) * (value - y.mean)).sum();
    let slope = products / squares_x;
    let degrees_of_freedom = x.count - 2.0;
    let residual = (squares_y - slope * products).max(0.0);
    let error = (residual / degrees_of_freedom / squares_x).sqrt();
    if error <= 0.0 {
        return (slope, if slope == 0.0 { 1.0 } else { 0.0 });
    }
    (slope, two_sided_p(slope / error, degrees_of_freedom))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R's `cars`-like check on Anscombe's first set, "Graphs in Statistical Analysis", 1973: slope 0.5001, its
    /// standard error 0.1179, t 4.24, p 0.00217.
    #[test]
    fn the_slope_and_its_p_are_anscombes() {
        let x = [10.0, 8.0, 13.0, 9.0, 11.0, 14.0, 6.0, 4.0, 12.0, 7.0, 5.0];
        let y = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68];
        let (slope, p_value) = least_squares(&x, &y);
        assert!((slope - 0.5001).abs() < 5e-5, "{slope}");
        assert!((p_value - 0.002_17).abs() < 5e-6, "{p_value}");
    }
}
