//! Chi-square against known answers.

use flywheel_stats::{Fit, SplitMix64, StatsError, goodness_of_fit};

fn fit(counts: &[u64], probabilities: &[f64]) -> Fit {
    goodness_of_fit(counts, probabilities).unwrap()
}

/// Mendel's peas, "Versuche über Pflanzen-Hybriden", 1866: 9 : 3 : 3 : 1 with chi-square 0.470, p 0.925. And the two examples
/// in SciPy's documentation of `chisquare`: 2.0 with p 0.8491450360846096, and 3.5 with 0.6233876277495822.
#[test]
fn known_answers() {
    let peas = fit(&[315, 108, 101, 32], &[9.0 / 16.0, 3.0 / 16.0, 3.0 / 16.0, 1.0 / 16.0]);
    assert!((peas.statistic - 0.470_02).abs() < 1e-5, "{peas:?}");
    assert!((peas.p_value - 0.925_43).abs() < 1e-5, "{peas:?}");
    assert_eq!(peas.degrees_of_freedom, 3);

    let counts = [16, 18, 16, 14, 12, 12];
    let even = fit(&counts, &[1.0 / 6.0; 6]);
    assert!((even.statistic - 2.0).abs() < 1e-12 && even.degrees_of_freedom == 5);
    assert!((even.p_value - 0.849_145_036_084_609_6).abs() < 1e-12, "{even:?}");
    let uneven = fit(&counts, &[16.0, 16.0, 16.0, 16.0, 16.0, 8.0].map(|expected| expected / 88.0));
    assert!((uneven.statistic - 3.5).abs() < 1e-12);
    assert!((uneven.p_value - 0.623_387_627_749_582_2).abs() < 1e-12, "{uneven:?}");
}

#[test]
fn thin_cells_join_their_neighbours() {
    // Expected 50, 3, 2, 43, 2: the second and third join, the last joins the one before.
    let joined = fit(&[52, 2, 4, 40, 2], &[0.5, 0.03, 0.02, 0.43, 0.02]);
    let by_hand = 4.0 / 50.0 + 1.0 / 5.0 + 9.0 / 45.0;
    assert!((joined.statistic - by_hand).abs() < 1e-12, "{joined:?}");
    assert_eq!(joined.degrees_of_freedom, 2);
}

#[test]
fn the_impossible_refutes() {
    let refuted = fit(&[50, 1, 50], &[0.5, 0.0, 0.5]);
    assert_eq!((refuted.p_value, refuted.statistic), (0.0, f64::MAX));
    assert_eq!(fit(&[50, 0, 50], &[0.5, 0.0, 0.5]).p_value, 1.0);
}

/// P-values of a true hypothesis are uniform: 5 in a hundred lie below 0.05. Those of a false one do not.
#[test]
fn fair_dice_pass_and_loaded_ones_do_not() {
    let mut random = SplitMix64::new(51);
    let mut below = |sides: usize| {
        let refuted = (0..1_000).filter(|_| {
            let mut counts = [0; 6];
            (0..300).for_each(|_| counts[random.next_index(sides) % 6] += 1);
            fit(&counts, &[1.0 / 6.0; 6]).p_value < 0.05
        });
        refuted.count()
    };
    let (fair, loaded) = (below(6), below(8));
    assert!((30..=70).contains(&fair), "{fair}");
    assert!(loaded >= 900, "{loaded}");
}

#[test]
fn what_has_no_answer_is_an_error() {
    let lengths = goodness_of_fit(&[1, 2], &[1.0]);
    assert_eq!(lengths, Err(StatsError::Lengths { left: 2, right: 1 }));
    assert!(goodness_of_fit(&[10, 20], &[0.5, 0.6]).is_err());
    assert!(goodness_of_fit(&[10, 20], &[1.5, -0.5]).is_err());
    assert!(goodness_of_fit(&[10, 20], &[f64::NAN, 0.5]).is_err());
    // Expected 4 and 4: one cell is left.
    let thin = goodness_of_fit(&[4, 4], &[0.5, 0.5]);
    assert_eq!(thin, Err(StatsError::TooFew { needed: 2, found: 1 }));
    assert!(goodness_of_fit(&[], &[]).is_err());
}
