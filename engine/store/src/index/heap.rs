//! Heap: what an allocation really takes, and how large to ask for so that nothing is wasted.
//! Not an allocator: it only knows the size classes of glibc's malloc on 64-bit machines.

use std::mem::size_of;

/// glibc keeps one word before each block, aligns blocks to 16 B, and never hands out less than 32.
const BLOCK_HEADER: usize = size_of::<usize>();
const BLOCK_ALIGN: usize = 2 * size_of::<usize>();
const BLOCK_MIN: usize = 4 * size_of::<usize>();

/// `Rc` keeps a strong and a weak count in front of its value.
const RC_HEADER: usize = 2 * size_of::<usize>();

/// Heap bytes that one allocation of `size` bytes takes; none for an empty one.
pub(super) fn block_bytes(size: usize) -> usize {
    match size {
        0 => 0,
        _ => (size + BLOCK_HEADER).next_multiple_of(BLOCK_ALIGN).max(BLOCK_MIN),
    }
}

/// Heap bytes that an `Rc` of a value of `size` bytes takes.
pub(super) fn rc_block_bytes(size: usize) -> usize {
    block_bytes(RC_HEADER + size)
}

/// The largest `Rc<[u8]>` that takes no more heap than one of `size` bytes.
pub(super) fn fill_rc_block(size: usize) -> usize {
    rc_block_bytes(size) - BLOCK_HEADER - RC_HEADER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filled_block_takes_no_more() {
        for size in 0..500 {
            let filled = fill_rc_block(size);
            assert!(filled >= size, "{filled} holds {size}");
            assert_eq!(rc_block_bytes(filled), rc_block_bytes(size));
            assert!(rc_block_bytes(filled + 1) > rc_block_bytes(size));
        }
    }
}
