//! When a series of results changed: change points of the mean, one result a commit or a night. Says
//! nothing of why, and takes the results as independent: seconds of one run are not.
//!
//! E-divisive proposes: Matteson and James, "A Nonparametric Approach for Multiple Change Point Analysis of
//! Multivariate Data", JASA 109, 2014, with distances to the power of 1. A t-test disposes, in windows at first,
//! then from the weakest up: Fleming, Kołaczkowski et al., "Hunter: Using Change Point Detection to Hunt for
//! Performance Regressions", ICPE 2023. Five things differ from Hunter:
//!
//! - Student's and Welch's test must both find the change. Student's alone takes an outlier near an end
//!   for a change, since the long side's small spread stands for both; Welch's alone trusts the
//!   accidental closeness of three results.
//! - The first pass tests what E-divisive compared, up to kappa, not all up to the next change. Of humps of 4
//!   sigma, 9 results long among 45, it then finds both ends of 99 %, instead of 4 %; a first bound ten times
//!   looser, Hunter's remedy, made that 28 %.
//! - Outliers of a stretch are clipped before the test, lest one hide a change beside it.
//! - No stretch is shorter than three results, so one outlier, or two, are no change.
//! - Each stretch is split by its own test; a doubtful one does not end the search in the others.
//!
//! The test takes the place as given though it was sought, so a series that never changes shows a change
//! more often than `significance` says. Share of 2,000 series of each kind with any, at the default window:
//!
//! | results | 0.001, normal | 0.001, lognormal sigma 0.5 | 0.01, normal | 0.01, lognormal |
//! |---|---|---|---|---|
//! | 20 | 0.007 | 0.005 | 0.063 | 0.037 |
//! | 50 | 0.015 | 0.008 | 0.157 | 0.077 |
//! | 100 | 0.018 | 0.007 | 0.272 | 0.108 |
//! | 200 | 0.038 | 0.010 | 0.452 | 0.172 |

use serde::{Deserialize, Serialize};

use crate::StatsError;
use crate::error::{all_finite, argument};
use crate::moments::{Moments, SIGMA_PER_DEVIATION, mean, median, two_sided_p};
use crate::unpaired::welch_of;

/// The fewest results between two changes.
const LEAST_STRETCH: usize = 3;

/// A result further than this from its stretch's median, in median absolute deviations scaled to a normal's
/// sigma, is an outlier. Shorter stretches know their spread too badly.
const OUTLIER_SIGMAS: f64 = 6.0;
const LEAST_CLIPPED: usize = 8;

/// What counts as a change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChangeOptions {
    /// A change has a p-value of at most this: above 0 and below 1.
    pub significance: f64,
    /// A change moves the mean by at least this share of the smaller of both means: 0 or more.
    pub min_relative: f64,
    /// Results looked at together, at least 6: fewer find short stretches, more find small changes.
    pub window: usize,
}

impl Default for ChangeOptions {
    /// Hunter's: 0.001, any size, 50 results.
    fn default() -> Self {
        Self { significance: 0.001, min_relative: 0.0, window: 50 }
    }
}

/// A place at which the mean of a series changed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangePoint {
    /// The first result after the change, from 0.
    pub index: usize,
    /// Mean of the results since the change before, or the start.
    pub mean_before: f64,
    /// Mean of the results up to the next change, or the end.
    pub mean_after: f64,
    /// Of the difference, outliers clipped and the place taken as given: it does not know that it was sought.
    pub p_value: f64,
}

impl ChangePoint {
    /// The change as a share of the smaller mean, whatever its direction; infinite if that is 0.
    pub fn relative_size(&self) -> f64 {
        let smaller = self.mean_before.abs().min(self.mean_after.abs());
        (self.mean_after - self.mean_before).abs() / smaller
    }
}

/// All changes of a series, in order. A series shorter than 6 has none. Time grows with length times window.
///
/// # Errors
/// A result that is not finite, or an option out of range.
pub fn change_points(
    series: &[f64],
    options: &ChangeOptions,
) -> Result<Vec<ChangePoint>, StatsError> {
    let ChangeOptions { significance, min_relative, window } = *options;
    let is_share = significance > 0.0 && significance < 1.0;
    argument("significance", significance, "above 0 and below 1", is_share)?;
    let is_size = min_relative >= 0.0 && min_relative.is_finite();
    argument("least relative size", min_relative, "0 or more", is_size)?;
    argument("window", window as f64, "6 or more", window >= 2 * LEAST_STRETCH)?;
    all_finite(series)?;

    let weak = propose(series, window, significance);
    Ok(dispose(series, &weak, significance, min_relative))
}

/// Candidates from windows that overlap by half, each searched between those already found.
fn propose(series: &[f64], window: usize, significance: f64) -> Vec<usize> {
    let mut found: Vec<usize> = Vec::new();
    let mut start = 0usize;
    loop {
        let end = start.saturating_add(window).min(series.len());
        let inside = found.iter().copied().filter(|&index| index > start && index < end);
        let mut edges: Vec<usize> = inside.collect();
        edges.insert(0, start);
        edges.push(end);
        for stretch in edges.windows(2) {
            split(series, stretch[0], stretch[1], significance, &mut found);
        }
        found.sort_unstable();
        if end == series.len() {
            return found;
        }
        start += window / 2;
    }
}

/// Adds the changes of `series[start..end]`, found by halving at the best place as long as that is one.
fn split(series: &[f64], start: usize, end: usize, significance: f64, found: &mut Vec<usize>) {
    let Some((tau, kappa)) = best_split(&series[start..end]) else { return };
    let index = start + tau;
    if tested(series, start, index, start + kappa).p_value <= significance {
        found.push(index);
        split(series, start, index, significance, found);
        split(series, index, end, significance, found);
    }
}

/// The (tau, kappa) that maximise E-divisive's divergence of `figures[..tau]` from `figures[tau..kappa]`: with n = tau, m = kappa - tau, S between both and within each,
/// `2 / (n + m) * (S_xy - m / (n - 1) * S_xx - n / (m - 1) * S_yy)`.
///
/// One more figure adds its distances to the sums of every tau, so all pairs cost O(length^2) time and
/// O(length) memory.
fn best_split(figures: &[f64]) -> Option<(usize, usize)> {
    let length = figures.len();
    let mut between = vec![0.0; length];
    let mut within_after = vec![0.0; length];
    // Final once the figures before tau have all come.
    let mut within_before = vec![0.0; length + 1];
    let mut best = (0.0, None);
    for kappa in 1..=length {
        let newest = figures[kappa - 1];
        let mut to_before = 0.0;
        let to_all: f64 = figures[..kappa].iter().map(|figure| (figure - newest).abs()).sum();
        within_before[kappa] = within_before[kappa - 1] + to_all;
        for tau in 1..kappa {
            to_before += (figures[tau - 1] - newest).abs();
            between[tau] += to_before;
            within_after[tau] += to_all - to_before;
            let (n, m) = (tau as f64, (kappa - tau) as f64);
            if tau < LEAST_STRETCH || kappa - tau < LEAST_STRETCH {
                continue;
            }
            let inside = within_before[tau] * m / (n - 1.0) + within_after[tau] * n / (m - 1.0);
            let divergence = 2.0 / (n + m) * (between[tau] - inside);
            if divergence > best.0 {
                best = (divergence, Some((tau, kappa)));
            }
        }
    }
    best.1
}

/// Removes the least significant candidate, then the smallest, until all that are left stand.
fn dispose(
    series: &[f64],
    weak: &[usize],
    significance: f64,
    min_relative: f64,
) -> Vec<ChangePoint> {
    let mut left = weak.to_vec();
    loop {
        let edge = |at: Option<usize>, or: usize| at.map_or(or, |at| left[at]);
        let points = (0..left.len()).map(|at| {
            let start = edge(at.checked_sub(1), 0);
            let end = edge((at + 1 < left.len()).then_some(at + 1), series.len());
            tested(series, start, left[at], end)
        });
        let points: Vec<ChangePoint> = points.collect();
        let weakest = (0..points.len())
            .filter(|&at| points[at].p_value > significance)
            .max_by(|&a, &b| points[a].p_value.total_cmp(&points[b].p_value));
        let smallest = (0..points.len())
            .filter(|&at| points[at].relative_size() < min_relative)
            .min_by(|&a, &b| points[a].relative_size().total_cmp(&points[b].relative_size()));
        match weakest.or(smallest) {
            Some(at) => left.remove(at),
            None => return points,
        };
    }
}

/// The change at `index` between two neighbours; p is the larger of Student's and Welch's.
fn tested(series: &[f64], start: usize, index: usize, end: usize) -> ChangePoint {
    let (before, after) = (&series[start..index], &series[index..end]);
    let (calm_before, calm_after) = (clipped(before), clipped(after));
    let p_value =
        student_p(&calm_before, &calm_after).max(welch_of(&calm_before, &calm_after).p_value);
    ChangePoint { index, mean_before: mean(before), mean_after: mean(after), p_value }
}

/// Moments of a stretch whose outliers are moved to the bound beyond which they are outliers.
fn clipped(stretch: &[f64]) -> Moments {
    if stretch.len() < LEAST_CLIPPED {
        return Moments::of(stretch);
    }
    let middle = median(&mut stretch.to_vec());
    let mut deviations: Vec<f64> = stretch.iter().map(|result| (result - middle).abs()).collect();
    let bound = OUTLIER_SIGMAS * SIGMA_PER_DEVIATION * median(&mut deviations);
    // Most of the stretch is one number: which of the others is an outlier cannot be told.
    if bound <= 0.0 {
        return Moments::of(stretch);
    }
    let calm: Vec<f64> =
        stretch.iter().map(|result| result.clamp(middle - bound, middle + bound)).collect();
    Moments::of(&calm)
}

/// Of Student's t-test with one spread for both.
fn student_p(a: &Moments, b: &Moments) -> f64 {
    let degrees_of_freedom = a.count + b.count - 2.0;
    let squares = a.variance * (a.count - 1.0) + b.variance * (b.count - 1.0);
    let difference = (a.mean - b.mean).abs();
    if squares <= 0.0 {
        return if difference == 0.0 { 1.0 } else { 0.0 };
    }
    let error = (squares / degrees_of_freedom * (1.0 / a.count + 1.0 / b.count)).sqrt();
    two_sided_p(difference / error, degrees_of_freedom)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SplitMix64;

    /// The definition, term by term.
    fn by_definition(figures: &[f64]) -> Option<(usize, usize)> {
        let pairs_within = |part: &[f64]| -> f64 {
            let n = part.len();
            let pairs = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j)));
            let sum: f64 = pairs.map(|(i, j)| (part[i] - part[j]).abs()).sum();
            sum / (n * (n - 1) / 2) as f64
        };
        let mut best = (0.0, None);
        for kappa in 2 * LEAST_STRETCH..=figures.len() {
            for tau in LEAST_STRETCH..=kappa - LEAST_STRETCH {
                let (x, y) = (&figures[..tau], &figures[tau..kappa]);
                let (n, m) = (x.len() as f64, y.len() as f64);
                let all: f64 = x.iter().flat_map(|a| y.iter().map(move |b| (a - b).abs())).sum();
                let energy = 2.0 / (n * m) * all - pairs_within(x) - pairs_within(y);
                let divergence = n * m / (n + m) * energy;
                if divergence > best.0 {
                    best = (divergence, Some((tau, kappa)));
                }
            }
        }
        best.1
    }

    #[test]
    fn running_sums_find_the_place_that_the_definition_finds() {
        let mut random = SplitMix64::new(7);
        for length in 0..40 {
            let step = random.next_f64();
            let figures: Vec<f64> = (0..length)
                .map(|at| random.next_f64() + if at > length / 3 { step } else { 0.0 })
                .collect();
            assert_eq!(best_split(&figures), by_definition(&figures), "{figures:?}");
        }
    }

    /// Sleep of two groups, from R's `t.test(extra ~ group, data = sleep, var.equal = TRUE)`.
    #[test]
    fn students_p_is_what_r_prints() {
        let a = Moments::of(&[0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]);
        let b = Moments::of(&[1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]);
        assert!((student_p(&a, &b) - 0.07919).abs() < 5e-6);
    }
}
