//! The table of times, by type of operation and part of the way: response, and where load followed a schedule the
//! service and the wait that it is made of. Marks what too few samples stand behind.

use maud::{Markup, html};

use super::parts;
use crate::limits::SAMPLES_FOR_P99;
use crate::units::{count, time};
use crate::{LatencyUs, OperationFigures, OperationKind, RunResult, Verdict};

/// A percentile q needs 100 / (1 - q) samples.
const SAMPLES_FOR_P999: u64 = SAMPLES_FOR_P99 * 10;

/// `None` without operations.
pub(super) fn operations(result: &RunResult) -> Option<Markup> {
    if result.operations.is_empty() {
        return None;
    }
    let unsustained = result.verdict() == Verdict::Unsustained;
    let missing = result.operations.values().any(|figures| figures.not_found > 0);
    let head = html! {
        tr {
            th scope="col" { "operation" }
            th scope="col" { "time" }
            th.number scope="col" { "count" }
            th.number scope="col" { "errors" }
            @if missing { th.number scope="col" { "not found" } }
            @for name in ["mean", "p50", "p95", "p99", "p99.9", "max"] { th.number scope="col" { (name) } }
        }
    };
    let rows = html! {
        @for (kind, figures) in &result.operations {
            (rows(*kind, figures, result, Shown { missing, unsustained }))
        }
    };
    let few = |samples: u64| {
        result.operations.values().any(|figures| (1..samples).contains(&figures.count))
    };
    let content = html! {
        (parts::table("Times by type of operation", &head, &rows))
        @if few(SAMPLES_FOR_P99) {
            p.small {
                "† A p99 of fewer than " (count(SAMPLES_FOR_P99)) " samples, or a p99.9 of fewer than "
                (count(SAMPLES_FOR_P999)) ", is a hint, not a figure."
            }
        } @else if few(SAMPLES_FOR_P999) {
            p.small { "† A p99.9 of fewer than " (count(SAMPLES_FOR_P999)) " samples is a hint, not a figure." }
        }
        @if unsustained {
            p.small { "Crossed out: the rate was not sustained, so these times say how long the run was, not how fast the system is." }
        }
        @if result.schedule.is_some() {
            p.small {
                "Response is what a client waits: from the intended start to the end. Wait is the part before the operation \
                was sent, service the part after."
            }
        }
    };
    parts::section("operations", "Operations", Some(content))
}

#[derive(Clone, Copy)]
struct Shown {
    missing: bool,
    unsustained: bool,
}

fn rows(
    kind: OperationKind,
    figures: &OperationFigures,
    result: &RunResult,
    shown: Shown,
) -> Markup {
    let times = |part: &str, us: &LatencyUs| {
        let target_us = (part == "response").then_some(result.target.p99_us);
        // The service time is of one operation, however many wait for theirs.
        let unsustained = shown.unsustained && part != "service";
        cells(us, figures.count, target_us, unsustained)
    };
    let parts = [("service", figures.service_us), ("wait", figures.wait_us)];
    let parts = parts.into_iter().filter(|_| result.schedule.is_some());
    html! {
        tr.first {
            th scope="row" { (kind.name()) }
            td { "response" }
            td.number { (count(figures.count)) }
            td.number { @if figures.errors > 0 { strong { "✕ " (count(figures.errors)) } } @else { "0" } }
            @if shown.missing { td.number { (count(figures.not_found)) } }
            (times("response", &figures.response_us))
        }
        @for (part, us) in parts {
            @if let Some(us) = us {
                tr.part {
                    td {}
                    td { (part) }
                    td {}
                    td {}
                    @if shown.missing { td {} }
                    (times(part, &us))
                }
            }
        }
    }
}

/// Six times; a dash where there was no sample, since zero would read as a splendid one.
fn cells(us: &LatencyUs, samples: u64, target_us: Option<f64>, unsustained: bool) -> Markup {
    let times = [us.mean, us.p50, us.p95, us.p99, us.p999, us.max];
    let needed = [0, 0, 0, SAMPLES_FOR_P99, SAMPLES_FOR_P999, 0];
    html! {
        @for (index, (us, needed)) in times.into_iter().zip(needed).enumerate() {
            @let missed = index == 3 && !unsustained && target_us.is_some_and(|target_us| us > target_us);
            @if samples == 0 {
                td.number { "-" }
            } @else {
                td.number.meaningless[unsustained].missed[missed] {
                    @if missed { span title="above the target" { "▲" } " " }
                    (time(us))
                    @if samples < needed { sup { "†" } }
                }
            }
        }
    }
}
