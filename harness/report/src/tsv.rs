//! One row of figures for spreadsheets and shell tools. What it leaves out stands in `result.json`.

use crate::RunResult;

/// A header and a row, separated by tabs. Figures that were not measured are empty.
pub fn tsv(result: &RunResult) -> String {
    let cells = cells(result);
    let names: Vec<&str> = cells.iter().map(|(name, _)| *name).collect();
    let values: Vec<String> = cells.iter().map(|(_, value)| plain(value)).collect();
    format!("{}\n{}\n", names.join("\t"), values.join("\t"))
}

/// Tabs and line breaks would make other columns of it.
fn plain(value: &str) -> String {
    value.replace(['\t', '\n', '\r'], " ")
}

fn cells(result: &RunResult) -> Vec<(&'static str, String)> {
    let number = |figure: Option<f64>| figure.map_or(String::new(), |figure| figure.to_string());
    let slowest = result.slowest().map(|(_, operation)| operation.response_us);
    let steal = result.environment.steal_share;
    let throttling = result.throttling.as_ref();
    let stalled = result.ratios.slowest_second_per_median.map(|share| 1.0 - share.min(1.0));
    vec![
        ("started_utc", result.started_utc.clone()),
        ("workload", result.workload.clone()),
        ("system", result.system.clone()),
        ("git_revision", result.environment.git_revision.clone().unwrap_or_default()),
        ("seed", result.seed.to_string()),
        ("verdict", result.verdict().name().to_owned()),
        ("rate_asked_per_s", number(result.schedule.as_ref().map(|of| of.rate_per_s))),
        ("throughput_ops_per_s", result.throughput_ops_per_s.to_string()),
        ("slowest_operation", result.slowest().map_or("", |(kind, _)| kind.name()).to_owned()),
        ("p50_us", number(slowest.map(|us| us.p50))),
        ("p99_us", number(slowest.map(|us| us.p99))),
        ("p999_us", number(slowest.map(|us| us.p999))),
        ("max_us", number(slowest.map(|us| us.max))),
        ("device_read_iops", number(result.device.read_iops_max())),
        ("ops_per_device_read_iops", number(result.ratios.throughput_per_device_read_iops)),
        ("device_reads_per_op", number(result.engine.read_ios_per_op)),
        ("write_amplification", number(result.process.written_bytes_per_user_byte)),
        ("worst_second_stall_share", number(stalled)),
        ("cpu_us_per_op", number(result.process.cpu_us_per_op)),
        ("rss_bytes", number(result.process.peak_resident_bytes.map(|bytes| bytes as f64))),
        ("disk_bytes", number(result.disk_bytes.map(|bytes| bytes as f64))),
        ("steal_share", number(steal)),
        ("throttled", number(throttling.map(|of| of.requests as f64))),
        ("throttled_share", number(throttling.map(|of| of.share))),
        ("throttling_ended_s", number(throttling.and_then(|of| of.ended_s))),
    ]
}
