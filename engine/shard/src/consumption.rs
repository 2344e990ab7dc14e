//! What one partition has served and refused, in units, and its hottest keys: for all cores to count in. Who lets
//! requests in says what they take: the shards know no units. Not the table's capacity, nor requests a second.
//!
//! It stands beside the partition in the route map, so it is found by a key, stays where it is when the partition
//! moves, and is divided when that is cut.

use std::cell::Cell;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use flywheel_capacity::admission::{Ceiling, Limit};
use flywheel_capacity::hot_keys::HotKeys;
use flywheel_capacity::operation::{Each, Operation};
use flywheel_capacity::partition::PartitionLimits;
use flywheel_capacity::split::Sample;
use flywheel_capacity::tokens::Tokens;

use crate::limits::MAX_HOT_KEYS;
use crate::meter::Meter;

const SECOND_NS: u64 = 1_000_000_000;

/// Hot keys are told of the current period and the one before.
const PERIOD_NS: u64 = 60 * SECOND_NS;

/// Requests of a core that come more slowly than this are noted one by one for [`Consumption::hot_keys`]...
const UNHURRIED_NS: u64 = 10_000_000;

/// ...others one in so many, for all of these.
const SAMPLE_EVERY: u32 = 16;

/// Of one partition.
#[derive(Debug)]
pub struct Consumption {
    meters: Each<Meter>,
    /// Billionths of read units that were taken for no one key.
    unnamed: AtomicI64,
    hot: Mutex<Periods>,
}

#[derive(Debug)]
struct Periods {
    /// 0 before the first is noted.
    start_ns: u64,
    current: HotKeys,
    /// That of before, and when it began.
    last: Option<(u64, HotKeys)>,
    /// Keys that were noted, each with the share of a partition's limits that it stands for.
    sample: Sample<Bytes>,
}

/// Units a partition was asked for since it was made, for keys that a cut could part: scans are not of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked {
    /// That it served.
    pub served: Each<Tokens>,
    /// That its ceiling refused.
    pub refused: Each<Tokens>,
}

impl Consumption {
    /// Of a new partition. Without limits nobody is refused.
    pub(crate) fn new(limits: Option<PartitionLimits>) -> Self {
        // Time begins with the first request: the shards' clocks are not those of who counts here.
        let meter = |rate| Meter::new(0, Some(Ceiling::partition(rate)));
        Self::of(match limits {
            Some(limits) => limits.rates().map(meter),
            None => Each { read: Meter::new(0, None), write: Meter::new(0, None) },
        })
    }

    fn of(meters: Each<Meter>) -> Self {
        let (current, sample) = (HotKeys::new(MAX_HOT_KEYS), Sample::default());
        let periods = Periods { start_ns: 0, current, last: None, sample };
        Self { meters, unnamed: AtomicI64::new(0), hot: Mutex::new(periods) }
    }

    /// Those of the two sides of a cut. Both begin to count anew.
    pub(crate) fn divide(&self) -> (Self, Self) {
        let (read, read_rest) = self.meters.read.divide();
        let (write, write_rest) = self.meters.write.divide();
        (Self::of(Each { read, write }), Self::of(Each { read: read_rest, write: write_rest }))
    }

    /// Takes units of its ceiling; how much that was, which is nothing where nothing limits it. To be settled once it
    /// is known what the request took. `key` is what the request is for, if that is one key.
    ///
    /// # Errors
    /// The limit that refuses. Nothing is taken then.
    pub fn reserve(
        &self,
        operation: Operation,
        key: Option<&[u8]>,
        now_ns: impl Fn() -> u64,
        amount: Tokens,
    ) -> Result<Tokens, Limit> {
        let reserved = self.meters.of(operation).reserve(&now_ns, amount);
        if let (Err(_), Some(key)) = (&reserved, key) {
            // Who refuses much should not wait for others who do: then a few are missed.
            if let Ok(mut periods) = self.hot.try_lock() {
                let now_ns = now_ns();
                periods.turn(now_ns);
                periods.current.note_throttled(now_ns / SECOND_NS, operation, key, amount);
            }
        }
        reserved
    }

    /// Gives back or charges the difference between what was reserved and what was taken, and counts that.
    pub fn settle(
        &self,
        operation: Operation,
        key: Option<&[u8]>,
        now_ns: impl Fn() -> u64,
        (reserved, taken): (Tokens, Tokens),
    ) {
        self.meters.of(operation).settle(reserved, taken);
        if key.is_none() && operation == Operation::Read {
            self.unnamed.fetch_add(taken.as_nanos(), Ordering::Relaxed);
        }
        if let Some(key) = key.filter(|_| taken > Tokens::ZERO)
            && let Some((stands_for, now_ns)) = sampled(now_ns)
        {
            let units = Tokens::nanos(taken.as_nanos().saturating_mul(stands_for));
            let mut periods = self.periods(now_ns);
            periods.current.note_accessed(now_ns / SECOND_NS, operation, key, units);
            let weight = match operation {
                Operation::Read => units,
                // A partition serves three times as many of the others.
                Operation::Write => units + units + units,
            };
            periods.sample.note(Bytes::copy_from_slice(key), weight);
        }
    }

    /// What it was asked for.
    #[must_use]
    pub fn asked(&self) -> Asked {
        let of = |what: fn(&Meter) -> Tokens| Each {
            read: what(&self.meters.read),
            write: what(&self.meters.write),
        };
        let mut served = of(Meter::taken);
        served.read -= Tokens::nanos(self.unnamed.load(Ordering::Relaxed));
        Asked { served, refused: of(Meter::refused) }
    }

    /// The hottest keys of the last one to two minutes, and how many nanoseconds these are.
    #[must_use]
    pub fn hot_keys(&self, now_ns: u64) -> (HotKeys, u64) {
        let (mut keys, mut start_ns, last) = {
            let periods = self.periods(now_ns);
            (periods.current.clone(), periods.start_ns, periods.last.clone())
        };
        if let Some((last_ns, last)) = last {
            keys.merge(&last);
            start_ns = last_ns;
        }
        (keys, now_ns.saturating_sub(start_ns))
    }

    /// Has cores that went quiet hand in what is left of their leases. For every second or so.
    pub fn hand_in_idle(&self, now_ns: u64) {
        self.meters.read.hand_in_idle(now_ns);
        self.meters.write.hand_in_idle(now_ns);
    }

    /// Keys that took units, by their weight, once there are enough to tell anything; it begins anew then.
    pub(crate) fn take_sample(&self) -> Option<Sample<Bytes>> {
        let sample = &mut self.hot.lock().unwrap_or_else(PoisonError::into_inner).sample;
        sample.is_known().then(|| std::mem::take(sample))
    }

    fn periods(&self, now_ns: u64) -> MutexGuard<'_, Periods> {
        // Nothing panics between two halves of a change.
        let mut periods = self.hot.lock().unwrap_or_else(PoisonError::into_inner);
        periods.turn(now_ns);
        periods
    }
}

impl Periods {
    /// Begins a new period if one is over.
    fn turn(&mut self, now_ns: u64) {
        if self.start_ns == 0 {
            self.start_ns = now_ns;
        }
        let elapsed_ns = now_ns.saturating_sub(self.start_ns);
        if elapsed_ns >= PERIOD_NS {
            let ended = std::mem::replace(&mut self.current, HotKeys::new(MAX_HOT_KEYS));
            // Nothing is told of a time that is long over.
            self.last = (elapsed_ns < 2 * PERIOD_NS).then_some((self.start_ns, ended));
            self.start_ns = now_ns;
        }
    }
}

/// Whether this core notes its request: for how many it stands, and when it is. By chance: what comes by turns is not
/// to be missed by turns.
fn sampled(now_ns: impl Fn() -> u64) -> Option<(i64, u64)> {
    #[derive(Clone, Copy)]
    struct Sampling {
        /// Requests until one is noted.
        left: u32,
        stands_for: u32,
        noted_ns: u64,
        /// State of a small random generator (xorshift).
        random: u32,
    }
    thread_local! {
        static SAMPLING: Cell<Sampling> = const {
            Cell::new(Sampling { left: 1, stands_for: 1, noted_ns: 0, random: 0x9e37_79b9 })
        };
    }
    let mut sampling = SAMPLING.get();
    sampling.left -= 1;
    if sampling.left > 0 {
        SAMPLING.set(sampling);
        return None;
    }
    let (now_ns, stands_for) = (now_ns(), sampling.stands_for);
    let is_hurried = now_ns.saturating_sub(sampling.noted_ns) < UNHURRIED_NS;
    (sampling.left, sampling.stands_for) = if is_hurried {
        sampling.random ^= sampling.random << 13;
        sampling.random ^= sampling.random >> 17;
        sampling.random ^= sampling.random << 5;
        // As many on average as it stands for.
        (1 + sampling.random % (2 * SAMPLE_EVERY - 1), SAMPLE_EVERY)
    } else {
        (1, 1)
    };
    sampling.noted_ns = now_ns;
    SAMPLING.set(sampling);
    Some((i64::from(stands_for), now_ns))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Operation::{Read, Write};
    use flywheel_capacity::tokens::Rate;

    fn units(units: u64) -> Tokens {
        Tokens::units(units)
    }

    fn limited() -> Consumption {
        let limits = PartitionLimits { write: Rate::per_s(10), ..PartitionLimits::default() };
        Consumption::new(Some(limits))
    }

    fn let_in(of: &Consumption, now_ns: u64) -> usize {
        (0..).take_while(|_| of.reserve(Write, Some(b"k"), || now_ns, units(1)).is_ok()).count()
    }

    #[test]
    fn its_ceiling_refuses_and_what_was_refused_counts() {
        let partition = limited();
        assert_eq!(let_in(&partition, 0), 10);
        let refused = partition.reserve(Write, Some(b"k"), || 0, units(2));
        assert_eq!(refused, Err(Limit::KeyRangeThroughput));
        partition.settle(Write, Some(b"k"), || 0, (units(10), units(12)));
        let asked = partition.asked();
        assert_eq!((asked.served.write, asked.refused.write), (units(12), units(3)));
        assert_eq!(let_in(&partition, SECOND_NS), 8, "two were taken too much");
        let (keys, _) = partition.hot_keys(SECOND_NS);
        let refused = keys.throttled(Write).hottest(1).next().expect("one").clone();
        assert_eq!((&refused.key[..], refused.since_second), (&b"k"[..], 0));
    }

    #[test]
    fn both_sides_of_a_cut_have_half_of_what_was_left_and_then_the_whole_rate() {
        let partition = limited();
        assert!(partition.reserve(Write, Some(b"k"), || 0, units(4)).is_ok());
        let (lower, upper) = partition.divide();
        assert_eq!((let_in(&lower, 0), let_in(&upper, 0)), (3, 3));
        assert_eq!((let_in(&lower, SECOND_NS), let_in(&upper, SECOND_NS)), (10, 10));
        assert_eq!(lower.asked().served, Each::default(), "it counts anew");
        assert_eq!(let_in(&partition, 0), 0, "nothing is left in the whole");
    }

    #[test]
    fn hot_keys_are_of_two_periods_and_no_more() {
        let partition = Consumption::new(None);
        let read = |key: &[u8], now_ns: u64| {
            partition.settle(Read, Some(key), || now_ns, (Tokens::ZERO, units(5)));
        };
        let hottest = |now_ns: u64| {
            let (keys, _) = partition.hot_keys(now_ns);
            let hottest = keys.accessed(Read).hottest(9);
            hottest.map(|one| (one.key.clone(), one.units)).collect::<Vec<_>>()
        };
        (1..4).for_each(|second| read(b"a", second * SECOND_NS));
        assert_eq!(hottest(30 * SECOND_NS), [(b"a".to_vec(), units(15))]);
        assert_eq!(partition.hot_keys(30 * SECOND_NS).1, 29 * SECOND_NS, "since the first");
        read(b"b", 70 * SECOND_NS);
        assert_eq!(hottest(70 * SECOND_NS).len(), 2, "the period before is told too");
        read(b"c", 131 * SECOND_NS);
        assert_eq!(hottest(131 * SECOND_NS).len(), 2, "but none before that");
        assert!(hottest(1000 * SECOND_NS).is_empty());
    }

    #[test]
    fn many_requests_are_sampled_for_all_of_them() {
        let partition = Consumption::new(None);
        (0..16_064)
            .for_each(|_| partition.settle(Write, Some(b"k"), || 0, (Tokens::ZERO, units(2))));
        let (keys, _) = partition.hot_keys(0);
        let told = keys.accessed(Write).all().as_f64();
        assert!((told - 32_128.0).abs() <= 5000.0, "{told}");
        assert_eq!(partition.asked().served.write, units(32_128), "counted, not sampled");
    }
}
