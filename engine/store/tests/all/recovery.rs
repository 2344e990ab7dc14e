//! Damage to larger stores than the small image of `tearing`: superblocks lost or torn, segments of an
//! older image. Opening gives the exact state, or an older acknowledged one where the log's tail itself
//! was hit, or an error with its place. Not every byte: see `tearing`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use flywheel_disk::sim::{self, Fault, Op, SimDisk};
use flywheel_store::{StoreError, StoreOptions, Versioned, WriteBatch};

use crate::fixture::{DIRECTORY, everything, key, open_with, options, value};

const BLOCK_BYTES: usize = 4096;

type State = BTreeMap<Bytes, Versioned>;

/// A disk and every state that was acknowledged on the way to it, the newest last.
struct Written {
    disk: SimDisk,
    states: Vec<State>,
}

fn small() -> StoreOptions {
    StoreOptions { ready_segments: 1, cache_bytes: 0, ..options() }
}

/// One caller's puts and deletes, a batch each; then a close, or a crash.
fn write(seed: u64, operations: u64, keys: u64, length: usize, closes: bool) -> Written {
    let disk = SimDisk::new();
    let states = sim::run(seed, &disk, async |world| {
        let store = open_with(&world, small()).await.expect("opens");
        let mut states = vec![State::new()];
        for number in 0..operations {
            let deletes = number % 7 == 6;
            let (key, value) = (key(number * 7 % keys), value(number, 0, length));
            let batch = match deletes {
                true => WriteBatch::delete(key.clone()),
                false => WriteBatch::put(key.clone(), value.clone()),
            };
            store.write(batch).await.expect("writes");
            let mut state = states.last().expect("one is there").clone();
            match (deletes, store.get(&key).await.expect("reads")) {
                (true, None) => drop(state.remove(&key)),
                (false, Some(found)) if found.value == value => drop(state.insert(key, found)),
                other => panic!("not what was written: {other:?}"),
            }
            states.push(state);
        }
        if closes {
            store.close().await.expect("closes");
        }
        states
    });
    Written { disk, states }
}

/// What opening a disk gave.
#[derive(Debug, PartialEq)]
enum Outcome {
    /// Everything that was acknowledged.
    Exact,
    /// An acknowledged state, so many writes older.
    Older(usize),
    /// An error that names this file.
    Refused(String),
}

/// Opens a copy and compares all it says with what was acknowledged.
fn outcome(written: &Written, disk: &SimDisk, what: &str) -> Outcome {
    let found = sim::run(1, disk, async |world| {
        let store = open_with(&world, small()).await?;
        let page = store.scan(everything()).await?;
        // Each by itself too: a scan and a get take different ways.
        for (key, found) in &page.items {
            assert_eq!(store.get(key).await?.as_ref(), Some(found), "{what}");
        }
        Ok::<State, StoreError>(page.items.into_iter().collect())
    });
    match found {
        Ok(state) => {
            let newest_first = written.states.iter().rev();
            match newest_first.clone().position(|one| *one == state) {
                Some(0) => Outcome::Exact,
                Some(age) => Outcome::Older(age),
                None => panic!("{what}: a state that never was, {} items", state.len()),
            }
        }
        Err(
            StoreError::Corrupt { file, what: found, .. }
            | StoreError::Format { file, what: found },
        ) => {
            assert!(!found.is_empty(), "{what}: an error without a reason");
            Outcome::Refused(file)
        }
        Err(other) => panic!("{what}: an error without a place: {other}"),
    }
}

fn segments(disk: &SimDisk) -> Vec<PathBuf> {
    let files = disk.files().into_iter().map(|(path, _)| path);
    files.filter(|path| path.to_string_lossy().contains("segment-")).collect()
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

/// Bytes of records of the batch at the front.
fn body_bytes(batch: &[u8]) -> usize {
    u32::from_le_bytes(batch[40..44].try_into().expect("four bytes")) as usize
}

/// The log's segments in the order of their lives, each with the offsets of its batches and its end.
fn log_segments(disk: &SimDisk) -> Vec<(PathBuf, Vec<usize>)> {
    let mut found = Vec::new();
    for path in segments(disk) {
        let bytes = disk.read_bytes(&path);
        let life = u64_at(&bytes, 24);
        let mut batches = Vec::new();
        let mut at = BLOCK_BYTES;
        while at < bytes.len()
            && bytes[at..].starts_with(b"FWB1")
            && bytes[at + 50] == 1
            && u64_at(&bytes, at + 8) == life
        {
            batches.push(at);
            at += (64 + body_bytes(&bytes[at..])).next_multiple_of(BLOCK_BYTES);
        }
        if !batches.is_empty() {
            batches.push(at);
            found.push((life, path, batches));
        }
    }
    found.sort();
    found.into_iter().map(|(_, path, batches)| (path, batches)).collect()
}

#[test]
fn either_slot_of_the_superblock_may_be_lost_or_says_so() {
    for closes in [false, true] {
        let written = write(4, 400, 40, 900, closes);
        let path = Path::new(DIRECTORY).join("superblock");
        let generations: Vec<u64> = (0..2)
            .map(|slot| u64_at(&written.disk.read_bytes(&path), slot * BLOCK_BYTES + 24))
            .collect();
        assert!(generations.iter().all(|&generation| generation > 1), "{generations:?}");
        for slot in 0..2 {
            let disk = written.disk.image();
            disk.replace_bytes(&path, (slot * BLOCK_BYTES + 100) as u64, &[0xFF; 64]);
            let what = format!("slot {slot} of {generations:?} damaged, closed {closes}");
            match outcome(&written, &disk, &what) {
                Outcome::Exact => {}
                Outcome::Older(age) => panic!("{what}: {age} writes lost in silence"),
                Outcome::Refused(_) => {
                    let is_newest = generations[slot] > generations[1 - slot];
                    assert!(is_newest, "{what}: the newest is whole, the other is of no use");
                }
            }
        }
    }
}

/// Damage may come and go, as a cell of the medium that reads now one way and now the other. A slot that
/// counted again after its segments were reused would point to what is gone.
#[test]
fn a_damaged_slot_is_written_anew_before_anything_is_built_on_the_other() {
    let path = Path::new(DIRECTORY).join("superblock");
    let mut served = 0;
    for slot in 0..2 {
        let written = write(4, 400, 40, 900, false);
        let disk = written.disk.image();
        let at = slot * BLOCK_BYTES;
        disk.replace_bytes(&path, (at + 100) as u64, &[0xFF; 64]);
        let damaged = disk.read_bytes(&path);
        let what = format!("slot {slot} damaged");
        if let Outcome::Refused(_) = outcome(&written, &disk, &what) {
            continue;
        }
        served += 1;
        let after = disk.durable_bytes(&path);
        assert_ne!(after[at..at + BLOCK_BYTES], damaged[at..at + BLOCK_BYTES], "{what}");
        disk.power_loss(7);
        disk.replace_bytes(&path, (BLOCK_BYTES - at) as u64, &[0; BLOCK_BYTES]);
        assert_eq!(outcome(&written, &disk, &what), Outcome::Exact, "{what}, then the other lost");
    }
    assert!(served > 0, "no slot could do without the other");
}

/// Both readings at first bring what stood there before the last superblock was written.
#[test]
fn a_superblock_read_as_it_was_before_is_not_written_over_the_newest() {
    let disk = SimDisk::new();
    let path = Path::new(DIRECTORY).join("superblock");
    sim::run(1, &disk, async |world| {
        let store = open_with(&world, small()).await.expect("opens");
        store.write(WriteBatch::put(key(1), value(1, 0, 100))).await.expect("writes");
    });
    let before = disk.read_bytes(&path);
    disk.plan(Fault::StaleRead, "superblock");
    disk.plan(Fault::StaleRead, "superblock");
    let opened = sim::run(2, &disk, async |world| open_with(&world, small()).await.map(drop));
    assert_eq!(disk.planned_faults(), 0);
    let refused =
        matches!(&opened, Err(StoreError::Corrupt { file, .. }) if path == Path::new(file));
    assert!(refused, "{opened:?}");
    assert_eq!(disk.read_bytes(&path), before);
    let found = sim::run(3, &disk, async |world| {
        let store = open_with(&world, small()).await.expect("opens");
        store.get(&key(1)).await.expect("reads")
    });
    assert!(found.is_some(), "what was acknowledged is there");
}

#[test]
fn a_torn_superblock_write_falls_back_to_the_other_slot() {
    // The first checkpoint of a fresh store is torn by a power loss.
    for seed in 0..20 {
        let disk = SimDisk::new();
        let options = || StoreOptions { checkpoint_min_log_bytes: u64::MAX / 2, ..small() };
        let states = sim::run(seed, &disk, async |world| {
            let store = open_with(&world, options()).await.expect("opens");
            for number in 0..20 {
                store
                    .write(WriteBatch::put(key(number), value(number, 0, 200)))
                    .await
                    .expect("writes");
            }
            let items = store.scan(everything()).await.expect("scans").items;
            disk.plan(Fault::Error(Op::Write), "superblock");
            let taken = store.checkpoint().await;
            assert!(matches!(taken, Err(StoreError::Stopped(_))), "{taken:?}");
            vec![items.into_iter().collect()]
        });
        disk.power_loss(seed);
        let written = Written { disk: disk.clone(), states };
        assert_eq!(outcome(&written, &disk, &format!("seed {seed}")), Outcome::Exact);
    }
}

#[test]
fn a_segment_from_an_older_image_is_noticed_or_harmless() {
    for seed in 0..4 {
        let disk = SimDisk::new();
        let (mut states, mut images) = (vec![State::new()], Vec::new());
        sim::run(seed, &disk, async |world| {
            let store = open_with(&world, small()).await.expect("opens");
            for number in 0..600 {
                let key = key(number * 17 % 60);
                let batch = WriteBatch::put(key.clone(), value(number % 10, number, 500));
                store.write(batch).await.expect("writes");
                let found = store.get(&key).await.expect("reads").expect("is there");
                let mut state = states.last().expect("one is there").clone();
                state.insert(key, found);
                states.push(state);
                if number % 60 == 30 {
                    images.push(disk.image());
                }
            }
            if seed % 2 == 0 {
                store.close().await.expect("closes");
            }
        });
        let written = Written { disk: disk.clone(), states };
        let tail = log_segments(&disk).pop();
        let (mut refused, mut compared) = (0, 0);
        for (age, image) in images.iter().enumerate() {
            for path in segments(image) {
                let older = image.read_bytes(&path);
                if older == disk.read_bytes(&path) {
                    continue;
                }
                let swapped = disk.image();
                swapped.replace_bytes(&path, 0, &older);
                compared += 1;
                let what = format!("{} as of image {age}, seed {seed}", path.display());
                match outcome(&written, &swapped, &what) {
                    Outcome::Exact => {}
                    Outcome::Older(lost) => {
                        let is_tail = tail.as_ref().is_some_and(|(tail, _)| *tail == path);
                        assert!(is_tail, "{what}: {lost} writes lost in silence");
                    }
                    Outcome::Refused(_) => refused += 1,
                }
            }
        }
        assert!(compared > 20 && refused > 5, "{refused} of {compared} noticed, seed {seed}");
    }
}

/// A write that failed may be seen by reads and still vanish with the power, whatever is synced later.
#[test]
fn what_a_failed_write_left_is_durable_before_it_is_answered_from() {
    let mut seen = 0;
    for seed in 0..60 {
        let disk = SimDisk::new();
        sim::run(seed, &disk, async |world| {
            let store = open_with(&world, small()).await.expect("opens");
            world.disk().plan(Fault::Error(Op::Write), "segment");
            let failed = store.write(WriteBatch::put(key(1), value(1, 0, 100))).await;
            assert!(matches!(failed, Err(StoreError::Stopped(_))), "seed {seed}: {failed:?}");
        });
        let found = sim::run(seed, &disk, async |world| {
            let store = open_with(&world, small()).await.expect("opens");
            store.get(&key(1)).await.expect("reads")
        });
        disk.power_loss(seed);
        let again = sim::run(seed, &disk, async |world| {
            let store = open_with(&world, small()).await.expect("opens");
            store.get(&key(1)).await.expect("reads")
        });
        assert_eq!(again, found, "seed {seed}: what was answered is gone, or came only then");
        seen += u32::from(found.is_some());
    }
    assert!((10..50).contains(&seen), "{seen} of 60 failed writes were seen");
}
