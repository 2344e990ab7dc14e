//! A bounded queue from any thread into one shard, and the bell that wakes it. Not a reply: answers
//! come back through `reply`.
//!
//! Waking another core costs a system call, so a sender rings only if the shard has said that it is
//! about to sleep. The shard says so, then looks once more; the sender pushes, then looks whether it
//! was said. A full fence on both sides makes sure that one of them sees the other.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering, fence};
use std::task::Poll;

use crossbeam_queue::ArrayQueue;
use futures_util::task::AtomicWaker;

/// What wakes one shard, shared by all of its mailboxes.
#[derive(Debug, Default)]
pub struct Bell {
    asleep: AtomicBool,
    waker: AtomicWaker,
}

impl Bell {
    /// Wakes the shard if it sleeps or is about to.
    pub fn ring(&self) {
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::Relaxed) && self.asleep.swap(false, Ordering::AcqRel) {
            self.waker.wake();
        }
    }

    /// Sleeps until rung, or not at all if `has_work` already. For the one task that owns the bell.
    pub async fn wait(&self, has_work: impl Fn() -> bool) {
        poll_fn(|context| {
            self.waker.register(context.waker());
            self.asleep.store(true, Ordering::Relaxed);
            fence(Ordering::SeqCst);
            if !has_work() {
                return Poll::Pending;
            }
            self.asleep.store(false, Ordering::Relaxed);
            Poll::Ready(())
        })
        .await;
    }

    /// Forgets the task that waited, on its own thread: executors want their wakers back.
    pub fn forget(&self) {
        drop(self.waker.take());
    }
}

const OPEN: u8 = 0;
const CLOSED: u8 = 1;
const GONE: u8 = 2;

/// A bounded queue of messages for one shard.
pub struct Mailbox<T> {
    queue: ArrayQueue<T>,
    bell: Arc<Bell>,
    phase: AtomicU8,
    refused: AtomicU64,
}

/// Why a message was not taken; it comes back with the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused<T> {
    /// The mailbox is full.
    Full(T),
    /// The shard takes no more messages.
    Closed(T),
}

impl<T> Mailbox<T> {
    /// An open mailbox for at most `bound` messages.
    pub fn new(bound: usize, bell: Arc<Bell>) -> Self {
        let phase = AtomicU8::new(OPEN);
        Self { queue: ArrayQueue::new(bound), bell, phase, refused: AtomicU64::new(0) }
    }

    /// Puts a message in, from any thread.
    ///
    /// # Errors
    /// [`Refused`] with the message. A message taken in the moment that the shard ends is dropped.
    pub fn send(&self, message: T) -> Result<(), Refused<T>> {
        if self.phase.load(Ordering::Relaxed) != OPEN {
            return Err(Refused::Closed(message));
        }
        if let Err(message) = self.queue.push(message) {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Err(Refused::Full(message));
        }
        self.bell.ring();
        // The ring's fence orders this after the push: either the shard's last look saw the message,
        // or we see that it has looked for the last time.
        if self.phase.load(Ordering::Relaxed) == GONE {
            self.empty();
        }
        Ok(())
    }

    /// Takes the oldest message. For the shard.
    pub fn take(&self) -> Option<T> {
        self.queue.pop()
    }

    /// Whether no message waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Messages that wait.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Messages refused because it was full, so far.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Refuses messages from now on; those inside are still to be taken.
    pub fn close(&self) {
        self.phase.fetch_max(CLOSED, Ordering::SeqCst);
        self.bell.ring();
    }

    /// Ends the mailbox: nobody takes messages any more, and those inside are dropped.
    pub fn end(&self) {
        self.phase.store(GONE, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        self.empty();
    }

    fn empty(&self) {
        while self.queue.pop().is_some() {}
    }
}

impl<T> fmt::Debug for Mailbox<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mailbox({} of {})", self.queue.len(), self.queue.capacity())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_mailbox_hands_the_message_back_and_counts_it() {
        let mailbox = Mailbox::new(2, Arc::default());
        assert_eq!((mailbox.send(1), mailbox.send(2)), (Ok(()), Ok(())));
        assert_eq!(mailbox.send(3), Err(Refused::Full(3)));
        assert_eq!((mailbox.take(), mailbox.send(3), mailbox.refused()), (Some(1), Ok(()), 1));
    }

    #[test]
    fn a_closed_mailbox_keeps_what_it_has_and_an_ended_one_drops_it() {
        let mailbox = Mailbox::new(2, Arc::default());
        let message = Arc::new(());
        mailbox.send(Arc::clone(&message)).expect("room");
        mailbox.close();
        assert!(matches!(mailbox.send(Arc::clone(&message)), Err(Refused::Closed(_))));
        assert_eq!(mailbox.len(), 1);
        mailbox.end();
        mailbox.close();
        assert!(mailbox.is_empty() && mailbox.send(Arc::clone(&message)).is_err());
        assert_eq!(Arc::strong_count(&message), 1);
    }
}
