//! Every constant that a reader of results must know, in one place.

/// The version of `result.json` that this build writes, and the newest that it reads. It rises
/// when a field changes its meaning, its unit or its name, or goes; not when one is added.
pub const SCHEMA_VERSION: u32 = 1;

/// The default target: single-digit milliseconds at the 99th percentile, in microseconds.
pub const DEFAULT_TARGET_P99_US: f64 = 10_000.0;

/// A percentile q needs 100 / (1 - q) samples before it says much; this is p99's share of them.
pub const SAMPLES_FOR_P99: u64 = 10_000;

/// Folders of one workload begun in one second, before the writer gives up on a free name.
pub const MAX_SAME_SECOND_FOLDERS: u32 = 1000;
