//! How much is tried, waited and kept at the most.

use std::time::Duration;

/// Runs that shrinking one difference may take.
pub const MAX_SHRINK_RUNS: usize = 300;

/// How long an answer may take. One that takes longer is a difference.
pub const MAX_ANSWER_TIME: Duration = Duration::from_secs(20);

/// How long a table may take to be made, changed or deleted.
pub const MAX_SETTLE_TIME: Duration = Duration::from_secs(20);

/// How often a read of an index is tried again before it counts as different: indexes follow their tables.
pub const MAX_INDEX_READS: usize = 8;

/// The most bytes of an answer that are read.
pub const MAX_ANSWER_BYTES: u64 = 64 << 20;

/// How often an endpoint that gave no answer is asked whether it lives.
pub const MAX_ALIVE_TRIES: usize = 10;

/// The pause between those.
pub const ALIVE_PAUSE: Duration = Duration::from_millis(300);
