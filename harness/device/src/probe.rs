//! The order of a probe: which measures are taken, and what of them becomes the yardstick. Not how
//! one measure is taken: that is `measure`.

use std::time::Instant;

use crate::file::ProbeFile;
use crate::limits::{BLOCK_BYTES, LARGE_WRITE_BYTES, MAX_DEPTH, MAX_THREADS, WORTHWHILE_GAIN};
use crate::{
    DeviceFigures, DurableMethod, DurableWriteFigure, ProbeError, ProbeOptions, Progress,
    RandomReadFigure, RingFeatures, measure,
};

/// A prepared probe: its file lies on the disk, unnamed, until this is dropped.
#[derive(Debug)]
pub struct Probe {
    options: ProbeOptions,
    probe_file: ProbeFile,
}

impl Probe {
    /// Writes the probe file: incompressible, synced, about a second per GiB.
    ///
    /// Fails with the reason and the remedy when the directory, its file system or the kernel
    /// cannot be probed, when space is short, or when stopped.
    pub fn prepare(
        options: ProbeOptions,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, ProbeError> {
        let probe_file = ProbeFile::create(&options, &mut |done| {
            on_progress(Progress { step: "writing the probe file".into(), done });
        })?;
        Ok(Self { options, probe_file })
    }

    /// Takes every measure once, as the options say. May be called again and again.
    pub fn measure(
        &self,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<DeviceFigures, ProbeError> {
        let start = Instant::now();
        let mut steps = Steps::new(&self.options, on_progress);
        let (random_reads, ring) = self.random_reads(&mut steps)?;
        steps.begin("sequential reads".into());
        let sequential_read = measure::sequential_read(&self.probe_file, &self.options)?;
        let durable_writes = self.durable_writes(&mut steps)?;
        steps.begin("sequential writes".into());
        let sequential_write = measure::sequential_write(&self.probe_file, &self.options)?;

        let at_depth = |depth| {
            let found = random_reads.iter().find(|read| read.queue_depth == depth);
            found.expect("every probe reads at depths 1 and 8")
        };
        let fastest = durable_writes
            .iter()
            .filter(|write| write.size_bytes == BLOCK_BYTES as u64)
            .min_by(|a, b| a.latency_us.p50.total_cmp(&b.latency_us.p50))
            .expect("every probe takes durable 4 KiB writes");
        Ok(DeviceFigures {
            read_iops_qd1: at_depth(1).iops,
            read_iops_max: best_iops(&random_reads),
            read_us_p50_qd1: at_depth(1).latency_us.p50,
            read_us_p99_qd8: at_depth(8).latency_us.p99,
            durable_write_4k_us_p50: fastest.latency_us.p50,
            durable_write_method: fastest.method,
            sequential_read_bytes_per_s: sequential_read,
            sequential_write_bytes_per_s: sequential_write,
            sequential_io_bytes: self.probe_file.sequential_io_bytes as u64,
            random_reads,
            durable_writes,
            file_bytes: self.probe_file.bytes,
            elapsed_s: start.elapsed().as_secs_f64(),
            quick: self.options.quick,
            ring,
        })
    }

    /// One thread at rising depths, then more threads for as long as they gain.
    fn random_reads(
        &self,
        steps: &mut Steps,
    ) -> Result<(Vec<RandomReadFigure>, RingFeatures), ProbeError> {
        let mut reads = Vec::new();
        let mut features = RingFeatures::default();
        let mut threads = 1;
        while threads <= self.options.threads.clamp(1, MAX_THREADS) {
            let best_so_far = best_iops(&reads);
            for &depth in depths(self.options.quick, threads) {
                steps.begin(random_read_step(threads, threads * depth));
                let (figure, granted) =
                    measure::random_reads(&self.probe_file, threads, depth, &self.options)?;
                reads.push(figure);
                features = granted;
            }
            if best_iops(&reads) < best_so_far * WORTHWHILE_GAIN {
                break;
            }
            threads *= 2;
        }
        Ok((reads, features))
    }

    fn durable_writes(&self, steps: &mut Steps) -> Result<Vec<DurableWriteFigure>, ProbeError> {
        let mut writes = Vec::new();
        for size_bytes in [BLOCK_BYTES, LARGE_WRITE_BYTES] {
            for method in [DurableMethod::ODsync, DurableMethod::Fdatasync] {
                steps.begin(format!("durable writes, {} KiB", size_bytes / 1024));
                writes.push(measure::durable_writes(
                    &self.probe_file,
                    method,
                    size_bytes,
                    &self.options,
                )?);
            }
        }
        Ok(writes)
    }
}

/// Reads in flight of each thread, by what the probe is for.
fn depths(quick: bool, threads: usize) -> &'static [usize] {
    match (threads, quick) {
        (1, true) => &[1, 8, MAX_DEPTH],
        (1, false) => &[1, 8, 32, MAX_DEPTH],
        (_, true) => &[64],
        (_, false) => &[16, 64, MAX_DEPTH],
    }
}

fn best_iops(reads: &[RandomReadFigure]) -> f64 {
    reads.iter().map(|read| read.iops).fold(0.0, f64::max)
}

fn random_read_step(threads: usize, in_flight: usize) -> String {
    let plural = if threads == 1 { "" } else { "s" };
    format!("random reads, {threads} thread{plural}, {in_flight} in flight")
}

/// Counts the measures for whoever watches.
struct Steps<'a> {
    begun: usize,
    expected: usize,
    on_progress: &'a mut dyn FnMut(Progress),
}

impl<'a> Steps<'a> {
    fn new(options: &ProbeOptions, on_progress: &'a mut dyn FnMut(Progress)) -> Self {
        let reads: usize = [1, 2]
            .iter()
            .filter(|&&threads| threads <= options.threads.max(1))
            .map(|&threads| depths(options.quick, threads).len())
            .sum();
        // Two sequential measures, and durable writes of two sizes by two methods.
        Self { begun: 0, expected: reads + 2 + 4, on_progress }
    }

    fn begin(&mut self, step: String) {
        // Still more threads, on a disk that needs them, keep the bar at its last step.
        let done = self.begun.min(self.expected - 1) as f64 / self.expected as f64;
        self.begun += 1;
        (self.on_progress)(Progress { step, done });
    }
}
