//! One caller against a `BTreeMap`: every answer must be the model's, across clean reopening, process
//! crashes and power loss.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;
use flywheel_disk::sim::{self, SimDisk, SimWorld};
use flywheel_store::{
    Change, Condition, Direction, PartitionId, ScanRequest, Snapshot, Store, Version, Versioned,
    Write, WriteBatch, WriteOutcome,
};
use proptest::prelude::*;

use crate::fixture::{everything, key, open, value};

#[derive(Debug, Clone)]
enum Op {
    Put(u64, usize),
    Delete(u64),
    Batch(Vec<(u64, Option<usize>)>),
    PutIf(u64, usize, Expect),
    Modify(u64, usize),
    Get(u64),
    Scan { from: u64, to: u64, direction: bool, max_items: usize },
    TakeSnapshot,
    CheckSnapshot,
    Split(u64),
    Checkpoint,
    End(Ending),
}

#[derive(Debug, Clone)]
enum Expect {
    Exists,
    Absent,
    RightVersion,
    WrongVersion,
}

#[derive(Debug, Clone)]
enum Ending {
    Close,
    Crash,
    PowerLoss,
}

type Model = BTreeMap<Bytes, Versioned>;

fn op() -> impl Strategy<Value = Op> {
    let number = 0u64..60;
    let length = prop_oneof![8 => 0usize..300, 2 => 300usize..6000, 1 => 10_000usize..15_000];
    let expect = prop_oneof![
        Just(Expect::Exists),
        Just(Expect::Absent),
        Just(Expect::RightVersion),
        Just(Expect::WrongVersion)
    ];
    let write = (number.clone(), proptest::option::weighted(0.8, 0usize..500));
    prop_oneof![
        20 => (number.clone(), length.clone()).prop_map(|(n, l)| Op::Put(n, l)),
        4 => number.clone().prop_map(Op::Delete),
        4 => proptest::collection::vec(write, 1..8).prop_map(Op::Batch),
        6 => (number.clone(), length.clone(), expect).prop_map(|(n, l, e)| Op::PutIf(n, l, e)),
        6 => (number.clone(), length).prop_map(|(n, l)| Op::Modify(n, l)),
        10 => number.clone().prop_map(Op::Get),
        4 => (number.clone(), number.clone(), any::<bool>(), 0usize..30).prop_map(
            |(from, to, direction, max_items)| Op::Scan { from, to, direction, max_items }
        ),
        1 => Just(Op::TakeSnapshot),
        2 => Just(Op::CheckSnapshot),
        1 => number.prop_map(Op::Split),
        1 => Just(Op::Checkpoint),
        2 => prop_oneof![Just(Ending::Close), Just(Ending::Crash), Just(Ending::PowerLoss)]
            .prop_map(Op::End),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn answers_are_the_models(
        seed in any::<u64>(),
        ops in proptest::collection::vec(op(), 1..400),
    ) {
        let disk = SimDisk::new();
        let mut model = Model::new();
        let mut rest = ops.as_slice();
        let mut life = 0;
        loop {
            let (ending, used) = sim::run(seed.wrapping_add(life), &disk, async |world| {
                one_life(&world, &mut model, rest).await
            });
            rest = &rest[used..];
            life += 1;
            match ending {
                Some(Ending::PowerLoss) => disk.power_loss(seed.wrapping_add(life)),
                Some(_) => {}
                None => break,
            }
        }
    }
}

/// Runs operations until the process ends; says how, and how many were used.
async fn one_life(world: &SimWorld, model: &mut Model, ops: &[Op]) -> (Option<Ending>, usize) {
    let store = open(world).await.expect("opens");
    assert_same(&store, model).await;
    let mut snapshot = None;
    for (used, op) in ops.iter().enumerate() {
        if let Op::End(ending) = op {
            if matches!(ending, Ending::Close) {
                drop(snapshot);
                store.close().await.expect("closes");
            }
            return (Some(ending.clone()), used + 1);
        }
        apply(&store, model, &mut snapshot, op).await;
    }
    assert_same(&store, model).await;
    (None, ops.len())
}

async fn apply(
    store: &Store<SimWorld>,
    model: &mut Model,
    snapshot: &mut Option<(Snapshot<SimWorld>, Model)>,
    op: &Op,
) {
    match op {
        Op::Put(number, length) => {
            let batch = WriteBatch::put(key(*number), value(*number, 0, *length));
            write(store, model, batch).await;
        }
        Op::Delete(number) => write(store, model, WriteBatch::delete(key(*number))).await,
        Op::Batch(writes) => {
            let unique: BTreeMap<u64, Option<usize>> = writes.iter().cloned().collect();
            let writes = unique.into_iter().map(|(number, length)| Write {
                key: key(number),
                value: length.map(|length| value(number, 1, length)),
                condition: None,
            });
            write(store, model, WriteBatch { writes: writes.collect() }).await;
        }
        Op::PutIf(number, length, expect) => put_if(store, model, *number, *length, expect).await,
        Op::Modify(number, length) => modify(store, model, *number, *length).await,
        Op::Get(number) => {
            let found = store.get(&key(*number)).await.expect("reads");
            assert_eq!(found.as_ref(), model.get(&key(*number)), "get of {:?}", key(*number));
        }
        Op::Scan { from, to, direction, max_items } => {
            scan(store, model, (key(*from), key(*to)), *direction, *max_items).await;
        }
        Op::TakeSnapshot => *snapshot = Some((store.snapshot(), model.clone())),
        Op::CheckSnapshot => {
            if let Some((snapshot, then)) = snapshot {
                let page = snapshot.scan(&everything()).await.expect("scans");
                let expected: Vec<_> = then.clone().into_iter().collect();
                assert_eq!(page.items, expected, "a snapshot shows its own moment");
                let one = key(7);
                assert_eq!(snapshot.get(&one).await.expect("reads").as_ref(), then.get(&one));
            }
        }
        Op::Split(number) => split(store, *number).await,
        Op::Checkpoint => store.checkpoint().await.expect("checkpoints"),
        Op::End(_) => unreachable!("ends the life"),
    }
}

async fn write(store: &Store<SimWorld>, model: &mut Model, batch: WriteBatch) {
    let outcome = store.write(batch.clone()).await.expect("writes");
    let WriteOutcome::Applied { first_version } = outcome else {
        panic!("an unconditional write was refused: {outcome:?}");
    };
    note(model, batch, first_version);
}

fn note(model: &mut Model, batch: WriteBatch, first_version: Version) {
    for (write, version) in batch.writes.into_iter().zip(first_version..) {
        match write.value {
            Some(value) => model.insert(write.key, Versioned { version, value }),
            None => model.remove(&write.key),
        };
    }
}

async fn put_if(
    store: &Store<SimWorld>,
    model: &mut Model,
    number: u64,
    length: usize,
    expect: &Expect,
) {
    let current = model.get(&key(number)).cloned();
    let version = current.as_ref().map_or(1, |current| current.version);
    let (condition, holds) = match expect {
        Expect::Exists => (Condition::Exists, current.is_some()),
        Expect::Absent => (Condition::Absent, current.is_none()),
        Expect::RightVersion => (Condition::VersionIs(version), current.is_some()),
        Expect::WrongVersion => (Condition::VersionIs(version + 1_000_000), false),
    };
    let batch = WriteBatch::put(key(number), value(number, 2, length)).when(condition);
    match store.write(batch.clone()).await.expect("decides") {
        WriteOutcome::Applied { first_version } => {
            assert!(holds, "{condition:?} held for {current:?}");
            note(model, batch, first_version);
        }
        WriteOutcome::ConditionFailed { write, current: seen } => {
            assert!(!holds, "{condition:?} did not hold for {current:?}");
            assert_eq!((write, seen), (0, current));
        }
    }
}

async fn modify(store: &Store<SimWorld>, model: &mut Model, number: u64, length: usize) {
    let expected = model.get(&key(number)).cloned();
    let put = value(number, 3, length);
    let change = |before: Option<&Versioned>| {
        assert_eq!(before, expected.as_ref(), "a change is made from the newest value");
        match length % 5 {
            0 => Change::Delete,
            1 => Change::Keep,
            _ => Change::Put(put.clone()),
        }
    };
    let modified = store.modify(key(number), change).await.expect("modifies");
    assert_eq!(modified.before, expected);
    match (length % 5, modified.version) {
        (0, Some(_)) => drop(model.remove(&key(number))),
        (1, None) => {}
        (2.., Some(version)) => {
            model.insert(key(number), Versioned { version, value: value(number, 3, length) });
        }
        other => panic!("a change and its version do not go together: {other:?}"),
    }
}

async fn scan(
    store: &Store<SimWorld>,
    model: &Model,
    (from, to): (Bytes, Bytes),
    forward: bool,
    max_items: usize,
) {
    let request = ScanRequest {
        start: Bound::Included(from.clone()),
        end: Bound::Excluded(to.clone()),
        direction: if forward { Direction::Forward } else { Direction::Backward },
        max_items,
        max_bytes: usize::MAX,
    };
    let page = store.scan(request).await.expect("scans");
    let inside = model.iter().filter(|(key, _)| **key >= from && **key < to);
    let mut expected: Vec<_> = inside.map(|(key, value)| (key.clone(), value.clone())).collect();
    if !forward {
        expected.reverse();
    }
    assert_eq!(page.more, expected.len() > max_items, "more than {max_items}");
    expected.truncate(max_items);
    assert_eq!(page.items, expected);
}

async fn split(store: &Store<SimWorld>, number: u64) {
    let partitions = store.partitions();
    let right = PartitionId(partitions.iter().map(|info| info.spec.id.0).max().unwrap_or(0) + 1);
    let at = key(number);
    let id = store.partition_of(&at).expect("all keys are owned");
    let left = partitions.iter().find(|info| info.spec.id == id).expect("listed");
    if left.spec.start < at && partitions.len() < 8 {
        store.split_partition(id, at, right).await.expect("splits");
    }
}

async fn assert_same(store: &Store<SimWorld>, model: &Model) {
    let page = store.scan(everything()).await.expect("scans");
    let expected: Vec<_> = model.clone().into_iter().collect();
    assert_eq!(page.items, expected);
    let items: u64 = store.partitions().iter().map(|info| info.items).sum();
    assert_eq!(items, model.len() as u64, "items counted");
}
