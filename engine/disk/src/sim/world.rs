//! The simulated machine of one core: the seam's [`World`] on a virtual clock and a disk in memory.
//! Not a model of processors: code takes no time here, only I/O and sleep do.

use std::future::Future;
use std::io;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use super::disk::{Change, SimDisk};
use super::executor::{SimExecutor, SimHandle};
use super::file::SimFile;
use super::options::SimOptions;
use super::plan::{Fault, Op};
use super::request::{Machine, Name, Request};
use crate::error::DiskError;
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
        Self { machine: Machine::start(executor, disk, options) }
    }

    /// The seed of the executor, for messages.
    pub fn seed(&self) -> u64 {
        self.machine.executor.seed()
    }

    /// The disk below.
    pub fn disk(&self) -> &SimDisk {
        &self.machine.disk
    }

    /// The requests of this executor that are held, see [`Fault::Held`], with their paths, in the
    /// order in which they were made.
    pub fn held(&self) -> Vec<(Op, PathBuf)> {
        self.machine.executor.held()
    }

    /// Ends the held request at `index` in [`Self::held`], now.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn release_held(&self, index: usize) {
        self.machine.executor.release_held(index);
    }

    /// Makes a change of the directory tree, which takes its time.
    async fn change(
        &self,
        request: Request,
        operation: &'static str,
        change: Change,
    ) -> Result<(), DiskError> {
        let machine = &self.machine;
        let path = match &change {
            Change::Create { path, .. }
            | Change::Remove { path }
            | Change::CreateDirectory { path } => path.clone(),
        };
        let id = machine.disk.begin_change(change, machine.executor.alive());
        let act = move |machine: &Machine, request: &mut Request| {
            if request.fails {
                machine.disk.fail_change(id, &mut request.rng);
                return Err(request.eio());
            }
            let happened = machine.disk.finish_change(id);
            happened.then_some(()).ok_or_else(|| missing(operation, &path))
        };
        machine.end(request, act).await
    }

    /// Whether the disk has no room for a new file, by its limit or by plan.
    fn is_full(&self, path: &Path, size_bytes: u64) -> bool {
        let disk = &self.machine.disk;
        disk.plans().take(Fault::NoSpace, path) || !disk.has_space_for(size_bytes)
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
        let request = self.machine.begin(Op::Create, &Name::of(path), size_bytes)?;
        let disk = &self.machine.disk;
        assert!(!disk.is_creating(path), "{} is being created twice", path.display());
        if disk.file(path).is_some() || disk.has_directory(path) {
            return Err(refused("creating", path, io::ErrorKind::AlreadyExists));
        }
        if !disk.has_directory(path.parent().unwrap_or(path)) {
            return Err(missing("creating", path));
        }
        if self.is_full(path, size_bytes) {
            let full = refused("creating", path, io::ErrorKind::StorageFull);
            let act = move |machine: &Machine, _: &mut Request| {
                machine.disk.count_fault(|faults| faults.no_space += 1);
                Err(full)
            };
            return self.machine.end(request, act).await;
        }
        disk.count(|counters| counters.creates += 1);
        let change = Change::Create { path: path.to_owned(), size_bytes };
        self.change(request, "creating", change).await?;
        self.open(path).await
    }

    async fn open(&self, path: &Path) -> Result<SimFile, DiskError> {
        let name = Name::of(path);
        let mut request = self.machine.begin(Op::Open, &name, 0)?;
        self.machine.finish(&mut request, |machine, request| {
            if request.fails {
                return Err(request.eio());
            }
            let content = machine.disk.file(path).ok_or_else(|| missing("opening", path))?;
            Ok(SimFile::new(&self.machine, name, content))
        })
    }

    async fn remove(&self, path: &Path) -> Result<(), DiskError> {
        let request = self.machine.begin(Op::Remove, &Name::of(path), 0)?;
        if self.machine.disk.file(path).is_none() {
            return Err(missing("removing", path));
        }
        self.machine.disk.count(|counters| counters.removes += 1);
        self.change(request, "removing", Change::Remove { path: path.to_owned() }).await
    }

    async fn create_directory(&self, path: &Path) -> Result<(), DiskError> {
        let request = self.machine.begin(Op::CreateDirectory, &Name::of(path), 0)?;
        let change = Change::CreateDirectory { path: path.to_owned() };
        self.change(request, "creating", change).await
    }

    async fn list(&self, path: &Path) -> Result<Vec<String>, DiskError> {
        let mut request = self.machine.begin(Op::List, &Name::of(path), 0)?;
        self.machine.finish(&mut request, |machine, request| {
            if request.fails {
                return Err(request.eio());
            }
            if !machine.disk.has_directory(path) {
                return Err(missing("listing", path));
            }
            Ok(machine.disk.names_in(path))
        })
    }
}

fn missing(operation: &'static str, path: &Path) -> DiskError {
    refused(operation, path, io::ErrorKind::NotFound)
}

fn refused(operation: &'static str, path: &Path, why: io::ErrorKind) -> DiskError {
    DiskError::from_io(operation, path, &io::Error::from(why))
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
