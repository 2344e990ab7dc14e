//! Each field of each structure at its extremes, under a checksum that is right: what a decoder that
//! trusts a length would reserve, loop over or overflow with. Not damage: such bytes were never written.
//!
//! Every buffer that recovery reserves holds bytes it reads or items it has read, so what it reads is
//! the measure of its memory.

use std::path::Path;

use crc32fast::Hasher;
use flywheel_disk::sim::{self, SimDisk};
use flywheel_store::format::place::Place;
use flywheel_store::{Store, StoreError};

use super::image::{End, image, small};
use super::layout::{BLOCK_BYTES, Need, Piece};
use super::oracle::{Oracle, place_of};
use crate::fixture::{DIRECTORY, everything};

/// A field: where in its structure, and how long.
type Field = (usize, usize);

const SLOT: [Field; 11] = [
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
];
const HEADER: [Field; 7] = [(16, 2), (18, 2), (20, 4), (24, 8), (32, 8), (40, 2), (42, 8)];
const BATCH: [Field; 9] =
    [(8, 8), (16, 8), (24, 8), (32, 8), (40, 4), (44, 4), (48, 2), (50, 2), (52, 4)];
const RECORD: [Field; 4] = [(4, 4), (8, 8), (16, 2), (18, 1)];
const CHUNK: [Field; 3] = [(8, 8), (16, 4), (20, 4)];

/// Values of so many bytes that are hard on a decoder.
fn extremes(now: u64, width: usize) -> Vec<u64> {
    let max = u64::MAX >> (64 - 8 * width);
    let mut values = vec![0, 1, max, max - 1, max / 2, max / 2 + 1];
    values.extend([now.wrapping_add(1) & max, now.wrapping_sub(1) & max]);
    values.extend([4095, 4096, 65_535, 65_536, 1 << 20].into_iter().filter(|&value| value < max));
    values
}

fn set(bytes: &mut [u8], (at, width): Field, value: u64) {
    bytes[at..at + width].copy_from_slice(&value.to_le_bytes()[..width]);
}

fn get(bytes: &[u8], (at, width): Field) -> u64 {
    let mut value = [0; 8];
    value[..width].copy_from_slice(&bytes[at..at + width]);
    u64::from_le_bytes(value)
}

/// Puts the checksum of `covered`, which begins from `seed`, at `at`.
fn seal(bytes: &mut [u8], at: usize, covered: std::ops::Range<usize>, seed: u32) {
    let covered = covered.start..covered.end.min(bytes.len());
    let mut hasher = Hasher::new_with_initial(seed);
    hasher.update(&bytes[covered]);
    bytes[at..at + 4].copy_from_slice(&hasher.finalize().to_le_bytes());
}

/// Where a record's value ends, by its own lengths.
fn record_end(record: &[u8]) -> usize {
    20 + get(record, (4, 4)) as usize + get(record, (16, 2)) as usize
}

struct Trial<'a> {
    oracle: &'a Oracle,
    image_bytes: u64,
    tried: usize,
    refused: usize,
}

impl Trial<'_> {
    /// Opens and reads; errors have a place, and no more is read than a few times what there is. Says
    /// whether there was an error.
    fn open(&mut self, disk: &SimDisk, what: &str) -> bool {
        let opened = sim::run(1, disk, async |world| {
            let store = Store::open(world, Path::new(DIRECTORY), small(), None).await?;
            let scanned = store.scan(everything()).await.map(|_| ());
            for key in &self.oracle.keys {
                match store.get(key).await {
                    Ok(_) | Err(StoreError::NotOwned) => {}
                    Err(error) => drop(place_of(&error, what)),
                }
            }
            scanned
        });
        let counters = disk.counters();
        assert!(counters.read_bytes <= 6 * self.image_bytes, "{what}: {counters:?}");
        assert!(disk.used_bytes() <= 3 * self.image_bytes, "{what}: {} used", disk.used_bytes());
        self.tried += 1;
        self.refused += usize::from(opened.is_err());
        match opened {
            Ok(()) => false,
            Err(error) => {
                place_of(&error, what);
                true
            }
        }
    }

    /// Sets each field to each extreme, seals, and opens.
    fn fields(
        &mut self,
        piece: &Piece,
        start: usize,
        fields: &[Field],
        mut seal: impl FnMut(&mut [u8]),
    ) {
        let original = &self.oracle.layout.files[&piece.file];
        for &field in fields {
            let now = get(&original[start..], field);
            for value in extremes(now, field.1).into_iter().filter(|&value| value != now) {
                let mut bytes = original[start..].to_vec();
                set(&mut bytes, field, value);
                seal(&mut bytes);
                let disk = self.oracle.image.disk.image();
                disk.replace_bytes(&piece.file, start as u64, &bytes);
                let what = format!("{:?} {start}, field {field:?} is {value}", piece.file);
                let is_refused = self.open(&disk, &what);
                let must = start == piece.start && self.must_refuse(piece, field);
                assert!(is_refused || !must, "{what}: taken as it is");
            }
        }
    }

    /// Fields that say what else must be found: no other value of them can be right.
    fn must_refuse(&self, piece: &Piece, field: Field) -> bool {
        match piece.need {
            // Shard, segment, length.
            Need::Header => [(16, 2), (18, 2), (20, 4)].contains(&field),
            // Bytes and number of records, segment, offset.
            Need::Replayed if self.oracle.is_proven(piece.number, &[piece]) => {
                BATCH[4..7].contains(&field) || field == BATCH[8]
            }
            _ => false,
        }
    }

    fn piece(&mut self, piece: &Piece) {
        match piece.need {
            Need::NewestSlot | Need::OlderSlot => {
                self.fields(piece, piece.start, &SLOT, |bytes| seal(bytes, 12, 16..BLOCK_BYTES, 0));
            }
            Need::Header if piece.covered[0].len() < BLOCK_BYTES => {
                self.fields(piece, 0, &HEADER, |bytes| seal(bytes, 12, 16..50, 0));
            }
            Need::Header => {}
            Need::Chunk => {
                let element_bytes = (24..piece.covered[0].len().min(400)).map(|at| (at, 1));
                let lengths = (24..piece.covered[0].len().min(120)).map(|at| (at, 2));
                let fields: Vec<Field> =
                    CHUNK.into_iter().chain(element_bytes.step_by(5)).chain(lengths).collect();
                self.fields(piece, piece.start, &fields, |bytes| {
                    let end = 24 + get(bytes, (20, 4)) as usize;
                    seal(bytes, 4, 8..end, 0);
                });
            }
            Need::Replayed | Need::Run => {
                self.fields(piece, piece.start, &BATCH, |bytes| seal(bytes, 4, 8..64, 0));
                for record in &piece.covered[1..] {
                    self.record(piece, record.start, record.end);
                }
            }
            Need::Stored => self.record(piece, piece.start, piece.covered[0].end),
        }
    }

    fn record(&mut self, piece: &Piece, start: usize, end: usize) {
        let bytes = &self.oracle.layout.files[&piece.file];
        let (segment, life) = (get(bytes, (18, 2)) as u16, get(bytes, (24, 8)));
        let place = Place { segment, life, offset_bytes: start as u32 };
        let mut fields = RECORD.to_vec();
        if bytes[start + 18] == 3 {
            // A change of the store: its own fields stand in the value.
            fields.extend((20..end - start).map(|at| (at, 1)));
            fields.extend((20..end - start - 1).map(|at| (at, 2)));
        }
        self.fields(piece, start, &fields, |bytes| {
            let end = record_end(bytes);
            seal(bytes, 0, 4..end, place.seed());
        });
    }
}

#[test]
fn any_field_at_its_extremes_is_an_answer_in_bounded_memory() {
    let oracle = Oracle::new(image(End::Crashed));
    let image_bytes = oracle.image.disk.used_bytes();
    let mut trial = Trial { oracle: &oracle, image_bytes, tried: 0, refused: 0 };
    let mut stored = 0;
    for piece in &oracle.layout.pieces {
        stored += usize::from(piece.need == Need::Stored);
        if piece.need != Need::Stored || stored % 8 == 0 {
            trial.piece(piece);
        }
    }
    println!("{} tried, {} refused", trial.tried, trial.refused);
    assert!(trial.tried > 3_000 && trial.refused > trial.tried / 3, "{}", trial.refused);
}
