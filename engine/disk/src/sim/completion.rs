//! A value that will be there later: what a simulated request or timer hands to the task that awaits
//! it. Not a channel: one value, one waiter, one thread.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};

struct State<T> {
    value: Option<T>,
    waker: Option<Waker>,
}

/// The waiter's end.
pub(super) struct Completion<T> {
    state: Rc<RefCell<State<T>>>,
}

/// The giver's end; knows whether anybody still waits.
pub(super) struct Completer<T> {
    state: Weak<RefCell<State<T>>>,
}

/// Both ends of a value to come.
pub(super) fn completion<T>() -> (Completer<T>, Completion<T>) {
    let state = Rc::new(RefCell::new(State { value: None, waker: None }));
    (Completer { state: Rc::downgrade(&state) }, Completion { state })
}

impl<T> Completer<T> {
    /// Whether the waiter has gone.
    pub(super) fn is_abandoned(&self) -> bool {
        self.state.strong_count() == 0
    }

    /// Hands over the value and wakes the waiter; nothing happens if it has gone.
    pub(super) fn complete(self, value: T) {
        let Some(state) = self.state.upgrade() else { return };
        let waker = {
            let mut state = state.borrow_mut();
            state.value = Some(value);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Future for Completion<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut state = self.state.borrow_mut();
        if let Some(value) = state.value.take() {
            return Poll::Ready(value);
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }
}
