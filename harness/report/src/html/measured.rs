//! What was measured beside times: the device around the run, the engine, the generator's own cost, how the run was
//! prepared and what was checked after it. Works nothing out.

use maud::{Markup, html};

use super::joined;
use super::parts::{Fact, either, facts, section, table};
use crate::load::{Generator, Preparation};
use crate::units::{bytes, count, percent, rate, ratio, time};
use crate::{DeviceFigures, RunResult};

/// The yardstick and the ratios to it.
pub(super) fn device(result: &RunResult) -> Option<Markup> {
    let ratios = &result.ratios;
    let ratios = facts(vec![
        ("operations per device read IOPS", ratios.throughput_per_device_read_iops.map(ratio)),
        ("share of the device's reads used", ratios.read_ios_per_device_read_iops.map(percent)),
        ("p99 over the probe's p99, 8 in flight", ratios.p99_per_probe_p99.map(ratio)),
        ("slowest second over the median second", ratios.slowest_second_per_median.map(percent)),
    ]);
    let content = joined(vec![probes(result), ratios]);
    section("device", "Device: the yardstick", content)
}

type Figure = (&'static str, fn(&DeviceFigures) -> Option<f64>, fn(f64) -> String);

const PROBED: [Figure; 7] = [
    ("4 KiB reads per second, one in flight", |probe| Some(probe.read_iops_qd1), rate),
    ("4 KiB reads per second, saturated", |probe| Some(probe.read_iops_max), rate),
    ("p99 of a 4 KiB read, 8 in flight", |probe| probe.read_us_p99_qd8, time),
    ("4 KiB read, one in flight, p50", |probe| detail(probe, "read_us_p50_qd1"), time),
    ("durable 4 KiB write, p50", |probe| Some(probe.durable_write_4k_us_p50), time),
    ("sequential read per second", |probe| Some(probe.sequential_read_bytes_per_s), bytes),
    ("sequential write per second", |probe| Some(probe.sequential_write_bytes_per_s), bytes),
];

fn detail(probe: &DeviceFigures, name: &str) -> Option<f64> {
    probe.detail.get(name)?.as_f64()
}

fn probes(result: &RunResult) -> Option<Markup> {
    let (before, after) = (result.device.before.as_ref(), result.device.after.as_ref());
    before.or(after)?;
    let head = html! {
        tr {
            th scope="col" { "raw probe of the same file system" }
            @for name in ["before", "after", "after / before"] { th.number scope="col" { (name) } }
        }
    };
    let rows = PROBED.iter().map(|(name, figure, unit)| {
        let [before, after] = [before, after].map(|probe| probe.and_then(figure));
        let change = before.zip(after).filter(|(before, _)| *before > 0.0);
        let cells = [
            before.map(unit),
            after.map(unit),
            change.map(|(before, after)| percent(after / before)),
        ];
        (before.or(after).is_some()).then(|| {
            html! {
                tr { th scope="row" { (name) }
                    @for cell in cells { td.number { (cell.as_deref().unwrap_or("-")) } } }
            }
        })
    });
    let rows = joined(rows.collect())?;
    Some(html! {
        (table("Device before and after", &head, &rows))
        p.small {
            "A probe of its own, no part of the engine, just before and just after the run. Where the two differ much, the \
            device itself changed, and so may have the figures above."
        }
    })
}

/// What the engine and the process counted.
pub(super) fn engine(result: &RunResult) -> Option<Markup> {
    let (engine, process) = (&result.engine, &result.process);
    let size = |size: Option<u64>| size.map(|size| bytes(size as f64));
    let own = facts(vec![
        ("device reads per operation", engine.read_ios_per_op.map(ratio)),
        ("bytes of such a read", engine.bytes_per_read.map(bytes)),
        ("of those reads, for the index", engine.index_reads_per_op.map(ratio)),
        ("bytes written per user byte", engine.bytes_written_per_user_byte.map(ratio)),
        ("durable log writes per operation", engine.log_writes_per_op.map(ratio)),
        ("bytes of such a write", engine.bytes_per_log_write.map(bytes)),
        ("bytes of files per live byte, at most", engine.peak_file_bytes_per_live_byte.map(ratio)),
        ("index bytes per item", engine.index_bytes_per_item.map(ratio)),
        ("cache hits", engine.cache_hit_ratio.map(percent)),
        ("compaction wrote", size(engine.compaction_bytes)),
        ("compaction read", size(engine.compaction_read_bytes)),
        ("recovered in", engine.recovery_s.map(|s| time(s * 1e6))),
    ]);
    let kernel = facts(vec![
        ("processor time per operation", process.cpu_us_per_op.map(time)),
        ("bytes written per operation", process.written_bytes_per_op.map(bytes)),
        ("bytes written per user byte", process.written_bytes_per_user_byte.map(ratio)),
        ("bytes read per operation", process.read_bytes_per_op.map(bytes)),
        ("memory at its most", size(process.peak_resident_bytes)),
        ("files after the run", size(result.disk_bytes)),
    ]);
    let kernel =
        kernel.map(|list| html! { h3 { "As the kernel counts it, generator included" } (list) });
    section("engine", "Engine", joined(vec![own, kernel]))
}

/// Who made the load, by which schedule, and what that costs against nothing.
pub(super) fn generator(result: &RunResult) -> Option<Markup> {
    let Generator { clients, workers, pinned_cores, floor } = &result.generator;
    // Runs of before it was recorded have no threads.
    let known = *workers > 0;
    let pinned = match pinned_cores.as_slice() {
        [] => "not pinned".to_owned(),
        cores => {
            let cores: Vec<String> = cores.iter().map(u64::to_string).collect();
            format!("pinned to cores {}", cores.join(", "))
        }
    };
    let mut list = schedule(result).unwrap_or_default();
    if known {
        list.push(("clients, or most in flight", Some(count(*clients))));
        list.push(("threads", Some(format!("{}, {pinned}", count(*workers)))));
    }
    let floor_facts = floor.map(|floor| {
        let list: Vec<Fact> = vec![
            ("throughput", Some(format!("{} ops/s", rate(floor.throughput_ops_per_s)))),
            ("p50", Some(time(floor.p50_us))),
            ("p99", Some(time(floor.p99_us))),
            ("slowest", Some(time(floor.max_us))),
            ("late starts, p99", floor.wait_p99_us.map(time)),
        ];
        html! {
            h3 { "The same load against nothing" }
            (joined(vec![facts(list)]).unwrap_or_default())
            p.small { "What the harness itself costs: no figure of the run can be better than this, and a p99 near it is the \
                harness's own." }
        }
    });
    let no_floor = (known && floor.is_none()).then(|| {
        html! { p.absent { "The same load against nothing was not measured." } }
    });
    let content = joined(vec![facts(list), refused(result), floor_facts, no_floor]);
    section("generator", "Load generator", content)
}

fn schedule(result: &RunResult) -> Option<Vec<Fact>> {
    let schedule = result.schedule.as_ref()?;
    let share = schedule.peak_ops_per_s.filter(|peak| *peak > 0.0).map(|peak| {
        format!("{} of a peak of {}/s", percent(schedule.rate_per_s / peak), rate(peak))
    });
    let mut list: Vec<Fact> = vec![
        ("arrivals", Some(format!("{}, {}", schedule.arrivals, schedule.shape))),
        ("rate asked for", Some(format!("{}/s", rate(schedule.rate_per_s)))),
    ];
    list.extend(share.map(|share| ("that is", Some(share))));
    list.extend([
        ("sustained", either(Some(schedule.sustained), "yes", "no: rate not sustained")),
        ("offered", Some(count(schedule.offered))),
        ("given up, over 10 s late", Some(count(schedule.late))),
        ("refused by the system", Some(count(schedule.refused_total()))),
        ("behind at the end", Some(time(schedule.final_slip_us))),
    ]);
    // A closed loop has no such figure: its clients are the bound.
    list.extend(schedule.in_flight_most.map(|most| ("most in flight together", Some(count(most)))));
    Some(list)
}

fn refused(result: &RunResult) -> Option<Markup> {
    let refused = &result.schedule.as_ref()?.refused;
    (!refused.is_empty()).then(|| {
        html! {
            h3 { "Refused, by what was full" }
            dl.facts { @for (reason, number) in refused { div { dt { (reason) } dd { (count(*number)) } } } }
        }
    })
}

/// How the files and the system were brought into the state of use.
pub(super) fn preparation(result: &RunResult) -> Option<Markup> {
    let prepared = &result.preparation;
    // Runs of before it was recorded say nothing of it, not that there was none.
    let known = *prepared != Preparation::default() || result.generator.workers > 0;
    let some = |text: String, is_some: bool| if is_some { text } else { "none".into() };
    let overwrites = some(
        format!("{} operations", count(prepared.precondition_ops)),
        prepared.precondition_ops > 0,
    );
    let warm_up = some(format!("{:.0} s", prepared.warm_up_s), prepared.warm_up_s > 0.0);
    let load = result.load.as_ref().map(|load| {
        let speed = rate(load.throughput_ops_per_s);
        format!("{} records in {:.1} s, {speed}/s", count(load.records), load.elapsed_s)
    });
    let mut list: Vec<Fact> = Vec::new();
    list.extend(load.map(|load| ("loaded by this run", Some(load))));
    if known {
        let steady = match prepared.steady {
            None => "not judged: the length was fixed",
            Some(true) => "yes",
            Some(false) => "no: it still drifted",
        };
        list.push(("overwritten before measuring", Some(overwrites)));
        list.push(("warm-up", Some(warm_up)));
        list.push(("steady at its end", (prepared.warm_up_s > 0.0).then(|| steady.into())));
        let drift = |slope: Option<f64>| slope.map(|slope| format!("{:+.2} %/s", slope * 100.0));
        let drifts = [
            ("drift of throughput", prepared.throughput_drift),
            ("drift of p99", prepared.p99_drift),
        ];
        list.extend(
            drifts
                .into_iter()
                .filter(|(_, slope)| slope.is_some())
                .map(|(name, slope)| (name, drift(slope))),
        );
    }
    section("preparation", "How it was prepared", facts(list))
}

/// What was compared with what had been written.
pub(super) fn checks(result: &RunResult) -> Option<Markup> {
    let found = |checked: u64, wrong: u64| match wrong {
        0 => format!("{} checked, none wrong or missing", count(checked)),
        wrong => format!("✕ {} of {} wrong or missing", count(wrong), count(checked)),
    };
    let during = result.verification.as_ref().map(|check| found(check.checked, check.wrong));
    let after = result.read_back.as_ref().map(|check| {
        let all = count(check.expected);
        format!("{}, of {all} that must be there", found(check.checked, check.wrong))
    });
    let mut list: Vec<Fact> = vec![("during the run", during), ("after the run", after)];
    list.retain(|(_, found)| found.is_some());
    section("checks", "Read back and verified", facts(list))
}
