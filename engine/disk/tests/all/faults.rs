//! Faults asked of the simulated machine that are answered as such: errors, a full disk; rot, and a
//! test's hands on the medium. Not about power losses, not about false answers: see `lies`.

use std::collections::BTreeSet;
use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use flywheel_disk::limits::BLOCK_BYTES;
use flywheel_disk::sim::{
    self, Fault, Op, SECTOR_BYTES, SimCounters, SimDisk, SimFaults, SimOptions, SimWorld,
};
use flywheel_disk::{DiskError, DiskFault, File, World};
use futures_util::future::{FutureExt, join};

use crate::{create_log, data, filled, log};

const BLOCK: u64 = BLOCK_BYTES as u64;

#[test]
fn a_planned_fault_hits_once_and_only_its_path() {
    let disk = SimDisk::new();
    sim::run(1, &disk, async |world| {
        let file = create_log(&world, BLOCK).await;
        disk.plan(Fault::Error(Op::Read), "other");
        disk.plan(Fault::Error(Op::Read), "log");
        let error = file.read(0, SECTOR_BYTES).await.expect_err("planned");
        assert_eq!(error.fault, DiskFault::Io);
        assert_eq!((error.offset_bytes, error.length_bytes), (Some(0), Some(SECTOR_BYTES)));
        assert_eq!(&*error.path, log());
        file.read(0, SECTOR_BYTES).await.expect("once");
    });
    assert_eq!(disk.planned_faults(), 1, "the other path's is still to come");
}

#[test]
fn a_failed_write_may_leave_any_sectors_and_no_sync_saves_them() {
    let (mut left, mut kept) = (0, 0);
    for seed in 0..100 {
        let disk = SimDisk::new();
        disk.plan(Fault::Error(Op::Write), "log");
        sim::run(seed, &disk, async |world| {
            let file = create_log(&world, 2 * BLOCK).await;
            let error = file.write_durable(0, filled(&world, BLOCK_BYTES, 1)).await;
            assert_eq!(error.expect_err("planned").fault, DiskFault::Io);
            file.write(BLOCK, filled(&world, BLOCK_BYTES, 2)).await.expect("once");
            file.sync().await.expect("healthy");
            let read = file.read(0, BLOCK_BYTES).await.expect("healthy");
            left += read.iter().filter(|&&byte| byte == 1).count();
        });
        assert_eq!(disk.durable_bytes(&log()), [[0; BLOCK_BYTES], [2; BLOCK_BYTES]].concat());
        disk.power_loss(seed);
        let after = disk.read_bytes(&log());
        kept += after.iter().filter(|&&byte| byte == 1).count();
    }
    assert!(0 < kept && kept < left && left < 100 * BLOCK_BYTES, "{kept} of {left} bytes left");
}

#[test]
fn what_a_failed_sync_covered_is_never_durable() {
    let disk = SimDisk::new();
    sim::run(1, &disk, async |world| {
        let file = create_log(&world, BLOCK).await;
        file.write(0, filled(&world, BLOCK_BYTES, 1)).await.expect("healthy");
        disk.plan(Fault::Error(Op::Sync), "log");
        assert_eq!(file.sync().await.expect_err("planned").fault, DiskFault::Io);
        file.sync().await.expect("the kernel claims to have nothing left to write");
        assert_eq!(file.read(0, BLOCK_BYTES).await.expect("healthy")[0], 1);
    });
    assert_eq!(disk.durable_bytes(&log()), [0; BLOCK_BYTES]);
    let lost = (0..50).filter(|&seed| {
        let image = disk.image();
        image.power_loss(seed);
        image.read_bytes(&log()) == [0; BLOCK_BYTES]
    });
    assert!(lost.count() > 5);
}

#[test]
fn a_new_write_over_doomed_bytes_is_durable_once_synced() {
    for durably in [false, true] {
        let disk = SimDisk::new();
        sim::run(1, &disk, async |world| {
            let file = create_log(&world, 3 * BLOCK).await;
            file.write(0, filled(&world, 3 * BLOCK_BYTES, 1)).await.expect("healthy");
            disk.plan(Fault::Error(Op::Sync), "log");
            file.sync().await.expect_err("planned");
            let buffer = filled(&world, BLOCK_BYTES, 2);
            if durably {
                file.write_durable(BLOCK, buffer).await.expect("healthy");
            } else {
                file.write(BLOCK, buffer).await.expect("healthy");
                file.sync().await.expect("healthy");
            }
        });
        let expected = [[0; BLOCK_BYTES], [2; BLOCK_BYTES], [0; BLOCK_BYTES]].concat();
        assert_eq!(disk.durable_bytes(&log()), expected);
        let mut lost = 0;
        for seed in 0..50 {
            let image = disk.image();
            image.power_loss(seed);
            let bytes = image.read_bytes(&log());
            assert_eq!(bytes[BLOCK_BYTES..2 * BLOCK_BYTES], [2; BLOCK_BYTES], "seed {seed}");
            lost += usize::from(bytes == expected);
        }
        assert!(lost > 5, "the rest is still doomed, and was lost {lost} times");
    }
}

#[test]
fn a_doomed_write_that_is_written_over_durably_leaves_nothing() {
    let disk = SimDisk::new();
    sim::run(1, &disk, async |world| {
        let file = create_log(&world, 2 * BLOCK).await;
        file.write(0, filled(&world, BLOCK_BYTES, 1)).await.expect("healthy");
        disk.plan(Fault::Error(Op::Sync), "log");
        file.sync().await.expect_err("planned");
        file.write_durable(0, filled(&world, 2 * BLOCK_BYTES, 2)).await.expect("healthy");
    });
    assert_eq!(disk.durable_bytes(&log()), [2; 2 * BLOCK_BYTES]);
    for seed in 0..20 {
        let image = disk.image();
        image.power_loss(seed);
        assert_eq!(image.read_bytes(&log()), [2; 2 * BLOCK_BYTES]);
        let expected = SimFaults { power_losses: 1, ..SimFaults::default() };
        assert_eq!(image.counters().faults, expected, "there was nothing left to lose");
    }
}

/// Plans an error and checks that a request then fails with it, once.
async fn fails_once<T>(
    disk: &SimDisk,
    (op, path): (Op, &Path),
    mut request: impl AsyncFnMut() -> Result<T, DiskError>,
) {
    disk.plan(Fault::Error(op), path.to_str().expect("text"));
    let error = request().await.err().unwrap_or_else(|| panic!("{op:?} was planned to fail"));
    assert_eq!((error.fault, &*error.path), (DiskFault::Io, path), "{op:?}");
    assert_eq!(disk.planned_faults(), 0, "{op:?}");
}

#[test]
fn changes_of_the_directory_tree_fail_and_may_have_happened_all_the_same() {
    let mut created = BTreeSet::new();
    let (mut removed, mut made) = (BTreeSet::new(), BTreeSet::new());
    for seed in 0..50 {
        let disk = SimDisk::new();
        let check = async |world: SimWorld| {
            create_log(&world, BLOCK).await;
            fails_once(&disk, (Op::Open, &log()), async || world.open(&log()).await).await;
            fails_once(&disk, (Op::List, data()), async || world.list(data()).await).await;
            fails_once(&disk, (Op::Remove, &log()), async || world.remove(&log()).await).await;
            removed.insert(disk.files().is_empty());
            let inner = data().join("inner");
            let make = async || world.create_directory(&inner).await;
            fails_once(&disk, (Op::CreateDirectory, &inner), make).await;
            made.insert(world.list(&inner).await.is_ok());
            let new = data().join("new");
            let create = async || world.create(&new, BLOCK).await;
            fails_once(&disk, (Op::Create, &new), create).await;
            let mut names = world.list(data()).await.expect("healthy");
            names.retain(|name| name != "log");
            created.insert(names);
        };
        sim::run(seed, &disk, check);
        assert_eq!(disk.counters().faults.metadata_errors, 5);
    }
    assert_eq!((removed.len(), made.len()), (2, 2));
    let expected = [vec![], vec!["new".to_owned()], vec!["new.unfinished".to_owned()]];
    assert_eq!(created, BTreeSet::from(expected));
}

#[test]
fn rates_fail_some_requests() {
    let options = SimOptions {
        read_errors_per_million: 300_000,
        write_errors_per_million: 300_000,
        sync_errors_per_million: 300_000,
        ..SimOptions::default()
    };
    let disk = SimDisk::new();
    let failed = sim::run_with(1, &disk, options, async |world| {
        let file = create_log(&world, BLOCK).await;
        let mut failed = [0; 3];
        for _ in 0..200 {
            failed[0] += u64::from(file.read(0, BLOCK_BYTES).await.is_err());
            failed[1] += u64::from(file.write(0, world.buffer(BLOCK_BYTES)).await.is_err());
            failed[2] += u64::from(file.sync().await.is_err());
        }
        failed
    });
    assert!(failed.iter().all(|failed| (30..90).contains(failed)), "{failed:?} of 200 each");
    let SimFaults { read_errors, write_errors, sync_errors, .. } = disk.counters().faults;
    assert_eq!([read_errors, write_errors, sync_errors], failed);
    assert_eq!(disk.counters().faults.total(), failed.iter().sum::<u64>());
}

#[test]
fn rates_fail_some_changes_of_the_directory_tree() {
    let options = SimOptions { metadata_errors_per_million: 300_000, ..SimOptions::default() };
    let disk = SimDisk::new();
    let failed = sim::run_with(1, &disk, options, async |world| {
        let mut failed = [0; 5];
        for round in 0..200 {
            let path = data().join(round.to_string());
            failed[0] += u64::from(world.create_directory(data()).await.is_err());
            failed[1] += u64::from(world.create(&path, BLOCK).await.is_err());
            failed[2] += u64::from(world.open(&path).await.is_err());
            failed[3] += u64::from(world.list(data()).await.is_err());
            failed[4] += u64::from(world.remove(&path).await.is_err());
        }
        failed
    });
    assert!(failed.iter().all(|failed| (30..150).contains(failed)), "{failed:?} of 200 each");
    assert!(disk.counters().faults.metadata_errors > 200);
}

#[test]
fn a_full_disk_refuses_new_files_only() {
    let disk = SimDisk::new();
    disk.set_capacity_bytes(Some(3 * BLOCK));
    sim::run(1, &disk, async |world| {
        let file = create_log(&world, 2 * BLOCK).await;
        let (second, third) = (data().join("second"), data().join("third"));
        let too_large = world.create(&second, 2 * BLOCK).await.map(drop);
        assert_eq!(too_large.expect_err("full").fault, DiskFault::NoSpace);
        assert_eq!(disk.used_bytes(), 2 * BLOCK, "a refused file takes no space");
        world.create(&second, BLOCK).await.expect("it fits");
        file.write_durable(0, world.buffer(BLOCK_BYTES)).await.expect("it has its space");
        assert!(world.create(&third, BLOCK).await.is_err());
        world.remove(&log()).await.expect("healthy");
        world.create(&third, 2 * BLOCK).await.expect("the space came back");
    });
}

#[test]
fn the_limit_can_be_lowered_and_raised_while_files_are_made() {
    let disk = SimDisk::new();
    sim::run(1, &disk, async |world| {
        let file = create_log(&world, 2 * BLOCK).await;
        let path = |name: u32| data().join(name.to_string());
        // Lowered while one is being made: that one has its space.
        let lower = async {
            world.sleep(Duration::from_micros(1)).await;
            disk.set_capacity_bytes(Some(BLOCK));
        };
        let first = path(1);
        let (created, ()) = join(world.create(&first, BLOCK), lower).await;
        created.expect("it was there before");
        assert_eq!(disk.used_bytes(), 3 * BLOCK, "more than the limit");
        let full = world.create(&path(2), BLOCK).await.map(drop).expect_err("full");
        assert_eq!(full.fault, DiskFault::NoSpace);
        file.write_durable(0, filled(&world, BLOCK_BYTES, 1)).await.expect("it has its space");
        assert_eq!(file.read(0, BLOCK_BYTES).await.expect("healthy")[0], 1);
        disk.set_capacity_bytes(Some(4 * BLOCK));
        world.create(&path(2), BLOCK).await.expect("one more");
        world.create(&path(3), BLOCK).await.map(drop).expect_err("full again");
        disk.set_capacity_bytes(None);
        disk.plan(Fault::NoSpace, "/4");
        world.create(&path(3), BLOCK).await.expect("no limit");
        let planned = world.create(&path(4), BLOCK).await.map(drop).expect_err("planned");
        assert_eq!(planned.fault, DiskFault::NoSpace);
        world.create(&path(4), BLOCK).await.expect("once");
    });
    assert_eq!(disk.counters().faults, SimFaults { no_space: 3, ..SimFaults::default() });
}

#[test]
fn planned_faults_can_be_forgotten() {
    let disk = SimDisk::new();
    sim::run(1, &disk, async |world| {
        let file = create_log(&world, BLOCK).await;
        disk.plan(Fault::Error(Op::Read), "log");
        disk.forget_planned_faults();
        file.read(0, BLOCK_BYTES).await.expect("forgotten");
    });
}

#[test]
fn rot_flips_any_bit_of_the_files_it_is_told_of() {
    let disk = SimDisk::new();
    assert_eq!(disk.rot("", 1), None);
    let clean = [[1; 100].as_slice(), [2; 50].as_slice()];
    disk.write_bytes(&log(), clean[0]);
    disk.write_bytes(&log().with_extension("2"), clean[1]);
    disk.write_bytes(Path::new("/other"), &[3; 100]);
    let image = disk.image();
    let mut hit = BTreeSet::new();
    for seed in 0..20_000 {
        disk.restore(&image);
        let (path, offset_bytes, bit) = disk.rot("data", seed).expect("there is something");
        let mut bytes = disk.read_bytes(&path);
        bytes[offset_bytes as usize] ^= 1 << bit;
        assert_eq!(bytes, image.read_bytes(&path), "seed {seed}: one bit");
        hit.insert((path, offset_bytes, bit));
    }
    assert_eq!(hit.len(), 150 * 8, "every bit of both files");
    assert!(hit.iter().all(|(path, ..)| path.starts_with(data())));
    assert_eq!(disk.counters().faults.changes_at_rest, 20_000);
}

#[test]
fn what_a_power_loss_takes_is_counted() {
    let disk = SimDisk::new();
    sim::run(1, &disk, async |world| {
        let file = create_log(&world, 65 * BLOCK).await;
        file.write_durable(64 * BLOCK, filled(&world, BLOCK_BYTES, 1)).await.expect("healthy");
        for block in 0..64 {
            file.write(block * BLOCK, filled(&world, BLOCK_BYTES, 1)).await.expect("healthy");
        }
    });
    disk.power_loss(7);
    let bytes = disk.read_bytes(&log());
    let blocks = bytes.chunks(BLOCK_BYTES);
    let lost = blocks.clone().filter(|block| !block.contains(&1)).count() as u64;
    let torn = blocks.filter(|block| block.contains(&0) && block.contains(&1)).count() as u64;
    let faults = disk.counters().faults;
    assert!(lost > 5 && torn > 5, "{lost} lost, {torn} torn");
    assert_eq!((faults.lost_at_power_loss, faults.torn_at_power_loss), (lost, torn));
    assert_eq!((faults.power_losses, faults.total()), (1, 1 + lost + torn));
}

#[test]
fn bytes_at_rest_can_be_changed() {
    let disk = SimDisk::new();
    disk.write_bytes(&log(), &[7; 2 * BLOCK_BYTES]);
    sim::run(1, &disk, async |world| {
        let file = world.open(&log()).await.expect("it was written");
        file.write(0, filled(&world, BLOCK_BYTES, 8)).await.expect("healthy");
        disk.corrupt(&log(), 5, 0);
        disk.corrupt(&log(), BLOCK + 5, 7);
        disk.replace_bytes(&log(), BLOCK - 1, &[1, 2]);
        let bytes = file.read(0, 2 * BLOCK_BYTES).await.expect("rot is not an error");
        assert_eq!((bytes[4], bytes[5]), (8, 9));
        assert_eq!(bytes[BLOCK_BYTES + 5], 7 ^ 128);
        assert_eq!(bytes[BLOCK_BYTES - 2..BLOCK_BYTES + 2], [8, 1, 2, 7]);
        assert_eq!(bytes[..], disk.read_bytes(&log())[..]);
        // A write in flight brings its own bytes.
        let mut write = pin!(file.write_durable(0, filled(&world, BLOCK_BYTES, 9)));
        assert!(write.as_mut().now_or_never().is_none(), "under way");
        disk.corrupt(&log(), 5, 0);
        write.await.expect("healthy");
        assert_eq!(disk.durable_bytes(&log())[5], 9);
    });
    assert_eq!(disk.files(), [(log(), 2 * BLOCK)]);
    disk.delete(&log());
    assert_eq!(disk.files(), []);
}

#[test]
fn an_image_is_a_copy_and_can_be_restored() {
    let disk = SimDisk::new();
    disk.write_bytes(&log(), &[1; BLOCK_BYTES]);
    let image = disk.image();
    disk.write_bytes(&log(), &[2; BLOCK_BYTES]);
    disk.write_bytes(Path::new("/data/other"), &[3; BLOCK_BYTES]);
    assert_eq!(image.read_bytes(&log())[0], 1);
    disk.restore(&image);
    assert_eq!(disk.files(), [(log(), BLOCK)]);
    disk.corrupt(&log(), 0, 1);
    assert_eq!((disk.read_bytes(&log())[0], image.read_bytes(&log())[0]), (3, 1));
}

#[test]
fn requests_are_counted() {
    let disk = SimDisk::new();
    sim::run(1, &disk, async |world| {
        let file = create_log(&world, 4 * BLOCK).await;
        file.write(0, world.buffer(2 * BLOCK_BYTES)).await.expect("healthy");
        file.write_durable(0, world.buffer(BLOCK_BYTES)).await.expect("healthy");
        file.sync().await.expect("healthy");
        file.sync().await.expect("healthy");
        file.read(0, SECTOR_BYTES).await.expect("healthy");
        world.remove(&log()).await.expect("healthy");
    });
    let expected = SimCounters {
        reads: 1,
        read_bytes: 512,
        writes: 2,
        written_bytes: 3 * BLOCK,
        durable_writes: 1,
        syncs: 2,
        synced_bytes: 2 * BLOCK,
        creates: 1,
        removes: 1,
        faults: SimFaults::default(),
    };
    assert_eq!(disk.counters(), expected);
}
