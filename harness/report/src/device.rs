//! The device's figures as a result keeps them: the yardstick before and after the run. Not the
//! probe, which takes them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What one probe of the disk found. Any further figure of the probe is kept as it came.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeviceFigures {
    /// Random 4 KiB reads per second with one in flight.
    pub read_iops_qd1: f64,
    /// Saturated random 4 KiB reads per second.
    pub read_iops_max: f64,
    /// 99th percentile of a random 4 KiB read with 8 in flight, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_us_p99_qd8: Option<f64>,
    /// Median of a durable 4 KiB write with one in flight, in microseconds.
    pub durable_write_4k_us_p50: f64,
    /// Large sequential reads, in bytes per second.
    pub sequential_read_bytes_per_s: f64,
    /// Large sequential writes, in bytes per second.
    pub sequential_write_bytes_per_s: f64,
    /// Everything else the probe measured, by its own names.
    #[serde(flatten)]
    pub detail: Map<String, Value>,
}

impl DeviceFigures {
    /// Takes over a probe's figures by their names in JSON (`flywheel_device::DeviceFigures` fits).
    ///
    /// Fails if one of the five figures above that every result must have is missing.
    pub fn from_probe(figures: &impl Serialize) -> Result<Self, serde_json::Error> {
        serde_json::from_value(serde_json::to_value(figures)?)
    }
}

/// The probes around a run; `None` where none was taken.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeviceBracket {
    /// Taken before the workload.
    pub before: Option<DeviceFigures>,
    /// Taken after it.
    pub after: Option<DeviceFigures>,
}

impl DeviceBracket {
    /// The yardstick for rates: the better of the two, since a probe can only read a disk too low.
    pub fn read_iops_max(&self) -> Option<f64> {
        self.probes().map(|probe| probe.read_iops_max).reduce(f64::max).filter(|iops| *iops > 0.0)
    }

    /// The yardstick for response times, in microseconds: the lower of the two.
    pub fn read_us_p99(&self) -> Option<f64> {
        self.probes().filter_map(|probe| probe.read_us_p99_qd8).reduce(f64::min)
    }

    /// Saturated reads after the run per those before: far from 1, the disk itself has changed.
    pub fn after_per_before(&self) -> Option<f64> {
        let before = self.before.as_ref()?.read_iops_max;
        let after = self.after.as_ref()?.read_iops_max;
        (before > 0.0).then(|| after / before)
    }

    fn probes(&self) -> impl Iterator<Item = &DeviceFigures> {
        self.before.iter().chain(&self.after)
    }
}
