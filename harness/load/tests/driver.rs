//! Both phases against a map: counts, repeatability, pacing, stopping, warm-up.
//! Nothing here asserts on how long something took. Faulty targets are in `faults`.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use flywheel_load::figures::OperationFigures;
use flywheel_load::{Control, Operation, Phase, RunError, RunFigures, RunOptions, Workload, run};

use crate::support::{DISTRIBUTIONS, Fault, Map, workload};

/// Small records, so that a test takes no time.
fn small(more: &[(&str, &str)]) -> Workload {
    let mut all = vec![
        ("recordcount", "500"),
        ("operationcount", "2000"),
        ("fieldcount", "3"),
        ("fieldlength", "40"),
        ("requestdistribution", "zipfian"),
    ];
    all.extend(more);
    workload(&all)
}

fn count(figures: &RunFigures, operation: Operation) -> u64 {
    figures.operations.get(&operation).map_or(0, |of| of.count)
}

fn loaded(workload: &Workload) -> Map {
    let map = Map::new(Fault::None);
    map.load(workload);
    map
}

#[test]
fn loading_inserts_every_record_once() {
    for clients in ["1", "3", "64"] {
        let workload = small(&[("threadcount", clients)]);
        let map = Map::new(Fault::None);
        let figures = map.load(&workload);
        assert_eq!(figures.phase, Phase::Load);
        assert_eq!((figures.operations_total, count(&figures, Operation::Insert)), (500, 500));
        assert!(figures.is_clean() && !figures.partial);
        let records = map.snapshot();
        assert_eq!(records.len(), 500);
        assert!((0..500).all(|number| records.contains_key(workload.key(number).as_slice())));
    }
}

#[test]
fn what_is_loaded_depends_on_the_seed_not_on_the_clients() {
    let snapshot =
        |clients, seed| loaded(&small(&[("threadcount", clients), ("seed", seed)])).snapshot();
    assert_eq!(snapshot("1", "7"), snapshot("16", "7"));
    assert_ne!(snapshot("1", "7"), snapshot("1", "8"));
}

#[test]
fn a_partial_load_inserts_its_range() {
    let workload = small(&[("insertstart", "100"), ("insertcount", "50")]);
    let map = loaded(&workload);
    assert_eq!(map.snapshot().len(), 50);
    assert!(map.snapshot().contains_key(workload.key(149).as_slice()));
}

#[test]
fn user_bytes_are_keys_names_and_values() {
    let workload = small(&[]);
    let figures = Map::new(Fault::None).load(&workload);
    let keys: u64 = (0..500).map(|number| workload.key(number).len() as u64).sum();
    let fields = 500 * 3 * (40 + "field0".len() as u64);
    assert_eq!(figures.user_bytes_written, keys + fields);
    assert_eq!(figures.whole_phase.user_bytes_written, keys + fields);
}

#[test]
fn a_run_does_its_operations_in_their_shares() {
    let workload = small(&[
        ("operationcount", "10001"),
        ("threadcount", "7"),
        ("readproportion", "0.3"),
        ("updateproportion", "0.3"),
        ("insertproportion", "0.1"),
        ("scanproportion", "0.1"),
        ("readmodifywriteproportion", "0.2"),
        ("maxscanlength", "20"),
    ]);
    let map = loaded(&workload);
    let figures = map.run(&workload);
    assert_eq!(figures.operations_total, 10_001, "READMODIFYWRITE counts once");
    let rmw = count(&figures, Operation::ReadModifyWrite);
    let near = |operation, halves: u64, share: f64| {
        let own = (count(&figures, operation) - halves) as f64 / 10_001.0;
        assert!((own - share).abs() < 0.02, "{operation}: {own} instead of {share}");
    };
    near(Operation::Read, rmw, 0.3);
    near(Operation::Update, rmw, 0.3);
    near(Operation::Insert, 0, 0.1);
    near(Operation::Scan, 0, 0.1);
    near(Operation::ReadModifyWrite, 0, 0.2);
    assert_eq!(map.snapshot().len() as u64, 500 + count(&figures, Operation::Insert));
    assert!(figures.whole_phase.records_scanned > 0);
    assert!(figures.is_clean() && !figures.partial, "{figures:?}");
    for (operation, of) in &figures.operations {
        assert_eq!(of.not_found, 0, "{operation}: only keys that exist are drawn");
        let times = of.response_us;
        assert!(
            times.min <= times.p50 && times.p50 <= times.p99 && times.p99 <= times.max,
            "{operation}"
        );
        assert!(of.service_us.is_none() && of.wait_us.is_none(), "the run is not paced");
        assert_eq!(figures.histograms[operation].response_ns.len(), of.count);
    }
    let in_series: u64 = figures.intervals.iter().map(|interval| interval.operations).sum();
    assert_eq!(in_series, 10_001);
}

#[test]
fn one_client_repeats_itself_for_a_seed() {
    let outcome = |seed| {
        let workload = small(&[
            ("seed", seed),
            ("insertproportion", "0.2"),
            ("scanproportion", "0.1"),
            ("readmodifywriteproportion", "0.2"),
            ("requestdistribution", "latest"),
        ]);
        let map = loaded(&workload);
        let figures = map.run(&workload);
        let counts: Vec<u64> =
            Operation::ALL.iter().map(|operation| count(&figures, *operation)).collect();
        (map.snapshot(), counts, figures.whole_phase)
    };
    assert_eq!(outcome("1"), outcome("1"));
    assert_ne!(outcome("1"), outcome("2"));
}

#[test]
fn many_clients_do_the_same_operations_for_a_seed() {
    // Without inserts nothing depends on who comes first, so the counts and the bytes repeat.
    let outcome = || {
        let workload = small(&[("threadcount", "9"), ("scanproportion", "0.2"), ("seed", "5")]);
        let figures = loaded(&workload).run(&workload);
        let counts: Vec<u64> =
            Operation::ALL.iter().map(|operation| count(&figures, *operation)).collect();
        (counts, figures.whole_phase)
    };
    assert_eq!(outcome(), outcome());
}

#[test]
fn every_distribution_and_option_runs_clean_under_verification() {
    for distribution in DISTRIBUTIONS {
        for option in ["readallfields", "writeallfields", "table"] {
            let workload = small(&[
                ("requestdistribution", distribution),
                (option, if option == "readallfields" { "false" } else { "true" }),
                ("insertproportion", "0.1"),
                ("scanproportion", "0.1"),
                ("readmodifywriteproportion", "0.3"),
                ("maxscanlength", "10"),
                ("dataintegrity", "true"),
                ("threadcount", "5"),
            ]);
            let figures = loaded(&workload).run(&workload);
            let verification = figures.verification.as_ref().expect("dataintegrity is on");
            assert_eq!(
                verification.failed, 0,
                "{distribution}, {option}: {:?}",
                verification.samples
            );
            assert!(verification.checked > 1_000, "{distribution}, {option}");
            assert!(figures.is_clean());
        }
    }
}

#[test]
fn a_run_without_an_end_is_refused() {
    let workload = small(&[("operationcount", "0")]);
    let map = Map::new(Fault::None);
    let refused = run(&workload, &&map, &RunOptions::default(), &Control::new());
    assert!(matches!(refused, Err(RunError::Unbounded)));
}

#[test]
fn a_run_bounded_by_time_ends_and_is_not_partial() {
    let workload =
        small(&[("operationcount", "0"), ("maxexecutiontime", "0.05"), ("threadcount", "3")]);
    let figures = loaded(&workload).run(&workload);
    assert!(figures.operations_total > 0);
    assert!(!figures.partial);
}

#[test]
fn the_warm_up_is_excluded_from_figures_and_from_the_operation_count() {
    let workload =
        small(&[("warmuptime", "0.05"), ("operationcount", "100"), ("threadcount", "2")]);
    let map = loaded(&workload);
    let figures = map.run(&workload);
    assert_eq!(figures.operations_total, 100);
    let timed: u64 = figures.operations.values().map(|of: &OperationFigures| of.count).sum();
    assert_eq!(timed, 100);
    assert!(figures.whole_phase.operations > 100, "the warm-up ran: {:?}", figures.whole_phase);
    let series: u64 = figures.intervals.iter().map(|interval| interval.operations).sum();
    assert_eq!(series, 100);
    assert!(figures.whole_phase.user_bytes_written >= figures.user_bytes_written);
    let progress = map.control.progress();
    assert_eq!((progress.measured, progress.operations), (100, figures.whole_phase.operations));
}

#[test]
fn a_stop_during_the_warm_up_leaves_no_figures_and_says_partial() {
    let workload = small(&[("warmuptime", "1000"), ("threadcount", "2")]);
    let map = loaded(&workload).with_fault(Fault::StopAt(50));
    let figures = map.run(&workload);
    assert!(figures.partial);
    assert_eq!((figures.operations_total, figures.throughput_ops_per_s), (0, 0.0));
    assert!(figures.whole_phase.operations >= 50);
}

#[test]
fn a_stop_keeps_what_was_measured() {
    for clients in ["1", "8"] {
        let workload = small(&[("operationcount", "1000000000"), ("threadcount", clients)]);
        let map = loaded(&workload).with_fault(Fault::StopAt(300));
        let figures = map.run(&workload);
        assert!(figures.partial);
        assert!((292..2_000).contains(&figures.operations_total), "{}", figures.operations_total);
        assert_eq!(figures.abandoned, 0);
        assert!(map.control.progress().finished);
    }
}

#[test]
fn a_stop_flag_of_someone_elses_is_seen_also_while_pacing() {
    // One operation every 1000 seconds: only the flag can end this.
    let map = loaded(&small(&[]));
    let workload = small(&[("target", "0.001"), ("threadcount", "2")]);
    let flag = Arc::new(AtomicBool::new(true));
    let control = Control::with_stop_flag(flag);
    let figures =
        run(&workload, &&map, &RunOptions::default(), &control).expect("the map connects");
    assert!(figures.partial);
}

#[test]
fn a_paced_run_times_from_the_schedule_and_says_whether_it_kept_it() {
    let workload = small(&[("target", "20000"), ("threadcount", "4"), ("operationcount", "1000")]);
    let figures = loaded(&workload).run(&workload);
    assert_eq!(figures.operations_total, 1_000);
    let pace = figures.pace.expect("the run is paced");
    assert_eq!(pace.target_ops_per_s, 20_000.0);
    for (operation, of) in &figures.operations {
        let (service, wait) = (of.service_us.expect("paced"), of.wait_us.expect("paced"));
        assert!(of.response_us.max + 1e-9 >= service.max, "{operation}: response includes service");
        assert!(of.response_us.max + 1e-9 >= wait.max, "{operation}: response includes the wait");
    }
}

#[test]
fn a_paced_run_that_time_ends_does_what_its_schedule_says_and_no_more() {
    // A tick of 100 ms: most of the schedule's last tick lies behind the end.
    let paced = [("target", "1000"), ("threadcount", "100"), ("maxexecutiontime", "0.25")];
    let workload = small(&[&paced[..], &[("operationcount", "0")]].concat());
    let figures = loaded(&workload).run(&workload);
    assert!((1..=250).contains(&figures.operations_total), "{}", figures.operations_total);
    assert!(!figures.partial);
}

#[test]
fn a_rate_that_no_target_sustains_is_called_so() {
    let workload = small(&[("target", "1000000000"), ("threadcount", "4")]);
    let pace = loaded(&workload).run(&workload).pace.expect("the run is paced");
    assert!(!pace.sustained);
    assert!(pace.final_slip_us > 0.0);
}

#[test]
fn answers_from_other_threads_are_waited_for() {
    let workload = small(&[("operationcount", "300"), ("threadcount", "8")]);
    let map = loaded(&workload).with_fault(Fault::Elsewhere);
    let figures = map.run(&workload);
    assert_eq!(figures.operations_total, 300);
    assert!(figures.is_clean() && !figures.partial);
}

#[test]
fn more_clients_than_a_word_has_bits_and_more_than_operations() {
    let workload = small(&[("threadcount", "3000"), ("operationcount", "2500")]);
    let figures = loaded(&workload).run(&workload);
    assert_eq!((figures.operations_total, figures.clients), (2_500, 3_000));
    assert!(!figures.partial);
}

#[test]
fn workers_are_as_many_as_asked_for_but_no_more_than_clients() {
    let workload = small(&[("threadcount", "3")]);
    let map = loaded(&workload);
    for (asked, given) in [(1, 1), (2, 2), (9, 3)] {
        let options = RunOptions { workers: Some(asked), ..RunOptions::default() };
        let figures = run(&workload, &&map, &options, &map.control).expect("the map connects");
        assert_eq!((figures.workers, figures.operations_total), (given, 2_000));
    }
}

#[test]
fn figures_survive_json() {
    let workload = small(&[("target", "1000000"), ("dataintegrity", "true")]);
    let figures = loaded(&workload).run(&workload);
    let text = serde_json::to_string(&figures).expect("figures are JSON");
    for name in [
        "throughput_ops_per_s",
        "runtime_s",
        "\"READ\"",
        "response_us",
        "p999",
        "intervals",
        "partial",
    ] {
        assert!(text.contains(name), "{name} is in {text}");
    }
    let back: RunFigures = serde_json::from_str(&text).expect("what was written reads back");
    // Not the doubles: reading them back may differ in the last digit.
    let counts = |figures: &RunFigures| Operation::ALL.map(|operation| count(figures, operation));
    assert_eq!(counts(&back), counts(&figures));
    assert_eq!(back.whole_phase, figures.whole_phase);
}
