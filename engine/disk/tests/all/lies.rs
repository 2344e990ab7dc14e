//! False answers of the simulated medium: stale and misdirected reads, lost and misdirected writes.
//! Not errors: nothing here is answered as one.

use std::collections::BTreeSet;

use flywheel_disk::limits::BLOCK_BYTES;
use flywheel_disk::sim::{self, Fault, SECTOR_BYTES, SimDisk, SimFaults, SimOptions};
use flywheel_disk::{File, World};

use crate::{create_log, data, filled, log};

const BLOCK: u64 = BLOCK_BYTES as u64;

/// The first byte of each block.
fn firsts(bytes: &[u8]) -> Vec<u8> {
    bytes.chunks(BLOCK_BYTES).map(|block| block[0]).collect()
}

/// A file of blocks whose sectors each hold the block's number plus their own.
fn numbered(blocks: &[u8]) -> Vec<u8> {
    let sectors = blocks.iter().flat_map(|block| (0..8).map(move |sector| block + sector));
    sectors.flat_map(|number| [number; SECTOR_BYTES]).collect()
}

#[test]
fn a_stale_read_brings_what_stood_there_before_and_only_once() {
    for synced in [false, true] {
        let mut seen = BTreeSet::new();
        for seed in 0..100 {
            let disk = SimDisk::new();
            sim::run(seed, &disk, async |world| {
                let file = create_log(&world, 3 * BLOCK).await;
                for byte in 1..=3 {
                    let buffer = filled(&world, 2 * BLOCK_BYTES, byte);
                    file.write(0, buffer).await.expect("healthy");
                    if synced {
                        file.sync().await.expect("healthy");
                    }
                }
                disk.plan(Fault::StaleRead, "log");
                let untouched = file.read(2 * BLOCK, BLOCK_BYTES).await.expect("healthy");
                assert_eq!(untouched[0], 0);
                assert_eq!(disk.planned_faults(), 1, "nothing else ever stood there");
                let stale = file.read(0, 3 * BLOCK_BYTES).await.expect("not an error");
                seen.insert(firsts(&stale));
                let again = file.read(0, 3 * BLOCK_BYTES).await.expect("healthy");
                assert_eq!(firsts(&again), [3, 3, 0], "the medium is right");
            });
            assert_eq!(
                disk.counters().faults,
                SimFaults { stale_reads: 1, ..SimFaults::default() }
            );
        }
        assert_eq!(seen, BTreeSet::from([vec![2, 2, 0], vec![2, 3, 0], vec![3, 2, 0]]));
    }
}

#[test]
fn a_stale_read_of_the_first_write_brings_zeros() {
    let disk = SimDisk::new();
    sim::run(1, &disk, async |world| {
        let file = create_log(&world, BLOCK).await;
        file.write_durable(0, filled(&world, BLOCK_BYTES, 1)).await.expect("healthy");
        disk.plan(Fault::StaleRead, "log");
        let at = BLOCK_BYTES - SECTOR_BYTES;
        let stale = file.read(at as u64, SECTOR_BYTES).await.expect("not an error");
        assert_eq!(stale[..], [0; SECTOR_BYTES]);
    });
}

#[test]
fn a_misdirected_read_brings_another_place_of_this_file_or_of_one_beside_it() {
    let mut seen = BTreeSet::new();
    for seed in 0..200 {
        let disk = SimDisk::new();
        disk.write_bytes(&log(), &numbered(&[0x10, 0x20, 0x30]));
        disk.write_bytes(&data().join("beside"), &numbered(&[0x40, 0x50]));
        disk.write_bytes("/elsewhere".as_ref(), &numbered(&[0x60]));
        sim::run(seed, &disk, async |world| {
            let file = world.open(&log()).await.expect("it is there");
            disk.plan(Fault::MisdirectedRead, "log");
            let at = BLOCK + 3 * SECTOR_BYTES as u64;
            let read = file.read(at, 2 * SECTOR_BYTES).await.expect("not an error");
            assert_eq!(read[SECTOR_BYTES..], [read[0] + 1; SECTOR_BYTES], "two sectors in a row");
            seen.insert(read[0]);
            let again = file.read(at, SECTOR_BYTES).await.expect("healthy");
            assert_eq!(again[0], 0x23, "the medium is right");
        });
        let expected = SimFaults { misdirected_reads: 1, ..SimFaults::default() };
        assert_eq!(disk.counters().faults, expected);
    }
    assert_eq!(seen, BTreeSet::from([0x13, 0x33, 0x43, 0x53]));
}

#[test]
fn a_misdirected_read_waits_for_other_bytes() {
    let disk = SimDisk::new();
    sim::run(1, &disk, async |world| {
        let file = create_log(&world, 2 * BLOCK).await;
        disk.plan(Fault::MisdirectedRead, "log");
        file.read(0, BLOCK_BYTES).await.expect("all is zero");
        assert_eq!(disk.planned_faults(), 1);
        assert_eq!(disk.counters().faults.total(), 0);
    });
}

#[test]
fn a_lost_write_is_answered_as_durable_and_is_nowhere() {
    for durably in [false, true] {
        let disk = SimDisk::new();
        sim::run(1, &disk, async |world| {
            let file = create_log(&world, 2 * BLOCK).await;
            file.write_durable(0, filled(&world, 2 * BLOCK_BYTES, 1)).await.expect("healthy");
            disk.plan(Fault::LostWrite, "log");
            let buffer = filled(&world, BLOCK_BYTES, 2);
            if durably {
                file.write_durable(0, buffer).await.expect("answered as done");
            } else {
                file.write(0, buffer).await.expect("answered as done");
                file.sync().await.expect("healthy");
            }
            assert_eq!(firsts(&file.read(0, 2 * BLOCK_BYTES).await.expect("healthy")), [1, 1]);
            file.write_durable(BLOCK, filled(&world, BLOCK_BYTES, 3)).await.expect("once");
        });
        assert_eq!(firsts(&disk.durable_bytes(&log())), [1, 3]);
        assert_eq!(disk.counters().faults, SimFaults { lost_writes: 1, ..SimFaults::default() });
    }
}

#[test]
fn a_misdirected_write_lands_elsewhere_in_the_file() {
    let mut seen = BTreeSet::new();
    for (seed, durably) in (0..100).flat_map(|seed| [(seed, false), (seed, true)]) {
        let disk = SimDisk::new();
        sim::run(seed, &disk, async |world| {
            let file = create_log(&world, 4 * BLOCK).await;
            disk.plan(Fault::MisdirectedWrite, "log");
            file.write(0, filled(&world, 4 * BLOCK_BYTES, 1)).await.expect("no other place");
            file.sync().await.expect("healthy");
            assert_eq!(disk.planned_faults(), 1);
            let buffer = filled(&world, 2 * BLOCK_BYTES, 2);
            if durably {
                file.write_durable(BLOCK, buffer).await.expect("answered as done");
            } else {
                file.write(BLOCK, buffer).await.expect("answered as done");
                assert_eq!(firsts(&disk.durable_bytes(&log())), [1; 4], "not yet synced");
                file.sync().await.expect("healthy");
            }
        });
        seen.insert(firsts(&disk.durable_bytes(&log())));
        let expected = SimFaults { misdirected_writes: 1, ..SimFaults::default() };
        assert_eq!(disk.counters().faults, expected);
    }
    assert_eq!(seen, BTreeSet::from([vec![2, 2, 1, 1], vec![1, 1, 2, 2]]));
}

#[test]
fn a_write_that_goes_astray_is_never_seen_where_it_should_be() {
    for seed in 0..50 {
        let disk = SimDisk::new();
        sim::run(seed, &disk, async |world| {
            let file = create_log(&world, BLOCK).await;
            disk.plan(Fault::LostWrite, "log");
            let write = file.write(0, filled(&world, BLOCK_BYTES, 1));
            let read = file.read(0, BLOCK_BYTES);
            let (written, read) = futures_util::future::join(write, read).await;
            written.expect("answered as done");
            assert_eq!(read.expect("healthy")[..], [0; BLOCK_BYTES]);
        });
        disk.power_loss(seed);
        assert_eq!(disk.read_bytes(&log()), [0; BLOCK_BYTES]);
    }
}

/// Writes and reads under false answers at a rate. Returns what was read, what is left, the faults.
fn run_with_lies(seed: u64, options: SimOptions) -> (Vec<u8>, Vec<u8>, SimFaults) {
    let disk = SimDisk::new();
    let read = sim::run_with(seed, &disk, options, async |world| {
        let file = create_log(&world, 8 * BLOCK).await;
        let mut read = Vec::new();
        for byte in 0..200 {
            let at = u64::from(byte) * 5 % 8 * BLOCK;
            file.write_durable(at, filled(&world, BLOCK_BYTES, byte)).await.expect("healthy");
            read.extend(firsts(&file.read(BLOCK, 6 * BLOCK_BYTES).await.expect("healthy")));
        }
        read
    });
    (read, disk.durable_bytes(&log()), disk.counters().faults)
}

#[test]
fn rates_make_answers_false_and_the_seed_decides_which() {
    let options = SimOptions {
        stale_reads_per_million: 200_000,
        misdirected_reads_per_million: 200_000,
        lost_writes_per_million: 200_000,
        misdirected_writes_per_million: 200_000,
        ..SimOptions::default()
    };
    let (read, left, faults) = run_with_lies(1, options.clone());
    let SimFaults { stale_reads, misdirected_reads, lost_writes, misdirected_writes, .. } = faults;
    for count in [stale_reads, misdirected_reads, lost_writes, misdirected_writes] {
        assert!((20..60).contains(&count), "{faults:?} of 200 each");
    }
    assert_eq!(run_with_lies(1, options.clone()), (read.clone(), left, faults));
    assert_ne!(run_with_lies(2, options).0, read);
}

#[test]
fn one_kind_of_fault_does_not_shift_another() {
    let (stale_only, ..) =
        run_with_lies(3, SimOptions { stale_reads_per_million: 200_000, ..SimOptions::default() });
    let (healthy, ..) = run_with_lies(3, SimOptions::default());
    let (both, ..) = run_with_lies(
        3,
        SimOptions {
            stale_reads_per_million: 200_000,
            slow_per_million: 300_000,
            stuck_per_million: 100_000,
            ..SimOptions::default()
        },
    );
    assert_ne!(stale_only, healthy);
    assert_eq!(stale_only, both, "which reads are stale, and of what, is drawn for each by itself");
}
