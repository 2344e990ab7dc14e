//! How slow and how faulty the simulated machine is. Not the explicit faults: those are asked of
//! [`super::SimDisk`], one by one.

use std::ops::RangeInclusive;

/// Times and fault rates of a simulated machine. The default is a healthy NVMe disk.
#[derive(Debug, Clone)]
pub struct SimOptions {
    /// Time of a read, in microseconds, drawn for each.
    pub read_us: RangeInclusive<u64>,
    /// Time of a write, in microseconds, drawn for each.
    pub write_us: RangeInclusive<u64>,
    /// Time of a sync, and what a durable write takes longer than a plain one, in microseconds.
    pub sync_us: RangeInclusive<u64>,
    /// Time to create or remove a file or directory, in microseconds, without its bytes.
    pub metadata_us: RangeInclusive<u64>,
    /// Added per KiB read, written or created, in nanoseconds: 1,000 is about 1 GB/s.
    pub transfer_ns_per_kib: u64,
    /// How many requests in a million take a time of `slow_us` longer.
    pub slow_per_million: u32,
    /// What a slow request takes longer, in microseconds.
    pub slow_us: RangeInclusive<u64>,
    /// How many requests in a million are stuck: they take a time of `stuck_us` longer.
    pub stuck_per_million: u32,
    /// What a stuck request takes longer, in microseconds.
    pub stuck_us: RangeInclusive<u64>,
    /// How many reads in a million fail.
    pub read_errors_per_million: u32,
    /// How many writes, durable or not, in a million fail.
    pub write_errors_per_million: u32,
    /// How many syncs in a million fail.
    pub sync_errors_per_million: u32,
    /// How many requests to create, remove, open or list, in a million, fail.
    pub metadata_errors_per_million: u32,
    /// How many reads in a million bring older bytes, see [`super::Fault::StaleRead`].
    pub stale_reads_per_million: u32,
    /// How many reads in a million bring another place's bytes, see
    /// [`super::Fault::MisdirectedRead`].
    pub misdirected_reads_per_million: u32,
    /// How many writes in a million are answered but lost: no engine can then keep its promises, it
    /// can only tell. See [`super::Fault::LostWrite`].
    pub lost_writes_per_million: u32,
    /// How many writes in a million land elsewhere, see [`super::Fault::MisdirectedWrite`].
    pub misdirected_writes_per_million: u32,
    /// How many times in a million `yield_if_needed` yields.
    pub yields_per_million: u32,
    /// What offsets and lengths of reads must be multiples of, in bytes.
    pub read_alignment_bytes: usize,
}

impl Default for SimOptions {
    fn default() -> Self {
        Self {
            read_us: 60..=200,
            write_us: 100..=800,
            sync_us: 100..=1_000,
            metadata_us: 100..=1_000,
            transfer_ns_per_kib: 500,
            slow_per_million: 0,
            slow_us: 10_000..=500_000,
            stuck_per_million: 0,
            stuck_us: 1_000_000..=300_000_000,
            read_errors_per_million: 0,
            write_errors_per_million: 0,
            sync_errors_per_million: 0,
            metadata_errors_per_million: 0,
            stale_reads_per_million: 0,
            misdirected_reads_per_million: 0,
            lost_writes_per_million: 0,
            misdirected_writes_per_million: 0,
            yields_per_million: 250_000,
            read_alignment_bytes: 512,
        }
    }
}
