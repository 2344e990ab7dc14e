//! Check and salvage: what is said of a store that nobody has open is true. What is kept without doubt is
//! the newest that was acknowledged; what is not kept is named, or its place is.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use bytes::Bytes;
use flywheel_disk::sim::{self, SimDisk, SimRng, SimWorld};
use flywheel_store::{
    Checked, Concern, Ground, LostRegion, PartitionId, Salvage, Salvaged, Store, StoreError,
    StoreOptions, Version, Versioned, WriteBatch, check,
};

use crate::fixture::{DIRECTORY, everything, key, open_with, options, value, whole};

type State = BTreeMap<Bytes, Versioned>;

fn quiet() -> StoreOptions {
    StoreOptions { cache_bytes: 0, scrub_bytes_per_s: 0, max_dead_share: 0.2, ..options() }
}

/// The key of the last writes: damage to the very last batches looks like a power loss.
fn last_key() -> Bytes {
    Bytes::from("zz-last")
}

/// Writes, overwrites and deletes by seed; then a close or a crash. What was acknowledged comes back.
fn written(seed: u64, operations: u64, closes: bool) -> (SimDisk, State) {
    let disk = SimDisk::new();
    let state = sim::run(seed, &disk, async |world| {
        let store = open_with(&world, quiet()).await.expect("opens");
        churn(&store, seed, operations).await;
        let state = store.scan(everything()).await.expect("scans").items.into_iter().collect();
        for round in 0..4 {
            let put = WriteBatch::put(last_key(), value(0, round, 100));
            store.write(put).await.expect("writes");
        }
        if closes {
            store.close().await.expect("closes");
        }
        state
    });
    (disk, state)
}

async fn churn(store: &Store<SimWorld>, seed: u64, operations: u64) {
    let mut rng = SimRng::new(seed);
    for round in 0..operations {
        let number = rng.below(60);
        let batch = match rng.below(6) {
            0 => WriteBatch::delete(key(number)),
            _ => WriteBatch::put(key(number), value(number, round, 100 + number as usize * 20)),
        };
        store.write(batch).await.expect("writes");
    }
}

fn files(disk: &SimDisk, part: &str) -> Vec<PathBuf> {
    let files = disk.files().into_iter().map(|(path, _)| path);
    files.filter(|path| path.to_string_lossy().contains(part)).collect()
}

fn contents(disk: &SimDisk) -> Vec<(PathBuf, Vec<u8>)> {
    disk.files().into_iter().map(|(path, _)| (path.clone(), disk.read_bytes(&path))).collect()
}

/// What stands on a disk once nothing that a crashed process had sent is on its way any more.
fn settled_contents(disk: &SimDisk) -> Vec<(PathBuf, Vec<u8>)> {
    sim::run(1, disk, async |_| ());
    contents(disk)
}

fn check_disk(disk: &SimDisk) -> Result<Checked, StoreError> {
    let (before, writes) = (settled_contents(disk), disk.counters().writes);
    let checked = sim::run(1, disk, async |world| {
        check(world, Path::new(DIRECTORY), quiet(), Rc::new(|_, _| ())).await
    });
    assert!(contents(disk) == before, "checking changed the disk");
    assert_eq!(disk.counters().writes, writes, "checking wrote");
    checked
}

/// All that a salvage says.
struct Said {
    ground: Ground,
    kept: State,
    doubtful: BTreeSet<Bytes>,
    lost: BTreeSet<Bytes>,
    regions: Vec<LostRegion>,
    next_version: Version,
}

fn salvage(disk: &SimDisk) -> Said {
    let (before, writes) = (settled_contents(disk), disk.counters().writes);
    let said = sim::run(1, disk, async |world| {
        let salvage = Salvage::open(world, Path::new(DIRECTORY), quiet()).await.expect("looks");
        let mut said = Said {
            ground: salvage.ground(),
            kept: State::new(),
            doubtful: BTreeSet::new(),
            lost: BTreeSet::new(),
            regions: salvage.regions().to_vec(),
            next_version: salvage.next_version(),
        };
        let mut behind = Bound::Unbounded;
        loop {
            let (page, last) = salvage.page(&behind).await;
            if page.is_empty() {
                return said;
            }
            behind = last;
            for item in page {
                match item {
                    Salvaged::Kept { key, version, value, doubtful } => {
                        if doubtful {
                            said.doubtful.insert(key.clone());
                        }
                        assert!(said.kept.insert(key, Versioned { version, value }).is_none());
                    }
                    Salvaged::Lost { key, .. } => assert!(said.lost.insert(key)),
                }
            }
        }
    });
    assert!(contents(disk) == before, "salvaging changed the disk");
    assert_eq!(disk.counters().writes, writes, "salvaging wrote");
    said
}

/// What must hold whatever was damaged.
#[track_caller]
fn assert_true(said: &Said, truth: &State, what: &str) {
    let is_exact = said.regions.is_empty() && said.ground != Ground::Scan;
    for (key, found) in said.kept.iter().filter(|(key, _)| **key != last_key()) {
        let is_newest = truth.get(key) == Some(found);
        let is_doubtful = said.doubtful.contains(key);
        assert!(is_newest || is_doubtful, "{what}: {key:?} is not the newest, and sure");
        assert!(is_newest || !is_exact, "{what}: {key:?} is not the newest");
    }
    for key in truth.keys() {
        let is_named = said.kept.contains_key(key) || said.lost.contains(key);
        assert!(is_named || !is_exact, "{what}: {key:?} is gone without a word");
    }
    for key in said.lost.iter().filter(|key| **key != last_key()) {
        assert!(truth.contains_key(key) || !is_exact, "{what}: {key:?} was no item any more");
    }
    assert!(said.doubtful.is_empty() || !is_exact, "{what}: doubts without a reason");
}

#[test]
fn sound_stores_are_sound_closed_or_crashed() {
    for seed in 0..20 {
        let (disk, truth) = written(seed, 150 + seed * 40, seed % 2 == 0);
        if seed % 4 > 1 {
            disk.power_loss(seed);
        }
        let checked = check_disk(&disk).expect("checks");
        assert!(checked.opens && checked.findings_total == 0, "seed {seed}: {checked:?}");
        assert_eq!((checked.items, checked.verified), (truth.len() as u64 + 1, checked.items));
        let said = salvage(&disk);
        assert_true(&said, &truth, &format!("seed {seed}"));
        assert_eq!((said.ground, said.kept.len()), (Ground::Whole, truth.len() + 1));
    }
}

/// Where the newest records of a key stand: compaction may have left copies behind.
fn places_of(disk: &SimDisk, truth: &State, key: &Bytes) -> Vec<(PathBuf, usize)> {
    let version = truth[key].version.to_le_bytes();
    let text = [&version[..], &(key.len() as u16).to_le_bytes(), &[1, 0], &key[..]].concat();
    let places = places_of_text(disk, &text);
    assert!(!places.is_empty(), "{key:?} is nowhere");
    places.into_iter().map(|(path, at)| (path, at - 8)).collect()
}

#[test]
fn a_rotten_record_of_a_closed_store_is_lost_and_nothing_else() {
    let (disk, truth) = written(3, 200, true);
    for key in truth.keys() {
        let image = disk.image();
        let places = places_of(&image, &truth, key);
        places.iter().for_each(|(path, at)| image.corrupt(path, *at as u64 + 60, 2));
        let checked = check_disk(&image).expect("checks");
        let [finding] = &checked.findings[..] else { panic!("one expected: {checked:?}") };
        assert_eq!(finding.concerns, Concern::Record { key: key.clone() });
        let is_there = |(path, at): &(PathBuf, usize)| {
            (path.display().to_string(), *at as u64) == (finding.file.clone(), finding.offset_bytes)
        };
        assert!(places.iter().any(is_there), "{finding:?} in {places:?}");
        let said = salvage(&image);
        assert_true(&said, &truth, "one record");
        assert_eq!((said.ground, said.lost.len()), (Ground::Whole, 1));
        assert!(said.lost.contains(key) && said.kept.len() == truth.len());
    }
}

#[test]
fn a_damaged_log_loses_what_was_in_it_and_says_what_is_in_doubt() {
    let disk = SimDisk::new();
    let truth: State = sim::run(5, &disk, async |world| {
        let store = open_with(&world, quiet()).await.expect("opens");
        let put = async |number: u64, round: u64| {
            let put = WriteBatch::put(key(number), value(number, round, 300));
            store.write(put).await.expect("writes");
        };
        for number in 0..10 {
            put(number, 0).await;
        }
        store.checkpoint().await.expect("a checkpoint");
        put(1, 1).await;
        put(2, 1).await;
        put(3, 1).await;
        put(50, 1).await;
        put(4, 1).await;
        store.scan(everything()).await.expect("scans").items.into_iter().collect()
    });
    let (path, at) = places_of(&disk, &truth, &key(3)).remove(0);
    // The batch's header, so that its number is unknown too; its record stays whole.
    let image = disk.image();
    image.corrupt(&path, at as u64 - 64 + 20, 1);
    let checked = check_disk(&image).expect("checks");
    assert!(!checked.opens);
    let is_there = |finding: &flywheel_store::Finding| {
        finding.offset_bytes == at as u64 - 64 && finding.file == path.display().to_string()
    };
    assert!(checked.findings.iter().any(is_there), "{checked:?}");
    let said = salvage(&image);
    assert_true(&said, &truth, "a header");
    assert_eq!(said.ground, Ground::Checkpoint);
    assert_eq!(said.kept, truth, "every record was whole");
    let sure: Vec<&Bytes> = said.kept.keys().filter(|key| !said.doubtful.contains(*key)).collect();
    let mut behind = [key(3), key(50), key(4)];
    behind.sort();
    assert_eq!(sure, behind.iter().collect::<Vec<_>>(), "written in or behind the damage");

    // The very last batch has nothing behind it that proves it: as for recovery, it never was, and
    // casts no doubt on what stands before it.
    let torn = image.image();
    let (last, record) = places_of(&torn, &truth, &key(4)).remove(0);
    torn.corrupt(&last, record as u64 + 60, 1);
    let said = salvage(&torn);
    assert_eq!(said.kept[&key(4)].value, value(4, 0, 300));
    assert!(said.doubtful.contains(&key(4)) && !said.doubtful.contains(&key(50)));
    assert_eq!(said.regions.len(), 1, "{:?}", said.regions);

    // And with the record itself: the older value is kept, and in doubt.
    image.corrupt(&path, at as u64 + 60, 1);
    let said = salvage(&image);
    assert_true(&said, &truth, "a batch");
    assert_eq!(said.kept[&key(3)].value, value(3, 0, 300));
    assert!(said.doubtful.contains(&key(3)) && !said.doubtful.contains(&key(4)));
    let [region] = &said.regions[..] else { panic!("{:?}", said.regions) };
    assert_eq!(
        (region.file.clone(), region.offset_bytes),
        (path.display().to_string(), at as u64 - 64)
    );
    let missing = truth[&key(3)].version;
    assert_eq!(region.between_versions, Some((missing - 1, missing + 1)));
    assert!(region.between_batches.is_some_and(|(before, behind)| behind == before + 2));
}

#[test]
fn without_a_checkpoint_all_that_can_be_read_is_kept_and_all_is_in_doubt() {
    for closes in [false, true] {
        let (disk, truth) = written(7, 400, closes);
        disk.replace_bytes(&files(&disk, "superblock")[0], 0, &[0xFF; 8192]);
        let checked = check_disk(&disk).expect("checks");
        let slots = checked.findings.iter().filter(|one| one.concerns == Concern::Superblock);
        assert!(!checked.opens && slots.count() == 2, "{checked:?}");
        let said = salvage(&disk);
        assert_eq!(said.ground, Ground::Scan);
        assert_true(&said, &truth, "a scan");
        for (key, found) in &truth {
            assert_eq!(said.kept.get(key), Some(found), "all newest records are whole");
        }
        assert_eq!(said.doubtful.len(), said.kept.len());
        assert!(said.next_version > truth.values().map(|found| found.version).max().unwrap());
    }
}

#[test]
fn missing_files_are_found() {
    let (disk, truth) = written(8, 300, true);
    let image = disk.image();
    image.delete(&files(&image, "superblock")[0]);
    assert!(!check_disk(&image).expect("checks").opens);
    assert_eq!(salvage(&image).ground, Ground::Scan);
    for path in files(&disk, "segment-") {
        let image = disk.image();
        image.delete(&path);
        let checked = check_disk(&image).expect("checks");
        let is_last = files(&disk, "segment-").last() == Some(&path);
        assert!(checked.findings_total > 0 || is_last, "{}: {checked:?}", path.display());
        assert_true(&salvage(&image), &truth, &path.display().to_string());
    }
    let image = SimDisk::new();
    let checked = check_disk(&image).expect("checks");
    assert!(!checked.opens && checked.findings[0].what.contains("missing"), "{checked:?}");
}

#[test]
fn another_version_is_no_damage() {
    let (disk, _) = written(9, 30, true);
    disk.replace_bytes(&files(&disk, "superblock")[0], 8, &[9]);
    // A version's checksum is its own.
    disk.corrupt(&files(&disk, "superblock")[0], 12, 1);
    let refused = check_disk(&disk).map(|_| ());
    let message = refused.expect_err("cannot be checked").to_string();
    assert!(message.contains("version 9"), "{message}");
}

/// One act of damage.
fn damage(disk: &SimDisk, rng: &mut SimRng) -> String {
    let all = disk.files();
    let (path, size) = &all[rng.below(all.len() as u64) as usize];
    let bytes = disk.read_bytes(path);
    let mut at = rng.below(*size);
    // Mostly where something stands.
    for _ in 0..20 {
        if bytes[at as usize] != 0 {
            break;
        }
        at = rng.below(*size);
    }
    let block = at / 4096 * 4096;
    let what = match rng.below(10) {
        0..5 => {
            disk.corrupt(path, at, rng.below(8) as u32);
            "a bit"
        }
        5 | 6 => {
            disk.replace_bytes(path, block, &[0; 4096]);
            "a block of zeros"
        }
        7 => {
            disk.replace_bytes(path, block, &[0xA5; 4096]);
            "a block of garbage"
        }
        8 => {
            let header = rng.below(64);
            disk.corrupt(path, block + header, 1);
            "a bit of a header"
        }
        _ => {
            let length = (*size - block).min(5 * 4096) as usize;
            disk.replace_bytes(path, block, &vec![0; length]);
            "five blocks of zeros"
        }
    };
    format!("{what} at {at} of {}", path.display())
}

/// Damages anything, once to three times. What is said stays true, and what opens says the same.
#[test]
fn whatever_is_damaged_what_is_said_is_true() {
    let mut grounds = BTreeMap::new();
    for seed in 0..60 {
        let (disk, truth) = written(seed, 100 + seed * 7, seed % 3 == 0);
        for trial in 0..12 {
            let image = disk.image();
            let mut rng = SimRng::new(seed * 1_000 + trial);
            let damages: Vec<String> =
                (0..1 + rng.below(3)).map(|_| damage(&image, &mut rng)).collect();
            let what = format!("seed {seed}, trial {trial}, {damages:?}");
            let said = salvage(&image);
            if !is_tail(&image, &said) {
                assert_true(&said, &truth, &what);
            }
            *grounds.entry(format!("{:?}", said.ground)).or_insert(0) += 1;
            let checked = check_disk(&image).expect("checks");
            let is_sound = said.lost.is_empty() && said.ground == Ground::Whole;
            assert!(is_sound || checked.findings_total > 0, "{what}: unnoticed");
            assert_eq!(checked.opens, said.ground == Ground::Whole, "{what}");
        }
    }
    assert!(grounds.len() == 3 && grounds.values().all(|&count| count > 20), "{grounds:?}");
}

/// Whether the log's last batches were hit so that nothing behind them proves it: then an older state is
/// all that can be had, as for recovery.
fn is_tail(image: &SimDisk, said: &Said) -> bool {
    let reopened = sim::run(1, &image.image(), async |world| {
        let store = open_with(&world, quiet()).await?;
        let found = store.get(&last_key()).await?;
        Ok::<_, StoreError>(found.map(|found| found.value))
    });
    let newest = value(0, 3, 100);
    match reopened {
        Ok(found) => found != Some(newest),
        Err(_) => said.kept.get(&last_key()).is_none_or(|found| found.value != newest),
    }
}

#[test]
fn a_salvage_of_a_sound_store_needs_no_second_look() {
    let (disk, truth) = written(11, 200, true);
    let reads = sim::run(1, &disk, async |world| {
        let salvage =
            Salvage::open(world.clone(), Path::new(DIRECTORY), quiet()).await.expect("looks");
        let before = world.disk().counters().reads;
        let (mut behind, mut items) = (Bound::Unbounded, 0);
        loop {
            let (page, last) = salvage.page(&behind).await;
            if page.is_empty() {
                break;
            }
            (behind, items) = (last, items + page.len());
        }
        assert_eq!(items, truth.len() + 1);
        world.disk().counters().reads - before
    });
    assert_eq!(reads, truth.len() as u64 + 1, "one for each item");
}

#[test]
fn a_rotten_version_is_damage_and_no_other_version() {
    let (disk, truth) = written(9, 100, true);
    disk.replace_bytes(&files(&disk, "superblock")[0], 8, &[9]);
    disk.replace_bytes(&files(&disk, "segment-")[0], 8, &[9]);
    let checked = check_disk(&disk).expect("checks");
    assert!(!checked.opens && checked.findings_total >= 2, "{checked:?}");
    assert_true(&salvage(&disk), &truth, "versions");
}

#[test]
fn a_segment_that_cannot_be_told_may_have_held_the_end_of_the_log() {
    let (disk, truth) = written(12, 300, false);
    // The last segment that the log went to.
    let (path, _) = places_of_text(&disk, &last_key()).pop().expect("written last");
    disk.replace_bytes(&path, 0, &[0x5A; 8192]);
    let said = salvage(&disk);
    assert_true(&said, &truth, "a segment's beginning");
    let is_there = |region: &LostRegion| region.file == path.display().to_string();
    assert!(said.ground == Ground::Checkpoint && said.regions.iter().any(is_there));
    assert_eq!(said.doubtful.len(), said.kept.len());
}

fn places_of_text(disk: &SimDisk, text: &[u8]) -> Vec<(PathBuf, usize)> {
    let mut places = Vec::new();
    for path in files(disk, "segment-") {
        let bytes = disk.read_bytes(&path);
        let found = bytes.windows(text.len()).enumerate().filter(|(_, window)| *window == text);
        places.extend(found.map(|(at, _)| (path.clone(), at)));
    }
    places
}

#[test]
fn items_of_a_partition_that_was_made_in_a_damaged_place_are_kept() {
    let disk = SimDisk::new();
    let truth: State = sim::run(13, &disk, async |world| {
        let store = open_with(&world, quiet()).await.expect("opens");
        store.checkpoint().await.expect("a checkpoint");
        store.drop_partition(PartitionId(1)).await.expect("dropped");
        store.create_partition(whole(PartitionId(2))).await.expect("made");
        for number in 0..5 {
            let put = WriteBatch::put(key(number), value(number, 0, 100));
            store.write(put).await.expect("writes");
        }
        store.scan(everything()).await.expect("scans").items.into_iter().collect()
    });
    // The batch before that of the first item.
    let (path, first) = places_of(&disk, &truth, &key(0)).remove(0);
    disk.corrupt(&path, first as u64 - 64 - 4096 + 70, 1);
    let said = salvage(&disk);
    assert_true(&said, &truth, "a partition");
    assert_eq!((said.ground, said.kept), (Ground::Scan, truth));
}
