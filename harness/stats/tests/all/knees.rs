//! Are the literature's and queueing theory's knees found?

use flywheel_stats::{DEFAULT_SENSITIVITY, Knee, Point, StatsError, knee};

use crate::support::{Normal, close};

fn curve(count: usize, last: f64, latency: impl Fn(f64) -> f64) -> Vec<Point> {
    let point = |at: usize| {
        let rate_per_s = last * at as f64 / (count - 1) as f64;
        Point { rate_per_s, p99_us: latency(rate_per_s) }
    };
    (0..count).map(point).collect()
}

fn found(points: &[Point]) -> Option<Knee> {
    knee(points, DEFAULT_SENSITIVITY).unwrap()
}

/// M/M/1's response time is 1 / (1 - x) service times at load x, and its p99 ln(100) times that. Scaled to the unit
/// square up to load r, its slope is 1 at x = 1 - sqrt(1 - r), and the depth there is 1 - 2 (x / r) (1 - x).
#[test]
fn queueing_theorys_knees() {
    for (last, at) in [(0.75, 0.5), (0.96, 0.8), (0.99, 0.9)] {
        let points = curve(1_001, last, |load| 100.0f64.ln() / (1.0 - load));
        let Knee { at: point, depth } = found(&points).unwrap();
        assert!((point.rate_per_s - at).abs() <= last / 1_000.0, "{point:?}");
        let x: f64 = at / last;
        let y = at / (1.0 - at) * (1.0 - last) / last;
        assert!(close(depth, x - y, 1e-4), "{depth} {}", x - y);
    }
}

/// Few points find the nearest of them.
#[test]
fn a_knee_among_eleven_points() {
    let points = curve(11, 0.96, |load| 1.0 / (1.0 - load));
    let at = found(&points).unwrap().at.rate_per_s;
    assert!((at - 0.8).abs() <= 0.05, "{at}");
}

/// Figure 2 of the paper: -1 / (x + 0.1) + 5 at ten places bends at 0.22. Turned by half a circle, it is a
/// curve of latency that bends at 0.78.
#[test]
fn the_papers_own_knee() {
    let points = curve(10, 1.0, |x| 5.0 + 1.0 / (1.1 - x));
    assert!(close(found(&points).unwrap().at.rate_per_s, 0.78, 0.01));
}

/// The convex rising curve that kneed, the usual implementation, is tested with; and its shuffled points.
#[test]
fn kneeds_own_knee() {
    let latencies = [1.0, 2.0, 3.0, 4.0, 5.0, 10.0, 15.0, 20.0, 40.0, 100.0];
    let mut points: Vec<Point> =
        (0..10).map(|at| Point { rate_per_s: at as f64, p99_us: latencies[at] }).collect();
    let expected = Point { rate_per_s: 7.0, p99_us: 20.0 };
    assert_eq!(found(&points).unwrap().at, expected);
    points.reverse();
    points.swap(2, 5);
    assert_eq!(found(&points).unwrap().at, expected);
    // The same rate twice counts once, at the mean.
    points.push(Point { rate_per_s: 7.0, p99_us: 24.0 });
    assert_eq!(found(&points).unwrap().at, Point { p99_us: 22.0, ..expected });
}

#[test]
fn lines_and_curves_that_bend_the_other_way_have_none() {
    for slope in [0.0, 1.0, 0.1, -3.0] {
        assert_eq!(found(&curve(20, 7.0, |rate| 5.0 + slope * rate)), None, "{slope}");
    }
    assert_eq!(found(&curve(20, 1.0, f64::sqrt)), None);
    assert_eq!(found(&curve(20, 0.9, |load| 9.0 - 1.0 / (1.0 - load))), None, "falls");
}

#[test]
fn a_noisy_line_has_none_and_a_noisy_knee_is_found() {
    let mut normal = Normal::new(41);
    for _ in 0..200 {
        let draws = normal.draws(12);
        let noisy = |shape: fn(f64) -> f64| {
            let mut points = curve(12, 0.96, shape);
            points.iter_mut().zip(&draws).for_each(|(point, z)| point.p99_us *= 1.0 + 0.01 * z);
            found(&points)
        };
        assert_eq!(noisy(|load| 1.0 + load), None);
        let at = noisy(|load| 1.0 / (1.0 - load)).unwrap().at.rate_per_s;
        assert!((at - 0.8).abs() <= 0.1, "{at}");
    }
}

#[test]
fn sensitivity_is_how_far_the_curve_must_come_back() {
    let points = curve(6, 5.0, |rate| if rate < 4.5 { rate } else { 7.0 });
    // Depth of the point before the last: 4/5 - 4/7 = 0.2286; a step is 0.2.
    assert_eq!(knee(&points, 1.0).unwrap().unwrap().at.rate_per_s, 4.0);
    assert_eq!(knee(&points, 1.2), Ok(None));
}

#[test]
fn of_two_knees_the_deeper() {
    let stairs = |rate: f64| match rate {
        ..0.32 => 0.0,
        ..0.92 => 0.35,
        _ => 1.0,
    };
    let Knee { at, depth } = found(&curve(21, 1.0, stairs)).unwrap();
    assert!(close(at.rate_per_s, 0.9, 1e-9) && close(depth, 0.55, 1e-9), "{at:?} {depth}");
}

#[test]
fn a_curve_that_never_comes_back_to_the_line_has_none() {
    // A first run gone wrong sets the scale; all later ones lie low.
    let mut points = curve(11, 10.0, |rate| if rate > 9.5 { 1.2 } else { 0.0 });
    assert!(found(&points).is_some());
    points[1].p99_us = 10.0;
    assert_eq!(found(&points), None);
}

#[test]
fn fewer_than_four_rates_have_none() {
    let points = curve(4, 0.9, |load| 1.0 / (1.0 - load));
    assert!(found(&points).is_some());
    assert_eq!(found(&points[1..]), None);
    assert_eq!(found(&[points[3]; 9]), None);
    assert_eq!(found(&[]), None);
}

#[test]
fn what_has_no_answer_is_an_error() {
    let mut points = curve(9, 1.0, |rate| rate * rate);
    for sensitivity in [0.0, -1.0, f64::NAN] {
        assert!(knee(&points, sensitivity).is_err());
    }
    points[4].p99_us = f64::NAN;
    assert!(matches!(knee(&points, 1.0), Err(StatsError::NotFinite { index: 4, .. })));
}
