//! What happens to the medium at a set moment, apart from the rates of the weather: a planned error, a
//! full disk, rot. Not crashes: those end a life, see `plan`.

use std::path::{Path, PathBuf};

use flywheel_disk::sim::{Op, SimDisk, SimRng};

use crate::weather::Weather;

/// One thing that happens to the medium.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disturbance {
    /// The next request of this kind to a path that contains this fails.
    Fail(Op, &'static str),
    /// Only so many more bytes fit on the disk.
    Fill(u64),
    /// The disk has room again.
    Free,
    /// One bit of what has long been durable flips. The number says which.
    Rot(u64),
}

impl Disturbance {
    /// Draws what the weather allows; `None` if it is calm.
    pub fn draw(rng: &mut SimRng, weather: &Weather) -> Option<Self> {
        if weather.planned_errors {
            let op = [Op::Read, Op::Write, Op::Sync, Op::Sync, Op::Create][rng.below(5) as usize];
            let path = ["shard-0000", "shard-0001", "segment", "superblock"];
            return Some(Disturbance::Fail(op, path[rng.below(4) as usize]));
        }
        if weather.is_scarce {
            let fills = rng.below(3) > 0;
            return Some(if fills {
                Disturbance::Fill(rng.below(300_000))
            } else {
                Disturbance::Free
            });
        }
        weather.rots.then(|| Disturbance::Rot(rng.next_u64()))
    }
}

/// A bit that was flipped, and what stood around it.
#[derive(Debug, Clone)]
struct Wound {
    path: PathBuf,
    offset_bytes: u64,
    bit: u32,
    block: Vec<u8>,
}

/// The medium's wounds, and what may be wounded.
#[derive(Debug, Default)]
pub struct Damage {
    /// Every file as it was when the engine was last closed well or had come to rest: what stands there
    /// still has long been durable, and nothing of it is a log's unproven end.
    sound: Vec<(PathBuf, Vec<u8>)>,
    /// Every file as it was when this life began.
    before: Vec<(PathBuf, Vec<u8>)>,
    /// Every file as it was when the clients of this life had ended.
    lately: Vec<(PathBuf, Vec<u8>)>,
    wounds: Vec<Wound>,
}

/// Wounds are healed only where the block around them is still the same.
const BLOCK_BYTES: usize = 4096;

impl Damage {
    /// Takes in what may rot from now on.
    pub fn note_sound(&mut self, disk: &SimDisk) {
        self.sound = copy(disk);
    }

    /// A life begins: what it will have written may be told from what was there.
    pub fn note_beginning(&mut self, disk: &SimDisk) {
        self.before = copy(disk);
    }

    /// The clients have ended: what is written from now on is the log's end.
    pub fn note_end(&mut self, disk: &SimDisk) {
        self.lately = copy(disk);
    }

    /// Flips one bit of anything, or of what this life has written, or, mostly, of what it wrote last:
    /// its log's end, which no checkpoint holds yet.
    pub fn rot_at_rest(&mut self, disk: &SimDisk, draw: u64) {
        self.note_sound(disk);
        let (before, lately) = (std::mem::take(&mut self.before), std::mem::take(&mut self.lately));
        match draw % 4 {
            0 => {}
            1 => blank_unchanged(&mut self.sound, &before),
            _ => blank_unchanged(&mut self.sound, &lately),
        }
        self.rot(disk, draw);
    }

    /// Nothing may rot any more: what a crash left may be a log's unproven end.
    pub fn forget_sound(&mut self) {
        self.sound.clear();
    }

    /// Whether the medium is wounded.
    pub fn is_damaged(&self) -> bool {
        !self.wounds.is_empty()
    }

    /// Flips one bit of what is as it was, if there is such.
    pub fn rot(&mut self, disk: &SimDisk, draw: u64) {
        let mut written = Vec::new();
        for (path, sound) in &self.sound {
            for (block_at, block) in (0..).step_by(BLOCK_BYTES).zip(sound.chunks(BLOCK_BYTES)) {
                // Zeros mean nothing to anybody.
                if block.iter().any(|byte| *byte != 0) {
                    written.push((path, block_at, block));
                }
            }
        }
        let mut rng = SimRng::new(draw);
        let (path, block_at, block) = loop {
            if written.is_empty() {
                return;
            }
            let one = written.swap_remove(rng.below(written.len() as u64) as usize);
            if stands(disk, one.0, one.1, one.2) {
                break one;
            }
        };
        // Not of what only fills the block up.
        let bytes: Vec<usize> = (0..block.len()).filter(|&at| block[at] != 0).collect();
        let at = bytes[rng.below(bytes.len() as u64) as usize];
        let bit = rng.below(8) as u32;
        let offset_bytes = (block_at + at) as u64;
        disk.corrupt(path, offset_bytes, bit);
        let mut block = block.to_vec();
        block[at] ^= 1 << bit;
        self.wounds.push(Wound { path: path.clone(), offset_bytes, bit, block });
    }

    /// Heals all wounds that nothing was written over.
    pub fn heal(&mut self, disk: &SimDisk) {
        while let Some(Wound { path, offset_bytes, bit, block }) = self.wounds.pop() {
            let block_at = offset_bytes as usize / BLOCK_BYTES * BLOCK_BYTES;
            if stands(disk, &path, block_at, &block) {
                disk.corrupt(&path, offset_bytes, bit);
            }
        }
    }
}

fn copy(disk: &SimDisk) -> Vec<(PathBuf, Vec<u8>)> {
    let copy = |(path, _): (PathBuf, u64)| {
        let bytes = disk.durable_bytes(&path);
        (path, bytes)
    };
    disk.files().into_iter().map(copy).collect()
}

/// Makes blocks that are as they were before look as if nothing stood there.
fn blank_unchanged(now: &mut [(PathBuf, Vec<u8>)], before: &[(PathBuf, Vec<u8>)]) {
    for (path, now) in now {
        let Some((_, before)) = before.iter().find(|(other, _)| other == path) else { continue };
        for (block, before) in now.chunks_mut(BLOCK_BYTES).zip(before.chunks(BLOCK_BYTES)) {
            if block == before {
                block.fill(0);
            }
        }
    }
}

/// Whether the file has exactly this there, durable or not.
fn stands(disk: &SimDisk, path: &Path, at: usize, block: &[u8]) -> bool {
    let is_there = disk.files().iter().any(|(found, _)| found == path);
    is_there
        && disk.read_bytes(path).get(at..at + block.len()) == Some(block)
        && disk.durable_bytes(path).get(at..at + block.len()) == Some(block)
}
