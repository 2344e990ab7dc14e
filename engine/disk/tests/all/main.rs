//! All integration tests of the disk crate, in one binary. Not unit tests: everything here goes
//! through the public API, as the store does.
//!
//! | Module        | What it shows                                                                  |
//! |---------------|--------------------------------------------------------------------------------|
//! | `conformance` | one list of promises of the seam, kept by the real and the simulated machine   |
//! | `determinism` | a seed decides everything: task order, times, traces; clock, deadlock, crash   |
//! | `power_loss`  | what a power loss may take and what it may not, in the simulated machine       |
//! | `faults`      | faults asked of the simulated machine, its images, its counters                |
//! | `lies`        | false answers of its medium: stale, misdirected, lost                          |
//! | `order`       | when its requests end: slow, stuck, held; a check after every step             |
//! | `refusals`    | requests that the engine must never make: the simulated machine panics         |
//! | `net`         | sockets on the real machine's ring: reads, sends, ends, waits given up            |
//! | `real`        | what only the real machine has: cores, large reads, the lock, the host's check |
//!
//! Tests of the real machine need io_uring and direct I/O below cargo's target directory; where
//! there is none they print "skipped" with the reason and pass.

mod conformance;
mod determinism;
mod faults;
mod lies;
mod net;
mod order;
mod power_loss;
mod real;
mod refusals;

use std::path::{Path, PathBuf};
use std::time::Duration;

use flywheel_disk::real::{RealWorld, run_on_core};
use flywheel_disk::{Buffer, Durability, File, World, host};

/// A buffer filled with one byte.
fn filled<W: World>(world: &W, length_bytes: usize, byte: u8) -> Buffer<W> {
    let mut buffer = world.buffer(length_bytes);
    buffer.fill(byte);
    buffer
}

/// The simulated data directory.
fn data() -> &'static Path {
    Path::new("/data")
}

/// A file of the simulated data directory.
fn log() -> PathBuf {
    data().join("log")
}

/// Makes the data directory and in it a file of so many zeros.
async fn create_log<W: World>(world: &W, size_bytes: u64) -> W::File {
    world.create_directory(data()).await.expect("a directory can be made");
    world.create(&log(), size_bytes).await.expect("a file can be created")
}

/// Reads a whole file.
async fn read_all<F: File>(file: &F) -> Vec<u8> {
    file.read(0, file.size_bytes() as usize).await.expect("the file can be read").to_vec()
}

/// Runs a test on the real machine, once with each way to make writes durable, in a directory of
/// its own; or says why it cannot.
fn on_real_machine(test: impl AsyncFnOnce(RealWorld, PathBuf) + Clone + Send + 'static) {
    for durability in [Durability::Dsync, Durability::Fdatasync] {
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
        if let Err(error) = host::check(directory.path()) {
            println!("skipped, because {error}");
            return;
        }
        let (test, path) = (test.clone(), directory.path().to_owned());
        let main = move || async move { test(RealWorld::new(durability), path).await };
        let core = run_on_core(0, "test", Duration::ZERO, main).expect("a core starts");
        core.join().expect("the test passes on the real machine");
    }
}
