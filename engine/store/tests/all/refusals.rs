//! Directories that a store must not open: foreign, newer, incomplete or somebody else's. The error
//! says what and where, and nothing on the disk is changed.

use std::path::{Path, PathBuf};

use flywheel_disk::sim::{self, SimDisk};
use flywheel_store::{StoreError, StoreOptions, WriteBatch};

use crate::fixture::{DIRECTORY, key, open, open_with, options, value};

fn path(name: &str) -> PathBuf {
    Path::new(DIRECTORY).join(name)
}

/// A store with some data, closed.
fn closed() -> SimDisk {
    let disk = SimDisk::new();
    sim::run(1, &disk, async |world| {
        let store = open(&world).await.expect("opens");
        for number in 0..50 {
            let batch = WriteBatch::put(key(number), value(number, 0, 900));
            store.write(batch).await.expect("writes");
        }
        store.close().await.expect("closes");
    });
    disk
}

fn contents(disk: &SimDisk) -> Vec<(PathBuf, Vec<u8>)> {
    disk.files().into_iter().map(|(path, _)| (path.clone(), disk.read_bytes(&path))).collect()
}

/// Opening fails with an error that names all of `parts`, and changes nothing.
fn refused(disk: &SimDisk, options: StoreOptions, parts: &[&str]) {
    let before = contents(disk);
    let opened = sim::run(2, disk, async |world| open_with(&world, options).await.map(|_| ()));
    let error = opened.expect_err("is refused");
    let message = error.to_string();
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
    let with_place = matches!(error, StoreError::Format { .. } | StoreError::Corrupt { .. });
    assert!(with_place, "an error with its place: {error:?}");
    assert!(contents(disk) == before, "the disk was changed: {message}");
}

#[test]
fn a_foreign_file_in_a_segments_place() {
    let disk = closed();
    let size = disk.read_bytes(&path("segment-00001")).len();
    disk.write_bytes(&path("segment-00001"), &b"somebody's photographs".repeat(size)[..size]);
    refused(&disk, options(), &["segment-00001", "not a segment of Flywheel"]);
}

#[test]
fn a_foreign_superblock() {
    let disk = closed();
    disk.write_bytes(&path("superblock"), &[b'x'; 8192]);
    refused(&disk, options(), &["superblock", "not a superblock of Flywheel"]);
}

#[test]
fn a_newer_or_older_format() {
    for version in [1u32, 3] {
        let disk = closed();
        disk.replace_bytes(&path("segment-00002"), 8, &version.to_le_bytes());
        refused(&disk, options(), &["segment-00002", &format!("version {version}")]);
    }
    // One slot is enough: what the other points to may be gone.
    for slot in 0..2 {
        let disk = closed();
        disk.replace_bytes(&path("superblock"), slot * 4096 + 8, &3u32.to_le_bytes());
        if disk.read_bytes(&path("superblock"))[slot as usize * 4096] != 0 {
            refused(&disk, options(), &["superblock", "version 3"]);
        }
    }
}

#[test]
fn a_missing_segment() {
    let disk = closed();
    disk.delete(&path("segment-00001"));
    refused(&disk, options(), &["segment-00001", "missing"]);
    // Of the last ones nothing tells by name; what points there does.
    let disk = closed();
    let files = disk.files().into_iter().map(|(path, _)| path);
    let segments = files.filter(|path| path.to_string_lossy().contains("segment-"));
    segments.for_each(|path| disk.delete(&path));
    refused(&disk, options(), &["segment-", "expected, found None"]);
}

#[test]
fn a_missing_superblock() {
    let disk = closed();
    disk.delete(&path("superblock"));
    let before = contents(&disk);
    let opened = sim::run(2, &disk, async |world| open(&world).await.map(|_| ()));
    let message = opened.expect_err("is refused").to_string();
    assert!(message.contains("superblock"), "{message}");
    assert!(contents(&disk) == before, "the disk was changed");
}

#[test]
fn a_blank_superblock_beside_segments() {
    let disk = closed();
    disk.replace_bytes(&path("superblock"), 0, &[0; 8192]);
    refused(&disk, options(), &["superblock", "blank"]);
}

#[test]
fn a_segment_of_the_wrong_size() {
    let disk = closed();
    let mut bytes = disk.read_bytes(&path("segment-00000"));
    bytes.truncate(32 << 10);
    disk.write_bytes(&path("segment-00000"), &bytes);
    refused(&disk, options(), &["segment-00000", "65536", "32768"]);
}

#[test]
fn the_wrong_shard() {
    let disk = closed();
    refused(&disk, StoreOptions { shard: 3, ..options() }, &["superblock", "shard 3", "shard 0"]);
}

#[test]
fn two_segments_exchanged() {
    let disk = closed();
    let [one, two] = [path("segment-00000"), path("segment-00001")];
    let (first, second) = (disk.read_bytes(&one), disk.read_bytes(&two));
    disk.replace_bytes(&one, 0, &second);
    disk.replace_bytes(&two, 0, &first);
    refused(&disk, options(), &["segment-00000", "segment 0 of shard 0 expected"]);
}
