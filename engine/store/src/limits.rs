//! Every bound of this crate, asserted against each other. Settings stand in `options`.

use flywheel_disk::limits::BLOCK_BYTES;

/// Longest key, in bytes.
pub const MAX_KEY_BYTES: usize = 4 << 10;

/// Largest value, in bytes.
pub const MAX_VALUE_BYTES: usize = 2 << 20;

/// Most bytes of records in one batch, and so in one atomic write.
pub const MAX_BATCH_BYTES: usize = 8 << 20;

/// A commit group stops growing here, unless a single atomic write is larger: later writes go into
/// the next group.
pub const MAX_GROUP_BYTES: usize = 512 << 10;

/// Bytes of writes that may wait, formed and in flight, before writers are made to wait.
pub const MAX_PENDING_WRITE_BYTES: usize = 16 << 20;

/// Most commit groups in flight: recovery's hole rule relies on it.
pub const MAX_COMMIT_DEPTH: usize = 8;

/// Milliseconds that the log rests before an empty batch calls its last one durable: damage to older
/// ones is then told from a power loss.
pub const CONFIRM_AFTER_MS: u64 = 50;

/// Largest number of a batch, a life, a generation or a version: one larger was never counted up to,
/// and adding to these never overflows.
pub const MAX_COUNTER: u64 = u64::MAX >> 1;

/// Times that recovery reads the same bytes at the most until two readings in a row agree.
pub const MAX_READINGS: usize = 4;

/// Times that a page of the index is read, without which the store must stop, before it does.
pub const MAX_PAGE_READINGS: usize = 8;

/// Offsets in a segment must fit a location: 22 bits of 16-byte units.
pub const MAX_SEGMENT_BYTES: u32 = 64 << 20;

/// Smallest segment: a few batches of small records, for tests that tear every byte.
pub const MIN_SEGMENT_BYTES: u32 = 64 << 10;

/// Segments of one shard: a location has 16 bits for them, and so has their count.
pub const MAX_SEGMENTS: usize = u16::MAX as usize;

/// Bytes that one read of a scan, of compaction or of recovery asks for at the most.
pub const MAX_RUN_READ_BYTES: usize = 512 << 10;

/// Dead bytes that a scan reads over rather than start another read.
pub const MAX_SCAN_GAP_BYTES: u32 = 16 << 10;

/// Live records that one round of compaction holds in memory, in bytes.
pub const MAX_COMPACTION_ROUND_BYTES: u64 = 64 << 20;

/// Entries of the index that one round of putting in order holds in memory.
pub const MAX_ORDER_ROUND_ENTRIES: usize = 128 << 10;

/// Records in one key-ordered run, in bytes: compaction's slice.
pub const MAX_RUN_BYTES: usize = 256 << 10;

/// Segments that a checkpoint may fill: the superblock names each.
pub const MAX_CHECKPOINT_SEGMENTS: usize = 320;

/// Bytes that one read of a scrub asks for, so that a request behind it waits little.
pub const MAX_SCRUB_READ_BYTES: usize = 128 << 10;

/// Live records whose places a scrub holds in memory at a time, unless one segment has more.
pub const MAX_SCRUB_ENTRIES: usize = 1 << 20;

/// Damaged places that a scrub lists; more are only counted.
pub const MAX_SCRUB_FINDINGS: usize = 256;

/// Damaged records that a scrub gathers before it looks up their keys in one walk over the index.
pub const MAX_SCRUB_UNNAMED: usize = 4096;

/// Items that a salvage reads side by side, and holds in memory.
pub const MAX_SALVAGE_PAGE_ITEMS: usize = 256;

/// Bytes of records of one such page, unless one record is larger.
pub const MAX_SALVAGE_PAGE_BYTES: usize = 512 << 10;

/// Chunks of pages of the index are an eighth of a file, within these bounds: a leaf fits any, and one read
/// brings a whole one.
pub const MIN_PAGE_CHUNK_BYTES: u32 = 32 << 10;

/// See [`MIN_PAGE_CHUNK_BYTES`].
pub const MAX_PAGE_CHUNK_BYTES: u32 = 256 << 10;

/// Files of pages are no longer than a segment, nor than can be made while requests wait.
pub const MAX_PAGE_FILE_BYTES: u32 = 8 << 20;

/// Reads after which bytes that stay wrong are believed to be wrong.
pub const MAX_SCRUB_LOOKS: usize = 4;

const _: () = assert!(MAX_GROUP_BYTES + MAX_KEY_BYTES < MAX_BATCH_BYTES);
const _: () = assert!(MAX_VALUE_BYTES + MAX_KEY_BYTES + BLOCK_BYTES < MAX_BATCH_BYTES);
const _: () = assert!(MAX_PENDING_WRITE_BYTES >= 2 * MAX_BATCH_BYTES);
const _: () = assert!(MIN_SEGMENT_BYTES as usize >= 8 * BLOCK_BYTES);
const _: () = assert!(MAX_RUN_READ_BYTES >= MAX_RUN_BYTES);
const _: () = assert!(MAX_SCRUB_READ_BYTES.is_multiple_of(BLOCK_BYTES) && MAX_SCRUB_LOOKS >= 2);
