//! Every bound of this crate. Not settings: what a seed may do at the most, and how long it is looked at.

/// Lives of one run.
pub const MAX_LIVES: u64 = 6;

/// Operations of one client in one life, before they are doubled.
pub const MAX_OPERATIONS: u64 = 15;

/// How often they may be doubled: some lives are long.
pub const MAX_DOUBLINGS: u64 = 5;

/// The same of clients of tables: a call of theirs is several of the shards'.
pub const MAX_TABLE_DOUBLINGS: u64 = 3;

/// Keys that one batch writes.
pub const MAX_BATCH_WRITES: u64 = 5;

/// Bytes of each of its values: a batch takes a quarter of a segment, which may be 64 KiB.
pub const MAX_BATCH_VALUE_BYTES: usize = 2_500;

/// Bytes that an item of a table is filled up with.
pub const MAX_FILLER_BYTES: u32 = 700;

/// No life takes more steps than this, unless something waits for ever.
pub const MAX_LIFE_STEPS: u64 = 4_000_000;

/// How often a write is tried that must succeed again, a tenth of a second apart or, where requests are
/// stuck, five seconds.
pub const MAX_WRITE_TRIES: usize = 300;

/// Steps after which the search for an order of calls is given up.
pub const MAX_SEARCH_STEPS: usize = 2_000_000;

const _: () = assert!(MAX_BATCH_WRITES as usize * (MAX_BATCH_VALUE_BYTES + 500) <= (64 << 10) / 4);
