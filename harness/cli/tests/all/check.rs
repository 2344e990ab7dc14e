//! `flywheel check` on real directories: what it finds, what it says, what a repair keeps and lists.

use std::fs;
use std::path::{Path, PathBuf};

use flywheel_shard::{Engine, EngineOptions};
use futures_executor::block_on;
use serde_json::Value;

use crate::common::{errors, flywheel, host_is_fit, scratch, text};

const ITEMS: u64 = 400;

fn options() -> EngineOptions {
    let mut options = EngineOptions { shards: 2, ..EngineOptions::default() };
    options.store.segment_bytes = 1 << 20;
    options.initial_splits = vec!["key-0200".into()];
    options
}

fn key(n: u64) -> String {
    format!("key-{n:04}")
}

fn value(n: u64) -> Vec<u8> {
    let mut value = format!("the value of {n};").into_bytes();
    value.resize(700, b'.');
    value
}

/// A directory that was filled and closed; `None` where the host cannot run the engine.
fn filled(root: &Path) -> Option<PathBuf> {
    let dir = root.join("data");
    let engine = match Engine::open(&dir, options()) {
        Ok(engine) => engine,
        Err(error) if error.to_string().contains("io_uring") => {
            println!("skipped, because {error}");
            return None;
        }
        Err(error) => panic!("{error}"),
    };
    let handle = engine.handle();
    for n in 0..ITEMS {
        block_on(handle.put(key(n).into(), value(n).into())).expect("put");
    }
    block_on(handle.put(vec![0xFF, 0x00].into(), b"binary".to_vec().into())).expect("put");
    engine.close().expect("closes");
    Some(dir)
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for shard in ["shard-0000", "shard-0001"] {
        for entry in fs::read_dir(dir.join(shard)).expect("listed") {
            let path = entry.expect("an entry").path();
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("segment-")) {
                found.push(path);
            }
        }
    }
    found
}

/// Flips a byte in every copy of this text; the file and place of the last.
fn damage(dir: &Path, wanted: &[u8]) -> (PathBuf, usize) {
    let mut hit = None;
    for path in segments(dir) {
        let mut bytes = fs::read(&path).expect("read");
        let places: Vec<usize> = bytes
            .windows(wanted.len())
            .enumerate()
            .filter_map(|(at, window)| (window == wanted).then_some(at))
            .collect();
        for at in places {
            bytes[at + wanted.len() - 1] ^= 4;
            hit = Some((path.clone(), at));
        }
        fs::write(&path, &bytes).expect("written");
    }
    hit.expect("the text is somewhere")
}

fn check(dir: &Path, flags: &[&str]) -> std::process::Output {
    flywheel(&[&["check", "--dir", text(dir)], flags].concat())
}

fn json(output: &std::process::Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn printed(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("listed");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Every file below a directory with its bytes.
fn contents(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).expect("listed") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(contents(&path));
        } else {
            files.push((path.clone(), fs::read(&path).expect("read")));
        }
    }
    files.sort();
    files
}

#[test]
fn a_sound_directory_passes_and_is_not_changed() {
    let scratch = scratch();
    let Some(dir) = filled(scratch.path()) else { return };
    let before = contents(&dir);
    let output = check(&dir, &[]);
    assert_eq!(output.status.code(), Some(0), "{}{}", printed(&output), errors(&output));
    assert!(printed(&output).contains("sound"), "{}", printed(&output));
    let output = check(&dir, &["--json"]);
    let report = json(&output);
    assert_eq!((output.status.code(), &report["sound"]), (Some(0), &Value::Bool(true)));
    let shards = report["shards"].as_array().expect("shards");
    let sum = |name: &str| shards.iter().filter_map(|shard| shard[name].as_u64()).sum::<u64>();
    assert_eq!((shards.len(), sum("items"), sum("verified")), (2, ITEMS + 1, ITEMS + 1));
    assert!(sum("bytes_read") > ITEMS * 700 && sum("segments") > 2);
    let output = check(&dir, &["--repair"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(printed(&output).contains("nothing to repair"), "{}", printed(&output));
    assert!(contents(&dir) == before, "something was changed");
    assert_eq!(names(scratch.path()), ["data"]);
}

#[test]
fn a_damaged_record_is_found_and_a_repair_loses_only_that() {
    let scratch = scratch();
    let Some(dir) = filled(scratch.path()) else { return };
    fs::write(dir.join("loaded.json"), "{}").expect("written");
    let (path, at) = damage(&dir, b"the value of 123;");
    let before = contents(&dir);
    let output = check(&dir, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
    // The record begins before its value: its header, of 20 bytes, and the key.
    let place = format!("{} at byte {}: record checksum", path.display(), at - key(123).len() - 20);
    assert!(printed(&output).contains(&place), "`{place}` in: {}", printed(&output));
    assert!(printed(&output).contains("the newest value of key key-0123"), "{}", printed(&output));
    let finding = &json(&check(&dir, &["--json"]))["shards"][0]["findings"][0];
    assert_eq!((&finding["concerns"], &finding["key"]), (&"record".into(), &"key-0123".into()));
    assert!(contents(&dir) == before, "checking changed something");

    let output = check(&dir, &["--repair"]);
    assert_eq!(output.status.code(), Some(1), "{}{}", printed(&output), errors(&output));
    assert!(printed(&output).contains("400 items kept, 1 keys lost"), "{}", printed(&output));
    assert_eq!(names(scratch.path()), ["data", "data.damaged", "data.lost.jsonl"]);
    let renamed = |(path, bytes): (PathBuf, Vec<u8>)| {
        let below = path.strip_prefix(scratch.path().join("data.damaged")).expect("below");
        (dir.join(below), bytes)
    };
    let kept: Vec<_> =
        contents(&scratch.path().join("data.damaged")).into_iter().map(renamed).collect();
    assert!(kept == before, "the damaged directory is as it was");
    let list = fs::read_to_string(scratch.path().join("data.lost.jsonl")).expect("a list");
    let lines: Vec<Value> =
        list.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let [line] = &lines[..] else { panic!("one line expected: {list}") };
    assert_eq!((&line["is"], &line["key"]), (&"lost".into(), &"key-0123".into()));
    assert_eq!(line["file"], path.display().to_string());

    let output = check(&dir, &[]);
    assert_eq!(output.status.code(), Some(0), "{}{}", printed(&output), errors(&output));
    assert_eq!(fs::read_to_string(dir.join("loaded.json")).expect("taken along"), "{}");
    let engine = Engine::open(&dir, options()).expect("opens");
    for n in 0..ITEMS {
        let found = block_on(engine.handle().get(key(n).into())).expect("reads");
        let expected = (n != 123).then(|| value(n));
        assert_eq!(found.map(|found| found.value.to_vec()), expected, "item {n}");
    }
    engine.close().expect("closes");

    // The next repair must not bury what this one left.
    damage(&dir, b"the value of 7;");
    let output = check(&dir, &["--repair"]);
    assert_eq!(output.status.code(), Some(2), "{}", printed(&output));
    assert!(errors(&output).contains("data.damaged"), "{}", errors(&output));
}

#[test]
fn a_key_that_is_no_text_is_shown_in_hexadecimal() {
    let scratch = scratch();
    let Some(dir) = filled(scratch.path()) else { return };
    damage(&dir, b"\xFF\x00binary");
    let output = check(&dir, &[]);
    assert!(printed(&output).contains("key 0xff00"), "{}", printed(&output));
    let report = json(&check(&dir, &["--json"]));
    let finding = &report["shards"][1]["findings"][0];
    assert_eq!((&finding["key"], &finding["key_hex"]), (&Value::Null, &"ff00".into()));
}

#[test]
fn an_interrupted_repair_is_taken_up() {
    let scratch = scratch();
    let Some(dir) = filled(scratch.path()) else { return };
    damage(&dir, b"the value of 9;");
    // Interrupted while it salvaged.
    let half = scratch.path().join("data.repaired");
    fs::create_dir_all(half.join("shard-0000")).expect("made");
    fs::write(half.join("flywheel.json"), "half").expect("written");
    fs::write(scratch.path().join("data.lost.jsonl"), "half").expect("written");
    let output = check(&dir, &["--repair"]);
    assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
    assert!(errors(&output).contains("interrupted"), "{}", errors(&output));
    assert_eq!(check(&dir, &[]).status.code(), Some(0));
    // Interrupted between the two renames.
    fs::rename(&dir, &half).expect("renamed");
    let output = check(&dir, &["--repair"]);
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    assert!(errors(&output).contains("between its two renames"), "{}", errors(&output));
    assert_eq!(check(&dir, &[]).status.code(), Some(0));
    assert_eq!(names(scratch.path()), ["data", "data.damaged", "data.lost.jsonl"]);
}

#[test]
fn somebody_elses_directory_in_the_way_is_left_alone() {
    let scratch = scratch();
    let Some(dir) = filled(scratch.path()) else { return };
    damage(&dir, b"the value of 9;");
    let other = scratch.path().join("data.repaired");
    fs::create_dir(&other).expect("made");
    fs::write(other.join("precious.txt"), "do not touch").expect("written");
    let output = check(&dir, &["--repair"]);
    assert_eq!(output.status.code(), Some(2), "{}", printed(&output));
    assert!(errors(&output).contains("precious.txt"), "{}", errors(&output));
    assert_eq!(names(&other), ["precious.txt"]);
}

#[test]
fn a_superblock_that_is_gone_is_repaired_by_a_scan() {
    let scratch = scratch();
    let Some(dir) = filled(scratch.path()) else { return };
    fs::write(dir.join("shard-0000/superblock"), [0x77; 8192]).expect("written");
    assert_eq!(check(&dir, &[]).status.code(), Some(1));
    let output = check(&dir, &["--repair", "--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
    let repair = &json(&output)["repair"];
    assert_eq!((&repair["kept"], &repair["lost"]), (&(ITEMS + 1).into(), &0.into()));
    assert_eq!(repair["scanned_shards"][0], 0);
    assert_eq!(check(&dir, &[]).status.code(), Some(0));
}

#[track_caller]
fn refused(dir: &Path, expected: &str) {
    for flags in [&[][..], &["--json"], &["--repair"]] {
        let output = check(dir, flags);
        if !host_is_fit(&output) {
            return;
        }
        assert_eq!(output.status.code(), Some(2), "{}", printed(&output));
        assert!(errors(&output).contains(expected), "`{expected}` in: {}", errors(&output));
        assert_eq!(printed(&output), "");
    }
}

#[test]
fn what_is_no_directory_of_ours_is_refused() {
    let scratch = scratch();
    refused(&scratch.path().join("nowhere"), "there is no Flywheel directory");
    let empty = scratch.path().join("empty");
    fs::create_dir(&empty).expect("made");
    refused(&empty, "there is no Flywheel directory");
    fs::write(empty.join("precious.txt"), "do not touch").expect("written");
    refused(&empty, "not a Flywheel directory");
    assert_eq!(names(&empty), ["precious.txt"]);
}

#[test]
fn an_open_directory_is_refused() {
    let scratch = scratch();
    let Some(dir) = filled(scratch.path()) else { return };
    let engine = Engine::open(&dir, options()).expect("opens");
    refused(&dir, "has this directory open");
    engine.close().expect("closes");
}

#[test]
fn help_teaches() {
    let output = flywheel(&["help", "check"]);
    let text = printed(&output);
    for part in ["--repair", "DIR.damaged", "DIR.lost.jsonl", "doubtful", "Exit codes: 0 sound"] {
        assert!(text.contains(part), "`{part}` in: {text}");
    }
}
