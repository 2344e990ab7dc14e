//! One shard's data: log, segments, index, cache, compaction, recovery. Ordered byte keys, byte
//! values, versions. Knows nothing of items, tables, other shards or threads.
//!
//! The log is the database: each write is appended once to the log, and the index in memory says
//! where the newest record of each key stands. An uncached read is one read of the disk; a write is
//! its share of one sequential append. [`Store`] is the way in; `format` draws the bytes.

mod audit;
mod cache;
mod check;
mod checkpoint;
mod cold;
mod commit;
mod compaction;
mod core;
mod effects;
mod error;
mod forget;
pub mod format;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod index;
pub mod limits;
mod log;
mod maintenance;
mod options;
mod partitions;
mod pins;
mod read;
mod recovery;
mod salvage;
mod scan;
mod scrub;
mod segment_reader;
mod segments;
mod snapshot;
mod sorting;
mod space;
mod stats;
mod store;
mod sync;
pub mod types;
mod write;

pub use audit::Audit;
pub use check::{Checked, check};
pub use effects::own_prefix;
pub use error::StoreError;
pub use options::StoreOptions;
pub use read::{OnDisk, Peek};
pub use recovery::{ProgressCallback, RecoveryProgress};
pub use salvage::{Ground, LostRegion, Salvage, Salvaged};
pub use scrub::{Concern, Finding, ScrubReport, ScrubState};
pub use snapshot::Snapshot;
pub use stats::StoreStats;
pub use store::Store;
pub use types::{
    Change, Condition, Direction, Effect, ImportedRecord, PartitionId, PartitionInfo,
    PartitionSpec, PartitionState, ScanPage, ScanRequest, Version, Versioned, Write, WriteBatch,
    WriteOutcome,
};
pub use write::{Modified, Started};
