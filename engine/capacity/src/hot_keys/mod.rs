//! The hottest keys of a partition: most accessed and most throttled, with bounded memory. Not where to cut it: that
//! is `split`.
//!
//! | Room | What it is |
//! |---|---|
//! | `summary` | the algorithm: so many keys with what they took, each with its error |
//! | `places` | which of them a key is, by its hash |
//!
//! A core notes each request once, in the summary of what it was: read or write, served or refused. Summaries of
//! cores are merged for a report.

mod places;
mod summary;

pub use summary::{Counted, Summary};

use crate::operation::{Each, Operation};
use crate::tokens::{Rate, Tokens};

/// The hottest keys of one partition, or of all that one core sees of it.
#[derive(Debug, Clone)]
pub struct HotKeys {
    accessed: Each<Summary>,
    throttled: Each<Summary>,
}

impl HotKeys {
    /// With `keys` of each kind: 1 to [`crate::limits::MAX_HOT_KEYS`]. A key's units are then told to within one in
    /// `keys` of all.
    #[must_use]
    pub fn new(keys: usize) -> Self {
        let each = || Each { read: Summary::new(keys), write: Summary::new(keys) };
        Self { accessed: each(), throttled: each() }
    }

    /// A request that was served.
    pub fn note_accessed(&mut self, second: u64, operation: Operation, key: &[u8], units: Tokens) {
        self.accessed.of_mut(operation).note(second, key, units);
    }

    /// A request that was refused, and what it asked for.
    pub fn note_throttled(&mut self, second: u64, operation: Operation, key: &[u8], units: Tokens) {
        self.throttled.of_mut(operation).note(second, key, units);
    }

    /// Most accessed keys.
    #[must_use]
    pub fn accessed(&self, operation: Operation) -> &Summary {
        self.accessed.of(operation)
    }

    /// Most throttled keys. [`Counted::since_second`] is the first second in which each was.
    #[must_use]
    pub fn throttled(&self, operation: Operation) -> &Summary {
        self.throttled.of(operation)
    }

    /// Adds what another core saw.
    pub fn merge(&mut self, other: &Self) {
        for operation in [Operation::Read, Operation::Write] {
            self.accessed.of_mut(operation).merge(other.accessed.of(operation));
            self.throttled.of_mut(operation).merge(other.throttled.of(operation));
        }
    }

    /// Forgets all: a new period begins.
    pub fn clear(&mut self) {
        for operation in [Operation::Read, Operation::Write] {
            self.accessed.of_mut(operation).clear();
            self.throttled.of_mut(operation).clear();
        }
    }
}

/// How much of a limit so many units are over a time: 1 for all of it. 0 of no time.
#[must_use]
pub fn share_of_limit(units: Tokens, elapsed_ns: u64, limit: Rate) -> f64 {
    let most = limit.within_us(elapsed_ns / 1000);
    if most == Tokens::ZERO { 0.0 } else { units.as_f64() / most.as_f64() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Operation::{Read, Write};

    #[test]
    fn reads_and_writes_served_and_refused_are_told_apart() {
        let mut keys = HotKeys::new(4);
        keys.note_accessed(7, Read, b"a", Tokens::units(900));
        keys.note_accessed(7, Write, b"b", Tokens::units(2));
        keys.note_throttled(8, Write, b"b", Tokens::units(5));
        keys.note_throttled(9, Write, b"b", Tokens::units(5));
        let first = |summary: &Summary| summary.hottest(1).next().cloned();
        let read = first(keys.accessed(Read)).expect("one");
        assert_eq!((&read.key[..], read.units), (&b"a"[..], Tokens::units(900)));
        let refused = first(keys.throttled(Write)).expect("one");
        assert_eq!((refused.units, refused.since_second), (Tokens::units(10), 8));
        assert!(first(keys.throttled(Read)).is_none());
        let mut both = keys.clone();
        both.merge(&keys);
        assert_eq!(first(both.accessed(Write)).expect("one").units, Tokens::units(4));
        keys.clear();
        assert!(first(keys.accessed(Read)).is_none());
    }

    #[test]
    fn a_share_of_the_limit() {
        let limit = Rate::per_s(3000);
        let second_ns = 1_000_000_000;
        assert_eq!(share_of_limit(Tokens::units(900), second_ns, limit), 0.3);
        assert_eq!(share_of_limit(Tokens::units(9000), 3 * second_ns, limit), 1.0);
        assert_eq!(share_of_limit(Tokens::units(1), 0, limit), 0.0);
    }
}
