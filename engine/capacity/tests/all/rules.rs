//! The three rules on the same traffic: one hot partition of a table that has enough for all.

use flywheel_capacity::admission::{Ceiling, Demand, Global, Local, Rule, shares};
use flywheel_capacity::operation::{Each, Operation};
use flywheel_capacity::partition::{Partition, PartitionLimits};
use flywheel_capacity::tokens::{Rate, Tokens};

use crate::support::S;

const PARTITIONS: usize = 10;

/// 90 units a second for the first partition, 1 for each of the others, of a table with 200; those refused in each
/// second.
fn refused(rule: Rule, seconds: u64) -> Vec<u64> {
    let table = Rate::per_s(200);
    let limits = PartitionLimits::default();
    let mut demands = [Demand::default(); PARTITIONS];
    let each = |write| Each { read: Rate::ZERO, write };
    let start = shares(rule, table, limits.write, &demands);
    let mut partitions: Vec<Partition> = (0..PARTITIONS)
        .map(|place| Partition::new(0, limits, start.as_ref().map(|shares| each(shares[place]))))
        .collect();
    let mut global = Global::new(0, Ceiling::provisioned(table), 1);
    let mut local = Local::new(0);
    let mut refused = Vec::new();
    for second in 0..seconds {
        let (mut served, mut lost) = ([0; PARTITIONS], [0; PARTITIONS]);
        for tick in 0..99 {
            let now_ns = second * S + tick * S / 99;
            let place = if tick % 11 == 10 { 1 + tick as usize / 11 } else { 0 };
            let one = Tokens::units(1);
            let by_table = rule != Rule::Global
                || local.take(now_ns, one, |ask| global.exchange(now_ns, ask, false)).is_ok();
            if by_table && partitions[place].take(now_ns, Operation::Write, one, false) {
                served[place] += 1;
            } else {
                lost[place] += 1;
            }
        }
        for (demand, (served, lost)) in demands.iter_mut().zip(served.iter().zip(&lost)) {
            *demand = Demand { consumed: Rate::per_s(*served), throttled: Rate::per_s(*lost) };
        }
        if let Some(shares) = shares(rule, table, limits.write, &demands) {
            for (partition, share) in partitions.iter_mut().zip(shares) {
                partition.set_share((second + 1) * S, Some(each(share)));
            }
        }
        refused.push(lost.iter().sum());
    }
    refused
}

#[test]
fn static_shares_throttle_a_hot_partition_for_good() {
    let refused = refused(Rule::Static, 10);
    assert!(refused[2..].iter().all(|count| (69..=71).contains(count)), "{refused:?}");
}

#[test]
fn a_boost_ends_the_throttling_after_a_look() {
    let refused = refused(Rule::Adaptive, 10);
    assert!(refused[0] > 40 && refused[2..].iter().sum::<u64>() == 0, "{refused:?}");
}

#[test]
fn admission_as_a_whole_throttles_nobody() {
    assert_eq!(refused(Rule::Global, 10), [0; 10]);
}
