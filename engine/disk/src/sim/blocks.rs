//! A file's bytes as shared blocks: unwritten ones cost nothing, copies share until written. Not
//! aware of durability.

use std::rc::Rc;

use crate::limits::BLOCK_BYTES;

/// Bytes of a fixed length, zero until written. Cloning shares the blocks.
#[derive(Clone)]
pub(super) struct Blocks {
    size_bytes: u64,
    /// `None` is a block of zeros.
    blocks: Vec<Option<Rc<[u8]>>>,
}

impl Blocks {
    pub(super) fn zeroed(size_bytes: u64) -> Self {
        let count = size_bytes.div_ceil(BLOCK_BYTES as u64) as usize;
        Self { size_bytes, blocks: vec![None; count] }
    }

    pub(super) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Copies the bytes at the offset into all of `target`.
    pub(super) fn read(&self, offset_bytes: u64, target: &mut [u8]) {
        for (index, within, part) in parts(offset_bytes, target.len()) {
            let length_bytes = part.len();
            match &self.blocks[index] {
                Some(block) => {
                    target[part].copy_from_slice(&block[within..within + length_bytes]);
                }
                None => target[part].fill(0),
            }
        }
    }

    /// Replaces the bytes at the offset.
    pub(super) fn write(&mut self, offset_bytes: u64, bytes: &[u8]) {
        for (index, within, part) in parts(offset_bytes, bytes.len()) {
            let block = &mut self.blocks[index];
            let bytes = &bytes[part];
            if bytes.len() == BLOCK_BYTES {
                *block = Some(Rc::from(bytes));
                continue;
            }
            let block = block.get_or_insert_with(|| Rc::from(vec![0; BLOCK_BYTES]));
            Rc::make_mut(block)[within..within + bytes.len()].copy_from_slice(bytes);
        }
    }
}

/// Cuts a range of a file at block borders: block, offset in it, and which bytes of the range.
fn parts(
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
