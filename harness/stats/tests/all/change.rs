//! Are the literature's change points found, and none in noise?

use flywheel_stats::{ChangeOptions, StatsError, change_points};

use crate::support::{Normal, close};

fn at(significance: f64) -> ChangeOptions {
    ChangeOptions { significance, ..ChangeOptions::default() }
}

fn indexes(series: &[f64], options: &ChangeOptions) -> Vec<usize> {
    change_points(series, options).unwrap().iter().map(|point| point.index).collect()
}

/// The Nile's flow at Aswan, 1871 to 1970, in 10^8 m^3 (Cobb, "The Problem of the Nile", Biometrika 65, 1978). It
/// fell in 1899; the means of both parts are 1097.75 and 849.97.
#[rustfmt::skip]
const NILE: [f64; 100] = [
    1120., 1160., 963., 1210., 1160., 1160., 813., 1230., 1370., 1140., 995., 935., 1110., 994., 1020., 960., 1180.,
    799., 958., 1140., 1100., 1210., 1150., 1250., 1260., 1220., 1030., 1100., 774., 840., 874., 694., 940., 833.,
    701., 916., 692., 1020., 1050., 969., 831., 726., 456., 824., 702., 1120., 1100., 832., 764., 821., 768., 845.,
    864., 862., 698., 845., 744., 796., 1040., 759., 781., 865., 845., 944., 984., 897., 822., 1010., 771., 676.,
    649., 846., 812., 742., 801., 1040., 860., 874., 848., 890., 744., 749., 838., 1050., 918., 986., 797., 923.,
    975., 815., 1020., 906., 901., 1170., 912., 746., 919., 718., 714., 740.,
];

#[test]
fn the_nile_fell_in_1899() {
    for window in [50, 100, 1_000] {
        let found = change_points(&NILE, &ChangeOptions { window, ..at(0.001) }).unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(1871 + found[0].index, 1899);
        assert!(close(found[0].mean_before, 1_097.75, 1e-12), "{found:?}");
        assert!(close(found[0].mean_after, 849.97, 1e-5), "{found:?}");
        assert!(found[0].p_value < 1e-9, "{found:?}");
        assert!(close(found[0].relative_size(), 0.2915, 1e-3), "{found:?}");
    }
}

/// Britain's disasters in coal mines a year, 1851 to 1961 (Jarrett, Biometrika 66, 1979, by year). Raftery and
/// Akman, Biometrika 73, 1986, put the change between 1887 and 1895.
#[rustfmt::skip]
const DISASTERS: [f64; 111] = [
    4., 5., 4., 0., 1., 4., 3., 4., 0., 6., 3., 3., 4., 0., 2., 6., 3., 3., 5., 4., 5., 3., 1., 4., 4., 1., 5., 5.,
    3., 4., 2., 5., 2., 2., 3., 4., 2., 1., 3., 2., 2., 1., 1., 1., 1., 3., 0., 0., 1., 0., 1., 1., 0., 0., 3., 1.,
    0., 3., 2., 2., 0., 1., 1., 1., 0., 1., 0., 1., 0., 0., 0., 2., 1., 0., 0., 0., 1., 1., 0., 2., 3., 3., 1., 1.,
    2., 1., 1., 1., 1., 2., 4., 2., 0., 0., 1., 4., 0., 0., 0., 1., 0., 0., 0., 0., 0., 1., 0., 0., 1., 0., 1.,
];

#[test]
fn coal_mines_grew_safer_about_1890() {
    let found = change_points(&DISASTERS, &ChangeOptions { window: 111, ..at(0.001) }).unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!((1887..=1895).contains(&(1851 + found[0].index)), "{found:?}");
    assert!(close(found[0].mean_before, 3.1, 0.05) && close(found[0].mean_after, 0.9, 0.05));
}

/// The short series that Apache Otava, Hunter's successor, is tested with, and their changes.
#[test]
fn hunters_own_series() {
    let halved = [
        1.02, 0.95, 0.99, 1.00, 1.12, 1.00, 1.01, 0.98, 1.01, 0.96, 0.50, 0.51, 0.48, 0.48, 0.55,
        0.50, 0.49, 0.51, 0.50, 0.49,
    ];
    for window in [10, 50] {
        assert_eq!(indexes(&halved, &ChangeOptions { window, ..at(1e-4) }), [10]);
    }
    let stairs =
        [0.3, 2.4, 1.5, -0.9, -0.5, 99.7, 98.3, 99.1, 149.0, 149.7, 149.5, 149.1, 148.8, 150.0];
    assert_eq!(indexes(&stairs, &at(0.01)), [5, 8]);
    let same = [1.00, 1.02, 1.05, 0.95, 0.98, 1.00, 1.02, 1.05, 0.95, 0.98];
    assert!(indexes(&same, &at(0.001)).is_empty());
    let lower = [1.00, 1.02, 1.05, 0.95, 0.98, 0.80, 0.82, 0.85, 0.79, 0.77];
    assert_eq!(indexes(&lower, &at(0.001)), [5]);
}

/// The first 131 of TigerBeetle's nightly throughputs in Otava's tests, where changes of 5 % at 0.01 and a window of 30
/// are 15 and 71 in all 372, the outlier at 10 being none.
#[rustfmt::skip]
const NIGHTLY: [f64; 131] = [
    26705., 26475., 26641., 26806., 26835., 26911., 26564., 26812., 26874., 26682., 15672., 26745., 26460., 26977.,
    26851., 23412., 23547., 23674., 23519., 23670., 23662., 23462., 23750., 23717., 23524., 23588., 23687., 23793.,
    23937., 23715., 23570., 23730., 23690., 23699., 23670., 23860., 23988., 23652., 23681., 23798., 23728., 23604.,
    23523., 23412., 23685., 23773., 23771., 23718., 23409., 23739., 23674., 23597., 23682., 23680., 23711., 23660.,
    23990., 23938., 23742., 23703., 23536., 24363., 24414., 24483., 24509., 24944., 24235., 24560., 24236., 24667.,
    24730., 28346., 28437., 28436., 28057., 28217., 28456., 28427., 28398., 28250., 28331., 28222., 28726., 28578.,
    28345., 28274., 28514., 28590., 28449., 28305., 28411., 28788., 28404., 28821., 28580., 27483., 26805., 27487.,
    27124., 26898., 27295., 26951., 27312., 27660., 27154., 27050., 26989., 27193., 27503., 27326., 27375., 27513.,
    27057., 27421., 27574., 27609., 27123., 27824., 27644., 27394., 27836., 27949., 27702., 27457., 27272., 28207.,
    27802., 27516., 27586., 28005., 27768.,
];

#[test]
fn nightly_throughput_of_tigerbeetle() {
    let large = ChangeOptions { min_relative: 0.05, window: 30, ..at(0.01) };
    assert_eq!(indexes(&NIGHTLY, &large), [15, 71]);
    // Without a least size, Otava finds these at 0.001, and one or two more.
    let any = indexes(&NIGHTLY, &ChangeOptions { window: 30, ..at(0.001) });
    for known in [15, 61, 71, 95, 117] {
        assert!(any.contains(&known), "{known} in {any:?}");
    }
    assert!(!any.contains(&10) && !any.contains(&11), "{any:?}");
}

/// Share of series of `shape`d noise with any change.
fn false_share(count: usize, significance: f64, shape: fn(f64) -> f64) -> f64 {
    let mut normal = Normal::new(5);
    let cried = (0..500).filter(|_| {
        let series: Vec<f64> = (0..count).map(|_| shape(normal.draw())).collect();
        !indexes(&series, &at(significance)).is_empty()
    });
    cried.count() as f64 / 500.0
}

#[test]
fn noise_seldom_changes() {
    for (count, most) in [(20, 0.015), (50, 0.03), (100, 0.04), (200, 0.06)] {
        let normal = false_share(count, 0.001, |z| 100.0 + z);
        assert!(normal <= most, "{normal} of {count}");
        let skewed = false_share(count, 0.001, |z| (0.5 * z).exp());
        assert!(skewed <= most, "{skewed} of {count}");
    }
    let loose = false_share(50, 0.01, |z| 100.0 + z);
    assert!(loose <= 0.20, "{loose}");
}

#[test]
fn real_changes_are_found_near_where_they_are() {
    let mut normal = Normal::new(6);
    let near = (0..200).filter(|_| {
        let mut series: Vec<f64> = normal.draws(60).iter().map(|z| 100.0 + 2.0 * z).collect();
        series[35..].iter_mut().for_each(|result| *result -= 5.0);
        matches!(indexes(&series, &at(0.001))[..], [index] if index.abs_diff(35) <= 3)
    });
    let share = near.count() as f64 / 200.0;
    assert!(share >= 0.90, "{share}");
}

#[test]
fn an_outlier_or_two_are_no_change() {
    let mut normal = Normal::new(7);
    for place in 0..40 {
        for outliers in [1, 2] {
            for size in [-50.0, 5.0, 900.0] {
                let mut series: Vec<f64> =
                    normal.draws(40).iter().map(|z| 100.0 + 0.3 * z).collect();
                series.iter_mut().skip(place).take(outliers).for_each(|result| *result += size);
                let found = indexes(&series, &at(1e-4));
                assert!(found.is_empty(), "{found:?} of {outliers} by {size} at {place}");
            }
        }
    }
}

#[test]
fn a_change_smaller_than_asked_for_is_none() {
    let series: Vec<f64> =
        (0..40).map(|at| if at < 20 { 100.0 } else { 104.0 } + (at % 3) as f64 * 0.1).collect();
    let least = |min_relative| indexes(&series, &ChangeOptions { min_relative, ..at(0.001) });
    assert_eq!(least(0.03), [20]);
    assert!(least(0.05).is_empty());
}

#[test]
fn a_rise_and_fall_shorter_than_the_window_are_both_found() {
    let mut series = Normal::new(8).draws(120);
    series[50..60].iter_mut().for_each(|result| *result += 8.0);
    assert_eq!(indexes(&series, &ChangeOptions { window: 30, ..at(0.001) }), [50, 60]);
}

/// Against all that comes after, fall included, the rise alone is doubtful.
#[test]
fn a_small_hump_is_found_by_its_two_ends_together() {
    let mut normal = Normal::new(9);
    let both = (0..200).filter(|_| {
        let mut series = normal.draws(45);
        series[18..27].iter_mut().for_each(|result| *result += 4.0);
        indexes(&series, &at(0.001)).len() == 2
    });
    let share = both.count() as f64 / 200.0;
    assert!(share >= 0.95, "{share}");
}

#[test]
fn short_and_constant_series_have_none() {
    for series in [&[][..], &[1.0], &[1.0, 2.0, 9.0], &[1.0, 1.0, 9.0, 9.0, 9.0], &[5.0; 80]] {
        assert!(indexes(series, &at(0.001)).is_empty());
    }
    assert_eq!(indexes(&[1.0, 1.0, 1.0, 2.0, 2.0, 2.0], &at(0.001)), [3]);
    assert_eq!(indexes(&[0.0, 0.0, 0.0, -2.0, -2.0, -2.0], &at(0.001)), [3]);
}

#[test]
fn what_has_no_answer_is_an_error() {
    let found = change_points(&[1.0, f64::NAN, 2.0], &at(0.001));
    assert!(matches!(found, Err(StatsError::NotFinite { index: 1, .. })));
    assert!(change_points(&[f64::NEG_INFINITY], &at(0.001)).is_err());
    for options in [
        at(0.0),
        at(1.0),
        at(f64::NAN),
        ChangeOptions { min_relative: -0.1, ..at(0.1) },
        ChangeOptions { window: 5, ..at(0.1) },
    ] {
        let found = change_points(&[1.0; 9], &options);
        assert!(matches!(found, Err(StatsError::Argument { .. })), "{options:?}");
    }
}
