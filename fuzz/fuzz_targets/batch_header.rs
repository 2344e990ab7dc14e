//! A batch's header, read for a place and read anywhere.
#![no_main]

use flywheel_fuzz::input::Input;
use flywheel_fuzz::{Mode, PLACE, heap, mode, seal};
use flywheel_store::format::batch::{BatchHeader, BatchKind, HEADER_BYTES};
use flywheel_store::format::place::Place;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let (mode, bytes) = mode(input);
    if mode == Mode::Made {
        return comes_back(&header(&mut Input::new(bytes)));
    }
    let mut bytes = bytes.to_vec();
    if mode == Mode::Sealed {
        seal::batch_header(&mut bytes);
    }
    let found = heap::bounded_decoder(&bytes, || BatchHeader::decode_anywhere(&bytes));
    let here = BatchHeader::decode(PLACE, &bytes);
    let expected = found.as_ref().is_ok_and(|header| header.place == PLACE);
    assert_eq!(here.is_ok(), expected, "{here:?}, and anywhere {found:?}");
    if let Ok(header) = found {
        comes_back(&header);
    }
});

fn comes_back(header: &BatchHeader) {
    let mut encoded = [0; HEADER_BYTES];
    header.encode(&mut encoded);
    assert_eq!(BatchHeader::decode_anywhere(&encoded).as_ref(), Ok(header));
    assert_eq!(BatchHeader::decode(header.place, &encoded).as_ref(), Ok(header));
    assert!(header.batch_bytes() >= HEADER_BYTES + header.body_bytes as usize);
}

fn header(input: &mut Input<'_>) -> BatchHeader {
    BatchHeader {
        place: Place { segment: input.u16(), life: input.counter(), offset_bytes: input.u32() },
        kind: if input.u8().is_multiple_of(2) { BatchKind::Log } else { BatchKind::Run },
        number: input.counter(),
        previous: input.counter(),
        durable: input.counter(),
        body_bytes: input.u32(),
        records: input.u32(),
    }
}
