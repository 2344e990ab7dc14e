//! What any target must do, whoever stores the records: agree with a map, operation by operation, and lose no
//! update of many that meet at one key.
//! Durability is not asked here: a target need not have any.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;
use flywheel_load::random::Random;
use flywheel_load::{
    Added, Addition, Control, FieldSet, Record, RunOptions, Target, TargetErrorKind, TargetFactory,
    Updated, load, run, validated,
};
use flywheel_targets::ModelFactory;
use futures_executor::block_on;

use crate::support::workload;

const SEED: u64 = 0x5EED_0009;
const KEYS: u64 = 60;
const FIELDS: u16 = 6;

/// What a target takes as keys, beyond what all do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// Any bytes.
    Bytes,
    /// UTF-8.
    Text,
}

/// All of the below.
pub fn check<F: TargetFactory>(factory: &F) {
    check_with(factory, Keys::Bytes);
}

/// The same with such keys.
pub fn check_with<F: TargetFactory>(factory: &F, keys: Keys) {
    a_missing_key_is_missing(factory);
    random_operations_agree_with_a_map(factory, 1_500, keys);
    concurrent_partial_updates_of_one_key_lose_nothing(factory);
    concurrent_additions_to_one_number_lose_nothing(factory);
    additions_answer_what_they_did(factory);
    a_verified_workload_runs_clean(factory);
    workloads_that_check_themselves_run_clean(factory);
}

#[test]
fn the_model_conforms() {
    check(&ModelFactory::new());
}

fn connect<F: TargetFactory>(factory: &F) -> F::Target {
    block_on(factory.connect(0)).expect("it connects")
}

/// A record with the fields of `numbers`, each of some drawn length, empty ones among them.
pub fn record(random: &mut Random, numbers: impl IntoIterator<Item = u16>) -> Record {
    let fields: Vec<(u16, Vec<u8>)> = numbers
        .into_iter()
        .map(|number| {
            let length = random.next_below(300) as usize;
            (number, (0..length).map(|_| random.next_below(256) as u8).collect())
        })
        .collect();
    Record::from_fields(fields.iter().map(|(number, value)| (*number, value.as_slice())))
}

/// Keys of several lengths, some the beginning of others.
fn key(random: &mut Random, keys: Keys) -> Vec<u8> {
    let number = random.next_below(KEYS);
    match number % 3 {
        0 => format!("user{number}").into_bytes(),
        1 => format!("user{number:08}").into_bytes(),
        _ if keys == Keys::Text => format!("\u{10FFFF}\"{number}\u{0}").into_bytes(),
        _ => vec![0xFF, number as u8, 0],
    }
}

fn a_missing_key_is_missing<F: TargetFactory>(factory: &F) {
    let target = connect(factory);
    let some = record(&mut Random::new(1), [2]);
    block_on(async {
        assert_eq!(target.read(b"nobody", FieldSet::All).await, Ok(None));
        let partial = target.update(b"nobody", some, false).await;
        assert_eq!(partial, Ok(Updated::NotFound), "a partial update makes no record");
        assert_eq!(target.read(b"nobody", FieldSet::All).await, Ok(None));
        assert_eq!(target.scan(b"nobody", 10, FieldSet::All).await, Ok(Vec::new()));
    });
}

/// Inserts, whole and partial updates, reads of all and of one field, and scans from keys that are there and
/// that are not, each compared with a map.
fn random_operations_agree_with_a_map<F: TargetFactory>(factory: &F, operations: u64, keys: Keys) {
    let target = connect(factory);
    let random = &mut Random::new(SEED);
    let mut map: BTreeMap<Vec<u8>, Record> = BTreeMap::new();
    for at in 0..operations {
        let key = key(random, keys);
        let what = format!("operation {at} of seed {SEED:#x} on {key:?}");
        match random.next_below(6) {
            0 => {
                let whole = record(random, 0..FIELDS);
                block_on(target.insert(&key, whole.clone())).expect(&what);
                map.insert(key, whole);
            }
            1 => {
                let whole = record(random, 0..FIELDS);
                let updated = block_on(target.update(&key, whole.clone(), true));
                assert_eq!(updated, Ok(Updated::Applied), "{what}");
                map.insert(key, whole);
            }
            2 => {
                let number = random.next_below(u64::from(FIELDS)) as u16;
                let changes = record(random, [number]);
                let updated = block_on(target.update(&key, changes.clone(), false));
                let expected = match map.get_mut(&key) {
                    Some(before) => {
                        *before = before.merge(&changes);
                        Updated::Applied
                    }
                    None => Updated::NotFound,
                };
                assert_eq!(updated, Ok(expected), "{what}");
            }
            3 => {
                let read = block_on(target.read(&key, FieldSet::AllByName));
                assert_eq!(read, Ok(map.get(&key).cloned()), "{what}");
            }
            4 => {
                let one = FieldSet::One(random.next_below(u64::from(FIELDS)) as u16);
                let read = block_on(target.read(&key, one));
                assert_eq!(read, Ok(map.get(&key).map(|record| record.project(one))), "{what}");
            }
            _ => {
                let count = random.next_below(12) as usize;
                let one = FieldSet::One(1);
                let rows = block_on(target.scan(&key, count, one)).expect(&what);
                let rows: Vec<(Bytes, Record)> =
                    rows.into_iter().map(|row| (row.key, row.record)).collect();
                if factory.scans_in_order() {
                    assert_eq!(rows, in_order(&map, &key, count, one), "{what}");
                } else {
                    check_unordered(&rows, &map, &key, count, one);
                }
            }
        }
    }
    let rows = block_on(target.scan(b"", usize::from(u16::MAX), FieldSet::All)).expect("a scan");
    let all = rows.into_iter().map(|row| (row.key.to_vec(), row.record));
    assert_eq!(all.collect::<BTreeMap<_, _>>(), map, "all of it, from the very beginning");
}

fn in_order(
    map: &BTreeMap<Vec<u8>, Record>,
    start: &[u8],
    count: usize,
    fields: FieldSet,
) -> Vec<(Bytes, Record)> {
    map.range::<[u8], _>((Bound::Included(start), Bound::Unbounded))
        .take(count)
        .map(|(key, record)| (Bytes::copy_from_slice(key), record.project(fields)))
        .collect()
}

/// A target with an order of its own begins with the start key, if it is there, and brings no row twice.
fn check_unordered(
    rows: &[(Bytes, Record)],
    map: &BTreeMap<Vec<u8>, Record>,
    start: &[u8],
    count: usize,
    fields: FieldSet,
) {
    assert!(rows.len() <= count);
    if count > 0 && map.contains_key(start) {
        assert_eq!(rows.first().map(|(key, _)| &key[..]), Some(start));
    }
    let distinct: BTreeMap<_, _> = rows.iter().cloned().collect();
    assert_eq!(distinct.len(), rows.len(), "{rows:?}");
    for (key, record) in rows {
        assert_eq!(map.get(&key[..]).map(|whole| whole.project(fields)).as_ref(), Some(record));
    }
}

/// Each thread writes a field of its own, again and again, into one record: every last value must be there.
fn concurrent_partial_updates_of_one_key_lose_nothing<F: TargetFactory>(factory: &F) {
    const THREADS: u16 = 8;
    const ROUNDS: u32 = 25;
    let key = b"met by all";
    let empty = Record::from_fields((0..THREADS).map(|number| (number, b"".as_slice())));
    block_on(connect(factory).insert(key, empty)).expect("an insert");
    std::thread::scope(|scope| {
        for number in 0..THREADS {
            scope.spawn(move || {
                let target = connect(factory);
                for round in 1..=ROUNDS {
                    let value = round.to_le_bytes();
                    let changes = Record::from_fields([(number, value.as_slice())]);
                    let updated = block_on(target.update(key, changes, false));
                    assert_eq!(updated, Ok(Updated::Applied), "thread {number}, round {round}");
                    let own = block_on(target.read(key, FieldSet::One(number)));
                    let own = own.expect("a read").expect("it is there");
                    assert_eq!(own.get(number), Some(value.as_slice()), "a client reads its write");
                }
            });
        }
    });
    let read = block_on(connect(factory).read(key, FieldSet::All)).expect("a read");
    let record = read.expect("it is there");
    for number in 0..THREADS {
        let last = ROUNDS.to_le_bytes();
        assert_eq!(record.get(number), Some(last.as_slice()), "thread {number}");
    }
}

const NUMBER: u16 = 2;

fn numbered(number: i64) -> Record {
    Record::from_fields([(0, b"other".as_slice()), (NUMBER, &number.to_le_bytes())])
}

/// Each thread adds to one number, again and again; of all answers no two are the same.
fn concurrent_additions_to_one_number_lose_nothing<F: TargetFactory>(factory: &F) {
    const THREADS: i64 = 8;
    const ROUNDS: i64 = 25;
    let key = b"counted by all";
    block_on(connect(factory).insert(key, numbered(0))).expect("an insert");
    let one = Addition { field: NUMBER, amount: 1, least: i64::MIN };
    let mut answers: Vec<i64> = std::thread::scope(|scope| {
        let count = || {
            let target = connect(factory);
            let add = |_| match block_on(target.add(key, one)) {
                Ok(Added::Applied(sum)) => sum,
                other => panic!("{other:?}"),
            };
            (0..ROUNDS).map(add).collect::<Vec<i64>>()
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(count)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    });
    answers.sort_unstable();
    assert_eq!(answers, (1..=THREADS * ROUNDS).collect::<Vec<i64>>());
    let read = block_on(connect(factory).read(key, FieldSet::All)).expect("a read");
    assert_eq!(read, Some(numbered(THREADS * ROUNDS)), "other fields are as they were");
}

/// Applied, too little, not found, and no number: and what is then stored.
fn additions_answer_what_they_did<F: TargetFactory>(factory: &F) {
    let target = connect(factory);
    let add = |amount, least| Addition { field: NUMBER, amount, least };
    block_on(async {
        target.insert(b"numbered", numbered(5)).await.expect("an insert");
        assert_eq!(target.add(b"numbered", add(-3, 0)).await, Ok(Added::Applied(2)));
        assert_eq!(target.add(b"numbered", add(-3, 0)).await, Ok(Added::TooLittle(2)));
        assert_eq!(target.add(b"nobody", add(1, 0)).await, Ok(Added::NotFound));
        assert_eq!(target.read(b"nobody", FieldSet::All).await, Ok(None), "nothing is made");
        let text = Addition { field: 0, amount: 1, least: 0 };
        let error = target.add(b"numbered", text).await.expect_err("no number");
        assert_eq!(error.kind, TargetErrorKind::Undecodable);
        let read = target.read(b"numbered", FieldSet::All).await;
        assert_eq!(read, Ok(Some(numbered(2))), "what was refused changed nothing");
    });
}

fn workloads_that_check_themselves_run_clean<F: TargetFactory>(factory: &F) {
    for name in ["conditional-counters", "read-your-writes", "transfer"] {
        let workload = workload(name, &[("operationcount", "1000")]);
        let workers = Some(workload.thread_count as usize);
        let options = RunOptions { workers, ..RunOptions::default() };
        let control = Control::new();
        load(&workload, factory, &options, &control).expect("it connects");
        let run = || run(&workload, factory, &options, &control);
        let figures = validated(&workload, factory, &control, run).expect("it connects");
        assert!(figures.is_clean(), "{name}: {:?} {:?}", figures.validation, figures.verification);
        match figures.validation {
            Some(found) => assert!(found.records == 500 && found.anomaly_score == 0.0),
            None => assert!(figures.verification.is_some_and(|found| found.checked > 300)),
        }
    }
}

/// The driver's own verification, over threads that each keep one operation in flight.
fn a_verified_workload_runs_clean<F: TargetFactory>(factory: &F) {
    let workload = workload("a", &[("dataintegrity", "true"), ("operationcount", "1000")]);
    let workers = Some(workload.thread_count as usize);
    let options = RunOptions { workers, ..RunOptions::default() };
    let control = Control::new();
    load(&workload, factory, &options, &control).expect("it connects");
    let figures = run(&workload, factory, &options, &control).expect("it connects");
    assert!(figures.is_clean() && !figures.partial, "{:?}", figures.verification);
}
