//! What each generator promises about shape and range. Seeds are fixed, so nothing here is flaky.
//! Exact numbers are in `known_answers`.

use flywheel_load::Workload;
use flywheel_load::generate::{
    Discrete, Exponential, HistogramLengths, Hotspot, Lengths, Sequential, Shifting, SkewedLatest,
    Uniform, Zipfian,
};
use flywheel_load::random::{Random, Stream};
use flywheel_load::workload::KeyChooser;
use flywheel_stats::goodness_of_fit;

use crate::support::{DISTRIBUTIONS, workload};

const DRAWS: usize = 100_000;

fn share(draws: impl Iterator<Item = u64>, counts: impl Fn(u64) -> bool) -> f64 {
    let (mut hits, mut all) = (0u64, 0u64);
    for value in draws {
        hits += u64::from(counts(value));
        all += 1;
    }
    hits as f64 / all as f64
}

fn assert_near(what: &str, measured: f64, expected: f64) {
    assert!((measured - expected).abs() < 0.01, "{what}: {measured} instead of {expected}");
}

#[test]
fn random_doubles_stay_below_one_and_cover_the_range() {
    let mut random = Random::new(1);
    let draws: Vec<f64> = (0..DRAWS).map(|_| random.next_f64()).collect();
    assert!(draws.iter().all(|draw| (0.0..1.0).contains(draw)));
    assert_near("mean", draws.iter().sum::<f64>() / DRAWS as f64, 0.5);
}

#[test]
fn streams_differ_by_seed_client_and_cycle_and_repeat() {
    let first = |seed, client, cycle| Stream::new(seed, client).at(cycle).next_u64();
    assert_eq!(first(1, 2, 3), first(1, 2, 3));
    let mut seen: Vec<u64> = Vec::new();
    for seed in 0..10 {
        for client in 0..10 {
            seen.extend((0..10).map(|cycle| first(seed, client, cycle)));
        }
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 1_000, "every stream and cycle begins elsewhere");
}

#[test]
fn uniform_is_flat_and_includes_both_ends() {
    let uniform = Uniform::new(10, 19);
    let mut random = Random::new(2);
    let mut counts = [0u32; 10];
    for _ in 0..DRAWS {
        counts[usize::try_from(uniform.next(&mut random) - 10).expect("in range")] += 1;
    }
    for (value, count) in counts.into_iter().enumerate() {
        assert_near(&format!("share of {value}"), f64::from(count) / DRAWS as f64, 0.1);
    }
}

#[test]
fn zipfian_over_few_items_may_overshoot_by_one_but_lengths_do_not() {
    let zipfian = Zipfian::new(1, 8);
    let almost_one = 1.0 - f64::EPSILON / 2.0;
    assert!(zipfian.rank(almost_one) <= 9, "one past the maximum at most");
    let lengths = Lengths::zipfian(1, 8);
    let mut random = Random::new(3);
    assert!((0..DRAWS).all(|_| (1..=8).contains(&lengths.next(&mut random))));
}

#[test]
fn latest_favours_the_last_key_and_follows_it() {
    let mut latest = SkewedLatest::new(999);
    let mut random = Random::new(4);
    let newest = share((0..DRAWS).map(|_| latest.next(999, &mut random)), |key| key == 999);
    // The most popular of 999 items: 1 / zeta(999).
    assert_near("share of the last key", newest, 0.129);
    assert!((0..DRAWS).all(|_| latest.next(5_000, &mut random) <= 5_000));
    let moved = share((0..DRAWS).map(|_| latest.next(5_000, &mut random)), |key| key > 4_000);
    assert!(moved > 0.7, "popularity moves with the last key: {moved}");
    assert_eq!(latest.next(0, &mut random), 0);
}

#[test]
fn hotspot_gives_its_share_to_the_hot_set() {
    let hotspot = Hotspot::new(100, 1_099, 0.2, 0.8);
    let mut random = Random::new(5);
    let draws: Vec<u64> = (0..DRAWS).map(|_| hotspot.next(&mut random)).collect();
    assert!(draws.iter().all(|key| (100..1_100).contains(key)));
    assert_near("hot share", share(draws.into_iter(), |key| key < 300), 0.8);
}

#[test]
fn hotspot_with_an_empty_set_uses_the_other_one() {
    let mut random = Random::new(6);
    for (data_fraction, operation_fraction) in [(0.0, 1.0), (1.0, 0.0), (0.0, 0.0), (1.0, 1.0)] {
        let hotspot = Hotspot::new(7, 9, data_fraction, operation_fraction);
        assert!((0..100).all(|_| (7..=9).contains(&hotspot.next(&mut random))));
    }
}

#[test]
fn exponential_puts_its_percentile_below_its_range() {
    let exponential = Exponential::new(95.0, 1_000.0);
    let mut random = Random::new(7);
    let below = share((0..DRAWS).map(|_| exponential.next(&mut random)), |age| age < 1_000);
    assert_near("share below the range", below, 0.95);
    // Of the 95 % quantile 1000: -1000 / ln 0.05.
    assert!((exponential.mean() - 333.8).abs() < 0.1, "mean {}", exponential.mean());
}

#[test]
fn sequential_walks_round_and_round() {
    let sequential = Sequential::new(5, 7);
    let walked: Vec<u64> = (0..7).map(|_| sequential.next()).collect();
    assert_eq!(walked, [5, 6, 7, 5, 6, 7, 5]);
}

#[test]
fn discrete_follows_its_weights_and_leaves_out_zeros() {
    assert!(Discrete::new([(0.0, 'a')]).is_none());
    let chooser = Discrete::new([(3.0, 'a'), (0.0, 'b'), (1.0, 'c')]).expect("weights above 0");
    let mut random = Random::new(8);
    let draws: Vec<char> = (0..DRAWS).map(|_| chooser.next(&mut random)).collect();
    assert!(!draws.contains(&'b'));
    assert_near(
        "share of a",
        share(draws.into_iter().map(u64::from), |value| value == u64::from('a')),
        0.75,
    );
}

#[test]
fn histogram_lengths_are_drawn_by_their_counts() {
    let histogram = HistogramLengths::new(10, &[1, 0, 3]).expect("a count above 0");
    let mut random = Random::new(9);
    let draws: Vec<u64> = (0..DRAWS).map(|_| histogram.next(&mut random)).collect();
    assert!(draws.iter().all(|length| [10, 30].contains(length)));
    assert_near("share of 30", share(draws.into_iter(), |length| length == 30), 0.75);
    assert!(HistogramLengths::new(10, &[0, 0]).is_none());
    assert!(HistogramLengths::new(0, &[1]).is_none());
}

#[test]
fn histogram_files_are_read_or_refused_with_their_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("hist.txt");
    let read = |text: &str| {
        std::fs::write(&path, text).expect("the folder is writable");
        HistogramLengths::read(&path)
    };
    assert_eq!(read("BlockSize\t100\n0\t5\n1\t7\n").expect("a good file").max(), 200);
    for (text, line) in [
        ("", 1),
        ("BlockSize 100\n", 1),
        ("BlockSize\t0\n", 1),
        ("BlockSize\t100\n1\t5\n", 2),
        ("BlockSize\t100\n0\t5\n1\tmany\n", 3),
        ("BlockSize\t100\n0\t0\n", 0),
    ] {
        let error = read(text).expect_err("a bad file");
        assert_eq!(error.line, line, "{text:?}: {error}");
    }
}

fn draw_keys(workload: &Workload, last: u64) -> Vec<u64> {
    let mut chooser = KeyChooser::new(workload);
    let mut random = Random::new(10);
    (0..10_000).map(|_| chooser.next(last, 0, &mut random)).collect()
}

#[test]
fn the_key_chooser_never_passes_the_last_acknowledged_key() {
    for distribution in DISTRIBUTIONS {
        let workload = workload(&[
            ("recordcount", "1000"),
            ("operationcount", "100000"),
            ("insertproportion", "0.5"),
            ("requestdistribution", distribution),
        ]);
        for last in [999, 1_005, 5_000] {
            let keys = draw_keys(&workload, last);
            assert!(keys.iter().all(|key| *key <= last), "{distribution}, last {last}");
        }
    }
}

#[test]
fn the_key_chooser_stays_at_or_above_insertstart_where_ycsb_does() {
    for distribution in ["uniform", "zipfian", "hotspot", "sequential", "shifting"] {
        let workload = workload(&[
            ("recordcount", "1000"),
            ("insertstart", "400"),
            ("insertcount", "100"),
            ("requestdistribution", distribution),
        ]);
        let keys = draw_keys(&workload, 999);
        assert!(keys.iter().all(|key| (400..=500).contains(key)), "{distribution}");
    }
}

#[test]
fn a_key_space_far_larger_than_what_exists_still_ends() {
    let workload = workload(&[
        ("recordcount", "1"),
        ("operationcount", "1000000000"),
        ("insertproportion", "1"),
        ("requestdistribution", "zipfian"),
    ]);
    let mut chooser = KeyChooser::new(&workload);
    assert_eq!(chooser.next(0, 0, &mut Random::new(11)), 0);
}

#[test]
fn a_shifting_hot_set_has_its_exact_probabilities_wherever_it_is() {
    // 10 keys, 3 of them hot with 6 of 10 draws; the set wraps at the end.
    for (at_ns, hot) in [(0, [0, 1, 2]), (99, [0, 1, 2]), (100, [3, 4, 5]), (350, [9, 0, 1])] {
        let mut shifting = Shifting::new(20, 29, 0.3, 0.6, 100);
        let mut random = Random::new(12);
        let mut counts = [0u64; 10];
        for _ in 0..100_000 {
            counts[(shifting.next(at_ns, &mut random) - 20) as usize] += 1;
        }
        let share = |key| if hot.contains(&key) { 0.6 / 3.0 } else { 0.4 / 7.0 };
        let fit = goodness_of_fit(&counts, &std::array::from_fn::<f64, 10, _>(share));
        let fit = fit.expect("enough draws");
        assert!(fit.p_value > 1e-4, "at {at_ns}: {fit:?} of {counts:?}");
        // The test tells one place from another.
        let elsewhere = |key| share((key + 1) % 10);
        let fit = goodness_of_fit(&counts, &std::array::from_fn::<f64, 10, _>(elsewhere));
        assert!(fit.expect("enough draws").p_value < 1e-9);
    }
}

#[test]
fn a_shifting_hot_set_follows_the_time_alone() {
    let workload = workload(&[
        ("recordcount", "1000"),
        ("requestdistribution", "shifting"),
        ("hotspotdatafraction", "0.01"),
        ("hotspotopnfraction", "1"),
        ("hotspotshiftseconds", "2"),
    ]);
    let mut chooser = KeyChooser::new(&workload);
    let mut random = Random::new(13);
    // Forth, back as operations of several clients may be, around the end, and to the end of time.
    for second in [0, 1, 2, 5, 3, 1, 199, 200, 201, u64::MAX / 1_000_000_000] {
        let first = second / 2 * 10 % 1000;
        for _ in 0..100 {
            let key = chooser.next(999, second * 1_000_000_000, &mut random);
            assert!((first..first + 10).contains(&key), "{key} at {second} s");
        }
    }
}
