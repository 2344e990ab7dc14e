//! A file's bytes as shared blocks, with the version before each: unwritten ones cost nothing, copies
//! share until written. Not aware of durability.

use std::rc::Rc;

use crate::limits::BLOCK_BYTES;

type Bytes = Rc<[u8; BLOCK_BYTES]>;

thread_local! {
    static ZEROS: Bytes = Rc::new([0; BLOCK_BYTES]);
}

#[derive(Clone, Default)]
struct Block {
    /// `None` is a block of zeros.
    now: Option<Bytes>,
    /// What stood here before the last write; `None` if there was none.
    before: Option<Bytes>,
}

/// Bytes of a fixed length, zero until written. Cloning shares the blocks.
#[derive(Clone)]
pub(super) struct Blocks {
    size_bytes: u64,
    blocks: Vec<Block>,
}

impl Blocks {
    pub(super) fn zeroed(size_bytes: u64) -> Self {
        let count = size_bytes.div_ceil(BLOCK_BYTES as u64) as usize;
        Self { size_bytes, blocks: vec![Block::default(); count] }
    }

    pub(super) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Copies the bytes at the offset into all of `target`.
    pub(super) fn read(&self, offset_bytes: u64, target: &mut [u8]) {
        for (index, within, part) in parts(offset_bytes, target.len()) {
            let length_bytes = part.len();
            match &self.blocks[index].now {
                Some(bytes) => {
                    target[part].copy_from_slice(&bytes[within..within + length_bytes]);
                }
                None => target[part].fill(0),
            }
        }
    }

    /// What stood at the offset before the last write to its block; `None` if there was none. The
    /// range lies in one block.
    pub(super) fn read_before(&self, offset_bytes: u64, length_bytes: usize) -> Option<Vec<u8>> {
        let within = (offset_bytes % BLOCK_BYTES as u64) as usize;
        let before = self.blocks[(offset_bytes / BLOCK_BYTES as u64) as usize].before.as_ref()?;
        Some(before[within..within + length_bytes].to_vec())
    }

    /// Replaces the bytes at the offset.
    pub(super) fn write(&mut self, offset_bytes: u64, bytes: &[u8]) {
        for (index, within, part) in parts(offset_bytes, bytes.len()) {
            let block = &mut self.blocks[index];
            let before = block.now.take().unwrap_or_else(zeros);
            let now = match Bytes::try_from(Rc::<[u8]>::from(&bytes[part.clone()])) {
                Ok(whole) => whole,
                Err(_) => {
                    let mut now = before.clone();
                    Rc::make_mut(&mut now)[within..within + part.len()]
                        .copy_from_slice(&bytes[part]);
                    now
                }
            };
            *block = Block { now: Some(now), before: Some(before) };
        }
    }
}

fn zeros() -> Bytes {
    ZEROS.with(Rc::clone)
}

/// Cuts a range of a file at block borders: block, offset in it, and which bytes of the range.
pub(super) fn parts(
    offset_bytes: u64,
    length_bytes: usize,
) -> impl Iterator<Item = (usize, usize, std::ops::Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        if done == length_bytes {
            return None;
        }
        let position = offset_bytes + done as u64;
        let within = (position % BLOCK_BYTES as u64) as usize;
        let start = done;
        done += (BLOCK_BYTES - within).min(length_bytes - done);
        Some(((position / BLOCK_BYTES as u64) as usize, within, start..done))
    })
}
