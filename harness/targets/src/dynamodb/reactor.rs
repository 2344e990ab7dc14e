//! Waiting for sockets: epoll, and a way to end a wait from elsewhere. Knows no connections.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::thread::{self, ThreadId};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, epoll, eventfd, poll};

use crate::limits::EVENTS_PER_TURN;

/// Which event is the interrupter's.
const INTERRUPTED: u64 = u64::MAX;

/// One worker's sockets.
pub struct Reactor {
    epoll: OwnedFd,
    interrupter: Arc<Interrupter>,
    events: Vec<epoll::Event>,
}

/// Ends a wait.
struct Interrupter {
    event: OwnedFd,
    /// Who waits: it need not be interrupted by itself.
    owner: ThreadId,
}

impl Wake for Interrupter {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if thread::current().id() != self.owner {
            // It fails only where it is set already.
            let _ = rustix::io::write(&self.event, &1u64.to_ne_bytes());
        }
    }
}

impl Reactor {
    /// For this thread.
    pub fn new() -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let token = epoll::EventData::new_u64(INTERRUPTED);
        epoll::add(&epoll, &event, token, epoll::EventFlags::IN)?;
        let owner = thread::current().id();
        let interrupter = Arc::new(Interrupter { event, owner });
        Ok(Self { epoll, interrupter, events: Vec::with_capacity(EVENTS_PER_TURN) })
    }

    /// Ends a wait, from any thread.
    pub fn interrupter(&self) -> Waker {
        Waker::from(Arc::clone(&self.interrupter))
    }

    /// Watches a socket, which is told of by this number whenever something has changed about it, until it is closed.
    pub fn watch(&self, socket: impl AsFd, number: u64) -> io::Result<()> {
        let flags = epoll::EventFlags::IN
            | epoll::EventFlags::OUT
            | epoll::EventFlags::RDHUP
            | epoll::EventFlags::ET;
        epoll::add(&self.epoll, socket, epoll::EventData::new_u64(number), flags)?;
        Ok(())
    }

    /// Waits for `longest` at most, and tells the numbers of the sockets about which something has changed.
    pub fn wait(&mut self, longest: Duration, mut changed: impl FnMut(u64)) {
        let mut timeout = Timespec { tv_sec: 0, tv_nsec: 0 };
        if longest.subsec_nanos().is_multiple_of(1_000_000) {
            timeout.tv_sec = longest.as_secs() as i64;
            timeout.tv_nsec = longest.subsec_nanos().into();
        } else {
            // epoll counts in milliseconds, which is too long for who keeps a schedule.
            let precise = Timespec {
                tv_sec: longest.as_secs() as i64,
                tv_nsec: longest.subsec_nanos().into(),
            };
            // What goes wrong here does so below, too.
            let _ = poll(&mut [PollFd::new(&self.epoll, PollFlags::IN)], Some(&precise));
        }
        self.events.clear();
        // Interrupted waits are short waits; anything else means that there are no sockets left.
        if epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(&timeout)).is_err() {
            return;
        }
        for event in &self.events {
            match event.data.u64() {
                INTERRUPTED => {
                    let _ = rustix::io::read(&self.interrupter.event, &mut [0; 8]);
                }
                number => changed(number),
            }
        }
    }
}
