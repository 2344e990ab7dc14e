//! Peers: other stores as targets, so that the same workloads run against them. One adapter a file, each
//! behind the Cargo feature of its name.
//!
//! Not a tuning bench: each is set up once, by its own guide, under the engine's terms. A write returns only
//! when it is durable; the cache has the engine's budget; nothing is compressed. What these terms cannot reach
//! (a page cache that no option bounds) stands in [`Peer::settings`].
//!
//! Peers' calls block, and so do the futures of [`PeerTarget`]: drive them with one thread per client
//! (`workers` = `threadcount`), as their own users would. Fewer threads mean fewer operations in flight.
//!
//! ```text
//!  PeerTarget (one a worker) --> Store (shared) --read, scan--> the library
//!                                  |
//!                                  +--write--> Groups: one commit for all that wait --> the library
//! ```

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use flywheel_load::{
    Added, Addition, FieldSet, Record, Row, Target, TargetError, TargetFactory, Updated,
};

#[cfg(feature = "fjall")]
mod fjall;
#[cfg(feature = "any-peer")]
mod group;
#[cfg(feature = "lmdb")]
mod lmdb;
#[cfg(feature = "redb")]
mod redb;
#[cfg(feature = "rocksdb")]
mod rocksdb;
#[cfg(feature = "sled")]
mod sled;
mod store;

pub use store::disk_bytes;
use store::{Change, Store, Written};

/// The peers that there are adapters for, whether or not this build has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeerName {
    /// RocksDB, an LSM tree in C++.
    RocksDb,
    /// fjall, an LSM tree in Rust.
    Fjall,
    /// redb, a copy-on-write B tree in Rust.
    Redb,
    /// LMDB, a copy-on-write B+ tree in C over a memory map.
    Lmdb,
    /// sled, a log-structured tree in Rust.
    Sled,
}

impl PeerName {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::RocksDb, Self::Fjall, Self::Redb, Self::Lmdb, Self::Sled];

    /// Its name in results and on the command line, which is its Cargo feature's name too.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RocksDb => "rocksdb",
            Self::Fjall => "fjall",
            Self::Redb => "redb",
            Self::Lmdb => "lmdb",
            Self::Sled => "sled",
        }
    }

    /// How its authors write it.
    pub fn title(self) -> &'static str {
        match self {
            Self::RocksDb => "RocksDB",
            Self::Lmdb => "LMDB",
            Self::Fjall | Self::Redb | Self::Sled => self.as_str(),
        }
    }

    /// Whether this build has it.
    pub fn is_built(self) -> bool {
        match self {
            Self::RocksDb => cfg!(feature = "rocksdb"),
            Self::Fjall => cfg!(feature = "fjall"),
            Self::Redb => cfg!(feature = "redb"),
            Self::Lmdb => cfg!(feature = "lmdb"),
            Self::Sled => cfg!(feature = "sled"),
        }
    }

    /// Says how to get a build that has it, where this one has not.
    ///
    /// # Errors
    /// [`PeerError::NotBuilt`].
    pub fn available(self) -> Result<(), PeerError> {
        if self.is_built() { Ok(()) } else { Err(PeerError::NotBuilt { peer: self }) }
    }
}

impl fmt::Display for PeerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for PeerName {
    type Err = PeerError;

    fn from_str(name: &str) -> Result<Self, PeerError> {
        let found = Self::ALL.into_iter().find(|peer| peer.as_str() == name);
        found.ok_or_else(|| PeerError::Unknown(name.to_owned()))
    }
}

/// Why a peer cannot be had, opened or closed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// No peer has this name.
    #[error("no peer is called `{0}`: choose rocksdb, fjall, redb, lmdb or sled")]
    Unknown(String),
    /// The peer was left out of this build.
    #[error("this build has no {}: cargo build --release --features {peer}", .peer.title())]
    NotBuilt {
        /// The peer, and the feature.
        peer: PeerName,
    },
    /// It could not be opened.
    #[error("{} cannot open {}: {error}", .peer.title(), .dir.display())]
    Open {
        /// The peer.
        peer: PeerName,
        /// Its directory.
        dir: PathBuf,
        /// What it said.
        error: TargetError,
    },
    /// What was written is durable, but the peer could not be closed in good order.
    #[error("{} cannot close {}: {error}", .peer.title(), .dir.display())]
    Close {
        /// The peer.
        peer: PeerName,
        /// Its directory.
        dir: PathBuf,
        /// What it said.
        error: TargetError,
    },
    /// Some targets are still connected, so that it stays open until they go.
    #[error("{} in {} is still in use by {targets} targets: drop them first", .peer.title(), .dir.display())]
    InUse {
        /// The peer.
        peer: PeerName,
        /// Its directory.
        dir: PathBuf,
        /// How many.
        targets: usize,
    },
}

/// How a peer is opened. Durability is no option: a write returns only when it is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerOptions {
    /// Its own directory; made where it is missing.
    pub dir: PathBuf,
    /// Memory for what it caches of its files, in bytes. Write buffers come beside it.
    pub cache_bytes: u64,
}

/// An open peer, which makes one target for each worker.
pub struct Peer {
    name: PeerName,
    dir: PathBuf,
    store: Arc<dyn Store>,
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("name", &self.name).field("dir", &self.dir).finish()
    }
}

impl Peer {
    /// Opens `name`, with what its directory already holds.
    ///
    /// # Errors
    /// [`PeerError::NotBuilt`]; [`PeerError::Open`] with what the peer or the file system said.
    pub fn open(name: PeerName, options: &PeerOptions) -> Result<Self, PeerError> {
        name.available()?;
        let failed = |error| PeerError::Open { peer: name, dir: options.dir.clone(), error };
        std::fs::create_dir_all(&options.dir)
            .map_err(|error| failed(TargetError::from_display(store::io_kind(&error), error)))?;
        let opened = open_store(name, options).ok_or(PeerError::NotBuilt { peer: name })?;
        let store = opened.map_err(failed)?;
        Ok(Self { name, dir: options.dir.clone(), store })
    }

    /// Which peer it is.
    pub fn peer(&self) -> PeerName {
        self.name
    }

    /// Its directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Every setting that bears on a fair comparison, by name: its value, then the reason for it.
    pub fn settings(&self) -> Vec<(String, String)> {
        self.store.settings()
    }

    /// Its own counters since it was opened, by names that carry their units; `None` where it keeps none
    /// that mean anything.
    pub fn stats(&self) -> Option<Vec<(String, u64)>> {
        self.store.stats()
    }

    /// Bytes that its files occupy now. See [`disk_bytes`].
    ///
    /// # Errors
    /// As [`disk_bytes`].
    pub fn disk_bytes(&self) -> io::Result<u64> {
        disk_bytes(&self.dir)
    }

    /// Writes out what is in memory only, and closes. Dropping closes too, without the former: what was
    /// written is then found again by recovery.
    ///
    /// # Errors
    /// [`PeerError::InUse`] while targets are connected; [`PeerError::Close`].
    pub fn flush_and_close(self) -> Result<(), PeerError> {
        let Self { name: peer, dir, store } = self;
        let targets = Arc::strong_count(&store) - 1;
        if targets > 0 {
            return Err(PeerError::InUse { peer, dir, targets });
        }
        store.flush().map_err(|error| PeerError::Close { peer, dir, error })
    }
}

type Opened = Result<Arc<dyn Store>, TargetError>;

/// `None` where this build does not have it.
#[cfg_attr(
    not(feature = "any-peer"),
    expect(unused_variables, reason = "there is no peer to open")
)]
fn open_store(name: PeerName, options: &PeerOptions) -> Option<Opened> {
    match name {
        #[cfg(feature = "rocksdb")]
        PeerName::RocksDb => Some(share(self::rocksdb::open(options))),
        #[cfg(feature = "fjall")]
        PeerName::Fjall => Some(share(self::fjall::open(options))),
        #[cfg(feature = "redb")]
        PeerName::Redb => Some(share(self::redb::open(options))),
        #[cfg(feature = "lmdb")]
        PeerName::Lmdb => Some(share(self::lmdb::open(options))),
        #[cfg(feature = "sled")]
        PeerName::Sled => Some(share(self::sled::open(options))),
        #[cfg(not(all(
            feature = "rocksdb",
            feature = "fjall",
            feature = "redb",
            feature = "lmdb",
            feature = "sled"
        )))]
        _ => None,
    }
}

#[cfg(feature = "any-peer")]
fn share(opened: Result<impl Store + 'static, TargetError>) -> Opened {
    opened.map(|store| Arc::new(store) as Arc<dyn Store>)
}

impl TargetFactory for Peer {
    type Target = PeerTarget;

    fn name(&self) -> &str {
        self.name.as_str()
    }

    async fn connect(&self, _worker: usize) -> Result<PeerTarget, TargetError> {
        Ok(PeerTarget { store: Arc::clone(&self.store) })
    }
}

/// One worker's way into an open peer. Its futures block until they are done; see the module.
pub struct PeerTarget {
    store: Arc<dyn Store>,
}

impl fmt::Debug for PeerTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerTarget").finish_non_exhaustive()
    }
}

impl Target for PeerTarget {
    async fn read(&self, key: &[u8], fields: FieldSet) -> Result<Option<Record>, TargetError> {
        let decode = |value| Ok(Record::decode(value)?.project(fields));
        self.store.get(key)?.map(decode).transpose()
    }

    async fn scan(
        &self,
        start: &[u8],
        count: usize,
        fields: FieldSet,
    ) -> Result<Vec<Row>, TargetError> {
        let decode = |(key, value)| Ok(Row { key, record: Record::decode(value)?.project(fields) });
        self.store.scan(start, count)?.into_iter().map(decode).collect()
    }

    async fn insert(&self, key: &[u8], record: Record) -> Result<(), TargetError> {
        self.store.write(key, Change::Put(record.into_bytes())).map(|_| ())
    }

    async fn update(
        &self,
        key: &[u8],
        changes: Record,
        whole: bool,
    ) -> Result<Updated, TargetError> {
        let change = if whole { Change::Put(changes.into_bytes()) } else { Change::Merge(changes) };
        Ok(match self.store.write(key, change)? {
            Written::NotFound => Updated::NotFound,
            Written::Applied | Written::Added(_) => Updated::Applied,
        })
    }

    async fn add(&self, key: &[u8], addition: Addition) -> Result<Added, TargetError> {
        match self.store.write(key, Change::Add(addition))? {
            Written::Added(added) => Ok(added),
            Written::NotFound | Written::Applied => Ok(Added::NotFound),
        }
    }
}
