//! Every bound that the adapters set, in one place, asserted against each other.
//! No behaviour lives here; what a peer bounds by itself is not repeated.

use std::time::Duration;

use flywheel_load::limits::{THREAD_COUNT_MAX, TRACE_KEY_BYTES_MAX, TRACE_VALUE_BYTES_MAX};
use flywheel_load::record::FIELD_HEADER_BYTES;
use flywheel_shard::limits::{MAX_KEY_BYTES, MAX_VALUE_BYTES};

/// Most writes that one durable commit of a peer takes along; more wait for the next one.
pub const GROUP_WRITES_MAX: usize = 1_024;

/// Rows that a scan makes room for beforehand: it may ask for millions and find few.
pub const SCAN_ROWS_AHEAD: usize = 1_024;

/// Most rows that a scan of nothing returns: what a trace may ask for would not fit into memory.
pub const NULL_ROWS_MAX: usize = 10_000;

/// Most items of one transaction, which is DynamoDB's bound.
pub const MAX_TRANSACTION_ITEMS: usize = 100;

/// How long a table may take to be made.
pub const TABLE_WAIT_MAX: Duration = Duration::from_secs(300);

/// How long an endpoint may take to accept a connection before anything is measured.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a request may take, unless somebody says otherwise.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// How often requests that take too long are looked for.
pub const DEADLINES_EVERY: Duration = Duration::from_millis(100);

/// Most connections of one worker.
pub const MAX_CONNECTIONS: usize = 16_384;

/// Longest response, in bytes (64 MiB): a page of 1 MB, and what JSON makes of it at the worst.
pub const MAX_RESPONSE_BYTES: usize = 64 << 20;

/// Most headers of a response.
pub const MAX_RESPONSE_HEADERS: usize = 64;

/// Memory that one worker reads from sockets into, in bytes.
pub const SCRATCH_BYTES: usize = 64 << 10;

/// Memory that a connection keeps between responses, in bytes.
pub const SPARE_INCOMING_BYTES: usize = 16 << 10;

/// Most events that one turn of a worker's sockets looks at; others wait for the next.
pub const EVENTS_PER_TURN: usize = 256;

/// Queues of RocksDB's writes, by key: writes of different queues go to RocksDB side by side. Many more than
/// clients, so that two rarely share one by chance.
pub const ROCKSDB_QUEUES: usize = 4_096;

/// Size of one of RocksDB's write buffers, in bytes (64 MiB, its default).
pub const ROCKSDB_WRITE_BUFFER_BYTES: usize = 64 << 20;

/// RocksDB's write buffers, the one being filled included.
pub const ROCKSDB_WRITE_BUFFERS: i32 = 4;

/// Bytes of RocksDB's first sorted level (256 MiB): as many as the level-0 files that start a compaction hold.
pub const ROCKSDB_LEVEL_BASE_BYTES: u64 = 256 << 20;

/// Level-0 files that start a compaction (RocksDB's default).
pub const ROCKSDB_LEVEL_0_FILES: i32 = 4;

/// Bits of RocksDB's filters per key: about 1 % false positives.
pub const ROCKSDB_FILTER_BITS: f64 = 10.0;

/// How much RocksDB writes to a file before it has the kernel begin to write it out, in bytes (1 MiB).
pub const ROCKSDB_BYTES_PER_SYNC: u64 = 1 << 20;

/// Address space for LMDB's map, in bytes (1 TiB): no memory and no disk until it is used.
pub const LMDB_MAP_BYTES: usize = 1 << 40;

/// Threads that may read LMDB at once.
pub const LMDB_READERS_MAX: u32 = 1 << 17;

const _: () =
    assert!(TRACE_KEY_BYTES_MAX == MAX_KEY_BYTES, "a trace may have what the engine takes");
const _: () = assert!(TRACE_VALUE_BYTES_MAX as usize + FIELD_HEADER_BYTES <= MAX_VALUE_BYTES);
const _: () = assert!(LMDB_READERS_MAX as u64 > THREAD_COUNT_MAX);
const _: () = assert!(LMDB_MAP_BYTES.is_multiple_of(1 << 16));
const _: () = assert!(
    ROCKSDB_LEVEL_BASE_BYTES == ROCKSDB_WRITE_BUFFER_BYTES as u64 * ROCKSDB_LEVEL_0_FILES as u64
);
