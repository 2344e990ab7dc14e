//! One file as a disk with a volatile cache holds it: bytes that are durable, and above them the
//! writes that are not. Not timed: the world says when a request begins and ends.

use std::rc::{Rc, Weak};

use super::blocks::{Blocks, parts};
use super::rng::SimRng;

/// What a power loss keeps or loses as one: half a sector is never written.
pub const SECTOR_BYTES: usize = 512;

/// How far a write has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// Sent, not answered: reads may see any of its sectors.
    InFlight,
    /// Sent, not answered, and never to arrive here.
    Astray,
    /// Answered, not synced: reads see it, a power loss may take it.
    Completed,
    /// Its sync failed, or it is what a failed write left: reads see it, no sync will save it.
    Doomed,
    /// Durable, but above an older write that is not: kept apart so that the order stays.
    Durable,
}

#[derive(Clone)]
struct Write {
    id: u64,
    offset_bytes: u64,
    bytes: Rc<Vec<u8>>,
    progress: Progress,
    /// Dead once the process that sent it has crashed.
    owner: Weak<()>,
}

impl Write {
    fn end_bytes(&self) -> u64 {
        self.offset_bytes + self.bytes.len() as u64
    }

    fn is_in_flight(&self) -> bool {
        matches!(self.progress, Progress::InFlight | Progress::Astray)
    }

    fn covers(&self, other: &Write) -> bool {
        self.offset_bytes <= other.offset_bytes && other.end_bytes() <= self.end_bytes()
    }

    fn overlaps(&self, offset_bytes: u64, length_bytes: usize) -> bool {
        self.offset_bytes < offset_bytes + length_bytes as u64 && offset_bytes < self.end_bytes()
    }

    /// The sectors' offsets in the file with their bytes.
    fn sectors(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let offsets = (self.offset_bytes..).step_by(SECTOR_BYTES);
        offsets.zip(self.bytes.chunks(SECTOR_BYTES))
    }
}

/// A file's durable bytes and its unsynced writes, oldest first.
#[derive(Clone)]
pub(super) struct Content {
    durable: Blocks,
    /// Writes that overlap stand here in the order in which they reached the disk, because two that
    /// overlap are never in flight together.
    writes: Vec<Write>,
}

impl Content {
    pub(super) fn zeroed(size_bytes: u64) -> Self {
        Self { durable: Blocks::zeroed(size_bytes), writes: Vec::new() }
    }

    pub(super) fn size_bytes(&self) -> u64 {
        self.durable.size_bytes()
    }

    /// The range of a write in flight that overlaps the given one, if any.
    pub(super) fn overlap_in_flight(
        &self,
        offset_bytes: u64,
        length_bytes: usize,
    ) -> Option<(u64, usize)> {
        self.writes
            .iter()
            .find(|write| write.is_in_flight() && write.overlaps(offset_bytes, length_bytes))
            .map(|write| (write.offset_bytes, write.bytes.len()))
    }

    /// Takes a write that is on its way; if `astray`, it will never arrive here.
    pub(super) fn begin_write(
        &mut self,
        id: u64,
        offset_bytes: u64,
        bytes: Vec<u8>,
        astray: bool,
        owner: Weak<()>,
    ) {
        let bytes = Rc::new(bytes);
        let progress = if astray { Progress::Astray } else { Progress::InFlight };
        self.writes.push(Write { id, offset_bytes, bytes, progress, owner });
    }

    pub(super) fn finish_write(&mut self, id: u64, durable: bool) {
        let Some(index) = self.writes.iter().position(|write| write.id == id) else { return };
        self.arrive(index, durable);
    }

    /// Ends a write that went astray: it is nowhere now, or at `lands_at_bytes`.
    pub(super) fn finish_astray(&mut self, id: u64, lands_at_bytes: Option<u64>, durable: bool) {
        let Some(index) = self.writes.iter().position(|write| write.id == id) else { return };
        let write = self.writes.remove(index);
        if let Some(offset_bytes) = lands_at_bytes {
            self.writes.push(Write { offset_bytes, ..write });
            self.arrive(self.writes.len() - 1, durable);
        }
    }

    fn arrive(&mut self, index: usize, durable: bool) {
        self.writes[index].progress = Progress::Completed;
        if durable {
            self.writes[index].progress = Progress::Durable;
            self.settle();
        }
    }

    /// Leaves any of the write's sectors behind, none of them ever durable by a sync.
    pub(super) fn fail_write(&mut self, id: u64, rng: &mut SimRng) {
        let Some(index) = self.writes.iter().position(|write| write.id == id) else { return };
        let failed = self.writes.remove(index);
        let left = failed.sectors().filter(|_| rng.coin()).map(|(offset_bytes, bytes)| Write {
            id,
            offset_bytes,
            bytes: Rc::new(bytes.to_vec()),
            progress: Progress::Doomed,
            owner: Weak::new(),
        });
        self.writes.splice(index..index, left.collect::<Vec<_>>());
    }

    /// The writes that a sync called now covers, with their bytes altogether.
    pub(super) fn completed_writes(&self) -> (Vec<u64>, u64) {
        let completed = self.writes.iter().filter(|write| write.progress == Progress::Completed);
        let bytes = completed.clone().map(|write| write.bytes.len() as u64).sum();
        (completed.map(|write| write.id).collect(), bytes)
    }

    /// Ends a sync of the writes it covered: they are durable now, or no sync will ever save them.
    pub(super) fn finish_sync(&mut self, covered: &[u64], succeeded: bool) {
        let progress = if succeeded { Progress::Durable } else { Progress::Doomed };
        for write in &mut self.writes {
            // One that another failed sync covered too stays doomed.
            if write.progress == Progress::Completed && covered.contains(&write.id) {
                write.progress = progress;
            }
        }
        self.settle();
    }

    /// Moves durable writes down, except those that stand above an older one that is not.
    fn settle(&mut self) {
        let mut above: Vec<Write> = Vec::new();
        for write in std::mem::take(&mut self.writes) {
            if write.progress == Progress::Durable {
                // What no sync will save, and nobody will see again, is of no more account.
                above.retain(|older| !(older.progress == Progress::Doomed && write.covers(older)));
                if !above.iter().any(|older| older.overlaps(write.offset_bytes, write.bytes.len()))
                {
                    self.durable.write(write.offset_bytes, &write.bytes);
                    continue;
                }
            }
            above.push(write);
        }
        self.writes = above;
    }

    /// Reads as the device would now: of a write in flight, each sector may be old or new.
    pub(super) fn read(&self, offset_bytes: u64, length_bytes: usize, rng: &mut SimRng) -> Vec<u8> {
        self.view(offset_bytes, length_bytes, |write| match write.progress {
            Progress::InFlight => rng.coin(),
            Progress::Astray => false,
            Progress::Completed | Progress::Doomed | Progress::Durable => true,
        })
    }

    /// Replaces some blocks of what was read at the offset by what stood there before their newest
    /// write. False, and nothing changed, if nothing else stood there.
    pub(super) fn make_stale(&self, offset_bytes: u64, read: &mut [u8], rng: &mut SimRng) -> bool {
        let older: Vec<_> = parts(offset_bytes, read.len())
            .filter_map(|(_, _, part)| {
                let older = self.before(offset_bytes + part.start as u64, part.len())?;
                (older[..] != read[part.clone()]).then_some((part, older))
            })
            .collect();
        if older.is_empty() {
            return false;
        }
        let surely = rng.below(older.len() as u64) as usize;
        for (index, (part, older)) in older.into_iter().enumerate() {
            if index == surely || rng.coin() {
                read[part].copy_from_slice(&older);
            }
        }
        true
    }

    /// What stood in a part of one block before the newest write to it, if there was one.
    fn before(&self, offset_bytes: u64, length_bytes: usize) -> Option<Vec<u8>> {
        let newest = self
            .writes
            .iter()
            .rev()
            .find(|write| !write.is_in_flight() && write.overlaps(offset_bytes, length_bytes));
        match newest {
            Some(newest) => Some(self.view(offset_bytes, length_bytes, |write| {
                !write.is_in_flight() && write.id != newest.id
            })),
            None => self.durable.read_before(offset_bytes, length_bytes),
        }
    }

    /// All bytes as they are without what is still in flight.
    pub(super) fn current(&self) -> Vec<u8> {
        self.current_part(0, self.size_bytes() as usize)
    }

    /// Bytes as they are without what is still in flight.
    pub(super) fn current_part(&self, offset_bytes: u64, length_bytes: usize) -> Vec<u8> {
        self.view(offset_bytes, length_bytes, |write| !write.is_in_flight())
    }

    /// All bytes as they are after a power loss that takes all it may take.
    pub(super) fn surviving(&self) -> Vec<u8> {
        let is_durable = |write: &Write| write.progress == Progress::Durable;
        self.view(0, self.size_bytes() as usize, is_durable)
    }

    /// The durable bytes, and above them the sectors of those writes for which it is asked and
    /// granted.
    fn view(
        &self,
        offset_bytes: u64,
        length_bytes: usize,
        mut sees_sector: impl FnMut(&Write) -> bool,
    ) -> Vec<u8> {
        let mut view = vec![0; length_bytes];
        self.durable.read(offset_bytes, &mut view);
        let end_bytes = offset_bytes + length_bytes as u64;
        for write in self.writes.iter().filter(|write| write.overlaps(offset_bytes, length_bytes)) {
            for (sector_bytes, bytes) in write.sectors() {
                let start = sector_bytes.max(offset_bytes);
                let end = (sector_bytes + bytes.len() as u64).min(end_bytes);
                if start < end && sees_sector(write) {
                    let from = (start - sector_bytes) as usize..(end - sector_bytes) as usize;
                    let to = (start - offset_bytes) as usize..(end - offset_bytes) as usize;
                    view[to].copy_from_slice(&bytes[from]);
                }
            }
        }
        view
    }

    /// Decides, write by write, what the disk kept: all of it, nothing, or any of its sectors.
    /// Returns how many writes were lost and how many torn.
    pub(super) fn power_loss(&mut self, rng: &mut SimRng) -> (u64, u64) {
        let (mut lost, mut torn) = (0, 0);
        for write in std::mem::take(&mut self.writes) {
            // Drawn for every write, so that one more durable write does not shift the others.
            let (fate, mut rng) = (rng.below(3), SimRng::new(rng.next_u64()));
            let keeps_sector = |rng: &mut SimRng| match (write.progress, fate) {
                (Progress::Durable, _) => true,
                (Progress::Astray, _) => false,
                (_, 0) => true,
                (_, 1) => rng.coin(),
                _ => false,
            };
            let mut kept = 0;
            let mut bytes = vec![0; write.bytes.len()];
            self.durable.read(write.offset_bytes, &mut bytes);
            for (old, (_, new)) in bytes.chunks_mut(SECTOR_BYTES).zip(write.sectors()) {
                if keeps_sector(&mut rng) {
                    old.copy_from_slice(new);
                    kept += 1;
                }
            }
            if kept > 0 {
                self.durable.write(write.offset_bytes, &bytes);
            }
            lost += u64::from(kept == 0);
            torn += u64::from(kept > 0 && kept < write.sectors().count());
        }
        (lost, torn)
    }

    /// Completes what a crashed process left in flight: the device does not know of the crash.
    pub(super) fn settle_orphans(&mut self) {
        let is_orphan = |write: &Write| write.is_in_flight() && write.owner.strong_count() == 0;
        self.writes.retain(|write| !(is_orphan(write) && write.progress == Progress::Astray));
        for write in self.writes.iter_mut().filter(|write| is_orphan(write)) {
            write.progress = Progress::Completed;
        }
    }

    /// Forgets who sent what is in flight: for a copy of the disk, which no process runs on.
    pub(super) fn disown(&mut self) {
        for write in &mut self.writes {
            write.owner = Weak::new();
        }
    }

    /// Changes bytes at rest, in the durable bytes and in every write above them that has arrived:
    /// one in flight brings its own.
    pub(super) fn overwrite(&mut self, offset_bytes: u64, bytes: &[u8]) {
        self.durable.write(offset_bytes, bytes);
        let end_bytes = offset_bytes + bytes.len() as u64;
        let is_hit =
            |write: &&mut Write| !write.is_in_flight() && write.overlaps(offset_bytes, bytes.len());
        for write in self.writes.iter_mut().filter(is_hit) {
            let start = write.offset_bytes.max(offset_bytes);
            let end = write.end_bytes().min(end_bytes);
            let to = (start - write.offset_bytes) as usize..(end - write.offset_bytes) as usize;
            let from = (start - offset_bytes) as usize..(end - offset_bytes) as usize;
            Rc::make_mut(&mut write.bytes)[to].copy_from_slice(&bytes[from]);
        }
    }
}
