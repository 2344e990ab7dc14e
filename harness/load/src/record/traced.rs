//! Records of a replayed trace: one field, as long as the trace says, whose bytes follow from key and length.
//! So any reader can check them, whatever was written when; a trace says nothing of what values hold.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{FIELD_HEADER_BYTES, Record, push_field_header, push_random};
use crate::random::Random;

/// The only field of such a record.
const FIELD: u16 = 0;

/// What a write of `size_bytes` leaves under `key`. One allocation.
///
/// # Panics
/// When the value exceeds 4 GiB; a trace's values are bounded far below.
pub fn traced_record(key: &[u8], size_bytes: u64) -> Record {
    let length = size_bytes as usize;
    let mut bytes = Vec::with_capacity(FIELD_HEADER_BYTES + length);
    push_field_header(&mut bytes, FIELD, length);
    push_random(&mut bytes, length, &mut Random::new(xxh3_64_with_seed(key, size_bytes)));
    Record { bytes: bytes.into() }
}

/// Whether `record` is one that some write of a trace leaves under `key`.
pub fn check_traced(key: &[u8], record: &Record) -> Result<(), String> {
    let mut fields = record.fields();
    let (Some((FIELD, value)), None) = (fields.next(), fields.next()) else {
        let fields: Vec<u16> = record.fields().map(|(number, _)| number).collect();
        return Err(format!(
            "fields {fields:?} were found, and a replay writes field {FIELD} alone"
        ));
    };
    let expected = traced_record(key, value.len() as u64);
    let expected = &expected.bytes[FIELD_HEADER_BYTES..];
    match value.iter().zip(expected).position(|(found, expected)| found != expected) {
        None => Ok(()),
        Some(at) => Err(format!("the value of {} bytes differs at byte {at}", value.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_follows_from_its_key_and_its_size_alone() {
        for size in [0, 1, 8, 100, 1001] {
            let record = traced_record(b"a", size);
            assert_eq!(record.user_bytes(&[]), size);
            assert_eq!(record, traced_record(b"a", size));
            assert_eq!(check_traced(b"a", &record), Ok(()));
            if size >= 8 {
                assert_ne!(record, traced_record(b"b", size));
                let wrong = check_traced(b"b", &record).expect_err("another key's");
                assert!(wrong.contains("differs at byte"), "{wrong}");
                let mut bytes = record.bytes().to_vec();
                *bytes.last_mut().expect("a value") ^= 1;
                let rotten = Record::decode(bytes).expect("whole");
                let wrong = check_traced(b"a", &rotten).expect_err("a flipped bit");
                assert!(wrong.contains(&format!("at byte {}", size - 1)), "{wrong}");
            }
        }
        assert!(check_traced(b"a", &Record::default()).is_err());
        let other = Record::from_fields([(1, &b"x"[..])]);
        assert!(check_traced(b"a", &other).expect_err("field 1").contains("[1]"));
        let two = Record::from_fields([(0, &b""[..]), (1, b"x")]);
        assert!(check_traced(b"a", &two).is_err());
    }
}
