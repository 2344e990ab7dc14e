//! How a table or an index on demand grows with what it is asked for. Not the rule: see
//! [`flywheel_capacity::on_demand`].

use std::sync::{Mutex, MutexGuard, PoisonError};

use flywheel_capacity::on_demand::Growth;
use flywheel_capacity::operation::{Each, Operation as Kind};
use flywheel_capacity::tokens::{Rate, Tokens};

/// Reads and writes of one table or index. It outlives changes of the record, as its meters do.
#[derive(Debug)]
pub(crate) struct Growing(Mutex<Each<Arm>>);

#[derive(Debug)]
struct Arm {
    growth: Growth,
    /// What had been taken at the last look.
    seen: Tokens,
}

impl Growing {
    /// Of a new table or index.
    pub fn new() -> Self {
        let arm = |kind| Arm { growth: Growth::new(kind), seen: Tokens::ZERO };
        Self(Mutex::new(Each { read: arm(Kind::Read), write: arm(Kind::Write) }))
    }

    /// Has it serve so much at once, if it does not yet: because it was asked to, has done so before, or was
    /// provisioned with it.
    pub fn warm_to(&self, kind: Kind, rate: Rate) {
        self.lock().of_mut(kind).growth.warm_to(rate);
    }

    /// Looks at all that was ever taken.
    pub fn look(&self, kind: Kind, now_ms: u64, taken: Tokens) {
        let mut arms = self.lock();
        let Arm { growth, seen } = arms.of_mut(kind);
        growth.note(now_ms, taken - std::mem::replace(seen, taken));
    }

    /// What it serves at once, as of the last look.
    pub fn serves(&self, kind: Kind) -> Rate {
        // No time has passed at the beginning of all time.
        self.lock().of_mut(kind).growth.serves(0)
    }

    fn lock(&self) -> MutexGuard<'_, Each<Arm>> {
        // Nothing panics between two halves of a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
