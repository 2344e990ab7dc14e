//! What an input does to an image: a list of edits, each an operation and its fields. See the folder's
//! first lines for what damage may do and what only forgery does.

use flywheel_disk::sim::{SECTOR_BYTES, SimDisk, SimRng};
use flywheel_store::limits::MAX_COUNTER;

use super::build::Image;
use super::layout::layout;
use crate::input::Input;

/// Edits of one input.
const MOST_EDITS: usize = 12;

const FLIP: u8 = 0;
const NOISE: u8 = 1;
const ZERO: u8 = 2;
const COPY: u8 = 3;
const CUT: u8 = 4;
const REMOVE: u8 = 5;
const EXCHANGE: u8 = 6;
const PATCH: u8 = 7;
const OPERATIONS: u8 = 9; // the last sets a field

/// A copy of the image's disk with the input's edits.
pub fn apply(image: &Image, input: &mut Input<'_>, forged: bool) -> SimDisk {
    let mut edit =
        Edit { image, disk: image.disk.image(), hit: Vec::new(), moved: Vec::new(), forged };
    for _ in 0..MOST_EDITS {
        if input.is_empty() {
            break;
        }
        edit.apply_one(input);
    }
    if forged {
        edit.seal();
    }
    edit.disk
}

/// What was changed: the file, the first byte and the one after the last.
type Range = (usize, usize, usize);

struct Edit<'a> {
    image: &'a Image,
    disk: SimDisk,
    hit: Vec<Range>,
    /// Of those, what came from elsewhere.
    moved: Vec<Range>,
    forged: bool,
}

impl Edit<'_> {
    fn apply_one(&mut self, input: &mut Input<'_>) {
        match input.u8() % OPERATIONS {
            FLIP => {
                let (file, at) = self.position(input);
                let bit = input.u8() % 8;
                self.change(file, at, 1, |bytes| bytes[0] ^= 1 << bit);
            }
            NOISE => {
                let (file, at) = self.position(input);
                let (length, seed) = (input.u8(), input.u16());
                let mut rng = SimRng::new(seed.into());
                self.change(file, at, length.into(), |bytes| {
                    bytes.fill_with(|| rng.next_u64() as u8);
                });
            }
            ZERO => {
                let (file, at, length) = self.sectors(input);
                self.change(file, at, length, |bytes| bytes.fill(0));
            }
            COPY => self.copy(input),
            CUT => {
                let (file, blocks) = (self.file(input), input.u8());
                let mut bytes = self.bytes(file);
                bytes.truncate(usize::from(blocks) * SECTOR_BYTES * 8);
                self.disk.write_bytes(&self.image.paths[file], &bytes);
            }
            REMOVE => {
                let file = self.file(input);
                if self.disk.files().iter().any(|(path, _)| *path == self.image.paths[file]) {
                    self.disk.delete(&self.image.paths[file]);
                }
            }
            EXCHANGE => self.exchange(input),
            PATCH => self.patch(input),
            _ => self.set_field(input),
        }
    }

    /// Sectors of this disk or of the older one, written elsewhere or in the same place.
    fn copy(&mut self, input: &mut Input<'_>) {
        let is_older = input.u8() % 2 == 1;
        let (from, from_at, length) = self.sectors(input);
        let (mut to, mut to_at) = (from, from_at);
        if input.u8() % 2 == 1 {
            (to, to_at, _) = self.sectors(input);
        }
        let source = if is_older { self.older(from) } else { self.bytes(from) };
        let Some(source) = source.get(from_at..) else { return };
        self.change(to, to_at, length.min(source.len()), |bytes| {
            bytes.copy_from_slice(&source[..bytes.len()]);
        });
        self.moved.push((to, to_at, to_at + length));
    }

    /// A whole file in another's place, or as it was earlier.
    fn exchange(&mut self, input: &mut Input<'_>) {
        let (from, to) = (self.file(input), self.file(input));
        let bytes = if from == to { self.older(from) } else { self.bytes(from) };
        self.disk.write_bytes(&self.image.paths[to], &bytes);
        self.hit.push((to, 0, bytes.len()));
        self.moved.push((to, 0, bytes.len()));
    }

    /// Any bytes, anywhere in something with a checksum.
    fn patch(&mut self, input: &mut Input<'_>) {
        let structures = &self.image.structures;
        let structure = structures[usize::from(input.u16()) % structures.len()];
        let at = structure.at + usize::from(input.u16()) % structure.length;
        let bytes = input.short();
        if self.forged {
            self.change(structure.file, at, bytes.len(), |there| {
                there.copy_from_slice(&bytes[..there.len()]);
            });
        }
    }

    /// A number in something with a checksum, by where numbers stand in it.
    fn set_field(&mut self, input: &mut Input<'_>) {
        let structures = &self.image.structures;
        let structure = structures[usize::from(input.u16()) % structures.len()];
        let bytes = self.bytes(structure.file);
        let Some(whole) = bytes.get(structure.at..structure.at + structure.length) else { return };
        let fields = structure.fields(whole);
        let (at, length) = fields[usize::from(input.u8()) % fields.len()];
        let how = input.u8() % 6;
        if !self.forged {
            return;
        }
        let mut number = [0; 8];
        number[..length].copy_from_slice(&whole[at..at + length]);
        let number = u64::from_le_bytes(number);
        let number = match how {
            0 => number.wrapping_add(1),
            1 => number.wrapping_sub(1),
            2 => 0,
            3 => u64::MAX,
            4 => MAX_COUNTER,
            _ => input.u64(),
        };
        self.change(structure.file, structure.at + at, length, |there| {
            there.copy_from_slice(&number.to_le_bytes()[..there.len()]);
        });
    }

    /// Makes the checksums of all that was hit good; what was moved says that it belongs there.
    fn seal(&self) {
        for structure in layout(&self.disk, &self.image.paths) {
            let (from, to) = (structure.at, structure.at + structure.length);
            let touches =
                |&(file, first, end): &Range| file == structure.file && first < to && from < end;
            if !self.hit.iter().any(touches) {
                continue;
            }
            let bytes = self.bytes(structure.file);
            // Where a segment's header says its life.
            let life = bytes[24..].first_chunk().map_or(0, |life| u64::from_le_bytes(*life));
            let mut whole = bytes[from..to].to_vec();
            if self.moved.iter().any(|moved| touches(moved) && moved.1 <= from) {
                structure.adopt(life, &mut whole);
            }
            structure.seal(life, &mut whole);
            self.disk.replace_bytes(&self.image.paths[structure.file], from as u64, &whole);
        }
    }

    fn file(&self, input: &mut Input<'_>) -> usize {
        usize::from(input.u8()) % self.image.paths.len()
    }

    fn position(&self, input: &mut Input<'_>) -> (usize, usize) {
        (self.file(input), input.u16().into())
    }

    fn sectors(&self, input: &mut Input<'_>) -> (usize, usize, usize) {
        let (file, sector, count) = (self.file(input), input.u8(), input.u8() % 16 + 1);
        (file, usize::from(sector) * SECTOR_BYTES, usize::from(count) * SECTOR_BYTES)
    }

    /// The file as it is now; empty if it was removed.
    fn bytes(&self, file: usize) -> Vec<u8> {
        read(&self.disk, self.image, file)
    }

    fn older(&self, file: usize) -> Vec<u8> {
        read(&self.image.older, self.image, file)
    }

    /// Changes what there is of so many bytes.
    fn change(&mut self, file: usize, at: usize, length: usize, change: impl FnOnce(&mut [u8])) {
        let mut bytes = self.bytes(file);
        let end = bytes.len().min(at + length);
        let Some(part) = bytes.get_mut(at..end).filter(|part| !part.is_empty()) else { return };
        change(part);
        self.disk.replace_bytes(&self.image.paths[file], at as u64, part);
        self.hit.push((file, at, end));
    }
}

fn read(disk: &SimDisk, image: &Image, file: usize) -> Vec<u8> {
    let path = &image.paths[file];
    let is_there = disk.files().iter().any(|(other, _)| other == path);
    if is_there { disk.read_bytes(path) } else { Vec::new() }
}
