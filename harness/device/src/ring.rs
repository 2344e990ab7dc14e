//! One io_uring with the buffers that its I/Os use: the only file here with `unsafe`, and safe to
//! its callers. Not a scheduler: whoever drives it decides what is in flight.

#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;

use io_uring::{IoUring, opcode, squeue, types};

use crate::limits::{BLOCK_BYTES, MAX_DEPTH};
use crate::{ProbeError, RingFeatures};

/// One block of memory, aligned as direct I/O wants it.
#[derive(Clone, Copy)]
#[repr(C, align(4096))]
struct Block([u8; BLOCK_BYTES]);

const _: () = assert!(size_of::<Block>() == BLOCK_BYTES && align_of::<Block>() == BLOCK_BYTES);

/// What to do with a slot's buffer. Offsets are in bytes and multiples of [`BLOCK_BYTES`].
#[derive(Clone, Copy, Debug)]
pub enum Request {
    /// Fill the buffer from the file.
    Read { offset: u64 },
    /// Write the buffer to the file; `durable` asks that completion means durability.
    Write { offset: u64, durable: bool },
    /// `fdatasync`: the buffer is not used.
    Sync,
}

/// An I/O that has ended.
#[derive(Clone, Copy, Debug)]
pub struct Completion {
    /// The slot it was started with, free again.
    pub slot: usize,
    /// Bytes moved.
    pub moved_bytes: usize,
}

/// A ring over one file with `depth` slots, each a buffer and room for one I/O.
///
/// It must be used by the thread that made it (the kernel checks).
pub struct Ring {
    ring: IoUring,
    blocks: Vec<Block>,
    slot_blocks: usize,
    busy: Vec<bool>,
    in_flight: usize,
    features: RingFeatures,
    /// Keeps the descriptor open while I/Os name it.
    file: Arc<File>,
}

impl Ring {
    /// Makes a ring of `depth` slots (1 to [`MAX_DEPTH`]) of `slot_bytes` (a multiple of
    /// [`BLOCK_BYTES`]) over `file`.
    pub fn new(file: Arc<File>, depth: usize, slot_bytes: usize) -> Result<Self, ProbeError> {
        assert!((1..=MAX_DEPTH).contains(&depth), "a ring of depth {depth}");
        assert!(slot_bytes > 0 && slot_bytes.is_multiple_of(BLOCK_BYTES), "slots of {slot_bytes}");
        let (ring, deferred_task_run) = build(depth as u32).map_err(ProbeError::ring)?;
        let slot_blocks = slot_bytes / BLOCK_BYTES;
        let mut blocks = vec![Block([0; BLOCK_BYTES]); depth * slot_blocks];

        let registered_file = ring.submitter().register_files(&[file.as_raw_fd()]).is_ok();
        let all = libc::iovec {
            iov_base: blocks.as_mut_ptr().cast(),
            iov_len: blocks.len() * BLOCK_BYTES,
        };
        // SAFETY: `all` covers exactly the memory of `blocks`, which is never resized and lives
        // as long as the ring (see `Drop`).
        let registered_buffers = unsafe { ring.submitter().register_buffers(&[all]) }.is_ok();

        let features = RingFeatures { deferred_task_run, registered_file, registered_buffers };
        let busy = vec![false; depth];
        Ok(Self { ring, blocks, slot_blocks, busy, in_flight: 0, features, file })
    }

    /// Number of slots.
    pub fn depth(&self) -> usize {
        self.busy.len()
    }

    /// Bytes of each slot's buffer.
    pub fn slot_bytes(&self) -> usize {
        self.slot_blocks * BLOCK_BYTES
    }

    /// I/Os started and not yet ended.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// What the kernel granted.
    pub fn features(&self) -> RingFeatures {
        self.features
    }

    /// The blocks of a free slot's buffer. Panics if the slot is busy: the kernel owns it then.
    pub fn buffer(&mut self, slot: usize) -> impl Iterator<Item = &mut [u8; BLOCK_BYTES]> {
        assert!(!self.busy[slot], "the buffer of slot {slot} belongs to the kernel");
        let first = self.first_block(slot);
        // SAFETY: `first` heads `slot_blocks` blocks inside `blocks` that belong to this slot
        // alone; the kernel has let go of them (not busy), and `&mut self` keeps them from others.
        let blocks = unsafe { std::slice::from_raw_parts_mut(first, self.slot_blocks) };
        blocks.iter_mut().map(|block| &mut block.0)
    }

    /// Queues an I/O on a free slot; [`Ring::wait`] hands it to the kernel. Panics if busy.
    pub fn start(&mut self, slot: usize, request: Request) {
        assert!(!self.busy[slot], "slot {slot} already has an I/O in flight");
        let entry = self.entry(slot, request);
        // SAFETY: the entry's buffer is this slot's part of `blocks`. It is marked busy here and
        // so is not handed out by `buffer` nor used by another I/O until its completion is seen;
        // `Drop` waits for it before the memory goes. The descriptor is held open by `file`.
        unsafe { self.ring.submission().push(&entry) }
            .expect("the queue has an entry for each slot, and each slot is used once");
        self.busy[slot] = true;
        self.in_flight += 1;
    }

    /// Hands queued I/Os to the kernel and waits until at least one has ended (or a signal came).
    pub fn wait(&mut self) -> io::Result<()> {
        match self.ring.submit_and_wait(1) {
            Ok(_) => Ok(()),
            // Interrupted by a signal, or short of memory for a moment: the caller looks and waits again.
            Err(e)
                if matches!(e.raw_os_error(), Some(libc::EINTR | libc::EAGAIN | libc::EBUSY)) =>
            {
                Ok(())
            }
            Err(e) => Err(e),
        }
    }

    /// Takes one I/O that has ended, if any.
    pub fn take_completion(&mut self) -> Option<io::Result<Completion>> {
        let entry = self.ring.completion().next()?;
        let slot = entry.user_data() as usize;
        self.busy[slot] = false;
        self.in_flight -= 1;
        Some(match usize::try_from(entry.result()) {
            Ok(moved_bytes) => Ok(Completion { slot, moved_bytes }),
            Err(_) => Err(io::Error::from_raw_os_error(-entry.result())),
        })
    }

    /// The ring's entry for a request, with the slot as its mark.
    fn entry(&mut self, slot: usize, request: Request) -> squeue::Entry {
        let (fd, flags) = if self.features.registered_file {
            (types::Fd(0), squeue::Flags::FIXED_FILE)
        } else {
            (types::Fd(self.file.as_raw_fd()), squeue::Flags::empty())
        };
        let buffer = self.first_block(slot).cast::<u8>();
        let len = self.slot_bytes() as u32;
        let fixed = self.features.registered_buffers;
        let dsync = |durable: bool| if durable { libc::RWF_DSYNC } else { 0 };
        let entry = match request {
            Request::Read { offset } if fixed => {
                opcode::ReadFixed::new(fd, buffer, len, 0).offset(offset).build()
            }
            Request::Read { offset } => opcode::Read::new(fd, buffer, len).offset(offset).build(),
            Request::Write { offset, durable } if fixed => {
                let write = opcode::WriteFixed::new(fd, buffer, len, 0);
                write.offset(offset).rw_flags(dsync(durable)).build()
            }
            Request::Write { offset, durable } => {
                let write = opcode::Write::new(fd, buffer, len);
                write.offset(offset).rw_flags(dsync(durable)).build()
            }
            Request::Sync => opcode::Fsync::new(fd).flags(types::FsyncFlags::DATASYNC).build(),
        };
        entry.flags(flags).user_data(slot as u64)
    }

    /// Where a slot's buffer starts. Goes by the pointer and never borrows the whole memory, parts
    /// of which the kernel may be writing.
    fn first_block(&mut self, slot: usize) -> *mut Block {
        assert!(slot < self.depth(), "slot {slot} of a ring of {}", self.depth());
        self.blocks.as_mut_ptr().wrapping_add(slot * self.slot_blocks)
    }
}

impl Drop for Ring {
    /// Waits for I/Os in flight: the kernel writes into the buffers until they end.
    fn drop(&mut self) {
        while self.in_flight > 0 {
            if self.wait().is_err() {
                // Waiting is impossible, so the memory must outlive this ring: leak it.
                std::mem::forget(std::mem::take(&mut self.blocks));
                return;
            }
            while self.take_completion().is_some() {}
        }
    }
}

/// The quickest ring that this kernel makes, and whether it defers task work.
fn build(depth: u32) -> io::Result<(IoUring, bool)> {
    let mut quick = IoUring::builder();
    quick.setup_single_issuer().setup_defer_taskrun();
    match quick.build(depth) {
        Ok(ring) => Ok((ring, true)),
        // Linux before 6.1 knows no such flags.
        Err(e) if e.raw_os_error() == Some(libc::EINVAL) => Ok((IoUring::new(depth)?, false)),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt;

    fn one(ring: &mut Ring, request: Request) -> Completion {
        ring.start(0, request);
        loop {
            ring.wait().unwrap();
            if let Some(completion) = ring.take_completion() {
                return completion.unwrap();
            }
        }
    }

    /// Writes and reads back, with everything registered and with nothing.
    #[test]
    fn what_is_written_is_read_back_with_and_without_registration() {
        let mut options = File::options();
        options.read(true).write(true).create_new(true).custom_flags(OFlags::DIRECT.bits() as i32);
        // Beside the build's own output: a disk where `/tmp` may be memory.
        let dir = tempfile::tempdir_in(std::env::current_exe().unwrap().parent().unwrap()).unwrap();
        let file = Arc::new(options.open(dir.path().join("file")).unwrap());
        let mut ring = match Ring::new(file, 2, 2 * BLOCK_BYTES) {
            Ok(ring) => ring,
            Err(ProbeError::RingDisabled) => {
                return eprintln!("skipped: io_uring is not permitted");
            }
            Err(e) => panic!("{e}"),
        };
        let granted = ring.features();
        for (mark, features) in [(7, granted), (8, RingFeatures::default())] {
            ring.features = features;
            ring.buffer(0).for_each(|block| block.fill(mark));
            let written = one(&mut ring, Request::Write { offset: 8192, durable: true });
            assert_eq!(written.moved_bytes, 8192);
            one(&mut ring, Request::Sync);
            ring.buffer(0).for_each(|block| block.fill(0));
            assert_eq!(one(&mut ring, Request::Read { offset: 8192 }).moved_bytes, 8192);
            assert!(ring.buffer(0).all(|block| block.iter().all(|byte| *byte == mark)));
        }
    }
}
