//! The bytes on the medium, and nothing else: pure encoders and decoders, one noun a room. They touch
//! no file and trust no byte; `docs/disk-format.md` draws the whole.

pub mod batch;
pub mod checkpoint;
pub mod cursor;
pub mod meta;
pub mod place;
pub mod record;
pub mod segment;
pub mod superblock;

/// The version of everything in this folder. A directory of another version is refused, unchanged.
pub const FORMAT_VERSION: u32 = 2;

/// What is wrong with bytes that should have been ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// What was expected and what was found.
    pub what: String,
}

impl Damage {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into() }
    }
}

/// Rounds up to a multiple of `unit`, which is a power of two.
pub(crate) const fn round_up(value: usize, unit: usize) -> usize {
    (value + unit - 1) & !(unit - 1)
}
