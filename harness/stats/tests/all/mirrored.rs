//! What must not depend on order, unit or sign.

use flywheel_stats::{
    Bootstrap, ChangeOptions, Direction, PairVerdict, Point, Second, SteadyOptions, change_points,
    compare_pairs, knee, steadiness, welch,
};
use proptest::prelude::*;

use crate::support::close;

fn figures(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(1.0..1_000.0f64, count)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn swapping_a_and_b_mirrors_the_comparison(a in figures(6..20), factor in 0.5..2.0f64) {
        let bootstrap = Bootstrap { resamples: 200, ..Bootstrap::new(1) };
        let pairs: Vec<(f64, f64)> =
            a.iter().map(|figure| (*figure, (figure * factor).powf(0.97))).collect();
        let swapped: Vec<(f64, f64)> = pairs.iter().map(|&(a, b)| (b, a)).collect();
        let there = compare_pairs(&pairs, Direction::HigherIsBetter, 0.05, &bootstrap).unwrap();
        let back = compare_pairs(&swapped, Direction::HigherIsBetter, 0.05, &bootstrap).unwrap();
        prop_assert!(close(there.ratio.low, 1.0 / back.ratio.high, 1e-9));
        prop_assert!(close(there.ratio.estimate, 1.0 / back.ratio.estimate, 1e-9));
        let mirrored = match back.verdict {
            PairVerdict::Regressed => PairVerdict::Improved,
            PairVerdict::Improved => PairVerdict::Regressed,
            same => same,
        };
        prop_assert_eq!(there.verdict, mirrored);
        let lower = compare_pairs(&pairs, Direction::LowerIsBetter, 0.05, &bootstrap).unwrap();
        prop_assert_eq!(lower.verdict, back.verdict);
    }

    #[test]
    fn intervals_hold_their_estimate_and_follow_the_unit(samples in figures(2..20), unit in 0.01..100.0f64) {
        let bootstrap = Bootstrap { resamples: 200, ..Bootstrap::new(1) };
        let plain = bootstrap.mean(&samples).unwrap();
        prop_assert!(plain.low <= plain.estimate && plain.estimate <= plain.high);
        let scaled: Vec<f64> = samples.iter().map(|figure| figure * unit).collect();
        let again = bootstrap.mean(&scaled).unwrap();
        // The low end may lie near 0, where only the size of the high one says what is near.
        let within = 1e-9 * again.high;
        prop_assert!((again.low - plain.low * unit).abs() <= within);
        prop_assert!((again.high - plain.high * unit).abs() <= within);
    }

    #[test]
    fn changes_follow_the_unit_and_are_apart(mut series in figures(0..80), step in 0..80usize, unit in 0.01..100.0f64) {
        series.iter_mut().skip(step).for_each(|figure| *figure += 1_000.0);
        let options = ChangeOptions { window: 20, significance: 0.01, ..ChangeOptions::default() };
        let found = change_points(&series, &options).unwrap();
        let mut edges = vec![0];
        edges.extend(found.iter().map(|point| point.index));
        edges.push(series.len());
        prop_assert!(found.is_empty() || edges.windows(2).all(|pair| pair[0] + 3 <= pair[1]));
        prop_assert!(found.iter().all(|point| point.p_value <= 0.01));
        let scaled: Vec<f64> = series.iter().map(|figure| figure * unit).collect();
        let again = change_points(&scaled, &options).unwrap();
        let indexes = |points: &[flywheel_stats::ChangePoint]| -> Vec<usize> {
            points.iter().map(|point| point.index).collect()
        };
        prop_assert_eq!(indexes(&found), indexes(&again));
    }

    #[test]
    fn welch_is_the_same_from_both_sides(a in figures(2..20), b in figures(2..20)) {
        let (there, back) = (welch(&a, &b).unwrap(), welch(&b, &a).unwrap());
        prop_assert!(there.statistic == -back.statistic);
        prop_assert!(close(there.p_value, back.p_value, 1e-9) && (0.0..=1.0).contains(&there.p_value));
        let least = a.len().min(b.len()) as f64 - 1.0;
        let most = (a.len() + b.len()) as f64 - 2.0;
        prop_assert!((least - 1e-9..=most + 1e-9).contains(&there.degrees_of_freedom));
    }

    /// Whatever is asked, the answer is one or an error: nothing panics.
    #[test]
    fn nothing_panics(values in prop::collection::vec(any::<f64>(), 0..40), window in 0..50usize) {
        let bootstrap = Bootstrap { resamples: 100, ..Bootstrap::new(1) };
        let _ = bootstrap.mean(&values);
        let pairs: Vec<(f64, f64)> = values.iter().map(|&value| (value, 1.0)).collect();
        let _ = compare_pairs(&pairs, Direction::LowerIsBetter, 0.05, &bootstrap);
        let _ = change_points(&values, &ChangeOptions { window, ..ChangeOptions::default() });
        let _ = welch(&values, &values);
        let points: Vec<Point> =
            values.iter().map(|&value| Point { rate_per_s: value, p99_us: value * value }).collect();
        let _ = knee(&points, 1.0);
        let seconds: Vec<Second> =
            values.iter().map(|&value| Second { throughput_ops_per_s: value, p99_us: value }).collect();
        let options = SteadyOptions { window_s: window, ..SteadyOptions::default() };
        let _ = steadiness(&seconds, &options);
    }
}
