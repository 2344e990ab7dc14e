//! Every bound of the load generator, in one place, asserted against each other.
//! No behaviour lives here.

use std::time::Duration;

/// Most fields a record may have: a field's number is a `u16`, and 65,535 numbers are `0..=65_534`.
pub const FIELD_COUNT_MAX: u64 = 65_535;

/// Largest record the generator will build, in encoded bytes (64 MiB).
pub const RECORD_BYTES_MAX: u64 = 64 << 20;

/// Most logical clients (`threadcount`).
pub const THREAD_COUNT_MAX: u64 = 65_536;

/// Most digits `zeropadding` may ask for.
pub const ZERO_PADDING_MAX: u64 = 1_000;

/// Longest scan, in records.
pub const SCAN_LENGTH_MAX: u64 = 10_000_000;

/// Largest key number. Leaves room to add counts without overflow in signed arithmetic.
pub const KEY_NUMBER_MAX: u64 = i64::MAX as u64 / 4;

/// Most records of a workload whose every record is read or remembered for a check.
pub const CHECKED_RECORDS_MAX: u64 = 1_000_000;

/// Most that the accounts of a closed economy may hold together: sums of any of them fit.
pub const TOTAL_CASH_MAX: u64 = 1 << 53;

/// Reads in flight when all records are read for a check.
pub const CHECK_READS_MAX: u64 = 64;

/// How often refused reads of a check are tried again, 10 ms apart: so often for each of those in flight, over all
/// records.
pub const CHECK_RETRIES_MAX: u64 = 500;

/// Longest key of a trace, in bytes: what the engine takes, which its adapter asserts.
pub const TRACE_KEY_BYTES_MAX: usize = 4 << 10;

/// Longest line of a trace, in bytes (1 MiB), fields that nobody knows included.
pub const TRACE_LINE_BYTES_MAX: usize = 1 << 20;

/// Most columns of a trace in CSV.
pub const TRACE_COLUMNS_MAX: usize = 1_024;

/// Latest time in a trace, in microseconds (about 31 years).
pub const TRACE_TIME_US_MAX: u64 = SECONDS_MAX * 1_000_000;

/// Largest value that a line of a trace may write, in bytes: with its header 1 MiB at the most, which the engine takes.
pub const TRACE_VALUE_BYTES_MAX: u64 = (1 << 20) - 64;

/// Most distinct keys of a trace that is loaded: each takes some 20 to 40 bytes meanwhile.
pub const TRACE_KEYS_MAX: usize = 250_000_000;

/// Keys that are kept of a trace as a sample of all.
pub const TRACE_SAMPLE_MAX: usize = 16_384;

/// Operations that are read ahead of a replay, over all workers; as many again may be in their hands.
pub const TRACE_AHEAD_MAX: usize = 32_768;

/// Operations that a worker notes of a recorded run before it hands them over.
pub const RECORD_BATCH_MAX: usize = 512;

/// Bytes of keys at which it hands over fewer.
pub const RECORD_BATCH_KEY_BYTES_MAX: usize = 64 << 10;

/// Batches of a recorded run that may wait for the thread that writes.
pub const RECORD_BATCHES_MAX: usize = 256;

/// Bytes of what is noted of a recorded run and held back until it can be put in order (256 MiB).
pub const RECORD_HELD_BYTES_MAX: usize = 256 << 20;

/// Inserts that may be unacknowledged ahead of the oldest one (YCSB's `WINDOW_SIZE`).
pub const ACKNOWLEDGE_WINDOW: u64 = 1 << 20;

/// Redraws of a key past the last acknowledged insert before it is folded into the keys that exist.
pub const REDRAWS_MAX: u32 = 4_096;

/// Messages kept per kind of error, and per kind of failed verification.
pub const ERROR_SAMPLES_MAX: usize = 5;

/// Reasons for refusing that are told apart; targets have a handful.
pub const REFUSAL_REASONS_MAX: usize = 16;

/// Arrivals of an open loop that a worker sends in a row before it looks after the answers that have come.
pub const ARRIVALS_PER_TURN_MAX: usize = 64;

/// Longest response time told apart, in nanoseconds (one hour); longer ones count as this.
pub const LATENCY_MAX_NS: u64 = 3_600_000_000_000;

/// Seconds for which an interval is kept (a week); later ones are merged into the last.
pub const INTERVALS_MAX: usize = 7 * 86_400;

/// Longest nap of an idle worker: how late it may notice a stop flag.
pub const PARK_MAX: Duration = Duration::from_millis(20);

/// How long operations in flight may take to come back once a run has ended.
pub const DRAIN_MAX: Duration = Duration::from_secs(10);

/// Longest a paced rate or a duration property may ask for, in seconds (about 31 years).
pub const SECONDS_MAX: u64 = 1_000_000_000;

const _: () =
    assert!(THREAD_COUNT_MAX < ACKNOWLEDGE_WINDOW, "each client holds one insert at most");
const _: () =
    assert!(TRACE_VALUE_BYTES_MAX < u32::MAX as u64 - 1, "plans of a load tell two more cases");
const _: () = assert!(6 * TRACE_KEY_BYTES_MAX < TRACE_LINE_BYTES_MAX, "as JSON escapes them");
const _: () = assert!(FIELD_COUNT_MAX <= u16::MAX as u64, "a field's number is a u16");
const _: () = assert!(RECORD_BYTES_MAX <= u32::MAX as u64, "a field's length is a u32");
