//! Every bound of the probe, in one place. Not the figures: those are measured, never set.

use std::time::Duration;

/// The unit of random I/O, and the alignment that `O_DIRECT` needs everywhere we know of.
pub const BLOCK_BYTES: usize = 4096;

/// The larger of the two durable write sizes: a commit group of a busy shard.
pub const LARGE_WRITE_BYTES: usize = 64 * 1024;

/// Largest sequential I/O; the queue's `max_sectors_kb` may lower it.
pub const SEQUENTIAL_IO_BYTES: usize = 1024 * 1024;

/// Sequential I/Os in flight: enough to hide one round trip behind the next.
pub const SEQUENTIAL_DEPTH: usize = 8;

/// Smallest probe file. Below it, a device's own cache would answer.
/// (Tests may ask for less: they check sense, not speed.)
pub const SMALL_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// The default file takes at most one part in this many of the free space.
pub const FREE_SPACE_PARTS: u64 = 4;

/// A file must hold at least this, so that every measure has somewhere to go.
pub const MIN_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// Most I/Os in flight of one ring.
pub const MAX_DEPTH: usize = 128;

/// Most submitting threads: past it even fast drives are saturated.
pub const MAX_THREADS: usize = 16;

/// Part of each read measure that is driven but not counted: the queue fills, clocks settle.
pub const WARM_UP_PARTS: u32 = 8;

/// Longest latency that a histogram tells apart, in nanoseconds.
pub const MAX_LATENCY_NS: u64 = Duration::from_secs(60).as_nanos() as u64;

/// More threads must gain this share of IOPS before still more are tried.
pub const WORTHWHILE_GAIN: f64 = 1.05;

const _: () = assert!(SEQUENTIAL_IO_BYTES.is_multiple_of(BLOCK_BYTES));
const _: () = assert!(LARGE_WRITE_BYTES.is_multiple_of(BLOCK_BYTES));
const _: () = assert!(MIN_FILE_BYTES >= 2 * SEQUENTIAL_IO_BYTES as u64);
const _: () = assert!(SEQUENTIAL_DEPTH <= MAX_DEPTH);
const _: () = assert!(SMALL_FILE_BYTES >= MIN_FILE_BYTES);
