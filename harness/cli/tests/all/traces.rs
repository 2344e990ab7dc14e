//! Traces on the command line: recorded, replayed, loaded; what does not go together. What is in one is tested in
//! `flywheel-load`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use flywheel_load::Operation;
use flywheel_load::trace::{TraceEntry, TraceReader};
use serde_json::Value;

use crate::common::{errors, flywheel, host_is_fit, scratch, text, workload};
use crate::runs::result_in;

/// A scratch folder with data, results and whatever else a test needs.
struct Bench {
    scratch: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { scratch: scratch() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).expect("written");
        path
    }

    /// Runs with data and results in these folders.
    fn run(&self, data: &str, out: &str, flags: &[&str]) -> Output {
        let (data, out) = (self.path(data), self.path(out));
        let folders = ["run", "--dir", text(&data), "--out", text(&out), "--no-probe"];
        flywheel(&[&folders[..], flags].concat())
    }

    fn result(&self, out: &str) -> Value {
        result_in(&self.path(out)).1
    }
}

#[track_caller]
fn assert_ran(output: &Output) {
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", errors(output));
}

fn entries(path: &Path) -> Vec<TraceEntry> {
    let reader = TraceReader::open(path).expect("it is there");
    reader.map(|entry| entry.expect("it is sound")).collect()
}

/// What was asked, whenever that was.
fn asked(path: &Path) -> Vec<(Operation, String, Option<u64>, Option<u64>)> {
    let mut all: Vec<_> = entries(path)
        .into_iter()
        .map(|entry| (entry.operation, entry.key, entry.size_bytes, entry.count))
        .collect();
    all.sort_unstable();
    all
}

#[test]
fn what_is_recorded_is_replayed_with_the_same_operations_on_the_same_keys() {
    let bench = Bench::new();
    let (first, second) = (bench.path("first.csv"), bench.path("second.jsonl"));
    let file = workload("a.properties");
    let small = ["recordcount=300", "operationcount=3000", "warmuptime=0", "insertproportion=0.1"];
    let small = small.map(|property| ["-p", property]).concat();
    let flags = [&["-P", text(&file), "--record", text(&first)][..], &small].concat();
    let output = bench.run("data", "out", &flags);
    if !host_is_fit(&output) {
        return;
    }
    assert_ran(&output);
    let result = bench.result("out");
    assert_eq!(result["recording"]["operations"], 3_000);
    assert_eq!(result["recording"]["dropped"], 0);
    assert_eq!(entries(&first).len(), 3_000);

    let replay = ["--trace", text(&first), "--speed", "0.5"];
    let output =
        bench.run("data-2", "out-2", &[&replay[..], &["--record", text(&second)]].concat());
    assert_ran(&output);
    assert_eq!(asked(&first), asked(&second));
    let replayed = bench.result("out-2");
    // A busy machine may refuse some of what was sent. Else each kind has been answered as often as before.
    let refused = replayed["schedule"]["refused"].as_object().expect("by reason");
    let refused: u64 = refused.values().filter_map(Value::as_u64).sum();
    let mut answered = 0;
    for operation in ["READ", "UPDATE", "INSERT"] {
        let count = |result: &Value| result["operations"][operation]["count"].as_u64();
        let (before, now) = (count(&result).expect("a count"), count(&replayed).expect("a count"));
        assert!(now == before || (now < before && refused > 0), "{operation}: {before}, {now}");
        answered += now;
    }
    assert_eq!(answered + refused, 3_000);
    assert_eq!(replayed["workload"], "first");
    assert_eq!(replayed["schedule"]["arrivals"], "trace");
    assert_eq!(replayed["schedule"]["offered"], 3_000);
    assert!(replayed["operations"]["READ"]["wait_us"]["max"].as_f64() > Some(0.0));
    assert!(replayed["generator"]["floor"]["throughput_ops_per_s"].as_f64() > Some(0.0));
    // Each key that was there before: those that were asked for, and not all 300.
    let mut touched: Vec<_> = entries(&first).into_iter().map(|entry| entry.key).collect();
    touched.sort_unstable();
    touched.dedup();
    let inserted = result["operations"]["INSERT"]["count"].as_u64().expect("a count");
    let loaded = touched.len() as u64 - inserted;
    assert_eq!(replayed["load"]["records"], loaded);
    let read_back = &replayed["read_back"];
    assert_eq!((&read_back["wrong"], &read_back["expected"]), (&0.into(), &loaded.into()));
    assert_eq!(read_back["checked"], 10_000);
    // Half the speed takes at least twice as long as the trace, from its first operation on.
    let entries = entries(&first);
    let (begin, end) = (&entries[0], &entries[entries.len() - 1]);
    let length_s = (end.time_us - begin.time_us) as f64 / 1e6;
    assert!(replayed["elapsed_s"].as_f64() >= Some(2.0 * length_s));

    // The directory is this trace's, in whatever format, and nobody else's.
    let again = bench.run("data-2", "out-3", &["--trace", text(&first), "--no-floor"]);
    assert_ran(&again);
    let plain = bench.run("data-2", "out-4", &[&["-P", text(&file)][..], &small].concat());
    assert_eq!(plain.status.code(), Some(2));
    assert!(errors(&plain).contains("loaded for trace \"xxh3 "), "{}", errors(&plain));
    let other = bench.file("other.csv", "time_us,operation,key\n0,READ,a\n");
    for data in ["data", "data-2"] {
        let output = bench.run(data, "out-5", &["--trace", text(&other)]);
        assert_eq!(output.status.code(), Some(2));
        assert!(errors(&output).contains("choose another --dir"), "{}", errors(&output));
    }
}

#[test]
fn a_trace_is_loaded_by_itself_and_its_values_are_checked() {
    let bench = Bench::new();
    let lines = "0,READ,read,,\n0,UPDATE,changed,50,\n5,SCAN,a,,10\n9,INSERT,new,60,\n\
                 9,READMODIFYWRITE,changed,70,\n900000,READ,new,,\n";
    let trace = format!("time_us,operation,key,size_bytes,count\n{lines}");
    let trace = bench.file("t.csv", &trace);
    let data = bench.path("data");
    let output = flywheel(&["load", "--trace", text(&trace), "--dir", text(&data), "--no-probe"]);
    if !host_is_fit(&output) {
        return;
    }
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(printed.contains(": 3 records in "), "{printed}");
    let flags = ["--trace", text(&trace), "-p", "dataintegrity=true", "-p", "warmuptime=0.5"];
    let output = bench.run("data", "out", &flags);
    assert_ran(&output);
    let result = bench.result("out");
    assert_eq!(result["load"], Value::Null);
    // All but the last were the warm-up.
    assert_eq!(result["operations"]["READ"]["count"], 1);
    assert_eq!(result["operations"].as_object().map(serde_json::Map::len), Some(1));
    assert_eq!(result["preparation"]["warm_up_s"], 0.5);
    let verified = &result["verification"];
    assert!(verified["checked"].as_u64() >= Some(4) && verified["wrong"] == 0, "{verified}");
    assert_eq!(result["read_back"]["wrong"], 0);
}

#[test]
fn the_example_can_be_replayed_and_has_what_its_text_says() {
    let bench = Bench::new();
    let trace = workload("example-trace.csv");
    let example = entries(&trace);
    assert!((200..1_000).contains(&example.len()), "{}", example.len());
    let output = bench.run("data", "out", &["--trace", text(&trace), "--target", "null"]);
    assert_ran(&output);
    let result = bench.result("out");
    let counted = |operation| example.iter().filter(|entry| entry.operation == operation).count();
    assert_eq!(result["operations"]["READ"]["count"], counted(Operation::Read));
    assert_eq!(result["operations"]["UPDATE"]["count"], counted(Operation::Update));
    assert_eq!(result["schedule"]["offered"], example.len());
    assert!(result["properties"]["trace"].as_str().is_some_and(|text| text.starts_with("xxh3 ")));
}

/// Runs against nothing; expects exit 2, all of these in the message, and no results.
#[track_caller]
fn refused(bench: &Bench, flags: &[&str], expected: &[&str]) {
    let output = bench.run("data", "out", &[flags, &["--target", "null"]].concat());
    let message = errors(&output);
    assert_eq!(output.status.code(), Some(2), "{message}");
    for part in expected {
        assert!(message.contains(part), "`{part}` expected in: {message}");
    }
    assert!(!bench.path("data").exists() && !bench.path("out").exists(), "something was written");
}

#[test]
fn what_does_not_go_together_is_said_before_anything_begins() {
    let bench = Bench::new();
    let trace = bench.file("t.csv", "time_us,operation,key\n0,READ,a\n1000,READ,b\n");
    let traced = ["--trace", text(&trace)];
    let with = |more: &[&str], expected: &[&str]| {
        refused(&bench, &[&traced[..], more].concat(), expected);
    };
    refused(
        &bench,
        &["--trace", "no/such.csv"],
        &["--trace: tracefile", "no/such.csv: No such file"],
    );
    refused(&bench, &["--trace", "t.parquet"], &["t.parquet: expected a name that ends in .csv"]);
    refused(&bench, &["--speed", "2"], &["--trace <FILE>"]);
    refused(&bench, &[], &["-P <FILE>"]);
    for speed in ["0", "-2", "NaN"] {
        with(&["--speed", speed], &["--speed: tracespeed: expected a number from 0.000001", speed]);
    }
    with(&["--speed", "fast"], &["'fast'", "--speed"]);
    with(&["--rate", "100"], &["--rate: a trace has times of its own", "--speed"]);
    with(&["--rate", "50%"], &["--rate: a trace has times of its own", "--speed"]);
    with(&["-p", "target=100"], &["target: expected 0 with arrivals=trace"]);
    with(&["--steady", "60"], &["--steady: a trace is replayed once"]);
    with(&["--precondition", "1"], &["--precondition: a trace's records"]);
    with(&["-p", "warmuptime=1"], &["warmuptime: expected less than the 0.001 s of the trace"]);
    let broken = bench.file("broken.csv", "time_us,operation,key\n0,READ,a\n1,DELETE,a\n");
    let expected = ["broken.csv:3: operation: expected one of READ", "deletes cannot be replayed"];
    refused(&bench, &["--trace", text(&broken)], &expected);
    let empty = bench.file("empty.jsonl", "");
    refused(&bench, &["--trace", text(&empty)], &["empty.jsonl: expected at least one operation"]);

    with(&["--record", text(&trace)], &["t.csv exists, and is not written over"]);
    with(&["--record", "t.csv.gz"], &["t.csv.gz: expected a name that ends in .csv or .jsonl"]);
    with(&["--record", "no/such/t.csv"], &["--record: no/such is no folder"]);
    let counters = workload("conditional-counters.properties");
    let record = bench.path("new.csv");
    let flags = ["-P", text(&counters), "--record", text(&record)];
    refused(&bench, &flags, &["flywheel.CounterWorkload cannot be recorded"]);
    assert!(!record.exists());

    let file = workload("a.properties");
    let property = format!("tracefile={}", text(&trace));
    for command in ["search", "overload"] {
        let flags = [command, "-P", text(&file), "-p", "arrivals=trace", "-p", &property];
        let output = flywheel(&flags);
        assert_eq!(output.status.code(), Some(2), "{}", errors(&output));
        assert!(errors(&output).contains("replayed by flywheel run alone"), "{}", errors(&output));
    }
}

#[test]
fn a_recording_with_gaps_is_told_by_the_exit_code() {
    let bench = Bench::new();
    let (data, out, record) = (bench.path("data"), bench.path("out"), bench.path("large.csv"));
    let file = workload("c.properties");
    let flags = ["run", "-P", text(&file), "--target", "null", "--seconds", "1", "--no-floor"];
    let folders = ["--dir", text(&data), "--out", text(&out), "--record", text(&record)];
    // Far more operations than 2 MiB hold: what is written beyond is refused, as on a full disk.
    let script = "trap '' XFSZ; ulimit -f 4096; exec \"$@\"";
    let output = Command::new("sh")
        .args(["-c", script, "sh", env!("CARGO_BIN_EXE_flywheel")])
        .args([&flags[..], &folders, &["-p", "warmuptime=0"]].concat())
        .output()
        .expect("a shell");
    assert_eq!(output.status.code(), Some(2), "{}", errors(&output));
    let message = errors(&output);
    assert!(message.contains("operations were not recorded: "), "{message}");
    assert!(message.contains("large.csv: File too large"), "{message}");
    let result = bench.result("out");
    let recording = &result["recording"];
    let count = |name: &str| recording[name].as_u64().expect("a count");
    let measured = result["operations"]["READ"]["count"].as_u64().expect("a count");
    assert!(count("dropped") > 0);
    assert_eq!(count("operations") + count("dropped"), measured);
    assert!(recording["error"].as_str().is_some_and(|error| error.contains("large.csv")));
    // The figures themselves are whole.
    assert_eq!((&result["faults"], &result["partial"]), (&0.into(), &false.into()));
}
