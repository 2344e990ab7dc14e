//! What callers hand in and get back. Not how any of it is stored: see `format`.

use std::ops::Bound;

use bytes::Bytes;

pub use crate::index::Direction;

/// Names a partition, uniquely over all shards of a directory and for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionId(pub u64);

/// Orders the changes of one store: every record version carries the number it was written under.
/// Versions of one key only rise, across deletes and moves between shards.
pub type Version = u64;

/// A value and the version it was written under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned {
    /// When it was written, in the store's own order.
    pub version: Version,
    /// The value, shared with the cache: cloning copies no bytes.
    pub value: Bytes,
}

/// What must hold of a key for a batch to be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// The key has a value.
    Exists,
    /// The key has no value.
    Absent,
    /// The key's value is the one written under this version.
    VersionIs(Version),
}

/// One change of a batch.
#[derive(Debug, Clone)]
pub struct Write {
    /// The key, 1 to [`crate::limits::MAX_KEY_BYTES`] bytes.
    pub key: Bytes,
    /// The new value, at most [`crate::limits::MAX_VALUE_BYTES`]; `None` deletes.
    pub value: Option<Bytes>,
    /// What must hold of the key beforehand.
    pub condition: Option<Condition>,
}

/// Changes that happen together or not at all. Keys must differ from each other.
#[derive(Debug, Clone, Default)]
pub struct WriteBatch {
    /// The changes, in no particular order.
    pub writes: Vec<Write>,
}

impl WriteBatch {
    /// A batch of one unconditional put.
    pub fn put(key: Bytes, value: Bytes) -> Self {
        Self { writes: vec![Write { key, value: Some(value), condition: None }] }
    }

    /// A batch of one unconditional delete. Deleting a key without a value is fine.
    pub fn delete(key: Bytes) -> Self {
        Self { writes: vec![Write { key, value: None, condition: None }] }
    }

    /// The same batch with every write under `condition`.
    #[must_use]
    pub fn when(mut self, condition: Condition) -> Self {
        self.writes.iter_mut().for_each(|write| write.condition = Some(condition));
        self
    }
}

/// What became of a batch: it was applied and is durable, or a condition did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteOutcome {
    /// Durable. The n-th write of the batch has version `first_version + n`.
    Applied {
        /// The version of the batch's first write.
        first_version: Version,
    },
    /// Nothing was changed: this write's condition did not hold.
    ConditionFailed {
        /// Position of the write in the batch.
        write: usize,
        /// What the key holds, as of the decision.
        current: Option<Versioned>,
    },
}

/// What a read-modify-write makes of the current value.
#[derive(Debug, Clone)]
pub enum Change {
    /// Put this value.
    Put(Bytes),
    /// Delete the key.
    Delete,
    /// Leave everything as it is.
    Keep,
    /// Do all of this, as one atomic whole: also to other keys, and the asked key only if it is named. At most
    /// as much as one batch may write, and no key twice. None at all is [`Change::Keep`].
    Several(Vec<Effect>),
}

/// One of several effects of a read-modify-write. The n-th has the n-th version from the first one's on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Put a value.
    Put {
        /// The key: any that the decider may write.
        key: Bytes,
        /// Its new value.
        value: Bytes,
    },
    /// Delete a key, whether or not it has a value.
    Delete {
        /// The key: any that the decider may write.
        key: Bytes,
    },
    /// Put a value under a new key in the own range of the shard that decides: [`crate::own_prefix`], `stem`,
    /// and the record's version in 8 bytes, big-endian.
    ///
    /// What is appended under one stem stands there in the order in which it was decided, and comes to be seen
    /// in that order: once a read shows one, nothing with a lower version will appear any more, over crashes
    /// too. So who scans forward from the last one it saw misses nothing. Versions rise from one append to the
    /// next, with gaps.
    Append {
        /// What the key begins with, behind the prefix of the shard.
        stem: Bytes,
        /// The value.
        value: Bytes,
    },
}

/// Which items a scan returns: a key range, a direction, and where to stop.
#[derive(Debug, Clone)]
pub struct ScanRequest {
    /// Lower end of the range.
    pub start: Bound<Bytes>,
    /// Upper end of the range.
    pub end: Bound<Bytes>,
    /// Ascending from `start` or descending from `end`.
    pub direction: Direction,
    /// At most this many items.
    pub max_items: usize,
    /// Stop once the items' keys and values reach this many bytes; at least one item is returned.
    pub max_bytes: usize,
}

/// A page of a scan: items as they were at one moment.
#[derive(Debug, Clone, Default)]
pub struct ScanPage {
    /// Keys and values in the asked order.
    pub items: Vec<(Bytes, Versioned)>,
    /// Whether the range may hold more beyond the last item.
    pub more: bool,
}

/// Whether a partition answers requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartitionState {
    /// Being filled by a move; if found so at open, the move never finished.
    Importing,
    /// Owned and served here.
    Serving,
}

/// A partition: who it is and which keys are its own. `start <= key < end`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionSpec {
    /// Its name.
    pub id: PartitionId,
    /// Rises with every move; of two shards that claim a partition the higher owns it.
    pub ownership_epoch: u64,
    /// First key; empty for the beginning of the key space.
    pub start: Bytes,
    /// First key past the end; `None` for the end of the key space.
    pub end: Option<Bytes>,
    /// Whether it answers requests.
    pub state: PartitionState,
}

impl PartitionSpec {
    /// Whether `key` is this partition's.
    pub fn contains(&self, key: &[u8]) -> bool {
        *self.start <= *key && self.end.as_ref().is_none_or(|end| *key < **end)
    }
}

/// A partition and how much it holds.
#[derive(Debug, Clone)]
pub struct PartitionInfo {
    /// Who it is.
    pub spec: PartitionSpec,
    /// Items it holds.
    pub items: u64,
    /// Bytes of their records on disk, headers and keys included.
    pub record_bytes: u64,
}

/// A record on its way from another shard, with the version it has there.
#[derive(Debug, Clone)]
pub struct ImportedRecord {
    /// The key.
    pub key: Bytes,
    /// The version it was written under on its old shard.
    pub version: Version,
    /// The value; `None` if the key was deleted since an earlier round.
    pub value: Option<Bytes>,
}
