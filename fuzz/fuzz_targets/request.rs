//! Any bytes as a request: read alike however they are cut, and let in by nobody's signature.
#![no_main]

use std::time::Duration;

use flywheel_fuzz::heap;
use flywheel_server::Credentials;
use flywheel_server::fuzzing::{Read, read};
use libfuzzer_sys::fuzz_target;

/// The moment of the seeds: 2015-08-30T12:36:00Z.
const NOW: Duration = Duration::from_secs(1_440_938_160);

fuzz_target!(|input: &[u8]| {
    let Some((&piece_bytes, bytes)) = input.split_first() else { return };
    let guarded = Credentials::one("AKIDEXAMPLE", "nobody knows it").expect("a key");
    let whole = heap::bounded_decoder(bytes, || read(bytes, usize::MAX, &guarded, NOW));
    let in_pieces = read(bytes, usize::from(piece_bytes).max(1), &guarded, NOW);
    assert_eq!(whole, in_pieces, "in pieces of {piece_bytes}");
    if let Read::Whole { used_bytes, access_key, .. } = whole {
        assert!(used_bytes <= bytes.len());
        let (name, _) = access_key.expect_err("nobody can sign for another");
        assert!(name.ends_with("Exception"));
    }
    let anybody = Credentials::accept_any(([127, 0, 0, 1], 0).into()).expect("it is loopback");
    if let Read::Whole { access_key: Ok(access_key), .. } = read(bytes, usize::MAX, &anybody, NOW) {
        assert!(!access_key.is_empty() && !access_key.contains('/'));
    }
});
