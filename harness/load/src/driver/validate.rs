//! Before and after a run whose sum is known: reads every record and adds its number up.
//! What the sum must be follows from what was acknowledged; the target has no say in it.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use super::executor::{self, Idle, Timers, yield_now};
use crate::figures::Validation;
use crate::limits::{CHECK_READS_MAX, CHECK_RETRIES_MAX, ERROR_SAMPLES_MAX, PARK_MAX};
use crate::record::FieldSet;
use crate::target::Target;
use crate::workload::{NUMBER_FIELD, Workload, WorkloadClass};

/// Between two tries of a read that was refused.
const RETRY_AFTER: Duration = Duration::from_millis(10);

/// What the records hold together.
#[derive(Debug, Default)]
pub(super) struct Sum {
    total: i64,
    read: u64,
    unreadable: u64,
    overdrawn: u64,
    samples: Vec<String>,
}

/// What a run did to the sum, as far as it was told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    /// What acknowledged operations added.
    pub added: i64,
    /// Operations that may have changed the sum by 1 and that nobody has an answer of.
    pub unsettled: u64,
    /// Operations answered.
    pub operations: u64,
}

impl Sum {
    fn note(&mut self, key: &[u8], problem: &str) {
        if self.samples.len() < ERROR_SAMPLES_MAX {
            self.samples.push(format!("{}: {problem}", String::from_utf8_lossy(key)));
        }
    }
}

/// Reads every record of `workload`. Gives up when nothing came back for so long.
pub(super) fn sum<T: Target>(workload: &Workload, target: &T, patience: Duration) -> Sum {
    let sum = RefCell::new(Sum::default());
    let timers = Timers::default();
    let readers = CHECK_READS_MAX.min(workload.insert_count);
    let read = |reader: u64| {
        let (sum, timers) = (&sum, &timers);
        async move {
            let mut key = Vec::with_capacity(64);
            let end = workload.insert_start + workload.insert_count;
            for number in (workload.insert_start + reader..end).step_by(readers as usize) {
                workload.write_key(number, &mut key);
                read_one(workload, target, &key, (timers, reader as usize), sum).await;
                yield_now().await;
            }
        }
    };
    let mut seen = (0, Instant::now());
    executor::run((0..readers).map(read), &timers, || {
        let now = sum.borrow().read;
        if now != seen.0 {
            seen = (now, Instant::now());
        }
        if seen.1.elapsed() >= patience { Idle::Abandon } else { Idle::Nap(PARK_MAX) }
    });
    let mut sum = sum.into_inner();
    let unread = workload.insert_count - sum.read;
    if unread > 0 {
        sum.unreadable += unread;
        sum.note(b"the check", &format!("{unread} records were not read: no answer came"));
    }
    sum
}

async fn read_one<T: Target>(
    workload: &Workload,
    target: &T,
    key: &[u8],
    (timers, slot): (&Timers, usize),
    sum: &RefCell<Sum>,
) {
    let mut result = target.read(key, FieldSet::One(NUMBER_FIELD)).await;
    for _ in 0..CHECK_RETRIES_MAX {
        if !matches!(&result, Err(error) if error.kind.is_refusal()) {
            break;
        }
        timers.sleep_until(slot, Instant::now() + RETRY_AFTER, || false).await;
        result = target.read(key, FieldSet::One(NUMBER_FIELD)).await;
    }
    let number = match result {
        Ok(Some(record)) => record.number(NUMBER_FIELD).map_err(|error| error.to_string()),
        Ok(None) => Err("the record is missing".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    let mut sum = sum.borrow_mut();
    sum.read += 1;
    match number {
        Ok(number) => {
            // Wraps for numbers that no run of ours leaves; then the sum is wrong as well.
            sum.total = sum.total.wrapping_add(number);
            if number < 0 && workload.class == WorkloadClass::ClosedEconomy {
                sum.overdrawn += 1;
                sum.note(key, &format!("the account holds {number}, and nothing takes below 0"));
            }
        }
        Err(problem) => {
            sum.unreadable += 1;
            sum.note(key, &problem);
        }
    }
}

/// Holds what was found against what was told.
pub(super) fn validation(workload: &Workload, before: Sum, after: Sum, told: Told) -> Validation {
    let expected = before.total.wrapping_add(told.added);
    let unsettled = i64::try_from(told.unsettled).unwrap_or(i64::MAX);
    // An addition without an answer may have been made; one half of a transfer takes away.
    let (least, most) = match workload.class {
        WorkloadClass::ClosedEconomy => (expected.saturating_sub(unsettled), expected),
        _ => (expected, expected.saturating_add(unsettled)),
    };
    let off = after.total.abs_diff(expected) as f64;
    let mut samples = before.samples;
    samples.extend(after.samples);
    samples.truncate(ERROR_SAMPLES_MAX);
    Validation {
        records: workload.insert_count,
        unreadable: before.unreadable + after.unreadable,
        overdrawn: before.overdrawn + after.overdrawn,
        before: before.total,
        expected,
        least,
        most,
        found: after.total,
        unsettled: told.unsettled,
        operations: told.operations,
        anomaly_score: if told.operations > 0 { off / told.operations as f64 } else { off },
        samples,
    }
}
