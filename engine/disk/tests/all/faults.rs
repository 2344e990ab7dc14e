//! Faults asked of the simulated machine: errors, a full disk, rot, slowness; and a test's hands on
//! the medium. Not about power losses.

use std::path::Path;

use flywheel_disk::limits::BLOCK_BYTES;
use flywheel_disk::sim::{self, SECTOR_BYTES, SimCounters, SimDisk, SimOptions};
use flywheel_disk::{DiskFault, File, World};

use crate::{create_log, data, filled, log};

const BLOCK: u64 = BLOCK_BYTES as u64;

#[test]
fn a_planned_fault_hits_once_and_only_its_path() {
    let disk = SimDisk::new();
    sim::run(1, &disk, async |world| {
        let file = create_log(&world, BLOCK).await;
        disk.fail_next_read("other");
        disk.fail_next_read("log");
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
        disk.fail_next_write("log");
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
        disk.fail_next_sync("log");
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
fn rates_fail_some_requests() {
    let options = SimOptions {
        read_errors_per_million: 300_000,
        write_errors_per_million: 300_000,
        sync_errors_per_million: 300_000,
        ..SimOptions::default()
    };
    let failed = sim::run_with(1, &SimDisk::new(), options, async |world| {
        let file = create_log(&world, BLOCK).await;
        let mut failed = [0; 3];
        for _ in 0..200 {
            failed[0] += usize::from(file.read(0, BLOCK_BYTES).await.is_err());
            failed[1] += usize::from(file.write(0, world.buffer(BLOCK_BYTES)).await.is_err());
            failed[2] += usize::from(file.sync().await.is_err());
        }
        failed
    });
    assert!(failed.iter().all(|failed| (30..90).contains(failed)), "{failed:?} of 200 each");
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
    };
    assert_eq!(disk.counters(), expected);
}

#[test]
fn slow_requests_take_longer() {
    let read_ns = |slow_per_million| {
        let options = SimOptions { slow_per_million, ..SimOptions::default() };
        sim::run_with(1, &SimDisk::new(), options, async |world| {
            let file = create_log(&world, BLOCK).await;
            let start_ns = world.now_ns();
            file.read(0, BLOCK_BYTES).await.expect("healthy");
            world.now_ns() - start_ns
        })
    };
    assert!((60_000..=202_000).contains(&read_ns(0)), "{} ns", read_ns(0));
    assert!(read_ns(1_000_000) >= 10_060_000, "{} ns", read_ns(1_000_000));
}
