//! fjall as a peer: an LSM tree whose journal is synced once for all writes that wait.
//! Its options stay as its documentation leaves them, but for cache, durability and compression.

use std::thread;

use ::fjall::{Database, Error, Keyspace, KeyspaceCreateOptions, LsmError, PersistMode};
use bytes::Bytes;
use flywheel_load::{TargetError, TargetErrorKind};

use super::PeerOptions;
use super::group::{Apply, Groups, Overlay, Transact};
use super::store::{
    Change, GROUPED, Named, PAGE_CACHE, Store, UNCOMPRESSED, Written, crate_version, io_kind, named,
};
use crate::limits::SCAN_ROWS_AHEAD;

/// An open database with its one keyspace.
pub(super) struct Fjall {
    database: Database,
    records: Keyspace,
    cache_bytes: u64,
    workers: usize,
    groups: Groups,
}

pub(super) fn open(options: &PeerOptions) -> Result<Fjall, TargetError> {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let database = Database::builder(&options.dir)
        .cache_size(options.cache_bytes)
        .worker_threads(workers)
        .open()
        .map_err(refusal)?;
    let records = database.keyspace("records", KeyspaceCreateOptions::default).map_err(refusal)?;
    let cache_bytes = options.cache_bytes;
    Ok(Fjall { database, records, cache_bytes, workers, groups: Groups::new(1) })
}

impl Transact for Fjall {
    fn transact(&self, apply: Apply<'_>) -> Result<(), TargetError> {
        let mut overlay = Overlay::new(|key: &[u8]| self.get(key));
        apply(&mut overlay)?;
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncData));
        for (key, value) in overlay.into_written() {
            batch.insert(&self.records, key, value);
        }
        batch.commit().map_err(refusal)
    }
}

impl Store for Fjall {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, TargetError> {
        Ok(self.records.get(key).map_err(refusal)?.map(Bytes::from))
    }

    fn scan(&self, start: &[u8], count: usize) -> Result<Vec<(Bytes, Bytes)>, TargetError> {
        let mut pairs = Vec::with_capacity(count.min(SCAN_ROWS_AHEAD));
        for guard in self.records.range(start..).take(count) {
            let (key, value) = guard.into_inner().map_err(refusal)?;
            pairs.push((Bytes::from(key), Bytes::from(value)));
        }
        Ok(pairs)
    }

    fn write(&self, key: &[u8], change: Change) -> Result<Written, TargetError> {
        self.groups.write(self, key, change)
    }

    fn settings(&self) -> Named<String> {
        let (fjall, tree) = (crate_version("fjall"), crate_version("lsm-tree"));
        named([
            ("version", format!("{fjall}; lsm-tree {tree}")),
            (
                "durability",
                "PersistMode::SyncData on each batch: fdatasync of the journal before it is acknowledged".to_owned(),
            ),
            (
                "group_commit",
                format!("{GROUPED}. By itself it syncs each write apart, one after the other"),
            ),
            ("cache_bytes", format!("{}: the budget, for blocks", self.cache_bytes)),
            (
                "write_buffers",
                "64 MiB a memtable, 512 MiB of journals: its defaults, beside the cache".to_owned(),
            ),
            ("compaction", format!("leveled, its default; {} worker threads: the cores", self.workers)),
            ("direct_io", PAGE_CACHE.to_owned()),
            ("block_bytes", "4096: its default".to_owned()),
            (
                "bloom_filters",
                "10 bits a key and more at the first level: its default".to_owned(),
            ),
            (
                "value_separation",
                "off, its default: records of about 1 KiB are scanned and updated in part".to_owned(),
            ),
            ("compression", UNCOMPRESSED.to_owned()),
        ])
    }

    fn stats(&self) -> Option<Named<u64>> {
        // Its counters are a build option that costs time, and none counts bytes written.
        None
    }

    fn flush(&self) -> Result<(), TargetError> {
        self.records.rotate_memtable_and_wait().map_err(refusal)?;
        self.database.persist(PersistMode::SyncAll).map_err(refusal)
    }
}

/// What the driver counts fjall's error as.
fn refusal(error: Error) -> TargetError {
    let kind = match &error {
        Error::Io(error) | Error::Storage(LsmError::Io(error)) => io_kind(error),
        // A failed sync: nothing more is written until it is opened again.
        Error::Poisoned => TargetErrorKind::Io,
        Error::Storage(_)
        | Error::JournalRecovery(_)
        | Error::InvalidVersion(_)
        | Error::Decompress(_)
        | Error::InvalidTrailer
        | Error::InvalidTag(_)
        | Error::Unrecoverable => TargetErrorKind::Corruption,
        Error::Locked | Error::KeyspaceDeleted => TargetErrorKind::Unavailable,
        _ => TargetErrorKind::Other,
    };
    TargetError::from_display(kind, error)
}
