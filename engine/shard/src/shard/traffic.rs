//! What a partition is asked: reads and writes a second, and a sample of their keys. Not request
//! units: those are the table's.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use super::sample::Sample;
use crate::options::SplitOptions;

/// One key in this many requests is sampled: often enough to know the traffic within seconds, seldom
/// enough to cost next to nothing.
const SAMPLE_EVERY: u64 = 16;

/// A partition's load.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    reads: Cell<u64>,
    writes: Cell<u64>,
    /// The counts at the last look.
    seen: Cell<(u64, u64)>,
    rates: Cell<Rates>,
    hot_looks: Cell<u32>,
    pub sample: RefCell<Sample>,
}

/// Requests a second.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(crate) struct Rates {
    pub reads_per_s: f64,
    pub writes_per_s: f64,
}

impl Traffic {
    pub fn read(&self, key: &[u8]) {
        self.reads.set(self.reads.get() + 1);
        self.note(key);
    }

    pub fn write(&self, key: &[u8]) {
        self.writes.set(self.writes.get() + 1);
        self.note(key);
    }

    /// A scan tells how busy the partition is, not at which key.
    pub fn scan(&self) {
        self.reads.set(self.reads.get() + 1);
    }

    pub fn rates(&self) -> Rates {
        self.rates.get()
    }

    /// Takes the rates since the last look, `elapsed` ago. Whether the partition has been too hot
    /// for as many looks as it takes to split it.
    pub fn look(&self, elapsed: Duration, options: &SplitOptions) -> bool {
        let now = (self.reads.get(), self.writes.get());
        let seen = self.seen.replace(now);
        let per_s = |new: u64, old: u64| (new - old) as f64 / elapsed.as_secs_f64().max(1e-9);
        let rates = Rates { reads_per_s: per_s(now.0, seen.0), writes_per_s: per_s(now.1, seen.1) };
        self.rates.set(rates);
        let share =
            rates.reads_per_s / options.reads_per_s + rates.writes_per_s / options.writes_per_s;
        self.hot_looks.set(if share > 1.0 { self.hot_looks.get() + 1 } else { 0 });
        self.hot_looks.get() >= options.hot_looks
    }

    /// Begins counting hot looks anew: splitting was tried and would not help as things are.
    pub fn cool_down(&self) {
        self.hot_looks.set(0);
    }

    fn note(&self, key: &[u8]) {
        if (self.reads.get() + self.writes.get()).is_multiple_of(SAMPLE_EVERY) {
            self.sample.borrow_mut().note(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_hot_only_after_hot_looks_in_a_row() {
        let options = SplitOptions { hot_looks: 2, ..SplitOptions::default() };
        let traffic = Traffic::default();
        let look = |reads: u32, writes: u32| {
            (0..reads).for_each(|_| traffic.read(b"k"));
            (0..writes).for_each(|_| traffic.write(b"k"));
            traffic.look(Duration::from_secs(1), &options)
        };
        assert!(!look(2000, 500));
        assert!(look(0, 1001));
        assert!(!look(1000, 500), "five sixths of what it may take");
        assert!(!look(3001, 0));
        assert!(look(3001, 0));
        assert_eq!(traffic.rates(), Rates { reads_per_s: 3001.0, writes_per_s: 0.0 });
    }
}
