//! Peers that this build has: that they conform, and that what they acknowledged is found again, whether they
//! were closed in good order or copied away while open. And names, which all builds have.
//! A copy shows that the files hold each write, not that the device does: no test pulls the plug.

use std::fs;
use std::path::Path;
use std::str::FromStr;

use flywheel_load::random::Random;
use flywheel_load::{FieldSet, Record, Target, TargetErrorKind, TargetFactory, Updated};
use flywheel_targets::{Peer, PeerError, PeerName, PeerOptions, disk_bytes};
use futures_executor::block_on;
use tempfile::TempDir;

use crate::conformance;

const CACHE_BYTES: u64 = 16 << 20;

fn built() -> impl Iterator<Item = PeerName> {
    PeerName::ALL.into_iter().filter(|name| name.is_built())
}

/// Beside the build and not in /tmp, which may be memory: direct I/O wants a disk.
fn folder() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder")
}

fn open(name: PeerName, dir: &Path) -> Peer {
    let options = PeerOptions { dir: dir.to_owned(), cache_bytes: CACHE_BYTES };
    Peer::open(name, &options).unwrap_or_else(|error| panic!("{error}"))
}

fn key(number: u64) -> Vec<u8> {
    format!("user{number:06}").into_bytes()
}

/// Inserts records, and changes one field of every other one.
fn fill(peer: &Peer, count: u64) -> Vec<Record> {
    let target = block_on(peer.connect(0)).expect("it connects");
    let random = &mut Random::new(count);
    let mut records = Vec::new();
    for number in 0..count {
        let mut stored = conformance::record(random, 0..4);
        block_on(target.insert(&key(number), stored.clone())).expect("an insert");
        if number % 2 == 0 {
            let changes = conformance::record(random, [1]);
            let updated = block_on(target.update(&key(number), changes.clone(), false));
            assert_eq!(updated, Ok(Updated::Applied));
            stored = stored.merge(&changes);
        }
        records.push(stored);
    }
    records
}

fn expect(peer: &Peer, records: &[Record], when: &str) {
    let name = peer.peer();
    let target = block_on(peer.connect(0)).expect("it connects");
    for (number, record) in records.iter().enumerate() {
        let read = block_on(target.read(&key(number as u64), FieldSet::All));
        assert_eq!(read.as_ref(), Ok(&Some(record.clone())), "{name}, record {number}, {when}");
    }
    let rows = block_on(target.scan(b"", usize::from(u16::MAX), FieldSet::All)).expect("a scan");
    assert_eq!(rows.len(), records.len(), "{name}, {when}");
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a listing") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy_all(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), &to).expect("a copy");
        }
    }
}

#[test]
fn names_are_read_as_they_are_written() {
    for name in PeerName::ALL {
        assert_eq!(PeerName::from_str(&name.to_string()), Ok(name));
    }
    let unknown = PeerName::from_str("rocks").expect_err("no such peer");
    let said = unknown.to_string();
    assert!(PeerName::ALL.iter().all(|name| said.contains(name.as_str())), "{said}");
}

#[test]
fn a_peer_left_out_says_how_to_get_it() {
    let folder = folder();
    for name in PeerName::ALL {
        let options = PeerOptions { dir: folder.path().join("none"), cache_bytes: CACHE_BYTES };
        if name.is_built() {
            assert_eq!(name.available(), Ok(()));
            continue;
        }
        let error = Peer::open(name, &options).expect_err("it is not there");
        assert_eq!(error, PeerError::NotBuilt { peer: name });
        assert_eq!(name.available(), Err(error.clone()));
        let remedy = format!("cargo build --release --features {name}");
        assert!(error.to_string().ends_with(&remedy), "{error}");
        assert!(!options.dir.exists(), "nothing is made for it");
    }
}

#[test]
fn every_peer_conforms() {
    for name in built() {
        let folder = folder();
        let peer = open(name, folder.path());
        assert_eq!(TargetFactory::name(&peer), name.as_str());
        conformance::check(&peer);
        peer.flush_and_close().unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn reopening_finds_what_was_written() {
    for name in built() {
        let folder = folder();
        let peer = open(name, folder.path());
        let records = fill(&peer, 150);
        peer.flush_and_close().unwrap_or_else(|error| panic!("{error}"));
        let peer = open(name, folder.path());
        expect(&peer, &records, "closed");
        drop(peer);
        expect(&open(name, folder.path()), &records, "dropped");
    }
}

#[test]
fn a_copy_taken_while_open_has_every_acknowledged_write() {
    for name in built() {
        let folder = folder();
        let peer = open(name, &folder.path().join("open"));
        let records = fill(&peer, 150);
        let copy = folder.path().join("copy");
        copy_all(peer.dir(), &copy);
        expect(&open(name, &copy), &records, "copied while open");
        expect(&peer, &records, "still open");
    }
}

#[test]
fn settings_name_what_fairness_rests_on() {
    for name in built() {
        let folder = folder();
        let peer = open(name, folder.path());
        let settings = peer.settings();
        for wanted in
            ["version", "durability", "group_commit", "compression", "direct_io", "bloom_filters"]
        {
            let found = settings.iter().find(|(setting, _)| setting == wanted);
            let (_, value) = found.unwrap_or_else(|| panic!("{name} does not say its {wanted}"));
            assert!(!value.is_empty() && !value.contains("unknown"), "{name}: {wanted}: {value}");
        }
        assert!(settings.iter().any(|(setting, _)| setting.contains("cache")), "{name}");
    }
}

#[test]
fn counters_count() {
    for name in built() {
        let folder = folder();
        let peer = open(name, folder.path());
        fill(&peer, 50);
        let Some(stats) = peer.stats() else { continue };
        assert!(stats.iter().any(|(_, count)| *count > 0), "{name}: {stats:?}");
        if name == PeerName::RocksDb {
            let syncs = stats.iter().find(|(counter, _)| counter == "wal_syncs");
            let syncs = syncs.map_or(0, |(_, count)| *count);
            assert!(syncs >= 75, "each of 75 writes of one client is synced: {syncs}");
        }
    }
}

#[test]
fn closing_waits_for_nobody() {
    for name in built() {
        let folder = folder();
        let peer = open(name, folder.path());
        let _target = block_on(peer.connect(0)).expect("it connects");
        let error = peer.flush_and_close().expect_err("a target is connected");
        assert!(matches!(error, PeerError::InUse { targets: 1, .. }), "{name}: {error}");
    }
}

#[test]
fn a_write_that_is_refused_leaves_the_others_alone() {
    // Longer than LMDB's keys may be; the others take it.
    let long = vec![b'k'; 600];
    for name in built() {
        let folder = folder();
        let peer = open(name, folder.path());
        let record = conformance::record(&mut Random::new(1), 0..2);
        let (peer, record) = (&peer, &record);
        std::thread::scope(|scope| {
            for client in 0..6_u64 {
                let long = &long;
                scope.spawn(move || {
                    let target = block_on(peer.connect(0)).expect("it connects");
                    for round in 0..10 {
                        if client == 0 && name == PeerName::Lmdb {
                            let refused = block_on(target.insert(long, record.clone()));
                            let kind = refused.expect_err("too long").kind;
                            assert_eq!(kind, TargetErrorKind::Invalid);
                        } else {
                            let key = key(client * 100 + round);
                            block_on(target.insert(&key, record.clone())).expect("an insert");
                        }
                    }
                });
            }
        });
    }
}

#[test]
fn an_opening_that_fails_names_peer_and_place() {
    for name in built() {
        let folder = folder();
        let file = folder.path().join("file");
        fs::write(&file, b"not a folder").expect("a file");
        let options = PeerOptions { dir: file.join("below"), cache_bytes: CACHE_BYTES };
        let error = Peer::open(name, &options).expect_err("it cannot");
        let said = error.to_string();
        assert!(said.starts_with(name.title()) && said.contains("below"), "{said}");
    }
}

#[test]
fn space_is_what_files_occupy() {
    let folder = folder();
    let below = folder.path().join("a/b");
    fs::create_dir_all(&below).expect("folders");
    let empty_bytes = disk_bytes(folder.path()).expect("a walk");
    fs::write(below.join("full"), vec![1; 1 << 20]).expect("a file");
    let sparse = fs::File::create(below.join("sparse")).expect("a file");
    sparse.set_len(1 << 40).expect("a length");
    fs::File::open(below.join("full")).and_then(|file| file.sync_all()).expect("a sync");
    let grown_bytes = disk_bytes(folder.path()).expect("a walk") - empty_bytes;
    assert!((1 << 20..1 << 21).contains(&grown_bytes), "holes are free: {grown_bytes}");
    assert!(disk_bytes(&folder.path().join("nothing")).is_err());
}
