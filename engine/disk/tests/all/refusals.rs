//! Requests that the engine must never make: the simulated machine panics where the real one would
//! fail or, worse, do something. Not faults of the disk.

use std::panic::{AssertUnwindSafe, catch_unwind};

use flywheel_disk::limits::BLOCK_BYTES;
use flywheel_disk::sim::{self, SimDisk, SimFile, SimWorld};
use flywheel_disk::{File, World};
use futures_util::future::join;

use crate::{create_log, log};

/// Checks that a request on a file of two blocks panics with a message that contains `expected`.
fn check(expected: &str, request: impl AsyncFnOnce(SimWorld, SimFile)) {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        sim::run(1, &SimDisk::new(), async |world| {
            let file = create_log(&world, 2 * BLOCK_BYTES as u64).await;
            request(world, file).await;
        });
    }));
    let panic = outcome.expect_err("the request must be refused");
    let message = panic.downcast_ref::<String>().expect("a message with values");
    assert!(message.contains(expected), "`{message}` does not say `{expected}`");
}

#[test]
fn misaligned_requests() {
    check("reading 512 bytes at 100 of /data/log: not multiples of 512", async |_, file| {
        let _ = file.read(100, 512).await;
    });
    check("writing 4096 bytes at 512 of /data/log: not multiples of 4096", async |world, file| {
        let _ = file.write(512, world.buffer(BLOCK_BYTES)).await;
    });
    check("a buffer of 512 bytes is not whole blocks", async |world, _| {
        world.buffer(512);
    });
    check("reading nothing at 0", async |_, file| {
        let _ = file.read(0, 0).await;
    });
    check("a file of 100 bytes is not whole blocks", async |world, _| {
        let _ = world.create(&log().with_extension("2"), 100).await;
    });
}

#[test]
fn an_empty_file() {
    check("a file of 0 bytes", async |world, _| {
        let _ = world.create(&log().with_extension("2"), 0).await;
    });
}

#[test]
fn requests_beyond_the_end() {
    check("reading 4096 bytes at 8192 of /data/log: beyond its 8192 bytes", async |_, file| {
        let _ = file.read(8192, BLOCK_BYTES).await;
    });
    check("writing 8192 bytes at 4096 of /data/log: beyond its 8192 bytes", async |world, file| {
        let _ = file.write_durable(4096, world.buffer(2 * BLOCK_BYTES)).await;
    });
}

#[test]
fn overlapping_writes_in_flight() {
    check("while 8192 bytes at 0 are being written", async |world, file| {
        let (whole, half) = (world.buffer(2 * BLOCK_BYTES), world.buffer(BLOCK_BYTES));
        let _ = join(file.write(0, whole), file.write(4096, half)).await;
    });
}

#[test]
fn two_creates_of_one_path() {
    check("/data/log.2 is being created twice", async |world, _| {
        let path = log().with_extension("2");
        let _ = join(world.create(&path, 4096), world.create(&path, 4096)).await;
    });
}
