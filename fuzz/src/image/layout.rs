//! What stands where in an image: each thing with a checksum, told by its first bytes. Not whether it is
//! whole.

use std::path::{Path, PathBuf};

use flywheel_disk::limits::BLOCK_BYTES;
use flywheel_disk::sim::SimDisk;
use flywheel_store::format::batch::{self, batch_bytes};
use flywheel_store::format::checkpoint;
use flywheel_store::format::place::Place;

use crate::seal;

/// Something with a checksum of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Structure {
    /// Its file, by position in the image's paths.
    pub file: usize,
    /// Where it begins in its file.
    pub at: usize,
    /// How long it is.
    pub length: usize,
    /// What it is.
    pub kind: Kind,
}

/// What a structure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Of the superblock.
    Slot,
    /// A segment's first block.
    Head,
    /// A batch with its records.
    Batch,
    /// Of a checkpoint.
    Chunk,
}

/// A number in a structure: where it begins, and its bytes.
pub type Field = (usize, usize);

/// The fields of a record, behind its checksum.
const RECORD: [Field; 4] = [(4, 4), (8, 8), (16, 2), (18, 1)];

impl Structure {
    /// Makes the checksums in the structure's own `bytes` good, as of the life that its file is in.
    pub fn seal(&self, life: u64, bytes: &mut [u8]) {
        match self.kind {
            Kind::Slot => seal::slot(bytes),
            Kind::Head => seal::head(bytes),
            Kind::Batch => seal::batch(self.place(life), bytes),
            Kind::Chunk => seal::chunk(bytes),
        }
    }

    /// Lets the structure's own `bytes` say that they belong where they stand.
    pub fn adopt(&self, life: u64, bytes: &mut [u8]) {
        let place = self.place(life);
        match self.kind {
            Kind::Slot => {}
            Kind::Head => bytes[18..20].copy_from_slice(&place.segment.to_le_bytes()),
            Kind::Batch => {
                bytes[8..16].copy_from_slice(&life.to_le_bytes());
                bytes[48..50].copy_from_slice(&place.segment.to_le_bytes());
                bytes[52..56].copy_from_slice(&place.offset_bytes.to_le_bytes());
            }
            Kind::Chunk => bytes[8..16].copy_from_slice(&life.to_le_bytes()),
        }
    }

    /// Segments are the first files in their order; the superblock comes behind them.
    fn place(&self, life: u64) -> Place {
        Place { segment: self.file as u16, life, offset_bytes: self.at as u32 }
    }

    /// The numbers in the structure's own `bytes`; of a batch's records, those of the first ones too.
    pub fn fields(&self, bytes: &[u8]) -> Vec<Field> {
        match self.kind {
            Kind::Slot => vec![
                (16, 2),
                (20, 4),
                (24, 8),
                (32, 2),
                (34, 8),
                (42, 4),
                (46, 8),
                (54, 8),
                (62, 2),
                (64, 2),
                (66, 8),
            ],
            Kind::Head => vec![(16, 2), (18, 2), (20, 4), (24, 8), (32, 8), (40, 2), (42, 8)],
            Kind::Chunk => {
                // The elements have no fixed places: every byte of the first ones is a field.
                let payload = (24..bytes.len().min(24 + 160)).map(|at| (at, 1));
                [(8, 8), (16, 4), (20, 4)].into_iter().chain(payload).collect()
            }
            Kind::Batch => {
                let mut fields =
                    vec![(16, 8), (24, 8), (32, 8), (40, 4), (44, 4), (48, 2), (50, 2), (8, 8)];
                for at in seal::records(bytes).take(4) {
                    fields.extend(RECORD.map(|(within, length)| (at + within, length)));
                    // A meta record's tag and numbers stand right behind, for its key is empty.
                    fields.extend((20..48).map(|within| (at + within, 1)));
                }
                fields.retain(|(at, length)| at + length <= bytes.len());
                fields
            }
        }
    }
}

/// Everything in the files at `paths`; of a file that is missing, nothing.
pub fn layout(disk: &SimDisk, paths: &[PathBuf]) -> Vec<Structure> {
    let there: Vec<PathBuf> = disk.files().into_iter().map(|(path, _)| path).collect();
    let in_file = |(file, path): (usize, &PathBuf)| {
        let bytes = if there.contains(path) { disk.read_bytes(path) } else { Vec::new() };
        let found = if is_segment(path) { in_segment(&bytes) } else { in_superblock(&bytes) };
        found.into_iter().map(move |(at, length, kind)| Structure { file, at, length, kind })
    };
    paths.iter().enumerate().flat_map(in_file).collect()
}

fn is_segment(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("segment-"))
}

fn in_superblock(bytes: &[u8]) -> Vec<(usize, usize, Kind)> {
    let blocks = bytes.chunks_exact(BLOCK_BYTES).enumerate();
    blocks.map(|(slot, _)| (slot * BLOCK_BYTES, BLOCK_BYTES, Kind::Slot)).collect()
}

fn in_segment(bytes: &[u8]) -> Vec<(usize, usize, Kind)> {
    let mut found = Vec::new();
    for (block, first) in bytes.chunks_exact(BLOCK_BYTES).enumerate() {
        let (at, rest) = (block * BLOCK_BYTES, bytes.len() - block * BLOCK_BYTES);
        let field = |at: usize| seal::u32_at(first, at).expect("a whole block");
        if block == 0 {
            found.push((at, BLOCK_BYTES, Kind::Head));
        } else if first.starts_with(&batch::MAGIC.to_le_bytes()) {
            found.push((at, batch_bytes(field(40)).min(rest), Kind::Batch));
        } else if first.starts_with(&checkpoint::MAGIC.to_le_bytes()) {
            found.push((at, (24 + field(20)).next_multiple_of(BLOCK_BYTES).min(rest), Kind::Chunk));
        }
    }
    found
}
