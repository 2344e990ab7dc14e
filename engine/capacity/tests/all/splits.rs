//! Cutting conserves: units, shares, items; and no traffic makes it go on for ever.

use flywheel_capacity::operation::{Each, Operation};
use flywheel_capacity::partition::{Partition, PartitionLimits};
use flywheel_capacity::split::{Cut, Decision, Median, Sample, SplitRules, decide};
use flywheel_capacity::tokens::{Rate, Tokens};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::{S, amount};

fn sample_of(keys: &[(u16, Tokens)]) -> Sample<u16> {
    let mut sample = Sample::default();
    keys.iter().for_each(|(key, weight)| sample.note(*key, *weight));
    sample
}

/// The median as the shards have found it so far, which count requests alike: what replaces it must agree.
fn median_of_requests(keys: &[u16], most_lopsided: f64) -> Median<u16> {
    let (older, newer) = keys.split_at(keys.len() / 2);
    let mut older = older.to_vec();
    older.sort_unstable();
    let (low, high) = (older[older.len() / 10], older[older.len() * 9 / 10]);
    let above = newer.iter().filter(|key| **key > high).count() as f64 / newer.len() as f64;
    let below = newer.iter().filter(|key| **key < low).count() as f64 / newer.len() as f64;
    if above.max(below) > 0.6 {
        return Median::Front;
    }
    let mut sorted = keys.to_vec();
    sorted.sort_unstable();
    let median = sorted[sorted.len() / 2];
    let behind = sorted.partition_point(|key| *key <= median).min(sorted.len() - 1);
    let of = |at: u16| {
        let lower = sorted.partition_point(|key| *key < at);
        let share = lower as f64 / sorted.len() as f64;
        (share.max(1.0 - share), at, lower)
    };
    let (one, other) = (of(median), of(sorted[behind]));
    let (share, at, lower) = if other.0 < one.0 { other } else { one };
    let one = Tokens::PER_UNIT as u64;
    let (lower, upper) = (lower as u64 * one, (sorted.len() - lower) as u64 * one);
    if share > most_lopsided { Median::Lopsided } else { Median::Cut(Cut { at, lower, upper }) }
}

proptest! {
    #[test]
    fn of_requests_that_weigh_alike_the_median_is_what_it_was(
        spread in 1..=u16::MAX,
        hot in any::<u16>(),
        hot_of_ten in 0..=10usize,
        drift in prop_oneof![Just(0u16), 0..200u16],
        keys in vec(any::<u16>(), 300),
        most_lopsided in 0.5..1.0f64,
    ) {
        let key = |(place, key): (usize, &u16)| {
            let key = if place % 10 < hot_of_ten { hot } else { *key };
            (key % spread).saturating_add(place as u16 * drift)
        };
        let keys: Vec<u16> = keys.iter().enumerate().map(key).collect();
        let noted: Vec<_> = keys.iter().map(|key| (*key, Tokens::units(1))).collect();
        let expected = median_of_requests(&keys[300 - 256..], most_lopsided);
        prop_assert_eq!(sample_of(&noted).median(|key| key, most_lopsided), expected);
    }

    #[test]
    fn a_cut_keeps_every_unit(
        share in (0..100_000u64).prop_map(Rate::milli_per_s),
        takes in vec((0..100u64, amount()), 0..20),
        denominator in 1..1000u64,
        part in 0..1000u64,
        cuts in 1..5usize,
    ) {
        let mut now_ns = S;
        let both = Each { read: share, write: share };
        let mut whole = Partition::new(now_ns, PartitionLimits::default(), Some(both));
        for (seconds, amount) in takes {
            now_ns += seconds * S;
            whole.take(now_ns, Operation::Write, amount, true);
        }
        let mut parts = vec![whole.clone().split(now_ns, 0, 1).1];
        for _ in 0..cuts {
            let last = parts.pop().expect("one");
            let (lower, upper) = last.split(now_ns, part % (denominator + 1), denominator);
            parts.extend([lower, upper]);
        }
        whole = whole.split(now_ns, 0, 1).1;
        for operation in [Operation::Read, Operation::Write] {
            let left = |partition: &Partition| partition.left(operation);
            let shares: Tokens = parts.iter().map(|part| left(part).1.expect("a share")).sum();
            prop_assert_eq!(shares, left(&whole).1.expect("a share"));
            let ceilings: Tokens = parts.iter().map(|part| left(part).0).sum();
            prop_assert_eq!(ceilings, left(&whole).0);
            let rates = parts.iter().map(|part| *part.share().expect("a share").of(operation));
            prop_assert_eq!(rates.fold(Rate::ZERO, Rate::plus), share);
        }
    }

    #[test]
    fn a_cut_keeps_every_item(lower in 0..1u64 << 62, upper in 0..1u64 << 62, items: u64) {
        let (below, above) = Cut { at: (), lower, upper }.divide(items);
        prop_assert_eq!(below.checked_add(above), Some(items));
    }

    #[test]
    fn the_median_divides_the_sample_within_its_bound(
        keys in vec((any::<u16>(), amount()), 256),
        most_lopsided in 0.5..1.0f64,
    ) {
        let weight = |keys: &mut dyn Iterator<Item = &(u16, Tokens)>| {
            keys.map(|(_, weight)| weight.as_nanos().max(1) as u64).sum::<u64>()
        };
        if let Median::Cut(cut) = sample_of(&keys).median(|key| key, most_lopsided) {
            prop_assert_eq!(cut.lower, weight(&mut keys.iter().filter(|(key, _)| *key < cut.at)));
            prop_assert_eq!(cut.upper, weight(&mut keys.iter().filter(|(key, _)| *key >= cut.at)));
            prop_assert!(cut.busier_share() <= most_lopsided);
        }
    }

    #[test]
    fn decisions_lie_inside_the_partition_and_come_to_an_end(
        keys in vec((any::<u16>(), amount()), 256),
        hot in any::<u16>(),
        hot_of_ten in 0..=10usize,
    ) {
        let mut keys = keys;
        for (place, (key, _)) in keys.iter_mut().enumerate() {
            if place % 10 < hot_of_ten {
                *key = hot & 0xff00 | *key & 0xff;
            }
        }
        let rules = SplitRules::default();
        let first = |key: &u16| key & 0xff00;
        let behind = |key: &u16| first(key).checked_add(0x100);
        let (mut start, mut end) = (0, None);
        for _ in 0..20 {
            let inside = |key: u16| key >= start && end.is_none_or(|end| key < end);
            let own: Vec<_> = keys.iter().copied().filter(|(key, _)| inside(*key)).collect();
            if own.is_empty() {
                return Ok(());
            }
            let again: Vec<_> = own.iter().copied().cycle().take(256).collect();
            let collection = |key: &u16| (first(key), behind(key));
            let range = (&start, end.as_ref());
            match decide(&sample_of(&again), range, |key| first(&key), collection, &rules) {
                Decision::Stay(_) => return Ok(()),
                Decision::Cut(cut) => {
                    prop_assert!(inside(cut.at) && cut.at > start);
                    (start, end) =
                        if cut.lower > cut.upper { (start, Some(cut.at)) } else { (cut.at, end) };
                }
                Decision::Isolate { from, to, .. } => {
                    prop_assert!(from.into_iter().chain(to).all(|key| inside(key) && key > start));
                    prop_assert!(from.or(to).is_some());
                    (start, end) = (from.unwrap_or(start), to.or(end));
                }
            }
        }
        prop_assert!(false, "still cutting after 20 cuts, at {start} to {end:?}");
    }
}
