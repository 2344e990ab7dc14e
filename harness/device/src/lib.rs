//! The raw device probe: what the disk itself can do, read before and after every run as its
//! yardstick. It is not the engine's I/O path and shares no code with it, so that it can tell on it.
//!
//! ```no_run
//! use flywheel_device::{Probe, ProbeOptions};
//!
//! let options = ProbeOptions::brief("/mnt/nvme/flywheel");
//! let probe = Probe::prepare(options, &mut |_| {})?;
//! let before = probe.measure(&mut |_| {})?;
//! // ... the benchmark ...
//! let after = probe.measure(&mut |_| {})?;
//! println!("{:.0} reads/s before, {:.0} after", before.read_iops_max, after.read_iops_max);
//! # Ok::<(), flywheel_device::ProbeError>(())
//! ```
//!
//! The figures come from one preallocated, fully written and synced file, opened with `O_DIRECT`:
//! no figure comes from an extent that was never written, and none from the page cache.

mod error;
mod figures;
mod file;
mod limits;
mod measure;
mod noise;
mod options;
mod probe;
mod queue;
mod ring;

pub use error::ProbeError;
pub use figures::{
    DeviceFigures, DurableMethod, DurableWriteFigure, LatencyUs, RandomReadFigure, RingFeatures,
};
pub use options::{ProbeOptions, Progress};
pub use probe::Probe;
