//! sled as a peer: a log-structured tree. Its flush asks the kernel to write, not the device to keep, so the
//! adapter adds the sync that makes a write durable.
//! Its latest stable release, 0.34; not the rewrite that is under way.

use std::fs::File;

use ::sled::{Config, Db, Error, Mode};
use bytes::Bytes;
use flywheel_load::{TargetError, TargetErrorKind};

use super::PeerOptions;
use super::group::{Apply, Groups, Transact, Transaction};
use super::store::{
    Change, GROUPED, Named, PAGE_CACHE, Store, UNCOMPRESSED, Written, crate_version, io_kind, named,
};

/// sled's one log, in the peer's directory.
const LOG: &str = "db";

/// An open database; its default tree is the table.
pub(super) struct Sled {
    database: Db,
    /// A handle of our own on the log: syncing any handle syncs the file.
    log: File,
    cache_bytes: u64,
    groups: Groups,
}

pub(super) fn open(options: &PeerOptions) -> Result<Sled, TargetError> {
    let database = Config::default()
        .path(&options.dir)
        .cache_capacity(options.cache_bytes)
        .mode(Mode::HighThroughput)
        .open()
        .map_err(refusal)?;
    let log = File::open(options.dir.join(LOG)).map_err(Error::Io).map_err(refusal)?;
    Ok(Sled { database, log, cache_bytes: options.cache_bytes, groups: Groups::new(1) })
}

/// The tree itself: what is applied can be read at once, and is durable with the sync that follows.
struct Writing<'a>(&'a Db);

impl Transaction for Writing<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, TargetError> {
        Ok(self.0.get(key).map_err(refusal)?.map(|value| Bytes::copy_from_slice(&value)))
    }

    fn put(&mut self, key: Bytes, value: Bytes) -> Result<(), TargetError> {
        self.0.insert(key, &*value).map(|_| ()).map_err(refusal)
    }
}

impl Transact for Sled {
    fn transact(&self, apply: Apply<'_>) -> Result<(), TargetError> {
        apply(&mut Writing(&self.database))?;
        self.flush()
    }
}

impl Store for Sled {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, TargetError> {
        Writing(&self.database).get(key)
    }

    fn scan(&self, start: &[u8], count: usize) -> Result<Vec<(Bytes, Bytes)>, TargetError> {
        let copy = |slice: ::sled::IVec| Bytes::copy_from_slice(&slice);
        let pairs = self.database.range(start..).take(count);
        pairs
            .map(|pair| pair.map(|(key, value)| (copy(key), copy(value))).map_err(refusal))
            .collect()
    }

    fn write(&self, key: &[u8], change: Change) -> Result<Written, TargetError> {
        self.groups.write(self, key, change)
    }

    fn settings(&self) -> Named<String> {
        named([
            ("version", crate_version("sled").to_owned()),
            (
                "durability",
                "its flush, then fdatasync of its log, before a write is acknowledged. On Linux its flush alone is \
                 sync_file_range, which leaves the device's cache and the file's length unsynced"
                    .to_owned(),
            ),
            ("group_commit", GROUPED.to_owned()),
            (
                "cache_bytes",
                format!("{}: the budget. It counts pages and not what they need beside", self.cache_bytes),
            ),
            ("direct_io", PAGE_CACHE.to_owned()),
            (
                "mode",
                "HighThroughput: rewrites less, at the price of space, which is shown beside".to_owned(),
            ),
            (
                "background",
                "one thread, each 500 ms: its default, which rewrites what is worth it".to_owned(),
            ),
            ("bloom_filters", "none: a tree of pages".to_owned()),
            ("compression", UNCOMPRESSED.to_owned()),
        ])
    }

    fn stats(&self) -> Option<Named<u64>> {
        // Its metrics are a build option for its own profiling.
        None
    }

    fn flush(&self) -> Result<(), TargetError> {
        self.database.flush().map_err(refusal)?;
        self.log.sync_data().map_err(Error::Io).map_err(refusal)
    }
}

/// What the driver counts sled's error as.
fn refusal(error: Error) -> TargetError {
    let kind = match &error {
        Error::Io(error) => io_kind(error),
        Error::Corruption { .. } => TargetErrorKind::Corruption,
        Error::Unsupported(_) => TargetErrorKind::Invalid,
        Error::CollectionNotFound(_) | Error::ReportableBug(_) => TargetErrorKind::Other,
    };
    TargetError::from_display(kind, error)
}
