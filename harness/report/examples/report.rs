//! Renders pages: `report RESULT.json PAGE.html` that of a run, `report --sample PAGE.html` one with a curve, ratios and
//! runs. For looking at them in a browser (`scripts/browser`); not a command that users need.

use std::error::Error;
use std::fs;

use flywheel_report::{
    CurvePoint, LatencyCurve, RateEstimate, RatioRow, RatioTable, Report, RunResult, Tone,
    run_report,
};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (page, file) = match arguments.as_slice() {
        [from, file] if from == "--sample" => (sample(), file),
        [from, file] => (run_report(&RunResult::from_json(&fs::read_to_string(from)?)?), file),
        _ => return Err("usage: report RESULT.json|--sample PAGE.html".into()),
    };
    Ok(fs::write(file, page)?)
}

fn sample() -> String {
    let point = |step: u32| {
        let rate_per_s = f64::from(step) * 10_000.0;
        let share = rate_per_s / 128_000.0;
        let p50_us = 180.0 / (1.0 - share.min(0.98));
        let times = [p50_us, p50_us * 6.0, p50_us * 14.0];
        let [p50_us, p99_us, p999_us] = times;
        CurvePoint { rate_per_s, p50_us, p99_us, p999_us, sustained: share < 0.98 }
    };
    let curve = LatencyCurve {
        points: (1..=13).map(point).collect(),
        target_p99_us: 10_000.0,
        knee_rate_per_s: Some(100_000.0),
        best_rate_per_s: Some(RateEstimate {
            low: 108_000.0,
            estimate: 113_000.0,
            high: 117_500.0,
        }),
    };
    let row = |label: &str, low, estimate, high, note: &str| RatioRow {
        label: label.into(),
        low,
        estimate,
        high,
        note: note.into(),
    };
    let builds = RatioTable {
        rows: vec![
            row("throughput, workload a", 0.985, 1.004, 1.021, "equivalent"),
            row("throughput, workload b", 1.032, 1.058, 1.081, "improved"),
            row("p99 at 40,000/s, workload a", 0.93, 1.01, 1.12, "inconclusive"),
            row("p99 at 40,000/s, a workload with a very long name", 1.05, 1.09, 1.14, "regressed"),
        ],
        threshold: Some((0.97, 1.03)),
        ..RatioTable::default()
    };
    let device = RatioTable {
        rows: vec![
            row("operations per device read IOPS", 1.4, 1.52, 1.7, ""),
            row("p99 over the probe's p99", 3.1, 4.2, 6.0, ""),
            row("write amplification over RocksDB's", 0.18, 0.21, 0.25, "12 pairs"),
        ],
        ..RatioTable::default()
    };
    Report::new("Sample of a comparison and a search")
        .badge(Tone::Open, "inconclusive")
        .lead("Figures made up, to show what a page can hold.")
        .curve("Latency against throughput", &curve)
        .ratios("New build over old", &builds)
        .ratios("Engine over device and peers", &device)
        .runs("Runs", &[RunResult::default()])
        .verbatim("Command", "flywheel search --target-p99 10ms")
        .to_html()
}
