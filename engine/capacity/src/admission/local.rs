//! One core's lease of a table's or an index's capacity: what a request takes from, without a lock and without
//! another core's cache lines. Not the table's bucket: see `global`, which it asks when it runs short.
//!
//! A lease is meant to last [`LEASE_NS`] at the pace of the last one. A core that goes quiet hands in what it has
//! left after [`IDLE_NS`], at its next look; until then it is not lost, only not there for others.
//!
//! One belongs to one core, behind a `RefCell`; the table's own stands behind a lock:
//!
//! ```
//! use std::sync::Mutex;
//! use flywheel_capacity::admission::{Ceiling, Global, Local};
//! use flywheel_capacity::tokens::{Rate, Tokens};
//!
//! let table = Mutex::new(Global::new(0, Ceiling::provisioned(Rate::per_s(100)), 2));
//! let mut local = Local::new(0);
//! let (now_ns, has_headroom) = (1_000, true);
//! let exchange = |ask| table.lock().unwrap().exchange(now_ns, ask, has_headroom);
//! let reserved = Tokens::units(1);
//! local.take(now_ns, reserved, exchange).expect("there is enough");
//! // ... the work is done, and took more ...
//! local.settle(reserved, Tokens::units(3));
//! ```

use super::global::ROUND_NS;
use super::{Answer, Ask, Limit};
use crate::tokens::Tokens;

/// How long a lease is meant to last.
const LEASE_NS: u64 = 10_000_000;

/// How old a lease is when what is left of it should be handed in.
const IDLE_NS: u64 = 100_000_000;

/// A lease is at most so many times what the last one brought: a single request says little about what comes.
const MOST_GROWTH: i64 = 4;

/// A core's lease.
#[derive(Debug, Clone)]
pub struct Local {
    core: usize,
    level: Tokens,
    lease: Tokens,
    leased_ns: u64,
    /// What it is expected to use within one lease's time.
    pace: Tokens,
    refused: Option<Refused>,
}

/// A refusal of so much and more, for one round.
#[derive(Debug, Clone, Copy)]
struct Refused {
    limit: Limit,
    amount: Tokens,
    at_ns: u64,
}

impl Refused {
    fn holds(&self, now_ns: u64, amount: Tokens) -> bool {
        amount >= self.amount && (self.at_ns..self.at_ns.saturating_add(ROUND_NS)).contains(&now_ns)
    }
}

impl Local {
    /// The lease of one core, nothing so far.
    #[must_use]
    pub fn new(core: usize) -> Self {
        let nothing = Tokens::ZERO;
        Self { core, level: nothing, lease: nothing, leased_ns: 0, pace: nothing, refused: None }
    }

    /// What it has left; below zero, what was taken too much.
    #[must_use]
    pub fn level(&self) -> Tokens {
        self.level
    }

    /// Takes an amount, through `exchange` if the lease falls short: that is to call
    /// [`super::Global::exchange`] with the same time.
    ///
    /// # Errors
    /// The limit that refuses. Nothing is taken then.
    #[inline]
    pub fn take(
        &mut self,
        now_ns: u64,
        amount: Tokens,
        exchange: impl FnOnce(Ask) -> Answer,
    ) -> Result<(), Limit> {
        if self.level < amount {
            self.renew(now_ns, amount, exchange)?;
        }
        self.level -= amount;
        Ok(())
    }

    /// Gives back or charges the difference between what was reserved and what it took.
    #[inline]
    pub fn settle(&mut self, reserved: Tokens, taken: Tokens) {
        self.level += reserved - taken;
    }

    /// Whether it should hand in what it has left, or owes: to be looked at every second or so.
    #[must_use]
    pub fn is_idle(&self, now_ns: u64) -> bool {
        let has_any = self.level != Tokens::ZERO || self.lease != Tokens::ZERO;
        has_any && now_ns.saturating_sub(self.leased_ns) >= IDLE_NS
    }

    /// Hands in what it has left, through `exchange` as with [`Local::take`], and begins small again.
    pub fn hand_in(&mut self, now_ns: u64, exchange: impl FnOnce(Ask) -> Answer) {
        let nothing = Tokens::ZERO;
        exchange(Ask { core: self.core, unused: self.level, needed: nothing, wanted: nothing });
        self.lease_is(now_ns, nothing);
        self.pace = nothing;
    }

    #[cold]
    fn renew(
        &mut self,
        now_ns: u64,
        amount: Tokens,
        exchange: impl FnOnce(Ask) -> Answer,
    ) -> Result<(), Limit> {
        if let Some(refused) = self.refused.filter(|refused| refused.holds(now_ns, amount)) {
            return Err(refused.limit);
        }
        self.learn(now_ns);
        let wanted = amount + self.pace;
        let ask = Ask { core: self.core, unused: self.level, needed: amount, wanted };
        match exchange(ask) {
            Answer::Lease(lease) => {
                self.refused = None;
                self.lease_is(now_ns, lease);
                Ok(())
            }
            Answer::Ration(lease, limit) => {
                self.refused = Some(Refused { limit, amount: Tokens::ZERO, at_ns: now_ns });
                self.lease_is(now_ns, lease);
                Ok(())
            }
            Answer::Refused(limit) => {
                self.refused = Some(Refused { limit, amount, at_ns: now_ns });
                self.lease_is(now_ns, Tokens::ZERO);
                Err(limit)
            }
        }
    }

    /// Learns from a lease how much the next one should have. Nothing of a refusal, which says nothing of the pace.
    fn learn(&mut self, now_ns: u64) {
        if self.lease > Tokens::ZERO {
            let used = (self.lease - self.level).max(Tokens::ZERO);
            let elapsed_ns = now_ns.saturating_sub(self.leased_ns).max(1);
            let most = used.as_nanos().saturating_mul(MOST_GROWTH);
            self.pace = used.part(LEASE_NS, elapsed_ns).min(Tokens::nanos(most));
        }
    }

    fn lease_is(&mut self, now_ns: u64, lease: Tokens) {
        self.level = lease;
        self.lease = lease;
        self.leased_ns = now_ns;
    }
}
