//! Do intervals hold the truth as often as they say, and what of degenerate samples?

use flywheel_stats::{Bootstrap, Interval, SplitMix64, StatsError};

use crate::support::{Normal, close};

const RUNS: u64 = 1_000;

/// Share of intervals of `count` samples through `shape` that hold `truth`.
fn coverage(count: usize, truth: f64, shape: fn(f64) -> f64) -> f64 {
    let mut normal = Normal::new(count as u64);
    let holds = |seed| {
        let samples: Vec<f64> = (0..count).map(|_| shape(normal.draw())).collect();
        let bootstrap = Bootstrap { resamples: 500, ..Bootstrap::new(seed) };
        let Interval { low, high, .. } = bootstrap.mean(&samples).unwrap();
        low <= truth && truth <= high
    };
    (0..RUNS).map(holds).filter(|&held| held).count() as f64 / RUNS as f64
}

#[test]
fn the_mean_of_normal_samples_is_covered_as_stated() {
    for count in [6, 8, 12, 20] {
        let share = coverage(count, 10.0, |z| 10.0 + z);
        assert!((0.92..=0.98).contains(&share), "{share} at {count}");
    }
}

#[test]
fn the_mean_of_skewed_samples_is_covered_nearly_as_stated() {
    for count in [6, 8, 12, 20] {
        // The mean of a lognormal is exp(sigma^2 / 2).
        let mild = coverage(count, (0.125f64).exp(), |z| (0.5 * z).exp());
        assert!((0.90..=0.98).contains(&mild), "{mild} at {count}");
        let heavy = coverage(count, (0.5f64).exp(), f64::exp);
        assert!((0.85..=0.95).contains(&heavy), "{heavy} at {count}");
    }
}

#[test]
fn the_interval_of_skewed_samples_leans_to_the_long_side() {
    let samples = [1.0, 1.1, 1.2, 1.3, 1.5, 1.8, 2.5, 6.0];
    let Interval { low, estimate, high } = Bootstrap::new(1).mean(&samples).unwrap();
    assert!(high - estimate > 2.0 * (estimate - low), "{low} {estimate} {high}");
}

#[test]
fn percentiles_of_a_median_cover_it() {
    let mut normal = Normal::new(3);
    let held = (0..400).filter(|&seed| {
        let samples = normal.draws(15);
        let bootstrap = Bootstrap { resamples: 500, ..Bootstrap::new(seed) };
        let median = |figures: &[f64]| {
            let mut sorted = figures.to_vec();
            sorted.sort_by(f64::total_cmp);
            sorted[sorted.len() / 2]
        };
        let found = bootstrap.statistic(&samples, median).unwrap();
        found.low <= 0.0 && 0.0 <= found.high
    });
    let share = held.count() as f64 / 400.0;
    assert!((0.92..=0.99).contains(&share), "{share}");
}

#[test]
fn a_higher_level_is_wider_and_more_samples_are_narrower() {
    let samples = Normal::new(5).draws(40);
    let width = |level, count: usize| {
        let bootstrap = Bootstrap { level, ..Bootstrap::new(1) };
        let means = bootstrap.mean(&samples[..count]).unwrap();
        let any = bootstrap.statistic(&samples[..count], |x| x.iter().sum()).unwrap();
        (means.high - means.low, any.high - any.low)
    };
    assert!(width(0.99, 10).0 > 1.2 * width(0.95, 10).0);
    assert!(width(0.99, 10).1 > 1.2 * width(0.95, 10).1);
    assert!(width(0.95, 10).0 > 1.5 * width(0.95, 40).0);
}

#[test]
fn without_spread_the_interval_is_the_mean() {
    let found = Bootstrap::new(1).mean(&[0.1; 7]).unwrap();
    assert!(close(found.low, 0.1, 1e-12) && found.low == found.high);
}

/// Of five equal figures and one other, a third of the resamples are all the same. Student's t at 0.975 is
/// 2.5706 of 5 degrees of freedom and 2.7764 of 4.
#[test]
fn few_or_repeated_samples_fall_back_on_students_t() {
    let found = Bootstrap::new(1).mean(&[1.0, 1.0, 1.0, 1.0, 1.0, 2.0]).unwrap();
    let error = (1.0f64 / 6.0 / 6.0).sqrt();
    assert!(close(found.high - found.estimate, 2.5706 * error, 1e-4), "{found:?}");
    assert!(close(found.estimate - found.low, 2.5706 * error, 1e-4), "{found:?}");
    let found = Bootstrap::new(1).mean(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
    assert!(close(found.high - 3.0, 2.7764 * (2.5f64 / 5.0).sqrt(), 1e-4), "{found:?}");
}

#[test]
fn what_has_no_answer_is_an_error() {
    let bootstrap = Bootstrap::new(1);
    assert_eq!(bootstrap.mean(&[1.0]), Err(StatsError::TooFew { needed: 2, found: 1 }));
    let infinite = bootstrap.mean(&[1.0, f64::INFINITY]);
    assert_eq!(infinite, Err(StatsError::NotFinite { index: 1, value: f64::INFINITY }));
    assert!(matches!(bootstrap.mean(&[f64::NAN; 8]), Err(StatsError::NotFinite { index: 0, .. })));
    for level in [0.5, 1.0, f64::NAN] {
        let found = Bootstrap { level, ..bootstrap }.mean(&[1.0, 2.0]);
        assert!(matches!(found, Err(StatsError::Argument { name: "level", .. })), "{level}");
    }
    let found = Bootstrap { resamples: 99, ..bootstrap }.mean(&[1.0, 2.0]);
    assert!(matches!(found, Err(StatsError::Argument { name: "resamples", .. })));
    assert!(bootstrap.statistic(&[1.0, 2.0], |_| f64::NAN).is_err());
}

/// The first numbers of Java's `new SplittableRandom(1234567)`, as Rosetta Code lists them for SplitMix64.
#[test]
fn the_random_source_is_splitmix64() {
    let mut random = SplitMix64::new(1_234_567);
    let expected: [u64; 3] =
        [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
    assert_eq!(expected.map(|_| random.next_u64()), expected);
}
