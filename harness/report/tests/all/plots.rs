//! Plots of figures that nobody expects: none, one, all alike, zero, huge, not a number. Asks that each is drawn, within
//! its frame, and with numbers only; how it looks is for eyes (`scripts/browser`).

use flywheel_report::{
    CurvePoint, Event, EventKind, HeatMap, Interval, LatencyCurve, OperationKind, RateEstimate,
    RatioRow, RatioTable, Report, RunResult, Runs, SpectrumPoint, compare_report, run_report,
};

use crate::html::{full, with_tree};
use crate::operation;

const ODD: [f64; 9] = [0.0, 1.0, 250.0, 1e12, 1e300, 1e-300, f64::NAN, f64::INFINITY, -5.0];

/// Every number of every drawn element lies in its plot's frame, give or take the size of a mark. Returns the plots.
fn check(page: &str) -> usize {
    with_tree(page, |tree| {
        let plots = tree
            .descendants()
            .filter(|node| node.attribute("class").is_some_and(|class| class.starts_with("plot")));
        plots
            .inspect(|plot| {
                let frame = plot.attribute("viewBox").unwrap();
                let frame: Vec<f64> = frame.split(' ').map(|part| part.parse().unwrap()).collect();
                let (width, height) = (frame[2] + 64.0, frame[3] + 64.0);
                for node in plot.descendants() {
                    for name in ["x", "x1", "x2", "cx", "width"] {
                        within(node.attribute(name), width);
                    }
                    for name in ["y", "y1", "y2", "cy", "height", "r"] {
                        within(node.attribute(name), height);
                    }
                    for point in node.attribute("points").unwrap_or_default().split_whitespace() {
                        let (x, y) = point.split_once(',').unwrap();
                        within(Some(x), width);
                        within(Some(y), height);
                    }
                    let path = node.attribute("d").unwrap_or_default();
                    for number in
                        path.split(|c: char| "MLhvz ".contains(c)).filter(|n| !n.is_empty())
                    {
                        // Relative, so some are negative.
                        within(Some(number.trim_start_matches('-')), width.max(height));
                    }
                }
            })
            .count()
    })
}

fn within(number: Option<&str>, most: f64) {
    let Some(number) = number else { return };
    let value: f64 = number.parse().unwrap_or_else(|_| panic!("not a number: {number}"));
    assert!(value.is_finite() && (-64.0..=most).contains(&value), "{number} beyond {most}");
}

fn run(change: impl FnOnce(&mut RunResult)) -> String {
    let mut result = RunResult::default();
    result.operations.insert(OperationKind::Read, operation(20_000, 900.0));
    change(&mut result);
    run_report(&result)
}

#[test]
fn a_full_run_has_three_plots_for_screens_and_three_for_phones() {
    assert_eq!(check(&run_report(&full())), 6);
    assert_eq!(check(&run(|_| ())), 0);
}

#[test]
fn spectra_of_odd_figures() {
    for us in ODD {
        for quantiles in
            [&[0.5][..], &[0.0, 0.9, 0.99], &[1.0], &[0.2, 1.0], &[f64::NAN, 2.0, -1.0, 0.5]]
        {
            let page = run(|result| {
                let figures = result.operations.get_mut(&OperationKind::Read).unwrap();
                let point = |quantile: &f64| SpectrumPoint { quantile: *quantile, us };
                figures.response_spectrum = quantiles.iter().map(point).collect();
                result.target.p99_us = us;
            });
            let drawable = us.is_finite();
            assert_eq!(check(&page), if drawable { 2 } else { 0 }, "{us} {quantiles:?}");
        }
    }
}

#[test]
fn timelines_of_odd_figures() {
    for us in ODD {
        for times in
            [&[0.0][..], &[0.0, 1.0, 2.0], &[1e12], &[5.0, 5.0], &[3.0, 1.0], &[f64::NAN, 1.0]]
        {
            for count in [0, 1, u64::MAX] {
                let page = run(|result| {
                    let interval = |at_s: &f64| Interval {
                        at_s: *at_s,
                        count,
                        p50_us: Some(us),
                        p99_us: us,
                        max_us: us,
                        compaction_bytes: Some(count),
                        ..Interval::default()
                    };
                    result.intervals = times.iter().map(interval).collect();
                    let event = |at_s: f64| Event { at_s, kind: EventKind::Split, count };
                    result.events = [0.0, 1e13, f64::NAN, -1.0].map(event).into();
                });
                assert_eq!(check(&page), 2, "{us} {times:?} {count}");
            }
        }
    }
}

#[test]
fn throttled_requests_have_a_panel_where_there_are_any() {
    let page = |throttled: u64| {
        run(|result| {
            let second =
                |at_s: u32| Interval { at_s: f64::from(at_s), throttled, ..Interval::default() };
            result.intervals = (0..5).map(second).collect();
        })
    };
    let title = "throttled requests per second";
    assert!(!page(0).contains(title));
    for throttled in [1, u64::MAX] {
        let page = page(throttled);
        assert_eq!(check(&page), 2, "{throttled}");
        assert!(page.contains(title) && page.contains(" throttled<"), "{throttled}");
    }
}

#[test]
fn overlays_of_odd_figures() {
    for us in ODD {
        for times in [&[][..], &[0.0], &[0.0, 1.0, 2.0], &[1e12, 0.0], &[f64::NAN, -1.0, 5.0]] {
            for throttled in [0, 7, u64::MAX] {
                let mut result = RunResult::default();
                let second = |at_s: &f64| Interval {
                    at_s: *at_s,
                    count: 1,
                    p99_us: us,
                    throttled,
                    ..Interval::default()
                };
                // And one that is not whole.
                result.intervals = times.iter().chain(&[9.0]).map(second).collect();
                let name = "a & <b>".repeat(20);
                let runs = Runs { name, results: vec![result.clone(), result] };
                let empty = Runs { name: String::new(), results: Vec::new() };
                let drawn = check(&compare_report(&vec![runs; 13], &[]));
                let p99 = if us.is_finite() && us >= 0.0 && !times.is_empty() { 2 } else { 0 };
                let bars = if throttled > 0 && !times.is_empty() { 2 } else { 0 };
                assert_eq!(drawn, p99 + bars, "{us} {times:?} {throttled}");
                assert_eq!(check(&compare_report(&[empty], &[])), 0);
            }
        }
    }
}

#[test]
fn heat_maps_of_odd_figures() {
    for count in [0, 1, 7, u64::MAX] {
        for bounds_us in [vec![10.0], vec![1.0, 1.0], vec![0.0, 1e12], vec![f64::NAN, 5.0], vec![]]
        {
            for column_s in [1.0, 0.0, 1e12, f64::NAN] {
                let map = HeatMap {
                    column_s,
                    bounds_us: bounds_us.clone(),
                    columns: vec![vec![count; 3]; 2],
                };
                let drawn = check(&run(|result| result.heat_map = map));
                assert_eq!(drawn, if count > 0 && !bounds_us.is_empty() { 2 } else { 0 });
            }
        }
    }
}

#[test]
fn curves_of_odd_figures() {
    for us in ODD {
        for rates in [&[][..], &[5_000.0], &[0.0], &[1e12, 1.0], &[3.0, 3.0], &[f64::NAN, 10.0]] {
            let point = |rate_per_s: &f64| CurvePoint {
                rate_per_s: *rate_per_s,
                p50_us: us,
                p99_us: us,
                p999_us: us,
                sustained: us > 1.0,
            };
            let curve = LatencyCurve {
                points: rates.iter().map(point).collect(),
                target_p99_us: us,
                knee_rate_per_s: Some(us),
                best_rate_per_s: Some(RateEstimate { low: us, estimate: us, high: us }),
            };
            let drawn = check(&Report::new("curve").curve("curve", &curve).to_html());
            assert_eq!(drawn, if rates.is_empty() { 0 } else { 2 }, "{us} {rates:?}");
        }
    }
}

#[test]
fn forests_of_odd_figures() {
    for ratio in ODD {
        for (low, high) in [(ratio, ratio), (0.0, 1e12), (f64::NAN, f64::NAN), (2.0, 0.5)] {
            let row =
                RatioRow { label: "x".repeat(99), low, estimate: ratio, high, note: String::new() };
            let table = RatioTable {
                rows: vec![row.clone(), row],
                reference: ratio,
                threshold: Some((low, high)),
            };
            let drawn = check(&Report::new("ratios").ratios("ratios", &table).to_html());
            assert_eq!(
                drawn,
                if ratio.is_finite() && ratio > 0.0 { 2 } else { 0 },
                "{ratio} {low} {high}"
            );
        }
    }
}

#[test]
fn an_hour_second_by_second_stays_a_page_that_opens_at_once() {
    let mut result = full();
    let wave = |second: u32| 1.0 + 0.5 * (f64::from(second) * 0.7).sin();
    result.intervals = (0..3_600)
        .map(|second| Interval {
            at_s: f64::from(second),
            count: (90_000.0 * wave(second)) as u64,
            p50_us: Some(300.0 * wave(second * 3)),
            p99_us: 3_000.0 * wave(second * 5),
            max_us: 30_000.0 * wave(second * 7),
            compaction_bytes: Some((2e8 * wave(second * 11)) as u64),
            ..Interval::default()
        })
        .collect();
    result.events = (0..14_400)
        .map(|quarter| Event {
            at_s: f64::from(quarter) / 4.0,
            kind: EventKind::Throttle,
            count: 9,
        })
        .collect();
    result.heat_map.bounds_us = (0..57).map(|row| 10f64.powf(f64::from(row) / 8.0)).collect();
    result.heat_map.column_s = 20.0;
    result.heat_map.columns =
        (0..180).map(|column| (0..57).map(|row| (column * row * 37) % 5_000).collect()).collect();
    let page = run_report(&result);
    assert_eq!(check(&page), 6);
    assert!(page.len() < 1_500_000, "{} bytes", page.len());
}
