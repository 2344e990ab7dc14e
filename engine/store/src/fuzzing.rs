//! What the fuzz targets reach of this crate beyond its public rooms. Not an interface: only there
//! under the feature `fuzzing`, and free to change.

use crate::format::Damage;
use crate::format::batch::BatchHeader;
use crate::format::place::Place;
use crate::format::record::{self, Record};
use crate::index::Location;
use crate::segment_reader;

/// A batch found whole: its header and its records with their places.
pub type Batch<'a> = (BatchHeader, Vec<(Location, Record<'a>)>);

/// Decodes the whole batch that should stand at `place`; `bytes` begin there.
///
/// # Errors
/// [`Damage`] if there is none, or it is torn.
pub fn decode_batch(place: Place, bytes: &[u8]) -> Result<Batch<'_>, Damage> {
    segment_reader::decode_batch(place, bytes).map(|batch| (batch.header, batch.records))
}

/// The checksum of a record at `place`, over its bytes from the value's length to the value's end.
pub fn record_checksum(place: Place, covered: &[u8]) -> u32 {
    record::checksum(place, covered)
}
