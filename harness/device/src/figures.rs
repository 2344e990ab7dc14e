//! What a probe found, in the units of the report. Not how it is found: that is `measure`.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Everything one probe measured. Rates are per second, times in microseconds, sizes in bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeviceFigures {
    /// Random 4 KiB reads per second with one in flight.
    pub read_iops_qd1: f64,
    /// Saturated random 4 KiB reads per second: the best of all depths and thread counts tried.
    pub read_iops_max: f64,
    /// Median time of a random 4 KiB read with one in flight, in microseconds.
    pub read_us_p50_qd1: f64,
    /// 99th percentile of a random 4 KiB read with 8 in flight, in microseconds: what an engine at half
    /// of the disk's rate can hope for.
    pub read_us_p99_qd8: f64,
    /// Median time of a durable 4 KiB write with one in flight, by the faster method, in
    /// microseconds.
    pub durable_write_4k_us_p50: f64,
    /// The method that had that median.
    pub durable_write_method: DurableMethod,
    /// Large sequential reads, in bytes per second.
    pub sequential_read_bytes_per_s: f64,
    /// Large sequential writes, in bytes per second, the closing sync included.
    pub sequential_write_bytes_per_s: f64,
    /// Bytes of each sequential I/O: 1 MiB, or the queue's `max_sectors_kb` if that is less.
    pub sequential_io_bytes: u64,
    /// Random reads by threads and depth, in the order measured.
    pub random_reads: Vec<RandomReadFigure>,
    /// Durable writes by method and size.
    pub durable_writes: Vec<DurableWriteFigure>,
    /// Size of the probe file, in bytes.
    pub file_bytes: u64,
    /// Seconds that this probe took, without preparing its file.
    pub elapsed_s: f64,
    /// True for the brief probe around a run, false for the full one.
    pub quick: bool,
    /// Which of the ring's quicker ways this kernel allowed.
    pub ring: RingFeatures,
}

/// Random 4 KiB reads at one load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RandomReadFigure {
    /// Threads that submit, each with its own ring.
    pub threads: usize,
    /// Reads in flight, all threads together.
    pub queue_depth: usize,
    /// Reads per second.
    pub iops: f64,
    /// Submission to completion, as the submitter sees it.
    pub latency_us: LatencyUs,
}

/// Durable writes over written extents with one in flight, at consecutive offsets as a log has them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DurableWriteFigure {
    /// How durability was asked for.
    pub method: DurableMethod,
    /// Bytes of each write.
    pub size_bytes: u64,
    /// Durable writes per second.
    pub writes_per_s: f64,
    /// Submission to durable.
    pub latency_us: LatencyUs,
}

/// The two ways to make a write durable. Which is faster flips between drives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DurableMethod {
    /// One write that is durable when it completes (`RWF_DSYNC`, the per-write `O_DSYNC`).
    ODsync,
    /// A write, then `fdatasync`.
    Fdatasync,
}

/// Percentiles of one measure, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LatencyUs {
    /// I/Os behind these percentiles; p99.9 means little below 100,000.
    pub samples: u64,
    /// Median.
    pub p50: f64,
    /// 99th percentile.
    pub p99: f64,
    /// 99.9th percentile.
    pub p999: f64,
    /// The slowest.
    pub max: f64,
}

impl LatencyUs {
    /// Reads the percentiles off a histogram of nanoseconds.
    pub(crate) fn of(latency_ns: &Histogram<u64>) -> Self {
        let us = |ns: u64| ns as f64 / 1000.0;
        Self {
            samples: latency_ns.len(),
            p50: us(latency_ns.value_at_quantile(0.50)),
            p99: us(latency_ns.value_at_quantile(0.99)),
            p999: us(latency_ns.value_at_quantile(0.999)),
            max: us(latency_ns.max()),
        }
    }
}

/// What the kernel granted to the ring; each is faster when true and only slower when false.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RingFeatures {
    /// One submitter, completions run only when asked for (Linux 6.1).
    pub deferred_task_run: bool,
    /// The probe file is registered.
    pub registered_file: bool,
    /// The buffers are registered.
    pub registered_buffers: bool,
}
