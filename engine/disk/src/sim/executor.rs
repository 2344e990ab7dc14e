//! A single-threaded executor whose every choice follows from a seed, with a clock of its own. Not
//! fast, and not fair by design: tasks run in an order that a real machine might choose one day.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::rc::{Rc, Weak};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use super::completion::{Completer, Completion, completion};
use super::plan::Op;
use super::rng::{SimRng, mix};

/// Which of the ready tasks runs next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TaskOrder {
    /// Any of them, drawn from the seed.
    #[default]
    Seeded,
    /// The one that has been ready longest.
    Fifo,
}

/// Time passes for busy tasks too: after this many polls at one instant the next timer fires even
/// though tasks are ready, so that a task that yields until an I/O is done gets its answer.
const POLLS_PER_INSTANT: u64 = 1_000;

/// After this many polls at one instant with no timer to wait for, nothing will ever change.
const POLLS_WITHOUT_HOPE: u64 = 10_000_000;

type TaskId = u64;
type ReadyList = Arc<Mutex<VecDeque<TaskId>>>;

/// Runs tasks one at a time, in an order and at times that follow from its seed.
///
/// Dropping it is a crash of the process: every task, timer and request is dropped where it stands,
/// while the [`super::SimDisk`] stays as it is.
pub struct SimExecutor {
    core: SimHandle,
    /// Lives as long as the executor: requests of a dead executor are told from those of a live one.
    _alive: Rc<()>,
}

/// What tasks and worlds see of their executor.
#[derive(Clone)]
pub(super) struct SimHandle(Rc<Core>);

struct Core {
    seed: u64,
    order: TaskOrder,
    ready: ReadyList,
    tasks: RefCell<BTreeMap<TaskId, Task>>,
    timers: RefCell<BTreeMap<(u64, u64), Timer>>,
    held: RefCell<Vec<Held>>,
    steps: Cell<u64>,
    rng: RefCell<SimRng>,
    next_id: Cell<u64>,
    now_ns: Cell<u64>,
    polls_at_instant: Cell<u64>,
    trace: Cell<u64>,
    running: Cell<bool>,
    closed: Cell<bool>,
    alive: Weak<()>,
}

struct Task {
    future: Pin<Box<dyn Future<Output = ()>>>,
    waker: Arc<TaskWaker>,
}

enum Timer {
    /// Wakes a sleeper; forgotten, without the clock moving, once the sleeper has gone.
    Wake(Completer<()>),
    /// Completes a request, whether or not anybody still waits for it.
    Run(Box<dyn FnOnce()>),
}

/// A request that ends when somebody says so.
struct Held {
    op: Op,
    path: Rc<Path>,
    run: Box<dyn FnOnce()>,
}

struct TaskWaker {
    id: TaskId,
    queued: AtomicBool,
    ready: ReadyList,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            self.ready.lock().expect("no holder panics").push_back(self.id);
        }
    }
}

impl SimExecutor {
    /// An executor that runs ready tasks in an order drawn from `seed`.
    pub fn new(seed: u64) -> Self {
        Self::with_order(seed, TaskOrder::Seeded)
    }

    /// An executor with a chosen order; all other choices are still drawn from `seed`.
    pub fn with_order(seed: u64, order: TaskOrder) -> Self {
        let alive = Rc::new(());
        let core = Core {
            seed,
            order,
            ready: ReadyList::default(),
            tasks: RefCell::default(),
            timers: RefCell::default(),
            held: RefCell::default(),
            steps: Cell::new(0),
            rng: RefCell::new(SimRng::new(seed)),
            next_id: Cell::new(0),
            now_ns: Cell::new(0),
            polls_at_instant: Cell::new(0),
            trace: Cell::new(mix(seed)),
            running: Cell::new(false),
            closed: Cell::new(false),
            alive: Rc::downgrade(&alive),
        };
        Self { core: SimHandle(Rc::new(core)), _alive: alive }
    }

    pub(super) fn handle(&self) -> &SimHandle {
        &self.core
    }

    /// The seed that every choice follows from.
    pub fn seed(&self) -> u64 {
        self.core.0.seed
    }

    /// Virtual nanoseconds since the executor was made.
    pub fn now_ns(&self) -> u64 {
        self.core.now_ns()
    }

    /// A hash of all that has happened: which task ran when, which request completed how. Two runs
    /// with equal traces did the same things in the same order.
    pub fn trace(&self) -> u64 {
        self.core.0.trace.get()
    }

    /// Steps taken so far: polls of tasks, and timers.
    pub fn steps(&self) -> u64 {
        self.core.0.steps.get()
    }

    /// Runs `main`, and the tasks it spawns, until `main` is done. Spawned tasks that are not done
    /// then stay, and go on in the next call.
    ///
    /// # Panics
    /// If `main` waits for something that can never happen; the message names the seed. A panic of
    /// any task passes through, and the seed is printed.
    pub fn block_on<T>(&self, main: impl Future<Output = T>) -> T {
        self.block_on_steps(u64::MAX, main).expect("more steps than any run has")
    }

    /// Like [`Self::block_on`], but stops dead after `steps` polls and timers: `None`. For crashes
    /// at every point of a run: what `main` held is dropped, what the disk got stays.
    pub fn block_on_steps<T>(&self, steps: u64, main: impl Future<Output = T>) -> Option<T> {
        self.block_on_checked(steps, |_| true, main)
    }

    /// Like [`Self::block_on_steps`], and calls `check` after every step with the number of
    /// [`Self::steps`] so far; where it answers false, this stops dead too.
    ///
    /// # Panics
    /// Where `check` panics, the seed is printed; and if it does anything but look: it must not
    /// spawn, sleep or ask the disk.
    pub fn block_on_checked<T>(
        &self,
        steps: u64,
        mut check: impl FnMut(u64) -> bool,
        main: impl Future<Output = T>,
    ) -> Option<T> {
        let core = &self.core.0;
        let _running = Running::enter(core);
        let mut main = pin!(main);
        let waker = core.waker();
        waker.wake_by_ref();
        let task = Waker::from(waker.clone());
        for _ in 0..steps {
            core.steps.set(core.steps.get() + 1);
            let mut ended = None;
            match core.pick() {
                Some(id) if id == waker.id => {
                    waker.queued.store(false, Ordering::Release);
                    if let Poll::Ready(value) = main.as_mut().poll(&mut Context::from_waker(&task))
                    {
                        ended = Some(value);
                    }
                }
                Some(id) => core.poll(id),
                None => core.advance(),
            }
            let before = (core.trace.get(), core.next_id.get());
            let goes_on = check(core.steps.get());
            assert_eq!(before, (core.trace.get(), core.next_id.get()), "a check only looks");
            if ended.is_some() || !goes_on {
                return ended;
            }
        }
        None
    }
}

impl Drop for SimExecutor {
    fn drop(&mut self) {
        let core = &self.core.0;
        core.closed.set(true);
        // Out of their cells before they are dropped: what they own may call back into the executor.
        let tasks = core.tasks.take();
        let timers = core.timers.take();
        let held = core.held.take();
        drop(tasks);
        drop(timers);
        drop(held);
        core.ready.lock().expect("no holder panics").clear();
    }
}

impl SimHandle {
    pub(super) fn now_ns(&self) -> u64 {
        self.0.now_ns.get()
    }

    /// Dead once the executor has been dropped.
    pub(super) fn alive(&self) -> Weak<()> {
        self.0.alive.clone()
    }

    pub(super) fn seed(&self) -> u64 {
        self.0.seed
    }

    /// A generator of its own, so that what one world draws does not shift what another does.
    pub(super) fn fork_rng(&self) -> SimRng {
        SimRng::new(self.0.rng.borrow_mut().next_u64())
    }

    pub(super) fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        if self.0.closed.get() {
            return;
        }
        let waker = self.0.waker();
        let task = Task { future: Box::pin(future), waker: waker.clone() };
        self.0.tasks.borrow_mut().insert(waker.id, task);
        waker.wake_by_ref();
    }

    pub(super) fn sleep(&self, duration: Duration) -> Completion<()> {
        let (completer, completion) = completion();
        let duration_ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.0.set_timer(duration_ns, Timer::Wake(completer));
        completion
    }

    /// Runs `action` after `delay_ns`, unless the executor is dropped before.
    pub(super) fn after(&self, delay_ns: u64, action: impl FnOnce() + 'static) {
        self.0.set_timer(delay_ns, Timer::Run(Box::new(action)));
    }

    /// Keeps `run` until it is released, unless the executor is dropped before.
    pub(super) fn hold(&self, op: Op, path: Rc<Path>, run: impl FnOnce() + 'static) {
        if !self.0.closed.get() {
            self.0.held.borrow_mut().push(Held { op, path, run: Box::new(run) });
        }
    }

    pub(super) fn held(&self) -> Vec<(Op, PathBuf)> {
        self.0.held.borrow().iter().map(|held| (held.op, held.path.to_path_buf())).collect()
    }

    pub(super) fn release_held(&self, index: usize) {
        let count = self.0.held.borrow().len();
        assert!(index < count, "there is no request {index} of the {count} that are held");
        let held = self.0.held.borrow_mut().remove(index);
        (held.run)();
    }

    /// Makes an event part of the trace.
    pub(super) fn record(&self, event: &[u64]) {
        self.0.record(event);
    }
}

impl Core {
    fn new_id(&self) -> u64 {
        self.next_id.replace(self.next_id.get() + 1)
    }

    fn waker(&self) -> Arc<TaskWaker> {
        let queued = AtomicBool::new(false);
        Arc::new(TaskWaker { id: self.new_id(), queued, ready: self.ready.clone() })
    }

    fn record(&self, event: &[u64]) {
        let trace = event.iter().fold(self.trace.get(), |hash, &word| mix(hash ^ mix(word)));
        self.trace.set(trace);
    }

    fn set_timer(&self, delay_ns: u64, timer: Timer) {
        if self.closed.get() {
            return;
        }
        let at_ns = self.now_ns.get().saturating_add(delay_ns);
        self.timers.borrow_mut().insert((at_ns, self.new_id()), timer);
    }

    /// Takes the task to run next off the ready list; `None` when it is time for the clock to move.
    fn pick(&self) -> Option<TaskId> {
        let polls = self.polls_at_instant.get();
        self.polls_at_instant.set(polls + 1);
        if polls >= POLLS_PER_INSTANT && !self.timers.borrow().is_empty() {
            return None;
        }
        assert!(
            polls < POLLS_WITHOUT_HOPE,
            "livelock in the simulation with seed {}: {polls} polls at {} ns and no timer is set",
            self.seed,
            self.now_ns.get()
        );
        let mut ready = self.ready.lock().expect("no holder panics");
        let id = match self.order {
            TaskOrder::Fifo => ready.pop_front(),
            TaskOrder::Seeded if ready.is_empty() => None,
            TaskOrder::Seeded => {
                let index = self.rng.borrow_mut().below(ready.len() as u64);
                ready.swap_remove_back(index as usize)
            }
        }?;
        drop(ready);
        self.record(&[id, self.now_ns.get()]);
        Some(id)
    }

    fn poll(&self, id: TaskId) {
        // Taken out while it runs: it may spawn others. A wake of a task that is done finds nothing.
        let Some(mut task) = self.tasks.borrow_mut().remove(&id) else { return };
        task.waker.queued.store(false, Ordering::Release);
        let waker = Waker::from(task.waker.clone());
        if task.future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            self.tasks.borrow_mut().insert(id, task);
        }
    }

    /// Moves the clock to the next timer.
    fn advance(&self) {
        // All timers may turn out to be abandoned; if tasks are ready then, they simply go on.
        let ready = |core: &Self| !core.ready.lock().expect("no holder panics").is_empty();
        assert!(
            self.fire_next_timer() || ready(self),
            "deadlock in the simulation with seed {}: at {} ns the main task waits, {} other tasks \
             wait, {} requests are held, no task is ready and no timer is set",
            self.seed,
            self.now_ns.get(),
            self.tasks.borrow().len(),
            self.held.borrow().len()
        );
    }

    /// Moves the clock to the next timer that somebody cares for and fires it. False if none is set.
    fn fire_next_timer(&self) -> bool {
        loop {
            let first = self.timers.borrow_mut().pop_first();
            let Some(((at_ns, _), timer)) = first else { return false };
            if matches!(&timer, Timer::Wake(completer) if completer.is_abandoned()) {
                continue;
            }
            self.now_ns.set(at_ns);
            self.polls_at_instant.set(0);
            match timer {
                Timer::Wake(completer) => completer.complete(()),
                Timer::Run(action) => action(),
            }
            return true;
        }
    }
}

/// Marks the executor as running, and names the seed if a task panics.
struct Running<'a>(&'a Core);

impl<'a> Running<'a> {
    fn enter(core: &'a Core) -> Self {
        assert!(!core.running.replace(true), "the executor runs already: await instead");
        Self(core)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.set(false);
        if std::thread::panicking() {
            eprintln!("the simulation that panicked had seed {}", self.0.seed);
        }
    }
}
