//! One kind of capacity of one table, index or partition: its bucket, and a lease of it for each core. Not whose it
//! is: a partition's are in `consumption`, those of tables and indexes above.
//!
//! A request touches its core's stripe alone: a lock that nobody else wants, most of the time. The bucket's own
//! lock is taken once a lease.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use flywheel_capacity::admission::{Ceiling, Global, Limit, Local};
use flywheel_capacity::tokens::{Rate, Tokens};

/// Leases of a bucket: more cores than that share some.
const STRIPES: usize = 16;

/// A bucket that lends to cores, and what was taken of it.
#[derive(Debug)]
pub struct Meter {
    is_limited: AtomicBool,
    global: Mutex<Global>,
    /// Made with a core's first request: most tables are asked for by few, and there may be many tables.
    stripes: [OnceLock<Box<Stripe>>; STRIPES],
}

/// One core's, on cache lines of its own.
#[derive(Debug)]
#[repr(align(128))]
struct Stripe(Mutex<Share>);

#[derive(Debug)]
struct Share {
    lease: Local,
    taken: Tokens,
    refused: Tokens,
    throttled: u64,
}

impl Meter {
    /// With a ceiling; `None` lets everybody in.
    #[must_use]
    pub fn new(now_ns: u64, ceiling: Option<Ceiling>) -> Self {
        let bucket = ceiling.unwrap_or(Ceiling::provisioned(Rate::ZERO));
        Self {
            is_limited: AtomicBool::new(ceiling.is_some()),
            global: Mutex::new(Global::new(now_ns, bucket, STRIPES)),
            stripes: std::array::from_fn(|_| OnceLock::new()),
        }
    }

    /// Has another ceiling from now on. What was saved and what is owed goes on, but where nothing limited it
    /// before: then it begins anew.
    pub fn set_ceiling(&self, now_ns: u64, ceiling: Option<Ceiling>) {
        let was_limited = self.is_limited.load(Ordering::Relaxed);
        if let Some(ceiling) = ceiling {
            if was_limited {
                let mut global = lock(&self.global);
                if global.ceiling() != ceiling {
                    global.set_ceiling(now_ns, ceiling);
                }
            } else {
                for (core, share) in self.shares() {
                    share.lock().lease = Local::new(core);
                }
                *lock(&self.global) = Global::new(now_ns, ceiling, STRIPES);
            }
        }
        self.is_limited.store(ceiling.is_some(), Ordering::Relaxed);
    }

    /// Takes so much; how much that was, which is nothing where nothing limits it. Reserve little, and settle:
    /// large amounts may wait for ever while small ones pass by.
    ///
    /// # Errors
    /// The limit that refuses. Nothing is taken then.
    pub fn reserve(&self, now_ns: impl FnOnce() -> u64, amount: Tokens) -> Result<Tokens, Limit> {
        if !self.is_limited.load(Ordering::Relaxed) {
            return Ok(Tokens::ZERO);
        }
        self.reserve_of(stripe(), now_ns(), amount)
    }

    fn reserve_of(&self, core: usize, now_ns: u64, amount: Tokens) -> Result<Tokens, Limit> {
        let mut share = self.share(core);
        let taken = share.lease.take(now_ns, amount, |ask| {
            // Nobody says yet whether the machine has headroom; admission of requests by load is the shards'.
            lock(&self.global).exchange(now_ns, ask, true)
        });
        if taken.is_err() {
            share.throttled += 1;
            share.refused += amount;
        }
        taken.map(|()| amount)
    }

    /// Gives back or charges the difference between what was reserved and what was taken.
    pub fn settle(&self, reserved: Tokens, taken: Tokens) {
        let mut share = self.share(stripe());
        if reserved != Tokens::ZERO || self.is_limited.load(Ordering::Relaxed) {
            share.lease.settle(reserved, taken);
        }
        share.taken += taken;
    }

    /// Has cores that went quiet hand in what is left of their leases. For every second or so.
    pub fn hand_in_idle(&self, now_ns: u64) {
        if !self.is_limited.load(Ordering::Relaxed) {
            return;
        }
        for (_, share) in self.shares() {
            let mut share = share.lock();
            if share.lease.is_idle(now_ns) {
                share.lease.hand_in(now_ns, |ask| lock(&self.global).exchange(now_ns, ask, true));
            }
        }
    }

    /// The two that it becomes when what it is for is cut in two: half of what is there each, and its ceiling. They
    /// have counted nothing. Who reserves here while that goes on, and settles there, may be given up to that much.
    #[must_use]
    pub fn divide(&self) -> (Self, Self) {
        for (_, share) in self.shares() {
            // As of the last question: what the rate brought since, both bring.
            share.lock().lease.hand_in(0, |ask| lock(&self.global).exchange(0, ask, true));
        }
        let (low, high) = lock(&self.global).divide();
        let is_limited = self.is_limited.load(Ordering::Relaxed);
        let half = |global| Self {
            is_limited: AtomicBool::new(is_limited),
            global: Mutex::new(global),
            stripes: std::array::from_fn(|_| OnceLock::new()),
        };
        (half(low), half(high))
    }

    /// Counts a request that something else refused on its behalf.
    pub fn count_throttled(&self) {
        self.share(stripe()).throttled += 1;
    }

    /// Units that were taken since it was made.
    pub fn taken(&self) -> Tokens {
        self.shares().map(|(_, share)| share.lock().taken).sum()
    }

    /// Units that were asked for and refused since it was made.
    pub fn refused(&self) -> Tokens {
        self.shares().map(|(_, share)| share.lock().refused).sum()
    }

    /// Requests that it refused since it was made.
    pub fn throttled(&self) -> u64 {
        self.shares().map(|(_, share)| share.lock().throttled).sum()
    }

    fn share(&self, core: usize) -> MutexGuard<'_, Share> {
        let made = self.stripes[core].get_or_init(|| {
            let nothing = Tokens::ZERO;
            let lease = Local::new(core);
            let share = Share { lease, taken: nothing, refused: nothing, throttled: 0 };
            Box::new(Stripe(Mutex::new(share)))
        });
        made.lock()
    }

    fn shares(&self) -> impl Iterator<Item = (usize, &Stripe)> {
        let made = self.stripes.iter().enumerate();
        made.filter_map(|(core, stripe)| Some((core, &**stripe.get()?)))
    }
}

impl Stripe {
    fn lock(&self) -> MutexGuard<'_, Share> {
        lock(&self.0)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics between two halves of a change.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The stripe of this thread.
fn stripe() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static STRIPE: Cell<usize> = Cell::new(THREADS.fetch_add(1, Ordering::Relaxed) % STRIPES);
    }
    STRIPE.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    fn meter(units_per_s: u64) -> Meter {
        Meter::new(0, Some(Ceiling::provisioned(Rate::per_s(units_per_s))))
    }

    /// Requests of one unit that are let in at one moment.
    fn let_in(meter: &Meter, now_ns: u64) -> usize {
        (0..).take_while(|_| meter.reserve(|| now_ns, Tokens::units(1)).is_ok()).count()
    }

    #[test]
    fn a_burst_is_what_was_left_unused() {
        let meter = meter(10);
        assert_eq!(let_in(&meter, 0), 10);
        assert_eq!(let_in(&meter, S), 10);
        assert_eq!(let_in(&meter, 1000 * S), 3000, "300 s and not one more");
        assert_eq!(meter.throttled(), 3);
    }

    #[test]
    fn what_was_taken_beyond_what_was_reserved_is_owed() {
        let meter = meter(10);
        let reserved = meter.reserve(|| 0, Tokens::units(1)).expect("there is enough");
        meter.settle(reserved, Tokens::units(25));
        assert_eq!(meter.reserve(|| S, Tokens::nanos(1)), Err(Limit::ProvisionedThroughput));
        assert_eq!(let_in(&meter, 2 * S), 5);
        assert_eq!(meter.taken(), Tokens::units(25), "what is reserved was not taken yet");
    }

    #[test]
    fn without_a_ceiling_it_only_counts() {
        let meter = Meter::new(0, None);
        for _ in 0..100_000 {
            let reserved = meter.reserve(|| 0, Tokens::units(400)).expect("everybody");
            meter.settle(reserved, Tokens::units(400));
        }
        assert_eq!((meter.taken(), meter.throttled()), (Tokens::units(40_000_000), 0));
        // What was taken meanwhile is not owed later, nor is anything saved.
        meter.set_ceiling(1000 * S, Some(Ceiling::provisioned(Rate::per_s(5))));
        assert_eq!(let_in(&meter, 1000 * S), 5);
        assert_eq!(let_in(&meter, 1001 * S), 5);
        meter.set_ceiling(2 * S, None);
        assert!(meter.reserve(|| 2 * S, Tokens::units(1_000_000)).is_ok());
    }

    #[test]
    fn what_a_quiet_core_has_left_comes_back() {
        let meter = meter(100);
        let of_core = |core: usize, now_ns, amount| {
            meter.reserve_of(core, now_ns, Tokens::units(amount)).expect("enough");
        };
        // Enough for leases of more than one request.
        (0..50).for_each(|n| of_core(3, n * S / 100, 1));
        assert!(meter.share(3).lease.level() > Tokens::ZERO, "some is left");
        meter.hand_in_idle(10 * S);
        // 100 at first and 1,000 since, of which 50 were taken.
        of_core(4, 10 * S, 1050);
        assert!(meter.reserve_of(4, 10 * S, Tokens::units(1)).is_err());
    }

    #[test]
    fn a_lease_that_was_used_up_is_handed_in_as_well() {
        let meter = meter(1);
        // More than the bucket ever holds: let in once a second's units are there, and paid off later.
        let reserved = meter.reserve_of(0, 0, Tokens::units(1)).expect("a second's");
        assert_eq!(reserved, Tokens::units(1));
        assert_eq!(meter.share(0).lease.level(), Tokens::ZERO, "nothing is left of it");
        meter.hand_in_idle(10 * S);
        let let_in = (0..).take_while(|_| meter.reserve_of(1, 300 * S, Tokens::units(1)).is_ok());
        assert_eq!(let_in.count(), 300, "nothing of the bucket is still out on lease");
    }

    #[test]
    fn a_cut_gives_nobody_units_and_each_side_the_whole_rate() {
        let meter = Meter::new(0, Some(Ceiling::partition(Rate::per_s(1000))));
        assert_eq!(meter.reserve_of(2, 0, Tokens::units(400)), Ok(Tokens::units(400)));
        let (low, high) = meter.divide();
        assert_eq!((let_in(&low, 0), let_in(&high, 0)), (300, 300));
        assert_eq!((let_in(&low, S), let_in(&high, S)), (1000, 1000));
        // A debt is divided as well.
        low.settle(Tokens::ZERO, Tokens::units(3000));
        let (low, high) = low.divide();
        assert_eq!((let_in(&low, 2 * S), let_in(&high, 2 * S)), (0, 0));
        assert_eq!(let_in(&high, 3 * S), 500);
    }

    #[test]
    fn units_settled_by_another_core_are_neither_lost_nor_made() {
        let meter = meter(100);
        for core in 0..STRIPES {
            assert!(meter.reserve_of(core, 0, Tokens::units(5)).is_ok());
        }
        // All by this thread: 80 were reserved, and 40 taken.
        for _ in 0..STRIPES {
            meter.settle(Tokens::units(5), Tokens::nanos(2_500_000_000));
        }
        meter.hand_in_idle(S);
        let let_in = (0..).take_while(|_| meter.reserve_of(1, S, Tokens::units(1)).is_ok());
        assert_eq!(let_in.count(), 160, "100 at first and 100 since, less 40");
    }
}
