//! Processes that may have only so many files, so much locked memory, so much memory at all: clear
//! errors at opening, patience while running, and nothing acknowledged lost where neither helps.

use std::fs;
use std::thread;
use std::time::Duration;

use flywheel_shard::{Durability, Engine, EngineOptions, StoreOptions};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::common::{RealDirectory, key};
use crate::other::{self, Other};
use crate::stock::{Stock, open, options, value};

const OPENER: &str = "limits::opener";
const RUNS_OUT: &str = "limits::runs_out_of_files";
const HUNGRY: &str = "limits::runs_out_of_memory";
const FILES: &str = "FLYWHEEL_LIMIT_FILES";
const FIRST: &str = "FLYWHEEL_LIMIT_FIRST";
const LOCKED: &str = "FLYWHEEL_LIMIT_LOCKED";

#[test]
fn too_few_open_files_are_refused_at_opening_with_how_many_are_needed() {
    let Some(directory) = RealDirectory::new("files") else { return };
    let (engine, mut stock) = (open(&directory.path()), Stock::default());
    (0..400).for_each(|_| _ = stock.put(&engine.handle()));
    engine.close().expect("closed");
    let answer = |files: u64| {
        let mut opener = Other::start(OPENER, &directory.path(), &[(FILES, &files.to_string())]);
        opener.wait_for("")
    };
    let refused = answer(64);
    let needed = refused.split("`ulimit -n ").nth(1).and_then(|rest| rest.split('`').next());
    let needed: u64 = needed.expect("the number to set").parse().expect("a number");
    assert!(
        refused.starts_with("refused") && refused.contains("two for each segment"),
        "{refused}"
    );
    assert!(needed > 100 && refused.contains(&directory.path().display().to_string()), "{refused}");
    assert_eq!(answer(needed), "opened");
    assert!(answer(needed - 1).starts_with("refused"), "the number is not the least");
    // So few that not even that can be found out.
    for files in [5, 8, 12, 20] {
        let refused = answer(files);
        assert!(refused.starts_with("refused") && refused.contains("ulimit -n"), "{refused}");
    }
    stock.check(&open(&directory.path()).handle());
}

#[test]
fn too_little_lockable_memory_is_refused_at_opening_with_how_much_is_needed() {
    let Some(directory) = RealDirectory::new("locked") else { return };
    let mut opener = Other::start(OPENER, &directory.path(), &[(LOCKED, "65536")]);
    let refused = opener.wait_for("refused");
    assert!(refused.contains("ulimit -l 512"), "{refused}");
    assert!(refused.contains("64 KiB"), "{refused}");
    assert!(!directory.path().exists(), "nothing was made");
}

/// The other process: opens under the limits it was told.
#[test]
fn opener() {
    let Some(directory) = other::told(OPENER) else { return };
    if let Some(files) = other::number_of(FILES) {
        limit(Resource::Nofile, files);
    }
    if let Some(bytes) = other::number_of(LOCKED) {
        limit(Resource::Memlock, bytes);
    }
    match Engine::open(&directory, options()) {
        Ok(_) => other::say("opened"),
        Err(error) => other::say(format!("refused {error}")),
    }
}

fn limit(resource: Resource, most: u64) {
    setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) }).expect("lowered");
}

#[test]
fn running_out_of_files_refuses_writes_until_more_may_be_opened() {
    let Some(directory) = RealDirectory::new("running-out") else { return };
    // Each segment takes two: the first may be had and the second not.
    for more in ["4", "5"] {
        let mut other = Other::start(RUNS_OUT, &directory.path(), &[(FILES, more)]);
        let refusal = other.wait_for("refused");
        assert!(
            refusal.contains("ulimit -n") && refusal.contains("Too many open files"),
            "{refusal}"
        );
        assert!(refusal.contains("until more files can be opened"), "{refusal}");
        other.wait_for("done");
        assert!(other.ended().success());
        fs::remove_dir_all(directory.path()).expect("removed");
    }
}

/// The other process: fills its store until no segment can be opened, then may open more.
#[test]
fn runs_out_of_files() {
    let Some(directory) = other::told(RUNS_OUT) else { return };
    let durability = Some(Durability::Dsync);
    let engine = Engine::open(&directory, EngineOptions { durability, ..options() });
    let engine = engine.expect("opened");
    let (handle, mut stock) = (engine.handle(), Stock::default());
    (0..10).for_each(|_| _ = stock.put(&handle));
    let before = getrlimit(Resource::Nofile);
    let open_now = fs::read_dir("/proc/self/fd").expect("listed").count() as u64;
    let current = Some(open_now + other::number_of(FILES).expect("told"));
    setrlimit(Resource::Nofile, Rlimit { current, ..before }).expect("lowered");
    let refusals = stock.fill(&handle);
    other::say(format!("refused {}", refusals.join(" ")));
    stock.check(&handle);
    stock.delete_every_second(&handle);
    stock.check(&handle);
    stock.fill(&handle);
    setrlimit(Resource::Nofile, before).expect("raised");
    stock.taken_again(&handle, "more may be opened");
    (0..500).for_each(|_| _ = stock.put(&handle));
    stock.check(&handle);
    engine.close().expect("closed");
    stock.check(&open(&directory).handle());
    other::say("done");
}

#[test]
fn what_was_acknowledged_survives_running_out_of_memory() {
    let Some(directory) = RealDirectory::new("memory") else { return };
    let mut acknowledged = 0;
    for round in 0..3 {
        let first = acknowledged.to_string();
        let mut hungry = Other::start(HUNGRY, &directory.path(), &[(FIRST, &first)]);
        while let Some(words) = hungry.next() {
            let n = words.strip_prefix("did ").map(|n| n.parse::<usize>().expect("a number"));
            acknowledged = n.map_or(acknowledged, |n| n + 1);
        }
        let status = hungry.ended();
        assert!(!status.success(), "round {round}: it had memory enough: {status}");
        let engine = open(&directory.path());
        for n in 0..acknowledged {
            let found = engine.handle().blocking().get(key(n)).expect("get");
            assert_eq!(found.expect("acknowledged").value, value(n), "round {round}: item {n}");
        }
        // The next one may have been on its way; nothing behind it was ever tried.
        let later = engine.handle().blocking().get(key(acknowledged + 1)).expect("get");
        assert!(later.is_none(), "round {round}: item {}", acknowledged + 1);
        engine.close().expect("closed");
    }
    assert!(acknowledged > 50, "{acknowledged} in all");
}

/// The other process: takes memory until an allocation fails, which ends it.
#[test]
fn runs_out_of_memory() {
    let Some(directory) = other::told(HUNGRY) else { return };
    // However it dies is fine.
    drop(std::panic::take_hook());
    let store = StoreOptions { cache_bytes: 1 << 30, ..options().store };
    let engine = Engine::open(&directory, EngineOptions { store, ..options() }).expect("opened");
    limit(Resource::As, (other::memory_kib("VmSize:") << 10) + (32 << 20));
    let mut eaten = Vec::new();
    let first = other::number_of(FIRST).expect("told") as usize;
    for n in first.. {
        match engine.handle().blocking().put(key(n), value(n)) {
            Ok(_) => other::say(format!("did {n}")),
            // No thread for a new file, most likely; soon there is nothing for anything.
            Err(_) => thread::sleep(Duration::from_millis(1)),
        }
        eaten.push(vec![1u8; 256 << 10]);
    }
}
