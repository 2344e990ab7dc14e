//! A data directory's identity file.
#![no_main]

use flywheel_fuzz::input::Input;
use flywheel_fuzz::{Mode, heap, mode};
use flywheel_shard::Durability;
use flywheel_shard::Identity;
use flywheel_shard::fuzzing::{decode_identity, encode_identity, new_identity};
use libfuzzer_sys::fuzz_target;

/// The file's length.
const BLOCK_BYTES: usize = 4096;

fuzz_target!(|input: &[u8]| {
    let (mode, bytes) = mode(input);
    if mode == Mode::Made {
        return made_comes_back(&mut Input::new(bytes));
    }
    let mut block = bytes.to_vec();
    if mode == Mode::Sealed {
        // As the file is: padded with spaces to its whole length.
        block.resize(BLOCK_BYTES, b' ');
    }
    if let Ok(identity) = heap::bounded_decoder(&block, || decode_identity(&block)) {
        let json = serde_json::to_vec(&identity).expect("an identity is plain fields");
        assert_alike(&decode_identity(&json).expect("encoded just now"), &identity);
    }
});

fn made_comes_back(input: &mut Input<'_>) {
    let durability = match input.u8() % 2 {
        0 => Durability::Dsync,
        _ => Durability::Fdatasync,
    };
    let mut identity = new_identity(input.u16(), input.u32(), durability);
    let mut micros = || Some(f64::from_bits(input.u64())).filter(|micros| micros.is_finite());
    (identity.dsync_us, identity.fdatasync_us) = (micros(), micros());
    let mut block = vec![0; BLOCK_BYTES];
    encode_identity(&identity, &mut block);
    assert_alike(&decode_identity(&block).expect("encoded just now"), &identity);
}

/// Equal, but for the last bits of what was measured: JSON's decimals are not read exactly.
fn assert_alike(found: &Identity, expected: &Identity) {
    let measured = |one: &Identity| [one.dsync_us, one.fdatasync_us];
    for (found, expected) in measured(found).into_iter().zip(measured(expected)) {
        let is_near = match (found, expected) {
            (Some(found), Some(expected)) => {
                let most = expected.abs() * 1e-14 + f64::MIN_POSITIVE;
                (found - expected).abs() <= most
            }
            (found, expected) => found == expected,
        };
        assert!(is_near, "{found:?} for {expected:?}");
    }
    let mut rest = expected.clone();
    (rest.dsync_us, rest.fdatasync_us) = (found.dsync_us, found.fdatasync_us);
    assert_eq!(*found, rest);
}
