//! The promises of space-saving, on any stream: what is told is at least the truth and at most an error more, no
//! error is above a `k`th of all, and nothing above that is left out. The same of merged summaries.

use std::collections::BTreeMap;

use flywheel_capacity::hot_keys::Summary;
use flywheel_capacity::tokens::Tokens;
use proptest::collection::vec;
use proptest::prelude::*;

type Stream = Vec<(u8, u16)>;

/// Few keys among many, or all alike.
fn stream() -> impl Strategy<Value = Stream> {
    let skewed = prop_oneof![2 => 0..4u8, 1 => any::<u8>()];
    prop_oneof![vec((skewed, 0..50u16), 0..400), vec((any::<u8>(), 1..2u16), 0..400)]
}

fn summary_of(keys: usize, stream: &Stream) -> Summary {
    let mut summary = Summary::new(keys);
    for (second, (key, units)) in stream.iter().enumerate() {
        summary.note(second as u64, &[*key; 20], Tokens::units(u64::from(*units)));
    }
    summary
}

fn check(summary: &Summary, keys: usize, streams: &[&Stream]) {
    let mut truth: BTreeMap<Vec<u8>, Tokens> = BTreeMap::new();
    for (key, units) in streams.iter().copied().flatten() {
        *truth.entry(vec![*key; 20]).or_default() += Tokens::units(u64::from(*units));
    }
    let all: Tokens = truth.values().copied().sum();
    assert_eq!(summary.all(), all);
    // Rounded down: errors are whole units.
    let most_error = all.part(1, keys as u64);
    let told: BTreeMap<_, _> = summary.hottest(keys).map(|one| (one.key.clone(), one)).collect();
    assert!(told.len() <= keys);
    for (key, one) in &told {
        let true_units = truth.get(key).copied().unwrap_or_default();
        assert!(true_units <= one.units, "{one:?}, in truth {true_units:?}");
        assert!(one.units - one.error <= true_units, "{one:?}, in truth {true_units:?}");
        assert!(one.error <= most_error, "{one:?}, where {most_error:?} is the most");
    }
    for (key, units) in truth {
        if !told.contains_key(&key) {
            assert!(units <= most_error, "{key:?} with {units:?} is left out");
            assert!(units <= summary.uncounted());
        }
    }
}

proptest! {
    #[test]
    fn a_summary_keeps_its_promises(keys in 1..40usize, stream in stream()) {
        check(&summary_of(keys, &stream), keys, &[&stream]);
    }

    #[test]
    fn merged_summaries_keep_them_too(keys in 1..40usize, streams in vec(stream(), 2..5)) {
        let mut summaries = streams.iter().map(|stream| summary_of(keys, stream));
        let mut merged = summaries.next().expect("two or more");
        summaries.for_each(|other| merged.merge(&other));
        check(&merged, keys, &streams.iter().collect::<Vec<_>>());
    }

    #[test]
    fn the_hottest_come_first(keys in 1..40usize, stream in stream()) {
        let summary = summary_of(keys, &stream);
        let units: Vec<Tokens> = summary.hottest(keys).map(|one| one.units).collect();
        prop_assert!(units.is_sorted_by(|left, right| left >= right));
    }
}

#[test]
fn of_scrambled_zipfian_keys_the_hottest_are_found() {
    // Weights of 1/n, as YCSB's, in an order that has nothing to do with them.
    let mut stream: Vec<(u32, u64)> = Vec::new();
    for key in 0..1000u32 {
        stream.extend(std::iter::repeat_n((key, 1), 2000 / (key as usize + 1)));
    }
    let count = stream.len() as u64;
    let scrambled = (0..count).map(|n| stream[(n * 7919 % count) as usize]);
    let mut summary = Summary::new(64);
    scrambled.for_each(|(key, units)| summary.note(0, &key.to_be_bytes(), Tokens::units(units)));
    let found: Vec<u32> = summary
        .hottest(5)
        .map(|one| u32::from_be_bytes(one.key[..].try_into().expect("four bytes")))
        .collect();
    assert_eq!(found, [0, 1, 2, 3, 4]);
}
