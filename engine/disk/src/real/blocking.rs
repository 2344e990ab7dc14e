//! Work that the ring cannot do, off the core's thread, so that requests go on meanwhile. For rare
//! things: creating, renaming and deleting files.

use std::any::Any;
use std::cell::RefCell;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::thread::{self, JoinHandle};

use rustix::thread::{CpuSet, sched_setaffinity};

/// What a helper and the task that waits for it share.
struct Shared<T, F> {
    /// Taken by whoever does it.
    work: Option<F>,
    outcome: Option<Result<T, Box<dyn Any + Send>>>,
    waiting: Option<Waker>,
}

/// The threads that work for one core.
pub(super) struct Helpers {
    running: RefCell<Vec<JoinHandle<()>>>,
    /// Where they may run: a helper beside the core must not take the core's processor. `None` if
    /// that is not known.
    processors: Option<CpuSet>,
}

impl Helpers {
    pub(super) fn new(processors: Option<CpuSet>) -> Self {
        Self { running: RefCell::default(), processors }
    }

    /// Runs `work` on a thread of its own; on this one, if none can be had. Begun work goes on if the
    /// future is dropped, and is waited for by [`Helpers::wait`].
    ///
    /// # Panics
    /// If `work` does, with the same message.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        let shared = Shared { work: Some(work), outcome: None, waiting: None };
        let shared = Arc::new(Mutex::new(shared));
        let (theirs, processors) = (shared.clone(), self.processors);
        let spawned = thread::Builder::new().name("flywheel-files".into()).spawn(move || {
            if let Some(processors) = processors {
                // Where that is not allowed it runs beside the core: slower, not wrong.
                let _ = sched_setaffinity(None, &processors);
            }
            work_on(&theirs);
        });
        match spawned {
            Ok(helper) => {
                let mut running = self.running.borrow_mut();
                running.retain(|helper| !helper.is_finished());
                running.push(helper);
            }
            Err(_) => work_on(&shared),
        }
        let outcome = poll_fn(|context| {
            let mut shared = lock(&shared);
            match shared.outcome.take() {
                Some(outcome) => Poll::Ready(outcome),
                None => {
                    shared.waiting = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        });
        outcome.await.unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Waits until all work that was begun has ended.
    pub(super) fn wait(&self) {
        for helper in self.running.take() {
            // A panic of its work is its waiter's to see.
            let _ = helper.join();
        }
    }
}

fn work_on<T, F: FnOnce() -> T>(shared: &Mutex<Shared<T, F>>) {
    let Some(work) = lock(shared).work.take() else { return };
    let outcome = catch_unwind(AssertUnwindSafe(work));
    let waiting = {
        let mut shared = lock(shared);
        shared.outcome = Some(outcome);
        shared.waiting.take()
    };
    if let Some(waiting) = waiting {
        waiting.wake();
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use crate::DiskError;
    use crate::real::current;
    use crate::real::run_on_core;
    use crate::world::TaskClass;

    /// Runs `main` on a core; `None` where there can be none.
    fn on_core<T: Send + 'static>(
        main: impl AsyncFnOnce() -> T + Send + 'static,
    ) -> Option<Result<T, DiskError>> {
        if let Err(error) = io_uring::IoUring::new(8) {
            println!("skipped, because {error}");
            return None;
        }
        let core = run_on_core(0, "helped", Duration::ZERO, || async move { main().await });
        Some(core.expect("a core starts").join())
    }

    fn processors_here() -> String {
        let status = std::fs::read_to_string("/proc/thread-self/status").expect("a status");
        let list = status.lines().find(|line| line.starts_with("Cpus_allowed_list:"));
        list.expect("a list of processors").to_owned()
    }

    #[test]
    fn helpers_are_not_pinned_to_their_core() {
        let helped = on_core(async || current::machine().helpers.run(processors_here).await);
        if let Some(helped) = helped {
            assert_eq!(helped.expect("it ends"), processors_here());
        }
    }

    #[test]
    fn a_core_that_ends_waits_for_its_helpers() {
        let ended = Arc::new(AtomicBool::new(false));
        let flag = ended.clone();
        let core = on_core(async move || {
            let machine = current::machine();
            let (begin, began) = std::sync::mpsc::channel();
            machine.clone().spawn(TaskClass::Foreground, async move {
                let work = move || {
                    begin.send(()).expect("the core waits for it");
                    // Long enough for a core that does not wait to be gone.
                    std::thread::sleep(Duration::from_millis(50));
                    flag.store(true, Ordering::SeqCst);
                };
                current::machine().helpers.run(work).await;
            });
            machine.sleep(Duration::from_millis(1)).await;
            began.recv().expect("the work has begun");
        });
        if let Some(core) = core {
            core.expect("it ends");
            assert!(ended.load(Ordering::SeqCst), "the core ended before its helper");
        }
    }

    #[test]
    fn a_panic_of_a_helper_is_its_waiters() {
        let core = on_core(async || {
            let work = || panic!("in the helper");
            current::machine().helpers.run(work).await
        });
        if let Some(core) = core {
            let error = core.expect_err("it panicked");
            assert!(error.to_string().contains("in the helper"), "{error}");
        }
    }
}
