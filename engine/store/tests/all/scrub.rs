//! Scrub: rot in anything that is still needed is found with its place, and nothing is said of a sound
//! store, whatever goes on in it meanwhile.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use flywheel_disk::sim::{self, Fault, Op, SimDisk, SimOptions, SimRng, SimWorld};
use flywheel_disk::{TaskClass, World};
use flywheel_store::{
    Concern, Finding, PartitionId, ScrubReport, Store, StoreError, StoreOptions, Write, WriteBatch,
};

use crate::fixture::{DIRECTORY, everything, key, open_with, options, value};

const KEYS: u64 = 60;

/// Nothing in the background but what is asked for.
fn quiet() -> StoreOptions {
    StoreOptions {
        cache_bytes: 0,
        checkpoint_min_log_bytes: u64::MAX / 2,
        scrub_bytes_per_s: 0,
        max_dead_share: 0.5,
        ..options()
    }
}

async fn put(store: &Store<SimWorld>, number: u64, round: u64) {
    let batch = WriteBatch::put(key(number), value(number, round, 900));
    store.write(batch).await.expect("writes");
}

/// Ten to a batch, so that little of a segment is padding and compaction has no reason to begin.
async fn put_all(store: &Store<SimWorld>, numbers: std::ops::Range<u64>, length: usize) {
    let put =
        |number| Write { key: key(number), value: Some(value(number, 0, length)), condition: None };
    for first in numbers.clone().step_by(10) {
        let writes = (first..(first + 10).min(numbers.end)).map(put).collect();
        store.write(WriteBatch { writes }).await.expect("writes");
    }
}

/// Items before a checkpoint, items behind it, and some dead ones on either side.
async fn filled(world: &SimWorld) -> Store<SimWorld> {
    let store = open_with(world, quiet()).await.expect("opens");
    put_all(&store, 0..KEYS, 900).await;
    put(&store, 3, 1).await;
    store.checkpoint().await.expect("a checkpoint");
    store.checkpoint().await.expect("another");
    put_all(&store, KEYS..KEYS + 10, 900).await;
    put(&store, KEYS, 1).await;
    store
}

fn files(disk: &SimDisk, part: &str) -> Vec<PathBuf> {
    let files = disk.files().into_iter().map(|(path, _)| path);
    files.filter(|path| path.to_string_lossy().contains(part)).collect()
}

/// Where this text stands on the disk.
fn find(disk: &SimDisk, text: &[u8]) -> (PathBuf, usize) {
    let mut found = Vec::new();
    for path in files(disk, "segment-") {
        let bytes = disk.read_bytes(&path);
        let places = bytes.windows(text.len()).enumerate().filter(|(_, window)| *window == text);
        found.extend(places.map(|(at, _)| (path.clone(), at)));
    }
    assert_eq!(found.len(), 1, "{text:?} in {found:?}");
    found.remove(0)
}

/// Where the record of an item begins.
fn record_of(disk: &SimDisk, number: u64, round: u64) -> (PathBuf, usize) {
    let (path, at) = find(disk, &[key(number), value(number, round, 0)].concat());
    (path, at - 20)
}

/// Where the batch of ten begins that holds an item.
fn batch_of(disk: &SimDisk, number: u64) -> (PathBuf, usize) {
    let (path, record) = record_of(disk, number / 10 * 10, 0);
    (path, record - 64)
}

/// Damages what `choose` chooses in a filled store that runs; the report, and what is reported when all
/// is looked at again. Then the store is opened anew, which must succeed if all was made good.
fn damaged(choose: impl Fn(&SimDisk) -> (PathBuf, usize)) -> (ScrubReport, ScrubReport, PathBuf) {
    let disk = SimDisk::new();
    let own = disk.clone();
    let (first, second, path) = sim::run(7, &disk, async move |world| {
        let store = filled(&world).await;
        let sound = store.scrub().await.expect("scrubs");
        assert_eq!((sound.findings_total, sound.transient_faults), (0, 0), "{sound:?}");
        assert_eq!(sound.records, KEYS + 10, "every live record was looked at");
        let (path, at) = choose(&own);
        own.corrupt(&path, at as u64, 3);
        let first = store.scrub().await.expect("scrubs");
        let second = store.scrub().await.expect("scrubs");
        let stats = store.stats();
        assert_eq!(stats.scrub.findings, second.findings, "what stands is in the figures");
        let is_new = |one: &&Finding| {
            first.findings.iter().all(|old| old.concerns != one.concerns || old.file != one.file)
        };
        let new = second.findings.iter().filter(is_new).count() as u64;
        assert_eq!(stats.scrub_findings, first.findings_total + new, "each is counted once");
        assert_eq!((stats.scrub_passes, stats.scrub_mended), (3, first.mended));
        assert_eq!(stats.scrub.pass_bytes_done, stats.scrub.pass_bytes);
        (first, second, path)
    });
    if second.findings.is_empty() {
        sim::run(8, &disk, async move |world| {
            let store = open_with(&world, quiet()).await.expect("opens");
            let page = store.scan(everything()).await.expect("scans");
            assert_eq!(page.items.len() as u64, KEYS + 10);
        });
    }
    (first, second, path)
}

#[track_caller]
fn only(report: &ScrubReport, path: &Path, concerns: &Concern) -> Finding {
    let [finding] = &report.findings[..] else { panic!("one finding expected: {report:?}") };
    assert_eq!((finding.file.as_str(), &finding.concerns), (path.to_str().unwrap(), concerns));
    assert!(!finding.what.is_empty());
    finding.clone()
}

#[test]
fn a_rotten_live_record_is_found_with_its_key() {
    for number in [5, KEYS - 1, 3] {
        let round = u64::from(number == 3);
        let at = Cell::new(0);
        let (first, second, path) = damaged(|disk| {
            let (path, record) = record_of(disk, number, round);
            at.set(record);
            (path, record + 100)
        });
        let finding = only(&first, &path, &Concern::Record { key: key(number) });
        assert_eq!(finding.offset_bytes as usize, at.get());
        assert!(finding.what.contains("checksum"), "{finding:?}");
        assert_eq!(first.findings, second.findings, "it stands");
    }
}

#[test]
fn dead_records_and_padding_are_no_findings() {
    let (first, ..) = damaged(|disk| {
        let (path, record) = record_of(disk, 3, 0);
        (path, record + 100)
    });
    assert_eq!(first.findings_total, 0, "dead, and the checkpoint is behind it: {first:?}");
    let (first, ..) = damaged(|disk| {
        let (path, batch) = batch_of(disk, 10);
        (path, batch - 1)
    });
    assert_eq!(first.findings_total, 0, "padding: {first:?}");
}

#[test]
fn what_only_a_recovery_needs_is_found_and_made_good() {
    let (first, second, path) = damaged(|disk| {
        let (path, record) = record_of(disk, KEYS, 0);
        (path, record + 100)
    });
    let finding = only(&first, &path, &Concern::Log);
    assert!(finding.mended && second.findings_total == 0, "{first:?} {second:?}");

    let (first, second, path) = damaged(|disk| {
        let (path, batch) = batch_of(disk, KEYS);
        (path, batch + 20)
    });
    let finding = only(&first, &path, &Concern::Log);
    assert_eq!(finding.offset_bytes % 4096, 0);
    assert!(finding.mended && first.mended == 1, "{first:?}");
    // The items behind it are still live, so the space can still not be had back.
    only(&second, &path, &Concern::BatchHeader);
}

#[test]
fn dead_records_that_a_recovery_replays_are_looked_at() {
    let disk = SimDisk::new();
    let own = disk.clone();
    sim::run(8, &disk, async move |world| {
        let store = open_with(&world, quiet()).await.expect("opens");
        put_all(&store, 0..300, 900).await;
        let (path, record) = record_of(&own, 0, 0);
        let delete = |number| Write { key: key(number), value: None, condition: None };
        store.write(WriteBatch { writes: (0..300).map(delete).collect() }).await.expect("writes");
        assert_eq!(store.stats().live_bytes, 0);
        own.corrupt(&path, record as u64 + 100, 3);
        let report = store.scrub().await.expect("scrubs");
        only(&report, &path, &Concern::Log);
    });
}

#[test]
fn a_rotten_checkpoint_is_found_and_made_good() {
    let (first, second, path) = damaged(|disk| {
        let holds = |path: &PathBuf| disk.read_bytes(path)[4096..].starts_with(b"FWC1");
        let path = files(disk, "segment-").into_iter().rfind(holds).expect("a checkpoint");
        (path, 4096 + 200)
    });
    let finding = only(&first, &path, &Concern::Checkpoint);
    assert!(finding.mended && second.findings_total == 0, "{first:?} {second:?}");
    assert_eq!(finding.offset_bytes, 4096);
}

#[test]
fn either_slot_of_the_superblock_is_found_and_made_good() {
    for slot in 0..2 {
        let (first, second, path) =
            damaged(|disk| (files(disk, "superblock").remove(0), slot * 4096 + 100));
        let finding = only(&first, &path, &Concern::Superblock);
        assert_eq!(finding.offset_bytes as usize, slot * 4096);
        assert!(finding.mended && second.findings_total == 0, "{first:?} {second:?}");
    }
}

#[test]
fn headers_of_segments_and_batches_are_found() {
    for number in 0..3 {
        let (first, _, path) = damaged(|disk| (files(disk, "segment-").remove(number), 28));
        only(&first, &path, &Concern::SegmentHeader);
    }
    let (first, _, path) = damaged(|disk| {
        let (path, batch) = batch_of(disk, 25);
        (path, batch + 9)
    });
    only(&first, &path, &Concern::BatchHeader);
}

#[test]
fn the_cache_hides_no_rot() {
    let disk = SimDisk::new();
    let own = disk.clone();
    sim::run(1, &disk, async move |world| {
        let cached = StoreOptions { cache_bytes: 1 << 20, ..quiet() };
        let store = open_with(&world, cached).await.expect("opens");
        put(&store, 1, 0).await;
        let (path, record) = record_of(&own, 1, 0);
        own.corrupt(&path, record as u64 + 200, 0);
        let found = store.get(&key(1)).await.expect("the cache has it").expect("put");
        assert_eq!(found.value, value(1, 0, 900));
        let report = store.scrub().await.expect("scrubs");
        let names = |one: &Finding| one.concerns == Concern::Record { key: key(1) };
        assert!(report.findings.iter().any(names), "{report:?}");
    });
}

#[test]
fn reads_that_fail_now_and_then_are_no_findings() {
    let disk = SimDisk::new();
    sim::run(2, &disk, async |world| {
        filled(&world).await;
    });
    let machine = SimOptions { read_errors_per_million: 30_000, ..SimOptions::default() };
    sim::run_with(5, &disk, machine, async |world| {
        let store = loop {
            match open_with(&world, quiet()).await {
                Ok(store) => break store,
                Err(error) => assert!(matches!(error, StoreError::Disk(_)), "{error}"),
            }
        };
        let mut transient = 0;
        for _ in 0..40 {
            let report = store.scrub().await.expect("scrubs");
            assert_eq!(report.findings_total, 0, "{report:?}");
            assert_eq!(report.records, KEYS + 10);
            transient += report.transient_faults;
        }
        assert!(transient > 20, "{transient}");
        assert_eq!(store.stats().scrub_transient_faults, transient);
    });
}

#[test]
fn bytes_that_cannot_be_read_are_found() {
    let disk = SimDisk::new();
    let own = disk.clone();
    sim::run(2, &disk, async move |world| {
        let store = filled(&world).await;
        let (path, _) = record_of(&own, 5, 0);
        (0..200).for_each(|_| own.plan(Fault::Error(Op::Read), path.to_str().expect("text")));
        let report = store.scrub().await.expect("scrubs");
        assert!(report.findings.iter().any(|one| one.what.contains("EIO")), "{report:?}");
    });
}

/// Overwrites, deletes, splits and drops until told to stop.
async fn churn(store: Store<SimWorld>, seed: u64, stop: Rc<Cell<bool>>) {
    let mut rng = SimRng::new(seed);
    for round in 0.. {
        if stop.get() {
            return;
        }
        let number = rng.below(150);
        let batch = match rng.below(8) {
            0 => WriteBatch::delete(key(number)),
            _ => WriteBatch::put(key(number), value(number, round, 200 + number as usize * 9)),
        };
        store.write(batch).await.expect("writes");
        if round == 60 {
            let right = PartitionId(2);
            store.split_partition(PartitionId(1), key(1), right).await.expect("splits");
        }
        if round == 400 {
            store.checkpoint().await.expect("a checkpoint");
        }
    }
}

#[test]
fn nothing_is_said_of_a_sound_store_whatever_goes_on_in_it() {
    for seed in 0..12 {
        let disk = SimDisk::new();
        // Every third machine misreads now and then.
        let read_errors_per_million = if seed % 3 == 0 { 3_000 } else { 0 };
        // And every third is so slow that much is recycled while it is looked at.
        let read_us = if seed % 3 == 1 { 5_000..=20_000 } else { 60..=200 };
        let machine = SimOptions { read_errors_per_million, read_us, ..SimOptions::default() };
        for life in 0..3 {
            let machine = machine.clone();
            let scrubs = sim::run_with(seed * 10 + life, &disk, machine, async |world| {
                let options = StoreOptions { max_dead_share: 0.2, ..options() };
                let store = loop {
                    match open_with(&world, options.clone()).await {
                        Ok(store) => break store,
                        // Opening believes the first read.
                        Err(StoreError::Disk(_)) => {}
                        Err(error) => panic!("seed {seed}: {error}"),
                    }
                };
                let stop = Rc::new(Cell::new(false));
                if store.partitions().len() == 1 {
                    world.spawn(TaskClass::Foreground, churn(store.clone(), seed, stop.clone()));
                }
                for _ in 0..25 {
                    let report = store.scrub().await.expect("scrubs");
                    assert_eq!(report.findings_total, 0, "seed {seed}: {report:?}");
                    world.sleep(Duration::from_millis(20)).await;
                }
                let stats = store.stats();
                assert!(stats.scrub_records > 0 && stats.scrub.findings.is_empty());
                stats.scrub_passes
            });
            assert_eq!(scrubs, 25);
            disk.power_loss(seed * 10 + life);
        }
    }
}

#[test]
fn the_background_scrub_keeps_its_pace_and_says_how_far_it_is() {
    let disk = SimDisk::new();
    let own = disk.clone();
    sim::run(3, &disk, async move |world| {
        let paced = StoreOptions { scrub_bytes_per_s: 8 << 10, ..quiet() };
        let store = open_with(&world, paced).await.expect("opens");
        for number in 0..KEYS {
            put(&store, number, 0).await;
        }
        world.sleep(Duration::from_secs(70)).await;
        let early = store.stats();
        assert!(early.scrub_bytes > 0 && early.scrub_passes == 0, "{early:?}");
        assert!(early.scrub.pass_bytes_done < early.scrub.pass_bytes, "{early:?}");
        assert!(early.scrub_bytes <= 11 * (8 << 10) + (128 << 10), "{}", early.scrub_bytes);
        assert_eq!(early.scrub.last_pass_ended_ns, None);
        let (path, record) = record_of(&own, KEYS - 1, 0);
        own.corrupt(&path, record as u64 + 300, 0);
        world.sleep(Duration::from_secs(1_000)).await;
        let late = store.stats();
        assert!(late.scrub_passes >= 1, "{late:?}");
        assert!(late.scrub.last_pass_ended_ns.is_some_and(|at| at <= world.now_ns()));
        let names = |one: &Finding| one.concerns == Concern::Record { key: key(KEYS - 1) };
        assert!(late.scrub.findings.iter().any(names), "{late:?}");
        // Overwritten, so nobody needs it any more.
        put(&store, KEYS - 1, 1).await;
        store.checkpoint().await.expect("a checkpoint");
        world.sleep(Duration::from_secs(1_000)).await;
        assert_eq!(store.stats().scrub.findings, []);
        store.close().await.expect("closes, though a pass may be under way");
    });
}

/// Flips any byte anywhere in a running store: if nothing is found, then everything reads as written,
/// now and after a crash; and a record is found exactly if it cannot be read.
#[test]
fn what_is_found_is_what_cannot_be_read_or_recovered() {
    let disk = SimDisk::new();
    sim::run(4, &disk, async |world| {
        filled(&world).await;
    });
    let mut rng = SimRng::new(11);
    let (mut harmless, mut records, mut others) = (0, 0, 0);
    for trial in 0..600 {
        let image = disk.image();
        let all = image.files();
        let (path, size) = &all[rng.below(all.len() as u64) as usize];
        let bytes = image.read_bytes(path);
        let worth = |at: &usize| trial % 8 == 0 || bytes[*at] != 0;
        let mut draws = (0..100).map(|_| rng.below(*size) as usize);
        let Some(at) = draws.find(worth) else { continue };
        let own = image.clone();
        let (report, before) = sim::run(trial, &image, async move |world| {
            let store = open_with(&world, quiet()).await.expect("opens");
            // Once no segment is being made ready: that would overwrite the damage.
            world.sleep(Duration::from_millis(50)).await;
            own.corrupt(path, at as u64, (trial % 8) as u32);
            let before = own.image();
            let report = store.scrub().await.expect("scrubs");
            for number in 0..KEYS + 10 {
                let key = key(number);
                let is_named = report
                    .findings
                    .iter()
                    .any(|one| one.concerns == Concern::Record { key: key.clone() });
                let got = store.get(&key).await;
                assert_eq!(got.is_err(), is_named, "trial {trial}, {}: {got:?}", number);
            }
            (report, before)
        });
        let reopened = sim::run(trial, &before, async |world| {
            let store = open_with(&world, quiet()).await?;
            store.scan(everything()).await.map(|page| page.items.len())
        });
        let what = format!("trial {trial}, {} byte {at}: {reopened:?}", path.display());
        let is_record = |one: &Finding| matches!(one.concerns, Concern::Record { .. });
        match &report.findings[..] {
            [] => {
                harmless += 1;
                assert!(matches!(reopened, Ok(70)), "{what}");
            }
            findings if findings.iter().any(is_record) => records += 1,
            findings => {
                others += 1;
                let place = findings[0].file.clone();
                assert_eq!(place, path.display().to_string(), "{what}");
            }
        }
    }
    assert!(harmless > 20 && records > 50 && others > 40, "{harmless} {records} {others}");
}

#[test]
fn a_closed_store_is_not_scrubbed() {
    sim::run(5, &SimDisk::new(), async |world| {
        let store = filled(&world).await;
        store.close().await.expect("closes");
        let scrubbed = store.scrub().await;
        assert!(matches!(scrubbed, Err(StoreError::Closed)), "{scrubbed:?}");
    });
}

/// Damage of many records at once, more than are listed.
#[test]
fn more_damage_than_is_listed_is_counted() {
    let disk = SimDisk::new();
    let own = disk.clone();
    sim::run(6, &disk, async move |world| {
        let store = open_with(&world, quiet()).await.expect("opens");
        put_all(&store, 0..400, 300).await;
        store.checkpoint().await.expect("a checkpoint");
        for number in 0..400 {
            let (path, record) = record_of(&own, number, 0);
            own.corrupt(&path, record as u64 + 50, 1);
        }
        let report = store.scrub().await.expect("scrubs");
        assert_eq!(report.findings_total, 400);
        assert_eq!(report.findings.len(), flywheel_store::limits::MAX_SCRUB_FINDINGS);
        assert_eq!((report.records, store.stats().scrub.findings.len()), (0, 256));
        let keys: std::collections::BTreeSet<Bytes> = report
            .findings
            .iter()
            .filter_map(|one| match &one.concerns {
                Concern::Record { key } => Some(key.clone()),
                _ => None,
            })
            .collect();
        assert_eq!(keys.len(), 256, "each another");
        assert_eq!(Path::new(&report.findings[0].file).parent(), Some(Path::new(DIRECTORY)));
    });
}
