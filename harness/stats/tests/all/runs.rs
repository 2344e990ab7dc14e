//! Verdicts on two runs whose seconds depend on each other; Welch's test against R.

use flywheel_stats::{
    Bootstrap, Centre, Direction, MIN_BLOCKS, PairVerdict, RunComparison, StatsError, WelchTest,
    compare_runs, welch,
};

use crate::support::{Normal, close};
use PairVerdict::{Equivalent, Improved, Inconclusive, Regressed};

/// Seconds of a run around `level`, each keeping `kept` of the last one's deviation, sigma 3 % of the level.
fn run(normal: &mut Normal, seconds: usize, level: f64, kept: f64) -> Vec<f64> {
    let fresh = (1.0 - kept * kept).sqrt();
    let mut deviation = normal.draw();
    let second = |z: f64| {
        deviation = kept * deviation + fresh * z;
        level * (1.0 + 0.03 * deviation)
    };
    normal.draws(seconds).into_iter().map(second).collect()
}

fn compare(a: &[f64], b: &[f64], centre: Centre, block: usize, seed: u64) -> RunComparison {
    let bootstrap = Bootstrap { resamples: 400, ..Bootstrap::new(seed) };
    compare_runs(a, b, centre, block, Direction::HigherIsBetter, 0.05, &bootstrap).unwrap()
}

#[test]
fn each_verdict_of_mean_and_median() {
    let mut normal = Normal::new(21);
    let a = run(&mut normal, 120, 1_000.0, 0.3);
    for (level, expected) in [(850.0, Regressed), (1_000.0, Equivalent), (1_150.0, Improved)] {
        let b = run(&mut normal, 100, level, 0.3);
        for centre in [Centre::Mean, Centre::Median] {
            let found = compare(&a, &b, centre, 10, 1);
            assert_eq!((found.verdict, found.blocks), (expected, 10), "{found:?}");
            assert!(close(found.ratio.estimate, level / 1_000.0, 0.02), "{found:?}");
        }
    }
    let latency = |b: &[f64]| {
        let direction = Direction::LowerIsBetter;
        compare_runs(&a, b, Centre::Mean, 10, direction, 0.05, &Bootstrap::new(1)).unwrap().verdict
    };
    assert_eq!(latency(&run(&mut normal, 100, 1_150.0, 0.3)), Regressed);
    assert_eq!(latency(&run(&mut normal, 100, 850.0, 0.3)), Improved);
}

#[test]
fn stalls_move_the_mean_and_not_the_median() {
    let mut normal = Normal::new(22);
    let a = run(&mut normal, 120, 1_000.0, 0.0);
    let mut b = run(&mut normal, 120, 1_000.0, 0.0);
    b.iter_mut().step_by(8).for_each(|second| *second = 1.0);
    assert_eq!(compare(&a, &b, Centre::Median, 5, 1).verdict, Equivalent);
    let mean = compare(&a, &b, Centre::Mean, 5, 1);
    assert_eq!(mean.verdict, Regressed);
    assert!(close(mean.ratio.estimate, 0.875, 0.01), "{mean:?}");
}

#[test]
fn few_blocks_are_inconclusive() {
    let mut normal = Normal::new(23);
    let (a, b) = (run(&mut normal, 60, 1_000.0, 0.0), run(&mut normal, 60, 500.0, 0.0));
    let verdict = |block| compare(&a, &b, Centre::Mean, block, 1).verdict;
    assert_eq!(verdict(60 / MIN_BLOCKS), Regressed);
    assert_eq!(verdict(60 / MIN_BLOCKS + 1), Inconclusive);
}

/// Share of intervals of two like runs that hold 1.
fn coverage(seconds: usize, kept: f64, block: usize) -> f64 {
    let mut normal = Normal::new(24);
    let held = (0..150).filter(|&seed| {
        let a = run(&mut normal, seconds, 1_000.0, kept);
        let b = run(&mut normal, seconds, 1_000.0, kept);
        let ratio = compare(&a, &b, Centre::Mean, block, seed).ratio;
        ratio.low <= 1.0 && 1.0 <= ratio.high
    });
    held.count() as f64 / 150.0
}

#[test]
fn blocks_cover_what_single_seconds_miss() {
    let (blocks, seconds) = (coverage(120, 0.8, 20), coverage(120, 0.8, 1));
    assert!(blocks >= 0.90, "{blocks}");
    assert!(seconds <= 0.60, "{seconds}");
    let independent = coverage(120, 0.0, 1);
    assert!((0.90..=0.99).contains(&independent), "{independent}");
}

#[test]
fn runs_without_an_answer_are_errors() {
    let compare = |a: &[f64], block| {
        let bootstrap = Bootstrap::new(1);
        compare_runs(a, a, Centre::Mean, block, Direction::HigherIsBetter, 0.05, &bootstrap)
    };
    assert_eq!(compare(&[1.0; 9], 5), Err(StatsError::TooFew { needed: 10, found: 9 }));
    assert!(compare(&[1.0; 9], usize::MAX).is_err());
    assert!(matches!(compare(&[1.0; 9], 0), Err(StatsError::Argument { name: "block", .. })));
    let below = compare(&[1.0, -1.0, 1.0], 1);
    assert_eq!(below, Err(StatsError::NotPositive { index: 1, value: -1.0 }));
    let nothing = compare(&[0.0; 3], 1);
    assert_eq!(nothing, Err(StatsError::NotPositive { index: 0, value: 0.0 }));
    assert!(compare(&[1.0, f64::NAN, 1.0], 1).is_err());
}

#[test]
fn a_second_of_standstill_is_a_figure() {
    let mut stalled = [100.0; 60];
    stalled[20] = 0.0;
    let found = compare_runs(
        &[100.0; 60],
        &stalled,
        Centre::Mean,
        5,
        Direction::HigherIsBetter,
        0.2,
        &Bootstrap::new(1),
    )
    .unwrap();
    assert!((found.ratio.estimate - 59.0 / 60.0).abs() < 1e-12, "{found:?}");
    assert_eq!(found.verdict, PairVerdict::Equivalent);
}

/// The data of Student's own paper (1908), as R's `sleep`; `t.test(extra ~ group, data = sleep)` prints
/// t = -1.8608, df = 17.776, p-value = 0.07939.
#[test]
fn welch_is_what_r_prints() {
    let a = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
    let b = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
    let WelchTest { statistic, degrees_of_freedom, p_value } = welch(&a, &b).unwrap();
    assert!((statistic + 1.8608).abs() < 5e-5, "{statistic}");
    assert!((degrees_of_freedom - 17.776).abs() < 5e-4, "{degrees_of_freedom}");
    assert!((p_value - 0.07939).abs() < 5e-6, "{p_value}");
}

#[test]
fn welch_of_samples_without_spread() {
    let found = welch(&[2.0, 2.0], &[2.0, 2.0, 2.0]).unwrap();
    assert_eq!((found.statistic, found.degrees_of_freedom, found.p_value), (0.0, 3.0, 1.0));
    let found = welch(&[1.0, 1.0], &[2.0, 2.0]).unwrap();
    assert_eq!((found.statistic, found.p_value), (f64::MIN, 0.0));
    assert_eq!(welch(&[1.0], &[2.0, 3.0]), Err(StatsError::TooFew { needed: 2, found: 1 }));
    assert!(welch(&[1.0, 2.0], &[2.0, f64::NAN]).is_err());
}
