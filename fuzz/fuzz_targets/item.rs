//! A stored item: whatever is read is stored as it was, byte by byte.
#![no_main]

use flywheel_fuzz::heap;
use flywheel_item::codec;
use libfuzzer_sys::fuzz_target;

/// A value of one byte takes so many in memory, and each name or set an allocation.
const MOST_PER_BYTE: usize = 512;

fuzz_target!(|input: &[u8]| {
    let most_bytes = (64 << 10) + MOST_PER_BYTE * input.len();
    let Ok(item) = heap::bounded(most_bytes, || codec::decode(input)) else { return };
    let mut bytes = Vec::new();
    codec::encode(&item, &mut bytes);
    assert_eq!(bytes, input);
    let attributes = codec::read(&bytes).expect("it was just read");
    for (name, value) in &item {
        let found = attributes.get(name).expect("it was just read").expect("it is there");
        assert_eq!(found.to_value().as_ref(), Ok(value));
    }
});
