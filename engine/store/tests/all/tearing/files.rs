//! Whole files of an image: missing, exchanged, cut, lengthened, from an older image, from another
//! shard. Not foreign directories: see `refusals`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use flywheel_disk::sim::SimDisk;
use flywheel_store::StoreError;

use super::image::{End, Image, image, other_shard};
use super::layout::{BLOCK_BYTES, Need, superblock_path};
use super::oracle::{Oracle, Outcome};
use super::sectors::kind;

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
fn replace(oracle: &Oracle, path: &PathBuf, bytes: &[u8], what: &str) -> &'static str {
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
        for (index, path) in all.iter().enumerate().filter(|(_, path)| **path != superblock_path()) {
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
    let opened = flywheel_disk::sim::run(1, &disk, async |world| {
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
            let named = matches!(&outcome, Outcome::Refused(file, _) if file == *one || file == *two);
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
    let needed = oracle.layout.pieces.iter().filter(|piece| {
        matches!(piece.need, Need::Chunk | Need::Replayed | Need::Run)
    });
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
