//! What the connections of one core share: the service, who is there, whether it is over. Not shared with
//! other cores.

use std::cell::{Cell, RefCell};
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;

use flywheel_disk::real::{Outgoing, RealWorld};
use slab::Slab;

use crate::limits::{MAX_PARTIAL_BYTES, MAX_SPARE_BUFFER_BYTES, MAX_SPARE_BUFFERS};
use crate::metrics::CoreMetrics;
use crate::options::ServerOptions;
use crate::service::{RequestId, Service};
use crate::sigv4::Verifier;
use crate::wire::Date;

/// One core's server.
pub(crate) struct Core<S> {
    pub(crate) world: RealWorld,
    pub(crate) options: Arc<ServerOptions>,
    pub(crate) service: S,
    pub(crate) metrics: Arc<CoreMetrics>,
    pub(crate) verifier: Verifier,
    pub(crate) date: Date,
    /// Requests under way are finished, and no new ones taken.
    draining: Cell<bool>,
    /// Nothing is finished any more.
    cut: Cell<bool>,
    /// Those who want to know of either: connections, and whoever waits for the last of them.
    connections: RefCell<Slab<Option<Waker>>>,
    waiting: RefCell<Option<Waker>>,
    partial_bytes: Cell<usize>,
    spare: RefCell<Vec<Vec<u8>>>,
    /// What the next request's name is made from.
    ids: Cell<u64>,
}

impl<S: Service> Core<S> {
    pub(crate) fn new(world: RealWorld, options: Arc<ServerOptions>, service: S) -> Rc<Self> {
        let metrics = options.metrics.core();
        let verifier = Verifier::new(&options.credentials);
        Rc::new(Self {
            world,
            service,
            metrics,
            verifier,
            options,
            date: Date::default(),
            draining: Cell::new(false),
            cut: Cell::new(false),
            connections: RefCell::default(),
            waiting: RefCell::default(),
            partial_bytes: Cell::new(0),
            spare: RefCell::default(),
            // A name need not be secret, only another one than all others: hashers are seeded at random.
            ids: Cell::new(RandomState::new().hash_one(0)),
        })
    }

    /// A name that no other request has.
    pub(crate) fn request_id(&self) -> RequestId {
        // SplitMix64: a counter, stirred.
        RequestId::from_bits([(); 4].map(|()| {
            let next = self.ids.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
            self.ids.set(next);
            let stirred = (next ^ (next >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let stirred = (stirred ^ (stirred >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            stirred ^ (stirred >> 31)
        }))
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.get()
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.cut.get()
    }

    /// From now on no new requests are taken.
    pub(crate) fn drain(&self) {
        self.draining.set(true);
        self.wake_all();
    }

    /// From now on nothing is waited for.
    pub(crate) fn cut(&self) {
        self.cut.set(true);
        self.wake_all();
    }

    fn wake_all(&self) {
        let wakers: Vec<Waker> =
            self.connections.borrow().iter().filter_map(|(_, waker)| waker.clone()).collect();
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.borrow().len()
    }

    /// Notes who waits for the last connection to end.
    pub(crate) fn wait_for_end(&self, waker: &Waker) {
        *self.waiting.borrow_mut() = Some(waker.clone());
    }

    /// Enters a connection, until the entry is dropped.
    pub(crate) fn enter(self: &Rc<Self>) -> Entry<S> {
        self.metrics.opened();
        Entry { number: self.connections.borrow_mut().insert(None), core: self.clone() }
    }

    /// Memory for answers.
    pub(crate) fn take_buffer(&self) -> Vec<u8> {
        self.spare.borrow_mut().pop().unwrap_or_default()
    }

    /// Takes memory back, unless there is enough.
    pub(crate) fn give_back(&self, outgoing: Outgoing) {
        let mut buffer = outgoing.head;
        let mut spare = self.spare.borrow_mut();
        if spare.len() < MAX_SPARE_BUFFERS && buffer.capacity() <= MAX_SPARE_BUFFER_BYTES {
            buffer.clear();
            spare.push(buffer);
        }
    }

    /// Room for so many bytes of a body that is still coming, or `None` if there are too many.
    pub(crate) fn reserve(self: &Rc<Self>) -> Reservation<S> {
        Reservation { core: self.clone(), bytes: 0 }
    }
}

/// A connection's entry in the list of all.
pub(crate) struct Entry<S> {
    core: Rc<Core<S>>,
    number: usize,
}

impl<S> Entry<S> {
    /// Notes whom to wake when it is over.
    pub(crate) fn note(&self, waker: &Waker) {
        let mut connections = self.core.connections.borrow_mut();
        let noted = &mut connections[self.number];
        if !noted.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *noted = Some(waker.clone());
        }
    }
}

impl<S> Drop for Entry<S> {
    fn drop(&mut self) {
        let noted = self.core.connections.borrow_mut().try_remove(self.number);
        // Dropped outside the borrow: a waker's end may run other code.
        drop(noted);
        self.core.metrics.closed();
        let last = self.core.connections.borrow().is_empty();
        let waiting = if last { self.core.waiting.borrow_mut().take() } else { None };
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }
}

/// A body's part of the memory for bodies that are still coming.
pub(crate) struct Reservation<S> {
    core: Rc<Core<S>>,
    bytes: usize,
}

impl<S> Reservation<S> {
    /// Asks for more; false if there is no more to be had.
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        let all = self.core.partial_bytes.get() + bytes;
        if all > MAX_PARTIAL_BYTES {
            return false;
        }
        self.core.partial_bytes.set(all);
        self.bytes += bytes;
        true
    }
}

impl<S> Drop for Reservation<S> {
    fn drop(&mut self) {
        self.core.partial_bytes.set(self.core.partial_bytes.get() - self.bytes);
    }
}
