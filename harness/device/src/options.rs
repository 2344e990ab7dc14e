//! What a caller may choose about a probe, and what it hears while one runs. Not the limits.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::ProbeError;

/// How to probe. Start from [`ProbeOptions::full`] or [`ProbeOptions::brief`].
#[derive(Clone, Debug)]
pub struct ProbeOptions {
    /// A directory on the disk to measure; the probe file is made in it.
    pub dir: PathBuf,
    /// Size of the probe file in bytes, 4 MiB at least. The file takes a quarter of the free space
    /// when that is less; below 64 MiB of that the probe says that there is no space.
    pub file_bytes: u64,
    /// Length of each single measure, in seconds (a full probe has 10 to 13 on two
    /// cores, a brief one 10, and both one to three more for each doubling of the cores that pays).
    pub seconds_per_measure: f64,
    /// Most submitting threads. Threads double from 1 up to this while it pays.
    pub threads: usize,
    /// Measures only what a benchmark needs as its yardstick.
    pub quick: bool,
    /// When raised, the probe ends with [`ProbeError::Stopped`] within milliseconds.
    pub stop: Option<Arc<AtomicBool>>,
}

impl ProbeOptions {
    /// Every figure, at leisure: 4 GiB, about 30 seconds.
    pub fn full(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            file_bytes: 4 << 30,
            seconds_per_measure: 2.0,
            threads: cores(),
            quick: false,
            stop: None,
        }
    }

    /// The yardstick around a run: 1 GiB, about three seconds each time once it is prepared.
    pub fn brief(dir: impl Into<PathBuf>) -> Self {
        Self { file_bytes: 1 << 30, seconds_per_measure: 0.25, quick: true, ..Self::full(dir) }
    }

    pub(crate) fn measure_time(&self) -> Duration {
        Duration::from_secs_f64(self.seconds_per_measure.clamp(0.001, 3600.0))
    }

    pub(crate) fn check_stop(&self) -> Result<(), ProbeError> {
        match &self.stop {
            Some(stop) if stop.load(Ordering::Relaxed) => Err(ProbeError::Stopped),
            _ => Ok(()),
        }
    }
}

/// Where a probe stands, told at the start of each step and, while the file is written, often.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// What is going on, such as `random reads, 1 thread, 32 in flight`.
    pub step: String,
    /// Share done of the preparation or of the measures, from 0 to 1.
    pub done: f64,
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
