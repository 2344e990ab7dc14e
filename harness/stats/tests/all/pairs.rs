//! Which pairs earn which verdict, and how often does the gate err or miss?

use flywheel_stats::{
    Bootstrap, Direction, FIRST_PAIRS, MIN_PAIRS, MOST_PAIRS, PairVerdict, StatsError,
    compare_pairs, missing_pairs,
};

use crate::support::{Normal, close};
use Direction::{HigherIsBetter, LowerIsBetter};
use PairVerdict::{Equivalent, Improved, Inconclusive, Regressed};

/// Pairs whose ratios lie within 0.2 % of `ratio`.
fn around(ratio: f64, count: usize) -> Vec<(f64, f64)> {
    (0..count).map(|at| (100.0, 100.0 * ratio * (1.0 + 0.001 * (at % 5) as f64 - 0.002))).collect()
}

fn verdict(ratio: f64, count: usize, direction: Direction) -> PairVerdict {
    let found = compare_pairs(&around(ratio, count), direction, 0.05, &Bootstrap::new(1)).unwrap();
    assert!(close(found.ratio.estimate, ratio, 0.003), "{found:?}");
    assert_eq!((found.pairs, found.threshold), (count, 0.05));
    found.verdict
}

#[test]
fn each_verdict_on_each_side() {
    // The bounds are at 1.05 and 1 / 1.05 = 0.9524.
    let cases = [
        (0.90, Regressed, Improved),
        (0.9524, Inconclusive, Inconclusive),
        (0.957, Equivalent, Equivalent),
        (1.0, Equivalent, Equivalent),
        (1.045, Equivalent, Equivalent),
        (1.05, Inconclusive, Inconclusive),
        (1.055, Improved, Regressed),
    ];
    for (ratio, of_throughput, of_latency) in cases {
        assert_eq!(verdict(ratio, 10, HigherIsBetter), of_throughput, "{ratio}");
        assert_eq!(verdict(ratio, 10, LowerIsBetter), of_latency, "{ratio}");
    }
}

#[test]
fn too_few_pairs_are_inconclusive_whatever_they_say() {
    assert_eq!(verdict(0.5, MIN_PAIRS - 1, HigherIsBetter), Inconclusive);
    assert_eq!(verdict(0.5, MIN_PAIRS, HigherIsBetter), Regressed);
}

#[test]
fn a_threshold_of_0_asks_for_any_change_and_knows_no_equivalence() {
    let judged = |ratio| {
        compare_pairs(&around(ratio, 10), HigherIsBetter, 0.0, &Bootstrap::new(1)).unwrap().verdict
    };
    assert_eq!([judged(1.004), judged(1.0), judged(0.996)], [Improved, Inconclusive, Regressed]);
    let same = [(3.0, 3.0); 8];
    let found = compare_pairs(&same, HigherIsBetter, 0.01, &Bootstrap::new(1)).unwrap();
    assert_eq!((found.verdict, found.ratio.low, found.ratio.high), (Equivalent, 1.0, 1.0));
}

#[test]
fn figures_without_a_ratio_are_errors() {
    let with = |pair| {
        let mut pairs = around(1.0, 8);
        pairs[3] = pair;
        compare_pairs(&pairs, HigherIsBetter, 0.05, &Bootstrap::new(1))
    };
    assert_eq!(with((0.0, 1.0)), Err(StatsError::NotPositive { index: 3, value: 0.0 }));
    assert_eq!(with((1.0, -1.0)), Err(StatsError::NotPositive { index: 3, value: -1.0 }));
    assert!(matches!(with((f64::NAN, 1.0)), Err(StatsError::NotFinite { index: 3, .. })));
    assert!(matches!(with((1.0, f64::INFINITY)), Err(StatsError::NotFinite { index: 3, .. })));
    assert!(with((f64::MIN_POSITIVE, 1e99)).is_ok());
    for threshold in [-0.01, 10.5, f64::NAN] {
        let found = compare_pairs(&around(1.0, 8), HigherIsBetter, threshold, &Bootstrap::new(1));
        assert!(matches!(found, Err(StatsError::Argument { name: "threshold", .. })));
    }
}

#[test]
fn the_gate_adds_pairs_while_it_cannot_tell() {
    assert_eq!(missing_pairs(0, Inconclusive), FIRST_PAIRS);
    assert_eq!(missing_pairs(5, Inconclusive), 3);
    assert_eq!(missing_pairs(8, Inconclusive), 4);
    assert_eq!(missing_pairs(18, Inconclusive), 2);
    assert_eq!(missing_pairs(MOST_PAIRS, Inconclusive), 0);
    assert_eq!(missing_pairs(MOST_PAIRS + 1, Inconclusive), 0);
    for verdict in [Regressed, Improved, Equivalent] {
        assert_eq!(missing_pairs(8, verdict), 0);
        assert_eq!(missing_pairs(9, verdict), 3, "no look in between");
    }
}

const GATES: u64 = 400;

/// How many of the gates in a hundred came to each verdict.
struct Shares {
    regressed: f64,
    improved: f64,
    equivalent: f64,
}

/// Gates of B against A, B's throughput lower by `slower`, with `noise` in the logarithm of each pair.
fn gates(noise: f64, threshold: f64, slower: f64) -> Shares {
    let mut normal = Normal::new(11);
    let mut verdicts = Vec::new();
    for seed in 0..GATES {
        let (mut pairs, mut verdict) = (Vec::new(), Inconclusive);
        while let count @ 1.. = missing_pairs(pairs.len(), verdict) {
            let ratios =
                normal.draws(count).into_iter().map(|z| (1.0 - slower) * (noise * z).exp());
            pairs.extend(ratios.map(|ratio| (100.0, 100.0 * ratio)));
            let bootstrap = Bootstrap { resamples: 400, ..Bootstrap::for_gate(seed) };
            let found = compare_pairs(&pairs, HigherIsBetter, threshold, &bootstrap).unwrap();
            verdict = found.verdict;
        }
        verdicts.push(verdict);
    }
    let share = |wanted| {
        verdicts.iter().filter(|&&found| found == wanted).count() as f64 * 100.0 / GATES as f64
    };
    Shares { regressed: share(Regressed), improved: share(Improved), equivalent: share(Equivalent) }
}

#[test]
fn the_gate_seldom_cries_without_cause() {
    for (noise, threshold) in [(0.03, 0.03), (0.03, 0.05), (0.08, 0.03), (0.08, 0.05)] {
        let Shares { regressed, improved, .. } = gates(noise, threshold, 0.0);
        assert!(regressed + improved <= 1.0, "{regressed} {improved} at {noise} {threshold}");
    }
    assert!(gates(0.03, 0.05, 0.0).equivalent >= 95.0);
    assert!(gates(0.03, 0.03, 0.0).equivalent >= 85.0);
}

#[test]
fn the_gate_seldom_errs_where_erring_is_easiest() {
    for threshold in [0.03, 0.05] {
        let Shares { regressed, equivalent, .. } =
            gates(0.03, threshold, threshold / (1.0 + threshold));
        assert!(regressed <= 5.0, "{regressed} at {threshold}");
        assert!(equivalent <= 5.0, "{equivalent} at {threshold}");
    }
    let Shares { regressed, improved, .. } = gates(0.03, 0.0, 0.0);
    assert!(regressed <= 5.0 && improved <= 5.0, "{regressed} {improved}");
}

#[test]
fn the_gate_finds_what_is_there() {
    assert!(gates(0.03, 0.03, 0.02).regressed <= 5.0, "a change below the threshold");
    assert!(gates(0.03, 0.03, 0.05).regressed >= 70.0);
    assert!(gates(0.03, 0.05, 0.10).regressed >= 98.0);
    assert!(gates(0.08, 0.03, 0.10).regressed >= 88.0);
    assert!(gates(0.08, 0.05, 0.10).regressed >= 65.0);
}
