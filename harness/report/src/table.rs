//! Results for people: one run as a summary, several as a table. Plain text that needs no terminal;
//! colour only where a terminal wants it. Decides nothing: the verdict is made elsewhere.

use std::io::IsTerminal;

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};

use crate::limits::SAMPLES_FOR_P99;
use crate::load::{Generator, Schedule, Validation};
use crate::throttling::Throttling;
use crate::units::{bytes, count, percent, rate, ratio, time};
use crate::{DeviceFigures, LatencyUs, OperationFigures, OperationKind, RunResult, Verdict};

/// Whether text is coloured.
#[derive(Clone, Copy, Debug)]
pub struct Paint {
    coloured: bool,
}

impl Paint {
    /// No colour: for files and pipes.
    pub fn plain() -> Self {
        Self { coloured: false }
    }

    /// Colour if standard output is a terminal that can, and `NO_COLOR` is unset or empty
    /// (<https://no-color.org>).
    pub fn for_stdout() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        Self { coloured: !unwanted && !dumb && std::io::stdout().is_terminal() }
    }

    pub(crate) fn verdict(self, verdict: Verdict, text: &str) -> String {
        let code = match verdict {
            Verdict::Met => "32",
            Verdict::Missed | Verdict::Unsustained => "33",
            Verdict::Fault => "31",
        };
        if self.coloured { format!("\x1b[1;{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// One run, in a few lines and a table. Ends in a line break.
pub fn summary(result: &RunResult, paint: Paint) -> String {
    let mut lines = vec![title(result), String::new(), operations(result)];
    lines.push(String::new());
    let verdict = result.verdict();
    lines.push(paint.verdict(verdict, &verdict_line(result, verdict)));
    lines.extend(note_on_samples(result));
    lines.push(String::new());
    lines.extend(labelled("percentiles", [percentiles(result)]));
    lines.extend(labelled("throughput", [Some(throughput(result))]));
    lines.extend(labelled("schedule", schedule(result)));
    lines
        .extend(labelled("throttled", [result.throttling.as_ref().and_then(Throttling::sentence)]));
    lines.extend(labelled("generator", generator(result)));
    lines.extend(labelled("process", process(result)));
    lines.extend(labelled("prepared", prepared(result)));
    lines.extend(labelled(
        "load",
        [result.load.as_ref().map(|load| {
            let speed = rate(load.throughput_ops_per_s);
            format!("{} records in {:.1} s, {speed}/s", count(load.records), load.elapsed_s)
        })],
    ));
    lines.extend(labelled("engine", engine(result)));
    lines.extend(labelled("device", device(result)));
    lines.extend(labelled("ratios", ratios(result)));
    lines.extend(labelled("evenness", evenness(result)));
    lines.extend(labelled(
        "verified",
        [result.verification.as_ref().map(|found| {
            format!("{} items, {} wrong or missing", count(found.checked), count(found.wrong))
        })],
    ));
    lines.extend(labelled("summed", [result.validation.as_ref().map(summed)]));
    lines.extend(labelled(
        "read back",
        [result.read_back.as_ref().map(|found| {
            let (checked, expected) = (count(found.checked), count(found.expected));
            format!(
                "{checked} reads of {expected} records, {} wrong or missing",
                count(found.wrong)
            )
        })],
    ));
    lines.join("\n") + "\n"
}

/// What was asked for beyond the table's columns.
fn percentiles(result: &RunResult) -> Option<String> {
    let line = |kind: &OperationKind, of: &OperationFigures| {
        let each = of.response_percentiles.iter().map(|point| {
            // 99.9 %, and not what a hundred times 0.999 comes to.
            let percentile = (point.quantile * 1e8).round() / 1e6;
            format!("p{percentile} {}", time(point.us))
        });
        format!("{} {}", kind.name(), each.collect::<Vec<_>>().join(", "))
    };
    let asked = result.operations.iter().filter(|(_, of)| !of.response_percentiles.is_empty());
    let lines: Vec<String> = asked.map(|(kind, of)| line(kind, of)).collect();
    (!lines.is_empty()).then(|| lines.join("; "))
}

/// Several runs, a row each; times are those of the operation type with the highest p99, and
/// `ops/IOPS` is throughput over the device's saturated reads. Ends in a line break.
pub fn suite(results: &[RunResult]) -> String {
    let mut table = new_table(&[
        "workload",
        "system",
        "ops/s",
        "slowest",
        "p99",
        "p99.9",
        "max",
        "ops/IOPS",
        "reads/op",
        "write amp",
        "target",
    ]);
    for result in results {
        let slowest = result.slowest();
        let cell = |figure: fn(&OperationFigures) -> f64| {
            slowest.map_or("-".into(), |(_, operation)| time(figure(operation)))
        };
        let optional = |figure: Option<f64>| figure.map_or("-".into(), ratio);
        table.add_row([
            result.workload.clone(),
            result.system.clone(),
            rate(result.throughput_ops_per_s),
            slowest.map_or("-".into(), |(kind, _)| kind.name().to_owned()),
            cell(|operation| operation.response_us.p99),
            cell(|operation| operation.response_us.p999),
            cell(|operation| operation.response_us.max),
            optional(result.ratios.throughput_per_device_read_iops),
            optional(result.engine.read_ios_per_op),
            optional(result.engine.bytes_written_per_user_byte),
            result.verdict().name().to_owned(),
        ]);
    }
    render(table, &[0, 1, 3]) + "\n"
}

fn title(result: &RunResult) -> String {
    let system = if result.system.is_empty() { "" } else { " on " };
    let partial = if result.partial { ", stopped early" } else { "" };
    let RunResult { workload, system: name, seed, elapsed_s, .. } = result;
    format!("workload {workload}{system}{name}, {elapsed_s:.1} s{partial}, seed {seed}")
}

fn operations(result: &RunResult) -> String {
    let mut table =
        new_table(&["operation", "count", "errors", "mean", "p50", "p95", "p99", "p99.9", "max"]);
    let times = |us: &LatencyUs| [us.mean, us.p50, us.p95, us.p99, us.p999, us.max];
    for (kind, operation) in &result.operations {
        let us = &operation.response_us;
        let mut row = vec![kind.name().to_owned(), count(operation.count), count(operation.errors)];
        // Without a sample there is no time, and zero would read as a splendid one.
        let cells = |times: [f64; 6]| {
            times.map(|us| if operation.count > 0 { time(us) } else { "-".into() })
        };
        row.extend(cells(times(us)));
        table.add_row(row);
        // Where load follows a schedule: the part inside the system, and the part before it.
        for (part, of) in [("service", operation.service_us), ("wait", operation.wait_us)] {
            let Some(of) = of.filter(|_| result.schedule.is_some()) else { continue };
            let mut row = vec![format!("  {part}"), String::new(), String::new()];
            row.extend(cells(times(&of)));
            table.add_row(row);
        }
    }
    render(table, &[0])
}

/// The sentence that the run was for.
pub(crate) fn verdict_line(result: &RunResult, verdict: Verdict) -> String {
    let bound = time(result.target.p99_us);
    let judged = result.slowest().map(|(kind, operation)| {
        let p99_us = operation.response_us.p99;
        let sign = if p99_us < result.target.p99_us {
            "<"
        } else if p99_us > result.target.p99_us {
            ">"
        } else {
            "="
        };
        format!("p99 {} {sign} {bound} ({})", time(p99_us), kind.name())
    });
    match (verdict, judged) {
        (Verdict::Met, Some(judged)) => format!("{judged}: target met"),
        (Verdict::Missed, Some(judged)) => format!("{judged}: target missed"),
        (Verdict::Unsustained, _) => format!("rate not sustained: {}", shortfall(result)),
        _ => format!("fault: {}", fault(result)),
    }
}

/// A generator less far behind at the end has kept up: what was missing was refused.
const KEPT_UP_US: f64 = 50_000.0;

/// What the schedule asked for and did not get.
fn shortfall(result: &RunResult) -> String {
    let Some(schedule) = &result.schedule else { return String::new() };
    let mut parts = vec![format!(
        "{} of {} operations/s",
        rate(result.throughput_ops_per_s),
        rate(schedule.rate_per_s)
    )];
    parts.push(format!("{} behind at the end", time(schedule.final_slip_us)));
    let refused = schedule.refused_total();
    parts.extend((refused > 0).then(|| format!("{} refused", count(refused))));
    parts.extend((schedule.late > 0).then(|| format!("{} given up", count(schedule.late))));
    let meaning = if refused > 0 && schedule.late == 0 && schedule.final_slip_us < KEPT_UP_US {
        "; its response times are those of what was accepted"
    } else {
        "; its response times only say how long the run was"
    };
    parts.join(", ") + meaning
}

/// The sum of all records' numbers against what it should be.
fn summed(found: &Validation) -> String {
    let mut parts = vec![format!(
        "{} records hold {} of {}, anomaly score {}",
        count(found.records),
        found.found,
        found.expected,
        found.anomaly_score
    )];
    parts.extend((found.wrong > 0).then(|| format!("{} wrong or missing", count(found.wrong))));
    let unsettled = found.unsettled;
    parts.extend((unsettled > 0).then(|| format!("{} without an answer", count(unsettled))));
    parts.join(", ")
}

fn fault(result: &RunResult) -> String {
    let errors: u64 = result.operations.values().map(|operation| operation.errors).sum();
    match &result.verification {
        _ if errors > 0 => format!("{} operations failed", count(errors)),
        _ if result.read_back.as_ref().is_some_and(|found| found.wrong > 0) => {
            let found = result.read_back.clone().unwrap_or_default();
            let (wrong, checked) = (count(found.wrong), count(found.checked));
            format!("of {checked} records read back after the run {wrong} are missing or wrong")
        }
        Some(found) if !found.passed() => {
            format!(
                "{} of {} items are not what was acknowledged",
                count(found.wrong),
                count(found.checked)
            )
        }
        _ if result.validation.as_ref().is_some_and(|found| !found.passed()) => {
            "what all records hold together is not what acknowledged operations made it".into()
        }
        _ if result.faults > 0 => {
            format!("{} operations failed or were never answered", count(result.faults))
        }
        _ => "no operation was measured".into(),
    }
}

/// A verdict on few samples stands, with a warning.
fn note_on_samples(result: &RunResult) -> Option<String> {
    let too_few = |operation: &&OperationFigures| (1..SAMPLES_FOR_P99).contains(&operation.count);
    result.operations.values().any(|operation| too_few(&operation)).then(|| {
        format!("(a p99 of fewer than {} samples is a hint, not a figure)", count(SAMPLES_FOR_P99))
    })
}

fn throughput(result: &RunResult) -> String {
    let missing: u64 = result.operations.values().map(|operation| operation.not_found).sum();
    let missing = if missing > 0 { format!(", {} not found", count(missing)) } else { "".into() };
    format!("{} ops/s{missing}", rate(result.throughput_ops_per_s))
}

fn schedule(result: &RunResult) -> [Option<String>; 4] {
    let schedule = result.schedule.as_ref();
    let figure = |text: fn(&Schedule) -> Option<String>| schedule.and_then(text);
    [
        figure(|schedule| {
            let Schedule { arrivals, shape, rate_per_s, .. } = schedule;
            let shape = if shape == "flat" { String::new() } else { format!(", {shape}") };
            Some(format!("{arrivals} {}/s{shape}", rate(*rate_per_s)))
        }),
        figure(|schedule| {
            let peak = schedule.peak_ops_per_s.filter(|peak| *peak > 0.0)?;
            let share = percent(schedule.rate_per_s / peak);
            Some(format!("{share} of a peak of {}/s", rate(peak)))
        }),
        figure(|schedule| Some(format!("{} behind at the end", time(schedule.final_slip_us)))),
        figure(|schedule| {
            let most = schedule.in_flight_most?;
            Some(format!("at most {} in flight together", count(most)))
        }),
    ]
}

/// The generator's own cost, so that nobody takes it for the system's.
fn generator(result: &RunResult) -> [Option<String>; 3] {
    let Generator { clients, workers, pinned_cores, floor } = &result.generator;
    let pinned = if pinned_cores.is_empty() { "" } else { ", pinned" };
    [
        (*workers > 0).then(|| format!("{} clients on {workers} threads{pinned}", count(*clients))),
        floor.map(|floor| {
            let rate = rate(floor.throughput_ops_per_s);
            format!("against nothing {rate} ops/s, p99 {}", time(floor.p99_us))
        }),
        floor.and_then(|floor| {
            floor.wait_p99_us.map(|us| format!("starts at most {} late (p99)", time(us)))
        }),
    ]
}

fn process(result: &RunResult) -> [Option<String>; 4] {
    let process = &result.process;
    [
        process.cpu_us_per_op.map(|us| format!("{} of processor time per operation", time(us))),
        process
            .written_bytes_per_user_byte
            .map(|ratio_of| format!("{} bytes written per user byte", ratio(ratio_of))),
        process.peak_resident_bytes.map(|size| format!("{} of memory", bytes(size as f64))),
        result.disk_bytes.map(|size| format!("{} of files", bytes(size as f64))),
    ]
}

fn prepared(result: &RunResult) -> [Option<String>; 2] {
    let prepared = &result.preparation;
    [
        (prepared.precondition_ops > 0)
            .then(|| format!("{} overwrites", count(prepared.precondition_ops))),
        (prepared.warm_up_s > 0.0).then(|| {
            let steady = match prepared.steady {
                None => "",
                Some(true) => ", steady",
                Some(false) => ", not steady at its end",
            };
            format!("{:.0} s of warm-up{steady}", prepared.warm_up_s)
        }),
    ]
}

fn engine(result: &RunResult) -> [Option<String>; 10] {
    let engine = &result.engine;
    [
        engine.read_ios_per_op.map(|ios| format!("{} device reads per operation", ratio(ios))),
        engine.bytes_per_read.map(|size| format!("{} a read", bytes(size))),
        engine
            .index_reads_per_op
            .filter(|&ios| ios > 0.0)
            .map(|ios| format!("{} of them for the index", ratio(ios))),
        engine
            .bytes_written_per_user_byte
            .map(|amplification| format!("{} bytes written per user byte", ratio(amplification))),
        engine.bytes_per_log_write.map(|size| format!("{} a durable write", bytes(size))),
        engine
            .peak_file_bytes_per_live_byte
            .map(|most| format!("at most {} bytes of files per live byte", ratio(most))),
        engine.index_bytes_per_item.map(|size| format!("{} index bytes per item", ratio(size))),
        engine.cache_hit_ratio.map(|hits| format!("{} cache hits", percent(hits))),
        engine.compaction_bytes.map(|size| format!("{} compacted", bytes(size as f64))),
        engine.recovery_s.map(|seconds| format!("recovered in {}", time(seconds * 1e6))),
    ]
}

/// The probe before the run (or the one after, if it alone was taken).
fn device(result: &RunResult) -> [Option<String>; 3] {
    let probe = result.device.before.as_ref().or(result.device.after.as_ref());
    let figure = |text: fn(&DeviceFigures) -> String| probe.map(text);
    [
        figure(|probe| {
            let (one, most) = (rate(probe.read_iops_qd1), rate(probe.read_iops_max));
            format!("{one} (one in flight) to {most} 4 KiB reads/s")
        }),
        figure(|probe| format!("durable 4 KiB write {}", time(probe.durable_write_4k_us_p50))),
        figure(|probe| {
            let read = bytes(probe.sequential_read_bytes_per_s);
            let written = bytes(probe.sequential_write_bytes_per_s);
            format!("sequential {read}/s read and {written}/s written")
        }),
    ]
}

fn ratios(result: &RunResult) -> [Option<String>; 4] {
    let ratios = &result.ratios;
    [
        ratios
            .throughput_per_device_read_iops
            .map(|share| format!("{} operations per device read IOPS", ratio(share))),
        ratios
            .read_ios_per_device_read_iops
            .map(|share| format!("{} of the device's reads used", percent(share))),
        ratios.p99_per_probe_p99.map(|times| format!("p99 {} x the probe's at QD8", ratio(times))),
        ratios
            .device_after_per_before
            .map(|share| format!("device after the run {} of before", percent(share))),
    ]
}

fn evenness(result: &RunResult) -> [Option<String>; 2] {
    let slowest = result.ratios.slowest_second_per_median;
    let longest_us = result.intervals.iter().map(|interval| interval.max_us).reduce(f64::max);
    [
        slowest.map(|share| format!("slowest second {} of the median", percent(share))),
        // A lone interval says no more than the table above.
        longest_us
            .filter(|_| slowest.is_some())
            .map(|us| format!("longest operation {}", time(us))),
    ]
}

/// A label, then what there is of `figures`, in lines of at most 100 columns.
fn labelled<const N: usize>(label: &str, figures: [Option<String>; N]) -> Vec<String> {
    const COLUMNS: usize = 100;
    const INDENT: usize = 12;
    let mut lines: Vec<String> = Vec::new();
    for figure in figures.into_iter().flatten() {
        match lines.last_mut() {
            Some(line) if line.len() + 2 + figure.len() <= COLUMNS => {
                line.push_str(", ");
                line.push_str(&figure);
            }
            Some(_) => lines.push(format!("{:INDENT$}{figure}", "")),
            None => lines.push(format!("{label:INDENT$}{figure}")),
        }
    }
    lines
}

pub(crate) fn new_table(header: &[&str]) -> Table {
    const RULE: LineStyle = LineStyle::none().fill('─').junction('─');
    const RULES: TableStyle =
        TableStyle::new().top_border(RULE).header_separator(RULE).bottom_border(RULE);
    let mut table = Table::new();
    table.load_style(RULES).set_header(header);
    table
}

/// The table's text: numbers to the right, the columns named in `words` to the left, no blanks at
/// the ends of lines.
pub(crate) fn render(mut table: Table, words: &[usize]) -> String {
    for (index, column) in table.column_iter_mut().enumerate() {
        if !words.contains(&index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}
