//! RocksDB as a peer, set up as its own tuning guide says, for flash and for records of about 1 KiB.
//! It groups commits by itself; the adapter only keeps updates of one key one after the other.

use std::thread;

use ::rocksdb::{
    BlockBasedIndexType, BlockBasedOptions, Cache, CompactionPri, DB, DBCompressionType, Direction,
    Error, ErrorKind, FlushOptions, IteratorMode, Options, WriteBatch, WriteOptions,
    statistics::{StatsLevel, Ticker},
};
use bytes::Bytes;
use flywheel_load::{TargetError, TargetErrorKind};

use super::PeerOptions;
use super::group::{Apply, Groups, Overlay, Transact};
use super::store::{Change, Named, Store, UNCOMPRESSED, Written, crate_version, named};
use crate::limits::{
    ROCKSDB_BYTES_PER_SYNC, ROCKSDB_FILTER_BITS, ROCKSDB_LEVEL_0_FILES, ROCKSDB_LEVEL_BASE_BYTES,
    ROCKSDB_QUEUES, ROCKSDB_WRITE_BUFFER_BYTES, ROCKSDB_WRITE_BUFFERS,
};

/// What its own counters call it, and what is counted.
const COUNTERS: [(&str, Ticker); 10] = [
    ("wal_bytes_written", Ticker::WalFileBytes),
    ("wal_syncs", Ticker::WalFileSynced),
    ("flush_bytes_written", Ticker::FlushWriteBytes),
    ("compaction_bytes_written", Ticker::CompactWriteBytes),
    ("compaction_bytes_read", Ticker::CompactReadBytes),
    ("block_cache_hits", Ticker::BlockCacheHit),
    ("block_cache_misses", Ticker::BlockCacheMiss),
    ("filter_useful", Ticker::BloomFilterUseful),
    ("memtable_hits", Ticker::MemtableHit),
    ("stall_us", Ticker::StallMicros),
];

/// An open database; its default column family is the table.
pub(super) struct RocksDb {
    database: DB,
    /// Kept for its counters.
    options: Options,
    /// Kept for what it holds.
    cache: Cache,
    cache_bytes: usize,
    background_jobs: i32,
    groups: Groups,
}

pub(super) fn open(options: &PeerOptions) -> Result<RocksDb, TargetError> {
    // More than the address space has is as much as there is.
    let cache_bytes = usize::try_from(options.cache_bytes).unwrap_or(usize::MAX);
    let cores = thread::available_parallelism().map_or(1, usize::from);
    // One for flushes and one for compactions at least.
    let background_jobs = i32::try_from(cores).unwrap_or(i32::MAX).max(2);
    let cache = Cache::new_hyper_clock_cache(cache_bytes, 0);
    let tuned = tune(&cache, background_jobs);
    let database = DB::open(&tuned, &options.dir).map_err(refusal)?;
    let groups = Groups::new(ROCKSDB_QUEUES);
    Ok(RocksDb { database, options: tuned, cache, cache_bytes, background_jobs, groups })
}

/// "Setup Options and Basic Tuning", "Block Cache", "Partitioned Index/Filters" and "Direct IO" of RocksDB's wiki.
fn tune(cache: &Cache, background_jobs: i32) -> Options {
    let mut blocks = BlockBasedOptions::default();
    blocks.set_block_cache(cache);
    blocks.set_bloom_filter(ROCKSDB_FILTER_BITS, false);
    blocks.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
    blocks.set_partition_filters(true);
    blocks.set_cache_index_and_filter_blocks(true);
    blocks.set_pin_top_level_index_and_filter(true);
    blocks.set_pin_l0_filter_and_index_blocks_in_cache(true);

    let mut options = Options::default();
    options.create_if_missing(true);
    options.set_block_based_table_factory(&blocks);
    options.set_compression_type(DBCompressionType::None);
    options.set_bottommost_compression_type(DBCompressionType::None);

    options.set_use_direct_reads(true);
    options.set_use_direct_io_for_flush_and_compaction(true);
    options.set_bytes_per_sync(ROCKSDB_BYTES_PER_SYNC);

    options.set_write_buffer_size(ROCKSDB_WRITE_BUFFER_BYTES);
    options.set_max_write_buffer_number(ROCKSDB_WRITE_BUFFERS);
    options.set_allow_concurrent_memtable_write(true);
    options.set_enable_pipelined_write(true);
    options.set_recycle_log_file_num(ROCKSDB_WRITE_BUFFERS as usize);

    options.set_max_background_jobs(background_jobs);
    options.set_level_compaction_dynamic_level_bytes(true);
    options.set_level_zero_file_num_compaction_trigger(ROCKSDB_LEVEL_0_FILES);
    options.set_max_bytes_for_level_base(ROCKSDB_LEVEL_BASE_BYTES);
    options.set_compaction_pri(CompactionPri::MinOverlappingRatio);

    // Counters without clocks: the guide's figure for the full set is 5 to 10 % of the time.
    options.enable_statistics();
    options.set_statistics_level(StatsLevel::ExceptHistogramOrTimers);
    options
}

impl Transact for RocksDb {
    fn transact(&self, apply: Apply<'_>) -> Result<(), TargetError> {
        let mut overlay = Overlay::new(|key: &[u8]| self.get(key));
        apply(&mut overlay)?;
        let mut batch = WriteBatch::default();
        for (key, value) in overlay.into_written() {
            batch.put(key, value);
        }
        let mut durable = WriteOptions::default();
        durable.set_sync(true);
        self.database.write_opt(batch, &durable).map_err(refusal)
    }
}

impl Store for RocksDb {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, TargetError> {
        let found = self.database.get_pinned(key).map_err(refusal)?;
        Ok(found.map(|value| Bytes::copy_from_slice(&value)))
    }

    fn scan(&self, start: &[u8], count: usize) -> Result<Vec<(Bytes, Bytes)>, TargetError> {
        let pairs = self.database.iterator(IteratorMode::From(start, Direction::Forward));
        let own = |(key, value): (Box<[u8]>, Box<[u8]>)| (Bytes::from(key), Bytes::from(value));
        pairs.take(count).map(|pair| pair.map(own).map_err(refusal)).collect()
    }

    fn write(&self, key: &[u8], change: Change) -> Result<Written, TargetError> {
        self.groups.write(self, key, change)
    }

    fn settings(&self) -> Named<String> {
        // The part behind the plus sign is RocksDB's own version.
        let (binding, library) = (crate_version("rocksdb"), crate_version("librocksdb-sys"));
        let buffers = ROCKSDB_WRITE_BUFFERS as usize;
        named([
            ("version", format!("librocksdb-sys {library}; rocksdb {binding}")),
            ("durability", "sync = true on every write: fdatasync of the WAL before it is acknowledged".into()),
            (
                "group_commit",
                format!(
                    "RocksDB's own, over all client threads. Writes of one key that wait for each other ({ROCKSDB_QUEUES} \
                     queues by key) go as one batch, so that partial updates lose nothing"
                ),
            ),
            (
                "cache_bytes",
                format!("{}: the budget; HyperClockCache, which its authors recommend", self.cache_bytes),
            ),
            (
                "index_and_filter_blocks",
                "in the cache and so in the budget, partitioned, top level and level 0 pinned: its guide for \
                 tables larger than memory"
                    .into(),
            ),
            ("bloom_filters", format!("{ROCKSDB_FILTER_BITS} bits a key, whole keys: its guide")),
            (
                "block_bytes",
                "4096: its default. Its guide's 16 KiB save memory for indexes, and cost a read of one record four \
                 times the bytes"
                    .into(),
            ),
            (
                "write_buffers",
                format!(
                    "{buffers} of {ROCKSDB_WRITE_BUFFER_BYTES} bytes, up to {} beside the cache: enough that flushes \
                     do not hold writers up",
                    buffers * ROCKSDB_WRITE_BUFFER_BYTES
                ),
            ),
            (
                "direct_io",
                "reads, flushes and compactions; the WAL, which is only written, goes through the page cache".into(),
            ),
            ("write_path", "pipelined, with concurrent writes to the memtable: its guide for many threads".into()),
            (
                "wal_recycling",
                format!("{buffers} files: a sync of a file that does not grow writes no metadata"),
            ),
            ("bytes_per_sync", format!("{ROCKSDB_BYTES_PER_SYNC}: its guide")),
            (
                "compaction",
                format!(
                    "leveled with dynamic level bytes, least overlap first, level base {ROCKSDB_LEVEL_BASE_BYTES} bytes; \
                     {} background jobs: the cores, and at least 2",
                    self.background_jobs
                ),
            ),
            ("statistics", "counters only, no clocks".into()),
            ("compression", UNCOMPRESSED.into()),
        ])
    }

    fn stats(&self) -> Option<Named<u64>> {
        let count = |(name, ticker)| (String::from(name), self.options.get_ticker_count(ticker));
        let mut stats: Named<u64> = COUNTERS.map(count).into();
        stats.push(("block_cache_used_bytes".into(), self.cache.get_usage() as u64));
        for (name, property) in [
            ("pending_compaction_bytes", "rocksdb.estimate-pending-compaction-bytes"),
            ("memtable_bytes", "rocksdb.cur-size-all-mem-tables"),
            ("table_files_bytes", "rocksdb.total-sst-files-size"),
        ] {
            // One that this version does not know is left out.
            if let Ok(Some(value)) = self.database.property_int_value(property) {
                stats.push((name.into(), value));
            }
        }
        Some(stats)
    }

    fn flush(&self) -> Result<(), TargetError> {
        let mut wait = FlushOptions::default();
        wait.set_wait(true);
        self.database.flush_opt(&wait).map_err(refusal)?;
        self.database.cancel_all_background_work(true);
        Ok(())
    }
}

/// What the driver counts RocksDB's error as.
fn refusal(error: Error) -> TargetError {
    let kind = match error.kind() {
        // Its errors keep no code for a full disk, only the system's text.
        ErrorKind::IOError if error.as_ref().contains("No space left") => TargetErrorKind::Full,
        ErrorKind::IOError if error.as_ref().contains("lock") => TargetErrorKind::Unavailable,
        ErrorKind::IOError => TargetErrorKind::Io,
        ErrorKind::Corruption => TargetErrorKind::Corruption,
        ErrorKind::InvalidArgument | ErrorKind::NotSupported => TargetErrorKind::Invalid,
        ErrorKind::TimedOut => TargetErrorKind::Timeout,
        ErrorKind::Busy | ErrorKind::TryAgain => TargetErrorKind::Overloaded,
        ErrorKind::ShutdownInProgress => TargetErrorKind::Unavailable,
        _ => TargetErrorKind::Other,
    };
    TargetError::from_display(kind, error)
}
