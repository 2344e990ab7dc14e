//! The ring's own buffers: the kernel picks one once a socket has something, so that a socket that
//! waits holds none. Not the buffers of files, which somebody asks for.
#![allow(unsafe_code, reason = "memory that the kernel writes to while nobody here looks at it")]

use std::cell::Cell;
use std::fmt;
use std::io;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::types::{BufRingEntry, Fd};
use io_uring::{IoUring, opcode, squeue};

use crate::limits::{BLOCK_BYTES, RECEIVE_BUFFERS, RECEIVE_BYTES};
use crate::real::buffer::{Memory, RealBuffer};

/// `IORING_RECVSEND_POLL_FIRST`: a buffer is picked once there is something, not before the wait. As old as
/// the buffers themselves.
const POLL_FIRST: u16 = 1;

/// The name of our only group of buffers.
const GROUP: u16 = 0;

/// Buffers of one ring, each either the kernel's or a [`Received`]'s.
pub(in crate::real) struct Provided {
    /// Where buffers are handed to the kernel: an entry each, as its `io_uring_buf_ring`.
    entries: Memory,
    buffers: Memory,
    /// How many were ever handed over, modulo 2^16: what the kernel reads as the ring's tail.
    tail: Cell<u16>,
}

impl Provided {
    /// Makes the buffers and tells the kernel of them.
    pub(in crate::real) fn register(ring: &IoUring) -> io::Result<Self> {
        let entry_bytes = size_of::<BufRingEntry>() * usize::from(RECEIVE_BUFFERS);
        let entries = Memory::new(entry_bytes.next_multiple_of(BLOCK_BYTES));
        let buffers = Memory::new(RECEIVE_BYTES * usize::from(RECEIVE_BUFFERS));
        let provided = Self { entries, buffers, tail: Cell::new(0) };
        let address = provided.entries.start().as_ptr() as u64;
        // SAFETY: the entries are a block's boundary long and aligned, and live until the ring is
        // gone: it drops them after itself.
        unsafe {
            ring.submitter().register_buf_ring_with_flags(address, RECEIVE_BUFFERS, GROUP, 0)?;
        }
        (0..RECEIVE_BUFFERS).for_each(|id| provided.give_back(id));
        Ok(provided)
    }

    /// A read of a socket into whichever buffer the kernel picks.
    pub(in crate::real) fn receive(fd: Fd) -> squeue::Entry {
        let read = opcode::Recv::new(fd, std::ptr::null_mut(), RECEIVE_BYTES as u32);
        read.ioprio(POLL_FIRST).buf_group(GROUP).build().flags(squeue::Flags::BUFFER_SELECT)
    }

    /// Hands a buffer to the kernel, whose it was not.
    pub(in crate::real) fn give_back(&self, id: u16) {
        assert!(id < RECEIVE_BUFFERS, "the kernel answers with buffer {id}, which does not exist");
        let tail = self.tail.get();
        let at = usize::from(tail & (RECEIVE_BUFFERS - 1));
        let entries = self.entries.start().as_ptr().cast::<BufRingEntry>();
        // SAFETY: `at` is within the entries, which live as long as `self`; the kernel does not look
        // at an entry before the tail has passed it. The tail shares the first entry's memory, in a
        // field that none of these setters touches.
        unsafe {
            let entry = &mut *entries.add(at);
            entry.set_addr(self.buffer(id) as u64);
            entry.set_len(RECEIVE_BYTES as u32);
            entry.set_bid(id);
        }
        self.tail.set(tail.wrapping_add(1));
        // SAFETY: the tail lies within the first entry, is aligned for its type, and is written by
        // this thread alone; the kernel only reads it.
        let shared = unsafe { AtomicU16::from_ptr(BufRingEntry::tail(entries).cast_mut()) };
        shared.store(self.tail.get(), Ordering::Release);
    }

    fn buffer(&self, id: u16) -> *mut u8 {
        // SAFETY: there are as many buffers in this memory as there are numbers.
        unsafe { self.buffers.start().as_ptr().add(usize::from(id) * RECEIVE_BYTES) }
    }
}

/// Bytes that a socket received, in memory that many sockets share: kept no longer than it takes to
/// look at them. Empty at the end of the stream.
pub struct Received {
    memory: Source,
    length_bytes: usize,
}

enum Source {
    /// One of the ring's own buffers.
    Provided { buffers: Rc<Provided>, id: u16 },
    /// A buffer of the core's pool.
    Pool(RealBuffer),
    /// The end of the stream came without a buffer.
    Nothing,
}

impl Received {
    /// What the kernel put into a buffer of its choice.
    pub(super) fn provided(buffers: Rc<Provided>, id: u16, length_bytes: usize) -> Self {
        assert!(length_bytes <= RECEIVE_BYTES, "{length_bytes} bytes in a buffer");
        Self { memory: Source::Provided { buffers, id }, length_bytes }
    }

    /// What the kernel put into a buffer of ours.
    pub(super) fn pool(buffer: RealBuffer, length_bytes: usize) -> Self {
        assert!(length_bytes <= buffer.len(), "{length_bytes} bytes in a buffer");
        Self { memory: Source::Pool(buffer), length_bytes }
    }

    /// The end of the stream.
    pub(super) fn nothing() -> Self {
        Self { memory: Source::Nothing, length_bytes: 0 }
    }
}

impl Deref for Received {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match &self.memory {
            Source::Provided { buffers, id } => {
                let start = buffers.buffer(*id);
                // SAFETY: the kernel has written this buffer and does not touch it again before it
                // is given back, which is when `self` is dropped; it was zeroed before that.
                unsafe { std::slice::from_raw_parts(start, self.length_bytes) }
            }
            Source::Pool(buffer) => &buffer[..self.length_bytes],
            Source::Nothing => &[],
        }
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        if let Source::Provided { buffers, id } = &self.memory {
            buffers.give_back(*id);
        }
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Received({} bytes)", self.length_bytes)
    }
}
