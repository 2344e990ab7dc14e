//! The timers of one core. Not a clock for measuring: a sleep is at least as long as asked.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// Sleepers by the nanosecond at which they wake.
#[derive(Default)]
pub(super) struct Timers {
    sleepers: RefCell<BTreeMap<(u64, u64), Waker>>,
    next_id: Cell<u64>,
}

impl Timers {
    /// Takes the sleepers whose time has come.
    pub(super) fn expired(&self, now_ns: u64, woken: &mut Vec<Waker>) {
        let mut sleepers = self.sleepers.borrow_mut();
        while let Some(first) = sleepers.first_entry() {
            if first.key().0 > now_ns {
                return;
            }
            woken.push(first.remove());
        }
    }

    /// When the next sleeper wakes.
    pub(super) fn next_ns(&self) -> Option<u64> {
        self.sleepers.borrow().first_key_value().map(|(&(at_ns, _), _)| at_ns)
    }
}

/// Waits until a moment on the machine's clock.
pub(super) struct Sleep {
    timers: Rc<Timers>,
    key: (u64, u64),
    /// Whether the moment has passed, by the clock of whoever drives the timers.
    asleep: bool,
}

impl Sleep {
    pub(super) fn until(timers: Rc<Timers>, at_ns: u64) -> Self {
        let id = timers.next_id.get();
        timers.next_id.set(id + 1);
        Self { timers, key: (at_ns, id), asleep: false }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let timers = self.timers.clone();
        let mut sleepers = timers.sleepers.borrow_mut();
        match sleepers.get_mut(&self.key) {
            Some(waker) => waker.clone_from(context.waker()),
            // Taken out by `expired`.
            None if self.asleep => return Poll::Ready(()),
            None => {
                sleepers.insert(self.key, context.waker().clone());
                self.asleep = true;
            }
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.timers.sleepers.borrow_mut().remove(&self.key);
    }
}
