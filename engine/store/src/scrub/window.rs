//! A stretch of one segment in memory, moved along as it is looked at. Not a cache: nothing is kept
//! that was looked at.

use flywheel_disk::limits::BLOCK_BYTES;

/// Bytes of a segment from `start` on.
#[derive(Debug)]
pub(super) struct Window {
    start: u32,
    bytes: Vec<u8>,
}

impl Window {
    /// An empty one at `start`, a multiple of a block.
    pub(super) fn new(start: u32) -> Self {
        Self { start, bytes: Vec::new() }
    }

    /// Where it begins.
    pub(super) fn start(&self) -> u32 {
        self.start
    }

    /// Where the next bytes go.
    pub(super) fn end(&self) -> u32 {
        self.start + self.bytes.len() as u32
    }

    pub(super) fn append(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// What there is from `offset` on; empty if that was not reached yet.
    pub(super) fn from(&self, offset: u32) -> &[u8] {
        let at = offset.checked_sub(self.start).expect("looked at before it was forgotten");
        self.bytes.get(at as usize..).unwrap_or_default()
    }

    /// Puts other bytes, all of them inside, in the place of those at `offset`.
    pub(super) fn replace(&mut self, offset: u32, bytes: &[u8]) {
        let at = (offset - self.start) as usize;
        let length = bytes.len().min(self.bytes.len() - at);
        self.bytes[at..at + length].copy_from_slice(&bytes[..length]);
    }

    /// Forgets whole blocks before `offset`; what was not reached yet is passed over.
    pub(super) fn forget(&mut self, offset: u32) {
        let keep_from = (offset & !(BLOCK_BYTES as u32 - 1)).max(self.start);
        let known = self.bytes.len().min((keep_from - self.start) as usize);
        self.bytes.drain(..known);
        self.start = keep_from;
    }
}
