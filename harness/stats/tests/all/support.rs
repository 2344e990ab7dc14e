//! Seeded normal draws, by Box and Muller 1958. No test.

use flywheel_stats::SplitMix64;

pub struct Normal(SplitMix64);

impl Normal {
    pub fn new(seed: u64) -> Self {
        Self(SplitMix64::new(seed))
    }

    /// Mean 0, sigma 1.
    pub fn draw(&mut self) -> f64 {
        let (u, v) = (1.0 - self.0.next_f64(), self.0.next_f64());
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }

    pub fn draws(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| self.draw()).collect()
    }
}

/// Whether two figures agree to a share of `within`.
pub fn close(a: f64, b: f64, within: f64) -> bool {
    (a - b).abs() <= within * a.abs().max(b.abs()).max(f64::MIN_POSITIVE)
}
