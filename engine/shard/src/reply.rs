//! A one-shot answer, from a shard to whoever asked, on any thread. Not a channel: one value, once.
//!
//! One allocation a request. A mutex rather than atomics: it guards a single request, is held for a
//! move of the value, and only ever meets the other end in the instant that both are there; without
//! `unsafe` nothing hands a value over more cheaply.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use flywheel_disk::real::wake_soon;

/// The end that answers. Dropping it unused tells the other end that no answer will come.
#[derive(Debug)]
pub struct ReplySender<T> {
    slot: Option<Arc<Slot<T>>>,
}

/// The end that waits: a future of the answer. Block on it to wait with a thread.
#[derive(Debug)]
#[must_use = "the answer is lost if nobody waits for it"]
pub struct ReplyReceiver<T> {
    slot: Arc<Slot<T>>,
}

/// The sender went away without an answer: its shard is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoReply;

#[derive(Debug)]
struct Slot<T> {
    state: Mutex<State<T>>,
}

#[derive(Debug)]
enum State<T> {
    Waiting(Option<Waker>),
    Answered(T),
    Over,
}

/// Both ends of a new slot.
pub fn reply<T>() -> (ReplySender<T>, ReplyReceiver<T>) {
    let slot = Arc::new(Slot { state: Mutex::new(State::Waiting(None)) });
    (ReplySender { slot: Some(Arc::clone(&slot)) }, ReplyReceiver { slot })
}

impl<T> ReplySender<T> {
    /// Hands the answer over and wakes whoever waits.
    pub fn send(mut self, value: T) {
        if let Some(slot) = self.slot.take() {
            slot.finish(State::Answered(value));
        }
    }

    /// Whether the other end is still there.
    pub fn is_awaited(&self) -> bool {
        self.slot.as_ref().is_some_and(|slot| Arc::strong_count(slot) > 1)
    }
}

impl<T> Drop for ReplySender<T> {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            slot.finish(State::Over);
        }
    }
}

impl<T> Slot<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing panics while holding it, and the state is whole at every moment.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn finish(&self, state: State<T>) {
        let before = mem::replace(&mut *self.lock(), state);
        if let State::Waiting(Some(waker)) = before {
            wake_soon(waker);
        }
    }
}

impl<T> Future for ReplyReceiver<T> {
    type Output = Result<T, NoReply>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.slot.lock();
        if let State::Waiting(waker) = &mut *state {
            match waker {
                Some(waker) => waker.clone_from(context.waker()),
                None => *waker = Some(context.waker().clone()),
            }
            return Poll::Pending;
        }
        match mem::replace(&mut *state, State::Over) {
            State::Answered(value) => Poll::Ready(Ok(value)),
            State::Waiting(_) | State::Over => Poll::Ready(Err(NoReply)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_executor::block_on;
    use futures_util::FutureExt;

    #[test]
    fn an_answer_sent_before_waiting_is_there() {
        let (sender, receiver) = reply();
        sender.send(7);
        assert_eq!(block_on(receiver), Ok(7));
    }

    #[test]
    fn a_dropped_sender_is_an_answer_too() {
        let (sender, receiver) = reply::<u8>();
        drop(sender);
        assert_eq!(block_on(receiver), Err(NoReply));
    }

    #[test]
    fn a_pending_reply_is_not_ready_and_a_dropped_receiver_disturbs_nobody() {
        let (sender, mut receiver) = reply();
        assert_eq!((&mut receiver).now_or_never(), None);
        assert!(sender.is_awaited());
        drop(receiver);
        assert!(!sender.is_awaited());
        sender.send(1);
    }
}
