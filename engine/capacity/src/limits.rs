//! Every bound of this crate, asserted against each other. Not the limits that tables have: those are settings
//! whose defaults stand with what enforces them.

use crate::tokens::Tokens;

/// Highest rate in units a second; higher ones are taken for this one. No single machine comes near it.
pub const MAX_RATE_UNITS_PER_S: u64 = 1_000_000_000;

/// Most units that a bucket holds; larger ones are made this large.
pub const MAX_BUCKET_UNITS: u64 = 4_000_000_000;

/// Cores that take leases from one table-wide bucket.
pub const MAX_CORES: usize = 1024;

/// Partitions over which a table's capacity is divided.
pub const MAX_PARTITIONS: usize = 1 << 22;

/// Keys that one summary of hot keys counts.
pub const MAX_HOT_KEYS: usize = 4096;

/// Bytes of a key that such a summary keeps: a partition key and a sort key of the largest sizes, with what
/// their encoding adds. Longer ones count as one key with all that begin alike.
pub const MAX_HOT_KEY_BYTES: usize = 8 << 10;

/// Keys of recent requests that a partition remembers, to find the median of its traffic.
pub const MAX_SAMPLED_KEYS: usize = 256;

/// Times that a table may become one on demand within a day. Source: developer guide, "Considerations when
/// switching capacity modes".
pub const MAX_SWITCHES: usize = 4;

// Sums of two full buckets, or of a bucket and all that a second brings, must not wrap.
const _: () = assert!(MAX_BUCKET_UNITS <= (i64::MAX as u64 / Tokens::PER_UNIT as u64) / 2);
const _: () = assert!(MAX_RATE_UNITS_PER_S <= MAX_BUCKET_UNITS);
const _: () = assert!(MAX_SAMPLED_KEYS >= 64);
const _: () = assert!(MAX_HOT_KEYS < u32::MAX as usize / 4, "places are 32-bit numbers");
