//! Overload: which marks are met by which figures, and what the folder holds.

use std::fs;

use flywheel_report::{
    MemoryFigures, OfferedFigures, OverloadResult, OverloadSecond, PeakFigures, QueueFigures,
    Verdict, write_overload_folder,
};

fn second(at_s: f64, p99_us: f64) -> OverloadSecond {
    OverloadSecond { at_s, accepted: 100, p99_us, ..OverloadSecond::default() }
}

fn peak(throughput_ops_per_s: f64) -> PeakFigures {
    PeakFigures { throughput_ops_per_s, p99_us: 10_000.0, max_us: 20_000.0, refused: 0 }
}

/// Two seconds of overload that meet every mark, narrowly, and three of recovery.
fn sample() -> OverloadResult {
    let mut seconds = [(1.0, 50e3), (2.0, 50e3), (3.0, 40e3), (4.0, 10e3), (5.0, 10e3)]
        .map(|(at_s, p99_us)| second(at_s, p99_us));
    // The first second after the fall still refused some.
    seconds[2].refused.insert("a shard's queue".to_owned(), 9);
    OverloadResult {
        workload: "a".into(),
        system: "flywheel".into(),
        command: vec!["flywheel".into(), "overload".into()],
        started_utc: "2026-01-15T10:11:12Z".into(),
        factor: 3.0,
        peak_before: peak(1200.0),
        peak_after: peak(800.0),
        overload: OfferedFigures {
            length_s: 2.0,
            rate_per_s: 3600.0,
            offered: 6840,
            late: 360,
            accepted: 1600,
            refused: [("a shard's queue".to_owned(), 5240)].into(),
            p99_us: 50_000.0,
            ..OfferedFigures::default()
        },
        recovery: OfferedFigures {
            length_s: 3.0,
            accepted: 1500,
            last_refusal_s: Some(0.9),
            ..OfferedFigures::default()
        },
        seconds: seconds.into(),
        queues: QueueFigures {
            mailbox_most: 4096,
            mailbox_bound: 4096,
            active_most: 300,
            active_bound: 8192,
            ..QueueFigures::default()
        },
        memory: MemoryFigures {
            before_bytes: Some(1000),
            most_bytes: Some(1500),
            allowed_growth_bytes: 500,
        },
        ..OverloadResult::default()
    }
}

#[test]
fn figures_at_their_bounds_meet_all_marks() {
    let mut result = sample();
    assert_eq!(result.seal(), Verdict::Met, "{:#?}", result.marks);
    assert_eq!(result.marks.len(), 8);
}

#[test]
fn each_mark_can_be_missed_by_itself() {
    type Miss = (&'static str, fn(&mut OverloadResult));
    let misses: [Miss; 8] = [
        ("accepted, over the peak", |result| result.overload.accepted = 1599),
        ("p99 of accepted, over the peak's", |result| result.overload.p99_us += 100.0),
        ("arrivals offered in time", |result| result.overload.late += 10),
        ("memory grown, bytes", |result| result.memory.most_bytes = Some(1501)),
        ("mailbox, over its bound", |result| result.queues.mailbox_most = 4097),
        ("under way, over its bound", |result| result.queues.active_most = 8193),
        ("recovery: nothing refused from, s", |result| {
            result.seconds[3].refused.insert("the handle".to_owned(), 1);
        }),
        ("recovery: p99 back from, s", |result| result.seconds[3].p99_us = 10_001.0),
    ];
    for (name, miss) in misses {
        let mut result = sample();
        miss(&mut result);
        assert_eq!(result.seal(), Verdict::Missed, "{name}");
        let missed: Vec<&str> =
            result.marks.iter().filter(|mark| !mark.met).map(|mark| mark.name.as_str()).collect();
        assert_eq!(missed, [name]);
    }
}

#[test]
fn a_failed_operation_or_an_empty_overload_is_a_fault() {
    let mut failed = sample();
    failed.faults = 1;
    assert_eq!(failed.seal(), Verdict::Fault);
    let mut empty = sample();
    empty.overload.accepted = 0;
    assert_eq!(empty.seal(), Verdict::Fault);
    assert_eq!(sample().verdict(), Verdict::Fault, "not sealed, not judged");
}

#[test]
fn memory_that_cannot_be_read_is_not_held_against_it() {
    let mut result = sample();
    result.memory.most_bytes = None;
    assert_eq!(result.seal(), Verdict::Met);
}

#[test]
fn the_folder_holds_the_document_the_command_and_the_summary() {
    let root = tempfile::tempdir().unwrap();
    let mut result = sample();
    result.seal();
    let folder = write_overload_folder(root.path(), &result).unwrap();
    assert_eq!(folder.file_name().unwrap(), "20260115T101112Z-a-overload");
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let back: OverloadResult = serde_json::from_str(&read("overload.json")).unwrap();
    assert_eq!(back, result);
    assert_eq!(read("command.txt"), "flywheel overload\n");
    let summary = read("summary.txt");
    for text in ["all marks met", "accepted, over the peak", "0.80", "5,240 (a shard's queue)"] {
        assert!(summary.contains(text), "{text} is not in {summary}");
    }
}
