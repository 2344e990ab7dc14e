//! Work that the ring cannot do, off the core's thread, so that requests go on meanwhile. For rare
//! things: creating, renaming and deleting files.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};

use crate::error::DiskError;

struct Shared<T> {
    outcome: Option<T>,
    waiting: Option<Waker>,
}

/// Runs `work` on a thread of its own.
///
/// # Errors
/// Those of `work`, or that no thread can be started.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DiskError> + Send + 'static,
) -> Result<T, DiskError> {
    let shared = Arc::new(Mutex::new(Shared { outcome: None, waiting: None }));
    let theirs = shared.clone();
    std::thread::Builder::new()
        .name("flywheel-files".into())
        .spawn(move || {
            let outcome = work();
            let mut shared = theirs.lock().unwrap_or_else(PoisonError::into_inner);
            shared.outcome = Some(outcome);
            if let Some(waker) = shared.waiting.take() {
                waker.wake();
            }
        })
        .map_err(|error| DiskError::from_io("starting", "a thread for files", &error))?;
    poll_fn(move |context| {
        let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        match shared.outcome.take() {
            Some(outcome) => Poll::Ready(outcome),
            None => {
                shared.waiting = Some(context.waker().clone());
                Poll::Pending
            }
        }
    })
    .await
}
