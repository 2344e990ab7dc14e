//! Waiting, on one core: a signal, a gate and a done-mark. Not for threads: plain cells, no atomics.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::error::StoreError;

/// Wakes all who wait for something to change; they look for themselves what it was.
#[derive(Default)]
pub(crate) struct Signal {
    rounds: Cell<u64>,
    waiting: RefCell<Vec<Waker>>,
}

impl Signal {
    /// Wakes all who wait now.
    pub(crate) fn notify(&self) {
        self.rounds.set(self.rounds.get() + 1);
        for waker in self.waiting.take() {
            waker.wake();
        }
    }

    /// Waits for the next [`Signal::notify`] after this call.
    pub(crate) fn wait(&self) -> impl Future<Output = ()> + '_ {
        let round = self.rounds.get();
        poll_fn(move |context| {
            if self.rounds.get() != round {
                return Poll::Ready(());
            }
            self.register(context);
            Poll::Pending
        })
    }

    /// Has the task of `context` woken by the next [`Signal::notify`].
    pub(crate) fn register(&self, context: &Context<'_>) {
        let mut waiting = self.waiting.borrow_mut();
        if !waiting.iter().any(|waker| waker.will_wake(context.waker())) {
            waiting.push(context.waker().clone());
        }
    }
}

/// Lets so many through at a time, in order of arrival.
pub(crate) struct Gate {
    capacity: usize,
    inside: Cell<usize>,
    waiting: RefCell<VecDeque<Rc<Waiter>>>,
}

#[derive(Default)]
struct Waiter {
    waker: RefCell<Option<Waker>>,
    called: Cell<bool>,
}

impl Gate {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, inside: Cell::new(0), waiting: RefCell::default() }
    }

    /// Waits for a place; dropping the pass gives it back.
    pub(crate) fn enter(&self) -> Enter<'_> {
        Enter { gate: self, waiter: None }
    }

    fn leave(&self) {
        self.inside.set(self.inside.get() - 1);
        self.call_next();
    }

    fn call_next(&self) {
        if let Some(waiter) = self.waiting.borrow_mut().pop_front() {
            waiter.called.set(true);
            if let Some(waker) = waiter.waker.take() {
                waker.wake();
            }
        }
    }
}

/// A place inside a [`Gate`].
pub(crate) struct Pass<'a>(&'a Gate);

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

pub(crate) struct Enter<'a> {
    gate: &'a Gate,
    waiter: Option<Rc<Waiter>>,
}

impl<'a> Future for Enter<'a> {
    type Output = Pass<'a>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Pass<'a>> {
        let gate = self.gate;
        let called = self.waiter.as_ref().is_some_and(|waiter| waiter.called.get());
        let free = gate.inside.get() < gate.capacity;
        let first = self.waiter.is_none() && gate.waiting.borrow().is_empty();
        if free && (called || first) {
            gate.inside.set(gate.inside.get() + 1);
            self.waiter = None;
            return Poll::Ready(Pass(gate));
        }
        if called || self.waiter.is_none() {
            // New, or called while somebody else slipped in: (again) at the end of the line.
            let waiter = Rc::new(Waiter::default());
            gate.waiting.borrow_mut().push_back(waiter.clone());
            self.waiter = Some(waiter);
        }
        let waiter = self.waiter.as_ref().expect("set above");
        *waiter.waker.borrow_mut() = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Enter<'_> {
    fn drop(&mut self) {
        let Some(waiter) = self.waiter.take() else { return };
        if waiter.called.get() {
            // Called but gone: the place must not be lost.
            self.gate.call_next();
        } else {
            self.gate.waiting.borrow_mut().retain(|other| !Rc::ptr_eq(other, &waiter));
        }
    }
}

/// Becomes done once, for all who wait.
#[derive(Default)]
pub(crate) struct Done {
    outcome: RefCell<Option<Result<(), StoreError>>>,
    waiting: RefCell<Vec<Waker>>,
    calls: RefCell<Vec<Call>>,
}

/// What is to be done with an outcome.
type Call = Box<dyn FnOnce(Result<(), StoreError>)>;

impl Done {
    pub(crate) fn finish(&self, outcome: Result<(), StoreError>) {
        *self.outcome.borrow_mut() = Some(outcome.clone());
        for call in self.calls.take() {
            call(outcome.clone());
        }
        for waker in self.waiting.take() {
            waker.wake();
        }
    }

    /// Has `call` called with the outcome, at once if it is there. For what would only wait: a call takes less
    /// than a task.
    pub(crate) fn then(&self, call: impl FnOnce(Result<(), StoreError>) + 'static) {
        let outcome = self.outcome.borrow().clone();
        match outcome {
            Some(outcome) => call(outcome),
            None => self.calls.borrow_mut().push(Box::new(call)),
        }
    }

    /// There will be no outcome: drops the calls, which may hold what holds this.
    pub(crate) fn abandon(&self) {
        drop(self.calls.take());
    }

    pub(crate) async fn wait(&self) -> Result<(), StoreError> {
        poll_fn(|context| {
            if let Some(outcome) = &*self.outcome.borrow() {
                return Poll::Ready(outcome.clone());
            }
            self.waiting.borrow_mut().push(context.waker().clone());
            Poll::Pending
        })
        .await
    }
}
