//! What stands where in an image: each thing with a checksum, found with the decoders themselves. Not a
//! judgement on it.

use std::path::{Path, PathBuf};

use flywheel_disk::limits::BLOCK_BYTES;
use flywheel_disk::sim::SimDisk;
use flywheel_store::format::batch::BatchHeader;
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
    /// A batch with its records, of this place.
    Batch(Place),
    /// Of a checkpoint.
    Chunk,
}

impl Structure {
    /// Makes the checksums in the structure's own `bytes` good.
    pub fn seal(&self, bytes: &mut [u8]) {
        match self.kind {
            Kind::Slot => seal::slot(bytes),
            Kind::Head => seal::head(bytes),
            Kind::Batch(place) => seal::batch(place, bytes),
            Kind::Chunk => seal::chunk(bytes),
        }
    }
}

/// Everything in the files at `paths`.
pub fn layout(disk: &SimDisk, paths: &[PathBuf]) -> Vec<Structure> {
    let in_file = |(file, path): (usize, &PathBuf)| {
        let bytes = disk.read_bytes(path);
        let found = if is_segment(path) { in_segment(&bytes) } else { in_superblock(&bytes) };
        found.into_iter().map(move |(at, length, kind)| Structure { file, at, length, kind })
    };
    paths.iter().enumerate().flat_map(in_file).collect()
}

fn is_segment(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("segment-"))
}

fn in_superblock(bytes: &[u8]) -> Vec<(usize, usize, Kind)> {
    (0..bytes.len()).step_by(BLOCK_BYTES).map(|at| (at, BLOCK_BYTES, Kind::Slot)).collect()
}

fn in_segment(bytes: &[u8]) -> Vec<(usize, usize, Kind)> {
    let mut found = vec![(0, BLOCK_BYTES, Kind::Head)];
    for at in (BLOCK_BYTES..bytes.len()).step_by(BLOCK_BYTES) {
        let rest = &bytes[at..];
        if let Ok(header) = BatchHeader::decode_anywhere(rest) {
            let length = header.batch_bytes().min(rest.len());
            found.push((at, length, Kind::Batch(header.place)));
        } else if rest.starts_with(&checkpoint::MAGIC.to_le_bytes()) {
            let payload = rest[20..].first_chunk().map_or(0, |field| u32::from_le_bytes(*field));
            let length = (payload as usize).saturating_add(24).next_multiple_of(BLOCK_BYTES);
            found.push((at, length.min(rest.len()), Kind::Chunk));
        }
    }
    found
}
