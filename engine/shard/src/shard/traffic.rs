//! What a partition is asked: reads and writes a second, units a second, and a sample of the keys. Not whether to
//! cut it: see `split`.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use bytes::Bytes;
use flywheel_capacity::operation::{Each, Operation};
use flywheel_capacity::split::{Heat, Load, Rates, Sample, SplitRules};
use flywheel_capacity::tokens::Tokens;

use crate::consumption::Asked;

/// About so many keys are sampled between two looks, however many requests come: often enough to know the traffic
/// after a few looks, seldom enough to cost next to nothing.
const SAMPLES_A_LOOK: u64 = 128;

/// Until the first look, one key in so many requests.
const FIRST_SAMPLES_EVERY: u64 = 16;

/// A partition's load.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    reads: Cell<u64>,
    writes: Cell<u64>,
    /// What it was asked for until the last look; units only since the first.
    seen: Cell<(u64, u64)>,
    seen_units: Cell<Option<Each<Tokens>>>,
    load: Cell<Load>,
    /// One key in so many requests is sampled; 0 before the first look.
    sample_every: Cell<u64>,
    heat: Cell<Heat>,
    sample: RefCell<Sample<Bytes>>,
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

    /// A scan that begins at `key`, if that tells at which one the partition is busy.
    pub fn scan(&self, key: Option<&[u8]>) {
        self.reads.set(self.reads.get() + 1);
        if let Some(key) = key {
            self.note(key);
        }
    }

    /// What it was asked a second over the last look; `None` before the first.
    pub fn load(&self) -> Option<Load> {
        (self.sample_every.get() > 0).then(|| self.load.get())
    }

    /// The keys that were sampled, once there are enough to tell anything; it begins anew then.
    pub fn take_sample(&self) -> Option<Sample<Bytes>> {
        let is_known = self.sample.borrow().is_known();
        is_known.then(|| self.sample.take())
    }

    /// Takes the load since the last look, `elapsed` ago; what was refused is part of it. Whether the partition has
    /// been too hot for as many looks as it takes to split it.
    pub fn look(&self, elapsed: Duration, asked: &Asked, rules: &SplitRules) -> bool {
        let per_s = |amount: f64| amount / elapsed.as_secs_f64().max(1e-9);
        let now = (self.reads.get(), self.writes.get());
        let seen = self.seen.replace(now);
        let requests = now.0 + now.1 - seen.0 - seen.1;
        // Odd, so that requests which come by turns are not always the same one.
        self.sample_every.set((requests / SAMPLES_A_LOOK) | 1);
        let requests = Rates {
            reads_per_s: per_s((now.0 - seen.0) as f64),
            writes_per_s: per_s((now.1 - seen.1) as f64),
        };
        let units = |operation| *asked.served.of(operation) + *asked.refused.of(operation);
        let units = Each { read: units(Operation::Read), write: units(Operation::Write) };
        let seen = self.seen_units.replace(Some(units)).unwrap_or(units);
        let units = Rates {
            reads_per_s: per_s((units.read - seen.read).as_f64()),
            writes_per_s: per_s((units.write - seen.write).as_f64()),
        };
        let load = Load { requests, units };
        self.load.set(load);
        let mut heat = self.heat.get();
        let is_hot = heat.look(&load, rules);
        self.heat.set(heat);
        is_hot
    }

    /// Begins counting hot looks anew: splitting was tried and would not help as things are.
    pub fn cool_down(&self) {
        self.heat.set(Heat::default());
    }

    fn note(&self, key: &[u8]) {
        let every = match self.sample_every.get() {
            0 => FIRST_SAMPLES_EVERY,
            every => every,
        };
        if (self.reads.get() + self.writes.get()).is_multiple_of(every) {
            // Copied: a slice would hold on to the whole request that it came in.
            self.sample.borrow_mut().note(Bytes::copy_from_slice(key), Tokens::units(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(read: u64, write: u64) -> Each<Tokens> {
        Each { read: Tokens::units(read), write: Tokens::units(write) }
    }

    #[test]
    fn requests_and_units_are_those_since_the_last_look() {
        let traffic = Traffic::default();
        let look = |asked: &Asked| {
            traffic.look(Duration::from_secs(2), asked, &SplitRules::default());
            traffic.load().expect("looked at")
        };
        // What was asked before the partition came here is not of this look.
        let mut asked = Asked { served: units(1_000_000, 7), ..Asked::default() };
        assert_eq!(look(&asked), Load::default());
        (0..10).for_each(|_| traffic.read(b"k"));
        traffic.write(b"k");
        traffic.scan(None);
        asked.served = units(1_000_100, 7);
        asked.refused = units(0, 30);
        let load = look(&asked);
        assert_eq!(load.requests, Rates { reads_per_s: 5.5, writes_per_s: 0.5 });
        assert_eq!(load.units, Rates { reads_per_s: 50.0, writes_per_s: 15.0 }, "refused ones too");
        assert_eq!(look(&asked), Load::default());
    }

    #[test]
    fn a_partition_that_refuses_much_is_hot() {
        let rules = SplitRules { hot_looks: 2, ..SplitRules::default() };
        let traffic = Traffic::default();
        let look = |write| {
            let asked = Asked { served: units(0, 0), refused: units(0, write) };
            traffic.look(Duration::from_secs(1), &asked, &rules)
        };
        assert!(!look(0) && !look(1001));
        assert!(look(2002));
        traffic.cool_down();
        assert!(!look(3003));
    }
}
