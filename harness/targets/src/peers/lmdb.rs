//! LMDB as a peer: a copy-on-write B+ tree over a memory map, one writer at a time, no log, no background work.
//! It has no cache of its own and so none that could be bounded; nothing here pretends otherwise.

use std::convert::Infallible;
use std::ops::Bound;

use ::heed::types;
use ::heed::{CommitOrAbort, Database, Env, EnvFlags, EnvOpenOptions, MdbError, RwTxn};
use bytes::Bytes;
use flywheel_load::{TargetError, TargetErrorKind};

use super::PeerOptions;
use super::group::{Apply, Groups, Transact, Transaction};
use super::store::{
    Change, GROUPED, Named, Store, UNCOMPRESSED, Written, crate_version, io_kind, named,
};
use crate::limits::{LMDB_MAP_BYTES, LMDB_READERS_MAX};

type Table = Database<'static, types::Bytes, types::Bytes>;

/// An open environment; its one, unnamed database is the table.
pub(super) struct Lmdb {
    env: Env,
    table: Table,
    groups: Groups,
}

pub(super) fn open(options: &PeerOptions) -> Result<Lmdb, TargetError> {
    let mut open = EnvOpenOptions::new();
    open.map_size(LMDB_MAP_BYTES).max_readers(LMDB_READERS_MAX);
    let env = open_env(&mut open, options).map_err(refusal)?;
    let transaction = env.write_txn().map_err(refusal)?;
    let created = env.create_databases_and_commit(transaction, |opener, transaction| {
        opener.create_database(transaction, None).map(CommitOrAbort::<_, Infallible>::Commit)
    });
    let table = match created.map_err(refusal)? {
        CommitOrAbort::Commit(table) => table,
        CommitOrAbort::Abort(never) => match never {},
    };
    Ok(Lmdb { env, table, groups: Groups::new(1) })
}

#[expect(
    unsafe_code,
    reason = "heed leaves it to the caller that nobody else changes the mapped file"
)]
fn open_env(open: &mut EnvOpenOptions, options: &PeerOptions) -> Result<Env, ::heed::Error> {
    // SAFETY: NO_READ_AHEAD is advice to the kernel and leaves LMDB's locks and syncs as they are. The directory
    // is the benchmark's own: only LMDB changes the file while it is mapped, under LMDB's lock.
    unsafe { open.flags(EnvFlags::NO_READ_AHEAD).open(&options.dir) }
}

/// A write transaction on the table.
struct Writing<'a, 'env> {
    transaction: &'a mut RwTxn<'env>,
    table: Table,
}

impl Transaction for Writing<'_, '_> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, TargetError> {
        let found = self.table.get(self.transaction, key).map_err(refusal)?;
        Ok(found.map(Bytes::copy_from_slice))
    }

    fn put(&mut self, key: Bytes, value: Bytes) -> Result<(), TargetError> {
        self.table.put(self.transaction, &key, &value).map_err(refusal)
    }
}

impl Transact for Lmdb {
    fn transact(&self, apply: Apply<'_>) -> Result<(), TargetError> {
        // Dropped where `apply` fails, which aborts it.
        let mut transaction = self.env.write_txn().map_err(refusal)?;
        apply(&mut Writing { transaction: &mut transaction, table: self.table })?;
        transaction.commit().map_err(refusal)
    }
}

impl Store for Lmdb {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, TargetError> {
        let transaction = self.env.read_txn().map_err(refusal)?;
        let found = self.table.get(&transaction, key).map_err(refusal)?;
        Ok(found.map(Bytes::copy_from_slice))
    }

    fn scan(&self, start: &[u8], count: usize) -> Result<Vec<(Bytes, Bytes)>, TargetError> {
        let transaction = self.env.read_txn().map_err(refusal)?;
        // LMDB knows no empty key, not even to start from.
        let from = if start.is_empty() { Bound::Unbounded } else { Bound::Included(start) };
        let range = (from, Bound::Unbounded);
        let pairs = self.table.range(&transaction, &range).map_err(refusal)?.take(count);
        let copy = |(key, value)| (Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
        pairs.map(|pair| pair.map(copy).map_err(refusal)).collect()
    }

    fn write(&self, key: &[u8], change: Change) -> Result<Written, TargetError> {
        self.groups.write(self, key, change)
    }

    fn settings(&self) -> Named<String> {
        let library = ::heed::lmdb_version().string;
        named([
            ("version", format!("{library}; heed {}", crate_version("heed"))),
            (
                "durability",
                "fdatasync of the pages, then the page that points at them written through an O_DSYNC handle, at each \
                 commit: LMDB's default, without NOSYNC, NOMETASYNC or MAPASYNC"
                    .to_owned(),
            ),
            ("group_commit", GROUPED.to_owned()),
            (
                "cache",
                "the page cache, which no option bounds: cache_bytes does not apply. Bound it with a memory \
                 limit on the process, or read its figures as those of a store with more memory"
                    .to_owned(),
            ),
            ("direct_io", "none: it reads through a memory map and writes with pwrite".to_owned()),
            (
                "read_ahead",
                "off (MDB_NORDAHEAD), as its documentation advises for random reads of more data than memory"
                    .to_owned(),
            ),
            (
                "writable_map",
                "off (no MDB_WRITEMAP): its default, which stray pointers cannot damage".to_owned(),
            ),
            ("map_bytes", format!("{LMDB_MAP_BYTES}: address space only, so that it is never full")),
            ("compaction", "no background work: pages are reused as they become free".to_owned()),
            ("bloom_filters", "none: a B+ tree".to_owned()),
            ("compression", UNCOMPRESSED.to_owned()),
        ])
    }

    fn stats(&self) -> Option<Named<u64>> {
        let (info, table) = (self.env.info(), self.env.unnamed_database_stat());
        let page_bytes = u64::from(table.page_size);
        let tree_pages = table.branch_pages + table.leaf_pages + table.overflow_pages;
        Some(named([
            ("file_used_bytes", (info.last_page_number as u64 + 1) * page_bytes),
            ("tree_bytes", tree_pages as u64 * page_bytes),
            ("tree_depth", u64::from(table.depth)),
            ("transactions", info.last_txn_id as u64),
        ]))
    }

    fn flush(&self) -> Result<(), TargetError> {
        self.env.force_sync().map_err(refusal)
    }
}

/// What the driver counts LMDB's error as.
fn refusal(error: ::heed::Error) -> TargetError {
    let kind = match &error {
        ::heed::Error::Io(error) => io_kind(error),
        ::heed::Error::Mdb(error) => match error {
            MdbError::MapFull | MdbError::TxnFull => TargetErrorKind::Full,
            MdbError::ReadersFull => TargetErrorKind::Overloaded,
            MdbError::Corrupted
            | MdbError::PageNotFound
            | MdbError::Invalid
            | MdbError::VersionMismatch => TargetErrorKind::Corruption,
            // A failed write of the root page: nothing more is written until it is opened again.
            MdbError::Panic => TargetErrorKind::Io,
            MdbError::BadValSize => TargetErrorKind::Invalid,
            _ => TargetErrorKind::Other,
        },
        ::heed::Error::EnvAlreadyOpened => TargetErrorKind::Unavailable,
        ::heed::Error::Encoding(_) | ::heed::Error::Decoding(_) => TargetErrorKind::Other,
    };
    TargetError::from_display(kind, error)
}
