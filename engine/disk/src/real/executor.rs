//! One pinned executor on a thread of its own. Not a pool: whoever starts a core also joins it.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use glommio::{ExecutorJoinHandle, LocalExecutorBuilder, Placement};

use crate::error::{DiskError, DiskFault};
use crate::limits::{IO_MEMORY_BYTES, RING_DEPTH};

/// A core that runs; joining it waits for its main future.
pub struct Core<T: Send + 'static> {
    handle: ExecutorJoinHandle<T>,
}

impl<T: Send + 'static> Core<T> {
    /// Waits for the core's main future and returns what it returned.
    ///
    /// # Errors
    /// If the executor could not be made, or its main future panicked.
    pub fn join(self) -> Result<T, DiskError> {
        self.handle.join().map_err(|error| {
            DiskError::new(
                DiskFault::Unsupported,
                "running",
                Path::new("a core"),
                error.to_string(),
            )
        })
    }
}

/// Starts an executor pinned to the `index`-th of the processors this process may use, and runs
/// `main` on it. More executors than processors share them.
///
/// `spin` is how long the executor polls before it sleeps: worth a little where a wake-up from
/// another core is dear.
pub fn run_on_core<F, T>(
    index: usize,
    name: &str,
    spin: Duration,
    main: impl FnOnce() -> F + Send + 'static,
) -> Result<Core<T>, DiskError>
where
    F: Future<Output = T> + 'static,
    T: Send + 'static,
{
    let processors = allowed_processors();
    let placement = processors
        .get(index % processors.len().max(1))
        .map_or(Placement::Unbound, |&processor| Placement::Fixed(processor));
    let handle = LocalExecutorBuilder::new(placement)
        .name(name)
        .ring_depth(RING_DEPTH)
        .io_memory(IO_MEMORY_BYTES)
        .spin_before_park(spin)
        .spawn(main)
        .map_err(|error| {
            DiskError::new(DiskFault::Unsupported, "starting", Path::new(name), error.to_string())
        })?;
    Ok(Core { handle })
}

/// The processors this process may run on, from its affinity mask; empty if the kernel won't say.
pub fn allowed_processors() -> Vec<usize> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let Some(list) = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")) else {
        return Vec::new();
    };
    list.trim().split(',').filter_map(parse_range).flatten().collect()
}

fn parse_range(text: &str) -> Option<std::ops::RangeInclusive<usize>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some(first.parse().ok()?..=last.parse().ok()?)
}
