//! One pinned executor on a thread of its own. Not a pool: whoever starts a core also joins it.

use std::future::Future;
use std::io;
use std::path::Path;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::current;
use super::executor::Machine;
use crate::error::{DiskError, DiskFault};

/// A core that runs; joining it waits for its main future.
pub struct Core<T: Send + 'static> {
    thread: JoinHandle<io::Result<T>>,
}

impl<T: Send + 'static> Core<T> {
    /// Waits for the core's main future and returns what it returned.
    ///
    /// # Errors
    /// If the ring could not be made, or a task panicked.
    pub fn join(self) -> Result<T, DiskError> {
        let failed =
            |fault, what: String| DiskError::new(fault, "running", Path::new("a core"), what);
        match self.thread.join() {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => match DiskError::from_io("running", Path::new("a core"), &error) {
                shortage if shortage.fault == DiskFault::TooManyFiles => Err(shortage),
                other => Err(failed(DiskFault::Unsupported, other.message)),
            },
            Err(panic) => {
                let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
                let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
                let what = text.unwrap_or_else(|| "of unknown kind".into());
                Err(failed(DiskFault::Io, format!("a task panicked: {what}")))
            }
        }
    }
}

/// Starts an executor pinned to the `index`-th of the processors this process may use, and runs
/// `main` on it. More executors than processors share them.
///
/// `spin` is how long the executor polls before it sleeps: worth a little where a wake-up from
/// another core is dear.
///
/// # Errors
/// If no thread can be started.
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
    let run = move || {
        pin_to(index);
        let machine = Machine::new(spin)?;
        let _current = current::enter(&machine);
        machine.run(async move { main().await })
    };
    let thread = thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .map_err(|error| DiskError::from_io("starting", name, &error))?;
    Ok(Core { thread })
}

/// Pins the current thread. Where that is not allowed it runs unpinned: slower, not wrong.
fn pin_to(index: usize) {
    let Ok(allowed) = sched_getaffinity(None) else { return };
    let processors: Vec<usize> =
        (0..CpuSet::MAX_CPU).filter(|&processor| allowed.is_set(processor)).collect();
    if let Some(&processor) = processors.get(index % processors.len().max(1)) {
        let mut one = CpuSet::new();
        one.set(processor);
        let _ = sched_setaffinity(None, &one);
    }
}
