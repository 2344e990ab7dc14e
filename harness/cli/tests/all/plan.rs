//! Plans: known bills to the dollar, each way in, and each kind of bad input. What is worked out is tested where it is.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::common::{errors, flywheel, scratch, text, workload};

/// 2 TB in items of 1 KB.
const LOAD: [&str; 9] = [
    "plan",
    "--storage-gb",
    "2048",
    "--item-bytes",
    "1024",
    "--reads-per-s",
    "80000",
    "--writes-per-s",
    "20000",
];

const PEAK: [&str; 6] =
    ["--peak-reads-per-s", "160000", "--peak-writes-per-s", "40000", "--peak-hours-per-day", "3"];

fn plan(arguments: &[&str]) -> Value {
    let output = flywheel(&[arguments, &["--json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", errors(&output));
    serde_json::from_slice(&output.stdout).expect("JSON and nothing else")
}

fn option<'a>(plan: &'a Value, name: &str) -> &'a Value {
    let options = plan["options"].as_array().expect("options");
    options.iter().find(|option| option["name"] == name).unwrap_or_else(|| panic!("no {name}"))
}

/// Monthly and upfront dollars, rounded.
fn bill(plan: &Value, name: &str) -> (f64, f64) {
    let usd = |field: &str| option(plan, name)[field].as_f64().expect("a figure").round();
    (usd("monthly_usd"), usd("upfront_usd"))
}

#[test]
fn known_bills_come_out_to_the_dollar() {
    let flat = plan(&LOAD);
    assert_eq!(bill(&flat, "on_demand"), (59_642.0, 0.0));
    let peaks = plan(&[&LOAD[..], &PEAK].concat());
    assert_eq!(bill(&peaks, "provisioned"), (19_730.0, 0.0));
    assert_eq!(bill(&peaks, "reserved_1y"), (5_977.0, 54_000.0));
    let even = &flat["break_even"];
    let thousandths = |field: &str| (even[field].as_f64().expect("a share") * 1000.0).round();
    assert_eq!([thousandths("read_utilisation"), thousandths("write_utilisation")], [289.0; 2]);
    assert_eq!((even["read_ratio"].as_f64().expect("a ratio") * 100.0).round(), 346.0);
    // Consumption at 70 % of what is provisioned, all day.
    let units = 80_000.0 / 0.7 * 730.0 * 0.00013 + 20_000.0 / 0.7 * 730.0 * 0.00065;
    let auto = option(&flat, "auto_scaled");
    assert!((auto["monthly_usd"].as_f64().expect("a bill") - units - 512.0).abs() < 1.0, "{auto}");
    assert_eq!(auto["throttled_units"], 0.0);
    assert_eq!(option(&flat, "on_demand_ia")["table_class"], "standard_ia");
}

#[test]
fn a_folder_is_left_and_the_summary_printed() {
    let scratch = scratch();
    let out = scratch.path().join("out");
    let output = flywheel(&[&LOAD[..], &["--out", text(&out)]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(printed.contains("$59,642") && printed.contains("what would flip it"), "{printed}");
    let folder = printed.trim().lines().last().expect("the folder is printed last");
    let read = |name: &str| fs::read_to_string(Path::new(folder).join(name)).expect(name);
    let json: Value = serde_json::from_str(&read("plan.json")).expect("JSON");
    assert_eq!(json["schema_version"], 1);
    assert!(read("report.html").starts_with("<!DOCTYPE html>"));
    assert!(printed.starts_with(&read("summary.txt")));
    assert!(read("command.txt").contains("--storage-gb 2048"));
}

#[test]
fn prices_can_be_overridden_in_part() {
    let scratch = scratch();
    let file = scratch.path().join("ours.json");
    fs::write(&file, r#"{"date": "2027-01", "standard": {"storage_gb_month": 0.5}}"#)
        .expect("ours");
    let plan = plan(&[&LOAD[..], &["--prices", text(&file)]].concat());
    assert_eq!(bill(&plan, "on_demand"), (59_642.0 + 512.0, 0.0));
    assert_eq!(plan["prices"]["date"], "2027-01");
    let origins = plan["prices"]["origins"].to_string();
    assert!(
        origins.contains("standard.storage_gb_month") && origins.contains("ours.json"),
        "{origins}"
    );
    for (content, part) in [
        ("", "not a price file"),
        (r#"{"standard": {"wcu_hour": -1}}"#, "standard.wcu_hour"),
        (r#"{"standard": {"wcu": 1}}"#, "standard.wcu"),
    ] {
        fs::write(&file, content).expect("written");
        let output = flywheel(&[&LOAD[..], &["--prices", text(&file)]].concat());
        assert_eq!(output.status.code(), Some(2));
        assert!(
            errors(&output).contains(part) && errors(&output).contains("ours.json"),
            "{output:?}"
        );
    }
}

/// [`LOAD`] with other flags at its end, which replace those of the same name.
#[track_caller]
fn refused(flags: &[&str], part: &str) {
    let names: Vec<&str> = flags.iter().step_by(2).copied().collect();
    let mut arguments = vec!["plan"];
    for pair in LOAD[1..].chunks(2).filter(|pair| !names.contains(&pair[0])) {
        arguments.extend(pair);
    }
    arguments.extend(flags);
    arguments.push("--json");
    let output = flywheel(&arguments);
    assert_eq!(output.status.code(), Some(2), "{flags:?}: {output:?}");
    assert!(errors(&output).contains(part), "{flags:?}: {}", errors(&output));
    assert!(!errors(&output).contains("panicked"), "{}", errors(&output));
    assert!(output.stdout.is_empty(), "{output:?}");
}

#[test]
fn numbers_that_are_none_are_named() {
    let flags =
        ["--storage-gb", "--item-bytes", "--reads-per-s", "--writes-per-s", "--target-percent"];
    for flag in flags {
        for value in ["-1", "NaN", "inf", "1e300", "many"] {
            refused(&[flag, value], flag);
        }
    }
    refused(&["--item-bytes", "0"], "--item-bytes");
    refused(&["--item-bytes", "409601"], "409600");
    refused(&["--reads-per-s", "0", "--writes-per-s", "0"], "above 0");
    refused(&["--target-percent", "95"], "20 to 90");
    refused(&["--growth-percent", "-99"], "--growth-percent");
    // Edges that are sound.
    for flags in [["--item-bytes", "409600"], ["--storage-gb", "0"], ["--reads-per-s", "0"]] {
        let mut arguments = vec!["plan"];
        for pair in LOAD[1..].chunks(2).filter(|pair| pair[0] != flags[0]) {
            arguments.extend(pair);
        }
        arguments.extend(flags);
        plan(&arguments);
    }
    plan(&[
        "plan",
        "--storage-gb",
        "1e9",
        "--item-bytes",
        "409600",
        "--reads-per-s",
        "1e9",
        "--writes-per-s",
        "1e9",
    ]);
}

#[test]
fn peaks_need_all_their_parts() {
    refused(&PEAK[..2], "--peak-hours-per-day");
    refused(&PEAK[4..], "--peak-reads-per-s");
    refused(&["--peak-reads-per-s", "10", "--peak-hours-per-day", "3"], "below the usual 80000");
    for hours in ["0", "-3", "24.5", "NaN"] {
        refused(
            &["--peak-reads-per-s", "90000", "--peak-hours-per-day", hours],
            "--peak-hours-per-day",
        );
    }
    let all_day = plan(&[&LOAD[..], &PEAK[..5], &["24"]].concat());
    assert_eq!(bill(&all_day, "provisioned"), bill(&all_day, "provisioned_for_peak"));
    // Without a load there is nothing to plan, and all of it is asked for.
    let output = flywheel(&["plan", "--storage-gb", "1"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(errors(&output).contains("--item-bytes"), "{}", errors(&output));
}

/// Metrics of two tables, newest first, as the AWS CLI prints them.
fn metrics(minutes: i64) -> String {
    let stamps: Vec<String> = (0..minutes)
        .rev()
        .map(|minute| format!("2026-11-01T{:02}:{:02}:00+00:00", minute / 60, minute % 60))
        .collect();
    let result = |id: &str, label: &str, units: f64| serde_json::json!({ "Id": id, "Label": label, "Timestamps": stamps, "Values": vec![units; stamps.len()], "StatusCode": "Complete" });
    let results = [
        result("m1", "orders ConsumedReadCapacityUnits", 6000.0),
        result("m2", "orders ConsumedWriteCapacityUnits", 600.0),
        result("m3", "orders/by-date ConsumedWriteCapacityUnits", 300.0),
        result("m4", "orders ThrottledRequests", 5.0),
    ];
    serde_json::json!({ "MetricDataResults": results, "Messages": [] }).to_string()
}

#[test]
fn exported_metrics_are_planned_from() {
    let scratch = scratch();
    let file = scratch.path().join("metrics.json");
    fs::write(&file, metrics(600)).expect("written");
    let from_json = plan(&["plan", text(&file), "--storage-gb", "100"]);
    // 100 read units a second, 10 and 5 write units: a month of 730 h on demand.
    let million = 730.0 * 3600.0 / 1e6;
    let usd: f64 = 100.0 * million * 0.125 + 15.0 * million * 0.625 + 25.0;
    assert_eq!(bill(&from_json, "on_demand").0, usd.round());
    let scaled = from_json["scaled"].as_array().expect("tables and indexes");
    let of = |name: &str, unit: &str| {
        let found = scaled.iter().find(|of| of["resource"] == name && of["unit"] == unit);
        found.map(|of| of["minimum_units"].as_f64().expect("a figure"))
    };
    assert_eq!(of("orders", "read"), Some(143.0));
    assert_eq!(of("orders/by-date", "write"), Some(8.0));
    // The same as CSV, in minutes and in periods of five.
    let csv = scratch.path().join("metrics.csv");
    for (period, sum) in [(1, 6000.0), (5, 30_000.0)] {
        let rows = (0..600 / period).map(|row| {
            let minute = row * period;
            format!("2026-11-01 {:02}:{:02}:00,{sum},{}", minute / 60, minute % 60, 900 * period)
        });
        let header = "Timestamp,ConsumedReadCapacityUnits,ConsumedWriteCapacityUnits".to_owned();
        let lines: Vec<String> = std::iter::once(header).chain(rows).collect();
        fs::write(&csv, lines.join("\n") + "\n").expect("written");
        let from_csv = plan(&["plan", text(&csv), "--storage-gb", "100"]);
        assert_eq!(bill(&from_csv, "on_demand"), bill(&from_json, "on_demand"), "{period}");
    }
}

#[test]
fn a_spike_in_metrics_is_predicted_to_throttle() {
    let scratch = scratch();
    let csv = scratch.path().join("spike.csv");
    // Six hours of 10 units a second; five minutes of 10,000 in the middle: to be ready would cost more than on demand.
    let rows = (0..360).map(|minute| {
        let units = if (180..185).contains(&minute) { 600_000 } else { 600 };
        format!("{},{units}", 1_793_491_200 + minute * 60)
    });
    let header = "Timestamp,ConsumedReadCapacityUnits".to_owned();
    let lines: Vec<String> = std::iter::once(header).chain(rows).collect();
    fs::write(&csv, lines.join("\n")).expect("written");
    let plan = plan(&["plan", text(&csv), "--storage-gb", "1"]);
    let share = option(&plan, "auto_scaled")["throttled_share"].as_f64().expect("a share");
    assert!(share > 0.01, "{share}");
    assert_eq!(plan["verdict"]["option"], "on_demand");
    assert!(plan["verdict"]["risks"].to_string().contains("throttle"), "{}", plan["verdict"]);
}

#[test]
fn a_trace_is_replayed_against_given_capacity() {
    let scratch = scratch();
    let file = scratch.path().join("trace.csv");
    // 20 writes of a unit each a second for two seconds, and as many reads of an item that is written with 5,000 B at last.
    let line = |at_us: u64, rest: &str| format!("{},{rest}\n", at_us + 7);
    let mut lines = "time_us,operation,key,size_bytes\n".to_owned();
    for at_us in (0..2_000_000).step_by(50_000) {
        lines += &line(at_us, "UPDATE,a,100");
        lines += &line(at_us, "READ,b,");
    }
    lines += &line(1_999_999, "UPDATE,b,5000");
    fs::write(&file, lines).expect("written");
    let usual = [
        "plan",
        text(&file),
        "--storage-gb",
        "1",
        "--item-bytes",
        "100",
        "--provisioned-writes-per-s",
        "10",
    ];
    let replayed = |flags: &[&str]| plan(&[&usual, flags].concat())["replay"].clone();
    let replay = replayed(&["--provisioned-reads-per-s", "1000"]);
    // 10 units at first and 19.5 until the last of the forty; half a unit is left and a little, which is not enough for
    // the last one of all.
    assert_eq!(replay["writes"]["requests"], 41);
    assert_eq!(replay["writes"]["throttled_requests"], 41 - 29);
    assert_eq!(replay["writes"]["last_throttled_s"], 1);
    // The item is loaded as large as it is first written: two units.
    assert_eq!(replay["reads"]["taken_units"], 80.0);
    assert_eq!(replay["reads"]["throttled_requests"], 0);
    assert_eq!(replay["reads"]["first_throttled_s"], Value::Null);
    let eventual = replayed(&["--provisioned-reads-per-s", "1000", "--eventual-reads"]);
    assert_eq!(eventual["reads"]["taken_units"], 40.0);
    // With names of 924 B each write has 1,025 B and takes two units; fifteen take 30 of 29.5, the last on credit.
    let named = replayed(&["--provisioned-reads-per-s", "1000", "--attribute-name-bytes", "924"]);
    assert_eq!(named["writes"]["taken_units"], 30.0);
    let saved = replayed(&["--provisioned-reads-per-s", "1000", "--saved-seconds", "1.5"]);
    assert_eq!(saved["writes"]["throttled_requests"], 0);

    let summary = flywheel(
        &[
            &usual[..],
            &["--provisioned-reads-per-s", "1000", "--out", text(&scratch.path().join("out"))],
        ]
        .concat(),
    );
    let printed = String::from_utf8_lossy(&summary.stdout).into_owned();
    assert!(printed.contains("the trace, replayed"), "{printed}");
    let folder = printed.trim().lines().last().expect("the folder is printed last");
    let page = fs::read_to_string(Path::new(folder).join("report.html")).expect("a page");
    assert!(page.contains("The trace against what is provisioned"));

    for (flags, part) in [
        (&["--provisioned-reads-per-s", "0"][..], "--provisioned-reads-per-s"),
        (&["--provisioned-reads-per-s", "1", "--saved-seconds", "301"], "from 0 to 300"),
        (&[], "--provisioned-reads-per-s"),
    ] {
        let output = flywheel(&[&usual[..], flags].concat());
        assert_eq!(output.status.code(), Some(2), "{flags:?}: {output:?}");
        assert!(errors(&output).contains(part), "{flags:?}: {}", errors(&output));
    }
    let both = ["--provisioned-reads-per-s", "5", "--provisioned-writes-per-s", "5"];
    for (flags, part) in
        [(&both[..], "only a trace"), (&["--attribute-name-bytes", "5"], "only of a trace")]
    {
        let output = flywheel(&[&LOAD[..], flags].concat());
        assert_eq!(output.status.code(), Some(2));
        assert!(errors(&output).contains(part), "{}", errors(&output));
    }
}

#[test]
fn metrics_that_cannot_be_used_say_where_and_why() {
    let scratch = scratch();
    let refuse = |name: &str, content: &str, part: &str| {
        let file = scratch.path().join(name);
        fs::write(&file, content).expect("written");
        let output = flywheel(&["plan", text(&file), "--storage-gb", "1", "--json"]);
        let said = errors(&output);
        assert_eq!(output.status.code(), Some(2), "{content}: {said}");
        assert!(said.contains(part) && said.contains(name), "{content}: {said}");
    };
    let csv = |rows: &str| format!("Timestamp,ConsumedReadCapacityUnits\n{rows}");
    refuse("a.csv", "", "empty");
    refuse("a.csv", &csv(""), "no values");
    refuse("a.csv", "Time,ConsumedReadCapacityUnits\n", "no column Timestamp");
    refuse("a.csv", "Timestamp,Latency\n", "no column of consumed units");
    refuse("a.csv", &csv("yesterday,5\n"), "line 2: expected a timestamp");
    refuse("a.csv", &csv("2026-11-01T00:00:00Z,five\n"), "line 2, ConsumedReadCapacityUnits");
    refuse("a.csv", &csv("2026-11-01T00:00:00Z,-5\n"), "0 or more");
    refuse("a.csv", &csv("2026-11-01T00:00:00Z,NaN\n"), "0 or more");
    refuse("a.csv", &csv("2026-11-01T00:00:00Z\n"), "line 2: 1 cells");
    refuse("a.csv", &csv("2026-11-01T00:00:00Z,0\n"), "all values are 0");
    let at = |minute: u32| format!("2026-11-01T00:{minute:02}:00Z,5\n");
    let rows = |minutes: &[u32]| csv(&minutes.iter().map(|minute| at(*minute)).collect::<String>());
    refuse("a.csv", &rows(&[1, 3, 2]), "out of order");
    refuse("a.csv", &rows(&[3, 1, 2]), "out of order");
    refuse("a.csv", &rows(&[1, 2, 2]), "twice");
    refuse("a.csv", &csv("2026-11-01T00:00:00Z,5\n2026-11-01T00:01:30Z,5\n"), "90 s");
    refuse("a.csv", &csv("2020-11-01T00:00:00Z,5\n2026-11-01T00:01:00Z,5\n"), "at most a year");
    refuse("a.json", "", "get-metric-data");
    refuse("a.json", "{}", "MetricDataResults");
    refuse("a.json", r#"{"MetricDataResults": []}"#, "no values");
    let one = |stamps: &str, values: &str| {
        format!(
            r#"{{"MetricDataResults": [{{"Id": "m1", "Label": "ConsumedReadCapacityUnits", "Timestamps": {stamps}, "Values": {values}}}]}}"#
        )
    };
    refuse("a.json", &one(r#"["2026-11-01T00:00:00Z"]"#, "[1, 2]"), "1 timestamps and 2 values");
    refuse("a.json", &one(r#"["soon"]"#, "[1]"), "entry 1");
    refuse("a.json", &one("[1793491200, 1793491200]", "[1, 1]"), "twice");
    refuse("a.txt", "anything", ".json or .csv");
    for (arguments, part) in [
        (vec!["plan", "/nowhere.json", "--storage-gb", "1"], "/nowhere.json"),
        (vec!["plan", "/nowhere.csv", "--storage-gb", "1", "--reads-per-s", "5"], "--reads-per-s"),
        (vec!["plan", "--measured", "/nowhere"], "/nowhere"),
    ] {
        let output = flywheel(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(errors(&output).contains(part), "{arguments:?}: {}", errors(&output));
    }
    let file = scratch.path().join("metrics.json");
    fs::write(&file, metrics(5)).expect("written");
    let output = flywheel(&["plan", text(&file)]);
    assert_eq!(output.status.code(), Some(2));
    assert!(errors(&output).contains("--storage-gb"), "{}", errors(&output));
}

#[test]
fn a_trace_is_planned_from() {
    let trace = workload("example-trace.csv");
    let flags = ["--storage-gb", "1", "--item-bytes", "1100"];
    let plan = plan(&[&["plan", text(&trace)], &flags[..]].concat());
    assert!(plan["hot"]["busiest_share"].as_f64().is_some_and(|share| share > 0.01 && share < 1.0));
    assert!(plan["sizes"].as_array().is_some_and(|sizes| !sizes.is_empty()));
    assert!(plan["patterns"].as_array().is_some_and(|patterns| patterns.len() == 2), "{plan:#}");
    let output = flywheel(&["plan", text(&trace), "--storage-gb", "1"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(errors(&output).contains("--item-bytes"), "{}", errors(&output));
    let scratch = scratch();
    let broken = scratch.path().join("broken.jsonl");
    fs::write(&broken, "{\"time_us\": 5}\n").expect("written");
    let output = flywheel(&[&["plan", text(&broken)], &flags[..]].concat());
    assert_eq!(output.status.code(), Some(2));
    assert!(errors(&output).contains("broken.jsonl"), "{}", errors(&output));
}

#[test]
fn results_are_planned_from_and_size_machines() {
    let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../results/20261123T092150Z-b");
    let scratch = scratch();
    let out = scratch.path().join("out");
    let output = flywheel(&["plan", text(&results), "--out", text(&out)]);
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    let plan = plan(&["plan", text(&results)]);
    let patterns = plan["patterns"].as_array().expect("patterns");
    assert_eq!(patterns.len(), 2, "{patterns:?}");
    let rate: f64 = patterns.iter().filter_map(|of| of["average_per_s"].as_f64()).sum();
    let json = fs::read_to_string(results.join("result.json")).expect("a result");
    let result: Value = serde_json::from_str(&json).expect("JSON");
    let measured = result["throughput_ops_per_s"].as_f64().expect("a rate");
    assert!((rate / measured - 1.0).abs() < 0.01, "{rate} {measured}");
    assert!((plan["machines"]["load_of_one"].as_f64().expect("a share") - 1.0).abs() < 0.05);
    assert_eq!(plan["verdict"]["confidence"], "low");
    // The same run as a yardstick for other numbers.
    let sized = crate::plan::plan(&[&LOAD[..], &["--measured", text(&results)]].concat());
    let machines = sized["machines"]["machines"].as_f64().expect("a number");
    assert_eq!(machines, (100_000.0 / measured / 0.7).ceil());
    let empty = scratch.path().join("empty");
    fs::create_dir(&empty).expect("made");
    for arguments in [vec!["plan", text(&empty)], vec!["plan", "--measured", text(&empty)]] {
        let output = flywheel(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(errors(&output).contains("flywheel"), "{}", errors(&output));
    }
}
