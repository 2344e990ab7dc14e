//! A request on its way through the simulated machine: what the seed has in store for it, and how it
//! ends. Not what it does to the disk: files and worlds say that.

use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::path::Path;
use std::rc::{Rc, Weak};

use super::completion::completion;
use super::disk::SimDisk;
use super::executor::SimHandle;
use super::options::SimOptions;
use super::plan::{Fault, Op};
use super::rng::{SimRng, mix};
use crate::error::{DiskError, DiskFault};

/// What a world and its files share.
pub(super) struct Machine {
    pub(super) executor: SimHandle,
    pub(super) disk: SimDisk,
    pub(super) options: SimOptions,
    rng: RefCell<SimRng>,
    /// The disk's epoch when this machine was started.
    epoch: u64,
}

/// A path, and its share in the trace.
#[derive(Clone)]
pub(super) struct Name {
    pub(super) path: Rc<Path>,
    hash: u64,
}

impl Name {
    pub(super) fn of(path: &Path) -> Self {
        Self { path: Rc::from(path), hash: hash(path.as_os_str().as_encoded_bytes()) }
    }
}

/// A request that has begun.
pub(super) struct Request {
    op: Op,
    name: Name,
    /// Its own, and the same few numbers are drawn from it whatever the rates: so no fault shifts
    /// what another request draws, or which other faults hit this one.
    pub(super) rng: SimRng,
    /// How long it takes.
    time_ns: u64,
    /// Whether it is to fail, by plan or by rate.
    pub(super) fails: bool,
    held: bool,
}

impl Request {
    /// Lets it take longer by a time of the range.
    pub(super) fn add_us(&mut self, us: &RangeInclusive<u64>) {
        self.time_ns += self.rng.within(&in_ns(us));
    }

    /// The failure, if it fails.
    pub(super) fn eio(&self) -> DiskError {
        let message = "simulated input/output error (EIO)";
        DiskError::new(DiskFault::Io, self.op.verb(), &*self.name.path, message)
    }
}

impl Op {
    fn verb(self) -> &'static str {
        match self {
            Op::Read => "reading",
            Op::Write => "writing",
            Op::Sync => "syncing",
            Op::Create | Op::CreateDirectory => "creating",
            Op::Remove => "removing",
            Op::Open => "opening",
            Op::List => "listing",
        }
    }

    fn ends_at_once(self) -> bool {
        matches!(self, Op::Open | Op::List)
    }
}

impl Machine {
    pub(super) fn start(executor: &SimHandle, disk: &SimDisk, options: SimOptions) -> Rc<Self> {
        let mut rng = executor.fork_rng();
        disk.settle_orphans(&mut rng);
        let (executor, disk, epoch) = (executor.clone(), disk.clone(), disk.epoch());
        Rc::new(Self { executor, disk, options, rng: RefCell::new(rng), epoch })
    }

    pub(super) fn alive(&self) -> Weak<()> {
        self.executor.alive()
    }

    pub(super) fn chance(&self, per_million: u32) -> bool {
        self.rng.borrow_mut().chance(per_million)
    }

    /// Begins a request that moves so many bytes: draws how long it takes, and whether it fails.
    ///
    /// # Errors
    /// Once the power has been cut under this machine.
    pub(super) fn begin(&self, op: Op, name: &Name, bytes: u64) -> Result<Request, DiskError> {
        self.check_power(op, &name.path)?;
        let options = &self.options;
        let mut rng = SimRng::new(self.rng.borrow_mut().next_u64());
        let (base_us, errors_per_million) = match op {
            Op::Read => (&options.read_us, options.read_errors_per_million),
            Op::Write => (&options.write_us, options.write_errors_per_million),
            Op::Sync => (&options.sync_us, options.sync_errors_per_million),
            Op::Create | Op::Remove | Op::CreateDirectory | Op::Open | Op::List => {
                (&options.metadata_us, options.metadata_errors_per_million)
            }
        };
        let mut time_ns = rng.within(&in_ns(base_us)) + bytes * options.transfer_ns_per_kib / 1024;
        let (slow, slow_us) = (rng.chance(options.slow_per_million), rng.within(&options.slow_us));
        let (stuck, stuck_us) =
            (rng.chance(options.stuck_per_million), rng.within(&options.stuck_us));
        let fails = rng.chance(errors_per_million);
        let plans = self.disk.plans();
        // Spent together with a fault of the rate's.
        let fails = plans.take(Fault::Error(op), &name.path) || fails;
        let held = plans.take(Fault::Held(op), &name.path);
        if !op.ends_at_once() {
            time_ns += if slow { slow_us * 1_000 } else { 0 };
            time_ns += if stuck { stuck_us * 1_000 } else { 0 };
            self.disk.count_fault(|faults| {
                faults.slow += u64::from(slow);
                faults.stuck += u64::from(stuck);
                faults.held += u64::from(held);
            });
        }
        Ok(Request { op, name: name.clone(), rng, time_ns, fails, held })
    }

    /// Lets `act` decide a request's outcome when its time has come, whether or not the task that
    /// sent it still waits: a device does not take requests back.
    pub(super) async fn end<T: 'static>(
        self: &Rc<Self>,
        mut request: Request,
        act: impl FnOnce(&Machine, &mut Request) -> Result<T, DiskError> + 'static,
    ) -> Result<T, DiskError> {
        let (completer, completion) = completion();
        let machine = self.clone();
        let (op, name) = (request.op, request.name.clone());
        let (time_ns, held) = (request.time_ns, request.held);
        let run = move || {
            let outcome = machine.finish(&mut request, act);
            let event = [hash(request.op.verb().as_bytes()), request.name.hash];
            machine.executor.record(&event);
            machine.executor.record(&[machine.executor.now_ns(), u64::from(outcome.is_ok())]);
            completer.complete(outcome);
        };
        match held {
            true => self.executor.hold(op, name.path, run),
            false => self.executor.after(time_ns, run),
        }
        completion.await
    }

    /// Ends a request here and now.
    pub(super) fn finish<T>(
        &self,
        request: &mut Request,
        act: impl FnOnce(&Machine, &mut Request) -> Result<T, DiskError>,
    ) -> Result<T, DiskError> {
        self.check_power(request.op, &request.name.path)?;
        if request.fails {
            self.disk.count_fault(|faults| match request.op {
                Op::Read => faults.read_errors += 1,
                Op::Write => faults.write_errors += 1,
                Op::Sync => faults.sync_errors += 1,
                Op::Create | Op::Remove | Op::CreateDirectory | Op::Open | Op::List => {
                    faults.metadata_errors += 1;
                }
            });
        }
        act(self, request)
    }

    fn check_power(&self, op: Op, path: &Path) -> Result<(), DiskError> {
        if self.epoch == self.disk.epoch() {
            return Ok(());
        }
        let message = "the simulated power was lost; start another world on this disk";
        Err(DiskError::new(DiskFault::Io, op.verb(), path, message))
    }
}

/// In nanoseconds, so that two requests rarely end at the same instant.
fn in_ns(us: &RangeInclusive<u64>) -> RangeInclusive<u64> {
    us.start() * 1_000..=us.end() * 1_000
}

fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |hash, &byte| mix(hash ^ u64::from(byte)))
}
