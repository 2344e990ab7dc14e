//! How the operations of an open loop arrive: their spacing, and how the rate changes with time.
//! When a given operation arrives is worked out by the driver's schedule.

use std::f64::consts::TAU;

/// How arrivals are spaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrivals {
    /// All gaps alike.
    Constant,
    /// Exponential gaps: independent clients, many of them.
    Poisson,
}

impl Arrivals {
    /// Its name in properties and results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Poisson => "poisson",
        }
    }
}

/// A rate that swings around its mean as a sine, beginning at the mean and rising.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sine {
    /// Swing over mean, from 0 to 1: at 1 the rate falls to nothing.
    pub amplitude: f64,
    /// Length of a swing in seconds, above 0.
    pub period_s: f64,
}

impl Sine {
    /// Seconds' worth of the mean rate that have arrived after `seconds`: the integral of
    /// `1 + amplitude * sin(TAU * t / period)`.
    pub fn arrived_s(self, seconds: f64) -> f64 {
        let swing = self.amplitude * self.period_s / TAU;
        seconds + swing * (1.0 - (TAU * seconds / self.period_s).cos())
    }

    /// The inverse of [`Sine::arrived_s`], by halving: it never overshoots, also where the rate is zero.
    pub fn seconds_at(self, arrived_s: f64) -> f64 {
        // The integral runs ahead of the straight line by at most `amplitude * period / PI`.
        let ahead = self.amplitude * self.period_s * 2.0 / TAU;
        let (mut low, mut high) = ((arrived_s - ahead).max(0.0), arrived_s);
        // 2^-52 of the bracket: as exact as the numbers themselves.
        for _ in 0..52 {
            let middle = 0.5 * (low + high);
            if self.arrived_s(middle) < arrived_s {
                low = middle;
            } else {
                high = middle;
            }
        }
        high
    }
}

/// How the rate changes with time around its mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RateShape {
    /// Not at all.
    Flat,
    /// As a sine.
    Sine(Sine),
    /// In bursts: `factor` times the rate between them.
    Burst {
        /// Rate of a burst over the rate between bursts, at least 1.
        factor: f64,
        /// Length of a burst in whole seconds, at least 1.
        seconds: u64,
        /// From the start of one to the start of the next in whole seconds, above `seconds`.
        period_s: u64,
    },
}

/// A stretch of one mean rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Arrivals a second, over all workers; above 0.
    pub rate_per_s: f64,
    /// Its length in whole seconds, at least 1: figures of steps are put together from seconds.
    pub seconds: u64,
    /// A swing around that rate.
    pub sine: Option<Sine>,
}

impl Step {
    /// A stretch of one unchanging rate.
    pub fn flat(rate_per_s: f64, seconds: u64) -> Self {
        Self { rate_per_s, seconds, sine: None }
    }
}

impl RateShape {
    /// Its name in properties and results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flat => "flat",
            Self::Sine(_) => "sine",
            Self::Burst { .. } => "burst",
        }
    }

    /// The steps of a schedule of `seconds` whose mean rate over whole periods is `rate_per_s`.
    pub fn steps(self, rate_per_s: f64, seconds: u64) -> Vec<Step> {
        match self {
            Self::Flat => vec![Step::flat(rate_per_s, seconds)],
            Self::Sine(sine) => vec![Step { rate_per_s, seconds, sine: Some(sine) }],
            Self::Burst { factor, seconds: burst_s, period_s } => {
                let weight =
                    (burst_s as f64 * factor + (period_s - burst_s) as f64) / period_s as f64;
                let between = rate_per_s / weight;
                let mut steps = Vec::new();
                let mut left = seconds;
                // Bursts come at the end of their period, so that a run begins calmly.
                for (rate, length) in
                    [(between, period_s - burst_s), (between * factor, burst_s)].iter().cycle()
                {
                    let length = left.min(*length);
                    if length == 0 {
                        return steps;
                    }
                    steps.push(Step::flat(*rate, length));
                    left -= length;
                }
                steps
            }
        }
    }
}

/// How a workload wants its operations to arrive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ArrivalPlan {
    /// `None` in a closed loop, where each client waits for its answer, and where a trace says when operations arrive.
    pub spacing: Option<Arrivals>,
    /// How the rate of an open loop changes.
    pub shape: RateShape,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sine_and_its_inverse_agree_also_where_the_rate_is_nothing() {
        for amplitude in [0.0, 0.3, 1.0] {
            let sine = Sine { amplitude, period_s: 10.0 };
            for tenth in 0..300 {
                let seconds = f64::from(tenth) / 10.0;
                let back = sine.arrived_s(sine.seconds_at(sine.arrived_s(seconds)));
                assert!((back - sine.arrived_s(seconds)).abs() < 1e-9, "{amplitude} {seconds}");
            }
            // Whole periods bring exactly the mean.
            assert!((sine.arrived_s(30.0) - 30.0).abs() < 1e-9);
            // The first half of a period brings more, by its area.
            let first_half = 5.0 + amplitude * 10.0 / std::f64::consts::PI;
            assert!((sine.arrived_s(5.0) - first_half).abs() < 1e-9);
        }
    }

    #[test]
    fn bursts_keep_the_mean_rate_over_whole_periods() {
        let shape = RateShape::Burst { factor: 5.0, seconds: 2, period_s: 10 };
        let steps = shape.steps(900.0, 25);
        let lengths: Vec<u64> = steps.iter().map(|step| step.seconds).collect();
        assert_eq!(lengths, [8, 2, 8, 2, 5]);
        let arrivals: f64 =
            steps[..4].iter().map(|step| step.rate_per_s * step.seconds as f64).sum();
        assert!((arrivals - 900.0 * 20.0).abs() < 1e-6);
        assert!((steps[1].rate_per_s / steps[0].rate_per_s - 5.0).abs() < 1e-12);
        assert_eq!(shape.steps(1.0, 8).len(), 1, "a short run may see no burst");
    }
}
