//! Whether a partition has been asked too much for long enough. Not of which keys: see `sample`.

use super::SplitRules;

/// Reads and writes a second: requests or units.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Of reads.
    pub reads_per_s: f64,
    /// Of writes.
    pub writes_per_s: f64,
}

impl Rates {
    /// How much of what `most` allows this is, reads and writes together: 1 for all of it.
    #[must_use]
    pub fn share_of(&self, most: &Self) -> f64 {
        self.reads_per_s / most.reads_per_s + self.writes_per_s / most.writes_per_s
    }
}

/// What a partition was asked since the last look.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub struct Load {
    /// Requests a second.
    pub requests: Rates,
    /// Units a second.
    pub units: Rates,
}

/// How many looks in a row found a partition too hot.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Heat {
    hot_looks: u32,
}

impl Heat {
    /// Takes a look. Whether the partition has been too hot for as many as it takes to cut it.
    pub fn look(&mut self, load: &Load, rules: &SplitRules) -> bool {
        let requests = load.requests.share_of(&rules.requests);
        let is_hot = requests.max(load.units.share_of(&rules.units)) > 1.0;
        self.hot_looks = if is_hot { self.hot_looks.saturating_add(1) } else { 0 };
        self.hot_looks >= rules.hot_looks
    }

    /// Begins counting anew: a cut was made, or would not help as things are.
    pub fn cool_down(&mut self) {
        self.hot_looks = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_hot_only_after_hot_looks_in_a_row() {
        let rules = SplitRules { hot_looks: 2, ..SplitRules::default() };
        let mut heat = Heat::default();
        let mut look = |reads: f64, writes: f64| {
            let requests = Rates { reads_per_s: reads, writes_per_s: writes };
            heat.look(&Load { requests, ..Load::default() }, &rules)
        };
        assert!(!look(2000.0, 500.0));
        assert!(look(0.0, 1001.0));
        assert!(!look(1000.0, 500.0), "five sixths of what it may take");
        assert!(!look(3001.0, 0.0));
        assert!(look(3001.0, 0.0));
    }

    #[test]
    fn few_requests_that_take_many_units_are_hot_too() {
        let rules = SplitRules { hot_looks: 1, ..SplitRules::default() };
        let of = |reads_per_s, writes_per_s| Load {
            requests: Rates { reads_per_s: 10.0, writes_per_s: 10.0 },
            units: Rates { reads_per_s, writes_per_s },
        };
        assert!(!Heat::default().look(&of(3000.0, 0.0), &rules), "all of it is not too much");
        assert!(Heat::default().look(&of(3000.1, 0.0), &rules));
        assert!(Heat::default().look(&of(1500.0, 501.0), &rules));
    }
}
