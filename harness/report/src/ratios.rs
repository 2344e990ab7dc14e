//! A run's figures over its device's: what survives a move to another machine. Not absolute figures.

use serde::{Deserialize, Serialize};

use crate::{Interval, RunResult};

/// Figures without a unit. `None` where one of the two sides was not measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ratios {
    /// Operations per second over the device's saturated 4 KiB reads per second.
    pub throughput_per_device_read_iops: Option<f64>,
    /// The engine's own reads per second over the device's: how much of the device it used.
    pub read_ios_per_device_read_iops: Option<f64>,
    /// The slowest operation type's p99 over the probe's p99 with 8 reads in flight.
    pub p99_per_probe_p99: Option<f64>,
    /// The device's saturated reads after the run over those before it.
    pub device_after_per_before: Option<f64>,
    /// Operations in the slowest whole second over those in the median one.
    #[serde(default)]
    pub slowest_second_per_median: Option<f64>,
}

impl Ratios {
    /// Works out every ratio that the result has both sides of.
    pub fn of(result: &RunResult) -> Self {
        let throughput = result.throughput_ops_per_s;
        let read_ios_per_s = result.engine.read_ios_per_op.map(|ios| ios * throughput);
        let read_iops_max = result.device.read_iops_max();
        let p99_us = result.slowest().map(|(_, operation)| operation.response_us.p99);
        Self {
            throughput_per_device_read_iops: read_iops_max.map(|iops| throughput / iops),
            read_ios_per_device_read_iops: over(read_ios_per_s, read_iops_max),
            p99_per_probe_p99: over(p99_us, result.device.read_us_p99()),
            device_after_per_before: result.device.after_per_before(),
            slowest_second_per_median: slowest_second_per_median(&result.intervals),
        }
    }
}

/// Of seconds that are whole: the last interval seldom is.
fn slowest_second_per_median(intervals: &[Interval]) -> Option<f64> {
    let (_, whole) = intervals.split_last()?;
    let mut counts: Vec<f64> = whole.iter().map(|interval| interval.count as f64).collect();
    counts.sort_by(f64::total_cmp);
    over(counts.first().copied(), counts.get(counts.len() / 2).copied())
}

fn over(part: Option<f64>, whole: Option<f64>) -> Option<f64> {
    whole.filter(|whole| *whole > 0.0).and_then(|whole| Some(part? / whole))
}
