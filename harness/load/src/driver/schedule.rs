//! When operations arrive that wait for nobody: constant or Poisson, in steps of rate and length, each of
//! which may swing as a sine.
//! A pure function of its seed: no clock is read here, and nothing is offered.

use std::time::Duration;

use crate::random::{Random, Stream};
use crate::workload::{Arrivals, Sine, Step};

/// One worker's arrivals, in order. Workers have every `workers`-th part of the rate each: constant gaps
/// interleave, and Poisson arrivals add up to Poisson arrivals.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    steps: Vec<Stretch>,
    step: usize,
    arrivals: Arrivals,
    random: Random,
    /// Mean gaps from the start to the next arrival. Times follow from it step by step, so that rounding
    /// never adds up.
    gaps: f64,
    number: u64,
    next_ns: Option<u64>,
}

/// A step as one worker sees it.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    rate_per_s: f64,
    begin_s: f64,
    /// Mean gaps from the start to its begin and to its end.
    begin_gaps: f64,
    end_gaps: f64,
    sine: Option<Sine>,
}

/// One arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arrival {
    /// Its number among this worker's, late ones included.
    pub number: u64,
    /// Its time from the start.
    pub at_ns: u64,
}

impl Schedule {
    /// Of worker `worker` of `workers`. The first step begins `warm_up` early.
    pub fn new(
        steps: &[Step],
        warm_up: Duration,
        arrivals: Arrivals,
        seed: u64,
        worker: usize,
        workers: usize,
    ) -> Self {
        let (mut begin_s, mut begin_gaps) = (0.0, 0.0);
        let mut length_s = warm_up.as_secs_f64();
        let each = |step: &Step| {
            length_s += step.seconds as f64;
            let rate_per_s = step.rate_per_s / workers as f64;
            let arrived_s = step.sine.map_or(length_s, |sine| sine.arrived_s(length_s));
            let end_gaps = begin_gaps + rate_per_s * arrived_s;
            let sine = step.sine;
            let stretch = Stretch { rate_per_s, begin_s, begin_gaps, end_gaps, sine };
            (begin_s, begin_gaps) = (begin_s + length_s, end_gaps);
            length_s = 0.0;
            stretch
        };
        let mut schedule = Self {
            steps: steps.iter().map(each).collect(),
            step: 0,
            arrivals,
            random: Stream::new(seed, Stream::ARRIVALS).at(worker as u64),
            gaps: 0.0,
            number: 0,
            next_ns: None,
        };
        // Workers of constant gaps begin one after the other, the first at once.
        let first = match arrivals {
            Arrivals::Constant => worker as f64 / workers as f64,
            Arrivals::Poisson => schedule.gap(),
        };
        schedule.advance(first);
        schedule
    }

    /// The time of the next arrival; `None` after the last.
    pub fn peek(&self) -> Option<u64> {
        self.next_ns
    }

    /// Takes the next arrival.
    pub fn take(&mut self) -> Option<Arrival> {
        let arrival = Arrival { number: self.number, at_ns: self.next_ns? };
        self.number += 1;
        let gap = self.gap();
        self.advance(gap);
        Some(arrival)
    }

    /// The next gap, in gaps of the mean.
    fn gap(&mut self) -> f64 {
        match self.arrivals {
            Arrivals::Constant => 1.0,
            // In (0, 1], so that the logarithm is finite.
            Arrivals::Poisson => -(1.0 - self.random.next_f64()).ln(),
        }
    }

    /// Moves on by so many mean gaps, through as many steps as that takes: what is left of a gap at the end
    /// of a step is as much of one of the next.
    fn advance(&mut self, gaps: f64) {
        self.gaps += gaps;
        while self.steps.get(self.step).is_some_and(|step| self.gaps >= step.end_gaps) {
            self.step += 1;
        }
        self.next_ns = self.steps.get(self.step).map(|step| {
            let arrived_s = (self.gaps - step.begin_gaps) / step.rate_per_s;
            let within_s = step.sine.map_or(arrived_s, |sine| sine.seconds_at(arrived_s));
            ((step.begin_s + within_s) * 1e9).round() as u64
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn all(mut schedule: Schedule) -> Vec<u64> {
        std::iter::from_fn(|| schedule.take()).map(|arrival| arrival.at_ns).collect()
    }

    fn schedule(steps: &[(f64, u64)], arrivals: Arrivals, seed: u64, worker: usize) -> Schedule {
        let steps: Vec<Step> =
            steps.iter().map(|&(rate_per_s, seconds)| Step::flat(rate_per_s, seconds)).collect();
        Schedule::new(&steps, Duration::ZERO, arrivals, seed, worker, 2)
    }

    #[test]
    fn constant_arrivals_of_all_workers_interleave_and_change_rate_at_the_step() {
        let steps = [(8.0, 1), (2.0, 2)];
        let mut both = all(schedule(&steps, Arrivals::Constant, 1, 0));
        both.extend(all(schedule(&steps, Arrivals::Constant, 1, 1)));
        both.sort_unstable();
        let eighths = (0..8).map(|n| n * SECOND / 8);
        let halves = (2..6).map(|n| n * SECOND / 2);
        assert_eq!(both, eighths.chain(halves).collect::<Vec<_>>());
    }

    #[test]
    fn poisson_arrivals_are_exactly_those_of_their_seed() {
        let arrivals = |seed, worker| all(schedule(&[(2e4, 1)], Arrivals::Poisson, seed, worker));
        assert_eq!(arrivals(7, 0), arrivals(7, 0));
        assert_ne!(arrivals(7, 0), arrivals(8, 0));
        assert_ne!(arrivals(7, 0), arrivals(7, 1), "workers do not arrive in step");
        // Written down once: a schedule that changes makes old results unrepeatable.
        assert_eq!(arrivals(7, 0)[..3], KNOWN);
    }

    /// The first arrivals of seed 7 at 10,000 a second, in nanoseconds.
    const KNOWN: [u64; 3] = [87_361, 103_928, 473_548];

    #[test]
    fn poisson_arrivals_have_the_mean_and_the_spread_of_their_rate() {
        let arrivals = all(schedule(&[(2e5, 1), (2e4, 1)], Arrivals::Poisson, 3, 0));
        let fast = arrivals.iter().filter(|at| **at < SECOND).count() as f64;
        let slow = arrivals.len() as f64 - fast;
        // Counts of Poisson arrivals stray by their square root; five of those never happen.
        assert!((fast - 1e5).abs() < 5.0 * 1e5f64.sqrt(), "{fast}");
        assert!((slow - 1e4).abs() < 5.0 * 1e4f64.sqrt(), "{slow}");
        let short = arrivals.windows(2).filter(|pair| pair[1] - pair[0] < 6931).count() as f64;
        assert!((short / fast - 0.5).abs() < 0.02, "half of the gaps are below ln 2 of the mean");
        assert!(arrivals.is_sorted() && arrivals.iter().all(|at| *at < 2 * SECOND));
    }

    #[test]
    fn a_warm_up_lengthens_the_first_step_and_numbers_go_up() {
        let step = Step::flat(10.0, 1);
        let half = Duration::from_millis(500);
        let mut schedule = Schedule::new(&[step], half, Arrivals::Constant, 1, 0, 1);
        let numbers: Vec<u64> =
            std::iter::from_fn(|| schedule.take()).map(|arrival| arrival.number).collect();
        assert_eq!(numbers, (0..15).collect::<Vec<_>>());
        assert_eq!(schedule.peek(), None);
    }

    #[test]
    fn a_sine_has_its_crest_in_the_first_half_of_its_period_and_its_trough_in_the_second() {
        let sine = Some(Sine { amplitude: 0.8, period_s: 4.0 });
        let step = Step { rate_per_s: 1e5, seconds: 4, sine };
        for arrivals in [Arrivals::Constant, Arrivals::Poisson] {
            let at = all(Schedule::new(&[step], Duration::ZERO, arrivals, 5, 0, 1));
            assert!(at.is_sorted());
            let quarter = |n: u64| {
                let within = n * SECOND..(n + 1) * SECOND;
                at.iter().filter(|at| within.contains(at)).count() as f64
            };
            // The area of a quarter: 1 + amplitude * 2 / PI of the mean, or 1 less it.
            for (n, share) in [(0, 1.509), (1, 1.509), (2, 0.491), (3, 0.491)] {
                let expected: f64 = 1e5 * share;
                let strays = 5.0 * expected.sqrt() + 100.0;
                assert!((quarter(n) - expected).abs() < strays, "{n}: {}", quarter(n));
            }
        }
    }
}
