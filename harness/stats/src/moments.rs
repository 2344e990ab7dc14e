//! Means, spreads, quantiles and tails of distributions that the other rooms share. Decides nothing:
//! callers have checked that the figures are finite and enough.

use statrs::distribution::{ChiSquared, ContinuousCDF, Normal, StudentsT};

/// A normal's sigma over its median absolute deviation.
pub(crate) const SIGMA_PER_DEVIATION: f64 = 1.4826;

/// Mean and variance of a list of figures.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moments {
    pub count: f64,
    pub mean: f64,
    /// Over n - 1; 0 of a single figure.
    pub variance: f64,
}

impl Moments {
    /// In two passes, so that a small spread around a large mean is not lost.
    pub fn of(figures: &[f64]) -> Self {
        let count = figures.len() as f64;
        let mean = mean(figures);
        let squares: f64 = figures.iter().map(|figure| (figure - mean).powi(2)).sum();
        let variance = if figures.len() > 1 { squares / (count - 1.0) } else { 0.0 };
        Self { count, mean, variance }
    }

    /// Of the mean.
    pub fn standard_error(&self) -> f64 {
        (self.variance / self.count).sqrt()
    }
}

/// The arithmetic mean; NaN of none.
pub(crate) fn mean(figures: &[f64]) -> f64 {
    figures.iter().sum::<f64>() / figures.len() as f64
}

/// The middle figure, or the mean of the middle two; NaN of none. Leaves the figures in another order.
pub(crate) fn median(figures: &mut [f64]) -> f64 {
    if figures.is_empty() {
        return f64::NAN;
    }
    let is_odd = figures.len() % 2 == 1;
    let (below, &mut upper, _) = figures.select_nth_unstable_by(figures.len() / 2, f64::total_cmp);
    if is_odd {
        return upper;
    }
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    lower + (upper - lower) / 2.0
}

/// The quantile `share` of sorted figures, between the neighbours of place `share * (n + 1)`: the
/// definition 6 of Hyndman and Fan 1996, which suits tails of resamples.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = (share * (sorted.len() + 1) as f64 - 1.0).clamp(0.0, (sorted.len() - 1) as f64);
    let below = place as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64)
}

/// Probability that Student's t is as far from zero as `t`, on either side.
pub(crate) fn two_sided_p(t: f64, degrees_of_freedom: f64) -> f64 {
    (2.0 * students_t(degrees_of_freedom).sf(t.abs())).min(1.0)
}

/// The t that `share` of Student's distribution lies below.
pub(crate) fn t_quantile(share: f64, degrees_of_freedom: f64) -> f64 {
    students_t(degrees_of_freedom).inverse_cdf(share)
}

/// Share of the standard normal distribution below `z`.
pub(crate) fn normal_share_below(z: f64) -> f64 {
    Normal::new(0.0, 1.0).expect("1 is a valid spread").cdf(z)
}

/// Probability of a chi-square of at least `statistic`.
pub(crate) fn chi_square_p(statistic: f64, degrees_of_freedom: f64) -> f64 {
    ChiSquared::new(degrees_of_freedom).expect("there is a degree of freedom").sf(statistic)
}

fn students_t(degrees_of_freedom: f64) -> StudentsT {
    StudentsT::new(0.0, 1.0, degrees_of_freedom).expect("there is a degree of freedom")
}
