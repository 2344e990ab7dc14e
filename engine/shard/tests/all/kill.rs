//! A real process killed with SIGKILL under load, again and again: every acknowledged write is there
//! afterwards, with its value or that of a later write.
//!
//! The writer is this very test binary, started again for one "test" that does nothing unless it is
//! told a directory. It prints a line after each acknowledgement; the parent kills it at a random
//! moment, opens the directory itself, and holds what it finds against the lines.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use bytes::Bytes;
use flywheel_shard::{Change, Engine, EngineOptions, Handle};

use crate::common::{RealDirectory, key, small_options};

const WRITERS: usize = 4;
const KEYS_PER_WRITER: usize = 40;
const KILLS: u64 = 8;
const DIRECTORY: &str = "FLYWHEEL_KILL_DIRECTORY";

fn options() -> EngineOptions {
    EngineOptions { shards: 2, ..small_options() }
}

/// A value that says whose it is: the key's number and the round, then filler that follows from both.
fn value(k: usize, round: u64) -> Bytes {
    let length = 16 + (k * 37 + round as usize * 101) % 3000;
    let mut bytes = Vec::with_capacity(length);
    bytes.extend_from_slice(&(k as u64).to_be_bytes());
    bytes.extend_from_slice(&round.to_be_bytes());
    bytes.resize(length, (k as u64 ^ round) as u8);
    Bytes::from(bytes)
}

/// The round of a value, after checking every byte of it.
fn round_of(k: usize, found: &[u8]) -> u64 {
    let round = u64::from_be_bytes(found[8..16].try_into().expect("eight bytes"));
    assert_eq!(found, &*value(k, round), "key {k} holds something that was never written to it");
    round
}

#[test]
fn what_was_acknowledged_survives_sigkill() {
    let Some(directory) = RealDirectory::new("kill") else { return };
    let mut acknowledged: HashMap<usize, u64> = HashMap::new();
    for kill in 0..KILLS {
        let mut writer = start_writer(&directory.path());
        let lines = 200 + kill * 977 % 1500;
        let seen = kill_after(&mut writer, lines);
        assert!(seen.len() as u64 >= lines, "kill {kill}: the writer ended early");
        for (k, round) in seen {
            let newest = acknowledged.entry(k).or_default();
            *newest = round.max(*newest);
        }
        let engine = Engine::open(&directory.path(), options()).expect("recovered");
        for (&k, &round) in &acknowledged {
            let found = engine.handle().blocking().get(key(k)).expect("get");
            let found = found.map_or(0, |found| round_of(k, &found.value));
            assert!(found >= round, "kill {kill}: key {k} has round {found}, acknowledged {round}");
        }
        // Every other time the next writer finds what a crash left, not what a close did.
        if kill % 2 == 0 {
            engine.close().expect("closed");
        }
    }
}

fn start_writer(directory: &Path) -> Child {
    let binary = std::env::current_exe().expect("this binary");
    Command::new(binary)
        .args(["kill::writer", "--exact", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("started")
}

/// Reads acknowledgements, kills the writer after so many, and reads those that were still under way.
fn kill_after(writer: &mut Child, lines: u64) -> Vec<(usize, u64)> {
    let output = BufReader::new(writer.stdout.take().expect("piped"));
    let mut seen = Vec::new();
    for line in output.lines() {
        let Ok(line) = line else { break };
        // The harness prints lines of its own, and the last one may be cut.
        let mut words = line.split(' ');
        if words.next() == Some("acknowledged")
            && let (Some(Ok(k)), Some(Ok(round)), Some("end")) =
                (words.next().map(str::parse), words.next().map(str::parse), words.next())
        {
            seen.push((k, round));
        }
        if seen.len() as u64 == lines {
            writer.kill().expect("killed");
        }
    }
    writer.wait().expect("ended");
    seen
}

/// The other process. A test only in name: it does nothing unless it was started by the one above.
#[test]
fn writer() {
    let Ok(directory) = std::env::var(DIRECTORY) else { return };
    let engine = Engine::open(Path::new(&directory), options()).expect("opened");
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let handle = engine.handle();
            scope.spawn(move || write_for_ever(&handle, writer));
        }
        scope.spawn(|| reshape_for_ever(&engine));
    });
}

fn write_for_ever(handle: &Handle, writer: usize) {
    let own = || (0..KEYS_PER_WRITER).map(move |n| n * WRITERS + writer);
    let first = own().map(|k| {
        let found = handle.blocking().get(key(k)).expect("get");
        found.map_or(0, |found| round_of(k, &found.value))
    });
    let start = first.max().unwrap_or(0) + 1;
    for round in start.. {
        for k in own() {
            if round % 3 == 0 {
                let put = move |_: Option<&Bytes>| Change::Put(value(k, round));
                handle.blocking().modify(key(k), Box::new(put)).expect("modify");
            } else {
                handle.blocking().put(key(k), value(k, round)).expect("put");
            }
            let line = format!("acknowledged {k} {round} end\n");
            std::io::stdout().lock().write_all(line.as_bytes()).expect("the parent reads");
        }
    }
}

/// Splits and moves partitions for as long as the process lives.
fn reshape_for_ever(engine: &Engine) {
    for n in 0usize.. {
        let partitions = engine.partitions().expect("listed");
        let (info, shard) = &partitions[n % partitions.len()];
        let at = key(n * 11 % (WRITERS * KEYS_PER_WRITER));
        // Both may be refused, by what else is going on.
        let _ = match n % 3 {
            0 if partitions.len() < 10 => engine.split_partition(info.spec.id, at).map(drop),
            _ => engine.move_partition(info.spec.id, 1 - shard),
        };
    }
}
