//! Runs of both loops recorded as traces, and what a replay of those sends: the same operations on the same keys.
//! How workers hand over what they note is tested beside it.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};

use flywheel_load::trace::{TraceEntry, TraceFormat, TraceReader, TraceWriter};
use flywheel_load::{
    Control, OpenOptions, Operation, RecordTo, RunError, RunFigures, RunOptions, Workload, run,
    run_open,
};

use crate::replay::{Call, File, Log, expected, file, mixed, options, replay, replayed, text_file};
use crate::support::workload;

/// A recording in memory.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("unpoisoned").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Memory {
    fn record_to(&self) -> RecordTo {
        let output: Box<dyn Write + Send> = Box::new(self.clone());
        RecordTo::new(TraceWriter::new(output, TraceFormat::Csv, "r").expect("memory"))
    }

    fn file(&self) -> File {
        text_file(&self.0.lock().expect("unpoisoned"))
    }

    fn entries(&self) -> Vec<TraceEntry> {
        let entries = TraceReader::open(&self.file().path).expect("it was just written");
        entries.map(|entry| entry.expect("a recording is a trace")).collect()
    }
}

/// What was asked under each key, in any order: clients overtake each other between noting and sending.
fn sorted(mut by_key: BTreeMap<String, Vec<Call>>) -> BTreeMap<String, Vec<Call>> {
    by_key.values_mut().for_each(|calls| calls.sort_unstable());
    by_key
}

fn asked(log: &Log) -> BTreeMap<String, Vec<Call>> {
    sorted(log.by_key.lock().expect("unpoisoned").clone())
}

fn mix(more: &[(&str, &str)]) -> Workload {
    let mut all = vec![
        ("recordcount", "500"),
        ("operationcount", "6000"),
        ("threadcount", "8"),
        ("fieldcount", "4"),
        ("fieldlength", "30"),
        ("fieldlengthdistribution", "uniform"),
        ("maxscanlength", "20"),
        ("readproportion", "0.3"),
        ("updateproportion", "0.3"),
        ("insertproportion", "0.1"),
        ("scanproportion", "0.1"),
        ("readmodifywriteproportion", "0.2"),
    ];
    all.extend(more);
    workload(&all)
}

/// Checks a recording against what was measured and asked, and that its replay asks the same.
fn check(figures: &RunFigures, memory: &Memory, log: &Log) {
    let recorded = figures.recorded.as_ref().expect("it was recorded");
    assert_eq!((recorded.dropped, &recorded.error), (0, &None));
    let entries = memory.entries();
    assert_eq!(recorded.operations, entries.len() as u64);
    let mut by_kind: BTreeMap<Operation, u64> = BTreeMap::new();
    entries.iter().for_each(|entry| *by_kind.entry(entry.operation).or_default() += 1);
    // READ and UPDATE have the halves of READMODIFYWRITE too.
    for whole in [Operation::Insert, Operation::Scan, Operation::ReadModifyWrite] {
        assert_eq!(by_kind[&whole], figures.operations[&whole].count, "{whole}");
    }
    let halves = by_kind[&Operation::ReadModifyWrite];
    let reads = figures.operations[&Operation::Read].count;
    assert_eq!(by_kind[&Operation::Read] + halves, reads);
    assert!(entries.is_sorted_by_key(|entry| entry.time_us));
    assert_eq!(sorted(expected(entries.into_iter())), asked(log));

    let again = Log::default();
    let replayed = replay(&replayed(&memory.file(), &[("tracespeed", "10")]), &&again);
    assert_eq!(asked(&again), asked(log));
    let counts = |figures: &RunFigures| -> Vec<(Operation, u64)> {
        figures.operations.iter().map(|(operation, of)| (*operation, of.count)).collect()
    };
    assert_eq!(counts(&replayed), counts(figures));
}

#[test]
fn a_closed_loop_s_recording_replays_the_same_operations_on_the_same_keys() {
    let (memory, log) = (Memory::default(), Log { is_drawn: true, ..Log::default() });
    let record = Some(memory.record_to());
    let options = RunOptions { workers: Some(3), record, ..RunOptions::default() };
    let figures = run(&mix(&[]), &&log, &options, &Control::new()).expect("it connects");
    assert_eq!(figures.recorded.as_ref().map(|of| of.operations), Some(6_000));
    check(&figures, &memory, &log);
}

#[test]
fn an_open_loop_s_recording_has_the_times_that_were_meant() {
    let (memory, log) = (Memory::default(), Log { is_drawn: true, ..Log::default() });
    let mut options = OpenOptions::new(10_000.0, 1);
    options.late_after = std::time::Duration::from_secs(3600);
    (options.workers, options.record) = (Some(3), Some(memory.record_to()));
    let workload = mix(&[("seed", "3")]);
    let figures = run_open(&workload, &&log, &options, &Control::new()).expect("it connects");
    check(&figures, &memory, &log);
    // Poisson arrivals of one second, wherever the processor was meanwhile.
    let times: Vec<u64> = memory.entries().iter().map(|entry| entry.time_us).collect();
    assert!(times.iter().all(|time_us| *time_us < 1_000_000));
    let half = times.iter().filter(|time_us| **time_us < 500_000).count() as f64;
    assert!((half - 5_000.0).abs() < 5.0 * 5_000f64.sqrt(), "{half}");
}

#[test]
fn a_replay_s_recording_is_the_trace_itself() {
    let whole = file(mixed(5_000, 20));
    for (speed, warm_up_s) in [("1", 0.0), ("2", 0.0), ("1", 0.02)] {
        let memory = Memory::default();
        let warm_up = warm_up_s.to_string();
        let workload = replayed(&whole, &[("tracespeed", speed), ("warmuptime", &warm_up)]);
        let mut options = options(&workload);
        options.record = Some(memory.record_to());
        let log = Log::default();
        let figures = run_open(&workload, &&log, &options, &Control::new()).expect("it connects");
        let recorded = figures.recorded.expect("it was recorded");
        let entries = memory.entries();
        assert_eq!((recorded.operations, recorded.dropped), (entries.len() as u64, 0));
        let factor: u64 = speed.parse().expect("a number");
        let begin_us = (warm_up_s * 1e6) as u64;
        let mut expected: Vec<TraceEntry> = mixed(5_000, 20).collect();
        for entry in &mut expected {
            entry.time_us = entry.time_us.saturating_sub(begin_us) / factor;
        }
        if begin_us == 0 {
            assert_eq!(entries, expected);
        } else {
            // What came a little late out of the warm-up was measured, and so it is here.
            assert!((4_000..5_000).contains(&entries.len()), "{}", entries.len());
            let late = entries.iter().filter(|entry| entry.time_us == 0).count();
            assert_eq!(entries[late..], expected[5_000 - (entries.len() - late)..]);
        }
    }
}

#[test]
fn what_checks_itself_is_not_recorded_and_without_recording_nothing_is_said() {
    let memory = Memory::default();
    let options = RunOptions { record: Some(memory.record_to()), ..RunOptions::default() };
    let counters = workload(&[
        ("workload", "flywheel.CounterWorkload"),
        ("recordcount", "10"),
        ("operationcount", "10"),
        ("updateproportion", "0"),
        ("readmodifywriteproportion", "1"),
    ]);
    let log = Log { is_drawn: true, ..Log::default() };
    let refused = run(&counters, &&log, &options, &Control::new());
    assert!(matches!(refused, Err(RunError::Record("flywheel.CounterWorkload"))));
    let plain = run(&mix(&[]), &&log, &RunOptions::default(), &Control::new());
    assert_eq!(plain.expect("it connects").recorded, None);
}
