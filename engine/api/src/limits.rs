//! Every bound of this crate, each with its source. Bounds of items and expressions are those of
//! `flywheel-item`; bounds that hang on a table's state stand with tables.
//!
//! *Model* is the service's model, as Amazon's API reference and its SDKs have it; *observed* is what
//! implementations that compare themselves with AWS report of it.

/// Shortest name of a table or an index. Source: model.
pub const MIN_NAME_LENGTH: usize = 3;

/// Longest name of a table or an index. Source: model.
pub const MAX_NAME_LENGTH: usize = 255;

/// Longest ARN in the place of a table's name. Source: model.
pub const MAX_ARN_LENGTH: usize = 1024;

/// Longest name of the attribute that says when items end. Source: model.
pub const MAX_TTL_NAME_LENGTH: usize = 255;

/// Names in `AttributesToGet`. Source: model.
pub const MAX_ATTRIBUTES_TO_GET: usize = 255;

/// Keys of one BatchGetItem. Source: model.
pub const MAX_BATCH_KEYS: usize = 100;

/// Writes of one BatchWriteItem. Source: model.
pub const MAX_BATCH_WRITES: usize = 25;

/// Actions of one transaction. Source: model.
pub const MAX_TRANSACTION_ACTIONS: usize = 100;

/// Longest token of a transaction. Source: model.
pub const MAX_TOKEN_LENGTH: usize = 36;

/// Names of tables in one response. Source: model.
pub const MAX_TABLE_NAMES: i64 = 100;

/// Segments of a scan. Source: model.
pub const MAX_TOTAL_SEGMENTS: i64 = 1_000_000;

/// Largest number of a segment. Source: model.
pub const MAX_SEGMENT: i64 = MAX_TOTAL_SEGMENTS - 1;

/// Attributes of the key of a table or a local index. Source: model.
pub const MAX_KEY_ATTRIBUTES: usize = 2;

/// Attributes of the key of a global index, four of each kind. Source: observed.
pub const MAX_GLOBAL_INDEX_KEY_ATTRIBUTES: usize = 8;

/// Faults that one error lists. Source: observed.
pub const MAX_FAULTS: usize = 10;

/// How much of a wrong member an error repeats, in bytes. AWS has no such bound that is known; without one, one
/// request of 16 MiB would be answered with twenty times as much.
pub const MAX_ECHO_BYTES: usize = 1 << 20;

/// Structures of one list that are kept: more than any sound request has. Without a bound, the three bytes of each
/// empty one would become a thousand in memory.
pub const MAX_KEPT_STRUCTURES: usize = 1000;

const _: () = assert!(MAX_KEPT_STRUCTURES > MAX_BATCH_KEYS && MAX_BATCH_KEYS > MAX_BATCH_WRITES);
const _: () = assert!(MAX_KEPT_STRUCTURES > MAX_TRANSACTION_ACTIONS);
const _: () = assert!(MIN_NAME_LENGTH <= MAX_NAME_LENGTH && MAX_NAME_LENGTH <= MAX_ARN_LENGTH);
