//! One record, as a read of one key finds it.
#![no_main]

use flywheel_fuzz::input::Input;
use flywheel_fuzz::{Mode, PLACE, heap, mode, seal};
use flywheel_store::format::record::{Record, RecordKind};
use flywheel_store::limits::MAX_KEY_BYTES;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let (mode, bytes) = mode(input);
    if mode == Mode::Made {
        let mut input = Input::new(bytes);
        let kinds = [RecordKind::Put, RecordKind::Tombstone, RecordKind::Meta];
        let kind = kinds[usize::from(input.u8() % 3)];
        let (version, key_bytes) = (input.counter(), usize::from(input.u16()) % MAX_KEY_BYTES);
        let key = input.bytes(key_bytes);
        return comes_back(&Record { kind, version, key, value: input.bytes(usize::MAX) });
    }
    let mut bytes = bytes.to_vec();
    if mode == Mode::Sealed {
        seal::record(PLACE, &mut bytes);
    }
    if let Ok(record) = heap::bounded_decoder(&bytes, || Record::decode(PLACE, &bytes)) {
        comes_back(&record);
    }
});

fn comes_back(record: &Record<'_>) {
    let mut encoded = vec![0; record.encoded_bytes()];
    assert_eq!(record.encode(PLACE, &mut encoded), encoded.len());
    assert_eq!(Record::decode(PLACE, &encoded).as_ref(), Ok(record));
    let elsewhere = PLACE.at(PLACE.offset_bytes + 16);
    assert!(Record::decode(elsewhere, &encoded).is_err(), "read in the wrong place");
}
