//! The gate: budgets, what cannot be counted, what is wrong with its flags, and pairs of a build with itself.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use flywheel_report::gate::{Counter, CounterVerdict, GateResult};

use crate::common::{errors, flywheel, host_is_fit, scratch, text, workload};

/// Runs the gate where neither valgrind nor strace is found.
fn gate_alone(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flywheel"));
    command.arg("gate").args(arguments).env("PATH", "/nonexistent");
    command.output().expect("the binary runs")
}

fn result(output: &Output) -> GateResult {
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let folder = printed.trim().lines().last().expect("the folder is printed last").to_owned();
    for name in ["summary.txt", "summary.md", "junit.xml", "command.txt"] {
        assert!(Path::new(&folder).join(name).is_file(), "{folder}/{name}");
    }
    let xml = fs::read_to_string(Path::new(&folder).join("junit.xml")).expect("junit.xml");
    roxmltree::Document::parse(&xml).expect("XML");
    let json = fs::read_to_string(Path::new(&folder).join("gate.json")).expect("gate.json");
    GateResult::from_json(&json).expect("a gate's result")
}

#[test]
fn a_build_passes_its_own_budgets_and_fails_smaller_ones() {
    let scratch = scratch();
    let path = |name: &str| scratch.path().join(name);
    let (budgets, dir, out) = (path("budgets.toml"), path("data"), path("out"));
    let flags = [
        "--budgets",
        text(&budgets),
        "--dir",
        text(&dir),
        "--out",
        text(&out),
        "--operations",
        "get_absent,put",
    ];
    let output = gate_alone(&[&flags[..], &["--update-budgets"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    assert!(errors(&output).contains("instructions, because valgrind cannot be run"));

    let output = gate_alone(&flags);
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    let counters = result(&output).counters.expect("counted");
    assert_eq!(counters.not_counted.len(), 2, "{:?}", counters.not_counted);
    assert_eq!(counters.rows.len(), 14, "two operations, seven counters");
    assert!(counters.rows.iter().all(|row| row.verdict == CounterVerdict::Within));
    let of = |operation: &str, counter| {
        let mut rows = counters.rows.iter();
        let row = rows.find(|row| row.operation == operation && row.counter == counter);
        row.expect("counted").measured
    };
    assert_eq!(of("get_absent", Counter::Reads), 0.0, "the index knows");
    assert!((1.0..1.1).contains(&of("put", Counter::Writes)), "one write commits one put");
    assert!(of("put", Counter::WrittenBytes) >= 4096.0);

    let of_puts = of("put", Counter::Allocations);
    let smaller = format!("[put]\nallocations = {}\n", of_puts * 0.9);
    fs::write(&budgets, smaller).expect("written");
    let output = gate_alone(&flags);
    assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
    let over = result(&output).counters.expect("counted").rows.into_iter();
    let over: Vec<_> = over.filter(|row| row.verdict == CounterVerdict::Over).collect();
    assert_eq!(over.len(), 1);
    assert_eq!((over[0].operation.as_str(), over[0].counter), ("put", Counter::Allocations));
    assert!(!dir.exists(), "nothing is left behind");
}

#[test]
fn the_tools_that_are_there_are_used() {
    let scratch = scratch();
    let path = |name: &str| scratch.path().join(name);
    let (budgets, dir, out) = (path("budgets.toml"), path("data"), path("out"));
    fs::write(&budgets, "[get_disk]\ninstructions = 1\nsystem_calls = 1\n").expect("written");
    let output = flywheel(&[
        "gate",
        "--budgets",
        text(&budgets),
        "--dir",
        text(&dir),
        "--out",
        text(&out),
        "--operations",
        "get_disk",
    ]);
    if output.status.code() == Some(2) && !host_is_fit(&output) {
        return;
    }
    assert!(matches!(output.status.code(), Some(0 | 1 | 3)), "{}", errors(&output));
    let counters = result(&output).counters.expect("counted");
    for (counter, tool) in [(Counter::Instructions, "valgrind"), (Counter::SystemCalls, "strace")] {
        match counters.rows.iter().find(|row| row.counter == counter) {
            // No read of the disk comes without either.
            Some(row) => assert_eq!(row.verdict, CounterVerdict::Over, "{row:?}"),
            None => {
                let reason = counters.not_counted.iter().find(|reason| reason.contains(tool));
                println!("skipped, because {}", reason.expect("a reason"));
            }
        }
    }
}

#[test]
fn wrong_flags_and_files_end_before_anything_is_measured() {
    let scratch = scratch();
    let path = |name: &str| scratch.path().join(name);
    let (a, me) = (workload("a.properties"), env!("CARGO_BIN_EXE_flywheel"));
    let full = path("full");
    fs::create_dir(&full).expect("made");
    fs::write(full.join("file"), "").expect("written");
    let (bad, absent) = (path("bad.toml"), path("absent.toml"));
    fs::write(&bad, "[put]\nwires = 1\n").expect("written");
    let empty = path("empty");
    let cases: [(&[&str], &str); 18] = [
        (&["--budgets", text(&absent)], "there is no such file of budgets"),
        (&["--budgets", text(&bad)], "unknown variant `wires`"),
        (&["--no-counters"], "nothing to do"),
        (&["--no-counters", "--candidate", me], "give --baseline too"),
        (&["--no-counters", "-P", text(&a)], "-P: there is nothing to compare with"),
        (&["--no-counters", "--pairs", "9"], "--self-test"),
        (&["--self-test", "--strict"], "cannot be used with"),
        (&["--no-counters", "--baseline", me], "pairs need a workload"),
        (&["--no-counters", "--baseline", "no/such", "-P", text(&a)], "no such binary"),
        (
            &["--no-counters", "--baseline", me, "-P", text(&a), "--dir", text(&full)],
            "every run begins with fresh files",
        ),
        (&["--no-counters", "--threshold", "-1"], "--threshold: expected 0 to 1000, found -1"),
        (&["--no-counters", "--latency-threshold", "NaN"], "--latency-threshold: expected"),
        (&["--no-counters", "--void", "1e9"], "--void: expected 0 to 1000"),
        (&["--judge", "speed"], "expected some of throughput, cpu"),
        (&["--self-test", "--pairs", "7"], "7 is not in 8..=1000"),
        (&["--self-test"], "pairs need a workload"),
        (&["--self-test", "--baseline", me], "cannot be used with"),
        (&["--no-counters", "--baseline", me, "-P", "no.properties"], "no.properties"),
    ];
    for (arguments, expected) in cases {
        let mut all = vec!["gate"];
        all.extend(arguments);
        if !arguments.contains(&"--dir") {
            all.extend(["--dir", text(&empty)]);
        }
        let output = flywheel(&all);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(errors(&output).contains(expected), "{arguments:?}: {}", errors(&output));
        assert!(!empty.exists(), "{arguments:?} left something behind");
    }
    for (budget, expected) in [
        ("[putt]\nwrites = 1\n", "[putt] writes: nothing counts this"),
        ("[put_together]\nsystem_calls = 0\n", "[put_together] system_calls: nothing counts this"),
    ] {
        fs::write(&bad, budget).expect("written");
        let output = gate_alone(&["--budgets", text(&bad), "--dir", text(&empty)]);
        assert_eq!(output.status.code(), Some(2));
        assert!(errors(&output).contains(expected), "{}", errors(&output));
        assert!(!empty.exists(), "nothing was counted yet");
    }
    let output = gate_alone(&["--budgets", text(&bad), "--operations", "fly"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(errors(&output).contains("\"fly\" is none: expected some of get_cached"));
}

#[test]
fn a_baseline_that_is_no_flywheel_is_a_fault_and_not_a_verdict() {
    let scratch = scratch();
    let (dir, a) = (scratch.path().join("data"), workload("a.properties"));
    let output = flywheel(&[
        "gate",
        "--no-counters",
        "--no-probe",
        "--baseline",
        "/bin/false",
        "-P",
        text(&a),
        "--dir",
        text(&dir),
        "--out",
        text(scratch.path()),
    ]);
    assert_eq!(output.status.code(), Some(2));
    assert!(errors(&output).contains("/bin/false"), "{}", errors(&output));
    assert!(!dir.exists());
}
