//! Which runs have come to rest?

use flywheel_stats::{DriftBounds, Second, Steadiness, SteadyOptions, steadiness};

use crate::support::{Normal, close};

/// Seconds with both figures from `share` of the second's number.
fn run(seconds: usize, mut share: impl FnMut(usize) -> f64) -> Vec<Second> {
    let second = |at| {
        let share = share(at);
        Second { throughput_ops_per_s: 50_000.0 * share, p99_us: 800.0 * share }
    };
    (0..seconds).map(second).collect()
}

fn judged(seconds: &[Second]) -> Steadiness {
    steadiness(seconds, &SteadyOptions::default()).unwrap().unwrap()
}

#[test]
fn ramps_are_steady_up_to_the_bound() {
    // The window is 29 steps long; a straight ramp is real whatever its size.
    for (over_window, steady) in [(0.0, true), (0.045, true), (0.055, false), (0.30, false)] {
        for sign in [1.0, -1.0] {
            let ramp = run(40, |at| 1.0 + sign * over_window * (at as f64 - 24.5) / 29.0);
            let found = judged(&ramp);
            assert_eq!(found.steady, steady, "{found:?}");
            assert!((found.throughput.relative - sign * over_window).abs() < 1e-9, "{found:?}");
            assert!((found.p99.relative - sign * over_window).abs() < 1e-9, "{found:?}");
        }
    }
}

#[test]
fn noise_is_steady_and_a_ramp_in_noise_is_not() {
    let mut normal = Normal::new(31);
    let mut steady_share = |noise: f64, ramp: f64| {
        let steady = (0..300).filter(|_| {
            let draws = normal.draws(30);
            judged(&run(30, |at| 1.0 + ramp * at as f64 / 29.0 + noise * draws[at])).steady
        });
        steady.count() as f64 / 300.0
    };
    let (calm, wild) = (steady_share(0.02, 0.0), steady_share(0.08, 0.0));
    assert!(calm >= 0.98, "{calm}");
    assert!(wild >= 0.90, "{wild}");
    let (slow, fast) = (steady_share(0.02, 0.10), steady_share(0.08, 0.30));
    assert!(slow <= 0.10, "{slow}");
    assert!(fast <= 0.10, "{fast}");
}

#[test]
fn a_drift_beyond_the_second_bound_is_never_steady() {
    // So noisy that the test of the slope sees nothing in a quarter over the window.
    let wild = run(30, |at| 1.0 + 0.35 * at as f64 / 29.0 + if at % 2 == 0 { 0.5 } else { -0.5 });
    let found = judged(&wild);
    assert!(found.throughput.p_value > 0.05 && !found.steady, "{found:?}");
}

#[test]
fn one_stalled_second_changes_nothing_wherever_it_is() {
    let mut normal = Normal::new(32);
    for at_second in 0..30 {
        for stall in [0.0, 0.3, 9.0] {
            let draws = normal.draws(30);
            let found =
                judged(&run(30, |at| if at == at_second { stall } else { 1.0 + 0.01 * draws[at] }));
            assert!(found.steady, "{found:?} with {stall} at {at_second}");
            assert_eq!(found.throughput.set_aside, 1, "{found:?} with {stall} at {at_second}");
        }
    }
    // Neither does it hide a drift.
    let draws = normal.draws(30);
    let ramp = run(30, |at| if at == 29 { 0.0 } else { 1.0 + 0.01 * (at as f64 + draws[at]) });
    assert!(!judged(&ramp).steady);
}

#[test]
fn a_step_is_not_steady() {
    let mut normal = Normal::new(33);
    for last in 3..=27 {
        let draws = normal.draws(30);
        let step = run(30, |at| if at + last >= 30 { 0.7 } else { 1.0 } + 0.01 * draws[at]);
        let found = judged(&step);
        assert!(!found.steady, "{found:?} with the last {last} lower");
        assert_eq!(found.throughput.set_aside, 0, "{found:?} with the last {last} lower");
    }
}

#[test]
fn both_figures_must_rest_each_within_its_own_bounds() {
    let ramp = |throughput: f64, p99: f64| -> Vec<Second> {
        let seconds = (0..30).map(|at| {
            let share = at as f64 / 29.0;
            Second {
                throughput_ops_per_s: 100.0 * (1.0 + throughput * share),
                p99_us: 10.0 * (1.0 + p99 * share),
            }
        });
        seconds.collect()
    };
    assert!(judged(&ramp(0.01, 0.01)).steady);
    let found = judged(&ramp(0.01, 0.2));
    assert!(found.throughput.steady && !found.p99.steady && !found.steady);
    let found = judged(&ramp(0.2, 0.01));
    assert!(!found.throughput.steady && found.p99.steady && !found.steady);
    let loose =
        SteadyOptions { p99: DriftBounds { sure: 0.3, most: 0.3 }, ..SteadyOptions::default() };
    assert!(steadiness(&ramp(0.01, 0.2), &loose).unwrap().unwrap().steady);
}

#[test]
fn only_the_window_counts_and_it_must_be_full() {
    let options = SteadyOptions { window_s: 10, ..SteadyOptions::default() };
    let warming = run(30, |at| if at < 20 { 0.1 } else { 1.0 });
    assert!(steadiness(&warming, &options).unwrap().unwrap().steady);
    assert!(!judged(&warming).steady);
    assert_eq!(steadiness(&warming[..9], &options), Ok(None));
}

#[test]
fn nothing_at_all_is_not_steady() {
    let found = judged(&run(30, |_| 0.0));
    assert!(!found.steady && close(found.throughput.relative, 0.0, 0.0));
}

#[test]
fn what_has_no_answer_is_an_error() {
    let calm = run(30, |_| 1.0);
    let defaults = SteadyOptions::default();
    let narrow = DriftBounds { sure: 0.2, most: 0.1 };
    let negative = DriftBounds { sure: -0.2, most: 0.1 };
    for options in [
        SteadyOptions { window_s: 7, ..defaults },
        SteadyOptions { significance: 0.0, ..defaults },
        SteadyOptions { p99: narrow, ..defaults },
        SteadyOptions { throughput: negative, ..defaults },
    ] {
        assert!(steadiness(&calm, &options).is_err(), "{options:?}");
    }
    assert!(steadiness(&run(30, |at| if at == 3 { f64::NAN } else { 1.0 }), &defaults).is_err());
}
