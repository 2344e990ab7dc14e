//! A hot set as the hotspot's, which moves on by its own width again and again.
//! Reads no clock: the caller says how late it is.

use super::Hotspot;
use crate::random::Random;

/// A hotspot whose hot set begins at the first key and moves on by its own width every `shift_ns`, round and
/// round. Which keys are hot follows from the time alone.
#[derive(Debug, Clone)]
pub struct Shifting {
    /// Draws as if the hot set had never moved.
    still: Hotspot,
    min: u64,
    count: u64,
    width: u64,
    shift_ns: u64,
    /// The stretch of time that `start` holds for: a division in each stretch, none in a draw.
    from_ns: u64,
    until_ns: u64,
    start: u64,
}

impl Shifting {
    /// Over `min..=max`, as [`Hotspot::new`]; `shift_ns` is at least 1.
    pub fn new(
        min: u64,
        max: u64,
        data_fraction: f64,
        operation_fraction: f64,
        shift_ns: u64,
    ) -> Self {
        let still = Hotspot::new(min, max, data_fraction, operation_fraction);
        let shift_ns = shift_ns.max(1);
        let count = max.max(min) - min + 1;
        let width = still.hot_keys();
        Self { still, min, count, width, shift_ns, from_ns: 0, until_ns: shift_ns, start: 0 }
    }

    /// How far the first hot key lies from the first key at `at_ns`.
    pub fn start_at(&self, at_ns: u64) -> u64 {
        let shifted = u128::from(at_ns / self.shift_ns) * u128::from(self.width);
        (shifted % u128::from(self.count)) as u64
    }

    /// The next number at `at_ns`.
    #[inline]
    pub fn next(&mut self, at_ns: u64, random: &mut Random) -> u64 {
        if at_ns < self.from_ns || at_ns >= self.until_ns {
            self.from_ns = at_ns - at_ns % self.shift_ns;
            self.until_ns = self.from_ns.saturating_add(self.shift_ns);
            self.start = self.start_at(at_ns);
        }
        let moved = self.still.next(random) - self.min + self.start;
        self.min + if moved >= self.count { moved - self.count } else { moved }
    }
}
