//! What is refused, and how clearly: full queues, batches over partitions, directories that are not
//! as asked.

use std::path::Path;
use std::pin::pin;

use bytes::Bytes;
use flywheel_disk::sim::{self, SimDisk};
use flywheel_disk::{File, World};
use flywheel_shard::{
    Change, EngineOptions, PartitionId, ShardError, Write, WriteBatch, limits::MAX_ACTIVE_REQUESTS,
};
use futures_util::FutureExt;
use futures_util::future::join_all;

use crate::common::{DIRECTORY, key, number, open, open_with, small_options};

#[test]
fn a_full_handle_refuses_at_once_and_recovers() {
    sim::run(1, &SimDisk::new(), async |world| {
        let options = EngineOptions { in_flight: 2, ..small_options() };
        let engine = open_with(&world, 2, options).await.expect("opened");
        let handle = engine.handle();
        let (mut first, mut second) =
            (pin!(handle.put(key(1), number(1))), pin!(handle.put(key(2), number(1))));
        assert!((&mut first).now_or_never().is_none() && (&mut second).now_or_never().is_none());
        let refused = handle.put(key(3), number(1)).await;
        assert!(matches!(refused, Err(ShardError::Busy("the handle"))), "{refused:?}");
        engine.handle().put(key(3), number(1)).await.expect("another handle has its own bound");
        first.await.expect("put");
        handle.put(key(3), number(2)).await.expect("room again");
        second.await.expect("put");
        assert_eq!(engine.admin().stats().await.expect("stats").refused_by_handles, 1);
    });
}

#[test]
fn what_changes_bring_along_counts_as_what_writes_do() {
    sim::run(1, &SimDisk::new(), async |world| {
        let options = EngineOptions { in_flight_bytes: 1000, ..small_options() };
        let engine = open_with(&world, 1, options).await.expect("opened");
        let handle = engine.handle();
        let modify = |n, bytes: usize| {
            let value = Bytes::from(vec![7; bytes]);
            handle.modify_bringing(bytes, key(n), Box::new(|_| Change::Put(value)))
        };
        let mut first = pin!(modify(1, 600));
        assert!((&mut first).now_or_never().is_none());
        let refused = modify(2, 600).await;
        let full = "the handle's share of memory";
        assert!(matches!(refused, Err(ShardError::Busy(what)) if what == full), "{refused:?}");
        handle.modify(key(3), Box::new(|_| Change::Keep)).await.expect("it brings nothing");
        first.await.expect("modified");
        modify(2, 600).await.expect("room again");
    });
}

#[test]
fn a_full_mailbox_refuses_what_it_cannot_hold_and_answers_the_rest() {
    sim::run(2, &SimDisk::new(), async |world| {
        let options = EngineOptions { mailbox_requests: 8, ..small_options() };
        let engine = open_with(&world, 1, options).await.expect("opened");
        let handle = engine.handle();
        // All are sent before the shard's task runs for the first time.
        let answers = join_all((0..20).map(|n| handle.put(key(n), number(1)))).await;
        let refused = answers.iter().filter(|answer| matches!(answer, Err(ShardError::Busy(_))));
        assert_eq!(refused.count(), 12);
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 8);
        let stats = engine.admin().stats().await.expect("stats");
        assert_eq!((stats.shards[0].refused, stats.shards[0].writes), (12, 8));
    });
}

#[test]
fn more_requests_than_a_shard_takes_at_once_are_all_answered() {
    sim::run(3, &SimDisk::new(), async |world| {
        let all = MAX_ACTIVE_REQUESTS + 500;
        let options = EngineOptions { mailbox_requests: all, in_flight: all, ..small_options() };
        let engine = open_with(&world, 1, options).await.expect("opened");
        let handle = engine.handle();
        let answers = join_all((0..all).map(|n| handle.put(key(n), number(1)))).await;
        assert!(answers.iter().all(Result::is_ok));
    });
}

#[test]
fn a_batch_over_two_partitions_is_refused_whole() {
    sim::run(4, &SimDisk::new(), async |world| {
        let engine = open(&world, 2).await;
        let write = |key| Write { key: Bytes::from_static(key), value: None, condition: None };
        let batch = WriteBatch { writes: vec![write(b"a"), write(b"z")] };
        let refused = engine.handle().write(batch).await;
        assert!(matches!(refused, Err(ShardError::BatchSpansPartitions)), "{refused:?}");
        let one = WriteBatch { writes: vec![write(b"a"), write(b"b")] };
        engine.handle().write(one).await.expect("one partition");
    });
}

#[test]
fn impossible_splits_and_moves_are_named() {
    sim::run(5, &SimDisk::new(), async |world| {
        let engine = open(&world, 2).await;
        let (admin, none) = (engine.admin(), PartitionId(99));
        let id = engine.handle().locate(b"k").partition;
        let split = |id, at: &'static str| admin.split_partition(id, Bytes::from(at));
        assert!(matches!(split(none, "k").await, Err(ShardError::NoSuchPartition(_))));
        assert!(matches!(split(id, "h").await, Err(ShardError::BadSplit { .. })));
        assert!(matches!(split(id, "z").await, Err(ShardError::BadSplit { .. })));
        let far = admin.move_partition(id, 7).await;
        assert!(matches!(far, Err(ShardError::NoSuchShard { asked: 7, last: 1 })), "{far:?}");
        let both = join_all([admin.move_partition(id, 1), admin.move_partition(id, 1)]).await;
        let changing = |answer: &_| matches!(answer, Err(ShardError::Changing(_)));
        let shard = engine.handle().locate(b"k").shard;
        // Where it is already, nothing is to be done twice.
        assert!(both.iter().filter(|answer| changing(answer)).count() <= 1 && shard == 1);
    });
}

#[test]
fn a_closed_engine_says_so_and_has_answered_what_it_took() {
    sim::run(6, &SimDisk::new(), async |world| {
        let engine = open(&world, 2).await;
        let handle = engine.handle();
        let mut under_way = pin!(join_all((0..50).map(|n| handle.put(key(n), number(1)))));
        assert!((&mut under_way).now_or_never().is_none());
        engine.close().await.expect("closed");
        assert!(under_way.await.iter().all(Result::is_ok), "taken before the close");
        let late = handle.get(key(1)).await;
        assert!(matches!(late, Err(ShardError::Closed)), "{late:?}");
        let again = open(&world, 2).await;
        for n in 0..50 {
            assert!(again.handle().get(key(n)).await.expect("get").is_some(), "key {n}");
        }
    });
}

#[test]
fn dropping_an_engine_ends_what_waits() {
    sim::run(7, &SimDisk::new(), async |world| {
        let engine = open(&world, 2).await;
        let handle = engine.handle();
        let mut under_way = pin!(handle.put(key(1), number(1)));
        assert!((&mut under_way).now_or_never().is_none());
        drop(engine);
        let answer = under_way.await;
        assert!(matches!(answer, Ok(_) | Err(ShardError::Closed)), "{answer:?}");
    });
}

#[test]
fn another_number_of_shards_is_refused_and_nothing_changed() {
    let disk = SimDisk::new();
    sim::run(8, &disk, async |world| open(&world, 2).await.close().await.expect("closed"));
    let before = disk.files();
    sim::run(8, &disk, async |world| {
        let error = open_with(&world, 3, small_options()).await.expect_err("two shards, not three");
        assert!(matches!(error, ShardError::ShardCount { made_with: 2, asked: 3, .. }), "{error}");
        assert_eq!(disk.files(), before);
        open(&world, 2).await.close().await.expect("as before");
    });
}

#[test]
fn foreign_damaged_and_newer_directories_are_refused_and_left_alone() {
    let refused = |disk: &SimDisk| {
        let before = disk.files();
        sim::run(9, disk, async |world| {
            let error = open_with(&world, 2, small_options()).await.expect_err("refused");
            assert!(matches!(error, ShardError::BadDirectory { .. }), "{error}");
            assert_eq!(disk.files(), before);
            error.to_string()
        })
    };
    let foreign = SimDisk::new();
    sim::run(9, &foreign, async |world| {
        world.create_directory(Path::new(DIRECTORY)).await.expect("made");
        world.create(&Path::new(DIRECTORY).join("thesis.tex"), 4096).await.expect("made");
    });
    assert!(refused(&foreign).contains("thesis.tex"));

    let disk = SimDisk::new();
    sim::run(9, &disk, async |world| open(&world, 2).await.close().await.expect("closed"));
    let whole = disk.image();
    let identity = Path::new(DIRECTORY).join("flywheel.json");
    edit(&disk, &identity, "\"format_version\": 1", "\"format_version\": 2");
    assert!(refused(&disk).contains("format 2"));
    disk.restore(&whole);
    edit(&disk, &identity, "flywheel", "flychain");
    assert!(refused(&disk).contains("flychain"));
    disk.restore(&whole);
    edit(&disk, &identity, "{", "?");
    assert!(refused(&disk).contains("cannot be read"));
    disk.restore(&whole);
    disk.delete(&identity);
    assert!(refused(&disk).contains("missing"));
}

/// Replaces some of a file's text by as many other bytes.
fn edit(disk: &SimDisk, path: &Path, from: &str, to: &str) {
    assert_eq!(from.len(), to.len());
    let text = String::from_utf8(disk.read_bytes(path)).expect("text");
    let at = text.find(from).expect("found") as u64;
    disk.replace_bytes(path, at, to.as_bytes());
}

#[test]
fn the_identity_is_json_that_people_can_read() {
    sim::run(10, &SimDisk::new(), async |world| {
        let _engine = open(&world, 2).await;
        let path = Path::new(DIRECTORY).join("flywheel.json");
        let file = world.open(&path).await.expect("opened");
        let block = file.read(0, 4096).await.expect("read");
        let text = std::str::from_utf8(&block).expect("text");
        assert!(text.contains("\"shards\": 2") && text.ends_with('\n'), "{text}");
    });
}
