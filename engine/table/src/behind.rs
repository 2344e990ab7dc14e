//! How writes wait while global indexes are behind their tables, so that these never fall back without end: first
//! they wait, for a bounded time and with a bounded number, then they are throttled, as by DynamoDB. Not how far
//! behind indexes are: see `lag`.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::limits::{MAX_TICKS_WAITED, MAX_WAITING_BYTES, MAX_WAITING_WRITES};

/// Whether indexes are behind, and who waits for them.
#[derive(Debug, Default)]
pub(crate) struct Behind {
    is_behind: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Time, as whoever follows tells it.
    tick: u64,
    next: u64,
    bytes: usize,
    waiting: BTreeMap<u64, Waker>,
}

/// A write that waits.
struct Waiting<'a> {
    behind: &'a Behind,
    number: u64,
    brings_bytes: usize,
    /// The tick behind which it waits no more.
    until: u64,
}

impl Behind {
    /// Says whether there is more to be followed than one round of following does.
    pub fn set(&self, is_behind: bool) {
        let state = self.state();
        self.is_behind.store(is_behind, Ordering::Release);
        if !is_behind {
            wake(state);
        }
    }

    /// Says that time has passed, whatever became of following.
    pub fn tick(&self) {
        let mut state = self.state();
        state.tick += 1;
        wake(state);
    }

    /// Waits until indexes are not behind; `false` if that would take too long, or too much waits already.
    pub async fn caught_up(&self, brings_bytes: usize) -> bool {
        if !self.is_behind.load(Ordering::Acquire) {
            return true;
        }
        let Some(waiting) = self.enter(brings_bytes) else { return false };
        poll_fn(|context| waiting.poll(context)).await
    }

    fn enter(&self, brings_bytes: usize) -> Option<Waiting<'_>> {
        let mut state = self.state();
        let bytes = state.bytes + brings_bytes;
        if state.waiting.len() >= MAX_WAITING_WRITES || bytes > MAX_WAITING_BYTES {
            return None;
        }
        let number = state.next;
        (state.next, state.bytes) = (number + 1, bytes);
        state.waiting.insert(number, Waker::noop().clone());
        let until = state.tick + MAX_TICKS_WAITED;
        Some(Waiting { behind: self, number, brings_bytes, until })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting<'_> {
    fn poll(&self, context: &Context<'_>) -> Poll<bool> {
        // Under the lock that is held when this changes: no change is missed.
        let mut state = self.behind.state();
        if !self.behind.is_behind.load(Ordering::Acquire) {
            return Poll::Ready(true);
        }
        if state.tick > self.until {
            return Poll::Ready(false);
        }
        state.waiting.insert(self.number, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.behind.state();
        state.waiting.remove(&self.number);
        state.bytes -= self.brings_bytes;
    }
}

/// Wakes all who wait, outside of the lock: they look for themselves.
fn wake(state: MutexGuard<'_, State>) {
    let wakers: Vec<Waker> = state.waiting.values().cloned().collect();
    drop(state);
    wakers.into_iter().for_each(Waker::wake);
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn writes_wait_while_indexes_are_behind_but_not_for_ever() {
        let behind = Behind::default();
        assert_eq!(behind.caught_up(1).now_or_never(), Some(true), "nothing is behind at first");
        behind.set(true);
        let mut waits = Box::pin(behind.caught_up(1));
        assert_eq!(waits.as_mut().now_or_never(), None);
        behind.set(false);
        assert_eq!(waits.as_mut().now_or_never(), Some(true), "all was followed");
        drop(waits);
        behind.set(true);
        let mut waits = pin!(behind.caught_up(1));
        for _ in 0..=MAX_TICKS_WAITED {
            assert_eq!(waits.as_mut().now_or_never(), None);
            behind.tick();
        }
        assert_eq!(waits.as_mut().now_or_never(), Some(false), "it has waited long enough");
    }

    #[test]
    fn what_waits_is_bounded_and_leaves_when_it_is_dropped() {
        let behind = Behind::default();
        behind.set(true);
        let mut first = Box::pin(behind.caught_up(MAX_WAITING_BYTES));
        assert_eq!(first.as_mut().now_or_never(), None);
        assert_eq!(behind.caught_up(1).now_or_never(), Some(false), "too many bytes");
        drop(first);
        let waits = || {
            let mut waits = Box::pin(behind.caught_up(1));
            assert_eq!(waits.as_mut().now_or_never(), None);
            waits
        };
        let all: Vec<_> = (0..MAX_WAITING_WRITES).map(|_| waits()).collect();
        assert_eq!(behind.caught_up(1).now_or_never(), Some(false), "too many");
        drop(all);
        drop(waits());
    }
}
