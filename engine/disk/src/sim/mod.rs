//! The simulated machine: the seam's deterministic twin, in memory, driven by a seed. Not a mock:
//! requests take time, end out of order, fail where asked, and a power loss takes what was not
//! durable.
//!
//! A [`SimDisk`] outlives everything else. A [`SimExecutor`] is a process: dropping it is a crash of
//! the process, and [`SimDisk::power_loss`] a crash of the machine. A [`SimWorld`] joins the two, as
//! one core sees them. A test that crashes and reopens:
//!
//! ```
//! use flywheel_disk::sim::{self, SimDisk};
//! use flywheel_disk::{File, World};
//! use std::path::Path;
//!
//! let (disk, seed, path) = (SimDisk::new(), 7, Path::new("/data/log"));
//! sim::run(seed, &disk, async |world| {
//!     world.create_directory(Path::new("/data")).await.unwrap();
//!     let file = world.create(path, 8192).await.unwrap();
//!     let mut buffer = world.buffer(4096);
//!     buffer.fill(1);
//!     file.write_durable(0, buffer).await.unwrap();
//!     file.write(4096, world.buffer(4096)).await.unwrap();
//! });
//! disk.power_loss(seed);
//! sim::run(seed + 1, &disk, async |world| {
//!     let file = world.open(path).await.unwrap();
//!     assert_eq!(file.read(0, 4096).await.unwrap()[0], 1);
//! });
//! ```
//!
//! For a crash at every point of a run, give [`run_steps`] 1, 2, 3 ... steps until it returns
//! `Some`; or take [`SimDisk::image`]s on the way and cut their power.
//!
//! All randomness is drawn from the seed and nothing else, so that a failure is repeated by its seed
//! alone. A [`Waker`](std::task::Waker) woken from another thread, a hash map with random keys or
//! the real clock would break that: the engine above must have none of them.

mod blocks;
mod completion;
mod content;
mod counters;
mod disk;
mod executor;
mod file;
mod options;
mod plan;
mod request;
mod rng;
mod world;

pub use content::SECTOR_BYTES;
pub use counters::{SimCounters, SimFaults};
pub use disk::SimDisk;
pub use executor::{SimExecutor, TaskOrder};
pub use file::{SimBlock, SimFile};
pub use options::SimOptions;
pub use plan::{Fault, Op};
pub use rng::SimRng;
pub use world::{SimBuffer, SimWorld};

/// Runs `main` as a process on a healthy machine with this disk. When it returns, the process is
/// gone with all tasks it spawned; the disk stays as it is, unsynced writes included.
///
/// # Panics
/// Where `main` panics, and if it waits for something that can never happen.
pub fn run<T>(seed: u64, disk: &SimDisk, main: impl AsyncFnOnce(SimWorld) -> T) -> T {
    run_with(seed, disk, SimOptions::default(), main)
}

/// Like [`run`], on a machine that is as slow and faulty as `options` say.
pub fn run_with<T>(
    seed: u64,
    disk: &SimDisk,
    options: SimOptions,
    main: impl AsyncFnOnce(SimWorld) -> T,
) -> T {
    let executor = SimExecutor::new(seed);
    let world = SimWorld::new(&executor, disk, options);
    executor.block_on(main(world))
}

/// Like [`run`], but the process stops dead after `steps` steps of its executor: `None` then, and
/// the same seed takes the same steps. Cut the disk's power next, or restart on it as it is.
pub fn run_steps<T>(
    seed: u64,
    disk: &SimDisk,
    steps: u64,
    main: impl AsyncFnOnce(SimWorld) -> T,
) -> Option<T> {
    let executor = SimExecutor::new(seed);
    let world = SimWorld::new(&executor, disk, SimOptions::default());
    executor.block_on_steps(steps, main(world))
}
