//! One file as a disk with a volatile cache holds it: bytes that are durable, and above them the
//! writes that are not. Not timed: the world says when a request begins and ends.

use std::rc::{Rc, Weak};

use super::blocks::Blocks;
use super::rng::SimRng;

/// What a power loss keeps or loses as one: half a sector is never written.
pub const SECTOR_BYTES: usize = 512;

/// How far a write has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// Sent, not answered: reads may see any of its sectors.
    InFlight,
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
            .find(|write| {
                write.progress == Progress::InFlight && write.overlaps(offset_bytes, length_bytes)
            })
            .map(|write| (write.offset_bytes, write.bytes.len()))
    }

    pub(super) fn begin_write(
        &mut self,
        id: u64,
        offset_bytes: u64,
        bytes: Vec<u8>,
        owner: Weak<()>,
    ) {
        let bytes = Rc::new(bytes);
        let progress = Progress::InFlight;
        self.writes.push(Write { id, offset_bytes, bytes, progress, owner });
    }

    pub(super) fn finish_write(&mut self, id: u64, durable: bool) {
        let progress = if durable { Progress::Durable } else { Progress::Completed };
        for write in self.writes.iter_mut().filter(|write| write.id == id) {
            write.progress = progress;
        }
        self.settle();
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
            let blocked =
                || above.iter().any(|older| older.overlaps(write.offset_bytes, write.bytes.len()));
            if write.progress == Progress::Durable && !blocked() {
                self.durable.write(write.offset_bytes, &write.bytes);
            } else {
                above.push(write);
            }
        }
        self.writes = above;
    }

    /// Reads as the device would now: of a write in flight, each sector may be old or new.
    pub(super) fn read(&self, offset_bytes: u64, length_bytes: usize, rng: &mut SimRng) -> Vec<u8> {
        self.view(offset_bytes, length_bytes, |progress| match progress {
            Progress::InFlight => rng.coin(),
            Progress::Completed | Progress::Doomed | Progress::Durable => true,
        })
    }

    /// All bytes as they are without what is still in flight.
    pub(super) fn current(&self) -> Vec<u8> {
        self.view(0, self.size_bytes() as usize, |progress| progress != Progress::InFlight)
    }

    /// All bytes as they are after a power loss that takes all it may take.
    pub(super) fn surviving(&self) -> Vec<u8> {
        self.view(0, self.size_bytes() as usize, |progress| progress == Progress::Durable)
    }

    fn view(
        &self,
        offset_bytes: u64,
        length_bytes: usize,
        mut sees_sector: impl FnMut(Progress) -> bool,
    ) -> Vec<u8> {
        let mut view = vec![0; length_bytes];
        self.durable.read(offset_bytes, &mut view);
        let end_bytes = offset_bytes + length_bytes as u64;
        for write in self.writes.iter().filter(|write| write.overlaps(offset_bytes, length_bytes)) {
            for (sector_bytes, bytes) in write.sectors() {
                let start = sector_bytes.max(offset_bytes);
                let end = (sector_bytes + bytes.len() as u64).min(end_bytes);
                if start < end && sees_sector(write.progress) {
                    let from = (start - sector_bytes) as usize..(end - sector_bytes) as usize;
                    let to = (start - offset_bytes) as usize..(end - offset_bytes) as usize;
                    view[to].copy_from_slice(&bytes[from]);
                }
            }
        }
        view
    }

    /// Decides, write by write, what the disk kept: all of it, nothing, or any of its sectors.
    pub(super) fn power_loss(&mut self, rng: &mut SimRng) {
        for write in std::mem::take(&mut self.writes) {
            // Drawn for every write, so that one more durable write does not shift the others.
            let fate = rng.below(3);
            if write.progress == Progress::Durable || fate == 0 {
                self.durable.write(write.offset_bytes, &write.bytes);
            } else if fate == 1 {
                for (offset_bytes, bytes) in write.sectors().filter(|_| rng.coin()) {
                    self.durable.write(offset_bytes, bytes);
                }
            }
        }
    }

    /// Completes what a crashed process left in flight: the device does not know of the crash.
    pub(super) fn settle_orphans(&mut self) {
        for write in &mut self.writes {
            if write.progress == Progress::InFlight && write.owner.strong_count() == 0 {
                write.progress = Progress::Completed;
            }
        }
    }

    /// Forgets who sent what is in flight: for a copy of the disk, which no process runs on.
    pub(super) fn disown(&mut self) {
        for write in &mut self.writes {
            write.owner = Weak::new();
        }
    }

    /// Changes bytes at rest, in the durable bytes and in every write above them.
    pub(super) fn overwrite(&mut self, offset_bytes: u64, bytes: &[u8]) {
        self.durable.write(offset_bytes, bytes);
        let end_bytes = offset_bytes + bytes.len() as u64;
        for write in
            self.writes.iter_mut().filter(|write| write.overlaps(offset_bytes, bytes.len()))
        {
            let start = write.offset_bytes.max(offset_bytes);
            let end = write.end_bytes().min(end_bytes);
            let to = (start - write.offset_bytes) as usize..(end - write.offset_bytes) as usize;
            let from = (start - offset_bytes) as usize..(end - offset_bytes) as usize;
            Rc::make_mut(&mut write.bytes)[to].copy_from_slice(&bytes[from]);
        }
    }
}
