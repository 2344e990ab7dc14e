//! The real machine: one executor a core on io_uring, files with direct I/O, sockets. Nothing above this
//! folder names the ring or the executor.

mod blocking;
mod buffer;
mod clock;
mod core;
mod current;
mod executor;
mod file;
mod memory;
mod net;
mod ring;
mod tasks;
mod timers;
mod transfer;

use std::future::{Future, poll_fn};
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

pub use self::buffer::RealBuffer;
pub use self::clock::{monotonic_ns, unix_time};
pub use self::core::{Core, run_on_core};
pub use self::file::{RealBlock, RealFile};
pub use self::memory::keep_freed_memory;
pub use self::net::{Listener, Outgoing, Received, Socket};
pub use self::tasks::wake_soon;

use self::executor::Machine;
use crate::durability::Durability;
use crate::error::{DiskError, DiskFault};
use crate::limits::{BLOCK_BYTES, MAX_IO_BYTES};
use crate::world::{File, TaskClass, UNFINISHED_SUFFIX, World};

/// The machine as seen from one core. Made inside [`run_on_core`]; clones share it.
#[derive(Clone)]
pub struct RealWorld {
    machine: Rc<Machine>,
    durability: Durability,
}

impl RealWorld {
    /// The machine of the core that this is called on.
    ///
    /// # Panics
    /// On a thread that is not a core.
    pub fn new(durability: Durability) -> Self {
        Self { machine: current::machine(), durability }
    }

    /// The same machine, making writes durable another way.
    #[must_use]
    pub fn with_durability(&self, durability: Durability) -> Self {
        Self { machine: self.machine.clone(), durability }
    }
}

impl World for RealWorld {
    type File = RealFile;
    type Buffer = RealBuffer;

    fn now_ns(&self) -> u64 {
        self.machine.now_ns()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + 'static {
        self.machine.sleep(duration)
    }

    fn yield_if_needed(&self) -> impl Future<Output = ()> + 'static {
        let mut over = self.machine.slice_is_over();
        poll_fn(move |context| {
            if !over {
                return Poll::Ready(());
            }
            over = false;
            context.waker().wake_by_ref();
            Poll::Pending
        })
    }

    fn spawn(&self, class: TaskClass, task: impl Future<Output = ()> + 'static) {
        self.machine.spawn(class, task);
    }

    fn buffer(&self, length_bytes: usize) -> RealBuffer {
        debug_assert!(length_bytes.is_multiple_of(BLOCK_BYTES));
        let mut buffer = self.machine.buffers.take(length_bytes);
        buffer.fill(0);
        buffer
    }

    async fn create(&self, path: &Path, size_bytes: u64) -> Result<RealFile, DiskError> {
        let whole = size_bytes > 0 && size_bytes.is_multiple_of(BLOCK_BYTES as u64);
        assert!(whole, "a file of {size_bytes} bytes has no whole number of blocks");
        if path.exists() {
            let error = io::Error::from(io::ErrorKind::AlreadyExists);
            return Err(DiskError::from_io("creating", path, &error));
        }
        check_space(path, size_bytes)?;
        // Under another name until every byte is written: a crash leaves debris, never a short file.
        let unfinished = unfinished_name(path);
        let created = async {
            let file = self.write_zeros(&unfinished, size_bytes).await?;
            self.rename_durably(&unfinished, path).await?;
            Ok(file.renamed(path, size_bytes))
        };
        created.await.inspect_err(|_| {
            // The space must come back even when creating failed for lack of it.
            let _ = std::fs::remove_file(&unfinished);
        })
    }

    async fn open(&self, path: &Path) -> Result<RealFile, DiskError> {
        RealFile::open(self.machine.clone(), path, self.durability)
    }

    async fn remove(&self, path: &Path) -> Result<(), DiskError> {
        let path = path.to_owned();
        let work = move || {
            let directory = open_directory(parent(&path))?;
            std::fs::remove_file(&path)
                .map_err(|error| DiskError::from_io("removing", &path, &error))?;
            sync_directory(parent(&path), &directory)
        };
        self.machine.helpers.run(work).await
    }

    async fn create_directory(&self, path: &Path) -> Result<(), DiskError> {
        let path = path.to_owned();
        let work = move || {
            let missing: Vec<&Path> =
                path.ancestors().take_while(|ancestor| !ancestor.exists()).collect();
            std::fs::create_dir_all(&path)
                .map_err(|error| DiskError::from_io("creating", &path, &error))?;
            // Each new name stands in the directory above it, and each of those must be synced.
            missing
                .into_iter()
                .map(parent)
                .try_for_each(|directory| sync_directory(directory, &open_directory(directory)?))
        };
        self.machine.helpers.run(work).await
    }

    async fn list(&self, path: &Path) -> Result<Vec<String>, DiskError> {
        let explain = |error: io::Error| DiskError::from_io("listing", path, &error);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(path).map_err(explain)? {
            let entry = entry.map_err(explain)?;
            if entry.file_type().map_err(explain)?.is_file()
                && let Ok(name) = entry.file_name().into_string()
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }
}

impl RealWorld {
    async fn write_zeros(&self, path: &Path, size_bytes: u64) -> Result<RealFile, DiskError> {
        let file = RealFile::create(self.machine.clone(), path, self.durability)?;
        let mut offset_bytes = 0;
        while offset_bytes < size_bytes {
            let length_bytes = (size_bytes - offset_bytes).min(MAX_IO_BYTES as u64);
            file.write(offset_bytes, self.buffer(length_bytes as usize)).await?;
            offset_bytes += length_bytes;
        }
        file.sync().await?;
        Ok(file)
    }

    async fn rename_durably(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        let (from, to) = (from.to_owned(), to.to_owned());
        let work = move || {
            let directory = open_directory(parent(&to))?;
            std::fs::rename(&from, &to)
                .map_err(|error| DiskError::from_io("renaming", &from, &error))?;
            sync_directory(parent(&to), &directory).inspect_err(|_| {
                // What is not durable is not there: the next attempt begins anew.
                let _ = std::fs::remove_file(&to);
            })
        };
        self.machine.helpers.run(work).await
    }
}

/// Refuses a file that will not fit before a byte of it is written: filling a disk to its last block
/// only to learn that it is full would take the space from everybody else there.
fn check_space(path: &Path, size_bytes: u64) -> Result<(), DiskError> {
    // Where nothing can be learnt, or the file system knows no bound, writing will tell.
    let Ok(space) = rustix::fs::statvfs(parent(path)) else { return Ok(()) };
    let free_bytes = space.f_bavail.saturating_mul(space.f_frsize);
    if space.f_blocks == 0 || free_bytes >= size_bytes {
        return Ok(());
    }
    let what = format!(
        "its file system has {} KiB left and the file takes {} KiB; delete something there",
        free_bytes >> 10,
        size_bytes.div_ceil(1 << 10)
    );
    Err(DiskError::new(DiskFault::NoSpace, "creating", path, what))
}

fn unfinished_name(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(UNFINISHED_SUFFIX);
    PathBuf::from(name)
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Opens a directory to sync it later: before it is changed, so that a shortage of descriptors leaves
/// everything as it was.
fn open_directory(path: &Path) -> Result<std::fs::File, DiskError> {
    std::fs::File::open(path).map_err(|error| DiskError::from_io("opening directory", path, &error))
}

fn sync_directory(path: &Path, directory: &std::fs::File) -> Result<(), DiskError> {
    let synced = directory.sync_all();
    synced.map_err(|error| DiskError::from_io("syncing directory", path, &error))
}
