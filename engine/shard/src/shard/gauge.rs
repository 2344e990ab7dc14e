//! A count of what is under way on this core, and a wait for none. Not a bound: it never refuses.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::{Poll, Waker};

/// How many are under way.
#[derive(Debug, Default)]
pub(crate) struct Gauge {
    count: Cell<usize>,
    waiting: RefCell<Vec<Waker>>,
}

impl Gauge {
    pub fn count(&self) -> usize {
        self.count.get()
    }

    pub fn enter(&self) {
        self.count.set(self.count.get() + 1);
    }

    pub fn leave(&self) {
        let left = self.count.get().checked_sub(1).expect("each that leaves has entered");
        self.count.set(left);
        if left == 0 {
            self.waiting.take().into_iter().for_each(Waker::wake);
        }
    }

    /// Waits until none is under way. More may have entered by the time the waiter runs again.
    pub async fn idle(&self) {
        poll_fn(|context| {
            if self.count.get() == 0 {
                return Poll::Ready(());
            }
            let mut waiting = self.waiting.borrow_mut();
            if !waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                waiting.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn idle_means_that_all_have_left() {
        let gauge = Gauge::default();
        assert_eq!(gauge.idle().now_or_never(), Some(()));
        gauge.enter();
        gauge.enter();
        gauge.leave();
        assert_eq!(gauge.idle().now_or_never(), None);
        gauge.leave();
        assert_eq!((gauge.idle().now_or_never(), gauge.count()), (Some(()), 0));
    }
}
