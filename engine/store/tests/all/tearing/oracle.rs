//! Opens a damaged image, reads everything, and says whether what came is allowed. Not how the image
//! was damaged.
//!
//! Allowed is, in this order:
//! 1. exactly what was acknowledged;
//! 2. an error with its place, on opening or from the reads of the items concerned, all others right;
//! 3. the state before a batch of the log that was hit, if no batch of the chain that was not hit calls
//!    it durable, and nothing else before it was hit.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use flywheel_disk::World;
use flywheel_disk::sim::{self, SimDisk};
use flywheel_store::{Store, StoreError};

use super::image::{Image, State, small};
use super::layout::{Layout, LogBatch, Need, Piece, segment_path};
use crate::fixture::{DIRECTORY, everything};

/// What opening and reading gave.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything that was acknowledged.
    Exact,
    /// The state behind all but so many of the writers' batches.
    Older(usize),
    /// An error on opening.
    Refused(PathBuf, u64),
    /// Open, but these items cannot be read; all others are as they were so many of the writers' batches
    /// ago.
    Unreadable(Vec<(Bytes, PathBuf, u64)>, usize),
}

/// An image, what stands where in it, and what was acknowledged.
pub struct Oracle {
    pub image: Image,
    pub layout: Layout,
    /// Every key that ever was.
    pub keys: BTreeSet<Bytes>,
}

/// The file and offset that an error names; offset 0 if it is about a file as a whole.
pub fn place_of(error: &StoreError, what: &str) -> (PathBuf, u64) {
    match error {
        StoreError::Corrupt { file, offset_bytes, what: found } => {
            assert!(!found.is_empty(), "{what}: an error without a reason");
            (file.into(), *offset_bytes)
        }
        StoreError::Format { file, what: found } => {
            assert!(!found.is_empty(), "{what}: an error without a reason");
            (file.into(), 0)
        }
        other => panic!("{what}: an error without a place: {other}"),
    }
}

/// What a store says, or which of its items it cannot read.
type Read = (State, Vec<(Bytes, PathBuf, u64)>);

/// Opens a store on any machine and reads all of it.
pub async fn read_all<W: World>(
    world: W,
    keys: &BTreeSet<Bytes>,
    what: &str,
) -> Result<Read, StoreError> {
    let store = Store::open(world, Path::new(DIRECTORY), small(), None).await?;
    let partitions = store.partitions().into_iter().map(|info| info.spec).collect();
    let mut state = State { partitions, ..State::default() };
    let mut unreadable = Vec::new();
    match store.scan(everything()).await {
        Ok(page) => state.items = page.items.into_iter().collect(),
        Err(error) => {
            let (file, at) = place_of(&error, what);
            for key in keys {
                match store.get(key).await {
                    Ok(Some(found)) => drop(state.items.insert(key.clone(), found)),
                    Ok(None) | Err(StoreError::NotOwned) => {}
                    Err(error) => {
                        let (file, at) = place_of(&error, what);
                        unreadable.push((key.clone(), file, at));
                    }
                }
            }
            let is_named =
                |(_, of_get, at_get): &(_, PathBuf, u64)| (of_get, *at_get) == (&file, at);
            if !unreadable.iter().any(is_named) {
                // One read went wrong, and none of those after it.
                let again = store.scan(everything()).await;
                let again =
                    again.unwrap_or_else(|error| panic!("{what}: only scans fail: {error}"));
                assert!(again.items.into_iter().eq(state.items.clone()), "{what}: scans differ");
            }
        }
    }
    Ok((state, unreadable))
}

impl Oracle {
    pub fn new(image: Image) -> Self {
        let layout = Layout::of(&image.disk);
        let keys = image.states.iter().flat_map(|state| state.items.keys().cloned()).collect();
        Self { image, layout, keys }
    }

    /// How many of the writers' batches are lost if the log ends before batch `number`.
    pub fn lost_before(&self, number: u64) -> usize {
        let lost = |batch: &&LogBatch| batch.is_writers && batch.number >= number;
        self.layout.log.iter().filter(lost).count()
    }

    /// Opens a disk and tells what came; panics if that is no state that ever was.
    pub fn outcome(&self, disk: &SimDisk, what: &str) -> Outcome {
        let read = sim::run(1, disk, async |world| read_all(world, &self.keys, what).await);
        self.judge(read, what)
    }

    /// Which outcome it is that a store said this.
    pub fn judge(&self, read: Result<Read, StoreError>, what: &str) -> Outcome {
        let (state, unreadable) = match read {
            Ok(read) => read,
            Err(error) => {
                let (file, at) = place_of(&error, what);
                return Outcome::Refused(file, at);
            }
        };
        let is_unreadable = |key: &Bytes| unreadable.iter().any(|(other, _, _)| other == key);
        let mut newest_first = self.image.states.iter().rev();
        let lost = newest_first.position(|one| {
            let mut one = one.clone();
            one.items.retain(|key, _| !is_unreadable(key));
            one == state
        });
        match (lost, unreadable.is_empty()) {
            (Some(0), true) => Outcome::Exact,
            (Some(lost), true) => Outcome::Older(lost),
            (Some(lost), false) => Outcome::Unreadable(unreadable, lost),
            (None, _) => panic!("{what}: a state that never was, {} items", state.items.len()),
        }
    }

    /// The pieces whose bytes differ on this disk.
    pub fn hit(&self, disk: &SimDisk) -> Vec<&Piece> {
        let mut hit: Vec<&Piece> = Vec::new();
        let files: BTreeSet<PathBuf> = disk.files().into_iter().map(|(path, _)| path).collect();
        for (path, original) in &self.layout.files {
            let found = if files.contains(path) { disk.read_bytes(path) } else { Vec::new() };
            if found == *original {
                continue;
            }
            let differs = |range: &std::ops::Range<usize>| {
                found.get(range.clone()) != original.get(range.clone())
            };
            let in_file = self.layout.pieces.iter().filter(|piece| piece.file == *path);
            hit.extend(in_file.filter(|piece| piece.covered.iter().any(differs)));
        }
        hit
    }

    /// Whether some batch of the chain that was not hit, or the superblock, calls this one durable.
    pub fn is_proven(&self, number: u64, hit: &[&Piece]) -> bool {
        let is_hit = |number: u64| {
            hit.iter().any(|piece| piece.need == Need::Replayed && piece.number == number)
        };
        self.layout.log.iter().any(|batch| batch.durable >= number && !is_hit(batch.number))
    }

    /// Whether the outcome is allowed at all, whatever was hit.
    pub fn assert_sound(&self, outcome: &Outcome, hit: &[&Piece], what: &str) {
        let lost = match outcome {
            Outcome::Exact | Outcome::Refused(..) | Outcome::Unreadable(_, 0) => return,
            Outcome::Older(lost) | Outcome::Unreadable(_, lost) => lost,
        };
        let replayed = hit.iter().filter(|piece| piece.need == Need::Replayed);
        let Some(first) = replayed.map(|piece| piece.number).min() else {
            panic!("{what}: {lost} batches lost in silence, and none was hit");
        };
        assert!(!self.is_proven(first, hit), "{what}: {lost} batches lost, {first} was durable");
        self.assert_ends_before(outcome, first, what);
    }

    /// The log ends before this batch, and nothing else is missing.
    pub fn assert_ends_before(&self, outcome: &Outcome, number: u64, what: &str) {
        let lost = match outcome {
            Outcome::Exact => 0,
            Outcome::Older(lost) | Outcome::Unreadable(_, lost) => *lost,
            other => panic!("{what}: a torn tail is no error: {other:?}"),
        };
        let expected = self.lost_before(number);
        // Some batches leave the state as it was.
        let behind = |lost| &self.image.states[self.image.states.len() - 1 - lost];
        assert!(behind(lost) == behind(expected), "{what}: {lost} lost, not {expected}");
    }

    /// Opening was refused, since this batch is missing: where it stood, or behind the one before it.
    pub fn assert_missing(&self, outcome: &Outcome, number: u64, what: &str) {
        let find = |number| self.layout.log.iter().find(|batch| batch.number == number);
        let batch = find(number).expect("a batch of the log");
        let path = segment_path(batch.place.segment);
        let mut expected = vec![Outcome::Refused(path, batch.place.offset_bytes.into())];
        if let Some(last) = find(batch.previous) {
            expected.push(Outcome::Refused(segment_path(last.place.segment), last.end as u64));
        }
        assert!(expected.contains(outcome), "{what}: {outcome:?}, not one of {expected:?}");
    }

    /// What must come if only this piece was hit.
    pub fn assert_sharp(&self, piece: &Piece, outcome: &Outcome, what: &str) {
        let refused_there = Outcome::Refused(piece.file.clone(), piece.start as u64);
        match piece.need {
            Need::Header | Need::Chunk | Need::Run => {
                assert_eq!(*outcome, refused_there, "{what}: in {piece:?}");
            }
            Need::Replayed if self.is_proven(piece.number, &[piece]) => {
                self.assert_missing(outcome, piece.number, what);
            }
            Need::Replayed => self.assert_ends_before(outcome, piece.number, what),
            Need::Stored => match outcome {
                Outcome::Exact => {}
                Outcome::Unreadable(items, 0) => {
                    let [(_, file, at)] = &items[..] else {
                        panic!("{what}: {} items unreadable", items.len());
                    };
                    let found = Outcome::Refused(file.clone(), *at);
                    assert_eq!(found, refused_there, "{what}: in {piece:?}");
                }
                other => panic!("{what}: {other:?} in {piece:?}"),
            },
            Need::NewestSlot | Need::OlderSlot => match outcome {
                Outcome::Exact => {}
                Outcome::Refused(file, _) => assert_eq!(*file, piece.file, "{what}"),
                other => panic!("{what}: {other:?} in {piece:?}"),
            },
        }
    }
}
