//! Burst credit: capacity that was not used, kept for 300 s. The rule of a live [`BurstBucket`](crate::burst::BurstBucket)
//! in steps of a minute, for what a plan knows only by minutes; a test holds one to the other. Not whether a node has room
//! for bursts: it always has here.
//!
//! Source: developer guide, "Best practices for designing and using partition keys effectively", burst capacity.

use crate::burst::BURST;

/// Seconds of unused capacity that are kept.
pub const BURST_S: f64 = BURST.as_secs() as f64;

/// Units that were not used in the last [`BURST_S`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Burst {
    credit: f64,
}

impl Burst {
    /// Units kept.
    #[must_use]
    pub fn credit(&self) -> f64 {
        self.credit
    }

    /// Serves what it can of `asked` units over `seconds` at a capacity in units per second; returns the units served.
    /// What the capacity leaves is kept, at most [`BURST_S`] of it; what it lacks is taken from what was kept.
    pub fn serve(&mut self, asked: f64, capacity_per_s: f64, seconds: f64) -> f64 {
        let most = capacity_per_s * BURST_S;
        let there = self.credit.min(most) + capacity_per_s * seconds;
        let served = asked.min(there);
        self.credit = (there - served).min(most);
        served
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credit_lasts_exactly_300_s() {
        let mut burst = Burst::default();
        // Idle for 299 s, 300 s and longer.
        for (idle_s, credit) in [(299.0, 2_990.0), (1.0, 3_000.0), (60.0, 3_000.0)] {
            assert_eq!(burst.serve(0.0, 10.0, idle_s), 0.0);
            assert_eq!(burst.credit(), credit);
        }
        // Twice the capacity for 300 s, and not for one second longer.
        assert_eq!(burst.serve(6_000.0, 10.0, 300.0), 6_000.0);
        assert_eq!(burst.credit(), 0.0);
        assert_eq!(burst.serve(20.0, 10.0, 1.0), 10.0);
    }

    #[test]
    fn less_capacity_keeps_less_credit() {
        let mut burst = Burst::default();
        burst.serve(0.0, 100.0, 300.0);
        assert_eq!(burst.credit(), 30_000.0);
        burst.serve(0.0, 10.0, 1.0);
        assert_eq!(burst.credit(), 3_000.0);
    }

    #[test]
    fn over_any_window_no_more_is_served_than_capacity_and_burst() {
        let mut burst = Burst::default();
        let asked = |minute: u64| ((minute * 7_919) % 97) as f64 * 30.0;
        let served: Vec<f64> =
            (0..600).map(|minute| burst.serve(asked(minute), 20.0, 60.0)).collect();
        for from in 0..served.len() {
            let mut sum = 0.0;
            for (minutes, units) in served[from..].iter().enumerate() {
                sum += units;
                let bound = 20.0 * (60.0 * (minutes + 1) as f64 + BURST_S);
                assert!(sum <= bound + 1e-6, "from {from}, {minutes} minutes: {sum} > {bound}");
            }
        }
    }
}
