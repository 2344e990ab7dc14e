//! What a store has done and holds, counted. Not timed: latency is measured by those who wait.

use std::cell::Cell;

use flywheel_disk::World;

use crate::core::Core;
use crate::scrub::ScrubState;

/// A count that only rises.
#[derive(Debug, Default)]
pub(crate) struct Counter(Cell<u64>);

impl Counter {
    pub(crate) fn add(&self, more: u64) {
        self.0.set(self.0.get() + more);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.get()
    }
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        #[derive(Debug, Default)]
        pub(crate) struct Counters { $(pub(crate) $name: Counter),+ }

        /// Figures of one store since it was opened, or of several added up.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct StoreStats {
            $($(#[$doc])* pub $name: u64,)+
            /// Items that the index holds.
            pub items: u64,
            /// Memory of the index, in bytes.
            pub index_memory_bytes: u64,
            /// Bytes of the index that are only on the disk.
            pub index_cold_bytes: u64,
            /// Bytes of the files for them.
            pub index_file_bytes: u64,
            /// Memory of the cache, in bytes.
            pub cache_bytes: u64,
            /// Bytes of records that the index points to.
            pub live_bytes: u64,
            /// Bytes of segment files that hold something.
            pub occupied_bytes: u64,
            /// Bytes of all segment files.
            pub file_bytes: u64,
            /// How far the scrub is, and what it found.
            pub scrub: ScrubState,
        }

        impl StoreStats {
            fn counted(counters: &Counters) -> Self {
                Self { $($name: counters.$name.get(),)+ ..Self::default() }
            }

            fn add_counted(&mut self, other: &Self) {
                $(self.$name += other.$name;)+
            }

            fn subtract_counted(&mut self, other: &Self) {
                $(self.$name = self.$name.saturating_sub(other.$name);)+
            }
        }
    };
}

counters! {
    /// Single keys asked for.
    reads,
    /// Of those, answered from the cache.
    cache_hits,
    /// Of those, keys without a value: answered from the index.
    absent_reads,
    /// Random reads of the disk for single keys.
    read_ios,
    /// Bytes of those reads.
    read_bytes,
    /// Reads of pages of the index that were not in memory.
    index_pages_read,
    /// Bytes of such pages written.
    index_bytes_written,
    /// Times that pages could not be written or read in the background.
    index_faults,
    /// Scans asked for.
    scans,
    /// Items that scans returned.
    scanned_items,
    /// Reads of the disk for scans.
    scan_ios,
    /// Bytes of those reads.
    scan_bytes,
    /// Keys written or deleted.
    writes,
    /// Bytes of keys and values written by callers.
    user_bytes_written,
    /// Batches of the log written.
    log_batches,
    /// Bytes of those batches.
    log_bytes_written,
    /// Bytes that compaction read.
    compaction_bytes_read,
    /// Bytes that compaction wrote.
    compaction_bytes_written,
    /// Rounds of compaction.
    compaction_rounds,
    /// Of those, rounds that put records in order for the scans that pay for it.
    order_rounds,
    /// Times that compaction met bytes it could not read.
    compaction_faults,
    /// Bytes of checkpoints written.
    checkpoint_bytes_written,
    /// Checkpoints made durable.
    checkpoints,
    /// Bytes of zeros written to new segment files.
    preformatted_bytes,
    /// Nanoseconds that recovery took.
    recovery_ns,
    /// Bytes of the log that recovery replayed.
    replayed_bytes,
    /// Passes of the scrub that came to their end.
    scrub_passes,
    /// Bytes that the scrub read.
    scrub_bytes,
    /// Live records that the scrub found whole.
    scrub_records,
    /// Damaged places that the scrub found, each once for as long as it stands.
    scrub_findings,
    /// Reads of the scrub that failed or brought wrong bytes, and did not when made again.
    scrub_transient_faults,
    /// Damaged places that a new checkpoint made good.
    scrub_mended,
}

impl StoreStats {
    /// Adds another store's figures.
    pub fn merge(&mut self, other: &Self) {
        let slower_recovery = self.recovery_ns.max(other.recovery_ns);
        self.add_counted(other);
        // Shards recover side by side.
        self.recovery_ns = slower_recovery;
        self.items += other.items;
        self.index_memory_bytes += other.index_memory_bytes;
        self.index_cold_bytes += other.index_cold_bytes;
        self.index_file_bytes += other.index_file_bytes;
        self.cache_bytes += other.cache_bytes;
        self.live_bytes += other.live_bytes;
        self.occupied_bytes += other.occupied_bytes;
        self.file_bytes += other.file_bytes;
        self.scrub.merge(&other.scrub);
    }

    /// What was counted since `earlier`; sizes stay as they are now.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut since = self.clone();
        since.subtract_counted(earlier);
        since
    }

    /// Bytes written to the medium for all reasons but preformatting.
    pub fn bytes_written(&self) -> u64 {
        self.log_bytes_written
            + self.compaction_bytes_written
            + self.checkpoint_bytes_written
            + self.index_bytes_written
    }
}

impl<W: World> Core<W> {
    pub(crate) fn stats(&self) -> StoreStats {
        let table = self.table.borrow();
        let segments = self.segments.borrow();
        StoreStats {
            items: table.iter().map(|partition| partition.index.len()).sum(),
            index_memory_bytes: table.index_memory_bytes() + self.pages.memory_bytes(),
            index_cold_bytes: table.leaf_bytes() - table.leaf_memory_bytes(),
            index_file_bytes: self.pages.file_bytes(),
            cache_bytes: self.cache.borrow().weight_bytes(),
            live_bytes: segments.live_bytes(),
            occupied_bytes: segments.occupied_bytes(),
            file_bytes: segments.all.len() as u64 * u64::from(segments.segment_bytes),
            scrub: self.scrub.borrow().clone(),
            ..StoreStats::counted(&self.counters)
        }
    }
}
