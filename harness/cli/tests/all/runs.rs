//! Runs and suites that end as they should.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::common::{errors, flywheel, host_is_fit, scratch, text, workload};

/// The only result below a folder.
pub fn result_in(out: &Path) -> (PathBuf, Value) {
    let folders: Vec<PathBuf> =
        fs::read_dir(out).expect("listed").map(|entry| entry.expect("an entry").path()).collect();
    assert_eq!(folders.len(), 1, "{folders:?}");
    let text = fs::read_to_string(folders[0].join("result.json")).expect("a result");
    (folders[0].clone(), serde_json::from_str(&text).expect("JSON"))
}

#[test]
fn a_run_leaves_a_complete_folder_and_verifies_every_read() {
    let scratch = scratch();
    let (dir, out) = (scratch.path().join("data"), scratch.path().join("results"));
    let file = workload("a.properties");
    let output = flywheel(&[
        "run",
        "-P",
        text(&file),
        "--dir",
        text(&dir),
        "--out",
        text(&out),
        "--no-probe",
        "--seconds",
        "1",
        "--seed",
        "7",
        "--cache-mib",
        "1",
        "-p",
        "recordcount=3000",
        "-p",
        "dataintegrity=true",
        "-p",
        "warmuptime=0",
    ]);
    if !host_is_fit(&output) {
        return;
    }
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", errors(&output));
    let (folder, result) = result_in(&out);
    for name in ["command.txt", "summary.txt", "latency.hlog", "result.tsv"] {
        assert!(folder.join(name).exists(), "{name} is missing");
    }
    assert_eq!(result["schema_version"], 1);
    assert_eq!(result["workload"], "a");
    assert_eq!(result["seed"], 7);
    assert_eq!(result["properties"]["recordcount"], "3000");
    assert!(result["throughput_ops_per_s"].as_f64().is_some_and(|rate| rate > 0.0));
    for operation in ["READ", "UPDATE"] {
        let figures = &result["operations"][operation];
        assert!(figures["count"].as_u64().is_some_and(|count| count > 0), "{operation}");
        assert_eq!(figures["errors"], 0, "{operation}");
        assert!(figures["response_us"]["p999"].as_f64().is_some(), "{operation}");
    }
    let verified = &result["verification"];
    assert!(verified["checked"].as_u64().is_some_and(|checked| checked > 0));
    assert_eq!(verified["wrong"], 0);
    for name in [
        "read_ios_per_op",
        "bytes_per_read",
        "index_reads_per_op",
        "bytes_written_per_user_byte",
        "index_bytes_per_item",
        "cache_hit_ratio",
        "compaction_bytes",
        "log_writes_per_op",
        "bytes_per_log_write",
        "peak_file_bytes_per_live_byte",
        "compaction_read_bytes",
        "recovery_s",
    ] {
        assert!(result["engine"][name].is_number(), "engine.{name}: {}", result["engine"]);
    }
    // Files hold at least what is live, and the log is written in whole blocks.
    let at_least = |name: &str, least: f64| {
        let figure = result["engine"][name].as_f64();
        assert!(figure >= Some(least), "engine.{name}: {figure:?}, at least {least} expected");
    };
    at_least("peak_file_bytes_per_live_byte", 1.0);
    at_least("bytes_per_log_write", 4096.0);
}

#[test]
fn workloads_that_check_themselves_say_what_they_found() {
    let scratch = scratch();
    for (name, check) in [
        ("conditional-counters", "validation"),
        ("transfer", "validation"),
        ("read-your-writes", "verification"),
    ] {
        let (dir, out) = (scratch.path().join(name), scratch.path().join(format!("{name}-out")));
        let file = workload(&format!("{name}.properties"));
        let to = ["run", "-P", text(&file), "--dir", text(&dir), "--out", text(&out)];
        let small = ["--no-probe", "--no-floor", "--seconds", "1", "-p", "recordcount=300"];
        let output = flywheel(&[&to[..], &small[..], &["-p", "warmuptime=0"]].concat());
        if !host_is_fit(&output) {
            return;
        }
        assert!(matches!(output.status.code(), Some(0 | 1)), "{}", errors(&output));
        let found = &result_in(&out).1[check];
        assert_eq!(found["wrong"], 0, "{name}: {found}");
        if check == "validation" {
            assert_eq!((&found["anomaly_score"], &found["records"]), (&0.0.into(), &300.into()));
            assert_eq!(found["found"], found["expected"]);
        }
        // What was loaded for one class is not measured as another.
        let other = flywheel(&[&to[..], &small[..], &["-p", CORE[0], "-p", CORE[1]]].concat());
        assert_eq!(other.status.code(), Some(2), "{}", errors(&other));
        assert!(errors(&other).contains("loaded with workload=flywheel."), "{}", errors(&other));
    }
}

/// What makes a workload of YCSB's core of any other.
const CORE: [&str; 2] = ["workload=CoreWorkload", "total_cash=1000"];

#[test]
fn the_null_target_needs_no_disk() {
    let scratch = scratch();
    let (dir, out) = (scratch.path().join("data"), scratch.path().join("results"));
    let file = workload("c.properties");
    let output = flywheel(&[
        "run",
        "-P",
        text(&file),
        "--target",
        "null",
        "--dir",
        text(&dir),
        "--out",
        text(&out),
        "--seconds",
        "1",
        "-p",
        "warmuptime=0",
    ]);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", errors(&output));
    assert!(!dir.exists(), "the null target opened something");
    assert_eq!(result_in(&out).1["system"], "null");
}

#[test]
fn the_device_alone_can_be_probed() {
    let scratch = scratch();
    let output = flywheel(&["device", "--quick", "--json", "--dir", text(scratch.path())]);
    if output.status.code() == Some(2) {
        println!("skipped, because {}", errors(&output));
        return;
    }
    let figures: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(figures["read_iops_max"].as_f64().is_some_and(|iops| iops > 0.0), "{figures}");
    assert_eq!(fs::read_dir(scratch.path()).expect("listed").count(), 0, "its file is gone");
}
