//! Before and after a run whose sum is known: reads every record and adds its number up.
//! What the sum must be follows from what was acknowledged; the target has no say in it. No part of a run: whoever takes
//! figures of one must not find these reads in them.

use std::cell::{Cell, RefCell};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::control::Control;
use super::executor::{self, Idle, Timers, yield_now};
use super::{RunError, RunOptions};
use crate::figures::{RunFigures, Told, Validation};
use crate::limits::{CHECK_READS_MAX, CHECK_RETRIES_MAX, DRAIN_MAX, ERROR_SAMPLES_MAX, PARK_MAX};
use crate::record::FieldSet;
use crate::target::{Target, TargetFactory};
use crate::workload::{NUMBER_FIELD, Workload, WorkloadClass};

/// Between two tries of a read that was refused.
const RETRY_AFTER: Duration = Duration::from_millis(10);

/// What the records hold together.
#[derive(Debug, Default)]
pub struct Sum {
    total: i64,
    read: u64,
    unreadable: u64,
    overdrawn: u64,
    samples: Vec<String>,
}

impl Sum {
    fn add(&mut self, workload: &Workload, key: &[u8], read: Result<i64, String>) {
        self.read += 1;
        match read {
            Ok(number) => {
                // Wraps for numbers that no run of ours leaves; then the sum is wrong as well.
                self.total = self.total.wrapping_add(number);
                if number < 0 && workload.class == WorkloadClass::ClosedEconomy {
                    self.overdrawn += 1;
                    self.note(
                        key,
                        &format!("the account holds {number}, and nothing takes below 0"),
                    );
                }
            }
            Err(problem) => {
                self.unreadable += 1;
                self.note(key, &problem);
            }
        }
    }

    fn note(&mut self, key: &[u8], problem: &str) {
        if self.samples.len() < ERROR_SAMPLES_MAX {
            self.samples.push(format!("{}: {problem}", String::from_utf8_lossy(key)));
        }
    }
}

/// Reads every record, where what all of them hold together is known beforehand ([`Workload::has_a_sum`]), and the target keeps
/// them. Gives up when nothing comes back for as long as operations may take to drain. `None` where there is nothing to be known, and after a stop.
///
/// # Errors
/// [`RunError::Connect`].
pub fn sum<F: TargetFactory>(
    workload: &Workload,
    factory: &F,
    options: &RunOptions,
    control: &Control,
) -> Result<Option<Sum>, RunError> {
    if !factory.stores() || !workload.has_a_sum() {
        return Ok(None);
    }
    let connected = executor::block_on(factory.connect(0));
    let target = connected.map_err(|error| RunError::Connect { worker: 0, error })?;
    let is_stopped = || control.stop_flag().load(Ordering::Relaxed);
    let sum = read_all(workload, &target, options.drain.unwrap_or(DRAIN_MAX), &is_stopped);
    Ok((!is_stopped()).then_some(sum))
}

fn read_all<T: Target>(
    workload: &Workload,
    target: &T,
    patience: Duration,
    is_stopped: &impl Fn() -> bool,
) -> Sum {
    let sum = RefCell::new(Sum::default());
    // For all records together: a target that refuses everything is not asked for hours.
    let retries = Cell::new(CHECK_RETRIES_MAX * CHECK_READS_MAX);
    let timers = Timers::default();
    let readers = CHECK_READS_MAX.min(workload.insert_count);
    let read = |reader: u64| {
        let (sum, timers, retries) = (&sum, &timers, &retries);
        async move {
            let mut key = Vec::with_capacity(64);
            let end = workload.insert_start + workload.insert_count;
            for number in (workload.insert_start + reader..end).step_by(readers as usize) {
                if is_stopped() {
                    return;
                }
                workload.write_key(number, &mut key);
                let read = read_one(target, &key, (timers, reader as usize), retries).await;
                sum.borrow_mut().add(workload, &key, read);
                yield_now().await;
            }
        }
    };
    let mut seen = (0, Instant::now());
    executor::run((0..readers).map(read), &timers, target.reactor(), || {
        let now = sum.borrow().read;
        if now != seen.0 {
            seen = (now, Instant::now());
        }
        if is_stopped() || seen.1.elapsed() >= patience {
            Idle::Abandon
        } else {
            Idle::Nap(PARK_MAX)
        }
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
    target: &T,
    key: &[u8],
    (timers, slot): (&Timers, usize),
    retries: &Cell<u64>,
) -> Result<i64, String> {
    let mut result = target.read(key, FieldSet::One(NUMBER_FIELD)).await;
    while matches!(&result, Err(error) if error.kind.is_refusal()) {
        let Some(left) = retries.get().checked_sub(1) else { break };
        retries.set(left);
        timers.sleep_until(slot, Instant::now() + RETRY_AFTER, || false).await;
        result = target.read(key, FieldSet::One(NUMBER_FIELD)).await;
    }
    match result {
        Ok(Some(record)) => record.number(NUMBER_FIELD).map_err(|error| error.to_string()),
        Ok(None) => Err("the record is missing".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// A run between two readings of all records, whose figures say whether their sum was kept, where there is one.
///
/// # Errors
/// The run's, and [`sum`]'s.
pub fn validated<F: TargetFactory, E: From<RunError>>(
    workload: &Workload,
    factory: &F,
    control: &Control,
    run: impl FnOnce() -> Result<RunFigures, E>,
) -> Result<RunFigures, E> {
    let options = RunOptions::default();
    let before = sum(workload, factory, &options, control)?;
    let mut figures = run()?;
    let after = sum(workload, factory, &options, control)?;
    validate(&mut figures, workload, before, after);
    Ok(figures)
}

/// Holds what was found before and after a run against what it was told. Without either there is nothing to hold.
pub fn validate(
    figures: &mut RunFigures,
    workload: &Workload,
    before: Option<Sum>,
    after: Option<Sum>,
) {
    figures.validation =
        before.zip(after).map(|(before, after)| validation(figures, workload, before, after));
}

/// The least and the most that the sum may be, given what was expected of it.
///
/// An addition without an answer may have been made. The first half of a transfer takes away: without a second one surely,
/// without an answer perhaps.
fn possible(class: WorkloadClass, expected: i64, told: &Told) -> (i64, i64) {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    match class {
        WorkloadClass::ClosedEconomy => {
            let most = expected.saturating_sub(number(told.halved));
            (most.saturating_sub(number(told.unsettled)), most)
        }
        _ => (expected, expected.saturating_add(number(told.unsettled))),
    }
}

fn validation(figures: &RunFigures, workload: &Workload, before: Sum, after: Sum) -> Validation {
    let told = figures.told;
    let expected = before.total.wrapping_add(told.added);
    let (least, most) = possible(workload.class, expected, &told);
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
        unsettled: told.unsettled + told.halved,
        operations: told.operations,
        anomaly_score: if told.operations > 0 { off / told.operations as f64 } else { off },
        samples,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_that_is_known_to_be_missing_hides_no_other_loss() {
        let told = Told { halved: 100, unsettled: 3, ..Told::default() };
        // A target that made up 100 would bring the sum back to what was expected.
        assert_eq!(possible(WorkloadClass::ClosedEconomy, 1_000, &told), (897, 900));
        let told = Told { unsettled: 3, ..Told::default() };
        assert_eq!(possible(WorkloadClass::ClosedEconomy, 1_000, &told), (997, 1_000));
        assert_eq!(possible(WorkloadClass::Counters, 1_000, &told), (1_000, 1_003));
    }
}
