//! Walking the batches of a whole segment, for recovery and compaction. Not for single records.

use flywheel_disk::limits::BLOCK_BYTES;
use flywheel_disk::{DiskError, File};
use futures_util::future::try_join_all;

use crate::format::batch::{self, BatchHeader};
use crate::format::place::Place;
use crate::format::record::Record;
use crate::format::{Damage, round_up};
use crate::index::Location;
use crate::limits::{MAX_READINGS, MAX_RUN_READ_BYTES};

/// Reads in flight while a segment is brought in one go.
const READS_AT_ONCE: usize = 4;

/// Reads `from..to` of a file, several requests at a time.
pub(crate) async fn read_range<F: File>(
    file: &F,
    from: u32,
    to: u32,
) -> Result<Vec<u8>, DiskError> {
    let mut bytes = Vec::with_capacity((to - from) as usize);
    read_onto(file, from, to, &mut bytes).await?;
    Ok(bytes)
}

/// As [`read_range`], onto the end of what there is.
pub(crate) async fn read_onto<F: File>(
    file: &F,
    from: u32,
    to: u32,
    bytes: &mut Vec<u8>,
) -> Result<(), DiskError> {
    let mut at = from;
    while at < to {
        let mut reads = Vec::with_capacity(READS_AT_ONCE);
        while reads.len() < READS_AT_ONCE && at < to {
            let length = (to - at).min(MAX_RUN_READ_BYTES as u32);
            reads.push(file.read(at.into(), length as usize));
            at += length;
        }
        for block in try_join_all(reads).await? {
            bytes.extend_from_slice(&block);
        }
    }
    Ok(())
}

/// Reads so many bytes from an offset on that need not be aligned: a block, and how many of its bytes stand
/// before the offset.
pub(crate) async fn read_around<F: File>(
    file: &F,
    from: u32,
    length_bytes: u32,
) -> Result<(F::Block, usize), DiskError> {
    let alignment = file.read_alignment_bytes();
    let (from, end) = (from as usize, from as usize + length_bytes as usize);
    let start = from & !(alignment - 1);
    let to = round_up(end, alignment).min(file.size_bytes() as usize);
    Ok((file.read(start as u64, to - start).await?, from - start))
}

/// Reads `from..to` of a file until two readings in a row agree; `None` if none do. For what is about
/// to be believed missing: a device that answered wrongly once is not taken at its word.
pub(crate) async fn read_agreed<F: File>(
    file: &F,
    from: u32,
    to: u32,
) -> Result<Option<Vec<u8>>, DiskError> {
    let mut last = read_range(file, from, to).await?;
    for _ in 1..MAX_READINGS {
        let again = read_range(file, from, to).await?;
        if again == last {
            return Ok(Some(again));
        }
        last = again;
    }
    Ok(None)
}

/// A batch found whole: its header and its records with their places.
pub(crate) struct Batch<'a> {
    pub(crate) header: BatchHeader,
    pub(crate) records: Vec<(Location, Record<'a>)>,
}

/// Decodes the batch that should stand at `place`; `bytes` begin there.
///
/// # Errors
/// [`Damage`] if there is none, or it is torn.
pub(crate) fn decode_batch(place: Place, bytes: &[u8]) -> Result<Batch<'_>, Damage> {
    let header = BatchHeader::decode(place, bytes)?;
    let end = batch::HEADER_BYTES + header.body_bytes as usize;
    let Some(body) = bytes.get(batch::HEADER_BYTES..end) else {
        return Err(Damage::new(format!("a batch of {end} bytes in the {} left", bytes.len())));
    };
    let mut records = Vec::with_capacity((header.records as usize).min(body.len() / 16));
    let mut at = 0;
    for _ in 0..header.records {
        let record_place = place.at(place.offset_bytes + (batch::HEADER_BYTES + at) as u32);
        let record = Record::decode(record_place, &body[at..])?;
        let bytes = record.encoded_bytes();
        records
            .push((Location::new(place.segment, record_place.offset_bytes, bytes as u32), record));
        at += bytes;
        if at > body.len() {
            return Err(Damage::new("the records of a batch run over its end"));
        }
    }
    if at != body.len() {
        let what = format!("{} bytes of records in a batch, found {at}", body.len());
        return Err(Damage::new(what));
    }
    Ok(Batch { header, records })
}

/// The place of the next batch after one that was found damaged or missing at `offset`, if any
/// begins further on: batches begin at blocks.
pub(crate) fn find_header(base: Place, content: &[u8], from: u32) -> Option<BatchHeader> {
    let first = from - base.offset_bytes;
    (first as usize..content.len()).step_by(BLOCK_BYTES).find_map(|at| {
        BatchHeader::decode(base.at(base.offset_bytes + at as u32), &content[at..]).ok()
    })
}
