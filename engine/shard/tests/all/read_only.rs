//! Directories that may not be written: opening one says so once and changes nothing; one that
//! becomes read-only while it is open refuses writes, clearly, and is read on.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use flywheel_shard::{Engine, ShardError, StoreError};

use crate::common::{RealDirectory, key};
use crate::other::{self, Other};
use crate::small_fs::{Kind, SmallFs, contents, may_mount};
use crate::stock::{Stock, open, options, value};

const OPENER: &str = "read_only::opener";

/// Somebody who owns nothing.
const NOBODY: &str = "65534";

#[test]
fn a_read_only_file_system_is_refused_at_opening_and_nothing_is_written() {
    if !may_mount("read_only::a_read_only_file_system_is_refused_at_opening_and_nothing_is_written")
    {
        return;
    }
    let Some(small) = SmallFs::new("read-only", Kind::Tmpfs, 16) else { return };
    let (engine, mut stock) = (open(&small.engine()), Stock::default());
    (0..50).for_each(|_| _ = stock.put(&engine.handle()));
    engine.close().expect("closed");
    let before = contents(&small.path());
    small.make_read_only();
    for directory in [small.engine(), small.path().join("new")] {
        let error = Engine::open(&directory, options()).err().expect("read-only");
        let words = error.to_string();
        assert!(words.contains("Read-only file system"), "{words}");
        assert!(words.contains("mount it for writing"), "{words}");
        assert!(words.contains(&small.path().display().to_string()), "{words}");
    }
    assert!(contents(&small.path()) == before, "something was written");
}

#[test]
fn a_directory_of_somebody_else_is_refused_at_opening_and_nothing_is_written() {
    let Some(directory) = RealDirectory::new("permissions") else { return };
    let (engine, mut stock) = (open(&directory.path()), Stock::default());
    (0..50).for_each(|_| _ = stock.put(&engine.handle()));
    engine.close().expect("closed");
    let parent = directory.path().parent().expect("it has one").to_owned();
    let is_root = rustix::process::geteuid().is_root();
    for path in [&parent, &directory.path()] {
        let mode = if is_root { 0o755 } else { 0o555 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("ours");
    }
    let before = contents(&parent);
    for path in [directory.path(), parent.join("new")] {
        let Some(mut opener) = start_as_nobody(is_root, &path) else { return };
        let Some(words) = opener.next() else {
            println!(
                "permissions: skipped, because others may not run {:?}",
                std::env::current_exe()
            );
            return;
        };
        assert!(words.starts_with("refused"), "{words}");
        assert!(words.contains("Permission denied"), "{words}");
        assert!(words.contains(&parent.display().to_string()), "{words}");
    }
    assert!(contents(&parent) == before, "something was written");
    fs::set_permissions(&parent, fs::Permissions::from_mode(0o755)).expect("ours");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).expect("ours");
    stock.check(&open(&directory.path()).handle());
}

/// Root may write anywhere, so somebody else has to try.
fn start_as_nobody(is_root: bool, directory: &Path) -> Option<Other> {
    if !is_root {
        return Some(Other::start(OPENER, directory, &[]));
    }
    if Command::new("setpriv").arg("--version").output().is_err() {
        println!("permissions: skipped, because setpriv is not installed");
        return None;
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"])
        .arg(std::env::current_exe().expect("this binary"));
    Some(Other::start_by(command, OPENER, directory, &[]))
}

/// The other process.
#[test]
fn opener() {
    let Some(directory) = other::told(OPENER) else { return };
    match Engine::open(&directory, options()) {
        Ok(_) => other::say("opened"),
        Err(error) => other::say(format!("refused {error}")),
    }
}

#[test]
fn a_file_system_that_becomes_read_only_stops_writes_and_is_read_on() {
    if !may_mount("read_only::a_file_system_that_becomes_read_only_stops_writes_and_is_read_on") {
        return;
    }
    let Some(small) = SmallFs::new("turned read-only", Kind::Ext4, 32) else { return };
    let (engine, mut stock) = (open(&small.engine()), Stock::default());
    let handle = engine.handle();
    (0..400).for_each(|_| _ = stock.put(&handle));
    if let Err(reason) = small.break_down() {
        println!("turned read-only: skipped, because {reason}");
        return;
    }
    let refusal = |answer: Result<_, ShardError>| match answer {
        Err(ShardError::Store(error)) if matches!(*error, StoreError::Stopped(_)) => {
            error.to_string()
        }
        other => panic!("stopped, found {other:?}"),
    };
    for shard in 0..2 {
        // Keys that were never written, one of each shard.
        let n = (100_000..).find(|&n| handle.locate(&key(n)).shard == shard).expect("one");
        for _ in 0..2 {
            let words = refusal(handle.blocking().put(key(n), value(n)));
            assert!(words.contains("writes stopped"), "{words}");
            // A request under way at the moment of the breakdown may get the plainer error.
            let said = ["Read-only file system", "Input/output error"];
            assert!(said.iter().any(|said| words.contains(said)), "{words}");
            assert!(words.contains(&small.engine().display().to_string()), "{words}");
        }
        refusal(handle.blocking().delete(key(n)));
    }
    stock.check(&handle);
    let place = handle.locate(&key(0));
    assert!(engine.move_partition(place.partition, 1 - place.shard).is_err());
    stock.check(&handle);
    let again = Engine::open(&small.engine(), options()).err().expect("read-only");
    assert!(again.to_string().contains("Read-only file system"), "{again}");
    // It ends, whatever it says: nothing more can be written.
    let _ = engine.close();
    small.mount_again();
    let engine = open(&small.engine());
    stock.check(&engine.handle());
    (0..50).for_each(|_| _ = stock.put(&engine.handle()));
    engine.close().expect("closed");
}
