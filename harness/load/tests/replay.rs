//! Traces as arrivals: order, speed, warm-up, ends, accounts, broken ones; what is loaded for one and read back.
//! Nothing here asserts that something was fast. The format is tested in `traces`, the queues beside them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use flywheel_load::limits::TRACE_AHEAD_MAX;
use flywheel_load::record::{check_traced, traced_record};
use flywheel_load::trace::{LoadPlan, TraceEntry, TraceFormat, TraceReader, TraceWriter};
use flywheel_load::{
    Control, FieldSet, OpenOptions, Operation, Properties, Record, Replay, Row, RunError,
    RunFigures, RunOptions, Target, TargetError, TargetFactory, Updated, Workload, load_entries,
    run_entries, run_open,
};

use crate::support::{Fault, Map, workload};

/// What a call came to: its kind, and the size or the count.
pub type Call = (Operation, u64);

/// Answers at once, finds nothing, and keeps what was asked, by key and in order.
#[derive(Default)]
pub struct Log {
    pub by_key: Mutex<BTreeMap<String, Vec<Call>>>,
    /// Whether records are those of a workload, and not of a replay.
    pub is_drawn: bool,
}

impl Log {
    fn check(&self, key: &[u8], record: &Record) {
        if !self.is_drawn {
            check_traced(key, record).expect("made from key and size");
        }
    }

    fn note(&self, key: &[u8], operation: Operation, number: u64) {
        let key = String::from_utf8(key.to_vec()).expect("keys are text");
        self.by_key.lock().expect("unpoisoned").entry(key).or_default().push((operation, number));
    }
}

pub struct LogTarget<'a>(&'a Log);

impl<'a> TargetFactory for &'a Log {
    type Target = LogTarget<'a>;

    fn name(&self) -> &str {
        "log"
    }

    async fn connect(&self, _: usize) -> Result<LogTarget<'a>, TargetError> {
        Ok(LogTarget(self))
    }
}

impl Target for LogTarget<'_> {
    async fn read(&self, key: &[u8], fields: FieldSet) -> Result<Option<Record>, TargetError> {
        assert_eq!(fields, FieldSet::All);
        self.0.note(key, Operation::Read, 0);
        // An odd one is there, so that half of the read-modify-writes write.
        let is_there = key.last().is_some_and(|digit| digit % 2 == 1);
        Ok(is_there.then(|| traced_record(key, 10)))
    }

    async fn scan(&self, key: &[u8], count: usize, _: FieldSet) -> Result<Vec<Row>, TargetError> {
        self.0.note(key, Operation::Scan, count as u64);
        Ok(Vec::new())
    }

    async fn insert(&self, key: &[u8], record: Record) -> Result<(), TargetError> {
        self.0.check(key, &record);
        self.0.note(key, Operation::Insert, record.user_bytes(&[]));
        Ok(())
    }

    async fn update(&self, key: &[u8], record: Record, _: bool) -> Result<Updated, TargetError> {
        self.0.check(key, &record);
        self.0.note(key, Operation::Update, record.user_bytes(&[]));
        Ok(Updated::Applied)
    }
}

/// A trace as a file, in a folder that lives as long.
pub struct File {
    _folder: tempfile::TempDir,
    pub path: PathBuf,
}

pub fn file(entries: impl Iterator<Item = TraceEntry>) -> File {
    let mut writer = TraceWriter::new(Vec::new(), TraceFormat::Csv, "t").expect("memory");
    entries.for_each(|entry| writer.write(&entry).expect("a sound entry"));
    text_file(&writer.into_inner())
}

pub fn text_file(text: &[u8]) -> File {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t.csv");
    std::fs::write(&path, text).expect("written");
    File { _folder: folder, path }
}

fn entry(time_us: u64, operation: Operation, key: impl Into<String>, number: u64) -> TraceEntry {
    let (size_bytes, count) = match operation {
        Operation::Read => (None, None),
        Operation::Scan => (None, Some(number)),
        _ => (Some(number), None),
    };
    TraceEntry { time_us, operation, key: key.into(), size_bytes, count }
}

/// Operations of all kinds on few keys, `gap_us` apart.
pub fn mixed(count: u64, gap_us: u64) -> impl Iterator<Item = TraceEntry> {
    (0..count).map(move |n| {
        let operation = Operation::ALL[(n.wrapping_mul(0x9E37_79B9) >> 8) as usize % 5];
        entry(n * gap_us, operation, format!("key{}", n * 31 % 17), n % 100 + 1)
    })
}

pub fn replayed(file: &File, more: &[(&str, &str)]) -> Workload {
    let path = file.path.to_str().expect("text");
    let mut all = vec![("arrivals", "trace"), ("tracefile", path)];
    all.extend(more);
    workload(&all)
}

pub fn options(workload: &Workload) -> OpenOptions {
    let trace = workload.trace.as_ref().expect("there is one");
    let mut options = OpenOptions::replay(Replay::new(trace, workload), trace.rate_per_s());
    options.late_after = Duration::from_secs(3600);
    options.workers = Some(3);
    options
}

pub fn replay<F: TargetFactory>(workload: &Workload, target: &F) -> RunFigures {
    run_open(workload, target, &options(workload), &Control::new()).expect("it can be replayed")
}

/// What a log must hold of these.
pub fn expected(entries: impl Iterator<Item = TraceEntry>) -> BTreeMap<String, Vec<Call>> {
    let mut by_key: BTreeMap<String, Vec<Call>> = BTreeMap::new();
    for entry in entries {
        let is_there = entry.key.as_bytes().last().is_some_and(|digit| digit % 2 == 1);
        let calls = by_key.entry(entry.key).or_default();
        let size = entry.size_bytes.unwrap_or(0);
        match entry.operation {
            Operation::Scan => calls.push((Operation::Scan, entry.count.expect("of scans"))),
            Operation::ReadModifyWrite => {
                calls.push((Operation::Read, 0));
                calls.extend(is_there.then_some((Operation::Update, size)));
            }
            operation => calls.push((operation, size)),
        }
    }
    by_key
}

#[test]
fn every_operation_is_sent_once_and_those_on_a_key_in_their_order() {
    let file = file(mixed(5_000, 20));
    let log = Log::default();
    let figures = replay(&replayed(&file, &[]), &&log);
    assert_eq!(*log.by_key.lock().expect("unpoisoned"), expected(mixed(5_000, 20)));
    let open = figures.open.as_ref().expect("an open loop");
    assert_eq!((open.total.offered, open.total.late), (5_000, 0));
    assert_eq!(open.steps.len(), 1);
    assert_eq!(figures.operations_total, 5_000);
    assert!(figures.is_clean() && !figures.partial && figures.pace.is_some());
    for of in figures.operations.values() {
        let (service, wait) = (of.service_us.expect("timed"), of.wait_us.expect("timed"));
        assert!(of.response_us.max + 1e-9 >= service.max.max(wait.max));
        assert!(wait.max > 0.0, "times count from the trace's");
    }
    // Reads of keys that are not there are counted, and are no errors.
    assert!(figures.operations[&Operation::Read].not_found > 0);
    let seconds: u64 = figures.intervals.iter().map(|second| second.operations).sum();
    assert_eq!(seconds, 5_000);
}

#[test]
fn a_speed_divides_all_times() {
    // The last operation of two seconds, then of half a second, then of eight.
    let file = file(mixed(21, 100_000));
    for (speed, length_ns) in [("1", 2_000_000_001), ("4", 500_000_001), ("0.25", 8_000_000_001)] {
        let workload = replayed(&file, &[("tracespeed", speed)]);
        assert_eq!(options(&workload).length(), Duration::from_nanos(length_ns));
        let rate = workload.trace.expect("a trace").rate_per_s();
        assert!((rate - 21.0 * 1e9 / (length_ns - 1) as f64).abs() < 1e-6, "{rate}");
    }
    let figures = replay(&replayed(&file, &[("tracespeed", "4")]), &&Log::default());
    assert_eq!(figures.operations_total, 21);
    // Nothing can end before it began.
    assert!(figures.runtime_s >= 0.5, "{}", figures.runtime_s);
}

#[test]
fn a_replay_begins_with_the_first_operation_whenever_that_was() {
    let late = |entry: TraceEntry| TraceEntry { time_us: entry.time_us + 3_600_000_000, ..entry };
    let file = file(mixed(21, 100_000).map(late));
    let workload = replayed(&file, &[("tracespeed", "4")]);
    assert_eq!(options(&workload).length(), Duration::from_nanos(500_000_001));
    let figures = replay(&workload, &&Log::default());
    assert_eq!(figures.operations_total, 21);
    let pace = figures.pace.expect("of an open loop").target_ops_per_s;
    assert!((pace - 42.0).abs() < 1.0, "{pace}");
}

#[test]
fn another_trace_under_the_same_name_is_not_replayed() {
    let file = file(mixed(21, 100));
    let workload = replayed(&file, &[]);
    let trace = workload.trace.as_ref().expect("a trace");
    let before = std::fs::read(trace.file.path()).expect("there");
    let other = trace.file.path().with_extension("other");
    std::fs::write(&other, before).expect("written");
    std::fs::rename(&other, trace.file.path()).expect("renamed");
    let found = run_open(&workload, &&Log::default(), &options(&workload), &Control::new());
    assert!(matches!(&found, Err(RunError::Trace(_))), "{found:?}");
    assert!(found.expect_err("as said").to_string().contains("changed since"));
}

#[test]
fn a_warm_up_is_the_traces_and_what_is_behind_the_limit_is_not_replayed() {
    // Three bursts: at 0, at 2 s and at 4 s of the trace; ten times as fast, at 0, 0.2 and 0.4 s.
    let burst = |at_us: u64, count: u64| {
        (0..count).map(move |n| entry(at_us, Operation::Read, format!("k{n}"), 0))
    };
    let file = file(burst(0, 10).chain(burst(2_000_000, 100)).chain(burst(4_000_000, 1000)));
    let fast = ("tracespeed", "10");
    let total = |more: &[(&str, &str)]| {
        let log = Log::default();
        let figures = replay(&replayed(&file, more), &&log);
        let sent: usize = log.by_key.lock().expect("unpoisoned").values().map(Vec::len).sum();
        (figures.operations_total, sent, figures.warm_up_s)
    };
    assert_eq!(total(&[fast]), (1110, 1110, 0.0));
    assert_eq!(total(&[fast, ("warmuptime", "1.5")]), (1100, 1110, 0.15));
    assert_eq!(total(&[fast, ("maxexecutiontime", "0.3")]), (110, 110, 0.0));
    assert_eq!(
        total(&[fast, ("maxexecutiontime", "0.1"), ("warmuptime", "1.5")]),
        (100, 110, 0.15)
    );
}

#[test]
fn a_trace_that_is_broken_in_the_middle_ends_the_run_with_its_line() {
    let sound: Vec<TraceEntry> = mixed(2_000, 10).collect();
    let whole = file(sound.iter().cloned());
    let workload = replayed(&whole, &[]);
    let mut text = std::fs::read_to_string(&whole.path).expect("text");
    // In its last line, and so that nobody can tell from outside: a disk that fails, or a clock that is set.
    let comma = text.rfind(',').expect("it has fields");
    text.replace_range(comma..=comma, ".");
    let written = std::fs::metadata(&whole.path).and_then(|found| found.modified()).expect("there");
    std::fs::write(&whole.path, text).expect("written");
    let file = std::fs::File::options().append(true).open(&whole.path).expect("there");
    file.set_modified(written).expect("its owner may");
    let log = Log::default();
    let error = run_open(&workload, &&log, &options(&workload), &Control::new());
    let Err(RunError::Trace(error)) = error else { panic!("it is broken") };
    assert!(error.to_string().contains("t.csv:2001: expected 5 fields"), "{error}");
    std::fs::remove_file(&whole.path).expect("removed");
    let error = run_open(&workload, &&log, &options(&workload), &Control::new());
    assert!(matches!(error, Err(RunError::Trace(_))));
}

#[test]
fn a_target_that_hangs_leaves_the_rest_late_and_nobody_waiting() {
    // More than all queues hold, all on one key and so on one worker.
    let count = 3 * TRACE_AHEAD_MAX as u64;
    let file = file((0..count).map(|n| entry(n / 100, Operation::Read, "k", 0)));
    let workload = replayed(&file, &[]);
    let mut options = options(&workload);
    options.in_flight = 1;
    options.late_after = Duration::from_millis(1);
    options.drain = Some(Duration::ZERO);
    let map = Map::new(Fault::HangAt(1));
    let figures = run_open(&workload, &&map, &options, &map.control).expect("it connects");
    let open = figures.open.expect("an open loop");
    assert_eq!((figures.abandoned, open.total.offered), (1, 1));
    assert_eq!(open.total.late, count - 1);
    assert!(figures.partial && !figures.pace.expect("a schedule").sustained);
}

/// Panics at one key; everything else is answered at once.
struct Fragile(&'static [u8]);

impl<'a> TargetFactory for &'a Fragile {
    type Target = &'a Fragile;

    fn name(&self) -> &str {
        "fragile"
    }

    async fn connect(&self, _: usize) -> Result<&'a Fragile, TargetError> {
        Ok(self)
    }
}

impl Target for &Fragile {
    async fn read(&self, key: &[u8], _: FieldSet) -> Result<Option<Record>, TargetError> {
        assert!(key != self.0, "as it was to");
        Ok(None)
    }

    async fn scan(&self, _: &[u8], _: usize, _: FieldSet) -> Result<Vec<Row>, TargetError> {
        unreachable!("the trace has reads alone")
    }

    async fn insert(&self, _: &[u8], _: Record) -> Result<(), TargetError> {
        unreachable!("the trace has reads alone")
    }

    async fn update(&self, _: &[u8], _: Record, _: bool) -> Result<Updated, TargetError> {
        unreachable!("the trace has reads alone")
    }
}

#[test]
fn a_worker_that_panics_ends_the_phase_for_all() {
    // Far more than all queues hold, on many keys: whichever worker has the one, the others wait for the reader.
    let count = 3 * TRACE_AHEAD_MAX as u64;
    let keys = (0..count).map(|n| entry(n / 100, Operation::Read, format!("key{}", n % 64), 0));
    let file = file(keys);
    let workload = replayed(&file, &[]);
    for fragile in ["key0", "key1", "key2", "key3", "key4"] {
        let target = Fragile(fragile.as_bytes());
        let run = || run_open(&workload, &&target, &options(&workload), &Control::new());
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
        assert!(ended.is_err(), "{fragile}: the panic is passed on");
    }
}

#[test]
fn a_stop_ends_a_replay_and_says_so() {
    let file = file(mixed(10_000, 100_000));
    let map = Map::new(Fault::StopAt(100));
    let workload = replayed(&file, &[("tracespeed", "1000")]);
    let figures = run_open(&workload, &&map, &options(&workload), &map.control).expect("connects");
    assert!(figures.partial);
    assert!((40..1_000).contains(&figures.operations_total), "{}", figures.operations_total);
}

fn load(workload: &Workload, map: &Map) -> RunFigures {
    let path = workload.trace.as_ref().expect("a trace").file.path();
    let reader = || TraceReader::open(path).expect("it is there");
    let plan = LoadPlan::of("t", reader()).expect("sound");
    let (records, inserts) = (plan.records(), Box::new(plan.inserts(reader())));
    load_entries(workload, &map, &RunOptions::default(), inserts, records, &map.control)
        .expect("it connects")
}

#[test]
fn what_a_trace_touches_is_loaded_with_the_sizes_of_its_first_writes() {
    let file = file(
        [
            entry(0, Operation::Read, "read", 0),
            entry(1, Operation::Update, "updated", 10),
            entry(2, Operation::Update, "updated", 20),
            entry(3, Operation::Insert, "inserted", 30),
        ]
        .into_iter(),
    );
    let small = [("fieldcount", "3"), ("fieldlength", "7"), ("threadcount", "4")];
    let map = Map::new(Fault::None);
    let figures = load(&replayed(&file, &small), &map);
    assert_eq!((figures.operations_total, figures.partial), (2, false));
    let records = map.snapshot();
    let sizes: Vec<_> = records.iter().map(|(key, of)| (&key[..], of.user_bytes(&[]))).collect();
    assert_eq!(sizes, [(&b"read"[..], 21), (b"updated", 10)]);
    for (key, record) in &records {
        check_traced(key, record).expect("made from key and size");
    }
}

#[test]
fn a_replay_under_dataintegrity_and_reading_back_find_what_is_wrong_and_nothing_else() {
    let entries = || mixed(3_000, 10).filter(|entry| entry.operation != Operation::ReadModifyWrite);
    let file = file(entries());
    let checked = [("dataintegrity", "true"), ("threadcount", "8")];
    let workload = replayed(&file, &checked);
    let loaded = |fault: Fault| {
        let map = Map::new(Fault::None);
        load(&workload, &map);
        map.with_fault(fault)
    };
    let sound = loaded(Fault::None);
    let figures = replay(&workload, &&sound);
    let found = figures.verification.clone().expect("it is checked");
    assert!(found.checked > 1_000 && found.failed == 0, "{found:?}");
    let corrupt = loaded(Fault::CorruptEvery(10));
    let found = replay(&workload, &&corrupt).verification.expect("it is checked");
    assert!(found.failed > 50, "{found:?}");
    // A key that no trace has is not there; that is for the caller to judge.
    let read = |key: &str| Ok(entry(0, Operation::Read, key, 0));
    let reads = |map: &Map| {
        let keys: Vec<_> = (0..17).map(|n| format!("key{n}")).collect();
        let entries = keys.into_iter().map(move |key| read(&key)).chain([read("nobody")]);
        let options = RunOptions::default();
        let back = run_entries(&workload, &map, &options, Box::new(entries), &map.control);
        let back = back.expect("it connects");
        let of = &back.operations[&Operation::Read];
        (of.count, of.not_found, back.verification.expect("it is checked").failed)
    };
    assert_eq!(reads(&sound), (18, 1, 0));
    sound.records.lock().expect("unpoisoned").insert(Bytes::from("key3"), traced_record(b"x", 50));
    assert_eq!(reads(&sound), (18, 1, 1));
}

#[track_caller]
fn refused(properties: &[(&str, &str)], expected: &[&str]) {
    let mut all = Properties::new();
    for (name, value) in properties {
        all.set_override(name, value, "--flag");
    }
    let message = Workload::resolve(&all).expect_err("is refused").to_string();
    for part in expected {
        assert!(message.contains(part), "`{part}` expected in: {message}");
    }
}

#[test]
fn a_workload_says_what_does_not_suit_a_trace() {
    let file = file(mixed(10, 100_000));
    let path = file.path.to_str().expect("text");
    let traced = [("arrivals", "trace"), ("tracefile", path)];
    let with = |name, value| [traced[0], traced[1], (name, value)];
    refused(&traced[..1], &["tracefile: expected a file with arrivals=trace, found none"]);
    refused(&[traced[0], ("tracefile", "no/such.csv")], &["tracefile", "no/such.csv: "]);
    refused(&[traced[0], ("tracefile", "trace.txt")], &["tracefile", ".csv or .jsonl"]);
    for speed in ["0", "-1", "fast", "inf", "1e9"] {
        refused(
            &with("tracespeed", speed),
            &["tracespeed: expected a number from 0.000001", speed],
        );
    }
    refused(&with("target", "100"), &["target: expected 0 with arrivals=trace", "tracespeed"]);
    refused(&with("targetshape", "sine"), &["arrivals: expected constant or poisson", "\"trace\""]);
    refused(&with("workload", "flywheel.CounterWorkload"), &["workload: expected site.ycsb"]);
    refused(&with("warmuptime", "0.9"), &["warmuptime: expected less than the 0.9 s"]);
    let broken = text_file(b"time_us,operation,key\n5,READ,a\n4,READ,b\n");
    let path = broken.path.to_str().expect("text");
    refused(
        &[traced[0], ("tracefile", path)],
        &["tracefile: expected a trace", "t.csv:3: time_us"],
    );
    let mut unused = Properties::new();
    unused.set_override("tracespeed", "2", "--flag");
    let resolved = Workload::resolve(&unused).expect("it only has no effect");
    assert_eq!(resolved.warnings, ["--flag: tracespeed has no effect without arrivals=trace"]);
}

#[test]
fn the_keys_of_a_trace_split_the_table() {
    let file = file((0..4_000).map(|n| entry(n, Operation::Read, format!("{n:05}"), 0)));
    let splits = replayed(&file, &[]).split_keys(4);
    let splits: Vec<u64> = splits
        .iter()
        .map(|key| std::str::from_utf8(key).expect("text").parse().expect("a number"))
        .collect();
    assert_eq!(splits, [1000, 2000, 3000]);
}
