//! Calling a client's function on a key's value, where it can do no harm: what it panics with stays here, and
//! what it wants done is held against what may be done at once. Not doing it: that is the store's.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use bytes::Bytes;
use flywheel_store::{Change, Effect, Version, Versioned};

use super::partition::Partition;
use crate::error::ShardError;
use crate::request::ChangeFn;

/// A client's change of a value: to be made once, and what must be known of it then. All that the store's call
/// needs is a reference to it, which keeps the tasks of requests small.
pub(super) struct Decision {
    partition: Rc<Partition>,
    change: Option<ChangeFn>,
    has_own_ranges: bool,
    /// Why nothing is done.
    refusal: Option<Refusal>,
    /// Where the last append to the own range of this shard stands among the effects.
    last_append: Option<u32>,
    /// Keys that a move must learn of, each with its version as counted from the first one; empty, and
    /// without an allocation, if no move takes notes.
    noted: Vec<(Version, Bytes)>,
}

#[derive(Clone, Copy)]
enum Refusal {
    Panicked,
    SpansPartitions,
    NoOwnRanges,
}

impl Decision {
    /// Of a change of `key` to come. A move waits for the requests that began before it took notes, so knowing
    /// at the start whether one does is enough.
    pub fn new(
        partition: Rc<Partition>,
        key: &Bytes,
        change: ChangeFn,
        has_own_ranges: bool,
    ) -> Self {
        let noted = if partition.is_noting() { vec![(0, key.clone())] } else { Vec::new() };
        let change = Some(change);
        Self { partition, change, has_own_ranges, refusal: None, last_append: None, noted }
    }

    /// Calls the function. What must not be done becomes [`Change::Keep`], and is answered with
    /// [`Decision::refused`].
    pub fn make(&mut self, now: Option<&Versioned>) -> Change {
        let change = self.change.take().expect("a store decides once");
        // A client's mistake must not take the core's other clients down.
        let call = AssertUnwindSafe(|| change(now.map(|now| &now.value)));
        let Ok(change) = catch_unwind(call) else { return self.refuse(Refusal::Panicked) };
        let Change::Several(effects) = &change else { return change };
        for (effect, n) in effects.iter().zip(0..) {
            match effect {
                Effect::Put { key, .. } | Effect::Delete { key } => {
                    if !self.partition.spec.contains(key) {
                        return self.refuse(Refusal::SpansPartitions);
                    }
                }
                Effect::Append { .. } if !self.has_own_ranges => {
                    return self.refuse(Refusal::NoOwnRanges);
                }
                Effect::Append { .. } => self.last_append = Some(n),
            }
        }
        if !self.noted.is_empty() {
            self.note(effects);
        }
        change
    }

    /// The store is done, or gave up: a move learns of it. The version of the last append, if there was one.
    pub fn done(&mut self, first_version: Option<Version>) -> Option<Version> {
        for (n, key) in self.noted.drain(..) {
            self.partition.note(key, first_version.map(|first| first + n));
        }
        Some(first_version? + Version::from(self.last_append?))
    }

    /// What the client is told if nothing was done.
    pub fn refused(&self) -> Option<ShardError> {
        self.refusal.map(|refusal| match refusal {
            Refusal::Panicked => ShardError::ChangePanicked,
            Refusal::SpansPartitions => ShardError::BatchSpansPartitions,
            Refusal::NoOwnRanges => ShardError::NoOwnRanges,
        })
    }

    fn refuse(&mut self, refusal: Refusal) -> Change {
        self.refusal = Some(refusal);
        Change::Keep
    }

    /// Own ranges never move, so what is appended need not be noted.
    fn note(&mut self, effects: &[Effect]) {
        let written = effects.iter().zip(0..).filter_map(|(effect, n)| match effect {
            Effect::Put { key, .. } | Effect::Delete { key } => Some((n, key.clone())),
            Effect::Append { .. } => None,
        });
        self.noted = written.collect();
    }
}
