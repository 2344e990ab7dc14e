//! How a write is made durable, and which way is faster here. Not the device's yardstick: that is
//! the harness's probe, on a ring of its own.
//!
//! `O_DSYNC` and write + `fdatasync` promise the same; which is faster flips between drives, so both
//! are tried at start, in turn, and the better median is taken and recorded.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::error::DiskError;
use crate::limits::BLOCK_BYTES;
use crate::world::{File, World};

/// How a write is made durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The file is opened with `O_DSYNC`: one request writes and makes durable.
    Dsync,
    /// A write, then `fdatasync`.
    Fdatasync,
}

impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Durability::Dsync => "O_DSYNC",
            Durability::Fdatasync => "fdatasync",
        })
    }
}

impl FromStr for Durability {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "O_DSYNC" => Ok(Durability::Dsync),
            "fdatasync" => Ok(Durability::Fdatasync),
            other => Err(format!("expected `O_DSYNC` or `fdatasync`, found `{other}`")),
        }
    }
}

/// What the trial at start measured: medians, in microseconds, of one durable block write.
#[derive(Debug, Clone, Copy)]
pub struct DurabilityTrial {
    /// The faster method.
    pub chosen: Durability,
    /// Median of the `O_DSYNC` writes.
    pub dsync_us: f64,
    /// Median of the write + `fdatasync` pairs.
    pub fdatasync_us: f64,
}

/// Writes of each kind in a trial: enough for a median, few enough to start quickly.
const TRIAL_WRITES: usize = 24;

/// Tries both methods in turn on a scratch file in `directory`, and removes it.
///
/// `dsync` and `fdatasync` are two views of one machine that differ only in their method.
pub async fn try_both<W: World>(
    dsync: &W,
    fdatasync: &W,
    directory: &Path,
) -> Result<DurabilityTrial, DiskError> {
    let path = directory.join("durability-trial");
    let size_bytes = (TRIAL_WRITES * BLOCK_BYTES) as u64;
    match dsync.remove(&path).await {
        Err(error) if error.fault != crate::DiskFault::NotFound => return Err(error),
        _ => {}
    }
    let by_dsync = dsync.create(&path, size_bytes).await?;
    let by_fdatasync = fdatasync.open(&path).await?;
    let mut samples_us = [Vec::new(), Vec::new()];
    for round in 0..TRIAL_WRITES {
        let offset_bytes = (round * BLOCK_BYTES) as u64;
        for (file, samples) in [&by_dsync, &by_fdatasync].into_iter().zip(&mut samples_us) {
            let buffer = dsync.buffer(BLOCK_BYTES);
            let started_ns = dsync.now_ns();
            file.write_durable(offset_bytes, buffer).await?;
            samples.push((dsync.now_ns() - started_ns) as f64 / 1e3);
        }
    }
    drop((by_dsync, by_fdatasync));
    dsync.remove(&path).await?;
    let [dsync_us, fdatasync_us] = samples_us.map(median);
    let chosen = if dsync_us <= fdatasync_us { Durability::Dsync } else { Durability::Fdatasync };
    Ok(DurabilityTrial { chosen, dsync_us, fdatasync_us })
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}
