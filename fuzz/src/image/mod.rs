//! Whole stores on a simulated disk: built, damaged as an input says, opened and read. Each room is one
//! of these; not the single decoders, which have targets of their own.
//!
//! Two kinds of edits, and two judgements:
//!
//! - *Damage* is what a medium does: flipped bits, noise, lost and misplaced sectors, files of another
//!   time. It never holds bytes that the input chose, so no checksum is forged. A damaged store opens
//!   with an error, or every value it gives is one that was written under that key.
//! - *Forgery* also writes any bytes, and then makes the checksums of what it hit good again. A forged
//!   store may say anything, but never panics and never takes memory without bound.

mod build;
mod edits;
mod judge;
mod layout;

pub use build::{END_COUNT, End, Image, image};
pub use edits::apply;
pub use judge::judge;

/// In an input's first byte: checksums are made good again.
pub const FORGED: u8 = 1 << 2;

/// In an input's first byte: what opens is used, closed and opened once more.
pub const USED: u8 = 1 << 3;
