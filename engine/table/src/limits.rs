//! Every bound of this crate, each with its source. Bounds of items, values and expressions stand in
//! `flywheel-item`, those of single members of requests in `flywheel-api`.
//!
//! *Constraints* is DynamoDB's developer guide, "Quotas and constraints".

use flywheel_item::limits::{MAX_ITEM_BYTES, MAX_PARTITION_KEY_BYTES, MAX_SORT_KEY_BYTES};
use flywheel_shard::limits::{MAX_BATCH_BYTES, MAX_KEY_BYTES, MAX_VALUE_BYTES};

/// Bytes of items that one page of a query or a scan evaluates. Source: Constraints, result set.
pub const MAX_PAGE_BYTES: usize = 1 << 20;

/// Items that one request to the storage brings: a page is put together of several.
pub const MAX_STRETCH_ITEMS: usize = 512;

/// Items that a local index has fetched from its table before the page is looked at again: it may be larger
/// than a page by so many.
pub const MAX_FETCHED_TOGETHER: usize = 8;

/// Keys that are deleted together, where a table is taken away or transactions are done.
pub const MAX_DELETED_KEYS: usize = 128;

/// Keys of a table with local indexes that are looked at to tell how many of them are items: all of a small
/// table; of a larger one only until it has been swept.
pub const MAX_COUNTED_KEYS: usize = 4096;

/// Bytes of what is looked at for it.
pub const MAX_COUNTED_BYTES: usize = 4 << 20;

/// How often a table is gone through whose items end, or which has local indexes, in milliseconds. DynamoDB counts
/// items as often, or a little more. Source: API reference, TableDescription.
pub const SWEEP_EVERY_MS: u64 = 12 * 3_600_000;

/// How far ahead of its time the end of an item is noted, in milliseconds: two sweeps, so that the one that finds
/// it may take until the next begins.
pub const MAX_ENDING_AHEAD_MS: u64 = 2 * SWEEP_EVERY_MS;

/// Appended records of one feed that are looked at together.
pub const MAX_FOLLOWED_CHANGES: usize = 512;

/// Pages of one table's changes that are read before it is the next one's turn.
pub const MAX_TABLE_ROUNDS: usize = 8;

/// Entries of global indexes that are written at the same time, one that comes and one that goes for each.
pub const MAX_FOLLOWED_TOGETHER: usize = 256;

/// Ticks, of a tenth of a second, that a write waits where indexes are behind, before it is throttled.
pub const MAX_TICKS_WAITED: u64 = 10;

/// Writes that wait so at the same time; more are throttled at once.
pub const MAX_WAITING_WRITES: usize = 1024;

/// Bytes of items that these bring.
pub const MAX_WAITING_BYTES: usize = 64 << 20;

/// Local secondary indexes of a table. Source: Constraints, secondary indexes.
pub const MAX_LOCAL_INDEXES: usize = 5;

/// Global secondary indexes of a table. Source: Constraints, secondary indexes.
pub const MAX_GLOBAL_INDEXES: usize = 20;

/// Attributes that all projections of a table name together. Source: Constraints, projected attributes.
pub const MAX_PROJECTED_ATTRIBUTES: usize = 100;

/// Attributes of either part of a global index's key. Source: Constraints, multi-attribute keys.
pub const MAX_INDEX_KEY_PARTS: usize = 4;

/// Bytes of an index entry's partition key, and of the table's key in it, that stand as they are; longer
/// ones stand as a digest, so that any entry's key fits the storage.
pub const MAX_PLAIN_PART_BYTES: usize = 512;

/// Keys of one BatchGetItem. Source: Constraints, API.
pub const MAX_BATCH_GET_KEYS: usize = 100;

/// Bytes of items that one BatchGetItem returns. Source: Constraints, API.
pub const MAX_BATCH_GET_BYTES: usize = 16 << 20;

/// Writes of one BatchWriteItem. Source: Constraints, API.
pub const MAX_BATCH_WRITES: usize = 25;

/// Requests to the storage that one batch has under way together.
pub const MAX_BATCH_IN_FLIGHT: usize = 32;

/// Bytes of the items and keys in one transaction's request. Source: Constraints, API.
pub const MAX_TRANSACTION_BYTES: usize = 4 << 20;

/// Times that the items of a transaction are read until none has changed in between.
pub const MAX_TRANSACTED_READS: usize = 8;

/// How long a token stands for the transaction it came with, in milliseconds. Source: API reference,
/// TransactWriteItems.
pub const TOKEN_KEPT_MS: u64 = 600_000;

/// Tables of one account and region. Source: Constraints, tables.
pub const MAX_TABLES: usize = 2500;

/// Names that one ListTables returns. Source: API reference, ListTables.
pub const MAX_LISTED_TABLES: usize = 100;

/// Tags of one resource. Source: Constraints, tags.
pub const MAX_TAGS: usize = 50;

/// Tags that one ListTagsOfResource returns. Source: API reference, observed.
pub const MAX_LISTED_TAGS: usize = 10;

/// Largest provisioned throughput that can be asked for at all. Source: observed.
pub const MAX_THROUGHPUT_UNITS: i64 = 1_000_000_000_000;

/// Read units that all tables, and each, may have. Source: Constraints, default quotas.
pub const MAX_TABLE_UNITS: i64 = 40_000;

/// Read units of an account. Source: Constraints, default quotas.
pub const MAX_ACCOUNT_UNITS: i64 = 80_000;

/// Bytes before an item's key: a tag and the table's number.
pub const TABLE_PREFIX_BYTES: usize = 5;

/// Bytes of an item's key before its partition key: hash and length.
pub const PARTITION_HEAD_BYTES: usize = 10;

// The largest key of a table without local indexes stands as it is.
const _: () = assert!(
    TABLE_PREFIX_BYTES + PARTITION_HEAD_BYTES + MAX_PARTITION_KEY_BYTES + MAX_SORT_KEY_BYTES
        <= MAX_KEY_BYTES
);
// That of an index entry: the partition key and the table's key bounded, sort keys escaped to twice their
// size, with an end each.
const _: () = assert!(
    TABLE_PREFIX_BYTES
        + PARTITION_HEAD_BYTES
        + 2 * MAX_PLAIN_PART_BYTES
        + 2 * (MAX_SORT_KEY_BYTES + MAX_INDEX_KEY_PARTS)
        + 2
        <= MAX_KEY_BYTES
);
/// A stored item takes at most twice what it counts, and some bytes: an empty text in a list counts one and
/// takes two, a number of one digit counts three and takes five.
const MAX_STORED_ITEM_BYTES: usize = 2 * MAX_ITEM_BYTES + 64;

// An item that a transaction holds is there twice.
const _: () = assert!(2 * MAX_STORED_ITEM_BYTES + 128 < MAX_VALUE_BYTES);
// What is written together: an item, its entries in all local indexes, and what it was for those who follow.
const _: () = assert!(
    (2 + MAX_LOCAL_INDEXES) * (MAX_STORED_ITEM_BYTES + 2 * MAX_KEY_BYTES) < MAX_BATCH_BYTES
);
