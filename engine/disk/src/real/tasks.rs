//! The tasks of one core: three queues, and the way in for wakes from other threads. Not the loop that
//! runs them: see `executor`.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;

use async_task::Runnable;
use rustix::event::{EventfdFlags, eventfd};
use slab::Slab;

use crate::world::TaskClass;

thread_local! {
    /// The queues of the executor that runs on this thread.
    static LOCAL: RefCell<Option<Rc<Queues>>> = const { RefCell::new(None) };
    /// The name of that executor; 0 if there is none.
    static LOCAL_ID: Cell<u64> = const { Cell::new(0) };
    /// Wakes for other threads that the tasks of this round caused.
    static OUTGOING: RefCell<Vec<Waker>> = const { RefCell::new(Vec::new()) };
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// Wakes a task of another thread, together with all others that this core's round wakes.
///
/// Waking a sleeping thread costs a system call, and it may push this core aside at once. Done at the
/// end of the round, one such wake brings the other thread many answers instead of one. On a thread
/// that is not a core the wake is not put off.
pub fn wake_soon(waker: Waker) {
    if LOCAL_ID.get() == 0 {
        waker.wake();
    } else {
        OUTGOING.with_borrow_mut(|outgoing| outgoing.push(waker));
    }
}

/// Sends the wakes that were put off. `sent` is kept between calls, so that its memory is used again.
pub(super) fn send_outgoing(sent: &mut Vec<Waker>) {
    // Taken out first: a wake may run code that wakes others.
    OUTGOING.with_borrow_mut(|outgoing| std::mem::swap(outgoing, sent));
    sent.drain(..).for_each(Waker::wake);
}

/// All classes, the urgent ones first.
pub(super) const CLASSES: [TaskClass; 3] =
    [TaskClass::Foreground, TaskClass::Commit, TaskClass::Background];

/// The tasks of this core: those that are ready to run, and a list of all.
#[derive(Default)]
pub(super) struct Queues {
    /// A waker of each task that has not ended: when the core ends, the tasks that still wait must be
    /// dropped, and their own wakers may be all that keeps them.
    alive: RefCell<Slab<Waker>>,
    foreground: RefCell<VecDeque<Runnable>>,
    commit: RefCell<VecDeque<Runnable>>,
    background: RefCell<VecDeque<Runnable>>,
}

impl Queues {
    fn of(&self, class: TaskClass) -> &RefCell<VecDeque<Runnable>> {
        match class {
            TaskClass::Foreground => &self.foreground,
            TaskClass::Commit => &self.commit,
            TaskClass::Background => &self.background,
        }
    }

    pub(super) fn push(&self, class: TaskClass, runnable: Runnable) {
        self.of(class).borrow_mut().push_back(runnable);
    }

    /// How many tasks of a class are ready.
    pub(super) fn ready(&self, class: TaskClass) -> usize {
        self.of(class).borrow().len()
    }

    /// Makes a task of a future, listed until it ends, and has it run.
    pub(super) fn spawn(
        self: &Rc<Self>,
        inbox: &Arc<Inbox>,
        class: TaskClass,
        future: impl Future<Output = ()> + 'static,
    ) {
        let inbox = inbox.clone();
        let schedule = move |runnable| inbox.schedule(class, runnable);
        let number = self.alive.borrow().vacant_key();
        let listed = Listed { queues: self.clone(), number };
        let task = async move {
            let _listed = listed;
            future.await;
        };
        let (runnable, task) = async_task::spawn_local(task, schedule);
        let inserted = self.alive.borrow_mut().insert(runnable.waker());
        debug_assert_eq!(inserted, number, "nothing was listed in between");
        runnable.schedule();
        task.detach();
    }

    /// Drops all tasks, ready or waiting, without running them.
    pub(super) fn drop_all(&self, inbox: &Inbox) {
        let mut taken = Vec::new();
        loop {
            // A waiting task is dropped by waking it and dropping it unrun; that may wake others.
            let alive = self.alive.take();
            alive.into_iter().for_each(|(_, waker)| waker.wake());
            inbox.take(self, &mut taken);
            let mut dropped = false;
            for class in CLASSES {
                while let Some(runnable) = self.pop(class) {
                    drop(runnable);
                    dropped = true;
                }
            }
            if !dropped {
                return;
            }
        }
    }

    pub(super) fn pop(&self, class: TaskClass) -> Option<Runnable> {
        self.of(class).borrow_mut().pop_front()
    }

    /// Makes these the queues of the current thread until the guard is dropped.
    pub(super) fn enter(self: &Rc<Self>, id: u64) -> Entered {
        LOCAL.set(Some(self.clone()));
        LOCAL_ID.set(id);
        Entered
    }
}

/// A task's entry in the list of all, which ends with the task.
struct Listed {
    queues: Rc<Queues>,
    number: usize,
}

impl Drop for Listed {
    fn drop(&mut self) {
        // Dropped outside the borrow: a waker's end may run other code.
        let waker = self.queues.alive.borrow_mut().try_remove(self.number);
        drop(waker);
    }
}

/// While it lives, wakes on this thread go to its own queues.
pub(super) struct Entered;

impl Drop for Entered {
    fn drop(&mut self) {
        send_outgoing(&mut Vec::new());
        LOCAL_ID.set(0);
        drop(LOCAL.take());
    }
}

/// Where tasks go that are woken, by whatever thread.
pub(super) struct Inbox {
    id: u64,
    woken: Mutex<Woken>,
    /// The executor sleeps, or is about to: whoever wakes a task must ring the bell.
    asleep: AtomicBool,
    bell: File,
}

#[derive(Default)]
struct Woken {
    runnables: Vec<(TaskClass, Runnable)>,
    closed: bool,
}

impl Inbox {
    pub(super) fn new() -> io::Result<Arc<Self>> {
        let bell = File::from(eventfd(0, EventfdFlags::CLOEXEC)?);
        Ok(Arc::new(Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            woken: Mutex::default(),
            asleep: AtomicBool::new(false),
            bell,
        }))
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// A copy of the bell's descriptor, to be read through the ring.
    pub(super) fn bell(&self) -> io::Result<File> {
        self.bell.try_clone()
    }

    /// Puts a task where it will run next: at once on its own thread, by way of the inbox from another.
    pub(super) fn schedule(&self, class: TaskClass, runnable: Runnable) {
        if LOCAL_ID.get() == self.id {
            LOCAL.with_borrow(|queues| match queues {
                Some(queues) => queues.push(class, runnable),
                None => unreachable!("the name is set together with the queues"),
            });
            return;
        }
        let mut woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
        if woken.closed {
            // Its executor is gone and its future may not be dropped on this thread: it stays.
            std::mem::forget(runnable);
            return;
        }
        woken.runnables.push((class, runnable));
        drop(woken);
        if self.asleep.swap(false, Ordering::SeqCst) {
            self.ring_bell();
        }
    }

    pub(super) fn ring_bell(&self) {
        // It can only fail if the count would overflow, and then it is ringing already.
        let _ = (&self.bell).write_all(&1u64.to_ne_bytes());
    }

    /// Moves tasks that other threads woke into the queues. `taken` is kept between calls, so that
    /// its memory is used again.
    pub(super) fn take(&self, queues: &Queues, taken: &mut Vec<(TaskClass, Runnable)>) {
        {
            let mut woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::swap(&mut woken.runnables, taken);
        }
        for (class, runnable) in taken.drain(..) {
            queues.push(class, runnable);
        }
    }

    /// Says that the executor is about to sleep; false if something came in before everyone knew.
    pub(super) fn fall_asleep(&self) -> bool {
        self.asleep.store(true, Ordering::SeqCst);
        let woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
        woken.runnables.is_empty()
    }

    pub(super) fn wake_up(&self) {
        self.asleep.store(false, Ordering::SeqCst);
    }

    /// Takes no more tasks: the executor has ended.
    pub(super) fn close(&self) {
        let late = {
            let mut woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
            woken.closed = true;
            std::mem::take(&mut woken.runnables)
        };
        drop(late);
    }
}
