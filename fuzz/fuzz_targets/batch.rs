//! A whole batch with its records, as recovery and compaction read it.
#![no_main]

use flywheel_fuzz::input::Input;
use flywheel_fuzz::{Mode, PLACE, heap, mode, seal};
use flywheel_store::format::batch::{self, BatchHeader, BatchKind};
use flywheel_store::format::record::{Record, RecordKind};
use flywheel_store::fuzzing::decode_batch;
use flywheel_store::index::Location;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let (mode, bytes) = mode(input);
    if mode == Mode::Made {
        let (header, records) = made(&mut Input::new(bytes));
        comes_back(&header, &records);
        return;
    }
    let mut bytes = bytes.to_vec();
    if mode == Mode::Sealed {
        seal::batch(PLACE, &mut bytes);
    }
    if let Ok((header, found)) = heap::bounded_decoder(&bytes, || decode_batch(PLACE, &bytes)) {
        let records: Vec<Record<'_>> = found.iter().map(|(_, record)| *record).collect();
        let places = comes_back(&header, &records);
        assert!(found.iter().map(|(place, _)| place).eq(&places), "{found:?}, again {places:?}");
    }
});

fn comes_back(header: &BatchHeader, records: &[Record<'_>]) -> Vec<Location> {
    let mut encoded = vec![0; header.batch_bytes()];
    let places = batch::encode_records(header, records.iter().copied(), &mut encoded);
    let (again, found) = decode_batch(PLACE, &encoded).expect("encoded just now");
    assert_eq!(again, *header);
    assert!(found.iter().map(|(_, record)| record).eq(records), "{records:?} became {found:?}");
    assert!(found.iter().map(|(place, _)| place).eq(&places), "{found:?} at {places:?}");
    places
}

fn made<'a>(input: &mut Input<'a>) -> (BatchHeader, Vec<Record<'a>>) {
    let mut header = BatchHeader {
        place: PLACE,
        kind: BatchKind::Log,
        number: input.counter(),
        previous: input.counter(),
        durable: input.counter(),
        body_bytes: 0,
        records: 0,
    };
    let mut records = Vec::new();
    while !input.is_empty() {
        let kinds = [RecordKind::Put, RecordKind::Tombstone, RecordKind::Meta];
        let kind = kinds[usize::from(input.u8() % 3)];
        let (version, key, value) = (input.counter(), input.short(), input.short());
        records.push(Record { kind, version, key, value });
    }
    header.body_bytes = records.iter().map(Record::encoded_bytes).sum::<usize>() as u32;
    header.records = records.len() as u32;
    (header, records)
}
