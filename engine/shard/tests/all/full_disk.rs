//! A file system filled to its last block: writes are refused and say why, all else goes on, nothing
//! acknowledged is lost, and room made by anybody brings writes back without a restart.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use flywheel_shard::{
    Change, Condition, Engine, Handle, ShardError, StoreError, Write, WriteBatch,
};

use crate::common::key;
use crate::other::{self, Other};
use crate::small_fs::{Kind, SmallFs, may_mount};
use crate::stock::{Stock, open, options, value};

const REFUSED: &str = "full_disk::refused_for_long";

#[test]
fn a_full_memory_disk_refuses_writes_and_comes_back() {
    if may_mount("full_disk::a_full_memory_disk_refuses_writes_and_comes_back") {
        fill_and_come_back(Kind::Tmpfs);
    }
}

#[test]
fn a_full_ext4_refuses_writes_and_comes_back() {
    if may_mount("full_disk::a_full_ext4_refuses_writes_and_comes_back") {
        fill_and_come_back(Kind::Ext4);
    }
}

fn fill_and_come_back(kind: Kind) {
    let Some(small) = SmallFs::new("full disk", kind, 16) else { return };
    let ballast = small.ballast(4 << 20);
    let engine = open(&small.engine());
    let (handle, mut stock) = (engine.handle(), Stock::default());

    let refusals = stock.fill(&handle);
    for (shard, refusal) in refusals.iter().enumerate() {
        let named = refusal.contains(&format!("shard-{shard:04}"))
            && refusal.contains(&small.engine().display().to_string());
        let explained = refusal.contains("disk is full") && refusal.contains("KiB left");
        assert!(named && explained, "{refusal}");
    }
    let rest = small.take_the_rest();
    all_but_writes_go_on(&engine, &mut stock);
    asks_for_no_files(&small.engine());

    // Somebody else makes room.
    fs::remove_file(rest).expect("removed");
    fs::remove_file(ballast).expect("removed");
    stock.taken_again(&handle, "others made room");
    stock.check(&handle);

    // We make room ourselves.
    stock.fill(&handle);
    let before = stock.len();
    stock.delete_every_second(&handle);
    let least = before / 10;
    let deleted_to = stock.len();
    while stock.len() < deleted_to + least {
        stock.taken_again(&handle, "items were deleted");
    }
    stock.check(&handle);

    // A full directory can be opened and read, after a crash and after a close.
    stock.fill(&handle);
    let rest = small.take_the_rest();
    drop((handle, engine));
    let engine = open(&small.engine());
    all_but_writes_go_on(&engine, &mut stock);
    // The last checkpoint may not fit; what was acknowledged is in the log all the same.
    match engine.close() {
        Ok(()) => {}
        Err(ShardError::Store(error)) if matches!(*error, StoreError::Full(_)) => {}
        Err(error) => panic!("closed or full, found {error}"),
    }
    let engine = open(&small.engine());
    stock.check(&engine.handle());
    fs::remove_file(rest).expect("removed");
    stock.delete_every_second(&engine.handle());
    stock.taken_again(&engine.handle(), "reopened, others made room");
    engine.close().expect("closed");
}

/// Reads, scans and deletes go on; every kind of write is refused, and says why.
fn all_but_writes_go_on(engine: &Engine, stock: &mut Stock) {
    let handle = engine.handle();
    stock.check(&handle);
    refused_at_last(stock, &handle, |stock| {
        let n = stock.take_key();
        let put = move |_: Option<&Bytes>| Change::Put(value(n));
        handle.blocking().modify(key(n), Box::new(put)).map(|_| stock.add(n))
    });
    refused_at_last(stock, &handle, |stock| {
        let n = stock.take_key();
        let put = Write { key: key(n), value: Some(value(n)), condition: Some(Condition::Absent) };
        // A key that nobody writes, in the same partition.
        let delete =
            Write { key: [&key(n)[..], b"x"].concat().into(), value: None, condition: None };
        handle.blocking().write(WriteBatch { writes: vec![put, delete] }).map(|_| stock.add(n))
    });
    refused_at_last(stock, &handle, |stock| {
        let at = key(stock.take_key());
        engine.split_partition(handle.locate(&at).partition, at).map(drop)
    });
    refused_at_last(stock, &handle, |_| {
        let place = handle.locate(&key(0));
        engine.move_partition(place.partition, 1 - place.shard)
    });
    stock.check(&handle);
    stock.delete(&handle, &[stock.first()]);
    stock.check(&handle);
}

/// Tries until it is refused because the disk is full. Compaction may have made a little room since
/// the last item was refused: that is used up first.
fn refused_at_last(
    stock: &mut Stock,
    handle: &Handle,
    mut attempt: impl FnMut(&mut Stock) -> Result<(), ShardError>,
) {
    for _ in 0..100 {
        stock.fill(handle);
        match attempt(stock) {
            Ok(()) => {}
            Err(ShardError::Store(error)) if matches!(*error, StoreError::Full(_)) => return,
            Err(ShardError::NotMoved { reason, .. }) if reason.contains("the disk is full") => {
                return;
            }
            Err(error) => panic!("accepted or full, found {error}"),
        }
    }
    panic!("never refused");
}

/// While nothing is left, no file is even begun: that would take the blocks that others free.
fn asks_for_no_files(directory: &Path) {
    let changed = || {
        ["shard-0000", "shard-0001"].map(|shard| {
            let metadata = fs::metadata(directory.join(shard)).expect("there");
            (metadata.mtime(), metadata.mtime_nsec())
        })
    };
    let before = changed();
    thread::sleep(Duration::from_secs(2));
    assert_eq!(changed(), before, "a file was made or removed on a full disk");
}

#[test]
fn nothing_is_created_on_a_full_disk_and_room_is_all_it_takes() {
    if !may_mount("full_disk::nothing_is_created_on_a_full_disk_and_room_is_all_it_takes") {
        return;
    }
    let Some(small) = SmallFs::new("full creation", Kind::Tmpfs, 8) else { return };
    let rest = small.take_the_rest();
    for _ in 0..2 {
        let error = Engine::open(&small.engine(), options()).err().expect("no room");
        let words = error.to_string();
        let clear = words.contains("KiB left") || words.contains("No space left");
        assert!(clear && words.contains(&small.engine().display().to_string()), "{words}");
    }
    fs::remove_file(rest).expect("removed");
    let engine = open(&small.engine());
    engine.handle().blocking().put(key(1), Bytes::from("new")).expect("put");
    engine.close().expect("closed");
}

#[test]
fn refusing_for_long_takes_no_memory() {
    if !may_mount("full_disk::refusing_for_long_takes_no_memory") {
        return;
    }
    let Some(small) = SmallFs::new("refusing", Kind::Tmpfs, 12) else { return };
    // A process of its own: the memory of this one is also other tests'.
    let mut refusing = Other::start(REFUSED, &small.engine(), &[]);
    let grown_kib: u64 = refusing.wait_for("grown").parse().expect("a number");
    assert!(grown_kib < 16 << 10, "{grown_kib} KiB more after refusing for long");
    assert!(refusing.ended().success());
}

/// The other process.
#[test]
fn refused_for_long() {
    let Some(directory) = other::told(REFUSED) else { return };
    let engine = open(&directory);
    let (handle, mut stock) = (engine.handle(), Stock::default());
    stock.fill(&handle);
    let before_kib = other::memory_kib("VmRSS:");
    let mut refused = 0;
    while refused < 30_000 {
        refused += u64::from(stock.put(&handle).1.is_some());
    }
    let after_kib = other::memory_kib("VmRSS:");
    other::say(format!("grown {}", after_kib.saturating_sub(before_kib)));
}
