//! Settings of a store, and their sanity. Not bounds: those stand in `limits`.

use crate::error::StoreError;
use crate::limits::{MAX_COMMIT_DEPTH, MAX_SEGMENT_BYTES, MIN_SEGMENT_BYTES};
use flywheel_disk::limits::BLOCK_BYTES;

/// How one shard's store behaves. The defaults suit an NVMe disk and records of about a kilobyte.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// The shard's number in its directory; written into every segment.
    pub shard: u16,
    /// Size of a segment file; fixed when the store is created.
    pub segment_bytes: u32,
    /// Memory for cached records.
    pub cache_bytes: u64,
    /// Memory for the index. What does not fit stands in scratch files, and costs a read more. It may be
    /// exceeded, to twice as much at the most while a checkpoint is written, and on a disk that takes none.
    pub index_bytes: u64,
    /// Random reads in flight; more only queue at the device.
    pub reads_in_flight: usize,
    /// Commit groups in flight, 1 to 8.
    pub commit_depth: usize,
    /// A commit group of at least so many bytes flies beside others; a smaller one waits, and grows, while
    /// another one flies. Few large writes cost a disk less than many small ones: at 256 clients that was
    /// worth an eighth of the throughput, and acknowledgements came no later.
    pub commit_beside_bytes: usize,
    /// Segments kept zeroed and ready, so that the log never waits for one.
    pub ready_segments: usize,
    /// Share of occupied space that may be dead before compaction starts: 0.3 keeps the files at
    /// most at 1/0.7 of the live data.
    pub max_dead_share: f64,
    /// A checkpoint is taken once this many bytes were logged since the last...
    pub checkpoint_min_log_bytes: u64,
    /// ...and at least this share of the live data, so that checkpoints stay a fixed share of writes.
    pub checkpoint_log_share: f64,
    /// Bytes a second that the background scrub reads; 0 switches it off.
    pub scrub_bytes_per_s: u64,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            shard: 0,
            segment_bytes: 32 << 20,
            cache_bytes: 256 << 20,
            index_bytes: u64::MAX,
            reads_in_flight: 64,
            commit_depth: 3,
            commit_beside_bytes: 256 << 10,
            ready_segments: 3,
            max_dead_share: 0.3,
            checkpoint_min_log_bytes: 256 << 20,
            checkpoint_log_share: 0.25,
            scrub_bytes_per_s: 4 << 20,
        }
    }
}

impl StoreOptions {
    /// Checks each setting against its bounds.
    ///
    /// # Errors
    /// [`StoreError::BadOption`] naming the setting, what was expected and what was found.
    pub fn check(&self) -> Result<(), StoreError> {
        let bad = |name, expected: String, found: String| {
            Err(StoreError::BadOption { name, expected, found })
        };
        if !(MIN_SEGMENT_BYTES..=MAX_SEGMENT_BYTES).contains(&self.segment_bytes)
            || !(self.segment_bytes as usize).is_multiple_of(BLOCK_BYTES)
        {
            let expected = format!(
                "a multiple of {BLOCK_BYTES} from {MIN_SEGMENT_BYTES} to {MAX_SEGMENT_BYTES}"
            );
            return bad("segment_bytes", expected, self.segment_bytes.to_string());
        }
        if !(1..=MAX_COMMIT_DEPTH).contains(&self.commit_depth) {
            let expected = format!("1 to {MAX_COMMIT_DEPTH}");
            return bad("commit_depth", expected, self.commit_depth.to_string());
        }
        if self.reads_in_flight == 0 {
            return bad("reads_in_flight", "at least 1".into(), "0".into());
        }
        if self.ready_segments == 0 {
            return bad("ready_segments", "at least 1".into(), "0".into());
        }
        if !(0.05..=0.5).contains(&self.max_dead_share) {
            let found = self.max_dead_share.to_string();
            return bad("max_dead_share", "0.05 to 0.5".into(), found);
        }
        Ok(())
    }

    /// The most bytes of encoded records that one batch may hold in segments of this size.
    pub(crate) fn max_batch_bytes(&self) -> usize {
        (self.segment_bytes as usize / 4).min(crate::limits::MAX_BATCH_BYTES)
    }

    /// The most bytes of encoded records in one key-ordered run.
    pub(crate) fn max_run_bytes(&self) -> usize {
        self.max_batch_bytes().min(crate::limits::MAX_RUN_BYTES)
    }

    /// The payload at which a checkpoint's chunk is closed.
    pub(crate) fn chunk_payload_bytes(&self) -> usize {
        self.max_run_bytes() - BLOCK_BYTES
    }
}
