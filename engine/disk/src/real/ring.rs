//! One core's io_uring: requests go in, completions come out. Not an executor and not files: it knows
//! descriptors, buffers and wakers.
#![allow(unsafe_code, reason = "the kernel is handed addresses, which must outlive the request")]

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use io_uring::types::{Fd, FsyncFlags, SubmitArgs, Timespec};
use io_uring::{IoUring, opcode, squeue};
use slab::Slab;

use super::buffer::RealBuffer;
use crate::limits::RING_DEPTH;

/// What the kernel is asked to do with a file.
pub(super) enum Request {
    /// Fill the buffer, from this byte of it on, from the file.
    Read { buffer: RealBuffer, from: usize, offset_bytes: u64 },
    /// Write a part of the buffer to the file.
    Write { buffer: Rc<RealBuffer>, part: Range<usize>, offset_bytes: u64 },
    /// Make what was written durable.
    Sync,
}

/// A request that the kernel has, or has answered. It keeps alive what the kernel works on.
struct Slot {
    /// Kept open, and its descriptor from being used anew, until the kernel is done.
    _file: Rc<File>,
    /// What is read into.
    buffer: Option<RealBuffer>,
    /// What is written from.
    _written: Option<Rc<RealBuffer>>,
    state: State,
}

enum State {
    /// Nobody has looked yet, or somebody waits.
    Waiting(Option<Waker>),
    /// The kernel's answer: bytes, or a negated error number.
    Answered(i32),
    /// Nobody wants the answer any more.
    Abandoned,
}

/// What became of a request.
pub(super) struct Answer {
    /// Bytes read or written, or why not.
    pub(super) outcome: io::Result<usize>,
    /// The buffer that was read into.
    pub(super) buffer: Option<RealBuffer>,
}

pub(super) struct Ring {
    ring: IoUring,
    slots: Slab<Slot>,
    /// Requests that the kernel has not answered yet.
    in_flight: usize,
}

impl Ring {
    /// A ring of the current thread, with as much of the modern modes as the kernel has.
    pub(super) fn new() -> io::Result<Self> {
        let depth = RING_DEPTH;
        let ring = IoUring::builder()
            .setup_single_issuer()
            .setup_defer_taskrun()
            .setup_taskrun_flag()
            .build(depth)
            .or_else(|_| IoUring::builder().setup_coop_taskrun().setup_taskrun_flag().build(depth))
            .or_else(|_| IoUring::builder().build(depth))?;
        Ok(Self { ring, slots: Slab::with_capacity(depth as usize), in_flight: 0 })
    }

    /// Queues a request; it goes to the kernel with the next [`Ring::turn`]. Returns its slot.
    pub(super) fn start(&mut self, file: Rc<File>, request: Request) -> io::Result<usize> {
        let entry = self.slots.vacant_entry();
        let number = entry.key();
        let fd = Fd(file.as_raw_fd());
        let (command, buffer, written) = match request {
            Request::Read { mut buffer, from, offset_bytes } => {
                let rest = &mut buffer[from..];
                let (start, length) = (rest.as_mut_ptr(), rest.len() as u32);
                let read = opcode::Read::new(fd, start, length).offset(offset_bytes).build();
                (read, Some(buffer), None)
            }
            Request::Write { buffer, part, offset_bytes } => {
                let part = &buffer[part];
                let (start, length) = (part.as_ptr(), part.len() as u32);
                let write = opcode::Write::new(fd, start, length).offset(offset_bytes).build();
                (write, None, Some(buffer))
            }
            Request::Sync => {
                (opcode::Fsync::new(fd).flags(FsyncFlags::DATASYNC).build(), None, None)
            }
        };
        let state = State::Waiting(None);
        entry.insert(Slot { _file: file, buffer, _written: written, state });
        if let Err(error) = self.push(command.user_data(number as u64)) {
            // It never reached the kernel.
            self.slots.remove(number);
            return Err(error);
        }
        Ok(number)
    }

    fn push(&mut self, command: squeue::Entry) -> io::Result<()> {
        loop {
            // SAFETY: the descriptor and the buffer that the command names are owned by its slot,
            // which is removed only once the kernel has answered.
            let pushed = unsafe { self.ring.submission().push(&command) };
            if pushed.is_ok() {
                self.in_flight += 1;
                return Ok(());
            }
            // The queue is full: hand it over, and there is room.
            tolerate(self.ring.submit())?;
        }
    }

    /// The answer to a request, once there is one; until then `waker` is called for it.
    pub(super) fn poll(&mut self, number: usize, waker: &Waker) -> Poll<Answer> {
        match &mut self.slots[number].state {
            State::Answered(_) => {
                let slot = self.slots.remove(number);
                let State::Answered(code) = slot.state else { unreachable!("matched above") };
                let outcome =
                    usize::try_from(code).map_err(|_| io::Error::from_raw_os_error(-code));
                Poll::Ready(Answer { outcome, buffer: slot.buffer })
            }
            State::Waiting(waiting) => {
                if !waiting.as_ref().is_some_and(|known| known.will_wake(waker)) {
                    *waiting = Some(waker.clone());
                }
                Poll::Pending
            }
            State::Abandoned => unreachable!("whoever abandons a request polls it no more"),
        }
    }

    /// Nobody waits for the answer any more; the buffer stays with the kernel until it comes.
    pub(super) fn abandon(&mut self, number: usize) {
        match self.slots[number].state {
            State::Answered(_) => drop(self.slots.remove(number)),
            _ => self.slots[number].state = State::Abandoned,
        }
    }

    /// Whether the kernel has requests that it has not answered.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Hands over what is queued and takes what is answered; wakers to call go to `woken`.
    pub(super) fn turn(&mut self, woken: &mut Vec<Waker>) -> io::Result<()> {
        let (queued, due) = {
            let queue = self.ring.submission();
            (!queue.is_empty(), queue.taskrun() || queue.cq_overflow())
        };
        if queued || due {
            tolerate(self.ring.submit())?;
        }
        self.reap(woken);
        Ok(())
    }

    /// As [`Ring::turn`], and waits until something is answered, or for as long as `timeout`.
    pub(super) fn turn_and_wait(
        &mut self,
        timeout: Option<Duration>,
        woken: &mut Vec<Waker>,
    ) -> io::Result<()> {
        let entered = match timeout {
            Some(timeout) => {
                let timespec = Timespec::from(timeout);
                let args = SubmitArgs::new().timespec(&timespec);
                self.ring.submitter().submit_with_args(1, &args)
            }
            None => self.ring.submit_and_wait(1),
        };
        tolerate(entered)?;
        self.reap(woken);
        Ok(())
    }

    fn reap(&mut self, woken: &mut Vec<Waker>) {
        for completion in self.ring.completion() {
            self.in_flight -= 1;
            let number = completion.user_data() as usize;
            let answered = State::Answered(completion.result());
            match std::mem::replace(&mut self.slots[number].state, answered) {
                State::Waiting(waiter) => woken.extend(waiter),
                State::Abandoned => drop(self.slots.remove(number)),
                State::Answered(_) => unreachable!("the kernel answers a request once"),
            }
        }
    }
}

/// What is no failure: the wait timed out, a signal came, or the kernel wants completions taken first.
fn tolerate(entered: io::Result<usize>) -> io::Result<()> {
    match entered {
        Ok(_) => Ok(()),
        Err(error) => match error.raw_os_error() {
            Some(libc::ETIME | libc::EINTR | libc::EBUSY | libc::EAGAIN) => Ok(()),
            _ => Err(error),
        },
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // The kernel may still write to the buffers of what is in flight: they must outlive it.
        let mut woken = Vec::new();
        while self.in_flight > 0 {
            if self.turn_and_wait(None, &mut woken).is_err() {
                // Without the ring nothing more can be learnt; better to leak than to free.
                std::mem::forget(std::mem::take(&mut self.slots));
                return;
            }
        }
    }
}
