//! What tables ask of the storage below them: ordered byte keys, atomic changes, scans. Nothing here knows
//! items. The shards implement it (`shards`); an ordered store of many machines could.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use flywheel_shard::{
    ChangeFn, Consumption, Modified, ScanPage, ScanRequest, Version, Versioned, WriteBatch,
    WriteOutcome,
};

/// Ordered byte keys with byte values, kept durably. Clones are ways into the same storage.
pub trait Storage: Clone + Send + Sync + 'static {
    /// The value of a key, as of a moment during the call.
    ///
    /// # Errors
    /// See [`StorageError`].
    fn get(
        &self,
        key: Bytes,
    ) -> impl Future<Output = Result<Option<Versioned>, StorageError>> + Send;

    /// Replaces a key's value, and others of the same partition with it, by what `change` makes of it:
    /// atomically, durable on return. `brings_bytes` is what `change` holds of the request: the storage bounds
    /// how much of it is under way.
    ///
    /// # Errors
    /// See [`StorageError`]. After a fault the change may or may not be durable.
    fn modify(
        &self,
        brings_bytes: usize,
        key: Bytes,
        change: ChangeFn,
    ) -> impl Future<Output = Result<Modified, StorageError>> + Send;

    /// Applies a batch of one partition if its conditions hold; durable on return, or nothing happened.
    ///
    /// # Errors
    /// See [`StorageError`].
    fn write(
        &self,
        batch: WriteBatch,
    ) -> impl Future<Output = Result<WriteOutcome, StorageError>> + Send;

    /// Deletes keys, in pieces: durable on return. Done again it changes nothing.
    ///
    /// # Errors
    /// See [`StorageError`]. Any of the keys may be gone then.
    fn delete(&self, keys: Vec<Bytes>) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// A page of a key range. What lies in one partition is of one moment.
    ///
    /// # Errors
    /// See [`StorageError`].
    fn scan(
        &self,
        request: ScanRequest,
    ) -> impl Future<Output = Result<ScanPage, StorageError>> + Send;

    /// Makes the keys that begin with `prefix` partitions of their own, spread over what the storage has.
    /// Done again it changes nothing.
    ///
    /// # Errors
    /// See [`StorageError`].
    fn spread(&self, prefix: Bytes) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// Deletes the keys that begin with `prefix`, in pieces. Done again it goes on.
    ///
    /// # Errors
    /// See [`StorageError`].
    fn clear(&self, prefix: Bytes) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// About how much stands under the keys that begin with `prefix`.
    ///
    /// # Errors
    /// See [`StorageError`].
    fn measure(&self, prefix: Bytes) -> impl Future<Output = Result<Extent, StorageError>> + Send;

    /// Counts in what the part of the storage has served that `key` is in. `count` is to be quick.
    fn consumption<T>(&self, key: &[u8], count: impl FnOnce(&Consumption) -> T) -> T;

    /// What all its parts have served: the first key and the shard of each.
    fn consumptions(&self) -> Vec<(Bytes, u16, Arc<Consumption>)>;

    /// Prefixes under which appended records stand: one for each part of the storage that orders them by
    /// itself.
    fn feeds(&self) -> Vec<Bytes>;

    /// Waits until something was appended to the feed with this prefix under a version above `after`, and
    /// answers with the highest there is.
    ///
    /// # Errors
    /// See [`StorageError`].
    fn appended(
        &self,
        feed: &Bytes,
        after: Version,
    ) -> impl Future<Output = Result<Version, StorageError>> + Send;
}

/// How much stands in a range of keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extent {
    /// Keys with a value.
    pub items: u64,
    /// Bytes that these take.
    pub size_bytes: u64,
}

/// Why the storage did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// It has too much to do; nothing was done.
    #[error("the storage has too much to do: {0} is full")]
    Busy(&'static str),
    /// It is being closed.
    #[error("the storage is closed")]
    Closed,
    /// It never takes this; nothing was done.
    #[error("the storage refuses this: {0}")]
    Refused(String),
    /// Something is wrong with it.
    #[error("{0}")]
    Fault(String),
}
