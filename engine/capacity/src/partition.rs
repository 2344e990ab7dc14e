//! What one partition may serve: its own ceiling, and its share where a table's capacity is divided. Not the
//! table's capacity as a whole: see `admission`.
//!
//! The ceiling is there for the node's sake and holds for a single item that stands alone as well. It keeps a
//! second's units and is not exceeded by bursts; these are of the share, what of it was unused for up to 300 s.
//! Cutting a partition divides what is in its buckets, so that a cut gives nobody units; from then on each side
//! has a whole ceiling of its own.
//!
//! Source: developer guide, "Partitions and data distribution", "DynamoDB burst and adaptive capacity".

use std::time::Duration;

use crate::bucket::Bucket;
use crate::burst::{BURST, BurstBucket, STEADY};
use crate::operation::{Each, Operation};
use crate::tokens::{Rate, Tokens};

/// What a partition may serve, in units a second. DynamoDB's by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionLimits {
    /// Read units a second.
    pub read: Rate,
    /// Write units a second.
    pub write: Rate,
    /// How long unused units of its share are kept.
    pub burst: Duration,
}

impl Default for PartitionLimits {
    fn default() -> Self {
        Self { read: Rate::per_s(3000), write: Rate::per_s(1000), burst: BURST }
    }
}

impl PartitionLimits {
    /// The rates.
    #[must_use]
    pub fn rates(&self) -> Each<Rate> {
        Each { read: self.read, write: self.write }
    }
}

/// One partition's buckets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    limits: PartitionLimits,
    arms: Each<Arm>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Arm {
    ceiling: Bucket,
    /// `None` where the table admits as a whole.
    share: Option<BurstBucket>,
}

impl Partition {
    /// A partition that has a second's units. `share` is its part of the table's capacity, if that is divided.
    #[must_use]
    pub fn new(now_ns: u64, limits: PartitionLimits, share: Option<Each<Rate>>) -> Self {
        let arms = limits.rates().map(|rate| Arm {
            ceiling: Bucket::full(now_ns, rate, rate.within(STEADY)),
            share: None,
        });
        let mut partition = Self { limits, arms };
        partition.set_share(now_ns, share);
        partition
    }

    /// Takes units of both the ceiling and the share, or of neither. `has_headroom` is whether the node can bear
    /// a burst now. Whichever refuses, the reason is the partition's.
    pub fn take(
        &mut self,
        now_ns: u64,
        operation: Operation,
        amount: Tokens,
        has_headroom: bool,
    ) -> bool {
        let Arm { ceiling, share } = self.arms.of_mut(operation);
        ceiling.refill(now_ns);
        if !ceiling.has(amount) {
            return false;
        }
        if let Some(share) = share
            && !share.take(now_ns, amount, has_headroom)
        {
            return false;
        }
        ceiling.charge(amount);
        true
    }

    /// Gives back or charges the difference between what was reserved and what it took.
    pub fn settle(&mut self, operation: Operation, reserved: Tokens, taken: Tokens) {
        let Arm { ceiling, share } = self.arms.of_mut(operation);
        ceiling.settle(reserved, taken);
        if let Some(share) = share {
            share.settle(reserved, taken);
        }
    }

    /// Nanoseconds until [`Partition::take`] lets an amount in if nobody takes before; `None` for never.
    #[must_use]
    pub fn time_until_ns(
        &self,
        now_ns: u64,
        operation: Operation,
        amount: Tokens,
        has_headroom: bool,
    ) -> Option<u64> {
        let Arm { ceiling, share } = self.arms.of(operation);
        let until_ns = ceiling.time_until_ns(now_ns, amount)?;
        match share {
            Some(share) => Some(until_ns.max(share.time_until_ns(now_ns, amount, has_headroom)?)),
            None => Some(until_ns),
        }
    }

    /// Sets its share of the table's capacity from now on, or that there is none. What was saved stays, as far as
    /// it fits.
    pub fn set_share(&mut self, now_ns: u64, share: Option<Each<Rate>>) {
        for operation in [Operation::Read, Operation::Write] {
            let arm = self.arms.of_mut(operation);
            let rate = share.map(|share| *share.of(operation));
            match (&mut arm.share, rate) {
                (Some(bucket), Some(rate)) => bucket.change(now_ns, rate, self.limits.burst),
                (bucket, rate) => {
                    *bucket = rate.map(|rate| BurstBucket::new(now_ns, rate, self.limits.burst));
                }
            }
        }
    }

    /// Its share of the table's capacity now.
    #[must_use]
    pub fn share(&self) -> Option<Each<Rate>> {
        let Each { read: Arm { share: read, .. }, write: Arm { share: write, .. } } = self.arms;
        Some(Each { read: read?.rate(), write: write?.rate() })
    }

    /// All units of one kind that are left in its ceiling, and in its share.
    #[must_use]
    pub fn left(&self, operation: Operation) -> (Tokens, Option<Tokens>) {
        let arm = self.arms.of(operation);
        (arm.ceiling.level(), arm.share.map(|share| share.level()))
    }

    /// The two partitions that it is cut into: the lower has `numerator` of `denominator` of all that is left and
    /// of the share, the upper the rest, to the last billionth.
    #[must_use]
    pub fn split(self, now_ns: u64, numerator: u64, denominator: u64) -> (Self, Self) {
        let limits = self.limits;
        let cut = |operation| {
            let arm = self.arms.of(operation);
            let rate = *limits.rates().of(operation);
            let whole = rate.within(STEADY);
            let (mut low, mut high) = arm.ceiling.split(now_ns, numerator, denominator);
            low.change(now_ns, rate, whole);
            high.change(now_ns, rate, whole);
            let shares = arm.share.map(|share| share.split(now_ns, numerator, denominator));
            (
                Arm { ceiling: low, share: shares.map(|(low, _)| low) },
                Arm { ceiling: high, share: shares.map(|(_, high)| high) },
            )
        };
        let ((read, read_rest), (write, write_rest)) =
            (cut(Operation::Read), cut(Operation::Write));
        let lower = Self { limits, arms: Each { read, write } };
        let upper = Self { limits, arms: Each { read: read_rest, write: write_rest } };
        (lower, upper)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Operation::{Read, Write};

    const S: u64 = 1_000_000_000;

    fn units(units: u64) -> Tokens {
        Tokens::units(units)
    }

    fn share(read: u64, write: u64) -> Option<Each<Rate>> {
        Some(Each { read: Rate::per_s(read), write: Rate::per_s(write) })
    }

    #[test]
    fn its_ceiling_holds_for_reads_and_writes_apart() {
        let mut partition = Partition::new(0, PartitionLimits::default(), None);
        assert!(partition.take(0, Read, units(3000), true));
        assert!(!partition.take(0, Read, units(1), true));
        assert!(partition.take(0, Write, units(1000), true));
        assert!(!partition.take(0, Write, units(1), true));
        assert!(partition.take(S, Read, units(3000), true));
        assert_eq!(partition.time_until_ns(S, Write, units(500), true), Some(0));
        assert_eq!(partition.time_until_ns(S, Read, units(1), true), Some(334_000));
    }

    #[test]
    fn a_burst_uses_what_its_share_left_over_and_no_more_than_its_ceiling() {
        let mut partition = Partition::new(0, PartitionLimits::default(), share(100, 100));
        assert!(partition.take(300 * S, Write, units(100), false));
        assert!(!partition.take(300 * S, Write, units(1), false), "without headroom");
        assert!(partition.take(300 * S, Write, units(900), true));
        assert!(!partition.take(300 * S, Write, units(1), true), "its ceiling");
        for second in 301..329 {
            assert!(partition.take(second * S, Write, units(1000), true), "{second}");
        }
        // 30,000 were saved and 2,800 came since.
        let (_, left) = partition.left(Write);
        assert_eq!(left, Some(units(30_000 + 2800 - 29_000)));
    }

    #[test]
    fn what_the_share_refuses_the_ceiling_keeps() {
        let mut partition = Partition::new(0, PartitionLimits::default(), share(10, 10));
        let before = partition.left(Write).0;
        assert!(partition.take(0, Write, units(10), false));
        assert!(!partition.take(0, Write, units(1), false));
        assert_eq!(partition.left(Write).0, before - units(10));
        partition.settle(Write, units(10), units(4));
        assert_eq!(partition.left(Write), (before - units(4), Some(units(6))));
    }

    #[test]
    fn a_cut_gives_nobody_units() {
        let mut partition = Partition::new(0, PartitionLimits::default(), share(100, 7));
        assert!(partition.take(50 * S, Write, units(333), true));
        let before = partition.left(Write);
        let (lower, upper) = partition.split(50 * S, 1, 3);
        let (low, high) = (lower.left(Write), upper.left(Write));
        assert_eq!(low.0 + high.0, before.0);
        assert_eq!(low.1.zip(high.1).map(|(low, high)| low + high), before.1);
        let (low, high) = (lower.share().expect("a share"), upper.share().expect("a share"));
        assert_eq!(low.write.plus(high.write), Rate::per_s(7));
        assert_eq!(low.read, Rate::milli_per_s(33_333));
        let mut upper = upper;
        assert!(!upper.take(50 * S, Write, units(1000), true));
        assert!(upper.take(55 * S, Read, units(3000), true), "a ceiling of its own");
    }
}
