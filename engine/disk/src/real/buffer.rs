//! Memory that direct I/O can be made from, used again and again. Not a cache: contents mean nothing
//! once a buffer is given back.
#![allow(unsafe_code, reason = "aligned memory cannot be had from the safe allocator interface")]

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::cell::RefCell;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::rc::{Rc, Weak};

use crate::limits::{BLOCK_BYTES, MAX_IO_BYTES, MAX_SPARE_BYTES};

/// Size classes of spare memory: powers of two of blocks, up to the largest request.
const CLASSES: usize = (MAX_IO_BYTES / BLOCK_BYTES).ilog2() as usize + 1;

/// A piece of zero-initialised memory at a block's boundary.
pub(super) struct Memory {
    start: NonNull<u8>,
    layout: Layout,
}

impl Memory {
    pub(super) fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(super) fn new(bytes: usize) -> Self {
        let layout = Layout::from_size_align(bytes.max(BLOCK_BYTES), BLOCK_BYTES)
            .expect("a buffer is far below the address space");
        // SAFETY: the layout is at least one block long.
        let start = unsafe { alloc_zeroed(layout) };
        match NonNull::new(start) {
            Some(start) => Self { start, layout },
            None => handle_alloc_error(layout),
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: `start` came from `alloc_zeroed` with this very layout and is freed only here.
        unsafe { dealloc(self.start.as_ptr(), self.layout) };
    }
}

/// Memory of one core that waits to be used again.
#[derive(Default)]
pub(super) struct Pool {
    spare: RefCell<Spare>,
}

#[derive(Default)]
struct Spare {
    classes: [Vec<Memory>; CLASSES],
    bytes: usize,
}

/// A buffer of whole blocks. Goes back to its core's pool when dropped.
pub struct RealBuffer {
    /// Taken out only by `drop`.
    memory: Option<Memory>,
    length_bytes: usize,
    pool: Weak<Pool>,
}

impl Pool {
    /// A buffer with whatever its last user left in it: for reads, which overwrite it.
    pub(super) fn take(self: &Rc<Self>, length_bytes: usize) -> RealBuffer {
        let class = class_of(length_bytes);
        let spare = class.and_then(|class| {
            let mut spare = self.spare.borrow_mut();
            let memory = spare.classes[class].pop()?;
            spare.bytes -= memory.layout.size();
            Some(memory)
        });
        let size_bytes = class.map_or(length_bytes, |class| BLOCK_BYTES << class);
        let memory = spare.unwrap_or_else(|| Memory::new(size_bytes));
        RealBuffer { memory: Some(memory), length_bytes, pool: Rc::downgrade(self) }
    }

    fn give_back(&self, memory: Memory) {
        let mut spare = self.spare.borrow_mut();
        let size_bytes = memory.layout.size();
        if let Some(class) = class_of(size_bytes)
            && spare.bytes + size_bytes <= MAX_SPARE_BYTES
        {
            spare.bytes += size_bytes;
            spare.classes[class].push(memory);
        }
    }
}

/// The class whose memory holds so many bytes; `None` above the largest.
fn class_of(bytes: usize) -> Option<usize> {
    let class = bytes.div_ceil(BLOCK_BYTES).next_power_of_two().ilog2() as usize;
    (class < CLASSES).then_some(class)
}

impl Drop for RealBuffer {
    fn drop(&mut self) {
        if let Some(memory) = self.memory.take()
            && let Some(pool) = self.pool.upgrade()
        {
            pool.give_back(memory);
        }
    }
}

impl Deref for RealBuffer {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        let memory = self.memory.as_ref().expect("taken out only by drop");
        // SAFETY: the memory is at least `length_bytes` long, initialised since it was allocated, and
        // owned by this buffer alone.
        unsafe { std::slice::from_raw_parts(memory.start.as_ptr(), self.length_bytes) }
    }
}

impl DerefMut for RealBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        let memory = self.memory.as_ref().expect("taken out only by drop");
        // SAFETY: as for `deref`; `&mut self` makes the access exclusive.
        unsafe { std::slice::from_raw_parts_mut(memory.start.as_ptr(), self.length_bytes) }
    }
}

impl fmt::Debug for RealBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RealBuffer({} bytes)", self.length_bytes)
    }
}
