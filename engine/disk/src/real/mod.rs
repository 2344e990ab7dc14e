//! The real machine: one executor a core on io_uring, files with direct I/O. Nothing above this
//! folder names the executor or the ring.

mod executor;
mod file;

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use glommio::{Latency, Shares, TaskQueueHandle, executor};

pub use executor::{Core, run_on_core};
pub use file::{RealBlock, RealBuffer, RealFile};

use crate::durability::Durability;
use crate::error::{DiskError, DiskFault};
use crate::limits::{BLOCK_BYTES, MAX_IO_BYTES};
use crate::world::{File, TaskClass, UNFINISHED_SUFFIX, World};

/// The machine as seen from one core. Made inside [`run_on_core`]; clones share it.
#[derive(Clone)]
pub struct RealWorld {
    shared: Rc<Shared>,
}

struct Shared {
    started: Instant,
    durability: Durability,
    foreground: TaskQueueHandle,
    commit: TaskQueueHandle,
    background: TaskQueueHandle,
}

impl RealWorld {
    /// The machine of the core that the current executor is pinned to.
    pub fn new(durability: Durability) -> Self {
        // A queue without `Latency::Matters` may learn of a wake from another core only at the next
        // timer; all that clients wait for is therefore marked so.
        let soon = |us| Latency::Matters(Duration::from_micros(us));
        let queue = |shares, latency, name| {
            executor().create_task_queue(Shares::Static(shares), latency, name)
        };
        let shared = Shared {
            started: Instant::now(),
            durability,
            foreground: queue(1000, soon(200), "foreground"),
            commit: queue(1000, soon(200), "commit"),
            background: queue(80, Latency::NotImportant, "background"),
        };
        Self { shared: Rc::new(shared) }
    }

    /// The same machine, making writes durable another way.
    #[must_use]
    pub fn with_durability(&self, durability: Durability) -> Self {
        let Shared { started, foreground, commit, background, .. } = *self.shared;
        Self { shared: Rc::new(Shared { started, durability, foreground, commit, background }) }
    }
}

impl World for RealWorld {
    type File = RealFile;
    type Buffer = RealBuffer;

    fn now_ns(&self) -> u64 {
        self.shared.started.elapsed().as_nanos() as u64
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + 'static {
        glommio::timer::sleep(duration)
    }

    fn yield_if_needed(&self) -> impl Future<Output = ()> + 'static {
        glommio::yield_if_needed()
    }

    fn spawn(&self, class: TaskClass, task: impl Future<Output = ()> + 'static) {
        let queue = match class {
            TaskClass::Foreground => self.shared.foreground,
            TaskClass::Commit => self.shared.commit,
            TaskClass::Background => self.shared.background,
        };
        glommio::spawn_local_into(task, queue)
            .expect("the executor's own queues live as long as it does")
            .detach();
    }

    fn buffer(&self, length_bytes: usize) -> RealBuffer {
        RealBuffer::zeroed(length_bytes)
    }

    async fn create(&self, path: &Path, size_bytes: u64) -> Result<RealFile, DiskError> {
        assert!(size_bytes > 0 && size_bytes.is_multiple_of(BLOCK_BYTES as u64), "whole blocks");
        if path.exists() {
            let error = io::Error::from(io::ErrorKind::AlreadyExists);
            return Err(DiskError::from_io("creating", path, &error));
        }
        // Under another name until every byte is written: a crash leaves debris, never a short file.
        let unfinished = unfinished_name(path);
        let created = self.write_zeros(&unfinished, size_bytes).await;
        if let Err(error) = created {
            // The space must come back even when creating failed for lack of it.
            let _ = std::fs::remove_file(&unfinished);
            return Err(error);
        }
        rename_durably(unfinished, path.to_owned()).await?;
        self.open(path).await
    }

    async fn open(&self, path: &Path) -> Result<RealFile, DiskError> {
        RealFile::open(path, self.shared.durability).await
    }

    async fn remove(&self, path: &Path) -> Result<(), DiskError> {
        let path = path.to_owned();
        blocking(move || {
            std::fs::remove_file(&path)
                .map_err(|error| DiskError::from_io("removing", &path, &error))?;
            sync_directory(parent(&path))
        })
        .await
    }

    async fn create_directory(&self, path: &Path) -> Result<(), DiskError> {
        let path = path.to_owned();
        blocking(move || {
            let missing: Vec<&Path> =
                path.ancestors().take_while(|ancestor| !ancestor.exists()).collect();
            std::fs::create_dir_all(&path)
                .map_err(|error| DiskError::from_io("creating", &path, &error))?;
            // Each new name stands in the directory above it, and each of those must be synced.
            missing.into_iter().try_for_each(|made| sync_directory(parent(made)))
        })
        .await
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
    async fn write_zeros(&self, path: &Path, size_bytes: u64) -> Result<(), DiskError> {
        let file = RealFile::create(path, self.shared.durability).await?;
        let mut offset_bytes = 0;
        while offset_bytes < size_bytes {
            let length_bytes = (size_bytes - offset_bytes).min(MAX_IO_BYTES as u64);
            file.write(offset_bytes, self.buffer(length_bytes as usize)).await?;
            offset_bytes += length_bytes;
        }
        file.sync().await
    }
}

fn unfinished_name(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(UNFINISHED_SUFFIX);
    PathBuf::from(name)
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn sync_directory(path: &Path) -> Result<(), DiskError> {
    std::fs::File::open(path)
        .and_then(|directory| directory.sync_all())
        .map_err(|error| DiskError::from_io("syncing directory", path, &error))
}

async fn rename_durably(from: PathBuf, to: PathBuf) -> Result<(), DiskError> {
    blocking(move || {
        std::fs::rename(&from, &to)
            .map_err(|error| DiskError::from_io("renaming", &from, &error))?;
        sync_directory(parent(&to))
    })
    .await
}

/// Runs what the ring cannot do off the executor's thread, so that requests go on meanwhile.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DiskError> + Send + 'static,
) -> Result<T, DiskError> {
    executor().spawn_blocking(work).await
}

fn explain(operation: &'static str, path: &Path, error: glommio::GlommioError<()>) -> DiskError {
    let message = error.to_string();
    let error = io::Error::from(error);
    let mut explained = DiskError::from_io(operation, path, &error);
    if explained.fault == DiskFault::Io {
        explained.message = message;
    }
    explained
}
