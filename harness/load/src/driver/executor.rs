//! One worker's executor: a fixed set of client futures, a bit each, and a nap when none is ready.
//! Not a general executor: no spawning, no I/O of its own (a target may bring a reactor), and its set never grows.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::target::Reactor;

const WORD_BITS: usize = u64::BITS as usize;

/// Which clients are ready, one bit each, and whether their worker naps.
struct Ready {
    words: Box<[AtomicU64]>,
    napping: AtomicBool,
    rouse: Rouse,
}

/// How a napping worker is roused.
enum Rouse {
    /// It is parked.
    Thread(Thread),
    /// It turns a reactor.
    Reactor(Waker),
}

/// Sets one client's bit. Many wakes of one nap cost one `unpark`.
struct ClientWaker {
    ready: Arc<Ready>,
    slot: usize,
}

impl Wake for ClientWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let ready = &self.ready;
        // Sequentially consistent with the worker's store to `napping` and its second look at the words:
        // one of the two always sees the other, so no wake is lost.
        ready.words[self.slot / WORD_BITS].fetch_or(1 << (self.slot % WORD_BITS), Ordering::SeqCst);
        if ready.napping.load(Ordering::SeqCst) && ready.napping.swap(false, Ordering::SeqCst) {
            match &ready.rouse {
                Rouse::Thread(worker) => worker.unpark(),
                Rouse::Reactor(interrupter) => interrupter.wake_by_ref(),
            }
        }
    }
}

/// What to do when no client is ready.
pub(super) enum Idle {
    /// Sleep until woken, for this long at most.
    Nap(Duration),
    /// Let every client look around: something they do not wait for has changed.
    WakeAll,
    /// Drop the clients that are left.
    Abandon,
}

/// Clients that sleep until a time.
#[derive(Default)]
pub(super) struct Timers {
    heap: RefCell<BinaryHeap<Reverse<(Instant, usize)>>>,
}

impl Timers {
    /// Sleeps until `at`, or less when the client is woken by [`Idle::WakeAll`] and `cut_short` says so.
    pub fn sleep_until(
        &self,
        slot: usize,
        at: Instant,
        cut_short: impl Fn() -> bool,
    ) -> impl Future<Output = ()> {
        let mut registered = false;
        poll_fn(move |_| {
            if Instant::now() >= at || cut_short() {
                return Poll::Ready(());
            }
            if !registered {
                self.heap.borrow_mut().push(Reverse((at, slot)));
                registered = true;
            }
            Poll::Pending
        })
    }

    fn next(&self) -> Option<Instant> {
        self.heap.borrow().peek().map(|Reverse((at, _))| *at)
    }

    /// Marks the clients whose time has come.
    fn expire(&self, ready: &Ready) {
        let mut heap = self.heap.borrow_mut();
        if heap.is_empty() {
            return;
        }
        let now = Instant::now();
        while let Some(Reverse((at, slot))) = heap.peek().copied() {
            if at > now {
                break;
            }
            heap.pop();
            ready.words[slot / WORD_BITS].fetch_or(1 << (slot % WORD_BITS), Ordering::Relaxed);
        }
    }
}

impl Ready {
    fn new(clients: usize, reactor: Option<&dyn Reactor>) -> Arc<Self> {
        Arc::new(Self {
            words: (0..clients.div_ceil(WORD_BITS)).map(|_| AtomicU64::new(0)).collect(),
            napping: AtomicBool::new(false),
            rouse: match reactor {
                Some(reactor) => Rouse::Reactor(reactor.interrupter()),
                None => Rouse::Thread(thread::current()),
            },
        })
    }

    fn mark_all(&self, clients: usize) {
        for (index, word) in self.words.iter().enumerate() {
            let here = (clients - index * WORD_BITS).min(WORD_BITS);
            word.fetch_or(u64::MAX >> (WORD_BITS - here), Ordering::Relaxed);
        }
    }

    fn any(&self) -> bool {
        self.words.iter().any(|word| word.load(Ordering::SeqCst) != 0)
    }

    /// Sleeps for `longest` unless some client is ready by then, or turns the reactor as long.
    fn nap(&self, longest: Duration, reactor: Option<&dyn Reactor>) {
        self.napping.store(true, Ordering::SeqCst);
        if !self.any() {
            match reactor {
                Some(reactor) => reactor.turn(longest),
                None => thread::park_timeout(longest),
            }
        }
        self.napping.store(false, Ordering::SeqCst);
    }
}

/// Runs `clients` to their end, or until `idle` abandons them. Returns how many were abandoned.
pub(super) fn run<F: Future<Output = ()>>(
    clients: impl Iterator<Item = F>,
    timers: &Timers,
    reactor: Option<&dyn Reactor>,
    mut idle: impl FnMut() -> Idle,
) -> u64 {
    let mut clients: Vec<Option<Pin<Box<F>>>> =
        clients.map(|client| Some(Box::pin(client))).collect();
    if let Some(reactor) = reactor {
        reactor.begin();
    }
    let ready = Ready::new(clients.len(), reactor);
    let wakers: Vec<Waker> = (0..clients.len())
        .map(|slot| Waker::from(Arc::new(ClientWaker { ready: Arc::clone(&ready), slot })))
        .collect();
    let mut left = clients.len();
    ready.mark_all(clients.len());
    while left > 0 {
        let mut polled = false;
        for (index, word) in ready.words.iter().enumerate() {
            if word.load(Ordering::Relaxed) == 0 {
                continue;
            }
            let mut bits = word.swap(0, Ordering::SeqCst);
            polled = true;
            while bits != 0 {
                let slot = index * WORD_BITS + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                // A late wake of a client that is done finds an empty slot.
                if let Some(client) = &mut clients[slot]
                    && client.as_mut().poll(&mut Context::from_waker(&wakers[slot])).is_ready()
                {
                    clients[slot] = None;
                    left -= 1;
                }
            }
        }
        timers.expire(&ready);
        let is_ready = ready.any();
        if let Some(reactor) = reactor.filter(|_| is_ready) {
            // Clients that never rest must not keep answers from those who wait for them.
            reactor.turn(Duration::ZERO);
        }
        if polled || is_ready {
            continue;
        }
        match idle() {
            Idle::Abandon => break,
            Idle::WakeAll => ready.mark_all(clients.len()),
            Idle::Nap(longest) => {
                let timer = timers.next().map(|at| at.saturating_duration_since(Instant::now()));
                let longest = timer.map_or(longest, |timer| timer.min(longest));
                ready.nap(longest, reactor);
            }
        }
    }
    left as u64
}

/// Lets the other clients of this worker have their turn.
pub(super) fn yield_now() -> impl Future<Output = ()> {
    let mut yielded = false;
    poll_fn(move |context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
}

/// Runs one future to its end on this thread: connecting, before there are clients.
pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    let ready = Ready::new(1, None);
    let waker = Waker::from(Arc::new(ClientWaker { ready: Arc::clone(&ready), slot: 0 }));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        while ready.words[0].swap(0, Ordering::SeqCst) == 0 {
            ready.nap(crate::limits::PARK_MAX, None);
        }
    }
}
