//! The simulated machine of one core: the seam's [`World`] on a virtual clock and a disk in memory.
//! Not a model of processors: code takes no time here, only I/O and sleep do.

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::ops::{Deref, DerefMut, RangeInclusive};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use super::completion::completion;
use super::disk::{Change, IoKind, SimDisk};
use super::executor::{SimExecutor, SimHandle};
use super::file::SimFile;
use super::options::SimOptions;
use super::rng::{SimRng, mix};
use crate::error::{DiskError, DiskFault};
use crate::limits::BLOCK_BYTES;
use crate::world::{TaskClass, World};

/// Memory for writes: on the heap, since nothing here needs it aligned.
#[derive(Debug)]
pub struct SimBuffer(pub(super) Vec<u8>);

impl Deref for SimBuffer {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for SimBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

/// One core's simulated machine. Clones share it; [`SimWorld::another`] makes a second core's.
#[derive(Clone)]
pub struct SimWorld {
    pub(super) machine: Rc<Machine>,
}

/// What a world and its files share.
pub(super) struct Machine {
    executor: SimHandle,
    pub(super) disk: SimDisk,
    pub(super) options: SimOptions,
    rng: RefCell<SimRng>,
    /// The disk's epoch when this machine was started.
    epoch: u64,
}

impl SimWorld {
    /// Starts a machine on `executor` with the disk as it is.
    pub fn new(executor: &SimExecutor, disk: &SimDisk, options: SimOptions) -> Self {
        Self::start(executor.handle(), disk, options)
    }

    /// A further core's machine beside this one: same executor, same clock, same disk.
    #[must_use]
    pub fn another(&self) -> Self {
        Self::start(&self.machine.executor, &self.machine.disk, self.machine.options.clone())
    }

    fn start(executor: &SimHandle, disk: &SimDisk, options: SimOptions) -> Self {
        assert!(
            BLOCK_BYTES.is_multiple_of(options.read_alignment_bytes),
            "a block of {BLOCK_BYTES} bytes is not whole sectors of {}",
            options.read_alignment_bytes
        );
        let mut rng = executor.fork_rng();
        disk.settle_orphans(&mut rng);
        let (disk, epoch) = (disk.clone(), disk.epoch());
        let executor = executor.clone();
        let machine = Machine { executor, disk, options, rng: RefCell::new(rng), epoch };
        Self { machine: Rc::new(machine) }
    }

    /// The seed of the executor, for messages.
    pub fn seed(&self) -> u64 {
        self.machine.executor.seed()
    }

    /// The disk below.
    pub fn disk(&self) -> &SimDisk {
        &self.machine.disk
    }

    /// Makes a change of the directory tree, which takes its time.
    async fn change(
        &self,
        operation: &'static str,
        change: Change,
        bytes: u64,
    ) -> Result<(), DiskError> {
        let machine = &self.machine;
        let path = match &change {
            Change::Create { path, .. }
            | Change::Remove { path }
            | Change::CreateDirectory { path } => path.clone(),
        };
        let id = machine.disk.begin_change(change, machine.executor.alive());
        let time_ns = machine.time_ns(&machine.options.metadata_us, bytes);
        machine
            .complete_after(time_ns, operation, &path.clone(), move |machine| {
                let happened = machine.disk.finish_change(id);
                happened.then_some(()).ok_or_else(|| missing(operation, &path))
            })
            .await
    }
}

impl World for SimWorld {
    type File = SimFile;
    type Buffer = SimBuffer;

    fn now_ns(&self) -> u64 {
        self.machine.executor.now_ns()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + 'static {
        self.machine.executor.sleep(duration)
    }

    fn yield_if_needed(&self) -> impl Future<Output = ()> + 'static {
        let yields = self.machine.chance(self.machine.options.yields_per_million);
        async move {
            if yields {
                yield_once().await;
            }
        }
    }

    fn spawn(&self, _class: TaskClass, task: impl Future<Output = ()> + 'static) {
        // One list for all classes: any interleaving that the real queues allow can come up here.
        self.machine.executor.spawn(task);
    }

    fn buffer(&self, length_bytes: usize) -> SimBuffer {
        assert!(
            length_bytes.is_multiple_of(BLOCK_BYTES),
            "a buffer of {length_bytes} bytes is not whole blocks of {BLOCK_BYTES}"
        );
        SimBuffer(vec![0; length_bytes])
    }

    async fn create(&self, path: &Path, size_bytes: u64) -> Result<SimFile, DiskError> {
        assert!(
            size_bytes > 0 && size_bytes.is_multiple_of(BLOCK_BYTES as u64),
            "a file of {size_bytes} bytes is not whole blocks of {BLOCK_BYTES}: {}",
            path.display()
        );
        self.machine.check_power("creating", path)?;
        let disk = &self.machine.disk;
        assert!(!disk.is_creating(path), "{} is being created twice", path.display());
        if disk.file(path).is_some() || disk.has_directory(path) {
            let error = io::Error::from(io::ErrorKind::AlreadyExists);
            return Err(DiskError::from_io("creating", path, &error));
        }
        if !disk.has_directory(path.parent().unwrap_or(path)) {
            return Err(missing("creating", path));
        }
        if !disk.has_space_for(size_bytes) {
            let error = io::Error::from(io::ErrorKind::StorageFull);
            return Err(DiskError::from_io("creating", path, &error));
        }
        disk.count(|counters| counters.creates += 1);
        let change = Change::Create { path: path.to_owned(), size_bytes };
        self.change("creating", change, size_bytes).await?;
        self.open(path).await
    }

    async fn open(&self, path: &Path) -> Result<SimFile, DiskError> {
        self.machine.check_power("opening", path)?;
        let content = self.machine.disk.file(path).ok_or_else(|| missing("opening", path))?;
        Ok(SimFile::new(&self.machine, path, content))
    }

    async fn remove(&self, path: &Path) -> Result<(), DiskError> {
        self.machine.check_power("removing", path)?;
        if self.machine.disk.file(path).is_none() {
            return Err(missing("removing", path));
        }
        self.machine.disk.count(|counters| counters.removes += 1);
        self.change("removing", Change::Remove { path: path.to_owned() }, 0).await
    }

    async fn create_directory(&self, path: &Path) -> Result<(), DiskError> {
        self.machine.check_power("creating", path)?;
        if self.machine.disk.has_directory(path) {
            return Ok(());
        }
        let change = Change::CreateDirectory { path: path.to_owned() };
        self.change("creating", change, 0).await
    }

    async fn list(&self, path: &Path) -> Result<Vec<String>, DiskError> {
        self.machine.check_power("listing", path)?;
        if !self.machine.disk.has_directory(path) {
            return Err(missing("listing", path));
        }
        Ok(self.machine.disk.names_in(path))
    }
}

impl Machine {
    pub(super) fn alive(&self) -> std::rc::Weak<()> {
        self.executor.alive()
    }

    pub(super) fn with_rng<T>(&self, draw: impl FnOnce(&mut SimRng) -> T) -> T {
        draw(&mut self.rng.borrow_mut())
    }

    fn chance(&self, per_million: u32) -> bool {
        self.with_rng(|rng| rng.chance(per_million))
    }

    /// Draws how long a request takes, in nanoseconds.
    pub(super) fn time_ns(&self, base_us: &RangeInclusive<u64>, bytes: u64) -> u64 {
        let slow = self.chance(self.options.slow_per_million);
        // In nanoseconds, so that two requests rarely end at the same instant.
        let base_ns = base_us.start() * 1_000..=base_us.end() * 1_000;
        let slow_us = if slow { self.with_rng(|rng| rng.within(&self.options.slow_us)) } else { 0 };
        let transfer_ns = bytes * self.options.transfer_ns_per_kib / 1024;
        self.with_rng(|rng| rng.within(&base_ns)) + transfer_ns + slow_us * 1_000
    }

    /// Whether a request of this kind is to fail, by plan or by rate.
    pub(super) fn fails(&self, kind: IoKind, path: &Path) -> bool {
        let per_million = match kind {
            IoKind::Read => self.options.read_errors_per_million,
            IoKind::Write => self.options.write_errors_per_million,
            IoKind::Sync => self.options.sync_errors_per_million,
        };
        // Both are asked: a planned fault must not shift what the rate draws.
        self.chance(per_million) | self.disk.takes_planned_fault(kind, path)
    }

    /// Fails once the power has been cut under this machine.
    pub(super) fn check_power(
        &self,
        operation: &'static str,
        path: &Path,
    ) -> Result<(), DiskError> {
        if self.epoch == self.disk.epoch() {
            return Ok(());
        }
        let message = "the simulated power was lost; start another world on this disk";
        Err(DiskError::new(DiskFault::Io, operation, path, message))
    }

    /// Lets `complete` decide a request's outcome after `time_ns`, whether or not the task that sent
    /// it still waits: a device does not take requests back.
    pub(super) async fn complete_after<T: 'static>(
        self: &Rc<Self>,
        time_ns: u64,
        operation: &'static str,
        path: &Path,
        complete: impl FnOnce(&Machine) -> Result<T, DiskError> + 'static,
    ) -> Result<T, DiskError> {
        let (completer, completion) = completion();
        let (machine, path) = (self.clone(), path.to_owned());
        self.executor.after(time_ns, move || {
            let outcome = machine.check_power(operation, &path).and_then(|()| complete(&machine));
            let event = [hash(operation.as_bytes()), hash(path.as_os_str().as_encoded_bytes())];
            machine.executor.record(&event);
            machine.executor.record(&[machine.executor.now_ns(), u64::from(outcome.is_ok())]);
            completer.complete(outcome);
        });
        completion.await
    }
}

fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |hash, &byte| mix(hash ^ u64::from(byte)))
}

fn missing(operation: &'static str, path: &Path) -> DiskError {
    DiskError::from_io(operation, path, &io::Error::from(io::ErrorKind::NotFound))
}

async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(move |context| {
        if std::mem::replace(&mut yielded, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}
