//! Tables behind the seam: operations by their names. Not what they do: see `flywheel-table`.

use std::fmt::Write;

use flywheel_api::{ApiError, ErrorCode, Operation};
use flywheel_table::{Consumed, Storage, Tables};

use crate::dispatch::HOT_KEYS;
use crate::service::{Answer, Api, Call, OperationName, Service};

/// Answers requests from tables.
#[derive(Debug)]
pub struct TableService<S>(Tables<S>);

impl<S> TableService<S> {
    /// Answers from these.
    pub fn new(tables: Tables<S>) -> Self {
        Self(tables)
    }
}

/// Hot keys of each kind that are shown of a partition.
const SHOWN_HOT_KEYS: usize = 10;

fn is_for_hot_keys(name: &OperationName) -> bool {
    name.api == Api::Pages && **name == *HOT_KEYS
}

fn operation(name: &OperationName) -> Option<Operation> {
    (name.api == Api::Tables).then(|| Operation::from_name(name)).flatten()
}

impl<S: Storage> Service for TableService<S> {
    async fn call(&self, request: Call) -> Answer {
        if is_for_hot_keys(&request.operation) {
            let hot = Box::pin(self.0.hot(SHOWN_HOT_KEYS)).await;
            return hot.and_then(|hot| flywheel_api::write(&hot)).into();
        }
        let result = match operation(&request.operation) {
            // Boxed: it is some kilobytes, which an idle connection should not hold.
            Some(operation) => Box::pin(self.0.call(operation, &request.body)).await,
            None => Err(ApiError::new(ErrorCode::UnknownOperation, "")),
        };
        Answer { result }
    }

    fn knows(&self, name: &OperationName) -> bool {
        operation(name).is_some()
    }

    fn write_metrics(&self, page: &mut String) {
        let name = "flywheel_index_lag_seconds";
        let help = "Time from a write to its change being in all global indexes.";
        let lag = self.0.lag();
        let _ = writeln!(page, "# HELP {name} {help}\n# TYPE {name} histogram");
        let mut all = 0;
        for (end_ms, count) in lag.buckets_ms() {
            let bound = end_ms.map_or("+Inf".into(), |ms| (ms as f64 / 1000.0).to_string());
            let _ = writeln!(page, "{name}_bucket{{le=\"{bound}\"}} {count}");
            all = count;
        }
        let sum_seconds = lag.sum_ms() as f64 / 1000.0;
        let _ = writeln!(page, "{name}_sum {sum_seconds}\n{name}_count {all}");
        let name = "flywheel_index_refused_total";
        let help = "Entries that the storage never takes, and indexes lack: a fault to report.";
        let _ = writeln!(page, "# HELP {name} {help}\n# TYPE {name} counter");
        let _ = writeln!(page, "{name} {}", lag.refused());
        write_consumed(&self.0.consumed(), page);
    }
}

/// Request units, and requests that were refused for want of them.
fn write_consumed(rows: &[Consumed], page: &mut String) {
    let mut write = |name: &str, help: &str, value: &dyn Fn(&Consumed) -> f64| {
        let _ = writeln!(page, "# HELP {name} {help}\n# TYPE {name} counter");
        for row in rows {
            let Consumed { table, index, is_read, .. } = row;
            let index = index.as_deref().unwrap_or_default();
            let operation = if *is_read { "read" } else { "write" };
            let labels = format!("table=\"{table}\",index=\"{index}\",operation=\"{operation}\"");
            let _ = writeln!(page, "{name}{{{labels}}} {}", value(row));
        }
    };
    let help = "Request units that were taken.";
    write("flywheel_consumed_units_total", help, &|row| row.units);
    let help = "Requests, of batches items, that were throttled for want of capacity.";
    write("flywheel_throttled_requests_total", help, &|row| row.throttled as f64);
}
