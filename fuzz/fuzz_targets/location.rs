//! A location's six bytes: each pattern is one, and is its parts.
#![no_main]

use flywheel_store::index::Location;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: [u8; Location::ENCODED_LEN]| {
    let location = Location::from_bytes(input);
    assert_eq!(location.to_bytes(), input);
    let (offset_bytes, len_bytes) = (location.offset_bytes(), location.len_bytes());
    assert!(offset_bytes < Location::OFFSET_END && len_bytes <= Location::LEN_MAX);
    assert_eq!(Location::new(location.segment(), offset_bytes, len_bytes), location);
    // Some length that is not one of the code's own: rounded up, and not by much.
    let shorter = len_bytes - len_bytes.min(u32::from(input[5]));
    let bound = Location::new(location.segment(), offset_bytes, shorter).len_bytes();
    assert!(
        bound >= shorter && bound - shorter <= shorter / 64 + Location::UNIT,
        "{shorter}: {bound}"
    );
});
