//! The open loop against a map: accounts that add up, refusals, lateness, steps, stopping.
//! Nothing here asserts on how long something took. The schedule itself is tested beside it.

use std::time::Duration;

use flywheel_load::figures::OpenFigures;
use flywheel_load::{Control, OpenOptions, RunError, RunFigures, Step, Workload, run_open};

use crate::support::{Fault, Map, workload};

fn small(more: &[(&str, &str)]) -> Workload {
    let mut all = vec![
        ("recordcount", "200"),
        ("operationcount", "7"),
        ("fieldcount", "2"),
        ("fieldlength", "20"),
        ("requestdistribution", "uniform"),
        ("dataintegrity", "true"),
    ];
    all.extend(more);
    workload(&all)
}

/// Loads, then offers 2,000 operations in a second, half of them in the first.
fn offer(fault: Fault, options: impl FnOnce(&mut OpenOptions), workload: &Workload) -> RunFigures {
    let map = Map::new(Fault::None);
    map.load(workload);
    let map = map.with_fault(fault);
    let mut arrivals = OpenOptions::new(2000.0, 1);
    arrivals.late_after = Duration::from_secs(3600);
    options(&mut arrivals);
    run_open(workload, &&map, &arrivals, &map.control).expect("the map connects")
}

fn open(figures: &RunFigures) -> &OpenFigures {
    figures.open.as_ref().expect("the loop was open")
}

/// What was offered is what was answered, refused, failed or abandoned: in all and by step.
fn check_accounts(figures: &RunFigures) {
    let OpenFigures { total, steps, seconds, .. } = open(figures);
    let refused = total.refused_total();
    let ended = figures.operations_total + figures.errors_total + figures.abandoned;
    assert_eq!(total.offered, ended + refused, "{total:?}");
    let sum = |count: fn(&flywheel_load::figures::ArrivalFigures) -> u64| {
        assert_eq!(seconds.iter().map(count).sum::<u64>(), count(total));
    };
    sum(|arrivals| arrivals.offered);
    sum(|arrivals| arrivals.late);
    sum(|arrivals| arrivals.refused_total());
    let accepted: u64 = steps.iter().map(|step| step.accepted).sum();
    assert!(accepted <= figures.operations_total, "stragglers end behind the last step");
}

#[test]
fn every_arrival_is_offered_whatever_the_properties_of_a_closed_loop_say() {
    let workload = small(&[("threadcount", "1"), ("target", "1")]);
    let map = Map::new(Fault::None);
    map.load(&small(&[]));
    let mut arrivals = OpenOptions::new(2000.0, 1);
    arrivals.late_after = Duration::from_secs(3600);
    let figures = run_open(&workload, &&map, &arrivals, &map.control).expect("connects");
    check_accounts(&figures);
    let total = &open(&figures).total;
    assert!((1700..2300).contains(&total.offered), "Poisson of 2000: {}", total.offered);
    assert_eq!((total.late, total.refused_total()), (0, 0));
    assert_eq!(figures.operations_total, total.offered);
    assert!(figures.is_clean() && !figures.partial);
    let verification = figures.verification.expect("dataintegrity is on");
    assert!(verification.checked > 500 && verification.failed == 0);
    for of in figures.operations.values() {
        let (service, wait) = (of.service_us.expect("timed"), of.wait_us.expect("timed"));
        assert!(of.response_us.max + 1e-9 >= service.max.max(wait.max));
        assert!(wait.max > 0.0, "times count from the arrival, never from the start");
    }
}

#[test]
fn the_same_seed_offers_the_same_operations() {
    let counts = |seed, workers| {
        let workload = small(&[("seed", seed), ("readproportion", "0.4")]);
        let figures = offer(Fault::None, |options| options.workers = Some(workers), &workload);
        figures.operations.iter().map(|(of, times)| (*of, times.count)).collect::<Vec<_>>()
    };
    for workers in [1, 2] {
        assert_eq!(counts("3", workers), counts("3", workers));
        assert_ne!(counts("3", workers), counts("4", workers));
    }
}

#[test]
fn refusals_are_counted_by_reason_and_neither_tried_again_nor_errors() {
    let workload = small(&[("readmodifywriteproportion", "0.3")]);
    let map = Map::new(Fault::None);
    map.load(&workload);
    let map = map.with_fault(Fault::FailEvery(4));
    let mut arrivals = OpenOptions::new(2000.0, 1);
    arrivals.late_after = Duration::from_secs(3600);
    let figures = run_open(&workload, &&map, &arrivals, &map.control).expect("connects");
    check_accounts(&figures);
    let OpenFigures { total, steps, .. } = open(&figures);
    let calls = map.calls.load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(total.refused["the queue is full"], calls / 4);
    assert_eq!(total.refused.len(), 1);
    let throttled: u64 = figures.intervals.iter().map(|second| second.throttled).sum();
    assert_eq!(throttled, total.refused_total(), "each in its second");
    assert!(figures.errors.is_empty() && figures.errors_total == 0 && figures.is_clean());
    assert!(steps[0].last_refusal_s.is_some_and(|at| at > 0.0));
    assert!(figures.operations.values().all(|of| of.errors == 0));
}

#[test]
fn other_errors_stay_errors() {
    let figures = offer(Fault::FailFirst(0), |_| {}, &small(&[]));
    assert_eq!(figures.errors_total, 0);
    let figures = offer(Fault::BreakEvery(5), |_| {}, &small(&[]));
    check_accounts(&figures);
    assert!(figures.errors_total > 100 && !figures.is_clean());
    assert_eq!(open(&figures).total.refused_total(), 0);
    assert!(figures.intervals.iter().all(|second| second.throttled == 0), "they broke");
}

#[test]
fn arrivals_without_a_slot_wait_in_the_schedule_and_are_given_up_when_late() {
    // The first operation never comes back, and there is no second slot: nobody is left to offer the
    // others. Nothing is stored for them.
    let figures = offer(
        Fault::HangAt(1),
        |options| {
            options.in_flight = 1;
            options.late_after = Duration::from_millis(1);
            options.drain = Some(Duration::ZERO);
            options.steps[0].rate_per_s = 1e5;
        },
        &small(&[]),
    );
    check_accounts(&figures);
    assert_eq!((figures.abandoned, open(&figures).total.offered), (1, 1));
    assert!(figures.partial);
    assert!(open(&figures).total.late > 90_000, "{:?}", open(&figures).total);
}

#[test]
fn with_no_patience_at_all_what_is_not_offered_is_late() {
    let mut options = OpenOptions::new(50_000.0, 1);
    options.late_after = Duration::ZERO;
    options.workers = Some(2);
    options.arrivals = flywheel_load::Arrivals::Constant;
    let workload = small(&[]);
    let map = Map::new(Fault::None);
    map.load(&workload);
    let figures = run_open(&workload, &&map, &options, &map.control).expect("connects");
    check_accounts(&figures);
    let total = &open(&figures).total;
    assert_eq!(total.offered + total.late, 50_000, "each arrival is one or the other");
    assert!(total.late > 0);
}

#[test]
fn steps_have_their_own_figures() {
    let figures = offer(
        Fault::None,
        |options| {
            options.arrivals = flywheel_load::Arrivals::Constant;
            options.steps = vec![Step::flat(4000.0, 1), Step::flat(1000.0, 1)];
        },
        &small(&[]),
    );
    check_accounts(&figures);
    let OpenFigures { total, steps, .. } = open(&figures);
    assert_eq!((total.offered, steps.len()), (5000, 2));
    assert_eq!((steps[0].start_s, steps[1].start_s, steps[1].rate_per_s), (0.0, 1.0, 1000.0));
    assert!(steps[0].arrivals.offered > steps[1].arrivals.offered);
    assert!(steps.iter().all(|step| step.response_us.p99 > 0.0 && step.last_refusal_s.is_none()));
}

#[test]
fn a_stop_ends_it_and_says_so() {
    let figures =
        offer(Fault::StopAt(300), |options| options.steps[0].seconds = 100_000, &small(&[]));
    assert!(figures.partial);
    assert!((290..1000).contains(&figures.operations_total), "{}", figures.operations_total);
}

#[test]
fn answers_from_other_threads_free_their_slots() {
    let figures = offer(Fault::Elsewhere, |options| options.in_flight = 8, &small(&[]));
    check_accounts(&figures);
    assert_eq!(figures.operations_total, open(&figures).total.offered);
    assert!((1..=8).contains(&open(&figures).in_flight_most));
}

#[test]
fn impossible_arrivals_are_refused() {
    let workload = small(&[]);
    let map = Map::new(Fault::None);
    let mut bad = [(); 4].map(|()| OpenOptions::new(10.0, 1));
    bad[0].steps.clear();
    bad[1].steps[0].rate_per_s = 0.0;
    bad[2].steps[0].seconds = 0;
    bad[3].in_flight = 0;
    for options in bad {
        let refused = run_open(&workload, &&map, &options, &Control::new());
        assert!(matches!(refused, Err(RunError::Arrivals(_))), "{options:?}");
    }
    let inserts = small(&[("insertproportion", "0.1")]);
    let refused = run_open(&inserts, &&map, &OpenOptions::new(10.0, 1), &Control::new());
    assert!(matches!(refused, Err(RunError::Arrivals(_))));
}
