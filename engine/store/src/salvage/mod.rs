//! Salvage: what a damaged store still proves, read without changing anything. Not recovery, which opens
//! whole stores only; not repair, which writes what is salvaged into a new store.
//!
//! There are three grounds to stand on, and the best that holds is taken:
//! - *Whole*: recovery succeeds. The index is known; a live record that cannot be read is lost, by its
//!   key, and every other one is provably the newest.
//! - *Checkpoint*: a checkpoint is whole, the log behind it is damaged. Every whole record of the log
//!   counts. A key is provably the newest only if it was written behind the last damaged place; of the
//!   others a newer version may have stood in there: they are *doubtful*.
//! - *Scan*: no checkpoint is whole. The highest version of each key among all whole records is taken,
//!   deleted keys may come back, and every key is doubtful.
//!
//! - `files`: superblocks and segments, read leniently.
//! - `base`: the index that a checkpoint holds.
//! - `log`: the log behind it, as far as it goes.
//! - `scan`: all records of all segments.
//! - `items`: the items, and what has become of each.

mod base;
mod files;
mod items;
mod log;
mod scan;

use std::collections::HashSet;
use std::ops::{Bound, ControlFlow};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use flywheel_disk::{File, World};

pub use self::items::Salvaged;
use crate::error::StoreError;
use crate::index::{Direction, Fetched};
use crate::options::StoreOptions;
use crate::partitions::PartitionTable;
use crate::recovery::recover;
use crate::scrub::Finding;
use crate::types::{PartitionSpec, Version};

use self::files::{Files, look};

/// What the salvaged index stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// Recovery succeeds: the index is complete.
    Whole,
    /// A whole checkpoint and what is whole of the log behind it.
    Checkpoint,
    /// All whole records, the highest version of each key.
    Scan,
}

/// A damaged place that may have held records of keys that nobody can name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostRegion {
    /// The file.
    pub file: String,
    /// Where it begins.
    pub offset_bytes: u64,
    /// Where it ends at the latest.
    pub end_bytes: u64,
    /// What was expected and what was found.
    pub what: String,
    /// The batches of the log on either side, where these are known: those in between are concerned.
    pub between_batches: Option<(u64, u64)>,
    /// The highest version before it and the next one behind it, where these are known: local writes
    /// in between are concerned.
    pub between_versions: Option<(Version, Version)>,
}

/// A store that is looked at, not opened.
pub struct Salvage<W: World> {
    world: W,
    directory: PathBuf,
    ground: Ground,
    files: Files<W>,
    table: PartitionTable,
    doubt: Doubt,
    next_version: Version,
    findings: Vec<Finding>,
    regions: Vec<LostRegion>,
}

/// Of which keys a newer version may have been lost.
enum Doubt {
    None,
    AllBut(HashSet<Bytes>),
}

impl Doubt {
    fn is_about(&self, key: &[u8]) -> bool {
        match self {
            Doubt::None => false,
            Doubt::AllBut(sure) => !sure.contains(key),
        }
    }
}

impl<W: World> Salvage<W> {
    /// Finds out what there is in `directory`. Nothing is changed.
    ///
    /// # Errors
    /// Files of another version of the format; what recovery cannot overcome and is no damage: faults
    /// of the host.
    pub async fn open(
        world: W,
        directory: &Path,
        mut options: StoreOptions,
    ) -> Result<Self, StoreError> {
        let found = look(&world, directory, &options).await?;
        // Recovery would create what is missing.
        if found.is_recoverable {
            match recover(&world, directory, &mut options, None, None).await {
                Ok(recovered) => {
                    let files = Files::of_segments(directory, &recovered.segments);
                    return Ok(Self {
                        world,
                        directory: directory.to_owned(),
                        ground: Ground::Whole,
                        files,
                        table: recovered.table,
                        doubt: Doubt::None,
                        next_version: recovered.next_version,
                        findings: Vec::new(),
                        regions: Vec::new(),
                    });
                }
                Err(StoreError::Corrupt { .. } | StoreError::Format { .. })
                | Err(StoreError::Disk(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let mut findings = found.findings;
        for superblock in &found.superblocks {
            match base::load(&world, &found.files, superblock).await? {
                Ok(table) => {
                    let replayed = log::replay(&world, &found.files, superblock, table).await?;
                    // A record of a partition that nobody knows: the table is not to be trusted.
                    if replayed.strays > 0 {
                        continue;
                    }
                    findings.extend(replayed.findings);
                    return Ok(Self {
                        world,
                        directory: directory.to_owned(),
                        ground: Ground::Checkpoint,
                        files: found.files,
                        table: replayed.table,
                        doubt: replayed.doubt,
                        next_version: replayed.next_version,
                        findings,
                        regions: replayed.regions,
                    });
                }
                Err(finding) => findings.push(finding),
            }
        }
        let taken = found.superblocks.iter().map(|superblock| superblock.next_version).max();
        let scanned = scan::scan(&world, &found.files).await?;
        Ok(Self {
            world,
            directory: directory.to_owned(),
            ground: Ground::Scan,
            files: found.files,
            table: scanned.table,
            doubt: Doubt::AllBut(HashSet::new()),
            next_version: scanned.next_version.max(taken.unwrap_or(1)),
            findings,
            regions: scanned.regions,
        })
    }

    /// Whether recovery may be tried: it would create nothing.
    pub(crate) async fn may_recover(
        world: &W,
        directory: &Path,
        options: &StoreOptions,
    ) -> Result<bool, StoreError> {
        Ok(look(world, directory, options).await?.is_recoverable)
    }

    /// Segment files that are there.
    pub(crate) fn segments(&self) -> u64 {
        self.files.there().count() as u64
    }

    /// Bytes of them.
    pub(crate) fn file_bytes(&self) -> u64 {
        self.files.there().map(|lived| lived.file.size_bytes()).sum()
    }

    /// What the index stands on.
    pub fn ground(&self) -> Ground {
        self.ground
    }

    /// The partitions, unless these are unknown.
    pub fn partitions(&self) -> Option<Vec<PartitionSpec>> {
        let known = self.ground != Ground::Scan;
        known.then(|| self.table.infos().into_iter().map(|info| info.spec).collect())
    }

    /// Items that the index names, readable or not.
    pub fn items(&self) -> u64 {
        self.table.iter().map(|partition| partition.index.len()).sum()
    }

    /// Keys that cut the items into `parts` parts of about as many each, if there are so many.
    pub fn quantiles(&self, parts: usize) -> Vec<Bytes> {
        let every = (self.items() / parts.max(1) as u64).max(1);
        let mut keys = Vec::new();
        let mut count = 0;
        self.visit_keys(&mut |key| {
            count += 1;
            if count % every == 0 && keys.len() + 1 < parts {
                keys.push(Bytes::copy_from_slice(key));
            }
            ControlFlow::Continue(())
        });
        keys
    }

    /// Visits the keys that the index names, in order, until `visit` says to stop.
    pub fn visit_keys(&self, visit: &mut dyn FnMut(&[u8]) -> ControlFlow<()>) {
        let everything = (Bound::Unbounded, Bound::Unbounded);
        let (forward, all_warm) = (Direction::Forward, Fetched::default());
        let mut visit = |key: &[u8], _| visit(key);
        let walked = self.table.visit(everything.0, everything.1, forward, &all_warm, &mut visit);
        walked.expect("a salvage holds the whole index in memory");
    }

    /// Bytes of their records.
    pub fn record_bytes(&self) -> u64 {
        self.table.iter().map(|partition| partition.index.record_bytes()).sum()
    }

    /// Versions below this one were taken, as far as is known.
    pub fn next_version(&self) -> Version {
        self.next_version
    }

    /// What is damaged beside records, as far as it was met.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Where records of unknown keys may have stood.
    pub fn regions(&self) -> &[LostRegion] {
        &self.regions
    }

    /// The shard's directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}
