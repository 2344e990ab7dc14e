//! Each generator's draws against the exact probability of every value, by chi-square with fixed seeds. The probabilities are
//! worked out here, as far as that goes: zeta's sums and the scattering hash are the crate's, and held against known answers
//! elsewhere. Each test is shown that it can fail.

use flywheel_load::generate::{
    Discrete, Exponential, HistogramLengths, Hotspot, Lengths, ScrambledZipfian, SkewedLatest,
    Uniform, ZIPFIAN_THETA, Zipfian, zeta,
};
use flywheel_load::random::Random;
use flywheel_stats::goodness_of_fit;

const DRAWS: usize = 200_000;

/// Below this the draws are not from these probabilities: with a dozen tests of fixed seeds, none is expected.
const LEAST_P: f64 = 1e-4;

/// Draws, and holds the counts of `0..probabilities.len()` against them; and against the same moved by a quarter of their
/// range, which must not fit.
fn assert_fits(what: &str, probabilities: &[f64], mut draw: impl FnMut() -> u64) {
    let mut counts = vec![0u64; probabilities.len()];
    for _ in 0..DRAWS {
        let value = draw() as usize;
        assert!(value < counts.len(), "{what}: {value} is out of range");
        counts[value] += 1;
    }
    let fit = goodness_of_fit(&counts, probabilities).expect("enough draws");
    assert!(fit.p_value > LEAST_P, "{what}: {fit:?}");
    let mut moved = probabilities.to_vec();
    moved.rotate_right((probabilities.len() / 4).max(1));
    let is_flat = probabilities.iter().all(|of| (of - probabilities[0]).abs() < 1e-12);
    if !is_flat {
        let fit = goodness_of_fit(&counts, &moved).expect("enough draws");
        assert!(fit.p_value < 1e-9, "{what}: another distribution fits too: {fit:?}");
    }
}

/// Gray et al.'s approximation, by its inverse: rank r is drawn for uniform draws between the bounds of r and of r + 1.
fn zipfian_probabilities(items: u64, ranks: u64, zeta_n: f64) -> Vec<f64> {
    let n = items as f64;
    let half = 0.5f64.powf(ZIPFIAN_THETA);
    let eta = (1.0 - (2.0 / n).powf(1.0 - ZIPFIAN_THETA)) / (1.0 - (1.0 + half) / zeta_n);
    let bound = |rank: u64| ((rank as f64 / n).powf(1.0 - ZIPFIAN_THETA) - 1.0 + eta) / eta;
    let of = |rank| match rank {
        0 => 1.0 / zeta_n,
        1 => half / zeta_n,
        _ => bound(rank + 1) - bound(rank),
    };
    (0..ranks).map(of).collect()
}

#[test]
fn uniform() {
    let (uniform, mut random) = (Uniform::new(10, 59), Random::new(1));
    assert_fits("uniform", &[0.02; 50], || uniform.next(&mut random) - 10);
    // Flat has no place to be moved to: half of the range is not all of it.
    let counts: Vec<u64> = (0..50).map(|value| if value < 25 { 8_000 } else { 0 }).collect();
    assert!(goodness_of_fit(&counts, &[0.02; 50]).expect("counts").p_value < 1e-9);
}

#[test]
fn zipfian() {
    for items in [3, 100, 5_000] {
        let (zipfian, mut random) = (Zipfian::new(7, 7 + items - 1), Random::new(2));
        let expected = zipfian_probabilities(items, items, zeta(0, items, ZIPFIAN_THETA, 0.0));
        assert!((expected.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert_fits("zipfian", &expected, || zipfian.next(&mut random) - 7);
    }
}

#[test]
fn zipfian_lengths() {
    let (lengths, mut random) = (Lengths::zipfian(1, 100), Random::new(3));
    let expected = zipfian_probabilities(100, 100, zeta(0, 100, ZIPFIAN_THETA, 0.0));
    assert_fits("zipfian lengths", &expected, || lengths.next(&mut random) - 1);
}

#[test]
fn scrambled_zipfian() {
    // The first million ranks go where the hash says; the rest, each below 5e-8, spreads evenly.
    const KEYS: u64 = 100;
    let (scrambled, mut random) = (ScrambledZipfian::new(0, KEYS - 1), Random::new(4));
    let (_, _, zeta_n, _) = scrambled.ranks().constants();
    let ranks = zipfian_probabilities(ScrambledZipfian::ITEMS, 1_000_000, zeta_n);
    let rest = 1.0 - ranks.iter().sum::<f64>();
    let mut expected = vec![rest / KEYS as f64; KEYS as usize];
    for (rank, probability) in ranks.iter().enumerate() {
        expected[scrambled.scatter(rank as u64) as usize] += probability;
    }
    assert_fits("scrambled zipfian", &expected, || scrambled.next(&mut random));
}

#[test]
fn latest() {
    const LAST: u64 = 199;
    let (mut latest, mut random) = (SkewedLatest::new(LAST), Random::new(5));
    // YCSB gives the zipfian as many items as the number of the last key.
    let mut expected = zipfian_probabilities(LAST, LAST, zeta(0, LAST, ZIPFIAN_THETA, 0.0));
    expected.push(0.0);
    assert_fits("latest", &expected, || LAST - latest.next(LAST, &mut random));
}

#[test]
fn hotspot() {
    let (hotspot, mut random) = (Hotspot::new(0, 99, 0.2, 0.7), Random::new(6));
    let of = |key| if key < 20 { 0.7 / 20.0 } else { 0.3 / 80.0 };
    let expected: Vec<f64> = (0..100).map(of).collect();
    assert_fits("hotspot", &expected, || hotspot.next(&mut random));
}

#[test]
fn exponential() {
    // 95 % of the draws below 100; all from 400 on in one cell.
    let (exponential, mut random) = (Exponential::new(95.0, 100.0), Random::new(7));
    let rate = -(0.05f64.ln()) / 100.0;
    let mut expected: Vec<f64> =
        (0..400).map(|k| (-rate * f64::from(k)).exp() * (1.0 - (-rate).exp())).collect();
    expected.push((-rate * 400.0).exp());
    assert_fits("exponential", &expected, || exponential.next(&mut random).min(400));
}

#[test]
fn discrete() {
    let weights = [0.5, 3.0, 0.0, 1.5, 5.0];
    let chooser = Discrete::new(weights.into_iter().zip(0..)).expect("weights above 0");
    let (expected, mut random) = (weights.map(|weight| weight / 10.0), Random::new(8));
    assert_fits("discrete", &expected, || chooser.next(&mut random));
}

#[test]
fn histogram_lengths() {
    let histogram = HistogramLengths::new(1, &[4, 0, 1, 2, 3]).expect("counts above 0");
    let (expected, mut random) = ([0.4, 0.0, 0.1, 0.2, 0.3], Random::new(9));
    let smallest = (0..1_000).map(|_| histogram.next(&mut random)).min().expect("draws");
    assert_fits("histogram lengths", &expected, || histogram.next(&mut random) - smallest);
}
