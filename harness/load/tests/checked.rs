//! The classes that check themselves, against a map: clean where it is right, and each fault found.
//! What a target makes of an addition is tested with the targets.

use flywheel_load::figures::Validation;
use flywheel_load::record::{Added, Addition, NUMBER_BYTES, Record, Values, VersionCheck};
use flywheel_load::{
    FieldSet, OpenOptions, Operation, Properties, RunFigures, RunOptions, Workload, run_open, sum,
    validate,
};

use crate::support::{Fault, Map, workload};

const COUNTERS: &str = "flywheel.CounterWorkload";
const ECONOMY: &str = "flywheel.ClosedEconomyWorkload";
const OWN: &str = "flywheel.ReadYourWritesWorkload";

fn small(class: &str, more: &[(&str, &str)]) -> Workload {
    let mut all = vec![
        ("workload", class),
        ("recordcount", "20"),
        ("operationcount", "2000"),
        ("fieldcount", "3"),
        ("fieldlength", "30"),
        ("readproportion", "0.3"),
        ("updateproportion", "0"),
        ("readmodifywriteproportion", "0.7"),
        ("total_cash", "2000"),
        ("threadcount", "8"),
    ];
    if class == OWN {
        all.extend([
            ("readproportion", "0.5"),
            ("updateproportion", "0.5"),
            ("readmodifywriteproportion", "0"),
            ("writeallfields", "true"),
        ]);
    }
    all.extend(more);
    workload(&all)
}

fn run_with(fault: Fault, workload: &Workload) -> (RunFigures, Map) {
    let map = Map::new(Fault::None);
    assert!(map.load(workload).validation.is_none(), "a load has no sum to keep");
    let map = map.with_fault(fault);
    (map.run(workload), map)
}

fn validation(figures: &RunFigures) -> &Validation {
    figures.validation.as_ref().expect("the sum is known")
}

#[test]
fn counters_add_up_to_what_was_acknowledged_run_after_run() {
    let workload = small(COUNTERS, &[("warmuptime", "0.02")]);
    let (figures, map) = run_with(Fault::None, &workload);
    let found = validation(&figures);
    let counted = figures.operations[&Operation::ReadModifyWrite].count as i64;
    assert!(counted > 1_000 && found.found >= counted, "the warm-up counts up as well");
    assert_eq!((found.before, found.found, found.records), (0, found.expected, 20));
    assert_eq!((found.unsettled, found.anomaly_score), (0, 0.0));
    assert!(found.passed() && figures.is_clean());
    assert!(figures.whole_phase.user_bytes_written > 0);
    assert!(!figures.operations.contains_key(&Operation::Update), "one operation, not two halves");
    // A second run begins where the first ended.
    let again = map.run(&workload);
    assert_eq!(validation(&again).before, found.found);
    assert!(again.is_clean());
}

#[test]
fn a_lost_increment_is_found() {
    let (figures, _) = run_with(Fault::LoseAdditionEvery(500), &small(COUNTERS, &[]));
    let found = validation(&figures);
    assert!(found.found < found.expected && !found.passed(), "{found:?}");
    assert!((1e-4..1e-2).contains(&found.anomaly_score), "{found:?}");
    assert!(!figures.is_clean());
}

#[test]
fn increments_in_two_steps_lose_some_that_meet() {
    let workload = small(COUNTERS, &[("recordcount", "1"), ("operationcount", "500")]);
    let (figures, _) = run_with(Fault::AddInTwoSteps, &workload);
    let found = validation(&figures);
    assert!(found.found < found.expected && !found.passed(), "{found:?}");
    // A client alone meets nobody.
    let alone = small(COUNTERS, &[("threadcount", "1"), ("operationcount", "200")]);
    assert!(run_with(Fault::AddInTwoSteps, &alone).0.is_clean());
}

#[test]
fn an_increment_without_an_answer_may_have_been_made() {
    let (figures, _) = run_with(Fault::BreakAfterAdditionEvery(100), &small(COUNTERS, &[]));
    let found = validation(&figures);
    assert!(found.unsettled > 5 && found.found > found.expected, "{found:?}");
    assert!(found.passed(), "each of them may count or not: {found:?}");
    assert!(found.anomaly_score > 0.0 && !figures.is_clean(), "the errors are errors all the same");
}

#[test]
fn refused_increments_were_not_made() {
    let workload = small(COUNTERS, &[]);
    let (figures, _) = run_with(Fault::FailEvery(7), &workload);
    let found = validation(&figures);
    // Reads of the check are refused as well, and come again.
    assert_eq!((found.unreadable, found.unsettled, found.found), (0, 0, found.expected));
    assert!(found.passed());
}

#[test]
fn an_open_loop_counts_as_well() {
    let workload = small(COUNTERS, &[]);
    let map = Map::new(Fault::None);
    map.load(&workload);
    let map = map.with_fault(Fault::FailEvery(10));
    let mut arrivals = OpenOptions::new(2000.0, 1);
    arrivals.late_after = std::time::Duration::from_secs(3600);
    let figures = map.summed(&workload, || run_open(&workload, &&map, &arrivals, &map.control));
    assert!(validation(&figures).found > 500 && figures.is_clean(), "{:?}", figures.validation);
}

#[test]
fn transfers_keep_the_total() {
    // Few accounts of 2 each, so that many run empty.
    for (count, cash) in [("2", "4"), ("20", "2000")] {
        let workload = small(ECONOMY, &[("recordcount", count), ("total_cash", cash)]);
        let (figures, map) = run_with(Fault::None, &workload);
        let found = validation(&figures);
        let cash: i64 = cash.parse().expect("a number");
        assert_eq!((found.before, found.expected, found.found), (cash, cash, cash));
        assert_eq!((found.anomaly_score, found.unsettled, found.overdrawn), (0.0, 0, 0));
        assert!(figures.is_clean());
        let balances: Vec<i64> =
            map.snapshot().values().map(|record| record.number(0).expect("a number")).collect();
        let at_first = cash / balances.len() as i64;
        assert!(balances.iter().any(|held| *held != at_first), "money moves: {balances:?}");
    }
}

#[test]
fn a_lost_half_of_a_transfer_is_found_and_scored() {
    let (figures, _) = run_with(Fault::LoseAdditionEvery(101), &small(ECONOMY, &[]));
    let found = validation(&figures);
    assert_ne!(found.found, found.expected);
    assert!(!found.passed() && !figures.is_clean());
    let off = found.found.abs_diff(found.expected) as f64;
    assert_eq!(found.anomaly_score, off / found.operations as f64);
}

#[test]
fn a_transfer_that_ends_halfway_is_scored_and_not_called_lost() {
    // A refused second half is neither repeated nor undone: without transactions that is what remains.
    let (figures, _) = run_with(Fault::FailEvery(10), &small(ECONOMY, &[]));
    let found = validation(&figures);
    assert!(found.found < found.expected && found.unsettled > 0, "{found:?}");
    assert!(found.anomaly_score > 0.0 && found.passed(), "{found:?}");
}

#[test]
fn a_missing_account_and_one_below_nothing_are_found() {
    let workload = small(ECONOMY, &[("operationcount", "1")]);
    let map = Map::new(Fault::None);
    map.load(&workload);
    let key = workload.key(3);
    map.records.lock().expect("unpoisoned").remove(key.as_slice());
    let figures = map.run(&workload);
    assert!(validation(&figures).unreadable > 0 && !figures.is_clean());
    assert!(validation(&figures).samples[0].contains("missing"), "{figures:?}");

    map.load(&workload);
    let debt = Record::from_fields([(0, (-5i64).to_le_bytes().as_slice())]);
    map.records.lock().expect("unpoisoned").insert(key.into(), debt);
    let figures = map.run(&workload);
    assert!(validation(&figures).overdrawn > 0 && !validation(&figures).passed());
}

#[test]
fn a_target_that_never_answers_is_given_up_by_the_check() {
    let workload = small(COUNTERS, &[]);
    let map = Map::new(Fault::None);
    map.load(&workload);
    let mut figures = map.run(&workload);
    assert!(figures.is_clean());
    let drain = Some(std::time::Duration::from_millis(1));
    let options = RunOptions { drain, ..RunOptions::default() };
    let taken = |map: &Map| sum(&workload, &map, &options, &map.control).expect("it connects");
    let before = taken(&map);
    let after = taken(&map.with_fault(Fault::HangAt(3)));
    validate(&mut figures, &workload, before, after);
    assert!(validation(&figures).unreadable > 0 && !figures.is_clean());
}

#[test]
fn clients_read_what_they_wrote() {
    for threads in ["1", "7", "20"] {
        let workload = small(OWN, &[("threadcount", threads), ("requestdistribution", "zipfian")]);
        let (figures, map) = run_with(Fault::None, &workload);
        let found = figures.verification.as_ref().expect("reads are verified");
        assert_eq!(found.failed, 0, "{:?}", found.samples);
        assert!(found.checked >= 800 && figures.is_clean() && figures.validation.is_none());
        let counts = |of| figures.operations[&of].count;
        assert!(counts(Operation::Read) >= counts(Operation::Update), "each write is read back");
        // The next run knows nothing of the first one's versions, and calls none of them wrong.
        assert!(map.run(&workload).is_clean());
    }
}

#[test]
fn one_field_alone_may_be_written_in_part() {
    let workload = small(OWN, &[("writeallfields", "false"), ("fieldcount", "1")]);
    assert!(run_with(Fault::None, &workload).0.is_clean());
}

#[test]
fn stale_reads_lost_updates_and_flipped_bits_are_found() {
    for (fault, word) in [
        (Fault::StaleEvery(50), "had been acknowledged"),
        (Fault::LoseUpdateEvery(50), "had been acknowledged"),
        (Fault::CorruptEvery(50), "is not what version"),
    ] {
        let (figures, _) = run_with(fault, &small(OWN, &[]));
        let found = figures.verification.as_ref().expect("reads are verified");
        assert!(found.failed > 0 && !figures.is_clean(), "{fault:?}");
        assert!(found.samples.iter().any(|sample| sample.contains(word)), "{:?}", found.samples);
    }
}

#[test]
fn a_write_that_broke_may_be_read_or_not() {
    let (figures, _) = run_with(Fault::BreakEvery(20), &small(OWN, &[]));
    let found = figures.verification.as_ref().expect("reads are verified");
    assert!(figures.errors_total > 0);
    assert_eq!(found.failed, 0, "{:?}", found.samples);
}

#[test]
fn versions_are_read_off_every_field() {
    let workload = small(OWN, &[]);
    let values = Values::new(&workload);
    let mut check = VersionCheck::new(&workload);
    let of = |check: &mut VersionCheck, record: &Record| check.version(b"k", FieldSet::All, record);
    let (one, two) = (values.version(b"k", 1), values.version(b"k", 2));
    assert_eq!(of(&mut check, &one), Ok(1));
    assert_eq!(check.version(b"k", FieldSet::One(2), &two.project(FieldSet::One(2))), Ok(2));
    let torn = one.merge(&two.project(FieldSet::One(1)));
    assert!(of(&mut check, &torn).expect_err("torn").contains("version 2"));
    assert!(check.version(b"other", FieldSet::All, &one).is_err(), "another key's value");
    assert!(of(&mut check, &one.project(FieldSet::One(0))).is_err(), "fields are missing");
    let short = Record::from_fields([(0, b"short".as_slice())]);
    assert!(of(&mut check, &short).expect_err("short").contains("no version"));
}

#[test]
fn additions_answer_what_they_did() {
    let number = |n: i64| Record::from_fields([(0, n.to_le_bytes().as_slice()), (1, b"rest")]);
    let add = |amount, least| Addition { field: 0, amount, least };
    let (added, after) = add(-3, 0).apply(&number(5)).expect("a number");
    assert_eq!((added, after), (Added::Applied(2), Some(number(2))));
    assert_eq!(add(-6, 0).apply(&number(5)), Ok((Added::TooLittle(5), None)));
    assert!(add(1, 0).apply(&number(i64::MAX)).is_err(), "no room for the sum");
    assert!(Addition { field: 1, amount: 1, least: 0 }.apply(&number(1)).is_err());
    assert!(Addition { field: 2, amount: 1, least: 0 }.apply(&number(1)).is_err());
    assert_eq!(number(1).get(0).map(<[u8]>::len), Some(NUMBER_BYTES));
}

#[test]
fn what_would_check_nothing_is_refused() {
    let mixes: [(&str, [&str; 3], &str); 4] = [
        (COUNTERS, ["1", "0", "0"], "readmodifywriteproportion"),
        (ECONOMY, ["1", "0", "0"], "readmodifywriteproportion"),
        (OWN, ["1", "0", "0"], "updateproportion"),
        (OWN, ["0", "1", "0"], "readproportion"),
    ];
    for (class, [reads, updates, modifies], missing) in mixes {
        let mut properties = Properties::new();
        for (name, value) in [
            ("workload", class),
            ("recordcount", "20"),
            ("operationcount", "2000"),
            ("threadcount", "8"),
            ("writeallfields", "true"),
            ("readproportion", reads),
            ("updateproportion", updates),
            ("readmodifywriteproportion", modifies),
        ] {
            properties.set_override(name, value, "test");
        }
        let error = Workload::resolve(&properties).expect_err("it would pass whatever happens");
        let error = error.to_string();
        assert!(error.contains(missing) && error.contains("nothing to check"), "{error}");
    }
    let error = OpenOptions::new(1000.0, 1).check(&small(OWN, &[])).expect_err("nor there");
    assert!(error.to_string().contains("closed loop"), "{error}");
}

#[test]
fn a_stop_ends_the_reading_of_all_records_without_a_verdict() {
    let workload = small(COUNTERS, &[]);
    let map = Map::new(Fault::None);
    map.load(&workload);
    map.control.stop();
    assert!(
        sum(&workload, &&map, &RunOptions::default(), &map.control).expect("connects").is_none()
    );
}
