//! The page of the counters in Prometheus's text format, all cores added up. Not the counting.

use std::fmt::Write;
use std::sync::Arc;

use super::table::{BUCKETS, OPERATIONS, STATUSES};
use super::{CoreMetrics, Counter, Metrics, OperationMetrics};

/// Appends the page.
pub(crate) fn write_page(metrics: &Metrics, page: &mut String) {
    let cores = metrics.all();
    let sum = |of: fn(&CoreMetrics) -> u64| cores.iter().map(|core| of(core)).sum::<u64>();
    let open = sum(|core| core.opened.get().saturating_sub(core.closed.get()));
    family(page, "flywheel_connections", "gauge", "Connections that are open.");
    line(page, "flywheel_connections", "", open);
    let counters: [(&str, &str, u64); 6] = [
        ("accepted_connections", "Connections that were accepted.", sum(|core| core.opened.get())),
        (
            "refused_connections",
            "Connections that were one too many.",
            sum(|core| core.refused.get()),
        ),
        (
            "failed_handshakes",
            "TLS connections that came to nothing.",
            sum(|core| core.failed_handshakes.get()),
        ),
        (
            "timed_out_connections",
            "Connections closed because the client took too long.",
            sum(|core| core.timed_out.get()),
        ),
        ("received_bytes", "Bytes of requests.", sum(|core| core.received_bytes.get())),
        ("sent_bytes", "Bytes of responses.", sum(|core| core.sent_bytes.get())),
    ];
    for (name, help, value) in counters {
        let name = format!("flywheel_{name}_total");
        family(page, &name, "counter", help);
        line(page, &name, "", value);
    }
    write_requests(&cores, page);
    write_times(&cores, page);
}

fn write_requests(cores: &[Arc<CoreMetrics>], page: &mut String) {
    let name = "flywheel_requests_total";
    family(page, name, "counter", "Requests by operation and status.");
    for (row, operation) in OPERATIONS.iter().enumerate() {
        for (column, status) in STATUSES.iter().enumerate() {
            let count = added(cores, row, |of| &of.statuses[column]);
            if count > 0 {
                let labels = format!("{{operation=\"{operation}\",status=\"{status}\"}}");
                line(page, name, &labels, count);
            }
        }
    }
}

fn write_times(cores: &[Arc<CoreMetrics>], page: &mut String) {
    let name = "flywheel_response_seconds";
    let help = "Time from a request's last byte to its response's first, by operation.";
    family(page, name, "histogram", help);
    for (row, operation) in OPERATIONS.iter().enumerate() {
        let counts = (0..=BUCKETS.len()).map(|at| added(cores, row, |of| &of.buckets[at]));
        let counts: Vec<u64> = counts.collect();
        let all: u64 = counts.iter().sum();
        if all == 0 {
            continue;
        }
        let bounds = BUCKETS.iter().map(|(_, seconds)| *seconds).chain(["+Inf"]);
        let mut so_far = 0;
        for (bound, count) in bounds.zip(&counts) {
            so_far += count;
            let labels = format!("{{operation=\"{operation}\",le=\"{bound}\"}}");
            line(page, "flywheel_response_seconds_bucket", &labels, so_far);
        }
        let sum_ns = added(cores, row, |of| &of.sum_ns);
        let labels = format!("{{operation=\"{operation}\"}}");
        let (whole_s, rest_ns) = (sum_ns / 1_000_000_000, sum_ns % 1_000_000_000);
        let seconds = format!("{whole_s}.{rest_ns:09}");
        line(page, "flywheel_response_seconds_sum", &labels, seconds);
        line(page, "flywheel_response_seconds_count", &labels, all);
    }
}

/// One counter of a row, over all cores.
fn added(
    cores: &[Arc<CoreMetrics>],
    row: usize,
    of: impl Fn(&OperationMetrics) -> &Counter,
) -> u64 {
    cores.iter().map(|core| of(&core.operations[row]).get()).sum()
}

fn family(page: &mut String, name: &str, kind: &str, help: &str) {
    // Text takes whatever is written to it.
    let _ = write!(page, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
}

fn line(page: &mut String, name: &str, labels: &str, value: impl std::fmt::Display) {
    let _ = writeln!(page, "{name}{labels} {value}");
}

#[cfg(test)]
mod tests {
    use super::super::Row;
    use super::*;

    #[test]
    fn cores_are_added_up_and_times_are_cumulative() {
        let metrics = Metrics::default();
        let cores = [metrics.core(), metrics.core()];
        let row = Row::of("GetItem");
        cores[0].answered(row, 200, 60_000);
        cores[1].answered(row, 200, 1_500_000_000);
        cores[1].answered(row, 400, 90_000_000_000);
        cores[0].opened();
        cores[1].opened();
        cores[1].closed();
        let mut page = String::new();
        write_page(&metrics, &mut page);
        for expected in [
            "flywheel_connections 1\n",
            "flywheel_accepted_connections_total 2\n",
            "flywheel_requests_total{operation=\"GetItem\",status=\"200\"} 2\n",
            "flywheel_requests_total{operation=\"GetItem\",status=\"400\"} 1\n",
            "flywheel_response_seconds_bucket{operation=\"GetItem\",le=\"0.00005\"} 0\n",
            "flywheel_response_seconds_bucket{operation=\"GetItem\",le=\"0.0001\"} 1\n",
            "flywheel_response_seconds_bucket{operation=\"GetItem\",le=\"10\"} 2\n",
            "flywheel_response_seconds_bucket{operation=\"GetItem\",le=\"+Inf\"} 3\n",
            "flywheel_response_seconds_sum{operation=\"GetItem\"} 91.500060000\n",
            "flywheel_response_seconds_count{operation=\"GetItem\"} 3\n",
        ] {
            assert!(page.contains(expected), "{expected} is not in\n{page}");
        }
        assert!(!page.contains("PutItem"), "what never happened is left out");
        assert_eq!((metrics.open_connections(), metrics.requests()), (1, 3));
    }
}
