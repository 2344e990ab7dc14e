//! redb as a peer: a copy-on-write B tree in one file, one writer at a time, no log.
//! Its database is opened as its documentation shows; only the cache's size is set.

use ::redb::{
    Builder, CacheStats, Database, Durability, Error, ReadableDatabase, ReadableTable, Table,
    TableDefinition,
};
use bytes::Bytes;
use flywheel_load::{TargetError, TargetErrorKind};

use super::PeerOptions;
use super::group::{Apply, Groups, Transact, Transaction};
use super::store::{
    Change, GROUPED, Named, PAGE_CACHE, Store, UNCOMPRESSED, Written, crate_version, io_kind, named,
};
use crate::limits::SCAN_ROWS_AHEAD;

/// The file in the peer's directory.
const FILE: &str = "records.redb";

const RECORDS: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("records");

/// An open database with its one table.
pub(super) struct Redb {
    database: Database,
    cache_bytes: usize,
    groups: Groups,
}

pub(super) fn open(options: &PeerOptions) -> Result<Redb, TargetError> {
    // More than the address space has is as much as there is.
    let cache_bytes = usize::try_from(options.cache_bytes).unwrap_or(usize::MAX);
    let mut builder = Builder::new();
    builder.set_cache_size(cache_bytes);
    let database = builder.create(options.dir.join(FILE)).map_err(refusal)?;
    let store = Redb { database, cache_bytes, groups: Groups::new(1) };
    // Opening the table for writing makes it; reads would not find one that was never there.
    store.transact(&mut |_| Ok(()))?;
    Ok(store)
}

/// The table in a write transaction.
struct Writing<'txn>(Table<'txn, &'static [u8], &'static [u8]>);

impl Transaction for Writing<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, TargetError> {
        let found = self.0.get(key).map_err(refusal)?;
        Ok(found.map(|value| Bytes::copy_from_slice(value.value())))
    }

    fn put(&mut self, key: Bytes, value: Bytes) -> Result<(), TargetError> {
        self.0.insert(&*key, &*value).map(|_| ()).map_err(refusal)
    }
}

impl Transact for Redb {
    fn transact(&self, apply: Apply<'_>) -> Result<(), TargetError> {
        // Dropped where `apply` fails, which aborts it.
        let mut transaction = self.database.begin_write().map_err(refusal)?;
        // Its default, said aloud: the comparison rests on it.
        transaction.set_durability(Durability::Immediate).map_err(refusal)?;
        apply(&mut Writing(transaction.open_table(RECORDS).map_err(refusal)?))?;
        transaction.commit().map_err(refusal)
    }
}

impl Store for Redb {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, TargetError> {
        let transaction = self.database.begin_read().map_err(refusal)?;
        let table = transaction.open_table(RECORDS).map_err(refusal)?;
        let found = table.get(key).map_err(refusal)?;
        Ok(found.map(|value| Bytes::copy_from_slice(value.value())))
    }

    fn scan(&self, start: &[u8], count: usize) -> Result<Vec<(Bytes, Bytes)>, TargetError> {
        let transaction = self.database.begin_read().map_err(refusal)?;
        let table = transaction.open_table(RECORDS).map_err(refusal)?;
        let mut pairs = Vec::with_capacity(count.min(SCAN_ROWS_AHEAD));
        for pair in table.range(start..).map_err(refusal)?.take(count) {
            let (key, value) = pair.map_err(refusal)?;
            let copy = Bytes::copy_from_slice;
            pairs.push((copy(key.value()), copy(value.value())));
        }
        Ok(pairs)
    }

    fn write(&self, key: &[u8], change: Change) -> Result<Written, TargetError> {
        self.groups.write(self, key, change)
    }

    fn settings(&self) -> Named<String> {
        named([
            ("version", crate_version("redb").to_owned()),
            (
                "durability",
                "Durability::Immediate, its default: fdatasync at each commit. One phase: a commit that was torn is \
                 told by its checksums"
                    .to_owned(),
            ),
            ("group_commit", GROUPED.to_owned()),
            ("cache_bytes", format!("{}: the budget, for pages read and written", self.cache_bytes)),
            ("direct_io", PAGE_CACHE.to_owned()),
            ("compaction", "no background work: pages are reused as they become free".to_owned()),
            ("bloom_filters", "none: a B tree".to_owned()),
            ("compression", UNCOMPRESSED.to_owned()),
        ])
    }

    fn stats(&self) -> Option<Named<u64>> {
        let stats: CacheStats = self.database.cache_stats();
        Some(named([
            ("cache_read_hits", stats.read_hits()),
            ("cache_read_misses", stats.read_misses()),
            ("cache_write_hits", stats.write_hits()),
            ("cache_write_misses", stats.write_misses()),
            ("cache_evictions", stats.evictions()),
            ("cache_used_bytes", stats.used_bytes() as u64),
        ]))
    }

    fn flush(&self) -> Result<(), TargetError> {
        // Every commit was durable, and closing writes what tells the next opening so.
        Ok(())
    }
}

/// What the driver counts redb's error as.
fn refusal(error: impl Into<Error>) -> TargetError {
    let error = error.into();
    let kind = match &error {
        Error::Io(error) => io_kind(error),
        Error::PreviousIo => TargetErrorKind::Io,
        Error::Corrupted(_) => TargetErrorKind::Corruption,
        Error::ValueTooLarge(_) => TargetErrorKind::Invalid,
        Error::DatabaseAlreadyOpen | Error::LockProtocolMismatch | Error::DatabaseClosed => {
            TargetErrorKind::Unavailable
        }
        _ => TargetErrorKind::Other,
    };
    TargetError::from_display(kind, error)
}
