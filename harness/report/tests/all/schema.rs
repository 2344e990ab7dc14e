//! The names that gates and scripts read. A change here is a change of the schema's version.

use flywheel_report::{
    DeviceFigures, OperationKind, Paint, ReadError, RunResult, SCHEMA_VERSION, run_report, summary,
    tsv,
};
use serde_json::{Value, json};

use crate::{operation, sample};

#[test]
fn every_promised_name_is_there() {
    let json: Value = serde_json::from_str(&sample().to_json()).unwrap();
    for pointer in [
        "/schema_version",
        "/workload",
        "/properties/recordcount",
        "/seed",
        "/environment/kernel",
        "/throughput_ops_per_s",
        "/operations/READ/count",
        "/operations/READ/errors",
        "/operations/READ/response_us/mean",
        "/operations/READ/response_us/p50",
        "/operations/READ/response_us/p95",
        "/operations/READ/response_us/p99",
        "/operations/READ/response_us/p999",
        "/operations/READ/response_us/max",
        "/operations/UPDATE/response_us/p99",
        "/device/before/read_iops_qd1",
        "/device/before/read_iops_max",
        "/device/before/durable_write_4k_us_p50",
        "/device/before/sequential_read_bytes_per_s",
        "/device/before/sequential_write_bytes_per_s",
        "/device/before/file_bytes",
        "/device/after/read_iops_qd1",
        "/device/after/read_iops_max",
        "/device/after/durable_write_4k_us_p50",
        "/device/after/sequential_read_bytes_per_s",
        "/device/after/sequential_write_bytes_per_s",
        "/engine/read_ios_per_op",
        "/engine/bytes_per_read",
        "/engine/index_reads_per_op",
        "/engine/bytes_written_per_user_byte",
        "/engine/index_bytes_per_item",
        "/engine/cache_hit_ratio",
        "/engine/compaction_bytes",
        "/engine/log_writes_per_op",
        "/engine/bytes_per_log_write",
        "/engine/peak_file_bytes_per_live_byte",
        "/engine/compaction_read_bytes",
        "/engine/recovery_s",
        "/target/p99_us",
        "/target/met",
    ] {
        assert!(json.pointer(pointer).is_some(), "{pointer} is missing in {json:#}");
    }
    assert_eq!(json["schema_version"], SCHEMA_VERSION);
    assert_eq!(json["target"], json!({ "p99_us": 10_000.0, "met": true }));
}

#[test]
fn throttling_has_its_names_and_null_is_not_zero() {
    let mut result = sample();
    assert_eq!(serde_json::to_value(RunResult::default()).unwrap()["throttling"], Value::Null);
    let none = json!({ "requests": 0, "share": 0.0, "throttled_s": 0, "ended_s": 0.0 });
    assert_eq!(serde_json::to_value(&result).unwrap()["throttling"], none);
    result.intervals[1].throttled = 1_000;
    result.seal();
    let json: Value = serde_json::from_str(&result.to_json()).unwrap();
    assert_eq!(json["intervals"][1]["throttled"], 1_000);
    let throttling = &json["throttling"];
    assert_eq!(throttling["requests"], 1_000);
    assert_eq!((&throttling["throttled_s"], &throttling["ended_s"]), (&json!(1), &json!(2.0)));
    assert!(throttling["share"].as_f64().is_some_and(|share| share > 0.0));
}

#[test]
fn operations_have_the_names_of_ycsb() {
    for (kind, name) in [
        (OperationKind::Read, "READ"),
        (OperationKind::Update, "UPDATE"),
        (OperationKind::Insert, "INSERT"),
        (OperationKind::Scan, "SCAN"),
        (OperationKind::ReadModifyWrite, "READMODIFYWRITE"),
        (OperationKind::Delete, "DELETE"),
    ] {
        assert_eq!(serde_json::to_value(kind).unwrap(), name);
        assert_eq!(kind.name(), name);
    }
}

#[test]
fn a_result_survives_json() {
    let full = sample();
    assert_eq!(RunResult::from_json(&full.to_json()).unwrap(), full);
    let empty = RunResult::default();
    assert_eq!(RunResult::from_json(&empty.to_json()).unwrap(), empty);
}

#[test]
fn what_is_unknown_is_null() {
    let json: Value = serde_json::from_str(&RunResult::default().to_json()).unwrap();
    for pointer in
        ["/device/before", "/device/after", "/engine/recovery_s", "/verification", "/validation"]
    {
        assert_eq!(json.pointer(pointer), Some(&Value::Null), "{pointer}");
    }
}

#[test]
fn a_result_of_the_promised_names_alone_is_read() {
    let mut json: Value = serde_json::from_str(&sample().to_json()).unwrap();
    let added = ["system", "command", "started_utc", "elapsed_s", "partial", "load", "intervals"];
    for name in added.iter().chain(&["verification", "validation", "ratios"]) {
        assert!(json.as_object_mut().unwrap().remove(*name).is_some(), "{name}");
    }
    let read = RunResult::from_json(&json.to_string()).unwrap();
    assert_eq!(read.operations, sample().operations);
}

#[test]
fn a_newer_version_is_refused_before_its_fields_are() {
    let error = RunResult::from_json(r#"{ "schema_version": 99 }"#).unwrap_err();
    assert!(matches!(error, ReadError::Newer { found: 99, newest: SCHEMA_VERSION }), "{error}");
    assert!(error.to_string().contains("use a newer flywheel"), "{error}");
}

#[test]
fn a_probe_is_taken_over_by_name_and_whole() {
    let probe = json!({
        "read_iops_qd1": 1.0, "read_iops_max": 2.0, "durable_write_4k_us_p50": 3.0,
        "sequential_read_bytes_per_s": 4.0, "sequential_write_bytes_per_s": 5.0,
        "read_us_p99_qd8": 6.0, "random_reads": [{ "threads": 1 }],
    });
    let figures = DeviceFigures::from_probe(&probe).unwrap();
    assert_eq!(figures.read_us_p99_qd8, Some(6.0));
    assert_eq!(serde_json::to_value(&figures).unwrap(), probe, "nothing is lost");
    assert!(DeviceFigures::from_probe(&json!({ "read_iops_qd1": 1.0 })).is_err());
}

/// The two crates share names, not types: this is what keeps them together.
#[test]
fn the_probe_of_this_workspace_fits() {
    let probe = flywheel_device::DeviceFigures {
        read_iops_qd1: 14_000.0,
        read_iops_max: 80_000.0,
        read_us_p50_qd1: 66.0,
        read_us_p99_qd8: 840.0,
        durable_write_4k_us_p50: 121.5,
        durable_write_method: flywheel_device::DurableMethod::ODsync,
        sequential_read_bytes_per_s: 880e6,
        sequential_write_bytes_per_s: 2.4e9,
        sequential_io_bytes: 1 << 20,
        random_reads: Vec::new(),
        durable_writes: Vec::new(),
        file_bytes: 1 << 30,
        elapsed_s: 2.9,
        quick: true,
        ring: flywheel_device::RingFeatures::default(),
    };
    let figures = DeviceFigures::from_probe(&probe).unwrap();
    assert_eq!(figures.read_us_p99_qd8, Some(840.0));
    assert_eq!(figures.detail["durable_write_method"], "o_dsync");
    assert_eq!(serde_json::to_value(&figures).unwrap(), serde_json::to_value(&probe).unwrap());
}

#[test]
fn ratios_are_to_the_better_probe_and_the_slowest_operation() {
    let ratios = sample().ratios;
    assert_eq!(ratios.throughput_per_device_read_iops, Some(120_000.0 / 80_000.0));
    assert_eq!(ratios.read_ios_per_device_read_iops, Some(0.34 * 120_000.0 / 80_000.0));
    assert_eq!(ratios.p99_per_probe_p99, Some(2_130.0 / 840.0));
    assert_eq!(ratios.device_after_per_before, Some(0.95));
    assert_eq!(ratios.slowest_second_per_median, Some(0.75));

    let mut stalled = sample();
    stalled.intervals[1].count = 0;
    stalled.seal();
    assert_eq!(stalled.ratios.slowest_second_per_median, Some(0.0), "nothing ended in a second");

    let mut unprobed = sample();
    unprobed.device = Default::default();
    unprobed.intervals.truncate(1);
    unprobed.seal();
    assert_eq!(unprobed.ratios, Default::default());
}

#[test]
fn types_without_a_sample_are_never_the_slowest() {
    let mut result = sample();
    result.operations.insert(OperationKind::Scan, operation(0, 1e9));
    assert_eq!(result.slowest().unwrap().0, OperationKind::Update);
}

#[test]
fn results_of_earlier_builds_are_read_and_shown() {
    let json = include_str!("old/version-1-before-series.json");
    let old = RunResult::from_json(json).unwrap();
    assert!(old.throughput_ops_per_s > 0.0 && old.operations.len() == 2);
    // What it did not have is absent, not zero.
    assert_eq!(
        (old.schedule.clone(), old.generator.floor, old.read_back.clone()),
        (None, None, None)
    );
    assert_eq!(old.process.cpu_us_per_op, None);
    for text in [run_report(&old), summary(&old, Paint::plain()), tsv(&old)] {
        assert!(text.contains("a-uniform") && !text.contains("NaN"), "{text}");
    }
}
