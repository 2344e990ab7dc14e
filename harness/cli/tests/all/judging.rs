//! What is made of results afterwards: compare, trend; and the commands that make several runs: load, search, peers.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::common::{errors, flywheel, host_is_fit, scratch, text, workload};

/// Runs against nothing, which needs no disk, and returns the new folder.
fn run_null(out: &Path, more: &[&str]) -> PathBuf {
    let file = workload("c.properties");
    let mut arguments = vec!["run", "-P", text(&file), "--target", "null", "--out", text(out)];
    arguments.extend([
        "--seconds",
        "2",
        "--no-floor",
        "-p",
        "warmuptime=0",
        "-p",
        "recordcount=1000",
    ]);
    arguments.extend(more);
    let output = flywheel(&arguments);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", errors(&output));
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    PathBuf::from(printed.trim().lines().last().expect("the folder is printed last"))
}

/// The same result under another name with every throughput scaled.
fn scaled(folder: &Path, to: &Path, factor: f64) {
    let json = fs::read_to_string(folder.join("result.json")).expect("a result");
    let mut result: Value = serde_json::from_str(&json).expect("JSON");
    let rate = result["throughput_ops_per_s"].as_f64().expect("a rate");
    result["throughput_ops_per_s"] = (rate * factor).into();
    // Enough seconds for the statistics, with a little life in them.
    let seconds: Vec<Value> = (0..60)
        .map(|second| {
            let count = 1e4 * factor * (1.0 + 0.01 * f64::from(second % 7));
            serde_json::json!({ "at_s": second, "count": count as u64, "p99_us": 5.0, "max_us": 9.0 })
        })
        .collect();
    result["intervals"] = seconds.into();
    fs::create_dir_all(to).expect("made");
    fs::write(to.join("result.json"), result.to_string()).expect("written");
}

#[test]
fn comparing_gives_the_four_exit_codes() {
    let scratch = scratch();
    let path = |name: &str| scratch.path().join(name);
    let run = run_null(&path("out"), &[]);
    for (name, factor) in [("same", 1.0), ("slow", 0.8), ("fast", 1.3), ("near", 0.95)] {
        scaled(&run, &path(name), factor);
    }
    for (other, code, word) in [
        ("same", 0, "equivalent"),
        ("slow", 1, "regressed"),
        ("fast", 0, "improved"),
        ("near", 3, ""),
    ] {
        let output = flywheel(&["compare", text(&path("same")), text(&path(other))]);
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(code), "{other}: {printed}{}", errors(&output));
        assert!(printed.contains(word), "{printed}");
    }
    // A regression outweighs whatever comes after it.
    let all = ["compare", "same", "slow", "near", "fast"].map(|name| match name {
        "compare" => name.to_owned(),
        _ => text(&path(name)).to_owned(),
    });
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    assert_eq!(flywheel(&all).status.code(), Some(1));
    let json = flywheel(&["compare", text(&path("same")), text(&path("slow")), "--json"]);
    let json: Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(json[0]["figures"][0]["verdict"], "regressed");
    let page = path("compared.html");
    let output =
        flywheel(&["compare", text(&path("same")), text(&path("fast")), "--html", text(&page)]);
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    let page = fs::read_to_string(page).expect("a page");
    assert!(page.contains("fast against same") && page.contains("p99 over time"));
}

#[test]
fn the_unlike_is_refused_by_name_unless_allowed() {
    let scratch = scratch();
    let path = |name: &str| scratch.path().join(name);
    let run = run_null(&path("out"), &[]);
    scaled(&run, &path("a"), 1.0);
    scaled(&run_null(&path("out"), &["-p", "threadcount=7"]), &path("b"), 1.0);
    let refused = flywheel(&["compare", text(&path("a")), text(&path("b"))]);
    assert_eq!(refused.status.code(), Some(2));
    let said = errors(&refused);
    assert!(
        said.contains("threadcount: 64 and 7") && said.contains("--allow-unlike settings"),
        "{said}"
    );
    let allowed =
        flywheel(&["compare", text(&path("a")), text(&path("b")), "--allow-unlike", "settings"]);
    assert_eq!(allowed.status.code(), Some(0), "{}", errors(&allowed));
    // Of another machine.
    let json = fs::read_to_string(path("a").join("result.json")).expect("a result");
    let mut other: Value = serde_json::from_str(&json).expect("JSON");
    other["environment"]["kernel"] = "1.0-elsewhere".into();
    fs::create_dir(path("c")).expect("made");
    fs::write(path("c").join("result.json"), other.to_string()).expect("written");
    let refused = flywheel(&["compare", text(&path("a")), text(&path("c"))]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(errors(&refused).contains("1.0-elsewhere"), "{}", errors(&refused));
}

#[test]
fn what_cannot_be_compared_is_bad_input() {
    let scratch = scratch();
    let empty = scratch.path().join("empty");
    fs::create_dir(&empty).expect("made");
    let broken = scratch.path().join("broken");
    fs::create_dir(&broken).expect("made");
    fs::write(broken.join("result.json"), "{\"schema_version\": 999}").expect("written");
    let run = run_null(&scratch.path().join("out"), &[]);
    for (arguments, part) in [
        (vec!["compare", text(&run)], "at least two"),
        (vec!["compare", text(&run), text(&empty)], "neither a result.json"),
        (vec!["compare", text(&run), text(&broken)], "schema version 999"),
        (vec!["compare", text(&run), "/nowhere"], "/nowhere"),
        (vec!["compare", text(&run), text(&run)], "10 whole seconds"),
        (vec!["compare", text(&run), text(&run), "--threshold", "-1"], "--threshold"),
        (vec!["compare", text(&run), text(&run), "--allow-unlike", "weather"], "host, settings"),
    ] {
        let output = flywheel(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(errors(&output).contains(part), "{arguments:?}: {}", errors(&output));
    }
}

#[test]
fn a_history_grows_and_tells_of_a_drop() {
    let scratch = scratch();
    let path = |name: &str| scratch.path().join(name);
    let run = run_null(&path("out"), &[]);
    let history = path("history.jsonl");
    for day in 0..24 {
        let folder = path("days").join(format!("{day:02}"));
        let noise = 1.0 + 0.002 * f64::from((day * 5) % 7);
        scaled(&run, &folder, noise * if day < 16 { 1.0 } else { 0.7 });
    }
    let days = path("days");
    let output = flywheel(&["trend", text(&history), "--add", text(&days)]);
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{printed}{}", errors(&output));
    assert!(printed.contains("operations/s") && printed.contains("worse"), "{printed}");
    assert_eq!(fs::read_to_string(&history).expect("written").lines().count(), 24);
    // Seen before, and not recent any more.
    let output = flywheel(&["trend", text(&history), "--recent", "3"]);
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    fs::write(&history, "not JSON\n").expect("written");
    let output = flywheel(&["trend", text(&history)]);
    assert_eq!(output.status.code(), Some(2));
    assert!(errors(&output).contains("line 1"), "{}", errors(&output));
}

#[test]
fn a_rate_is_searched_for_on_records_that_were_loaded() {
    let scratch = scratch();
    let (dir, out) = (scratch.path().join("data"), scratch.path().join("results"));
    let file = workload("c.properties");
    let common = ["-P", text(&file), "--dir", text(&dir), "-p", "recordcount=2000", "--no-probe"];
    let loaded = flywheel(&[&["load"], &common[..]].concat());
    if !host_is_fit(&loaded) {
        return;
    }
    assert_eq!(loaded.status.code(), Some(0), "{}", errors(&loaded));
    assert!(String::from_utf8_lossy(&loaded.stdout).contains("2000 records"), "{loaded:?}");
    let again = flywheel(&[&["load"], &common[..]].concat());
    assert!(String::from_utf8_lossy(&again.stdout).contains("already"), "{again:?}");
    let more = ["--out", text(&out), "--seconds", "1", "--peak-seconds", "1", "-p", "warmuptime=0"];
    let found = flywheel(&[&["search"], &common[..], &more[..]].concat());
    assert!(matches!(found.status.code(), Some(0 | 1)), "{}", errors(&found));
    let folder = fs::read_dir(&out).expect("listed").next().expect("one").expect("an entry").path();
    assert!(text(&folder).ends_with("-c-search"), "{}", folder.display());
    let json = fs::read_to_string(folder.join("search.json")).expect("a result");
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let runs = json["runs"].as_array().expect("runs");
    assert!(runs.len() >= 2 && json["peak_ops_per_s"].as_f64() > Some(0.0), "{json:#}");
    assert_eq!(json["faults"], 0);
}

#[test]
fn a_rate_makes_an_open_loop_and_says_whether_it_was_sustained() {
    let scratch = scratch();
    let run = run_null(scratch.path(), &["--rate", "2000"]);
    let json = fs::read_to_string(run.join("result.json")).expect("a result");
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let schedule = &json["schedule"];
    assert_eq!(
        (&schedule["arrivals"], &schedule["rate_per_s"]),
        (&"poisson".into(), &2000.0.into())
    );
    assert!(schedule["sustained"].is_boolean() && schedule["offered"].as_u64() > Some(3000));
    let read = &json["operations"]["READ"];
    for part in ["response_us", "service_us", "wait_us"] {
        assert!(read[part]["p99"].is_number(), "{part}: {read}");
    }
    assert!(read["response_spectrum"].as_array().is_some_and(|points| points.len() > 10));
}

#[test]
fn bad_loads_are_refused_before_anything_is_made() {
    let scratch = scratch();
    let dir = scratch.path().join("data");
    let file = workload("a.properties");
    let base = ["-P", text(&file), "--dir", text(&dir), "--out", text(scratch.path())];
    for (command, more, part) in [
        ("run", vec!["--rate", "fast"], "such as 20000 or 50%"),
        ("run", vec!["--steady", "3"], "--steady"),
        ("run", vec!["-p", "arrivals=poisson"], "--rate"),
        ("run", vec!["-p", "arrivals=tidal"], "closed, constant, poisson"),
        ("run", vec!["-p", "targetshape=sine"], "arrivals"),
        (
            "run",
            vec!["-p", "arrivals=poisson", "-p", "targetshape=burst", "-p", "burstperiod=3"],
            "burstperiod",
        ),
        ("run", vec!["--target", "oracle"], "rocksdb"),
        ("load", vec!["--target", "null"], "keeps nothing"),
        ("search", vec!["--target", "null"], "null"),
        ("peers", vec!["--systems", "oracle"], "rocksdb"),
        ("peers", vec!["--rounds", "0"], "--rounds"),
    ] {
        let output = flywheel(&[&[command], &base[..], &more[..]].concat());
        assert_eq!(output.status.code(), Some(2), "{command} {more:?}: {}", errors(&output));
        assert!(errors(&output).contains(part), "{command} {more:?}: {}", errors(&output));
        assert!(!dir.exists(), "{command} {more:?} made something");
    }
}

#[test]
fn shells_and_man_are_served() {
    let scratch = scratch();
    for shell in ["bash", "zsh", "fish"] {
        let output = flywheel(&["completions", shell]);
        assert!(String::from_utf8_lossy(&output.stdout).contains("cache-mib"), "{shell}");
    }
    let output = flywheel(&["man", text(scratch.path())]);
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    let page = fs::read_to_string(scratch.path().join("flywheel-run.1")).expect("a page");
    assert!(page.contains("\\-\\-rate") && page.starts_with(".ie"), "{page}");
}

#[test]
fn percentiles_that_are_asked_for_are_printed_and_kept() {
    let scratch = scratch();
    let folder = run_null(scratch.path(), &["-p", "hdrhistogram.percentiles=90,99,99.99,100"]);
    let json = fs::read_to_string(folder.join("result.json")).expect("a result");
    let result: Value = serde_json::from_str(&json).expect("JSON");
    let read = &result["operations"]["READ"];
    let points = read["response_percentiles"].as_array().expect("a list");
    assert_eq!(points.len(), 3, "p99 has its column");
    assert_eq!(points[2]["us"], read["response_us"]["max"]);
    let rising: Vec<f64> = points.iter().filter_map(|point| point["us"].as_f64()).collect();
    assert!(rising.is_sorted(), "{rising:?}");
    let summary = fs::read_to_string(folder.join("summary.txt")).expect("a summary");
    assert!(summary.contains("percentiles READ p90 "), "{summary}");
    assert!(summary.contains(", p99.99 ") && summary.contains(", p100 "), "{summary}");
}
