//! Directories of several shards with splits and moves behind them, on the simulated machine: checked, and
//! salvaged into new ones that open.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use bytes::Bytes;
use flywheel_disk::World;
use flywheel_disk::sim::{self, SimDisk, SimWorld};
use flywheel_store::{Direction, ScanRequest, Store, StoreOptions, Versioned};

use super::{DirectoryCheck, Loss, SalvageReport, check, salvage, store_options};
use crate::directory::{self, Found, Identity};
use crate::{Change, Effect, EngineOptions, LocalEngine, SplitOptions};

const SHARDS: usize = 3;
const FROM: &str = "/data/engine";
const INTO: &str = "/data/engine.repaired";

type State = BTreeMap<Bytes, Versioned>;

fn options() -> EngineOptions {
    EngineOptions {
        store: StoreOptions {
            segment_bytes: 128 << 10,
            cache_bytes: 64 << 10,
            checkpoint_min_log_bytes: 256 << 10,
            ..StoreOptions::default()
        },
        initial_splits: ["h", "p"].map(Bytes::from).into(),
        split: SplitOptions { automatic: false, ..SplitOptions::default() },
        ..EngineOptions::default()
    }
}

async fn open(world: &SimWorld, directory: &str) -> LocalEngine {
    open_with(world, directory, options()).await
}

async fn open_with(world: &SimWorld, directory: &str, options: EngineOptions) -> LocalEngine {
    let others = (1..SHARDS).map(|_| world.another());
    let worlds = std::iter::once(world.clone()).chain(others).collect();
    LocalEngine::open(worlds, Path::new(directory), options).await.expect("opens")
}

fn key(n: usize) -> Bytes {
    let first = (b'a' + (n * 7 % 26) as u8) as char;
    Bytes::from(format!("{first}{n:05}"))
}

fn value(n: usize, round: usize) -> Bytes {
    let mut value = format!("{n}:{round}:").into_bytes();
    value.resize(400, b'.');
    Bytes::from(value)
}

async fn state(engine: &LocalEngine) -> State {
    let mut request = ScanRequest {
        start: Bound::Unbounded,
        end: Bound::Unbounded,
        direction: Direction::Forward,
        max_items: 1_000,
        max_bytes: usize::MAX,
    };
    let mut state = State::new();
    loop {
        let page = engine.handle().scan(request.clone()).await.expect("scans");
        let Some((last, _)) = page.items.last() else { return state };
        request.start = Bound::Excluded(last.clone());
        state.extend(page.items);
        if !page.more {
            return state;
        }
    }
}

/// An engine that split, moved, overwrote and deleted, and was closed; what it held, and a version above
/// all that it gave.
fn written(seed: u64) -> (SimDisk, State, u64) {
    let disk = SimDisk::new();
    let (state, version) = sim::run(seed, &disk, async |world| {
        let engine = open(&world, FROM).await;
        let (handle, admin) = (engine.handle(), engine.admin());
        for round in 0..4 {
            for n in 0..150 {
                handle.put(key(n), value(n, round)).await.expect("put");
            }
            let at = key(round * 31 + 5);
            let place = handle.locate(&at);
            admin.split_partition(place.partition, at.clone()).await.expect("split");
            let place = handle.locate(&at);
            let to = (usize::from(place.shard) + 1) % SHARDS;
            admin.move_partition(place.partition, to as u16).await.expect("moved");
        }
        let mut version = 0;
        for n in (0..150).step_by(10) {
            version = version.max(handle.delete(key(n)).await.expect("delete"));
        }
        let state = state(&engine).await;
        engine.close().await.expect("closes");
        (state, version)
    });
    (disk, state, version)
}

async fn identity(world: &SimWorld) -> Identity {
    match directory::look(world, Path::new(FROM)).await.expect("looks") {
        Found::Whole(identity) => identity,
        other => panic!("a whole directory expected, found {other:?}"),
    }
}

fn check_disk(disk: &SimDisk, directory: &'static str) -> DirectoryCheck {
    sim::run(1, disk, async |world| {
        let identity = identity(&world).await;
        let told = Rc::new(|_| ());
        check(&world, Path::new(directory), &identity, told).await.expect("checks")
    })
}

/// Salvages, checks the new directory, opens it, and says what it holds, its next version and the list.
fn salvaged(disk: &SimDisk) -> (State, u64, SalvageReport, Vec<Loss>) {
    let (report, losses) = sim::run(2, disk, async |world| {
        let identity = identity(&world).await;
        let mut losses = Vec::new();
        let mut sink = |loss| losses.push(loss);
        let (from, into) = (Path::new(FROM), Path::new(INTO));
        let salvaged = salvage(&world, from, &identity, into, &mut sink, &|_| ()).await;
        (salvaged.expect("salvages"), losses)
    });
    let checked = check_disk(disk, INTO);
    assert!(checked.is_sound(), "{checked:?}");
    let (state, version) = sim::run(3, disk, async |world| {
        let engine = open(&world, INTO).await;
        let state = state(&engine).await;
        let version = engine.handle().put(Bytes::from("k-new"), Bytes::new()).await.expect("put");
        engine.close().await.expect("closes");
        (state, version)
    });
    (state, version, report, losses)
}

fn files(disk: &SimDisk, part: &str) -> Vec<PathBuf> {
    let files = disk.files().into_iter().map(|(path, _)| path);
    files.filter(|path| path.to_string_lossy().contains(part)).collect()
}

#[test]
fn a_sound_directory_is_sound_and_its_salvage_is_the_same() {
    for seed in 0..4 {
        let (disk, truth, version) = written(seed);
        let checked = check_disk(&disk, FROM);
        assert!(checked.is_sound(), "seed {seed}: {checked:?}");
        let verified: u64 = checked.shards.iter().map(|shard| shard.store.verified).sum();
        assert!(verified >= truth.len() as u64, "{verified} of {}", truth.len());
        let (state, next, report, losses) = salvaged(&disk);
        assert!(state == truth && losses.is_empty(), "seed {seed}: {losses:?}");
        assert_eq!((report.kept, report.lost, report.doubtful), (truth.len() as u64, 0, 0));
        assert!(next > version, "{next} was given out before: deletes went up to {version}");
    }
}

#[test]
fn a_rotten_record_is_the_only_loss() {
    let (disk, truth, _) = written(5);
    let text = [key(77), value(77, 3)].concat();
    let mut hit = 0;
    for path in files(&disk, "segment-") {
        let bytes = disk.read_bytes(&path);
        let places: Vec<usize> = bytes
            .windows(text.len())
            .enumerate()
            .filter_map(|(at, window)| (window == text).then_some(at))
            .collect();
        places.iter().for_each(|&at| disk.corrupt(&path, at as u64 + 20, 0));
        hit += places.len();
    }
    assert!(hit > 0);
    let checked = check_disk(&disk, FROM);
    assert!(!checked.is_sound() && checked.ownership.is_none());
    let (state, _, report, losses) = salvaged(&disk);
    let mut expected = truth;
    expected.remove(&key(77)).expect("was there");
    assert!(state == expected, "{losses:?}");
    assert_eq!((report.lost, report.doubtful, report.regions), (1, 0, 0));
    assert!(matches!(&losses[..], [Loss::Key { key: lost, .. }] if *lost == key(77)), "{losses:?}");
}

#[test]
fn a_damaged_place_of_the_log_is_told() {
    let (disk, _, _) = written(9);
    sim::run(9, &disk, async |world| {
        let engine = open(&world, FROM).await;
        for round in 10..16 {
            engine.handle().put(key(77), value(77, round)).await.expect("put");
        }
        // Not closed: a checkpoint would make the log superfluous.
    });
    let text = [key(77), value(77, 12)].concat();
    let place = files(&disk, "segment-").into_iter().find_map(|path| {
        let bytes = disk.read_bytes(&path);
        let at = bytes.windows(text.len()).position(|window| window == text)?;
        Some((path, at as u64))
    });
    let (path, at) = place.expect("written");
    disk.corrupt(&path, at + 20, 0);
    let (_, _, report, losses) = salvaged(&disk);
    assert_eq!(report.regions, 1, "{losses:?}");
    let is_told = |loss: &Loss| {
        matches!(loss, Loss::Region { region, .. } if region.file == path.display().to_string()
            && (region.offset_bytes..region.end_bytes).contains(&at))
    };
    assert!(losses.iter().any(is_told), "{losses:?}");
}

#[test]
fn a_shard_without_a_superblock_gives_what_it_can() {
    let (disk, truth, _) = written(6);
    let superblock = files(&disk, "shard-0001/superblock").remove(0);
    disk.replace_bytes(&superblock, 0, &[0x5A; 8192]);
    let checked = check_disk(&disk, FROM);
    assert!(!checked.is_sound() && checked.shards[0].store.opens && !checked.shards[1].store.opens);
    let (state, _, report, losses) = salvaged(&disk);
    assert_eq!(report.scanned_shards, [1]);
    for (key, found) in &truth {
        assert_eq!(state.get(key), Some(found), "the newest of all shards");
    }
    assert_eq!(report.doubtful, state.len() as u64, "nobody knows what was deleted since");
    assert!(losses.iter().any(|loss| matches!(loss, Loss::Damage { shard: 1, .. })));
}

fn append(n: u64) -> crate::ChangeFn {
    let effects = vec![
        Effect::Put { key: key(n as usize), value: value(n as usize, 0) },
        Effect::Append { stem: Bytes::from("log/"), value: value(n as usize, 1) },
    ];
    Box::new(|_| Change::Several(effects))
}

#[test]
fn own_ranges_are_salvaged_as_such() {
    for lost_superblocks in 0..=SHARDS {
        let disk = SimDisk::new();
        let (truth, last) = sim::run(10, &disk, async |world| {
            let engine =
                open_with(&world, FROM, EngineOptions { own_ranges: true, ..options() }).await;
            let (handle, mut last) = (engine.handle(), 0);
            for n in 0..100 {
                let modified = handle.modify(key(n as usize), append(n)).await.expect("appended");
                last = last.max(modified.version.expect("written") + 1);
            }
            let truth = state(&engine).await;
            engine.close().await.expect("closes");
            (truth, last)
        });
        for shard in 0..lost_superblocks {
            let superblock = files(&disk, &format!("shard-{shard:04}/superblock")).remove(0);
            disk.replace_bytes(&superblock, 0, &[0x5A; 8192]);
        }
        let (found, _, report, losses) = salvaged(&disk);
        assert_eq!(report.scanned_shards.len(), lost_superblocks);
        assert!(found == truth, "{losses:?}");
        sim::run(4, &disk, async |world| {
            let engine = open(&world, INTO).await;
            let handle = engine.handle();
            assert!(handle.has_own_ranges(), "{lost_superblocks} superblocks were lost");
            for n in 0..100 {
                let modified = handle.modify(key(n as usize), append(n)).await.expect("appended");
                assert!(modified.version > Some(last), "{:?} and {last}", modified.version);
            }
            assert_eq!(state(&engine).await.len(), truth.len() + 100 + 1, "one key was put since");
            engine.close().await.expect("closes");
        });
    }
}

#[test]
fn a_key_that_nobody_owns_is_told() {
    let (disk, _, _) = written(7);
    sim::run(1, &disk, async |world| {
        let identity = identity(&world).await;
        let path = directory::shard_path(Path::new(FROM), 1);
        let store = Store::open(world, &path, store_options(&identity, 1), None).await;
        let store = store.expect("opens");
        let id = store.partitions()[0].spec.id;
        store.drop_partition(id).await.expect("dropped");
        store.close().await.expect("closes");
    });
    let checked = check_disk(&disk, FROM);
    assert!(checked.ownership.as_ref().is_some_and(|what| what.contains("nobody owns")));
    assert!(!checked.is_sound());
}

#[test]
fn an_engine_scrubs_all_its_shards_and_says_so() {
    let (disk, truth, _) = written(8);
    sim::run(1, &disk, async |world| {
        let engine = open(&world, FROM).await;
        let reports = engine.admin().scrub().await.expect("scrubs");
        assert_eq!(reports.len(), SHARDS);
        assert!(reports.iter().all(|report| report.findings_total == 0), "{reports:?}");
        let records: u64 = reports.iter().map(|report| report.records).sum();
        assert_eq!(records, truth.len() as u64);
        let stats = engine.admin().stats().await.expect("stats");
        assert_eq!((stats.store.scrub_passes, stats.store.scrub_records), (3, records));
        let ended = |shard: &crate::ShardStats| shard.scrub.last_pass_ended_ns.is_some();
        assert!(stats.shards.iter().all(ended), "{stats:?}");
        assert!(stats.store.scrub.last_pass_ended_ns.is_some_and(|at| at <= world.now_ns()));
        engine.close().await.expect("closes");
    });
}
