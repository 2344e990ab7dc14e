//! The signal that a server should stop: sent from any thread, heard on every core. Not the draining: see
//! `serve`.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};

/// Clones are the same signal.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    stopped: AtomicBool,
    /// Those who wait for it: one for each core.
    waiting: Mutex<Vec<Waker>>,
}

impl Stop {
    /// A signal that was not sent yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends it, once and for all.
    pub fn stop(&self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        let waiting = std::mem::take(&mut *self.waiting());
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Whether it was sent.
    pub fn is_stopped(&self) -> bool {
        self.shared.stopped.load(Ordering::SeqCst)
    }

    /// Waits until it is sent.
    pub async fn stopped(&self) {
        poll_fn(|context| {
            // Looked at under the lock: whoever sends it takes the list afterwards.
            let mut waiting = self.waiting();
            if self.is_stopped() {
                return Poll::Ready(());
            }
            if !waiting.iter().any(|known| known.will_wake(context.waker())) {
                waiting.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Waker>> {
        self.shared.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
