//! Whole files of an image: missing, exchanged, cut, lengthened, from an older image, from another
//! shard. Not foreign directories: see `refusals`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use flywheel_disk::sim::{self, SimDisk};
use flywheel_disk::{File, World};
use flywheel_store::format::segment::{FirstBlock, SegmentHeader};
use flywheel_store::format::superblock::Superblock;
use flywheel_store::{Store, StoreError};

use super::image::{End, Image, REST, image, other_shard, small};
use super::layout::{BLOCK_BYTES, Need, segment_path, superblock_path};
use super::oracle::{Oracle, Outcome};
use super::sectors::kind;
use crate::fixture::DIRECTORY;

const ENDS: [End; 3] = [End::Crashed, End::Rested, End::Closed];

fn paths(oracle: &Oracle) -> Vec<PathBuf> {
    oracle.layout.files.keys().cloned().collect()
}

/// The image with a superblock of its past: then what that one leaves to the log is the log.
fn with_superblock(oracle: &Oracle, older: &SimDisk) -> Oracle {
    let disk = oracle.image.disk.image();
    disk.write_bytes(&superblock_path(), &older.read_bytes(&superblock_path()));
    let (states, older) = (oracle.image.states.clone(), oracle.image.older.clone());
    Oracle::new(Image { disk, states, older })
}

/// Puts a file there, opens, checks that what came is allowed, and says what it was.
fn replace(oracle: &Oracle, path: &Path, bytes: &[u8], what: &str) -> &'static str {
    let disk = oracle.image.disk.image();
    disk.write_bytes(path, bytes);
    let outcome = oracle.outcome(&disk, what);
    oracle.assert_sound(&outcome, &oracle.hit(&disk), what);
    kind(&outcome)
}

/// Whether a segment was ever used.
fn is_blank(oracle: &Oracle, path: &PathBuf) -> bool {
    oracle.layout.files[path].iter().all(|&byte| byte == 0)
}

#[test]
fn a_file_of_another_length_is_refused() {
    let oracle = Oracle::new(image(End::Crashed));
    for path in paths(&oracle) {
        let bytes = &oracle.layout.files[&path];
        let shorter = [0, 1, 511, BLOCK_BYTES, bytes.len() - BLOCK_BYTES, bytes.len() - 1];
        for length in shorter.into_iter().chain([bytes.len() + 1, bytes.len() + BLOCK_BYTES]) {
            let mut bytes = bytes.clone();
            bytes.resize(length, 0);
            let disk = oracle.image.disk.image();
            disk.write_bytes(&path, &bytes);
            let what = format!("{path:?} with {length} bytes");
            let refused = Outcome::Refused(path.clone(), 0);
            assert_eq!(oracle.outcome(&disk, &what), refused, "{what}");
        }
    }
}

#[test]
fn a_missing_file_is_refused_wherever_something_newer_is_left() {
    for end in ENDS {
        let oracle = Oracle::new(image(end));
        let all = paths(&oracle);
        for (index, path) in all.iter().enumerate().filter(|(_, path)| **path != superblock_path())
        {
            let disk = oracle.image.disk.image();
            disk.delete(path);
            let what = format!("{path:?} is missing, {end:?}");
            let outcome = oracle.outcome(&disk, &what);
            // Of those that were never used, only the last is none that anything names.
            let is_last = index == all.len() - 2;
            if is_last && is_blank(&oracle, path) {
                assert_eq!(outcome, Outcome::Exact, "{what}");
            } else {
                assert!(matches!(outcome, Outcome::Refused(..)), "{what}: {outcome:?}");
            }
        }
    }
}

#[test]
fn the_last_files_missing_are_noticed() {
    for end in ENDS {
        let oracle = Oracle::new(image(end));
        let segments = paths(&oracle).into_iter().filter(|path| *path != superblock_path());
        let mut segments: Vec<PathBuf> = segments.collect();
        let disk = oracle.image.disk.image();
        while let Some(last) = segments.pop() {
            disk.delete(&last);
            let what = format!("nothing left from {last:?} on, {end:?}");
            let outcome = oracle.outcome(&disk.image(), &what);
            // The newest life of all, in which nothing stands yet, is named by none.
            let pieces = oracle.layout.pieces.iter().filter(|piece| piece.file >= last);
            let of_segments = pieces.filter(|piece| piece.file != superblock_path());
            let is_needed = of_segments.clone().any(|piece| piece.need != Need::Header);
            match outcome {
                Outcome::Exact => assert!(!is_needed, "{what}"),
                other => assert!(matches!(other, Outcome::Refused(..)), "{what}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_superblock_missing_beside_segments_is_an_error() {
    let oracle = Oracle::new(image(End::Crashed));
    let disk = oracle.image.disk.image();
    disk.delete(&superblock_path());
    let opened = sim::run(1, &disk, async |world| {
        super::oracle::read_all(world, &Default::default(), "no superblock").await.map(|_| ())
    });
    let Err(StoreError::Disk(error)) = opened else { panic!("{opened:?}") };
    assert!(error.to_string().contains("superblock"), "{error}");
}

#[test]
fn any_two_segments_exchanged_are_refused() {
    let oracle = Oracle::new(image(End::Crashed));
    let all = paths(&oracle);
    let segments: Vec<&PathBuf> = all.iter().filter(|path| **path != superblock_path()).collect();
    for (index, one) in segments.iter().enumerate() {
        for two in &segments[index + 1..] {
            let (first, second) = (&oracle.layout.files[*one], &oracle.layout.files[*two]);
            if first == second {
                continue;
            }
            let disk = oracle.image.disk.image();
            disk.write_bytes(one, second);
            disk.write_bytes(two, first);
            let what = format!("{one:?} and {two:?} exchanged");
            let outcome = oracle.outcome(&disk, &what);
            let named =
                matches!(&outcome, Outcome::Refused(file, _) if file == *one || file == *two);
            assert!(named, "{what}: {outcome:?}");
        }
    }
}

#[test]
fn another_shards_files_are_refused() {
    let oracle = Oracle::new(image(End::Crashed));
    let other = other_shard();
    let mut refused = 0;
    for path in paths(&oracle).iter().filter(|path| other.files().iter().any(|(p, _)| p == *path)) {
        let bytes = other.read_bytes(path);
        if bytes.iter().all(|&byte| byte == 0) || bytes.len() != oracle.layout.files[path].len() {
            continue;
        }
        let disk = oracle.image.disk.image();
        disk.write_bytes(path, &bytes);
        let what = format!("{path:?} of another shard");
        let outcome = oracle.outcome(&disk, &what);
        assert_eq!(outcome, Outcome::Refused(path.clone(), 0), "{what}");
        refused += 1;
    }
    assert!(refused > 3, "{refused} files of another shard");
}

#[test]
fn files_of_an_older_image_are_harmless_or_an_error_or_a_tail_torn() {
    for end in ENDS {
        let oracle = Oracle::new(image(end));
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (age, older) in oracle.image.older.iter().enumerate() {
            let then: Vec<PathBuf> = older.files().into_iter().map(|(path, _)| path).collect();
            let with_superblock = with_superblock(&oracle, older);
            for path in &then {
                let bytes = older.read_bytes(path);
                if bytes == oracle.layout.files[path] {
                    continue;
                }
                let what = format!("{path:?} of image {age}, {end:?}");
                *counts.entry(replace(&oracle, path, &bytes, &what)).or_default() += 1;
                let what = format!("{path:?} and the superblock of image {age}, {end:?}");
                *counts.entry(replace(&with_superblock, path, &bytes, &what)).or_default() += 1;
                // All of that time but this one.
                let disk = oracle.image.disk.image();
                then.iter().for_each(|path| disk.write_bytes(path, &older.read_bytes(path)));
                disk.write_bytes(path, &oracle.layout.files[path]);
                let what = format!("all but {path:?} of image {age}, {end:?}");
                let outcome = oracle.outcome(&disk, &what);
                *counts.entry(kind(&outcome)).or_default() += 1;
            }
        }
        println!("{end:?}: {counts:?}");
        assert!(counts["refused"] > 100, "{counts:?}");
    }
}

#[test]
fn a_needed_segment_of_an_earlier_life_is_refused() {
    let oracle = Oracle::new(image(End::Rested));
    let mut refused = 0;
    let needed = oracle
        .layout
        .pieces
        .iter()
        .filter(|piece| matches!(piece.need, Need::Chunk | Need::Replayed | Need::Run));
    let needed: std::collections::BTreeSet<&PathBuf> = needed.map(|piece| &piece.file).collect();
    for older in &oracle.image.older {
        let then: Vec<PathBuf> = older.files().into_iter().map(|(path, _)| path).collect();
        for path in then.iter().filter(|path| needed.contains(path)) {
            let (bytes, now) = (older.read_bytes(path), &oracle.layout.files[path]);
            // The life stands at byte 24 of a segment.
            if bytes[24..32] == now[24..32] {
                continue;
            }
            let disk = oracle.image.disk.image();
            disk.write_bytes(path, &bytes);
            let what = format!("{path:?} of an earlier life");
            let outcome = oracle.outcome(&disk, &what);
            assert!(matches!(outcome, Outcome::Refused(..)), "{what}: {outcome:?}");
            let disk = oracle.image.disk.image();
            disk.replace_bytes(path, 0, &bytes[..BLOCK_BYTES]);
            let what = format!("{path:?} with the header of an earlier life");
            let outcome = oracle.outcome(&disk, &what);
            assert!(matches!(outcome, Outcome::Refused(..)), "{what}: {outcome:?}");
            refused += 1;
        }
    }
    assert!(refused > 5, "{refused} compared");
}

/// The life of a segment, as its header says.
fn life(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes[24..32].try_into().expect("eight bytes"))
}

/// The segment as it was in its newest earlier life, of those in the older images.
fn earlier_life(oracle: &Oracle, path: &PathBuf) -> Option<Vec<u8>> {
    let now = life(&oracle.layout.files[path]);
    let older = oracle.image.older.iter().rev();
    let older = older.filter(|disk| disk.files().iter().any(|(other, _)| other == path));
    older.map(|disk| disk.read_bytes(path)).find(|bytes| life(bytes) < now)
}

/// A crashed image without the lives that began after the log's last: nothing names that one.
pub fn newest_life_is_the_logs() -> Oracle {
    let oracle = Oracle::new(image(End::Crashed));
    let tail = oracle.layout.log.last().expect("a log").place;
    let disk = oracle.image.disk.image();
    for path in paths(&oracle).iter().filter(|path| **path != superblock_path()) {
        if life(&oracle.layout.files[path]) > tail.life {
            let needs = oracle.layout.pieces.iter().filter(|piece| piece.file == *path);
            assert!(
                needs.clone().all(|piece| piece.need == Need::Header),
                "{path:?} is only ready"
            );
            let size = oracle.layout.files[path].len();
            let bytes = earlier_life(&oracle, path).unwrap_or_else(|| vec![0; size]);
            disk.write_bytes(path, &bytes);
        }
    }
    let (states, older) = (oracle.image.states, oracle.image.older);
    Oracle::new(Image { disk, states, older })
}

#[test]
fn an_older_header_before_newer_content_is_damage() {
    let oracle = newest_life_is_the_logs();
    let tail = segment_path(oracle.layout.log.last().expect("a log").place.segment);
    let earlier = earlier_life(&oracle, &tail).expect("it was recycled");
    let disk = oracle.image.disk.image();
    disk.replace_bytes(&tail, 0, &earlier[..BLOCK_BYTES]);
    let outcome = oracle.outcome(&disk, "the header of an earlier life");
    assert_eq!(outcome, Outcome::Refused(tail, 0));
}

#[test]
fn a_log_that_goes_on_in_a_life_that_is_not_there_is_refused() {
    let oracle = Oracle::new(image(End::Closed));
    let newest = oracle.layout.pieces.iter().find(|piece| piece.need == Need::NewestSlot);
    let start = newest.expect("there is one").start;
    let slot = &oracle.layout.files[&superblock_path()][start..start + BLOCK_BYTES];
    let superblock = Superblock::decode(start as u64, slot).expect("whole").expect("written");
    for further in [1, 1_000] {
        let mut superblock = superblock.clone();
        superblock.replay_from.life += further;
        let mut slot = vec![0; BLOCK_BYTES];
        superblock.encode(&mut slot);
        let disk = oracle.image.disk.image();
        disk.replace_bytes(&superblock_path(), start as u64, &slot);
        let outcome = oracle.outcome(&disk, "another life");
        let path = segment_path(superblock.replay_from.segment);
        assert_eq!(outcome, Outcome::Refused(path, 0));
    }
}

#[test]
fn a_life_that_the_next_one_names_outlives_a_power_loss() {
    // A process begins a life and dies before that is durable; the next process sees it in the
    // device's volatile cache, and begins another, which names it; then the power is lost.
    let oracle = Oracle::new(image(End::Rested));
    let is_unused = |path: &&PathBuf| {
        let mut pieces = oracle.layout.pieces.iter().filter(|piece| piece.file == **path);
        **path != superblock_path() && pieces.all(|piece| piece.need == Need::Header)
    };
    let all = paths(&oracle);
    let newest = all.iter().max_by_key(|path| match **path == superblock_path() {
        true => 0,
        false => life(&oracle.layout.files[*path]),
    });
    let newest = newest.expect("there are files");
    let begun = all.iter().filter(is_unused).rfind(|path| *path != newest).expect("one is free");
    let decode = |path: &PathBuf| match FirstBlock::decode(&oracle.layout.files[path]) {
        Ok(FirstBlock::Header(header)) => header,
        other => panic!("{path:?}: {other:?}"),
    };
    let newest = decode(newest);
    let number = all.iter().position(|path| path == begun).expect("it is there") as u16;
    let header = SegmentHeader {
        segment: number,
        life: newest.life + 1,
        before: (newest.segment, newest.life),
        ..newest
    };
    sim::run(1, &oracle.image.disk, async |world| {
        let mut block = world.buffer(BLOCK_BYTES);
        header.encode(&mut block);
        let file = world.open(begun).await.expect("opens");
        file.write(0, block).await.expect("writes");
    });
    sim::run(2, &oracle.image.disk, async |world| {
        let store = Store::open(world.clone(), Path::new(DIRECTORY), small(), None).await;
        store.map(drop).expect("opens");
        world.sleep(REST).await;
    });
    for seed in 0..20 {
        let disk = oracle.image.disk.image();
        disk.power_loss(seed);
        let outcome = oracle.outcome(&disk, "after the power loss");
        assert_eq!(outcome, Outcome::Exact, "power lost by seed {seed}");
    }
}
