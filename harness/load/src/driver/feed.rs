//! A trace on its way to the workers: one thread reads ahead, each worker has a bounded queue.
//! Knows nothing of when an operation is to start: that is `replay`'s.
//!
//! An operation goes to the worker that its key's hash says, so that those on one key stay in order. The thread that
//! reads waits where a queue is full. Nobody waits for it: a worker with an empty queue looks again a little later.
//! So a worker that is far behind may in the end leave the others without work; by then the schedule has slipped.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::limits::TRACE_AHEAD_MAX;
use crate::trace::{TraceEntry, TraceError, key_hash};

/// Between two looks at an empty queue whose trace is not over.
pub(super) const LOOK_AGAIN_AFTER: Duration = Duration::from_micros(200);

/// Longest wait for the reading to get ahead before a phase begins.
const HEAD_START_MAX: Duration = Duration::from_secs(1);

/// Operations, one after the other.
pub type Entries<'a> = Box<dyn Iterator<Item = Result<TraceEntry, TraceError>> + Send + 'a>;

/// One worker's queue. Alone on its cache lines.
#[derive(Default)]
#[repr(align(128))]
struct Queue {
    entries: Mutex<VecDeque<TraceEntry>>,
    has_room: Condvar,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, VecDeque<TraceEntry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the reading thread and the workers share.
pub(super) struct Feed {
    queues: Box<[Queue]>,
    /// Of each queue.
    bound: usize,
    /// How many operations it is to bring, if that is known.
    pub goal: Option<u64>,
    /// The reading has come to its end.
    has_ended: AtomicBool,
    /// The reading has been ahead by a whole queue, or has ended.
    is_ahead: AtomicBool,
    /// Nobody will take anything more.
    is_closed: AtomicBool,
    has_failed: AtomicBool,
    error: Mutex<Option<TraceError>>,
    /// How far the reading is: nothing that is still to be queued is before this.
    read_us: AtomicU64,
}

/// Closes a feed when the workers are done, or panic.
pub(super) struct Closing<'a>(&'a Feed);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Ends the phase for all when the thread that has it panics: the others would wait for what it was to take.
pub(super) struct Lifeline<'a>(pub Option<&'a Feed>);

impl Drop for Lifeline<'_> {
    fn drop(&mut self) {
        if let (Some(feed), true) = (self.0, std::thread::panicking()) {
            feed.has_failed.store(true, Ordering::SeqCst);
            feed.close();
        }
    }
}

/// Says that the reading is over, also when it panics.
struct Ending<'a>(&'a Feed);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.has_ended.store(true, Ordering::SeqCst);
        self.0.is_ahead.store(true, Ordering::SeqCst);
    }
}

impl Feed {
    pub fn new(workers: usize, goal: Option<u64>) -> Self {
        Self {
            queues: (0..workers).map(|_| Queue::default()).collect(),
            bound: (TRACE_AHEAD_MAX / workers).max(1),
            goal,
            has_ended: AtomicBool::new(false),
            is_ahead: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
            has_failed: AtomicBool::new(false),
            error: Mutex::default(),
            read_us: AtomicU64::new(0),
        }
    }

    /// Reads to the end, to the first error, or until nobody takes anything more.
    pub fn read(&self, entries: Entries<'_>) {
        let _ending = Ending(self);
        for entry in entries {
            match entry {
                Ok(entry) => {
                    self.read_us.store(entry.time_us, Ordering::SeqCst);
                    if !self.push(entry) {
                        return;
                    }
                }
                Err(error) => {
                    *self.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    self.has_failed.store(true, Ordering::SeqCst);
                    return;
                }
            }
        }
    }

    /// Queues an operation, waiting for room. `false` when nobody will take it.
    fn push(&self, entry: TraceEntry) -> bool {
        let worker = key_hash(&entry.key) % self.queues.len() as u64;
        let queue = &self.queues[worker as usize];
        let mut entries = queue.lock();
        loop {
            if self.is_closed.load(Ordering::SeqCst) {
                return false;
            }
            if entries.len() < self.bound {
                entries.push_back(entry);
                return true;
            }
            self.is_ahead.store(true, Ordering::SeqCst);
            entries = queue.has_room.wait(entries).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
        for queue in &self.queues {
            // With the lock, so that whoever is about to wait has seen it, or is woken.
            drop(queue.lock());
            queue.has_room.notify_all();
        }
    }

    /// Closes it once what is returned is dropped.
    pub fn closing(&self) -> Closing<'_> {
        Closing(self)
    }

    /// Gives the reading a head start, so that the first operations need not wait for it.
    pub fn wait_until_ahead(&self) {
        let begun = Instant::now();
        while !self.is_ahead.load(Ordering::SeqCst) && begun.elapsed() < HEAD_START_MAX {
            std::thread::sleep(LOOK_AGAIN_AFTER);
        }
    }

    /// Whether the trace turned out to be broken: then the phase is over.
    pub fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Relaxed)
    }

    /// What was wrong with the trace.
    pub fn take_error(&self) -> Option<TraceError> {
        self.error.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Worker `worker`'s end.
    pub fn outlet(&self, worker: usize) -> Outlet<'_> {
        Outlet { feed: self, queue: &self.queues[worker], at_hand: RefCell::default() }
    }
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next<T> {
    /// This.
    Is(T),
    /// Something, perhaps, not before this; the reading has not come to it.
    Unknown(T),
    /// Nothing.
    Over,
}

/// One worker's end of a feed.
pub(super) struct Outlet<'a> {
    feed: &'a Feed,
    queue: &'a Queue,
    /// Taken from the queue, all at once.
    at_hand: RefCell<VecDeque<TraceEntry>>,
}

impl Outlet<'_> {
    /// The time of the next operation.
    pub fn peek_us(&self) -> Next<u64> {
        let mut at_hand = self.at_hand.borrow_mut();
        let mut read_us = 0;
        if at_hand.is_empty() {
            // Looked at first: what was queued before is seen behind it.
            read_us = self.feed.read_us.load(Ordering::SeqCst);
            let has_ended = self.feed.has_ended.load(Ordering::SeqCst);
            let mut queued = self.queue.lock();
            if !queued.is_empty() {
                std::mem::swap(&mut *queued, &mut *at_hand);
                self.queue.has_room.notify_one();
            } else if has_ended {
                return Next::Over;
            }
        }
        at_hand.front().map_or(Next::Unknown(read_us), |entry| Next::Is(entry.time_us))
    }

    /// Takes the next operation, if it is known.
    pub fn take(&self) -> Option<TraceEntry> {
        match self.peek_us() {
            Next::Is(_) => self.at_hand.borrow_mut().pop_front(),
            Next::Unknown(_) | Next::Over => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::Operation;

    fn entry(time_us: u64, key: &str) -> TraceEntry {
        let (operation, key) = (Operation::Read, key.to_owned());
        TraceEntry { time_us, operation, key, size_bytes: None, count: None }
    }

    fn drain(outlet: &Outlet<'_>) -> Vec<u64> {
        let mut times = Vec::new();
        loop {
            match outlet.peek_us() {
                Next::Is(_) => times.extend(outlet.take().map(|entry| entry.time_us)),
                Next::Unknown(_) => std::thread::yield_now(),
                Next::Over => return times,
            }
        }
    }

    #[test]
    fn a_reader_waits_for_slow_workers_and_loses_nothing() {
        // Far more than the queues hold, and all to the same worker first.
        let count = 4 * TRACE_AHEAD_MAX as u64;
        let feed = Feed::new(2, None);
        let read = (0..count).map(|n| Ok(entry(n, if n < count / 2 { "a" } else { "b" })));
        let (of_a, of_b) = std::thread::scope(|scope| {
            scope.spawn(|| feed.read(Box::new(read)));
            let workers = [0, 1].map(|worker| {
                let feed = &feed;
                scope.spawn(move || {
                    std::thread::sleep(Duration::from_millis(20));
                    drain(&feed.outlet(worker))
                })
            });
            let [a, b] = workers.map(|worker| worker.join().expect("nothing panics"));
            (a, b)
        });
        assert!(of_a.is_sorted() && of_b.is_sorted());
        let mut all = [of_a, of_b].concat();
        all.sort_unstable();
        assert_eq!(all, (0..count).collect::<Vec<_>>());
    }

    #[test]
    fn a_closed_feed_lets_its_reader_go_also_from_a_full_queue() {
        let feed = Feed::new(1, None);
        let endless = (0..).map(|n| Ok(entry(n, "a")));
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| feed.read(Box::new(endless)));
            feed.wait_until_ahead();
            assert!(!reader.is_finished(), "the queue is full");
            assert_eq!(feed.queues[0].lock().len(), TRACE_AHEAD_MAX);
            drop(feed.closing());
        });
        assert!(!feed.has_failed());
    }

    #[test]
    fn what_stands_before_an_error_is_queued_and_the_error_kept() {
        let feed = Feed::new(1, None);
        let error = TraceError::Empty { name: "t".into() };
        feed.read(Box::new([Ok(entry(1, "a")), Err(error), Ok(entry(2, "a"))].into_iter()));
        assert!(feed.has_failed());
        assert_eq!(drain(&feed.outlet(0)), [1]);
        assert!(feed.take_error().is_some());
    }

    #[test]
    fn a_slow_reader_is_waited_for_and_not_taken_for_the_end() {
        let feed = Feed::new(1, None);
        let slow = (0..5).map(|n| {
            std::thread::sleep(Duration::from_millis(3));
            Ok(entry(n, "a"))
        });
        let times = std::thread::scope(|scope| {
            scope.spawn(|| feed.read(Box::new(slow)));
            drain(&feed.outlet(0))
        });
        assert_eq!(times, [0, 1, 2, 3, 4]);
    }
}
