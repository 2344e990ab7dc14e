//! The overload command on a small scale: that it ends, counts and writes; its figures mean nothing here.

use std::fs;

use serde_json::Value;

use crate::common::{errors, flywheel, host_is_fit, scratch, text, workload};

#[test]
fn an_overload_leaves_a_folder_whose_accounts_add_up() {
    let scratch = scratch();
    let (dir, out) = (scratch.path().join("data"), scratch.path().join("results"));
    let file = workload("a.properties");
    let mut arguments =
        vec!["overload", "-P", text(&file), "--dir", text(&dir), "--out", text(&out)];
    arguments.extend(["--no-probe", "--seconds", "2", "--peak-seconds", "1"]);
    arguments.extend(["--recovery-seconds", "1", "--cache-mib", "1", "--shards", "2"]);
    arguments.extend(["-p", "recordcount=3000", "-p", "dataintegrity=true", "-p", "warmuptime=0"]);
    let output = flywheel(&arguments);
    if !host_is_fit(&output) {
        return;
    }
    // A busy machine may miss a mark; a fault it may not have.
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", errors(&output));
    let folder = fs::read_dir(&out).expect("listed").next().expect("a folder").expect("an entry");
    let file = fs::read_to_string(folder.path().join("overload.json")).expect("a document");
    let result: Value = serde_json::from_str(&file).expect("JSON");
    assert_eq!((&result["schema_version"], &result["faults"]), (&1.into(), &0.into()));
    let number = |step: &str, name: &str| result[step][name].as_u64().expect("a count");
    let refused = |of: &Value| -> u64 {
        of["refused"].as_object().expect("reasons").values().filter_map(Value::as_u64).sum()
    };
    let sum = |name: &str| number("overload", name) + number("recovery", name);
    let seconds = result["seconds"].as_array().expect("seconds");
    let by_second =
        |name: &str| seconds.iter().filter_map(|second| second[name].as_u64()).sum::<u64>();
    assert!(seconds.len() >= 3 && sum("offered") > 0 && sum("accepted") > 0);
    // What the last moments brought may lie behind the last step.
    assert!(by_second("offered") >= sum("offered") && by_second("accepted") >= sum("accepted"));
    let all_refused: u64 = seconds.iter().map(refused).sum();
    assert_eq!(
        by_second("offered"),
        by_second("accepted") + all_refused,
        "nothing is unaccounted for"
    );
    for queue in ["mailbox", "active"] {
        let [most, bound] =
            ["most", "bound"].map(|of| result["queues"][format!("{queue}_{of}")].as_u64());
        assert!(most <= bound, "{queue}");
    }
    assert!(result["memory"]["before_bytes"].as_u64().is_some_and(|bytes| bytes > 0));
    assert_eq!(result["marks"].as_array().map(Vec::len), Some(8));
}

#[test]
fn impossible_overloads_are_refused_before_anything_is_touched() {
    let file = workload("a.properties");
    let refused = |flags: &[&str], expected: &str| {
        let scratch = scratch();
        let dir = scratch.path().join("data");
        let common = ["overload", "-P", text(&file), "--dir", text(&dir)];
        let output = flywheel(&[&common[..], flags].concat());
        assert_eq!(output.status.code(), Some(2), "{}", errors(&output));
        assert!(errors(&output).contains(expected), "{expected} expected in {}", errors(&output));
        assert!(!dir.exists(), "something was made all the same");
    };
    refused(&["--factor", "0"], "--factor");
    refused(&["--seconds", "0"], "--seconds");
    refused(&["--peak-seconds", "0"], "--peak-seconds");
    refused(&["--recovery-seconds", "100000"], "--recovery-seconds");
    refused(&["--workers", "0"], "--workers");
    refused(&["--arrivals", "sometimes"], "sometimes");
    refused(&["-p", "insertproportion=0.1", "-p", "dataintegrity=true"], "insertproportion");
}
