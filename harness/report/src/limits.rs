//! Every constant that a reader of results must know, in one place.

/// The version of `result.json` that this build writes, and the newest that it reads. It rises
/// when a field changes its meaning, its unit or its name, or goes; not when one is added.
pub const SCHEMA_VERSION: u32 = 1;

/// A second of which more than this share was throttled is one with throttling.
pub const THROTTLED_SHARE: f64 = 0.001;

/// The default target: single-digit milliseconds at the 99th percentile, in microseconds.
pub const DEFAULT_TARGET_P99_US: f64 = 10_000.0;

/// A percentile q needs 100 / (1 - q) samples before it says much; this is p99's share of them.
pub const SAMPLES_FOR_P99: u64 = 10_000;

/// Folders of one workload begun in one second, before the writer gives up on a free name.
pub const MAX_SAME_SECOND_FOLDERS: u32 = 1000;

/// The version of `overload.json` that this build writes; it rises as [`SCHEMA_VERSION`] does.
pub const OVERLOAD_SCHEMA_VERSION: u32 = 1;

/// The version of `search.json` that this build writes; it rises as [`SCHEMA_VERSION`] does.
pub const SEARCH_SCHEMA_VERSION: u32 = 1;

/// The version of `peers.json` that this build writes; it rises as [`SCHEMA_VERSION`] does.
pub const PEERS_SCHEMA_VERSION: u32 = 1;

/// The version of a history's lines that this build writes; it rises as [`SCHEMA_VERSION`] does.
pub const TREND_SCHEMA_VERSION: u32 = 1;

/// The version of `gate.json` and `self-test.json` that this build writes; it rises as [`SCHEMA_VERSION`] does.
pub const GATE_SCHEMA_VERSION: u32 = 1;

/// Under overload, at least this share of the peak must still be accepted.
pub const OVERLOAD_SHARE_OF_PEAK: f64 = 0.8;

/// The p99 of what is accepted under overload may be so many times the peak's.
pub const OVERLOAD_P99_TIMES: f64 = 5.0;

/// Share of the arrivals that the generator must have offered: below it, the load was not what was asked for.
pub const OVERLOAD_SHARE_OFFERED: f64 = 0.95;

/// Once the load falls, refusals must end and the p99 be back within so many seconds.
pub const OVERLOAD_RECOVERY_S: f64 = 1.0;

/// Columns of a heat map; longer runs put several seconds into one.
pub const MAX_HEAT_COLUMNS: usize = 180;

/// Nines that a spectrum goes up to, however many operations there were.
pub const MAX_SPECTRUM_DECADES: i32 = 9;

/// The version of `plan.json` that this build writes; it rises as [`SCHEMA_VERSION`] does.
pub const PLAN_SCHEMA_VERSION: u32 = 1;

/// The largest item, names included, in bytes: 400 KB.
pub const MAX_ITEM_BYTES: f64 = 409_600.0;

/// The most that a plan takes for a rate, per second: well above anything ever served.
pub const MAX_PLAN_RATE_PER_S: f64 = 1e9;

/// The most that a plan takes for storage, in gigabytes: an exabyte.
pub const MAX_STORAGE_GB: f64 = 1e9;

/// The most that a load may grow in a plan, in percent a month.
pub const MAX_GROWTH_PERCENT: f64 = 1000.0;

/// Minutes of exported metrics that a plan takes: a year.
pub const MAX_PLAN_MINUTES: u64 = 366 * 24 * 60;

/// Points that a simulation's course keeps for its plot.
pub const MAX_COURSE_POINTS: usize = 480;

/// Bytes of a file of exported metrics.
pub const MAX_METRICS_BYTES: u64 = 256 << 20;

/// Keys of a trace that are counted to find the busiest.
pub const MAX_COUNTED_KEYS: usize = 4_000_000;

/// Seconds with throttled requests that a replay lists, of reads and of writes: a day. Later ones are in the sums alone.
pub const MAX_REPLAY_SECONDS: usize = 24 * 60 * 60;

/// Seconds of unused capacity that a table can have saved when a replay begins.
pub const MAX_SAVED_S: f64 = 300.0;
