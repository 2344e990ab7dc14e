//! What every peer's adapter must be able to do, and the little that they share.
//! It opens nothing and queues nothing: that is `mod.rs` and `group.rs`.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use bytes::Bytes;
use flywheel_load::{Added, Addition, Record, TargetError, TargetErrorKind};

/// Settings, or counters, by name.
pub(super) type Named<T> = Vec<(String, T)>;

/// A change of one key.
#[cfg_attr(not(feature = "any-peer"), expect(dead_code, reason = "no peer is there to make it"))]
pub(super) enum Change {
    /// The value from now on.
    Put(Bytes),
    /// Fields to lay over those that are there; nothing happens where there is no record.
    Merge(Record),
    /// A number to add to one that is there.
    Add(Addition),
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(feature = "any-peer"), expect(dead_code, reason = "no peer is there to say it"))]
pub(super) enum Written {
    /// It is done.
    Applied,
    /// There is no such record.
    NotFound,
    /// What an addition came to.
    Added(Added),
}

/// One open store. Every call blocks its thread; any thread may call.
pub(super) trait Store: Send + Sync {
    /// The value under `key`.
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, TargetError>;

    /// Up to `count` pairs in key order, the first at or after `start`.
    fn scan(&self, start: &[u8], count: usize) -> Result<Vec<(Bytes, Bytes)>, TargetError>;

    /// Makes one change; returns when it is durable. Changes of one key happen one after the other.
    fn write(&self, key: &[u8], change: Change) -> Result<Written, TargetError>;

    /// See [`super::Peer::settings`].
    fn settings(&self) -> Named<String>;

    /// See [`super::Peer::stats`].
    fn stats(&self) -> Option<Named<u64>>;

    /// Writes to files what is in memory only, so that closing leaves nothing to recover.
    fn flush(&self) -> Result<(), TargetError>;
}

/// What the driver counts an I/O error as.
pub(super) fn io_kind(error: &io::Error) -> TargetErrorKind {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => TargetErrorKind::Full,
        // A lock that another process holds.
        io::ErrorKind::WouldBlock => TargetErrorKind::Unavailable,
        io::ErrorKind::InvalidInput => TargetErrorKind::Invalid,
        _ => TargetErrorKind::Io,
    }
}

/// Settings or counters under owned names.
#[cfg(feature = "any-peer")]
pub(super) fn named<T, const N: usize>(entries: [(&str, T); N]) -> Named<T> {
    entries.map(|(name, value)| (name.to_owned(), value)).into()
}

/// The version of crate `name` that this build has, from the lock file it was built with.
#[cfg(feature = "any-peer")]
pub(super) fn crate_version(name: &str) -> &'static str {
    const LOCK: &str = include_str!("../../../../Cargo.lock");
    let header = format!("[[package]]\nname = \"{name}\"\nversion = \"");
    let version = LOCK.split_once(&header).and_then(|(_, rest)| rest.split_once('"'));
    version.map_or("unknown", |(version, _)| version)
}

/// What is said of every store that reads and writes its files through the page cache.
#[cfg(any(feature = "fjall", feature = "redb", feature = "sled"))]
pub(super) const PAGE_CACHE: &str = "none: it has no option for it. The page cache holds its files beside its own \
     cache, outside the budget: bound both with a memory limit on the process, or read its figures as those of a \
     store with more memory";

/// What is said of every store without compression.
#[cfg(feature = "any-peer")]
pub(super) const UNCOMPRESSED: &str =
    "none: generated values do not compress, and no store of the comparison does";

/// What is said of every store whose writes go through one queue.
#[cfg(any(feature = "fjall", feature = "lmdb", feature = "redb", feature = "sled"))]
pub(super) const GROUPED: &str = "in the adapter: all writes that wait are applied in one transaction and \
     committed once, as a careful application with many clients does; a lone client commits each write by itself";

/// Bytes that the files under `dir` occupy: allocated blocks, not lengths, so that holes count as nothing and
/// space set aside ahead of its use counts in full.
///
/// Files that vanish meanwhile count as nothing: stores remove files as they go.
///
/// # Errors
/// What the file system says of a folder or file that is there and cannot be looked at.
pub fn disk_bytes(dir: &Path) -> io::Result<u64> {
    /// `st_blocks` counts in these, whatever the file system's own blocks are (stat(2)).
    const BLOCK_BYTES: u64 = 512;
    let mut total_bytes = 0;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let Some(metadata) = if_present(entry.metadata())? else { continue };
        total_bytes += Metadata::blocks(&metadata) * BLOCK_BYTES;
        if metadata.is_dir() {
            total_bytes += if_present(disk_bytes(&entry.path()))?.unwrap_or(0);
        }
    }
    Ok(total_bytes)
}

fn if_present<T>(looked: io::Result<T>) -> io::Result<Option<T>> {
    match looked {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}
