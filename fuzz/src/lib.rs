//! What the fuzz targets share: inputs as fields, checksums made good again, a store's image and the
//! damage done to it, a bound on memory. Not the targets: those stand in `fuzz_targets`, one a file.
//!
//! The first byte of each decoder's input is its mode:
//!
//! - 0: the bytes as they are.
//! - 1: the bytes with their checksums made good, so that what stands behind them is reached.
//! - 2: the bytes are fields of something that is encoded, and must come back.
//!
//! `scripts/fuzz` builds and runs them.

pub mod heap;
pub mod image;
pub mod input;
pub mod seal;
pub mod seeds;

use flywheel_store::format::place::Place;

/// Where the decoders are told that their bytes stand.
pub const PLACE: Place = Place { segment: 3, life: 9, offset_bytes: 8192 };

/// What to do with an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Take the bytes as they are.
    Raw = 0,
    /// Make their checksums good first.
    Sealed = 1,
    /// Take them as fields of something to encode.
    Made = 2,
}

/// Splits an input into its mode and its bytes.
pub fn mode(input: &[u8]) -> (Mode, &[u8]) {
    match input.split_first() {
        None => (Mode::Raw, input),
        Some((first, rest)) => match first % 3 {
            0 => (Mode::Raw, rest),
            1 => (Mode::Sealed, rest),
            _ => (Mode::Made, rest),
        },
    }
}
