//! What a store answers when it cannot do as asked. Not panics: every bad input and every bad byte
//! ends in one of these.

use flywheel_disk::{DiskError, DiskFault};

use crate::types::PartitionId;

/// Why an operation failed. Nothing it would have written was acknowledged.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// A setting is out of its bounds.
    #[error("{name}: expected {expected}, found {found}")]
    BadOption {
        /// The setting.
        name: &'static str,
        /// What it may be.
        expected: String,
        /// What it was.
        found: String,
    },
    /// The request is not one that a store can serve: a key or value too long, a key twice.
    #[error("bad request: {0}")]
    BadRequest(String),
    /// No partition of this store holds the key.
    #[error("no partition of this store holds the key")]
    NotOwned,
    /// There is no such partition, or it cannot be changed so.
    #[error("partition {}: {reason}", .id.0)]
    BadPartition {
        /// The partition.
        id: PartitionId,
        /// Why.
        reason: &'static str,
    },
    /// A file failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The disk is full, or nothing can be opened any more: writes are refused, reads go on; space
    /// freed (or a limit raised) brings writes back.
    #[error("{}", refusal(.0))]
    Full(DiskError),
    /// An earlier write or sync failed. What the medium holds is unknown, so nothing more is
    /// written: close, look at the disk, and open again.
    #[error("writes stopped after a failure: {0}")]
    Stopped(DiskError),
    /// Bytes on the medium are not what was written there.
    #[error("corruption in {file} at byte {offset_bytes}: {what}")]
    Corrupt {
        /// The file.
        file: String,
        /// Where in it.
        offset_bytes: u64,
        /// What was expected and what was found.
        what: String,
    },
    /// The files were made by another version of the format, or are not ours.
    #[error("{file}: {what}")]
    Format {
        /// The file.
        file: String,
        /// What was expected and what was found.
        what: String,
    },
    /// The store is closing.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// What a failed write means for the store: a full disk is waited out, anything else is final.
    pub(crate) fn of_write(error: DiskError) -> Self {
        match error.fault {
            DiskFault::NoSpace | DiskFault::TooManyFiles => StoreError::Full(error),
            // Everything else leaves the medium in doubt.
            DiskFault::NotFound
            | DiskFault::AlreadyExists
            | DiskFault::Denied
            | DiskFault::Locked
            | DiskFault::Unsupported
            | DiskFault::Io => StoreError::Stopped(error),
        }
    }
}

fn refusal(error: &DiskError) -> String {
    let what = match error.fault {
        DiskFault::TooManyFiles => "writes are refused until more files can be opened",
        _ => "the disk is full, writes are refused until space is freed",
    };
    format!("{what}: {error}")
}
