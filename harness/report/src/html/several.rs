//! Pages of several runs: a search for the highest rate, a comparison with peers. What they conclude was concluded
//! where their figures were put together.

use super::page::{Report, Tone};
use crate::folder::command_line;
use crate::peers::{self, PeersResult};
use crate::ratio_table::{RatioRow, RatioTable};
use crate::search::{self, SearchResult};
use crate::units::{rate, ratio, time};
use crate::{Environment, Verdict};

/// The page of a search.
pub fn search_report(result: &SearchResult) -> String {
    let SearchResult { workload, system, seconds_each, arrivals, .. } = result;
    let words = match result.verdict() {
        Verdict::Met => "found",
        Verdict::Fault => "fault",
        Verdict::Missed | Verdict::Unsustained => "none found",
    };
    let mut findings = vec![format!(
        "In a closed loop the workload's clients reached {} operations/s.",
        rate(result.peak_ops_per_s)
    )];
    findings.extend(result.knee_rate_per_s.map(|knee| {
        let share = if result.peak_ops_per_s > 0.0 { knee / result.peak_ops_per_s } else { 0.0 };
        format!("The knee lies at {} operations/s, {} of that peak.", rate(knee), ratio(share))
    }));
    findings.extend(result.device.read_iops_max().map(|iops| {
        format!("The disk alone answers {} random reads of 4 KiB a second.", rate(iops))
    }));
    Report::new(format!("Highest rate of {workload} on {system}"))
        .badge(Tone::of(result.verdict()), words)
        .lead(search::conclusion(result))
        .lead(format!(
            "Target: p99 of every type of operation at most {}. Each run is an open loop of {seconds_each} s, \
             {arrivals} arrivals; a point of the curve is the middle one of the runs at its rate. {}",
            time(result.target_p99_us),
            result.started_utc
        ))
        .curve("Latency against throughput", &result.curve())
        .remarks("Beside it", &findings)
        .facts("Properties", result.properties.iter())
        .verbatim("Host", &host(&result.environment))
        .verbatim("Command", &command_line(&result.command))
        .to_html()
}

/// The page of a comparison with peers.
pub fn peers_report(result: &PeersResult) -> String {
    let rows: Vec<[String; 12]> = result.systems.iter().map(peers::row).collect();
    let (tone, words) =
        if result.is_clean() { (Tone::Good, "all ran clean") } else { (Tone::Fault, "fault") };
    let mut page = Report::new(format!("{} on Flywheel and its peers", result.workload))
        .badge(tone, words)
        .lead(result.started_utc.clone())
        .table("Side by side", peers::COLUMNS, &rows)
        .ratios("Flywheel over its peers, throughput", &over_peers(result))
        .remarks("How to read this", &peers::remarks(result));
    for system in &result.systems {
        page = page.facts(&format!("Settings of {}", system.system), system.settings.iter());
    }
    page.facts("Properties", result.properties.iter())
        .verbatim("Host", &host(&result.environment))
        .verbatim("Command", &command_line(&result.command))
        .to_html()
}

fn over_peers(result: &PeersResult) -> RatioTable {
    let row = |system: &peers::SystemFigures| {
        let of = system.flywheel_over_this?;
        let note = format!("{} rounds", system.throughput_ops_per_s.len());
        let label = format!("over {}", system.system);
        Some(RatioRow { label, low: of.low, estimate: of.estimate, high: of.high, note })
    };
    RatioTable { rows: result.systems.iter().filter_map(row).collect(), ..RatioTable::default() }
}

/// The host in a few lines; all of it stands in the JSON.
fn host(of: &Environment) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".into());
    let cores = of.cores.map_or("?".into(), |cores| cores.to_string());
    let memory = of.memory_bytes.map_or("?".into(), |bytes| crate::units::bytes(bytes as f64));
    format!(
        "{} x {cores}, {memory} of memory, Linux {}\n{} with {} on {}\nFlywheel {} {}",
        text(&of.cpu_model),
        text(&of.kernel),
        text(&of.file_system.kind),
        text(&of.file_system.mount_options),
        text(&of.disk.device),
        of.flywheel_version,
        of.git_revision.as_deref().unwrap_or_default()
    )
}
