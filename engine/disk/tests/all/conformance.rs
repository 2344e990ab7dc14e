//! One list of the seam's promises, run on both machines: whoever swaps the world may rely on these.
//! Not about crashes, which only the simulated machine can have.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use flywheel_disk::limits::{BLOCK_BYTES, MAX_IO_BYTES};
use flywheel_disk::sim::{self, SimDisk};
use flywheel_disk::{DiskError, DiskFault, File, TaskClass, World};

use crate::{filled, on_real_machine, read_all};

#[test]
fn the_real_machine_keeps_the_promises() {
    on_real_machine(async |world, directory| keeps_promises(world, directory).await);
}

#[test]
fn the_simulated_machine_keeps_the_promises() {
    for seed in 0..50 {
        sim::run(seed, &SimDisk::new(), async |world| {
            let directory = PathBuf::from("/data");
            world.create_directory(&directory).await.expect("a directory can be made");
            keeps_promises(world, directory).await;
        });
    }
}

async fn keeps_promises<W: World>(world: W, directory: PathBuf) {
    names(&world, &directory).await.expect("names");
    removed_names(&world, &directory).await.expect("removed names");
    bytes(&world, &directory).await.expect("bytes");
    large_reads(&world, &directory).await.expect("large reads");
    large_writes(&world, &directory).await.expect("large writes");
    requests_in_flight_together(&world, &directory).await.expect("requests in flight together");
    tasks_and_time(&world).await;
}

fn fault<T>(outcome: Result<T, DiskError>) -> Option<DiskFault> {
    outcome.err().map(|error| error.fault)
}

/// Files and directories come, are listed and go.
async fn names<W: World>(world: &W, directory: &Path) -> Result<(), DiskError> {
    let inner = directory.join("some/where");
    world.create_directory(&inner).await?;
    world.create_directory(&inner).await?;
    assert_eq!(world.list(&inner).await?, Vec::<String>::new());

    let (first, second) = (inner.join("a"), inner.join("b"));
    let file = world.create(&second, 2 * BLOCK_BYTES as u64).await?;
    assert_eq!(file.size_bytes(), 2 * BLOCK_BYTES as u64);
    assert_eq!(read_all(&file).await, vec![0; 2 * BLOCK_BYTES], "a new file is zeros");
    world.create(&first, BLOCK_BYTES as u64).await?;
    assert_eq!(world.list(&inner).await?, ["a", "b"], "sorted");
    assert_eq!(world.list(&directory.join("some")).await?, Vec::<String>::new(), "files only");
    assert_eq!(world.open(&first).await?.size_bytes(), BLOCK_BYTES as u64);

    let again = world.create(&first, BLOCK_BYTES as u64).await;
    assert_eq!(fault(again), Some(DiskFault::AlreadyExists));
    world.remove(&first).await?;
    assert_eq!(world.list(&inner).await?, ["b"]);
    assert_eq!(fault(world.open(&first).await), Some(DiskFault::NotFound));
    assert_eq!(fault(world.remove(&first).await), Some(DiskFault::NotFound));

    let nowhere = directory.join("nowhere");
    assert_eq!(fault(world.list(&nowhere).await), Some(DiskFault::NotFound));
    let file_nowhere = world.create(&nowhere.join("a"), BLOCK_BYTES as u64).await;
    assert_eq!(fault(file_nowhere), Some(DiskFault::NotFound));

    Ok(())
}

/// An open file outlives its name, and is not taken for a later file of that name.
async fn removed_names<W: World>(world: &W, directory: &Path) -> Result<(), DiskError> {
    let path = directory.join("removed");
    let old = world.create(&path, BLOCK_BYTES as u64).await?;
    world.remove(&path).await?;
    assert_eq!(read_all(&old).await, vec![0; BLOCK_BYTES]);
    let new = world.create(&path, BLOCK_BYTES as u64).await?;
    old.write_durable(0, filled(world, BLOCK_BYTES, 1)).await?;
    assert_eq!(old.read(0, BLOCK_BYTES).await?[0], 1);
    assert_eq!(new.read(0, BLOCK_BYTES).await?[0], 0, "the old file's write hit the new one");
    Ok(())
}

/// What was written is read, through any opener.
async fn bytes<W: World>(world: &W, directory: &Path) -> Result<(), DiskError> {
    let path = directory.join("bytes");
    let blocks = 8;
    let file = world.create(&path, (blocks * BLOCK_BYTES) as u64).await?;
    let mut expected = vec![0; blocks * BLOCK_BYTES];
    for block in 0..blocks {
        let mut buffer = world.buffer(BLOCK_BYTES);
        assert!(buffer.iter().all(|&byte| byte == 0), "a new buffer is zeros");
        for (index, byte) in buffer.iter_mut().enumerate() {
            *byte = (block * 31 + index * 7) as u8;
        }
        let start = block * BLOCK_BYTES;
        expected[start..start + BLOCK_BYTES].copy_from_slice(&buffer);
        if block % 2 == 0 {
            file.write(start as u64, buffer).await?;
        } else {
            file.write_durable(start as u64, buffer).await?;
        }
    }
    assert_eq!(read_all(&file).await, expected, "before a sync");
    file.sync().await?;
    assert_eq!(read_all(&file).await, expected, "after a sync");

    let other = world.open(&path).await?;
    let step = other.read_alignment_bytes();
    assert!(BLOCK_BYTES.is_multiple_of(step), "{step} bytes do not divide a block");
    for (offset, length) in [(0, step), (3 * step, 5 * step), (BLOCK_BYTES - step, 2 * step)] {
        let block = other.read(offset as u64, length).await?;
        assert_eq!(block[..], expected[offset..offset + length], "{length} bytes at {offset}");
    }
    other.write(0, filled(world, 2 * BLOCK_BYTES, 9)).await?;
    assert_eq!(file.read(step as u64, step).await?[..], vec![9; step][..]);
    Ok(())
}

/// A read larger than any one request brings the right bytes in the right order.
async fn large_reads<W: World>(world: &W, directory: &Path) -> Result<(), DiskError> {
    let size_bytes = 2 * MAX_IO_BYTES + BLOCK_BYTES;
    let file = world.create(&directory.join("large"), size_bytes as u64).await?;
    let mut expected = Vec::with_capacity(size_bytes);
    for start in (0..size_bytes).step_by(16 * BLOCK_BYTES) {
        let mut buffer = world.buffer((size_bytes - start).min(16 * BLOCK_BYTES));
        for (index, block) in buffer.chunks_mut(8).enumerate() {
            block.copy_from_slice(&((start + index * 8) as u64).to_le_bytes());
        }
        expected.extend_from_slice(&buffer);
        file.write(start as u64, buffer).await?;
    }
    let step = file.read_alignment_bytes();
    for (offset, length) in [(0, 2 << 20), (0, size_bytes), (step, size_bytes - 2 * step)] {
        let block = file.read(offset as u64, length).await?;
        assert!(block[..] == expected[offset..offset + length], "{length} bytes at {offset}");
    }
    Ok(())
}

/// A write larger than any one request puts the right bytes in the right order.
async fn large_writes<W: World>(world: &W, directory: &Path) -> Result<(), DiskError> {
    let length_bytes = 2 * MAX_IO_BYTES + 3 * BLOCK_BYTES;
    let size_bytes = (length_bytes + 2 * BLOCK_BYTES) as u64;
    let file = world.create(&directory.join("large-write"), size_bytes).await?;
    for durably in [false, true] {
        let mut buffer = world.buffer(length_bytes);
        for (index, number) in buffer.chunks_mut(8).enumerate() {
            let number_there = (index as u64) << 1 | u64::from(durably);
            number.copy_from_slice(&number_there.to_le_bytes());
        }
        let expected = [vec![0; BLOCK_BYTES], buffer.to_vec(), vec![0; BLOCK_BYTES]].concat();
        if durably {
            file.write_durable(BLOCK_BYTES as u64, buffer).await?;
        } else {
            file.write(BLOCK_BYTES as u64, buffer).await?;
        }
        assert!(read_all(&file).await == expected, "durably: {durably}");
    }
    Ok(())
}

/// Many requests at once, each with its own answer.
async fn requests_in_flight_together<W: World>(
    world: &W,
    directory: &Path,
) -> Result<(), DiskError> {
    let blocks = 32;
    let path = directory.join("together");
    let file = Rc::new(world.create(&path, (blocks * BLOCK_BYTES) as u64).await?);
    let writes = (0..blocks).map(|block| {
        file.write_durable((block * BLOCK_BYTES) as u64, filled(world, BLOCK_BYTES, block as u8))
    });
    futures_util::future::try_join_all(writes).await?;
    let reads = (0..blocks).map(|block| file.read((block * BLOCK_BYTES) as u64, BLOCK_BYTES));
    for (block, read) in futures_util::future::try_join_all(reads).await?.iter().enumerate() {
        assert!(read.iter().all(|&byte| byte == block as u8), "block {block}");
    }
    Ok(())
}

/// Tasks of every class run; the clock never goes back and a sleep is never short.
async fn tasks_and_time<W: World>(world: &W) {
    let done = Rc::new(std::cell::Cell::new(0));
    for class in [TaskClass::Foreground, TaskClass::Commit, TaskClass::Background] {
        let (world, done) = (world.clone(), done.clone());
        world.clone().spawn(class, async move {
            world.yield_if_needed().await;
            world.sleep(Duration::from_micros(100)).await;
            done.set(done.get() + 1);
        });
    }
    let mut before_ns = world.now_ns();
    while done.get() < 3 {
        world.sleep(Duration::from_millis(1)).await;
        let now_ns = world.now_ns();
        assert!(now_ns - before_ns >= 1_000_000, "slept only from {before_ns} to {now_ns}");
        before_ns = now_ns;
    }
}
