//! What was run and how it ended: title, verdict in words, key figures; and several runs as a table. Makes no verdict.

use maud::{Markup, html};

use super::page::{Tone, badge};
use super::parts;
use crate::limits::SAMPLES_FOR_P99;
use crate::table::verdict_line;
use crate::units::{bytes, count, rate, ratio, time};
use crate::{RunResult, Verdict};

/// The page's title, and its heading.
pub(super) fn title(result: &RunResult) -> String {
    let workload = match result.workload.as_str() {
        "" => "Run".to_owned(),
        workload => format!("Workload {workload}"),
    };
    if result.system.is_empty() { workload } else { format!("{workload} on {}", result.system) }
}

/// Above everything else.
pub(super) fn headline(result: &RunResult) -> Markup {
    let verdict = result.verdict();
    let mut about: Vec<String> = Vec::new();
    about.extend((!result.started_utc.is_empty()).then(|| result.started_utc.clone()));
    about.extend((result.elapsed_s > 0.0).then(|| format!("took {:.1} s", result.elapsed_s)));
    about.push(format!("seed {}", result.seed));
    let revision = result.environment.git_revision.as_deref();
    about.extend(
        revision
            .map(|revision| format!("revision {}", revision.chars().take(12).collect::<String>())),
    );
    html! {
        header {
            p.kicker { "Flywheel run report" }
            h1 { (title(result)) }
            p.verdict { (badge(Tone::of(verdict), verdict.name())) " " (verdict_line(result, verdict)) "." }
            @if verdict == Verdict::Unsustained {
                p.warning {
                    "The offered rate was not sustained. The p99s below are meaningless as latencies: they grow with the \
                    length of the run. Read throughput and refusals instead, or run again at a lower rate."
                }
            }
            @if result.partial {
                p.warning { "The run was stopped early; the figures hold for the part that ran." }
            }
            @if result.environment.build_profile.as_deref() == Some("debug") {
                p.warning { "This is a debug build: its figures mean nothing." }
            }
            p.about { (about.join(" · ")) }
        }
    }
}

/// The figures that people look for first.
pub(super) fn key_figures(result: &RunResult) -> Option<Markup> {
    let verdict = result.verdict();
    let slowest = result.slowest();
    let target = time(result.target.p99_us);
    let p99 = slowest.map(|(_, figures)| time(figures.response_us.p99));
    let p99_note = slowest.map_or("no operation was measured".to_owned(), |(kind, figures)| {
        let few = if figures.count < SAMPLES_FOR_P99 { ", of few samples" } else { "" };
        match verdict {
            Verdict::Unsustained => "meaningless: rate not sustained".into(),
            _ => format!("{}{few}; target {target}", kind.name()),
        }
    });
    let throughput = (result.throughput_ops_per_s > 0.0).then(|| rate(result.throughput_ops_per_s));
    let asked = result
        .schedule
        .as_ref()
        .map(|schedule| format!("of {}/s asked for", rate(schedule.rate_per_s)));
    let written = result.engine.bytes_written_per_user_byte;
    let written_by_process = result.process.written_bytes_per_user_byte;
    let written_note = match (written, written_by_process) {
        (Some(_), Some(kernel)) => {
            format!("the engine's own count; the kernel's {}", ratio(kernel))
        }
        (Some(_), None) => "the engine's own count".into(),
        (None, _) => "as the kernel counts it".into(),
    };
    let share = result.ratios.throughput_per_device_read_iops.map(ratio);
    let memory = result.process.peak_resident_bytes.map(|size| bytes(size as f64));
    let files = result.disk_bytes.map(|size| format!("{} of files", bytes(size as f64)));
    let tiles = [
        (
            "throughput",
            throughput.map(|rate| rate + " ops/s"),
            asked.unwrap_or("as fast as answers came".into()),
        ),
        ("p99 of the slowest type", p99, p99_note),
        (
            "operations per device read IOPS",
            share,
            "over the better probe's saturated 4 KiB reads".into(),
        ),
        ("write amplification", written.or(written_by_process).map(ratio), written_note),
        (
            "processor time per operation",
            result.process.cpu_us_per_op.map(time),
            "generator included".into(),
        ),
        ("memory at its most", memory, files.unwrap_or("resident, generator included".into())),
    ];
    let meaningless = verdict == Verdict::Unsustained;
    Some(html! {
        section aria-labelledby="key-figures" {
            h2.unseen id="key-figures" { "Key figures" }
            dl.tiles {
                @for (index, (name, value, note)) in tiles.iter().enumerate() {
                    div.meaningless[meaningless && index == 1] {
                        dt { (name) }
                        dd.figure { (parts::or_absent(value.as_deref())) }
                        @if value.is_some() { dd.note { (note) } }
                    }
                }
            }
        }
    })
}

/// Several runs, a row each; the times are those of the type with the highest p99.
pub(super) fn runs_table(name: &str, runs: &[RunResult]) -> Markup {
    let head = html! {
        tr {
            th scope="col" { "workload" }
            th scope="col" { "system" }
            th.number scope="col" { "ops/s" }
            th scope="col" { "slowest" }
            @for name in ["operations", "p99", "p99.9", "max", "ops/IOPS", "write amp"] {
                th.number scope="col" { (name) }
            }
            th scope="col" { "verdict" }
        }
    };
    let rows = html! { @for run in runs { (run_row(run)) } };
    parts::table(name, &head, &rows)
}

fn run_row(run: &RunResult) -> Markup {
    let verdict = run.verdict();
    let meaningless = verdict == Verdict::Unsustained;
    let throughput = Some(run.throughput_ops_per_s).filter(|per_s| *per_s > 0.0);
    let slowest = run.slowest();
    let us = slowest.map(|(_, figures)| figures.response_us);
    let times = us.map_or([None; 3], |us| [Some(us.p99), Some(us.p999), Some(us.max)]);
    let ratios =
        [run.ratios.throughput_per_device_read_iops, run.engine.bytes_written_per_user_byte];
    html! {
        tr {
            th scope="row" { (run.workload) }
            td { (run.system) }
            td.number { (throughput.map_or("-".into(), rate)) }
            td { (slowest.map_or("-", |(kind, _)| kind.name())) }
            td.number { (slowest.map_or("-".into(), |(_, figures)| count(figures.count))) }
            @for us in times { td.number.meaningless[meaningless] { (us.map_or("-".into(), time)) } }
            @for figure in ratios { td.number { (figure.map_or("-".into(), ratio)) } }
            td { (badge(Tone::of(verdict), verdict.name())) }
        }
    }
}
