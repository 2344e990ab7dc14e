//! The report from outside, one part each:
//!
//! | Part | Asks |
//! |---|---|
//! | schema | are the names in `result.json` the ones promised, and does it read back? |
//! | verdict | who meets a target, and with which exit code? |
//! | tables | are the summary and the suite what `golden/` holds? |
//! | folder | is a folder complete, and is none ever overwritten? |
//! | overload | which figures meet which marks, and what the folder holds? |
//! | gate | what may pass, what is cried out for, and what the folder holds? |
//! | html | is a page well-formed, of one file, and honest about what is absent? |
//! | plots | are plots of odd figures drawn, within their frames? |
//! | plan | does a plan's summary match `golden/`, its page tell everything, its verdict follow the load? |
//! | environment | is a machine read rightly, and an empty one without failure? |
//!
//! After a wanted change of a table: `UPDATE_GOLDEN=1 cargo test -p flywheel-report`, then read the
//! difference.

mod environment;
mod folder;
mod gate;
mod html;
mod overload;
mod plan;
mod plots;
mod schema;
mod tables;
mod verdict;

use flywheel_report::{
    DeviceBracket, DeviceFigures, EngineFigures, Interval, LatencyUs, LoadPhase, OperationFigures,
    OperationKind, RunResult, Verification,
};

/// Times around `p99_us` in the shape of a real run's.
fn operation(count: u64, p99_us: f64) -> OperationFigures {
    let response_us = LatencyUs {
        mean: p99_us * 0.3,
        p50: p99_us * 0.2,
        p95: p99_us * 0.7,
        p99: p99_us,
        p999: p99_us * 2.0,
        max: p99_us * 7.0,
    };
    OperationFigures { count, response_us, ..OperationFigures::default() }
}

fn probe(read_iops_max: f64) -> DeviceFigures {
    DeviceFigures {
        read_iops_qd1: 14_000.0,
        read_iops_max,
        read_us_p99_qd8: Some(840.0),
        durable_write_4k_us_p50: 121.5,
        sequential_read_bytes_per_s: 880e6,
        sequential_write_bytes_per_s: 2.4e9,
        detail: [("file_bytes".to_owned(), (1u64 << 30).into())].into_iter().collect(),
    }
}

/// A full result, sealed: 95 % reads, 5 % updates.
fn sample() -> RunResult {
    let mut result = RunResult {
        workload: "b".into(),
        system: "store".into(),
        properties: [("recordcount".to_owned(), "1000000".to_owned())].into(),
        seed: 42,
        command: ["flywheel", "run", "workloads/b", "--dir", "/mnt/fast disk"]
            .map(String::from)
            .into(),
        started_utc: "2026-01-15T10:11:12Z".into(),
        elapsed_s: 60.0,
        throughput_ops_per_s: 120_000.0,
        operations: [
            (
                OperationKind::Read,
                OperationFigures { not_found: 3, ..operation(6_840_000, 1_500.0) },
            ),
            (OperationKind::Update, operation(360_000, 2_130.0)),
        ]
        .into(),
        load: Some(LoadPhase {
            records: 1_000_000,
            elapsed_s: 12.5,
            throughput_ops_per_s: 80_000.0,
        }),
        // The last second is cut off, and judged by nobody.
        intervals: [(0.0, 90_000), (1.0, 120_000), (2.0, 121_000), (3.0, 40_000)]
            .map(|(at_s, count)| Interval {
                at_s,
                count,
                p99_us: 1600.0,
                max_us: 9000.0,
                ..Interval::default()
            })
            .into(),
        verification: Some(Verification { checked: 1_000_000, wrong: 0 }),
        device: DeviceBracket { before: Some(probe(80_000.0)), after: Some(probe(76_000.0)) },
        engine: EngineFigures {
            read_ios_per_op: Some(0.34),
            bytes_per_read: Some(1_540.0),
            index_reads_per_op: Some(0.0),
            bytes_written_per_user_byte: Some(1.12),
            log_writes_per_op: Some(0.12),
            bytes_per_log_write: Some(12_300.0),
            peak_file_bytes_per_live_byte: Some(1.61),
            index_bytes_per_item: Some(18.2),
            cache_hit_ratio: Some(0.642),
            compaction_bytes: Some(1_230_000_000),
            compaction_read_bytes: Some(2_460_000_000),
            recovery_s: Some(2.31),
        },
        ..RunResult::default()
    };
    result.seal();
    result
}
