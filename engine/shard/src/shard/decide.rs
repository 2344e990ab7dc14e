//! Calling a client's function on a key's value, where it can do no harm: what it panics with stays here, and
//! what it wants done is held against what may be done at once. Not doing it: that is the store's.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use flywheel_store::{Change, Effect, PartitionSpec, Version, Versioned};

use crate::error::ShardError;
use crate::request::ChangeFn;

/// What must be known of a client's change beside the change itself.
pub(super) struct Decision {
    /// Why nothing is done.
    refusal: Option<Refusal>,
    /// Keys that a move must learn of, each with its version as counted from the first one; empty, and
    /// without an allocation, if no move takes notes.
    pub noted: Vec<(Version, Bytes)>,
    /// Whether something is appended to the own range of this shard.
    pub appends: bool,
}

/// Small, so that the tasks of requests stay small.
#[derive(Clone, Copy)]
enum Refusal {
    Panicked,
    SpansPartitions,
    NoOwnRanges,
}

impl Decision {
    /// Of a change of `key` to come. A move waits for the requests that began before it took notes, so knowing
    /// at the start whether one does is enough.
    pub fn new(key: &Bytes, is_noting: bool) -> Self {
        let noted = if is_noting { vec![(0, key.clone())] } else { Vec::new() };
        Self { refusal: None, noted, appends: false }
    }

    /// Calls the function. What must not be done becomes [`Change::Keep`], and is answered with
    /// [`Decision::refused`].
    pub fn make(
        &mut self,
        partition: &PartitionSpec,
        has_own_ranges: bool,
        change: ChangeFn,
        now: Option<&Versioned>,
    ) -> Change {
        // A client's mistake must not take the core's other clients down.
        let call = AssertUnwindSafe(|| change(now.map(|now| &now.value)));
        let Ok(change) = catch_unwind(call) else { return self.refuse(Refusal::Panicked) };
        let Change::Several(effects) = &change else { return change };
        for effect in effects {
            match effect {
                Effect::Put { key, .. } | Effect::Delete { key } if !partition.contains(key) => {
                    return self.refuse(Refusal::SpansPartitions);
                }
                Effect::Append { .. } if !has_own_ranges => {
                    return self.refuse(Refusal::NoOwnRanges);
                }
                Effect::Append { .. } => self.appends = true,
                Effect::Put { .. } | Effect::Delete { .. } => {}
            }
        }
        if !self.noted.is_empty() {
            self.note(effects);
        }
        change
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
