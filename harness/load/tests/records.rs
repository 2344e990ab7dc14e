//! Encode, decode, merge, project, verify: by example and by property.
//! Targets that store records are in `driver` and `faults`.

use std::collections::BTreeMap;

use flywheel_load::random::Random;
use flywheel_load::record::{FIELD_HEADER_BYTES, IntegrityCheck, Mismatch, Values};
use flywheel_load::{FieldSet, Record, RecordError};
use proptest::prelude::*;

use crate::support::workload;

type FieldMap = BTreeMap<u16, Vec<u8>>;

fn record(fields: &FieldMap) -> Record {
    Record::from_fields(fields.iter().map(|(number, value)| (*number, value.as_slice())))
}

fn map(record: &Record) -> FieldMap {
    record.fields().map(|(number, value)| (number, value.to_vec())).collect()
}

fn field_maps() -> impl Strategy<Value = FieldMap> {
    prop::collection::btree_map(0u16..12, prop::collection::vec(any::<u8>(), 0..40), 0..10)
}

proptest! {
    #[test]
    fn a_record_decodes_to_what_was_encoded(fields in field_maps()) {
        let encoded = record(&fields);
        let decoded = Record::decode(encoded.bytes().clone()).expect("what was encoded decodes");
        prop_assert_eq!(map(&decoded), fields);
    }

    #[test]
    fn merging_is_putting_one_map_over_the_other(old in field_maps(), changes in field_maps()) {
        let merged = record(&old).merge(&record(&changes));
        let mut expected = old;
        expected.extend(changes);
        prop_assert_eq!(map(&Record::decode(merged.bytes().clone()).expect("merged bytes decode")), expected);
    }

    #[test]
    fn projecting_keeps_one_field(fields in field_maps(), wanted in 0u16..12) {
        let whole = record(&fields);
        let one = map(&whole.project(FieldSet::One(wanted)));
        prop_assert_eq!(one.get(&wanted), fields.get(&wanted));
        prop_assert!(one.len() <= 1);
        prop_assert_eq!(whole.get(wanted), fields.get(&wanted).map(Vec::as_slice));
        prop_assert_eq!(whole.project(FieldSet::All), whole);
    }

    #[test]
    fn any_bytes_decode_or_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(record) = Record::decode(bytes.clone()) {
            let again = self::record(&map(&record));
            prop_assert_eq!(again.bytes().as_ref(), bytes.as_slice());
        }
    }

    #[test]
    fn a_record_cut_anywhere_is_a_prefix_of_its_fields_or_refused(fields in field_maps(), cut in any::<prop::sample::Index>()) {
        let whole = record(&fields);
        let cut = cut.index(whole.bytes().len() + 1);
        match Record::decode(whole.bytes().slice(..cut)) {
            Ok(part) => prop_assert!(map(&part).iter().all(|(number, value)| fields.get(number) == Some(value))),
            Err(RecordError::Truncated { len, .. }) => prop_assert_eq!(len, cut),
            Err(error) => prop_assert!(false, "{}", error),
        }
    }
}

#[test]
fn the_layout_is_as_drawn() {
    let record = Record::from_fields([(1, &b"ab"[..]), (0x0203, &b""[..])]);
    assert_eq!(record.bytes().as_ref(), b"\x01\x00\x02\x00\x00\x00ab\x03\x02\x00\x00\x00\x00");
    assert_eq!(FIELD_HEADER_BYTES, 6);
    assert!(Record::default().is_empty());
}

#[test]
fn what_cannot_be_decoded_says_where() {
    let bytes = b"\x01\x00\x01\x00\x00\x00a\x01\x00\x01\x00\x00\x00b".to_vec();
    assert_eq!(Record::decode(bytes.clone()), Err(RecordError::OutOfOrder { at: 7, number: 1 }));
    assert_eq!(
        Record::decode(bytes[..10].to_vec()),
        Err(RecordError::Truncated { at: 7, len: 10 })
    );
}

#[test]
fn built_records_have_every_field_printable_and_of_its_length() {
    let constant = workload(&[("fieldcount", "3"), ("fieldlength", "21")]);
    let built = Values::new(&constant).all_fields(b"user1", &mut Random::new(1));
    let fields = map(&built);
    assert_eq!(fields.keys().copied().collect::<Vec<_>>(), [0, 1, 2]);
    assert!(fields.values().all(|value| value.len() == 21));
    assert!(fields.values().flatten().all(|byte| (0x20..0x60).contains(byte)));
    assert_ne!(fields[&0], fields[&1]);
    assert_eq!(Record::decode(built.bytes().clone()), Ok(built));

    let varied = workload(&[
        ("fieldlengthdistribution", "uniform"),
        ("minfieldlength", "5"),
        ("fieldlength", "9"),
    ]);
    let values = Values::new(&varied);
    let mut random = Random::new(2);
    for _ in 0..100 {
        let one = map(&values.one_field(b"user1", 4, &mut random));
        assert_eq!(one.len(), 1);
        assert!((5..=9).contains(&one[&4].len()));
    }
}

#[test]
fn user_bytes_count_names_and_values_but_no_headers() {
    let record = Record::from_fields([(0, &b"abc"[..]), (2, &b"de"[..])]);
    assert_eq!(record.user_bytes(&[6, 6, 7]), 3 + 6 + 2 + 7);
    assert_eq!(record.user_bytes(&[]), 5);
}

#[test]
fn verifying_tells_every_kind_of_damage() {
    let workload =
        workload(&[("fieldcount", "3"), ("fieldlength", "50"), ("dataintegrity", "true")]);
    let key = b"user42";
    let good = Values::new(&workload).all_fields(key, &mut Random::new(3));
    let mut check = IntegrityCheck::new(&workload);
    let mut verify = |fields: FieldSet, record: &Record| check.verify(key, fields, record);

    assert_eq!(verify(FieldSet::AllByName, &good), Ok(()));
    assert_eq!(verify(FieldSet::One(1), &good.project(FieldSet::One(1))), Ok(()));

    let without = |field: u16| {
        let mut fields = map(&good);
        fields.remove(&field);
        record(&fields)
    };
    assert_eq!(verify(FieldSet::All, &without(0)), Err(Mismatch::Missing { field: 0 }));
    assert_eq!(verify(FieldSet::All, &without(2)), Err(Mismatch::Missing { field: 2 }));
    assert_eq!(verify(FieldSet::All, &Record::default()), Err(Mismatch::Missing { field: 0 }));
    assert_eq!(verify(FieldSet::One(1), &good), Err(Mismatch::Unexpected { field: 0 }));
    let extra = good.merge(&Record::from_fields([(7, &b"x"[..])]));
    assert_eq!(verify(FieldSet::All, &extra), Err(Mismatch::Unexpected { field: 7 }));
    assert_eq!(
        check.verify(b"user43", FieldSet::All, &good),
        Err(Mismatch::Value { field: 0, at: 5 })
    );

    for at in 0..50 {
        let mut fields = map(&good);
        fields.get_mut(&1).expect("field 1")[at] ^= 0x10;
        let damaged = record(&fields);
        assert_eq!(
            check.verify(key, FieldSet::All, &damaged),
            Err(Mismatch::Value { field: 1, at })
        );
    }
    let mut fields = map(&good);
    fields.get_mut(&2).expect("field 2").pop();
    let short = record(&fields);
    assert_eq!(check.verify(key, FieldSet::All, &short), Err(Mismatch::Value { field: 2, at: 49 }));
}
