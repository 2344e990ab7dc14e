//! What this process has used: processor time, bytes written and read, memory at its most. Not the machine's.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::memory;
use super::sources::Sources;

/// Counts since the process began: read them before and after.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ProcessUsage {
    cpu_us: Option<f64>,
    written_bytes: Option<u64>,
    read_bytes: Option<u64>,
}

/// What a process used for each operation of a run, generator and warm-up included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProcessFigures {
    /// Processor time in microseconds per operation, user and system.
    pub cpu_us_per_op: Option<f64>,
    /// Bytes that it caused to be written to storage per operation (`/proc/self/io`, `write_bytes`).
    pub written_bytes_per_op: Option<f64>,
    /// Bytes that it caused to be read from storage per operation.
    pub read_bytes_per_op: Option<f64>,
    /// The same bytes written, per byte of keys and values that users wrote: write amplification as the
    /// kernel counts it, for any engine.
    pub written_bytes_per_user_byte: Option<f64>,
    /// Resident memory at its most, files mapped into memory included.
    pub peak_resident_bytes: Option<u64>,
}

impl ProcessUsage {
    /// As of now.
    pub fn now() -> Self {
        Self::read(&Sources::new(Path::new("/")))
    }

    fn read(sources: &Sources) -> Self {
        let io = sources.text("proc/self/io").unwrap_or_default();
        let bytes = |name: &str| {
            let line = io.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim_start_matches(':').trim().parse().ok()
        };
        Self {
            cpu_us: Some(cpu_us()),
            written_bytes: bytes("write_bytes"),
            read_bytes: bytes("read_bytes"),
        }
    }

    /// What was used between the earlier `self` and `later`, over `operations` and the bytes users wrote.
    pub fn figures_until(
        &self,
        later: &Self,
        operations: u64,
        user_bytes_written: u64,
    ) -> ProcessFigures {
        let per = |of: Option<f64>, whole: u64| {
            of.filter(|_| whole > 0).map(|part| part.max(0.0) / whole as f64)
        };
        let over = |before: Option<u64>, after: Option<u64>| {
            before.zip(after).map(|(before, after)| after.saturating_sub(before) as f64)
        };
        let written = over(self.written_bytes, later.written_bytes);
        ProcessFigures {
            cpu_us_per_op: per(self.cpu_us.zip(later.cpu_us).map(|(a, b)| b - a), operations),
            written_bytes_per_op: per(written, operations),
            read_bytes_per_op: per(over(self.read_bytes, later.read_bytes), operations),
            written_bytes_per_user_byte: per(written, user_bytes_written),
            peak_resident_bytes: memory::peak_resident_bytes(),
        }
    }
}

/// Processor time of all threads.
fn cpu_us() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

/// Begins the count of the most memory anew; a kernel that cannot keeps the process's whole life.
pub fn reset_peak_resident() {
    // 5 resets VmHWM: proc_pid_clear_refs(5).
    let _ = fs::write("/proc/self/clear_refs", "5");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_differences_over_counts() {
        let before = ProcessUsage { cpu_us: Some(1e6), written_bytes: Some(100), read_bytes: None };
        let after =
            ProcessUsage { cpu_us: Some(3e6), written_bytes: Some(1100), read_bytes: Some(7) };
        let figures = before.figures_until(&after, 1000, 500);
        assert_eq!(figures.cpu_us_per_op, Some(2000.0));
        assert_eq!(figures.written_bytes_per_op, Some(1.0));
        assert_eq!(figures.written_bytes_per_user_byte, Some(2.0));
        assert_eq!(figures.read_bytes_per_op, None);
        let none = before.figures_until(&after, 0, 0);
        assert_eq!((none.cpu_us_per_op, none.written_bytes_per_user_byte), (None, None));
    }

    #[test]
    fn the_kernel_tells_of_this_process() {
        let before = ProcessUsage::now();
        let spent: u64 = (0..20_000_000u64).map(|n| n ^ (n >> 3)).fold(0, u64::wrapping_add);
        let figures = before.figures_until(&ProcessUsage::now(), 1, spent.max(1));
        assert!(figures.cpu_us_per_op.is_some_and(|us| us > 0.0), "{figures:?}");
        assert!(figures.peak_resident_bytes.is_some_and(|bytes| bytes > 1 << 20), "{figures:?}");
    }
}
