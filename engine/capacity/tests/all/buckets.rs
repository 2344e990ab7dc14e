//! Buckets never mint units: not by any order of takes, settlements, rates and steps of the clock.

use std::time::Duration;

use flywheel_capacity::bucket::Bucket;
use flywheel_capacity::burst::{BURST, BurstBucket};
use flywheel_capacity::operation::{Each, Operation};
use flywheel_capacity::partition::{Partition, PartitionLimits};
use flywheel_capacity::tokens::{Rate, Tokens};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::{Admitted, S, amount, moved, step_ns};

/// What the largest of these exceeds a bucket of this size by.
fn excess(amounts: impl Iterator<Item = Tokens>, capacity: Tokens) -> Tokens {
    (amounts.max().unwrap_or_default() - capacity).max(Tokens::ZERO)
}

fn rate() -> impl Strategy<Value = Rate> {
    prop_oneof![(0..200u64).prop_map(Rate::per_s), (0..50_000u64).prop_map(Rate::milli_per_s)]
}

#[derive(Debug, Clone)]
enum Act {
    Take(Tokens),
    /// Reserve the first and settle with the second.
    Work(Tokens, Tokens),
    Change(Rate, Tokens),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => amount().prop_map(Act::Take),
        2 => (amount(), amount()).prop_map(|(reserved, taken)| Act::Work(reserved, taken)),
        1 => (rate(), amount()).prop_map(|(rate, capacity)| Act::Change(rate, capacity)),
    ]
}

proptest! {
    #[test]
    fn no_window_of_a_bucket_has_more_than_its_rate_and_what_it_holds(
        rate in rate(),
        capacity in amount(),
        steps in vec((step_ns(), amount()), 1..120),
    ) {
        let mut now_ns = 1000 * S;
        let mut bucket = Bucket::full(now_ns, rate, capacity);
        let mut admitted = Admitted::default();
        for (step, amount) in &steps {
            now_ns = moved(now_ns, *step);
            let is_admitted = bucket.take(now_ns, *amount);
            admitted.note(now_ns, *amount, is_admitted);
        }
        let excess = excess(steps.iter().map(|(_, amount)| *amount), bucket.capacity());
        admitted.check_windows(rate, bucket.capacity() + excess);
    }

    #[test]
    fn what_was_taken_is_never_more_than_what_came(steps in vec((step_ns(), act()), 1..200)) {
        let mut now_ns = 1000 * S;
        let mut latest_ns = now_ns;
        let mut rate = Rate::per_s(10);
        let mut bucket = Bucket::full(now_ns, rate, Tokens::units(20));
        // All that ever came, at most, and all that was taken.
        let (mut came, mut taken) = (bucket.level(), Tokens::ZERO);
        for (step, act) in steps {
            now_ns = moved(now_ns, step);
            came += rate.within_us(now_ns.saturating_sub(latest_ns).div_ceil(1000));
            latest_ns = latest_ns.max(now_ns);
            match act {
                Act::Take(amount) => {
                    if bucket.take(now_ns, amount) {
                        taken += amount;
                    }
                }
                Act::Work(reserved, used) => {
                    if bucket.take(now_ns, reserved) {
                        bucket.settle(reserved, used);
                        taken += used;
                    }
                }
                Act::Change(new, capacity) => {
                    bucket.change(now_ns, new, capacity);
                    rate = new;
                }
            }
            prop_assert!(taken + bucket.level() <= came, "{taken:?} of {came:?}, {bucket:?}");
            prop_assert!(bucket.level() <= bucket.capacity());
        }
    }

    #[test]
    fn the_time_until_an_amount_is_exact(
        rate in (1..100_000u64).prop_map(Rate::milli_per_s),
        capacity in (1..100u64).prop_map(Tokens::units),
        debt in amount(),
        amount in amount(),
    ) {
        let mut bucket = Bucket::full(0, rate, capacity);
        bucket.charge(debt);
        let at_ns = bucket.time_until_ns(0, amount).expect("there is a rate");
        if at_ns > 0 {
            prop_assert!(!bucket.clone().take(at_ns - 1, amount));
        }
        prop_assert!(bucket.take(at_ns, amount));
    }

    #[test]
    fn no_window_of_a_burst_has_more_than_its_rate_and_300_s(
        rate in rate(),
        steps in vec((step_ns(), amount(), any::<bool>()), 1..120),
    ) {
        let mut now_ns = 1000 * S;
        let mut bucket = BurstBucket::new(now_ns, rate, BURST);
        let mut admitted = Admitted::default();
        for (step, amount, has_headroom) in &steps {
            now_ns = moved(now_ns, *step);
            let is_admitted = bucket.take(now_ns, *amount, *has_headroom);
            admitted.note(now_ns, *amount, is_admitted);
            prop_assert!(bucket.level() <= bucket.capacity());
        }
        prop_assert_eq!(bucket.capacity(), rate.within(Duration::from_secs(300)));
        let second = rate.within(Duration::from_secs(1));
        let excess = excess(steps.iter().map(|(_, amount, _)| *amount), second);
        admitted.check_windows(rate, bucket.capacity() + excess);
    }

    #[test]
    fn without_headroom_no_window_has_more_than_its_rate_and_a_second(
        rate in rate(),
        steps in vec((step_ns(), amount()), 1..120),
    ) {
        let mut now_ns = 1000 * S;
        let mut bucket = BurstBucket::new(now_ns, rate, BURST);
        let mut admitted = Admitted::default();
        for (step, amount) in &steps {
            now_ns = moved(now_ns, *step);
            let is_admitted = bucket.take(now_ns, *amount, false);
            admitted.note(now_ns, *amount, is_admitted);
        }
        let second = rate.within(Duration::from_secs(1));
        let excess = excess(steps.iter().map(|(_, amount)| *amount), second);
        admitted.check_windows(rate, second + excess);
    }

    #[test]
    fn no_window_of_a_partition_has_more_than_its_ceiling_nor_its_share(
        ceiling in (1..100u64).prop_map(Rate::per_s),
        share in (1..100u64).prop_map(Rate::per_s),
        steps in vec((step_ns(), amount(), any::<bool>(), any::<bool>()), 1..120),
    ) {
        let limits = PartitionLimits { read: ceiling, write: ceiling, ..Default::default() };
        let mut now_ns = 1000 * S;
        let mut partition =
            Partition::new(now_ns, limits, Some(Each { read: share, write: share }));
        let mut admitted = Each { read: Admitted::default(), write: Admitted::default() };
        for (step, amount, is_read, has_headroom) in &steps {
            now_ns = moved(now_ns, *step);
            let operation = if *is_read { Operation::Read } else { Operation::Write };
            let is_admitted = partition.take(now_ns, operation, *amount, *has_headroom);
            admitted.of_mut(operation).note(now_ns, *amount, is_admitted);
        }
        let second = |rate: Rate| rate.within(Duration::from_secs(1));
        let beyond = |rate| excess(steps.iter().map(|(_, amount, ..)| *amount), second(rate));
        for admitted in [&admitted.read, &admitted.write] {
            admitted.check_windows(ceiling, second(ceiling) + beyond(ceiling));
            admitted.check_windows(share, share.within(BURST) + beyond(share));
        }
    }
}
