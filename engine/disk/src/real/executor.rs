//! One core's loop: runs tasks, turns the ring, sleeps when there is nothing to do. Not threads: see
//! `core`; not files: see `file`.
//!
//! Each round takes wakes from other threads, runs what is ready (foreground and commit as they come,
//! background within its share), fires timers, and enters the kernel at most once: what the tasks
//! asked for goes in together, and what was answered comes out.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use async_task::Runnable;
use rustix::thread::CpuSet;

use super::blocking::Helpers;
use super::buffer::Pool;
use super::clock::Clock;
use super::ring::{Answer, Request, Ring};
use super::tasks::{CLASSES, Inbox, Queues, send_outgoing};
use super::timers::{Sleep, Timers};
use crate::limits::{BACKGROUND_SHARE, MAX_ROUND_US, MAX_TASKS_PER_ROUND, SLICE_US};
use crate::world::TaskClass;

/// Tasks that run between two looks at the clock.
const TASKS_PER_LOOK: usize = 4;

/// What the tasks of one core share.
pub(super) struct Machine {
    clock: Clock,
    pub(super) ring: RefCell<Ring>,
    pub(super) buffers: Rc<Pool>,
    pub(super) helpers: Helpers,
    timers: Rc<Timers>,
    queues: Rc<Queues>,
    inbox: Arc<Inbox>,
    /// When the running task's slice began; `None` until somebody asks.
    slice_began_ns: Cell<Option<u64>>,
    spin: Duration,
}

impl Machine {
    /// A machine for the current thread, whose helpers run on `processors`.
    pub(super) fn new(spin: Duration, processors: Option<CpuSet>) -> io::Result<Rc<Self>> {
        Ok(Rc::new(Self {
            clock: Clock::new(),
            ring: RefCell::new(Ring::new()?),
            buffers: Rc::default(),
            helpers: Helpers::new(processors),
            timers: Rc::default(),
            queues: Rc::default(),
            inbox: Inbox::new()?,
            slice_began_ns: Cell::new(None),
            spin,
        }))
    }

    pub(super) fn now_ns(&self) -> u64 {
        self.clock.now_ns()
    }

    pub(super) fn sleep(&self, duration: Duration) -> Sleep {
        let duration_ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Sleep::until(self.timers.clone(), self.now_ns().saturating_add(duration_ns))
    }

    pub(super) fn spawn(&self, class: TaskClass, task: impl Future<Output = ()> + 'static) {
        self.queues.spawn(&self.inbox, class, task);
    }

    /// Whether the running task has had its slice.
    pub(super) fn slice_is_over(&self) -> bool {
        let now_ns = self.now_ns();
        match self.slice_began_ns.get() {
            Some(began_ns) => now_ns - began_ns >= SLICE_US * 1000,
            None => {
                self.slice_began_ns.set(Some(now_ns));
                false
            }
        }
    }

    /// Asks the kernel; the answer comes from the returned future.
    pub(super) fn ask(self: &Rc<Self>, file: Rc<File>, request: Request) -> io::Result<Asked> {
        let slot = self.ring.borrow_mut().start(file, request)?;
        Ok(Asked { machine: self.clone(), slot: Some(slot) })
    }

    /// Runs `main` and all tasks it spawns, until `main` ends.
    pub(super) fn run<T: 'static>(
        self: &Rc<Self>,
        main: impl Future<Output = T> + 'static,
    ) -> io::Result<T> {
        let _entered = self.queues.enter(self.inbox.id());
        let _ending = Ending(self);
        let result = Rc::new(RefCell::new(None));
        let put = result.clone();
        self.spawn(TaskClass::Foreground, async move {
            let value = main.await;
            *put.borrow_mut() = Some(value);
        });
        let mut round = Round::new(self)?;
        loop {
            round.take_wakes();
            round.run_urgent();
            send_outgoing(&mut round.sent);
            round.run_background()?;
            if let Some(value) = result.borrow_mut().take() {
                return Ok(value);
            }
            round.enter_kernel()?;
        }
    }
}

/// What happens when the loop ends, be it by an error or a panic: all tasks are dropped, so that
/// whoever waits for them learns of it, and what the kernel and the helpers have is waited for. A write
/// or a rename after its core has ended would surprise whoever opens the directory next.
struct Ending<'a>(&'a Rc<Machine>);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let Machine { queues, inbox, ring, helpers, .. } = &**self.0;
        queues.drop_all(inbox);
        helpers.wait();
        inbox.close();
        // The read of the bell comes home too.
        inbox.ring_bell();
        let mut woken = Vec::new();
        while ring.borrow().in_flight() > 0 {
            if ring.borrow_mut().turn_and_wait(None, &mut woken).is_err() {
                return;
            }
        }
    }
}

/// The loop's own state between rounds: memory that is used again, and the bell.
struct Round<'a> {
    machine: &'a Rc<Machine>,
    taken: Vec<(TaskClass, Runnable)>,
    woken: Vec<Waker>,
    sent: Vec<Waker>,
    bell: Rc<File>,
    /// The read that completes when the bell rings.
    listening: Option<Asked>,
    /// Time that background tasks are ahead of their share, in nanoseconds.
    background_debt_ns: u64,
    /// Until when the debt has been worked off.
    accounted_ns: u64,
}

impl<'a> Round<'a> {
    fn new(machine: &'a Rc<Machine>) -> io::Result<Self> {
        Ok(Self {
            machine,
            taken: Vec::new(),
            woken: Vec::new(),
            sent: Vec::new(),
            bell: Rc::new(machine.inbox.bell()?),
            listening: None,
            background_debt_ns: 0,
            accounted_ns: machine.now_ns(),
        })
    }

    fn take_wakes(&mut self) {
        self.machine.inbox.take(&self.machine.queues, &mut self.taken);
    }

    /// Runs urgent tasks until none is ready, or so many have run that answers and requests must go
    /// out first, or for so long. What they make ready runs in the same round: going round sooner was measured, and
    /// cost 4 to 8 % of throughput.
    fn run_urgent(&mut self) {
        let queues = &self.machine.queues;
        for class in [TaskClass::Foreground, TaskClass::Commit] {
            let began_ns = self.machine.now_ns();
            for n in 1..=MAX_TASKS_PER_ROUND {
                let Some(runnable) = queues.pop(class) else { break };
                self.run(runnable);
                // Most tasks take a microsecond or two; some answer a whole mailbox.
                let is_look = n.is_multiple_of(TASKS_PER_LOOK);
                if is_look && self.machine.now_ns() - began_ns > MAX_ROUND_US * 1000 {
                    break;
                }
            }
        }
    }

    /// Runs one background task if their share allows, or if nothing else is to be done. Requests to
    /// the kernel go out before it, and what has been answered meanwhile counts as something to do.
    fn run_background(&mut self) -> io::Result<()> {
        let queues = &self.machine.queues;
        if queues.ready(TaskClass::Background) == 0 {
            return Ok(());
        }
        self.turn()?;
        self.woken.drain(..).for_each(Waker::wake);
        self.take_wakes();
        let began_ns = self.machine.now_ns();
        let earned_ns = (began_ns - self.accounted_ns) / BACKGROUND_SHARE;
        self.background_debt_ns = self.background_debt_ns.saturating_sub(earned_ns);
        self.accounted_ns = began_ns;
        let queues = &self.machine.queues;
        let others_wait = [TaskClass::Foreground, TaskClass::Commit]
            .into_iter()
            .any(|class| queues.ready(class) > 0);
        if self.background_debt_ns > 0 && others_wait {
            return Ok(());
        }
        if let Some(runnable) = queues.pop(TaskClass::Background) {
            self.run(runnable);
            let ended_ns = self.machine.now_ns();
            self.background_debt_ns = (ended_ns - began_ns).min(SLICE_US * 1000 * 4);
            self.accounted_ns = ended_ns;
        }
        Ok(())
    }

    fn run(&self, runnable: Runnable) {
        self.machine.slice_began_ns.set(None);
        runnable.run();
    }

    fn enter_kernel(&mut self) -> io::Result<()> {
        let machine = self.machine;
        if !self.nothing_ready() {
            self.turn()?;
        } else if !self.spin()? {
            self.sleep()?;
        }
        machine.timers.expired(machine.now_ns(), &mut self.woken);
        self.woken.drain(..).for_each(Waker::wake);
        Ok(())
    }

    fn nothing_ready(&self) -> bool {
        CLASSES.into_iter().all(|class| self.machine.queues.ready(class) == 0)
    }

    fn turn(&mut self) -> io::Result<()> {
        self.machine.ring.borrow_mut().turn(&mut self.woken)
    }

    /// Polls for a while before sleeping; says whether something came.
    fn spin(&mut self) -> io::Result<bool> {
        if self.machine.spin.is_zero() {
            return Ok(false);
        }
        let began = Instant::now();
        loop {
            self.turn()?;
            self.take_wakes();
            if !self.woken.is_empty() || !self.nothing_ready() {
                return Ok(true);
            }
            if began.elapsed() >= self.machine.spin {
                return Ok(false);
            }
            std::hint::spin_loop();
        }
    }

    /// Waits in the kernel for an answer, a timer or the bell.
    fn sleep(&mut self) -> io::Result<()> {
        let machine = self.machine;
        self.listen()?;
        if machine.inbox.fall_asleep() {
            let timeout = machine
                .timers
                .next_ns()
                .map(|at_ns| Duration::from_nanos(at_ns.saturating_sub(machine.now_ns())));
            machine.ring.borrow_mut().turn_and_wait(timeout, &mut self.woken)?;
        }
        machine.inbox.wake_up();
        Ok(())
    }

    /// Has a read of the bell in flight.
    fn listen(&mut self) -> io::Result<()> {
        let mut context = Context::from_waker(Waker::noop());
        if let Some(listening) = &mut self.listening
            && Pin::new(listening).poll(&mut context).is_pending()
        {
            return Ok(());
        }
        let buffer = self.machine.buffers.take(size_of::<u64>());
        let request = Request::Read { buffer, from: 0, offset_bytes: 0 };
        self.listening = Some(self.machine.ask(self.bell.clone(), request)?);
        Ok(())
    }
}

/// A request on its way; its answer is the future's output.
pub(super) struct Asked {
    machine: Rc<Machine>,
    slot: Option<usize>,
}

impl Future for Asked {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        let slot = self.slot.expect("not polled after its answer");
        let answer = self.machine.ring.borrow_mut().poll(slot, context.waker());
        if answer.is_ready() {
            self.slot = None;
        }
        answer
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            self.machine.ring.borrow_mut().abandon(slot);
        }
    }
}
