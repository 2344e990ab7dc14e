//! What a power loss may take from the simulated disk, and what it may not. Not about the engine's
//! own recovery.

use std::collections::BTreeSet;
use std::time::Duration;

use flywheel_disk::limits::BLOCK_BYTES;
use flywheel_disk::sim::{self, SECTOR_BYTES, SimDisk, SimRng, SimWorld};
use flywheel_disk::{DiskFault, File, TaskClass, World};
use futures_util::future::join;

use crate::{create_log, data, filled, log};

const BLOCK: u64 = BLOCK_BYTES as u64;

/// A disk after a run of `main` on it.
fn disk_after(main: impl AsyncFnOnce(SimWorld)) -> SimDisk {
    let disk = SimDisk::new();
    sim::run(1, &disk, main);
    disk
}

/// The log's bytes after each of many power losses at this moment.
fn outcomes(disk: &SimDisk) -> Vec<Vec<u8>> {
    let cut = |seed| {
        let image = disk.image();
        image.power_loss(seed);
        image.read_bytes(&log())
    };
    (0..300).map(cut).collect()
}

fn is_all(bytes: &[u8], byte: u8) -> bool {
    bytes.iter().all(|&other| other == byte)
}

#[test]
fn what_is_durable_survives_every_power_loss() {
    let disk = disk_after(async |world| {
        let file = create_log(&world, 3 * BLOCK).await;
        file.write_durable(0, filled(&world, BLOCK_BYTES, 1)).await.expect("healthy");
        file.write(BLOCK, filled(&world, BLOCK_BYTES, 2)).await.expect("healthy");
        file.sync().await.expect("healthy");
    });
    let expected = [[1; BLOCK_BYTES], [2; BLOCK_BYTES], [0; BLOCK_BYTES]].concat();
    assert_eq!(disk.durable_bytes(&log()), expected);
    assert!(outcomes(&disk).iter().all(|bytes| *bytes == expected));
}

#[test]
fn what_is_not_durable_is_kept_lost_or_torn_at_sectors() {
    let disk = disk_after(async |world| {
        let file = create_log(&world, 2 * BLOCK).await;
        file.write(0, filled(&world, 2 * BLOCK_BYTES, 1)).await.expect("healthy");
    });
    assert!(is_all(&disk.read_bytes(&log()), 1), "reads see it");
    assert!(is_all(&disk.durable_bytes(&log()), 0));
    let outcomes = outcomes(&disk);
    let kept = outcomes.iter().filter(|bytes| is_all(bytes, 1)).count();
    let lost = outcomes.iter().filter(|bytes| is_all(bytes, 0)).count();
    assert!(kept > 50 && lost > 50, "{kept} kept, {lost} lost of {}", outcomes.len());
    assert!(outcomes.len() - kept - lost > 50, "some are torn");
    for sector in outcomes.iter().flat_map(|bytes| bytes.chunks(SECTOR_BYTES)) {
        assert!(is_all(sector, 0) || is_all(sector, 1), "a sector is never torn");
    }
    assert!(outcomes.iter().collect::<BTreeSet<_>>().len() > 50, "torn in many ways");
}

#[test]
fn a_later_write_can_survive_an_earlier_one() {
    let disk = disk_after(async |world| {
        let file = create_log(&world, 2 * BLOCK).await;
        file.write(0, filled(&world, BLOCK_BYTES, 1)).await.expect("healthy");
        file.write(BLOCK, filled(&world, BLOCK_BYTES, 2)).await.expect("healthy");
    });
    let outcomes = outcomes(&disk);
    let both = |first, second| {
        let matches =
            |bytes: &&Vec<u8>| is_all(&bytes[..BLOCK_BYTES], first) && bytes.ends_with(&[second]);
        outcomes.iter().any(|bytes| matches(&bytes))
    };
    assert!(both(0, 2) && both(1, 0) && both(0, 0) && both(1, 2));
}

#[test]
fn a_durable_write_is_never_undone_by_an_older_unsynced_one() {
    let disk = disk_after(async |world| {
        let file = create_log(&world, 2 * BLOCK).await;
        file.write(0, filled(&world, 2 * BLOCK_BYTES, 1)).await.expect("healthy");
        file.write_durable(0, filled(&world, BLOCK_BYTES, 2)).await.expect("healthy");
    });
    let outcomes = outcomes(&disk);
    assert!(outcomes.iter().all(|bytes| is_all(&bytes[..BLOCK_BYTES], 2)));
    assert!(outcomes.iter().any(|bytes| is_all(&bytes[BLOCK_BYTES..], 0)));
}

#[test]
fn a_sync_covers_only_what_had_completed_when_it_was_called() {
    let mut uncovered = 0;
    for seed in 0..50 {
        let disk = SimDisk::new();
        sim::run(seed, &disk, async |world| {
            let file = create_log(&world, 2 * BLOCK).await;
            file.write(0, filled(&world, BLOCK_BYTES, 1)).await.expect("healthy");
            let write = file.write(BLOCK, filled(&world, BLOCK_BYTES, 2));
            let (written, synced) = join(write, file.sync()).await;
            written.and(synced).expect("healthy");
        });
        let durable = disk.durable_bytes(&log());
        assert!(is_all(&durable[..BLOCK_BYTES], 1), "seed {seed}");
        uncovered += usize::from(is_all(&durable[BLOCK_BYTES..], 0));
    }
    assert_eq!(uncovered, 50);
}

/// Stops a run while a durable write over ones is in flight.
fn disk_with_write_in_flight() -> SimDisk {
    disk_after(async |world| {
        let file = create_log(&world, BLOCK).await;
        file.write_durable(0, filled(&world, BLOCK_BYTES, 1)).await.expect("healthy");
        let buffer = filled(&world, BLOCK_BYTES, 2);
        world.spawn(TaskClass::Commit, async move {
            file.write_durable(0, buffer).await.expect("the run ends first");
        });
        world.sleep(Duration::from_micros(1)).await;
    })
}

#[test]
fn a_write_in_flight_is_kept_lost_or_torn() {
    let disk = disk_with_write_in_flight();
    assert!(is_all(&disk.read_bytes(&log()), 1));
    let outcomes = outcomes(&disk);
    assert!(outcomes.iter().any(|bytes| is_all(bytes, 1)));
    assert!(outcomes.iter().any(|bytes| is_all(bytes, 2)));
    assert!(outcomes.iter().any(|bytes| bytes.contains(&1) && bytes.contains(&2)));
}

#[test]
fn a_crash_of_the_process_alone_loses_no_write() {
    let disk = disk_with_write_in_flight();
    sim::run(2, &disk, async |world| {
        let file = world.open(&log()).await.expect("it is there");
        assert!(is_all(&file.read(0, BLOCK_BYTES).await.expect("healthy"), 2));
        assert!(is_all(&disk.durable_bytes(&log()), 1), "but it was never synced");
        file.sync().await.expect("healthy");
        assert!(is_all(&disk.durable_bytes(&log()), 2));
    });
}

#[test]
fn a_read_during_a_write_sees_old_and_new_sectors() {
    let mut seen = BTreeSet::new();
    for seed in 0..100 {
        sim::run(seed, &SimDisk::new(), async |world| {
            let file = create_log(&world, BLOCK).await;
            let write = file.write(0, filled(&world, BLOCK_BYTES, 1));
            let (written, read) = join(write, file.read(0, BLOCK_BYTES)).await;
            written.expect("healthy");
            let read = read.expect("healthy");
            seen.extend(read.chunks(SECTOR_BYTES).map(|sector| (sector[0], read[0])));
        });
    }
    assert_eq!(seen, BTreeSet::from([(0, 0), (0, 1), (1, 0), (1, 1)]));
}

#[test]
fn an_unfinished_create_is_gone_whole_or_debris_and_a_finished_one_stays() {
    let (mut gone, mut whole, mut debris) = (0, 0, 0);
    for seed in 0..100 {
        let disk = SimDisk::new();
        sim::run(seed, &disk, async |world| {
            world.create_directory(data()).await.expect("healthy");
            world.create(&data().join("finished"), BLOCK).await.expect("healthy");
            let other = world.clone();
            world.spawn(TaskClass::Background, async move {
                other.create(&log(), 4 * BLOCK).await.expect("the run ends first");
            });
            world.sleep(Duration::from_micros(1)).await;
            assert_eq!(world.list(data()).await.expect("healthy"), ["finished"]);
        });
        disk.power_loss(seed);
        let names = sim::run(seed, &disk, async |world| world.list(data()).await.expect("healthy"));
        match names.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["finished"] => gone += 1,
            ["finished", "log"] => {
                assert!(is_all(&disk.read_bytes(&log()), 0));
                assert_eq!(disk.read_bytes(&log()).len(), 4 * BLOCK_BYTES);
                whole += 1;
            }
            ["finished", "log.unfinished"] => debris += 1,
            _ => panic!("seed {seed}: {names:?}"),
        }
    }
    assert!(gone > 0 && whole > 0 && debris > 0, "{gone} gone, {whole} whole, {debris} debris");
}

#[test]
fn an_unfinished_remove_happened_or_did_not() {
    let disk = disk_after(async |world| {
        create_log(&world, BLOCK).await;
        let other = world.clone();
        world.spawn(TaskClass::Background, async move {
            other.remove(&log()).await.expect("the run ends first");
        });
        world.sleep(Duration::from_micros(1)).await;
        assert_eq!(world.list(data()).await.expect("healthy"), ["log"]);
    });
    let left = (0..100).map(|seed| {
        let image = disk.image();
        image.power_loss(seed);
        image.files().len()
    });
    assert_eq!(left.collect::<BTreeSet<_>>(), BTreeSet::from([0, 1]));
}

#[test]
fn what_was_opened_before_a_power_loss_fails_after_it() {
    let disk = SimDisk::new();
    sim::run(1, &disk, async |world| {
        let file = create_log(&world, BLOCK).await;
        let cut = async {
            world.sleep(Duration::from_micros(1)).await;
            disk.power_loss(1);
        };
        let buffer = world.buffer(BLOCK_BYTES);
        let (in_flight, ()) = join(file.write_durable(0, buffer), cut).await;
        assert_eq!(in_flight.expect_err("in flight").fault, DiskFault::Io);
        assert!(file.read(0, BLOCK_BYTES).await.is_err());
        assert!(file.sync().await.is_err());
        assert!(world.open(&log()).await.is_err());
        assert!(world.another().open(&log()).await.is_ok(), "the machine was started again");
    });
}

/// For each block of a file: the byte that is surely durable, and those written since.
struct Model(Vec<(u8, Vec<u8>)>);

/// Random writes and syncs against a model: after a power loss every sector holds the last durable
/// byte or one written after it, and without one the last.
#[test]
fn random_writes_agree_with_the_model() {
    const BLOCKS: u64 = 4;
    for seed in 0..300 {
        let disk = SimDisk::new();
        let mut model = Model(vec![(0, Vec::new()); BLOCKS as usize]);
        sim::run(seed, &disk, async |world| {
            let mut rng = SimRng::new(seed);
            let file = create_log(&world, BLOCKS * BLOCK).await;
            for byte in 1..=40 {
                let first = rng.below(BLOCKS);
                let count = 1 + rng.below(BLOCKS - first);
                let buffer = filled(&world, (count * BLOCK) as usize, byte);
                let blocks = &mut model.0[first as usize..(first + count) as usize];
                match rng.below(8) {
                    0 => {
                        file.sync().await.expect("healthy");
                        for (durable, since) in &mut model.0 {
                            *durable = since.pop().unwrap_or(*durable);
                            since.clear();
                        }
                    }
                    1 => {
                        file.write_durable(first * BLOCK, buffer).await.expect("healthy");
                        blocks.fill((byte, Vec::new()));
                    }
                    _ => {
                        file.write(first * BLOCK, buffer).await.expect("healthy");
                        blocks.iter_mut().for_each(|(_, since)| since.push(byte));
                    }
                }
            }
        });
        let current = disk.read_bytes(&log());
        disk.power_loss(seed);
        let after = disk.read_bytes(&log());
        for (block, (durable, since)) in model.0.iter().enumerate() {
            let range = block * BLOCK_BYTES..(block + 1) * BLOCK_BYTES;
            assert!(is_all(&current[range.clone()], *since.last().unwrap_or(durable)));
            for sector in after[range].chunks(SECTOR_BYTES) {
                let byte = sector[0];
                assert!(is_all(sector, byte), "seed {seed}: a torn sector");
                assert!(byte == *durable || since.contains(&byte), "seed {seed}: block {block}");
            }
        }
    }
}
