//! One core's io_uring: requests go in, completions come out. Not an executor, not files and not sockets:
//! it knows descriptors, buffers and wakers.
#![allow(unsafe_code, reason = "the kernel is handed addresses, which must outlive the request")]

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use io_uring::types::{Fd, FsyncFlags, SubmitArgs, Timespec};
use io_uring::{IoUring, cqueue, opcode, squeue};
use slab::Slab;

use super::buffer::RealBuffer;
use super::net::{Message, Provided};
use crate::limits::{MAX_UNREAPED, RING_DEPTH};

/// What the kernel is asked to do with a file or a socket.
pub(super) enum Request {
    /// Fill the buffer, from this byte of it on, from the file.
    Read { buffer: RealBuffer, from: usize, offset_bytes: u64 },
    /// Write a part of the buffer to the file.
    Write { buffer: Rc<RealBuffer>, part: Range<usize>, offset_bytes: u64 },
    /// Make what was written durable.
    Sync,
    /// Take a connection from a listening socket.
    Accept,
    /// Wait until a socket has something to read, or has ended.
    Readable,
    /// Read what a socket has into one of the ring's own buffers, once there is something.
    Receive,
    /// Read what a socket has by now.
    ReceiveInto { buffer: RealBuffer },
    /// Send as much of the message as the socket takes.
    Send { message: Box<Message> },
}

/// A request that the kernel has, or has answered. It keeps alive what the kernel works on.
struct Slot {
    /// Kept open, and its descriptor from being used anew, until the kernel is done.
    _file: Option<Rc<File>>,
    /// What is read into.
    buffer: Option<RealBuffer>,
    /// What is written from.
    _written: Option<Rc<RealBuffer>>,
    /// What is sent.
    message: Option<Box<Message>>,
    ending: Ending,
    state: State,
}

/// What is owed when nobody wants the answer to a request any more.
#[derive(Clone, Copy, PartialEq)]
enum Ending {
    /// It ends by itself, and soon.
    Wait,
    /// It may never end by itself: the kernel is told to give it up.
    Cancel,
    /// The same, and what it brings is a descriptor that must be closed.
    CancelAndClose,
}

/// The ring's own buffers, or the knowledge that the kernel has no such thing.
type Buffers = Result<Rc<Provided>, ()>;

/// The name of requests to give up others: nobody waits for their answers.
const CANCELLATION: u64 = u64::MAX;

enum State {
    /// Nobody has looked yet, or somebody waits.
    Waiting(Option<Waker>),
    /// The kernel's answer: bytes, or a negated error number; and the ring's own buffer that it used.
    Answered(i32, Option<u16>),
    /// Nobody wants the answer any more.
    Abandoned,
}

/// What became of a request.
pub(super) struct Answer {
    /// Bytes read or written, or why not.
    pub(super) outcome: io::Result<usize>,
    /// The buffer that was read into.
    pub(super) buffer: Option<RealBuffer>,
    /// Which of the ring's own buffers it was.
    pub(super) provided: Option<u16>,
    /// The message that was sent from.
    pub(super) message: Option<Box<Message>>,
}

pub(super) struct Ring {
    ring: IoUring,
    slots: Slab<Slot>,
    /// Requests that the kernel has not answered yet.
    in_flight: usize,
    /// Memory for what sockets receive, made with the first of them. `Err` where the kernel has no
    /// such thing. Given up after `ring`, which may write to it.
    provided: Option<Buffers>,
    /// Wakers of what was answered while requests were still being queued.
    woken_early: Vec<Waker>,
}

impl Ring {
    /// A ring of the current thread, with as much of the modern modes as the kernel has.
    pub(super) fn new() -> io::Result<Self> {
        let depth = RING_DEPTH;
        // Many sockets may have something at once; what does not fit the kernel keeps, at a price.
        let builder = || {
            let mut builder = IoUring::builder();
            builder.setup_cqsize(MAX_UNREAPED);
            builder
        };
        let ring = builder()
            .setup_single_issuer()
            .setup_defer_taskrun()
            .setup_taskrun_flag()
            .build(depth)
            .or_else(|_| builder().setup_coop_taskrun().setup_taskrun_flag().build(depth))
            .or_else(|_| IoUring::builder().build(depth))?;
        Ok(Self {
            ring,
            slots: Slab::with_capacity(depth as usize),
            in_flight: 0,
            provided: None,
            woken_early: Vec::new(),
        })
    }

    /// The ring's own buffers; `None` where the kernel has no such thing.
    pub(super) fn provided(&mut self) -> Option<Rc<Provided>> {
        let made = self.provided.get_or_insert_with(|| {
            // What cannot be had now is not asked for again with every read.
            Provided::register(&self.ring).map(Rc::new).map_err(drop)
        });
        made.as_ref().ok().cloned()
    }

    /// As on a kernel that has no such thing.
    #[cfg(test)]
    pub(super) fn forgo_provided(&mut self) {
        self.provided = Some(Err(()));
    }

    /// Queues a request; it goes to the kernel with the next [`Ring::turn`]. Returns its slot.
    pub(super) fn start(&mut self, file: Rc<File>, request: Request) -> io::Result<usize> {
        let (command, mut slot) = prepare(Fd(file.as_raw_fd()), request);
        slot._file = Some(file);
        let number = self.slots.insert(slot);
        if let Err(error) = self.push(command.user_data(number as u64)) {
            // It never reached the kernel.
            self.slots.remove(number);
            return Err(error);
        }
        Ok(number)
    }

    fn push(&mut self, command: squeue::Entry) -> io::Result<()> {
        loop {
            // SAFETY: the descriptor and the memory that the command names are owned by its slot,
            // which is removed only once the kernel has answered, or by the ring itself.
            let pushed = unsafe { self.ring.submission().push(&command) };
            if pushed.is_ok() {
                self.in_flight += 1;
                return Ok(());
            }
            // The queue is full: hand it over, and there is room. Kernels before 5.19 take nothing
            // while they keep answers back, so those are taken first.
            let mut woken = std::mem::take(&mut self.woken_early);
            self.reap(&mut woken);
            self.woken_early = woken;
            tolerate(self.ring.submit())?;
        }
    }

    /// The answer to a request, once there is one; until then `waker` is called for it.
    pub(super) fn poll(&mut self, number: usize, waker: &Waker) -> Poll<Answer> {
        match &mut self.slots[number].state {
            &mut State::Answered(code, provided) => {
                let Slot { buffer, message, .. } = self.slots.remove(number);
                let outcome =
                    usize::try_from(code).map_err(|_| io::Error::from_raw_os_error(-code));
                Poll::Ready(Answer { outcome, buffer, provided, message })
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
        let slot = &mut self.slots[number];
        if let State::Answered(code, provided) = slot.state {
            let slot = self.slots.remove(number);
            return discard(self.provided.as_ref(), &slot, code, provided);
        }
        slot.state = State::Abandoned;
        if slot.ending != Ending::Wait {
            let cancel = opcode::AsyncCancel::new(number as u64).build().user_data(CANCELLATION);
            // Without room for it the request ends with its socket, or with the ring.
            let _ = self.push(cancel);
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
            _ if !self.woken_early.is_empty() => self.ring.submit(),
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
        woken.append(&mut self.woken_early);
        for completion in self.ring.completion() {
            self.in_flight -= 1;
            if completion.user_data() == CANCELLATION {
                continue;
            }
            let number = completion.user_data() as usize;
            let code = completion.result();
            let provided = cqueue::buffer_select(completion.flags());
            let answered = State::Answered(code, provided);
            match std::mem::replace(&mut self.slots[number].state, answered) {
                State::Waiting(waiter) => woken.extend(waiter),
                State::Abandoned => {
                    let slot = self.slots.remove(number);
                    discard(self.provided.as_ref(), &slot, code, provided);
                }
                State::Answered(..) => unreachable!("the kernel answers a request once"),
            }
        }
    }
}

/// Gives back what an answer brought that nobody wants.
fn discard(buffers: Option<&Buffers>, slot: &Slot, code: i32, provided: Option<u16>) {
    if let (Some(id), Some(Ok(buffers))) = (provided, buffers) {
        buffers.give_back(id);
    }
    if slot.ending == Ending::CancelAndClose && code >= 0 {
        // SAFETY: the kernel has just made this descriptor for us, and nobody else knows it.
        drop(unsafe { OwnedFd::from_raw_fd(code) });
    }
}

/// What the kernel is told, and the slot that keeps alive what it is told of.
fn prepare(fd: Fd, request: Request) -> (squeue::Entry, Slot) {
    let mut slot = Slot {
        _file: None,
        buffer: None,
        _written: None,
        message: None,
        ending: Ending::Wait,
        state: State::Waiting(None),
    };
    let command = match request {
        Request::Read { mut buffer, from, offset_bytes } => {
            let rest = &mut buffer[from..];
            let (start, length) = (rest.as_mut_ptr(), rest.len() as u32);
            slot.buffer = Some(buffer);
            opcode::Read::new(fd, start, length).offset(offset_bytes).build()
        }
        Request::Write { buffer, part, offset_bytes } => {
            let written = &buffer[part];
            let (start, length) = (written.as_ptr(), written.len() as u32);
            slot._written = Some(buffer);
            opcode::Write::new(fd, start, length).offset(offset_bytes).build()
        }
        Request::Sync => opcode::Fsync::new(fd).flags(FsyncFlags::DATASYNC).build(),
        Request::Accept => {
            slot.ending = Ending::CancelAndClose;
            let nobody = (std::ptr::null_mut(), std::ptr::null_mut());
            opcode::Accept::new(fd, nobody.0, nobody.1).flags(libc::SOCK_CLOEXEC).build()
        }
        Request::Readable => {
            slot.ending = Ending::Cancel;
            opcode::PollAdd::new(fd, libc::POLLIN as u32).build()
        }
        Request::Receive => {
            slot.ending = Ending::Cancel;
            Provided::receive(fd)
        }
        Request::ReceiveInto { mut buffer } => {
            let (start, length) = (buffer.as_mut_ptr(), buffer.len() as u32);
            slot.buffer = Some(buffer);
            opcode::Recv::new(fd, start, length).flags(libc::MSG_DONTWAIT).build()
        }
        Request::Send { mut message } => {
            slot.ending = Ending::Cancel;
            let header = message.header();
            slot.message = Some(message);
            opcode::SendMsg::new(fd, header).flags(libc::MSG_NOSIGNAL as u32).build()
        }
    };
    (command, slot)
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
                std::mem::forget(self.provided.take());
                return;
            }
        }
    }
}
