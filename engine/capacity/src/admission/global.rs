//! The one bucket that a whole table or index has for one kind of capacity, and what of it is out on lease. Not
//! what a request touches: see `local`. A lock around it is taken once a lease, not once a request.
//!
//! What is out on lease still counts as being in the bucket until a core says that it was used. So whatever the
//! cores do, and in whatever order:
//!
//! ```text
//!   used by all cores within any window
//!       <=  rate x window + capacity + what the largest request exceeds a second's units by
//! ```
//!
//! where a window is longer by as much as the clocks of cores differ.

use super::{Ceiling, Limit};
use crate::burst::BurstBucket;
use crate::limits::MAX_CORES;
use crate::tokens::Tokens;

/// A round: how long a refusal or a ration holds. A dry bucket's lock is taken a thousand times a
/// second by each core, however many requests come.
pub(super) const ROUND_NS: u64 = 1_000_000;

/// One core asks for a lease, and hands in what is left of its last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// Which core.
    pub core: usize,
    /// What it has left; below zero, what it took too much.
    pub unused: Tokens,
    /// What the request at hand needs; nothing if the core only hands in.
    pub needed: Tokens,
    /// What it would like to have, that included.
    pub wanted: Tokens,
}

/// What it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// As much as it needs or more; nothing if it needs nothing.
    Lease(Tokens),
    /// As much as it needs, and its part of what there is; this limit refuses more for a millisecond.
    Ration(Tokens, Limit),
    /// Nothing, by this limit.
    Refused(Limit),
}

/// The bucket and its leases.
#[derive(Debug, Clone)]
pub struct Global {
    ceiling: Ceiling,
    bucket: BurstBucket,
    cores: Vec<Core>,
    outstanding: Tokens,
}

/// What is known of a core.
#[derive(Debug, Clone, Copy, Default)]
struct Core {
    /// What it got last.
    lent: Tokens,
    served_ns: u64,
    /// When it last got less than it wanted; `None` for never.
    short_ns: Option<u64>,
}

impl Core {
    /// Whether it got too little in this round or the last, and has had nothing for half a round.
    fn waits(&self, now_ns: u64) -> bool {
        self.short_ns.is_some_and(|short_ns| now_ns.saturating_sub(short_ns) <= 2 * ROUND_NS)
            && now_ns.saturating_sub(self.served_ns) >= ROUND_NS / 2
    }
}

impl Global {
    /// One that has a second's units, for so many cores: 1 to [`MAX_CORES`].
    #[must_use]
    pub fn new(now_ns: u64, ceiling: Ceiling, cores: usize) -> Self {
        Self {
            ceiling,
            bucket: BurstBucket::new(now_ns, ceiling.rate, ceiling.burst),
            cores: vec![Core::default(); cores.clamp(1, MAX_CORES)],
            outstanding: Tokens::ZERO,
        }
    }

    /// What it fills at, and what it refuses by.
    #[must_use]
    pub fn ceiling(&self) -> Ceiling {
        self.ceiling
    }

    /// What is there and not out on lease, as of the last question; below zero, what is owed.
    #[must_use]
    pub fn level(&self) -> Tokens {
        self.bucket.level()
    }

    /// What is out on lease and may be used by now.
    #[must_use]
    pub fn outstanding(&self) -> Tokens {
        self.outstanding
    }

    /// Sets what it fills at from now on: at an update of the table, when it has grown, when the mode changes.
    pub fn set_ceiling(&mut self, now_ns: u64, ceiling: Ceiling) {
        self.ceiling = ceiling;
        self.bucket.change(now_ns, ceiling.rate, ceiling.burst);
        self.shed_excess();
    }

    /// Two that begin with half of what is there each, or owe half of what is owed, and fill at the whole rate from
    /// then on: a partition's when it is cut. Nothing is left here. For one whose leases are all handed in; as of the
    /// last question, which both go on from.
    #[must_use]
    pub fn divide(&mut self) -> (Self, Self) {
        // At the beginning of all time no rate has brought anything yet.
        let (low, high) = self.bucket.split(0, 1, 2);
        let half = |mut bucket: BurstBucket| {
            bucket.change(0, self.ceiling.rate, self.ceiling.burst);
            let cores = vec![Core::default(); self.cores.len()];
            Self { ceiling: self.ceiling, bucket, cores, outstanding: Tokens::ZERO }
        };
        let halves = (half(low), half(high));
        self.bucket.shed(self.bucket.level().max(Tokens::ZERO));
        halves
    }

    /// Takes back what a core has left and gives it a new lease. `has_headroom` is whether the node can bear a
    /// burst now.
    ///
    /// A lease has what the request needs. Of the rest it has at most its part: what there is, divided by the cores
    /// that wait for more in turn with it, and one more for whoever else may come. If others do wait, it has to
    /// last for a round, so that those that ask alike get alike when there is too little. If none does, the core
    /// may come again at once: nobody is refused while there is enough.
    ///
    /// # Panics
    /// If there is no such core.
    pub fn exchange(&mut self, now_ns: u64, ask: Ask, has_headroom: bool) -> Answer {
        self.bucket.refill(now_ns);
        // Before the lease is back: while it was out, what it had had no room.
        self.shed_excess();
        self.outstanding -= std::mem::take(&mut self.cores[ask.core].lent);
        self.bucket.settle(ask.unused, Tokens::ZERO);
        self.shed_excess();
        if ask.needed == Tokens::ZERO {
            return Answer::Lease(Tokens::ZERO);
        }
        let limit = self.ceiling.limit;
        if !self.bucket.has(ask.needed, has_headroom) {
            self.cores[ask.core].short_ns = Some(now_ns);
            return Answer::Refused(limit);
        }
        let waiting = self.waiting_beside(ask.core, now_ns);
        let spare = (self.bucket.available(has_headroom) - ask.needed).max(Tokens::ZERO);
        let wanted = (ask.wanted - ask.needed).max(Tokens::ZERO);
        let more = wanted.min(spare.part(1, waiting + 2));
        let lease = ask.needed + more;
        self.bucket.draw(lease, has_headroom);
        self.outstanding += lease;
        let core = &mut self.cores[ask.core];
        (core.lent, core.served_ns) = (lease, now_ns);
        if more == wanted || waiting == 0 {
            return Answer::Lease(lease);
        }
        core.short_ns = Some(now_ns);
        Answer::Ration(lease, limit)
    }

    fn waiting_beside(&self, core: usize, now_ns: u64) -> u64 {
        let others = self.cores.iter().enumerate().filter(|(other, _)| *other != core);
        others.filter(|(_, core)| core.waits(now_ns)).count() as u64
    }

    /// Drops what does not fit beside what is out on lease.
    fn shed_excess(&mut self) {
        let excess = self.bucket.level() + self.outstanding - self.bucket.capacity();
        if excess > Tokens::ZERO {
            self.bucket.shed(excess);
        }
    }
}
