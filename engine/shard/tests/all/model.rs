//! An engine against a `BTreeMap`: reads, writes, conditions, read-modify-writes and scans, with
//! splits, moves, checkpoints and reopens between them, driven by proptest in the simulator.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;
use flywheel_disk::sim::{self, SimDisk, SimWorld};
use flywheel_shard::{
    Change, Condition, Direction, Handle, LocalEngine, ScanRequest, ShardError, Write, WriteBatch,
    WriteOutcome,
};
use proptest::prelude::*;

use crate::common::{as_number, key, number, open};

const SHARDS: usize = 3;
const KEYS: usize = 40;

#[derive(Debug, Clone)]
enum Step {
    Put(usize, u64),
    Delete(usize),
    PutIfAbsent(usize, u64),
    PutIfSame(usize, u64),
    Add(usize, u64),
    Batch(Vec<(usize, Option<u64>)>),
    Get(usize),
    Scan { from: usize, to: usize, backward: bool, page: usize },
    Split(usize),
    Move(usize, u16),
    Checkpoint,
    Reopen,
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    let k = || 0..KEYS;
    prop_oneof![
        8 => (k(), any::<u64>()).prop_map(|(k, v)| Step::Put(k, v)),
        3 => k().prop_map(Step::Delete),
        2 => (k(), any::<u64>()).prop_map(|(k, v)| Step::PutIfAbsent(k, v)),
        2 => (k(), any::<u64>()).prop_map(|(k, v)| Step::PutIfSame(k, v)),
        3 => (k(), 0..9u64).prop_map(|(k, v)| Step::Add(k, v)),
        2 => prop::collection::btree_map(k(), prop::option::of(any::<u64>()), 1..4)
            .prop_map(|writes| Step::Batch(writes.into_iter().collect())),
        4 => k().prop_map(Step::Get),
        4 => (k(), k(), any::<bool>(), 1..9usize)
            .prop_map(|(from, to, backward, page)| Step::Scan { from, to, backward, page }),
        3 => k().prop_map(Step::Split),
        4 => (k(), 0..SHARDS as u16).prop_map(|(k, to)| Step::Move(k, to)),
        1 => Just(Step::Checkpoint),
        1 => Just(Step::Reopen),
        1 => Just(Step::Crash),
    ]
}

type Model = BTreeMap<Bytes, u64>;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn an_engine_answers_as_a_map_would(
        steps in prop::collection::vec(step(), 1..120),
        seed in any::<u64>(),
    ) {
        let disk = SimDisk::new();
        let mut model = Model::new();
        let mut rest = steps.as_slice();
        let mut life = 0;
        // Each round is a process: it ends with the steps, or with a crash.
        while !rest.is_empty() {
            let until = rest.iter().position(|step| matches!(step, Step::Crash));
            let (now, later) = rest.split_at(until.map_or(rest.len(), |at| at + 1));
            sim::run(seed ^ life, &disk, async |world| live(&world, now, &mut model).await);
            if until.is_some() {
                disk.power_loss(seed ^ life);
            }
            life += 1;
            rest = later;
        }
        sim::run(seed, &disk, async |world| {
            let engine = open(&world, SHARDS).await;
            compare_all(&engine.handle(), &model).await;
        });
    }
}

async fn live(world: &SimWorld, steps: &[Step], model: &mut Model) {
    let mut engine = open(world, SHARDS).await;
    for step in steps {
        match step {
            Step::Reopen => {
                engine.close().await.expect("closed");
                engine = open(world, SHARDS).await;
            }
            Step::Crash => return,
            Step::Split(at) => split(&engine, key(*at)).await,
            Step::Move(of, to) => {
                let id = engine.handle().locate(&key(*of)).partition;
                engine.admin().move_partition(id, *to).await.expect("moved");
            }
            Step::Checkpoint => engine.admin().checkpoint().await.expect("checkpoint"),
            step => apply(&engine.handle(), step, model).await,
        }
    }
    compare_all(&engine.handle(), model).await;
    engine.close().await.expect("closed");
}

async fn split(engine: &LocalEngine, at: Bytes) {
    let id = engine.handle().locate(&at).partition;
    match engine.admin().split_partition(id, at).await {
        // The key begins its partition already.
        Ok(_) | Err(ShardError::BadSplit { .. }) => {}
        Err(error) => panic!("{error}"),
    }
}

async fn apply(handle: &Handle, step: &Step, model: &mut Model) {
    match step {
        Step::Put(k, v) => {
            handle.put(key(*k), number(*v)).await.expect("put");
            model.insert(key(*k), *v);
        }
        Step::Delete(k) => {
            handle.delete(key(*k)).await.expect("delete");
            model.remove(&key(*k));
        }
        Step::PutIfAbsent(k, v) => put_if_absent(handle, *k, *v, model).await,
        Step::PutIfSame(k, v) => put_if_same(handle, *k, *v, model).await,
        Step::Add(k, v) => add(handle, *k, *v, model).await,
        Step::Batch(writes) => batch(handle, writes, model).await,
        Step::Get(k) => {
            let found = handle.get(key(*k)).await.expect("get");
            let found = found.map(|found| as_number(&found.value));
            assert_eq!(found, model.get(&key(*k)).copied(), "get {k}");
        }
        Step::Scan { from, to, backward, page } => {
            let direction = if *backward { Direction::Backward } else { Direction::Forward };
            let (start, end) = (Bound::Included(key(*from)), Bound::Excluded(key(*to)));
            compare(handle, model, start, end, direction, *page).await;
        }
        other => unreachable!("{other:?} is not a client's"),
    }
}

async fn put_if_absent(handle: &Handle, k: usize, v: u64, model: &mut Model) {
    let batch = WriteBatch::put(key(k), number(v)).when(Condition::Absent);
    match handle.write(batch).await.expect("write") {
        WriteOutcome::Applied { .. } => assert_eq!(model.insert(key(k), v), None),
        WriteOutcome::ConditionFailed { write, current } => {
            let current = current.map(|current| as_number(&current.value));
            assert_eq!((write, current), (0, model.get(&key(k)).copied()));
        }
    }
}

async fn put_if_same(handle: &Handle, k: usize, v: u64, model: &mut Model) {
    let Some(now) = handle.get(key(k)).await.expect("get") else { return };
    let same = Condition::VersionIs(now.version);
    let put = || WriteBatch::put(key(k), number(v)).when(same);
    let Ok(WriteOutcome::Applied { first_version }) = handle.write(put()).await else {
        panic!("nobody else writes");
    };
    assert!(first_version > now.version, "{first_version} is not above {}", now.version);
    let again = handle.write(put()).await.expect("write");
    assert!(matches!(again, WriteOutcome::ConditionFailed { .. }), "{again:?}");
    model.insert(key(k), v);
}

async fn add(handle: &Handle, k: usize, v: u64, model: &mut Model) {
    let change =
        move |now: Option<&Bytes>| match now.map_or(0, |now| as_number(now)).wrapping_add(v) % 10 {
            0 => Change::Delete,
            sum if sum == v => Change::Keep,
            sum => Change::Put(number(sum)),
        };
    let modified = handle.modify(key(k), Box::new(change)).await.expect("modify");
    let before = model.get(&key(k)).copied();
    assert_eq!(modified.before.map(|before| as_number(&before.value)), before);
    match before.unwrap_or(0).wrapping_add(v) % 10 {
        0 => _ = model.remove(&key(k)),
        sum if sum == v => assert_eq!(modified.version, None),
        sum => _ = model.insert(key(k), sum),
    }
}

async fn batch(handle: &Handle, writes: &[(usize, Option<u64>)], model: &mut Model) {
    let batch = WriteBatch {
        writes: writes
            .iter()
            .map(|(k, v)| Write { key: key(*k), value: v.map(number), condition: None })
            .collect(),
    };
    let partition = |(k, _): &(usize, Option<u64>)| handle.locate(&key(*k)).partition;
    let together = writes.iter().all(|write| partition(write) == partition(&writes[0]));
    match handle.write(batch).await {
        Ok(_) => assert!(together, "a batch over two partitions was taken"),
        Err(ShardError::BatchSpansPartitions) => return assert!(!together),
        Err(error) => panic!("{error}"),
    }
    for (k, v) in writes {
        match v {
            Some(v) => _ = model.insert(key(*k), *v),
            None => _ = model.remove(&key(*k)),
        }
    }
}

async fn compare_all(handle: &Handle, model: &Model) {
    for direction in [Direction::Forward, Direction::Backward] {
        compare(handle, model, Bound::Unbounded, Bound::Unbounded, direction, 7).await;
    }
}

/// Scans a range page by page and compares it with the model's.
async fn compare(
    handle: &Handle,
    model: &Model,
    start: Bound<Bytes>,
    end: Bound<Bytes>,
    direction: Direction,
    max_items: usize,
) {
    let in_range = |key: &Bytes| (start.clone(), end.clone()).contains_key(key);
    let mut expected: Vec<(Bytes, u64)> = model
        .iter()
        .filter(|(key, _)| in_range(key))
        .map(|(key, value)| (key.clone(), *value))
        .collect();
    if direction == Direction::Backward {
        expected.reverse();
    }
    let mut request = ScanRequest {
        start: start.clone(),
        end: end.clone(),
        direction,
        max_items,
        max_bytes: usize::MAX,
    };
    let mut found = Vec::new();
    loop {
        let page = handle.scan(request.clone()).await.expect("scan");
        assert!(page.items.len() <= max_items, "{} items in a page", page.items.len());
        assert!(!page.more || !page.items.is_empty(), "an empty page that promises more");
        found.extend(page.items.iter().map(|(key, item)| (key.clone(), as_number(&item.value))));
        match page.items.last() {
            Some((last, _)) if page.more => match direction {
                Direction::Forward => request.start = Bound::Excluded(last.clone()),
                Direction::Backward => request.end = Bound::Excluded(last.clone()),
            },
            _ => break,
        }
    }
    assert_eq!(found, expected, "{direction:?} from {start:?} to {end:?}");
}

/// `RangeBounds::contains` for bounds that own their keys.
trait ContainsKey {
    fn contains_key(&self, key: &Bytes) -> bool;
}

impl ContainsKey for (Bound<Bytes>, Bound<Bytes>) {
    fn contains_key(&self, key: &Bytes) -> bool {
        std::ops::RangeBounds::<Bytes>::contains(self, key)
    }
}
