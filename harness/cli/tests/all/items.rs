//! Tables as targets: in this process, and behind `flywheel serve`.

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::common::{errors, flywheel, host_is_fit, scratch, text, workload};
use crate::runs::result_in;

/// Arguments that all of these runs have.
fn small<'a>(file: &'a Path, out: &'a Path) -> Vec<&'a str> {
    vec![
        "-P",
        text(file),
        "--out",
        text(out),
        "-p",
        "recordcount=300",
        "-p",
        "dataintegrity=true",
        "-p",
        "threadcount=8",
    ]
}

fn run<'a>(more: &[&'a str], common: &[&'a str]) -> Vec<&'a str> {
    let brief = ["--seconds", "1", "-p", "warmuptime=0"];
    [&["run"], more, common, &brief].concat()
}

#[test]
fn tables_in_this_process_are_loaded_run_and_verified() {
    let scratch = scratch();
    let (dir, out) = (scratch.path().join("data"), scratch.path().join("results"));
    let file = workload("a.properties");
    let target = ["--target", "table", "--dir", text(&dir), "--no-probe"];
    let more = [&target[..], &["-p", "dynamodb.primaryKey=id"]].concat();
    let output = flywheel(&run(&more, &small(&file, &out)));
    if !host_is_fit(&output) {
        return;
    }
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", errors(&output));
    assert!(!errors(&output).contains("no effect"), "{}", errors(&output));
    let (_, result) = result_in(&out);
    assert_eq!(result["system"], "table");
    assert_eq!(result["settings"]["key"], "id (partition key)");
    assert!(result["verification"]["checked"].as_u64().is_some_and(|checked| checked > 0));
    assert_eq!(result["verification"]["wrong"].as_u64(), Some(0), "{}", result["verification"]);
}

#[test]
fn a_table_with_too_few_units_throttles_second_by_second_and_says_when_it_ended() {
    let scratch = scratch();
    let (dir, out) = (scratch.path().join("data"), scratch.path().join("results"));
    let file = workload("a.properties");
    let target = ["--target", "table", "--dir", text(&dir), "--no-probe", "--no-floor"];
    let units = ["-p", "dynamodb.readCapacityUnits=1", "-p", "dynamodb.writeCapacityUnits=1"];
    let flags = ["--throttling", "as-set", "--adaptation", "off", "--rate", "1000"];
    // Loading takes 600 write units, and is not throttled.
    let output = flywheel(&run(&[&target[..], &units, &flags].concat(), &small(&file, &out)));
    if !host_is_fit(&output) {
        return;
    }
    assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
    let (_, result) = result_in(&out);
    let throttled = |second: &Value| second["throttled"].as_u64().unwrap_or_default();
    let seconds = result["intervals"].as_array().expect("seconds");
    let refused = result["schedule"]["refused"].as_object().expect("an open loop's");
    let refused: u64 = refused.values().filter_map(Value::as_u64).sum();
    assert!(refused > 0, "{result:#}");
    assert_eq!(seconds.iter().map(throttled).sum::<u64>(), refused);
    assert_eq!(result["throttling"]["requests"], refused);
    assert!(result["throttling"]["ended_s"].is_null(), "{}", result["throttling"]);
    assert!(result["settings"]["adaptation"].as_str().is_some_and(|text| text.starts_with("off")));
    assert_eq!(result["settings"]["capacity"], "1 read and 1 write units a second, provisioned");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("throttling ended not before the end"), "{said}");
}

/// A server that is ended with its test.
struct Served {
    child: Child,
    /// Kept open: whoever cannot write its banner to the end does not serve either.
    _lines: Lines<BufReader<ChildStdout>>,
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves a directory; where, unless this host cannot.
fn serve(dir: &Path) -> Option<(Served, String)> {
    let arguments =
        ["serve", "--dir", text(dir), "--listen", "127.0.0.1:0", "--insecure-any-credentials"];
    let mut child = Command::new(env!("CARGO_BIN_EXE_flywheel"))
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let banner = lines.next();
    let served = Served { child, _lines: lines };
    let Some(Ok(banner)) = banner else {
        println!("skipped, because this host cannot serve");
        return None;
    };
    let url = banner.split_whitespace().find(|word| word.starts_with("http://"));
    Some((served, url.expect("the banner says where").to_owned()))
}

#[test]
fn an_endpoint_is_loaded_once_and_run_in_both_loops() {
    let scratch = scratch();
    let (out, keys) = (scratch.path().join("results"), scratch.path().join("keys.ini"));
    std::fs::write(&keys, "accessKey=somebody\nsecretKey=the-secret\n").expect("a file");
    let Some((_served, url)) = serve(&scratch.path().join("data")) else { return };
    let file = workload("a.properties");
    let at = ["--target", "dynamodb", "--endpoint", &url, "--credentials", text(&keys)];
    let common = small(&file, &out);
    for (round, expected) in ["300 records", "holds these records already"].iter().enumerate() {
        let output = flywheel(&[&["load"], &at[..], &common].concat());
        assert!(output.status.success(), "round {round}: {}", errors(&output));
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains(expected), "round {round}: {said}");
    }
    for more in [&["--verify-crc32"][..], &["--rate", "500", "--connections", "4"]] {
        let output = flywheel(&run(&[&at[..], more].concat(), &common));
        assert!(matches!(output.status.code(), Some(0 | 1)), "{}", errors(&output));
        let (folder, result) = result_in(&out);
        assert_eq!(result["system"], "dynamodb");
        assert_eq!(result["settings"]["endpoint"], url.as_str());
        assert!(result["load"].is_null(), "it was loaded before");
        assert_eq!(result["verification"]["wrong"].as_u64(), Some(0));
        let whole = std::fs::read_to_string(folder.join("result.json")).expect("a result");
        assert!(!whole.contains("the-secret"));
        std::fs::remove_dir_all(&out).expect("it can be emptied");
    }
}

#[test]
fn what_an_endpoint_needs_is_asked_for_and_what_it_says_is_told() {
    let scratch = scratch();
    let (out, keys) = (scratch.path().join("results"), scratch.path().join("keys.ini"));
    std::fs::write(&keys, "accessKey=somebody\nsecretKey=the-secret\n").expect("a file");
    let file = workload("a.properties");
    let fails = |more: &[&str], says: &str| {
        let output =
            flywheel(&[&["run", "--target", "dynamodb"], more, &small(&file, &out)].concat());
        assert_eq!(output.status.code(), Some(2), "{more:?}");
        assert!(errors(&output).contains(says), "{more:?}: {}", errors(&output));
        assert!(!errors(&output).contains("the-secret"));
    };
    let keys = text(&keys);
    fails(&[], "--endpoint");
    fails(&["--endpoint", "127.0.0.1:8000", "--credentials", keys], "expected http://");
    fails(&["--endpoint", "http://127.0.0.1:1", "--credentials", keys], "refused");
    fails(&["--endpoint", "http://127.0.0.1:1", "--credentials", "/nobody/here"], "/nobody/here");
    fails(&["--endpoint", "http://a", "--connections", "0", "--credentials", keys], "at least 1");
    fails(&["-p", "dynamodb.endpoint=nowhere", "--credentials", keys], "expected http://");
    fails(&["-p", "dynamodb.primaryKey=field1", "--endpoint", "http://a"], "no other attribute");
}
