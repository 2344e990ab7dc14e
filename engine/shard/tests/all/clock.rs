//! A host whose clocks, the wall's and the monotonic one, step back by hours under a running engine:
//! nothing hangs, nothing panics, nothing is lost. The clocks are those of another process, turned
//! by libfaketime.

use std::fs;
use std::path::{Path, PathBuf};

use flywheel_shard::Engine;

use crate::common::RealDirectory;
use crate::kill::{Seen, options, start_writer};
use crate::ledger::Ledger;

/// Operations that must be acknowledged after each step of the clock.
const OPERATIONS: u64 = 150;

/// More words than a writer says in all that time.
const WORDS: usize = 300_000;

#[test]
fn a_clock_that_steps_back_by_hours_neither_stops_nor_loses_anything() {
    let Some(library) = libfaketime() else {
        println!("clock: skipped, because faketime is not installed");
        return;
    };
    let Some(directory) = RealDirectory::new("clock") else { return };
    let offset = directory.path().with_file_name("offset");
    set(&offset, "+0h");
    let turned = [
        ("LD_PRELOAD", library.to_str().expect("plain text")),
        ("FAKETIME_TIMESTAMP_FILE", offset.to_str().expect("plain text")),
        ("FAKETIME_NO_CACHE", "1"),
    ];
    let (mut ledger, mut seen) = (Ledger::default(), Seen::default());
    let mut writer = start_writer(&directory.path(), &ledger.next(), &turned);
    let mut steps = ["+0h", "-3h", "+5h", "-30h", "-31h"].iter();
    let (mut left, mut since, mut backwards) = (0, seen.figures.clone(), 0);
    for words in 0.. {
        assert!(words < WORDS, "stands still since a step: {since:?}, then {:?}", seen.figures);
        let risen = |name| seen.figure(name) > since.get(name).copied().unwrap_or(0);
        if left == 0 && risen("compactions") && risen("checkpoints") && risen("moves") {
            let Some(step) = steps.next() else { break };
            (left, since) = (OPERATIONS, seen.figures.clone());
            backwards += u64::from(step.starts_with('-'));
            set(&offset, step);
        } else if words == 0 {
            left = OPERATIONS;
        }
        let words = writer.next().expect("it runs until it is killed");
        if let Some(did) = words.strip_prefix("did ") {
            ledger.acknowledge(did);
            left = u64::saturating_sub(left, 1);
        }
        seen.note(&words);
    }
    assert!(seen.figure("clock_went_back") >= backwards, "the clock was not turned: {seen:?}");
    writer.kill();
    while let Some(words) = writer.next() {
        if let Some(did) = words.strip_prefix("did ") {
            ledger.acknowledge(did);
        }
    }
    let engine = Engine::open(&directory.path(), options()).expect("recovered");
    ledger.check(&engine.handle(), "after the clock was turned");
    engine.close().expect("closed");
}

/// All at once: the other process reads it whenever it looks at a clock.
fn set(path: &Path, offset: &str) {
    let new = path.with_extension("new");
    fs::write(&new, format!("{offset}\n")).expect("written");
    fs::rename(new, path).expect("renamed");
}

fn libfaketime() -> Option<PathBuf> {
    let folders = ["x86_64-linux-gnu/", "aarch64-linux-gnu/", ""];
    let paths = folders.map(|folder| format!("/usr/lib/{folder}faketime/libfaketimeMT.so.1"));
    paths.map(PathBuf::from).into_iter().find(|path| path.exists())
}
