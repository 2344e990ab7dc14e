//! Every bound of this crate, asserted against each other. Settings stand in `options`.

use std::time::Duration;

/// Longest key, longest value, and most bytes written together.
pub use flywheel_store::limits::{MAX_BATCH_BYTES, MAX_KEY_BYTES, MAX_VALUE_BYTES};

/// Shards of one directory.
pub const MAX_SHARDS: usize = 1024;

/// Partitions of one shard. Automatic splitting stops here, explicit splits are refused.
pub const MAX_PARTITIONS_PER_SHARD: usize = 4096;

/// Requests waiting in one shard's mailbox, at the most.
pub const MAX_MAILBOX_REQUESTS: usize = 1 << 16;

/// Control messages waiting in one shard's second mailbox: moves, splits, statistics.
pub const MAX_CONTROL_MESSAGES: usize = 256;

/// Requests that one handle and its clones may have under way, at the most.
pub const MAX_IN_FLIGHT: usize = 1 << 16;

/// Bytes of keys and values in writes that one handle may have under way, at the most.
pub const MAX_IN_FLIGHT_BYTES: usize = 4 << 30;

/// Requests that one shard has taken from its mailbox and not yet answered. Beyond it the mailbox
/// fills, and then refuses.
pub const MAX_ACTIVE_REQUESTS: usize = 1 << 13;

/// How long a shard whose engine was dropped waits for what it has taken. What is not answered then
/// never will be.
pub const MAX_DROP_WAIT: Duration = Duration::from_secs(5);

/// Messages that a shard takes in one turn before its other tasks run: it decides most of them at once, in some
/// microseconds each.
pub const MAX_TURN_MESSAGES: usize = 64;

/// Times that a request follows a partition that moved away meanwhile before it is refused.
pub const MAX_REROUTES: usize = 64;

/// Bytes of keys and values that one message of a move carries, unless one record is larger.
pub const MAX_MOVE_PAGE_BYTES: usize = 512 << 10;

/// Records that one message of a move carries.
pub const MAX_MOVE_PAGE_ITEMS: usize = 4096;

/// Keys that may still differ when a move stops its partition for the last round: few enough to
/// send within a few milliseconds.
pub const MAX_FENCED_KEYS: usize = 128;

/// Rounds of catching up after which a move gives up: writes come faster than they can be sent.
pub const MAX_MOVE_ROUNDS: usize = 32;

/// Reads of changed keys that a move has under way together.
pub const MAX_MOVE_READS: usize = 16;

/// Times that a move knocks at another shard's full control mailbox, a millisecond apart.
pub const MAX_MOVE_KNOCKS: usize = 1000;

/// Bytes of keys written during one round of a move, at the most; beyond it the move gives up.
pub const MAX_DIRTY_KEY_BYTES: usize = 64 << 20;

/// Tasks that wait for something to be appended to one shard's own range.
pub const MAX_FEED_WAITERS: usize = 1024;

/// Tasks of others that run on one shard's core.
pub const MAX_GUEST_TASKS: usize = 1 << 16;

/// Hot keys that are counted of each partition: reads and writes, served and refused apart.
pub const MAX_HOT_KEYS: usize = 32;

/// The identity of a directory is one block.
pub const MAX_IDENTITY_BYTES: usize = flywheel_disk::limits::BLOCK_BYTES;

const _: () = assert!(MAX_SHARDS <= u16::MAX as usize);
const _: () = assert!(MAX_TURN_MESSAGES <= MAX_ACTIVE_REQUESTS);
// A page holds at least one record, and with it must still fit one atomic write of the store.
const _: () = assert!(MAX_MOVE_PAGE_BYTES + MAX_KEY_BYTES + MAX_VALUE_BYTES < MAX_BATCH_BYTES);
const _: () = assert!(MAX_FENCED_KEYS <= MAX_MOVE_PAGE_ITEMS);
const _: () = assert!(MAX_DIRTY_KEY_BYTES >= 1024 * MAX_KEY_BYTES);
const _: () = assert!(MAX_HOT_KEYS <= flywheel_capacity::limits::MAX_HOT_KEYS);
