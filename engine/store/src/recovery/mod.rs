//! Recovery: from files to a running store. Loads the newest checkpoint, follows the log's chain
//! behind it to the first hole, and tells a torn tail from damage.
//!
//! A power loss may leave a hole only among the batches that were in flight, and a batch says which
//! numbers were durable when it was formed. So a hole at a number that some later batch calls durable
//! is damage, and an error; any other hole is the end of the log.
//!
//! - `files`: which files there are, and whether they are ours.
//! - `loading`: the checkpoint.
//! - `chain`: the log behind it.
//! - `restating`: what was found, made durable.

mod chain;
mod files;
mod loading;
mod restating;

use std::cell::RefCell;
use std::ops::{Bound, ControlFlow};
use std::path::Path;
use std::rc::Rc;

use flywheel_disk::World;

use crate::cold::{PageFiles, READ_AHEAD_PAGES, Spill, remove_leftovers};
use crate::commit::LogEnd;
use crate::core::Settled;
use crate::error::StoreError;
use crate::format::Damage;
use crate::format::place::Place;
use crate::format::superblock::Superblock;
use crate::index::{Direction, Fetched, Location};
use crate::options::StoreOptions;
use crate::partitions::PartitionTable;
use crate::segments::{Segments, segment_path};
use crate::types::Version;

pub(crate) use self::files::OpenedSuperblock;
use self::files::{check_identity, count_segments, free_unused, open_segments, open_superblock};
use self::restating::Unproven;

/// How far recovery has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecoveryProgress {
    /// Entries of the checkpoint loaded so far.
    pub loaded_entries: u64,
    /// Bytes of the log replayed so far.
    pub replayed_bytes: u64,
    /// Bytes of the log that may have to be replayed.
    pub replay_bytes: u64,
}

/// Told of progress, on the store's own core.
pub type ProgressCallback = Rc<dyn Fn(RecoveryProgress)>;

/// What recovery found: all that a store starts from.
pub(crate) struct Recovered<W: World> {
    pub(crate) table: PartitionTable,
    pub(crate) segments: Segments<W>,
    pub(crate) superblock: OpenedSuperblock<W>,
    pub(crate) next_version: Version,
    pub(crate) log_end: LogEnd,
    pub(crate) settled: Settled,
    pub(crate) replayed_bytes: u64,
    /// Where the part of the index stands that did not fit its memory.
    pub(crate) pages: Option<PageFiles<W>>,
    unproven: Unproven,
}

/// Looks at what stands in `directory`, without changing it; of a store that is not there yet, creates
/// the superblock's file. [`Recovered::restate`] comes before anything is built on it. With `spill` the
/// index stays within its memory; without, nothing is written for that either.
pub(crate) async fn recover<W: World>(
    world: &W,
    directory: &Path,
    options: &mut StoreOptions,
    progress: Option<ProgressCallback>,
    spill: Option<Spill<W>>,
) -> Result<Recovered<W>, StoreError> {
    world.create_directory(directory).await?;
    let names = world.list(directory).await?;
    let segment_count = count_segments(directory, &names)?;
    let opened = open_superblock(world, directory, options, segment_count).await?;
    let superblock = &opened.newest;
    check_identity(directory, options, superblock)?;
    options.segment_bytes = superblock.segment_bytes;
    if spill.is_some() {
        remove_leftovers(world, directory, &names).await?;
    }
    let generation = superblock.generation;
    let segments = open_segments::<W>(world, directory, options, segment_count, generation).await?;
    let mut replay = Replay {
        world,
        directory,
        table: RefCell::default(),
        segments,
        next_version: superblock.next_version,
        last_number: superblock.number,
        highest_number: superblock.number,
        last_filled: superblock.number,
        proven: superblock.number,
        settled: Settled { number: superblock.number, next: superblock.replay_from },
        progress: RecoveryProgress::default(),
        callback: progress,
        spill,
        hole: None,
        unproven: Unproven::default(),
    };
    replay.load_checkpoint(superblock).await?;
    replay.follow_log(superblock).await?;
    replay.account(superblock).await?;
    free_unused(directory, options, &mut replay.segments).await?;
    Ok(Recovered {
        table: replay.table.into_inner(),
        next_version: replay.next_version.max(1),
        log_end: LogEnd {
            last_number: replay.last_number,
            next_number: replay.highest_number + 1,
            is_proven: replay.last_filled <= replay.proven,
        },
        settled: replay.settled,
        replayed_bytes: replay.progress.replayed_bytes,
        segments: replay.segments,
        unproven: replay.unproven,
        pages: replay.spill.map(|spill| spill.pages),
        superblock: opened,
    })
}

/// The state that grows as the checkpoint is loaded and the log replayed.
struct Replay<'a, W: World> {
    world: &'a W,
    directory: &'a Path,
    table: RefCell<PartitionTable>,
    segments: Segments<W>,
    next_version: Version,
    last_number: u64,
    highest_number: u64,
    /// The last batch of the chain that holds records.
    last_filled: u64,
    /// The last batch that another one, or the superblock, calls durable.
    proven: u64,
    settled: Settled,
    progress: RecoveryProgress,
    callback: Option<ProgressCallback>,
    spill: Option<Spill<W>>,
    /// Where the chain broke off last, unless a later segment took it up again.
    hole: Option<Hole>,
    unproven: Unproven,
}

/// A hole in the log: which place should have held the next batch of the chain.
struct Hole {
    place: Place,
    damage: Damage,
    /// Nothing was begun there: the log may simply have gone on in another segment.
    is_unwritten: bool,
}

impl<W: World> Replay<'_, W> {
    /// Counts what is live in each segment.
    async fn account(&mut self, superblock: &Superblock) -> Result<(), StoreError> {
        self.segments.checkpoint_number = superblock.number;
        let segments = &mut self.segments;
        let mut stray: Option<Location> = None;
        let known = |segments: &Segments<W>, location: Location| {
            let slot = segments.all.get(usize::from(location.segment()));
            slot.is_some_and(|slot| slot.life > 0)
                && location.offset_bytes() < segments.segment_bytes
                && location.len_bytes() > 0
        };
        let mut each = |_: &[u8], location: Location| {
            if !known(segments, location) {
                stray = Some(location);
                return ControlFlow::Break(());
            }
            segments.credit(location);
            ControlFlow::Continue(())
        };
        let mut fetched = Fetched::ahead(READ_AHEAD_PAGES);
        let mut start = Bound::Unbounded;
        loop {
            let from = start.as_ref().map(|key: &Vec<u8>| key.as_slice());
            let (end, forward) = (Bound::Unbounded, Direction::Forward);
            let Err(gap) = self.table.borrow().visit(from, end, forward, &fetched, &mut each)
            else {
                break;
            };
            let spill = self.spill.as_ref().expect("what is cold was spilled");
            spill.fill_next(&gap, &mut fetched).await?;
            start = gap.resume(start);
        }
        if let Some(location) = stray {
            let place = Place {
                segment: location.segment(),
                life: 0,
                offset_bytes: location.offset_bytes(),
            };
            let what = "the index points here, and the segment's header is missing or damaged";
            return Err(self.corrupt(place, Damage::new(what)));
        }
        Ok(())
    }

    fn report(&self) {
        if let Some(callback) = &self.callback {
            callback(self.progress);
        }
    }

    fn corrupt(&self, place: Place, damage: Damage) -> StoreError {
        StoreError::Corrupt {
            file: segment_path(self.directory, place.segment).display().to_string(),
            offset_bytes: place.offset_bytes.into(),
            what: damage.what,
        }
    }
}
