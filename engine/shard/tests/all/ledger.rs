//! What the writers of another process do, and what must be found afterwards. Each writer's n-th
//! operation follows from its number alone, and only it writes its keys; so after a kill its keys
//! must stand exactly as its acknowledged operations left them, or as these and the next one.

use std::collections::BTreeMap;

use bytes::Bytes;
use flywheel_shard::{
    Change, Condition, Direction, Handle, ShardError, Versioned, Write, WriteBatch, WriteOutcome,
};

use crate::common::everything;

pub const WRITERS: usize = 4;
const GROUPS: u64 = 12;

/// Keys of one group begin with these bytes, and no split separates them.
const TOGETHER_BYTES: usize = 4;

/// Twins are only ever written together; the others alone too.
const TWINS: [u8; 2] = [0, 1];
const OTHERS: [u8; 2] = [2, 3];

/// One operation of a writer.
#[derive(Debug)]
pub enum Operation {
    Put(Bytes),
    Delete(Bytes),
    /// A read-modify-write: deletes what is there, and puts where nothing is.
    Toggle(Bytes),
    /// A read, and a write on condition that the version is still the one read.
    Replace(Bytes),
    /// All or nothing, and only if the guard has a value.
    Batch {
        puts: Vec<Bytes>,
        deletes: Vec<Bytes>,
        guard: Option<Bytes>,
    },
}

/// For `SplitOptions::keep_together`.
pub fn together(key: &[u8]) -> usize {
    key.len().min(TOGETHER_BYTES)
}

/// A key at which partitions may be cut.
pub fn cut(n: usize) -> Bytes {
    key(n % WRITERS, (n / WRITERS) as u64 * 5 % GROUPS, 0)
}

fn key(writer: usize, group: u64, member: u8) -> Bytes {
    let first = b'a' + ((group * 7 + writer as u64 * 3) % 26) as u8;
    Bytes::from(format!("{}{writer}{group:02}{member}", char::from(first)))
}

fn writer_of(key: &[u8]) -> usize {
    usize::from(key[1] - b'0')
}

/// The value that operation `n` writes to `key`: says so, then filler that follows from both.
fn value(key: &[u8], n: u64) -> Bytes {
    let seed = mix(n ^ key.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte)));
    let mut bytes = n.to_be_bytes().to_vec();
    bytes.resize(16 + (seed % 3000) as usize, seed as u8);
    bytes.extend_from_slice(key);
    Bytes::from(bytes)
}

/// Which operation wrote a value, after checking every byte of it.
fn origin(key: &[u8], found: &[u8]) -> u64 {
    let n = u64::from_be_bytes(found[..8].try_into().expect("eight bytes"));
    assert_eq!(found, &*value(key, n), "{key:?} holds something that was never written to it");
    n
}

fn mix(n: u64) -> u64 {
    let n = (n ^ n >> 31).wrapping_mul(0x7fb5_d329_728e_a185);
    (n ^ n >> 27).wrapping_mul(0x81da_def4_bc2d_d44d)
}

/// The writer's n-th operation.
pub fn operation(writer: usize, n: u64) -> Operation {
    let random = mix(n << 3 | writer as u64) >> 8;
    let group = random % GROUPS;
    let key = |member| key(writer, group, member);
    let one = key(OTHERS[(random >> 8) as usize % 2]);
    let twins = TWINS.map(key).to_vec();
    match random >> 16 & 15 {
        0..=4 => Operation::Put(one),
        5 | 6 => Operation::Delete(one),
        7 | 8 => Operation::Toggle(one),
        9 | 10 => Operation::Replace(one),
        11 | 12 => Operation::Batch { puts: twins, deletes: vec![one], guard: None },
        13 => Operation::Batch { puts: vec![one], deletes: twins, guard: None },
        _ => Operation::Batch { puts: twins, deletes: vec![], guard: Some(one) },
    }
}

/// Does the writer's n-th operation; whether it was applied.
pub fn perform(handle: &Handle, writer: usize, n: u64) -> Result<bool, ShardError> {
    let blocking = handle.blocking();
    let put =
        |key: &Bytes, condition| Write { key: key.clone(), value: Some(value(key, n)), condition };
    match operation(writer, n) {
        Operation::Put(key) => {
            blocking.put(key.clone(), value(&key, n))?;
            Ok(true)
        }
        Operation::Delete(key) => {
            blocking.delete(key)?;
            Ok(true)
        }
        Operation::Toggle(key) => {
            let new = value(&key, n);
            let toggle = move |now: Option<&Bytes>| match now {
                Some(_) => Change::Delete,
                None => Change::Put(new),
            };
            blocking.modify(key, Box::new(toggle))?;
            Ok(true)
        }
        Operation::Replace(key) => {
            let condition = match blocking.get(key.clone())? {
                Some(Versioned { version, .. }) => Condition::VersionIs(version),
                None => Condition::Absent,
            };
            applied(blocking.write(WriteBatch { writes: vec![put(&key, Some(condition))] })?)
        }
        Operation::Batch { puts, deletes, guard } => {
            let mut writes: Vec<Write> = puts.iter().map(|key| put(key, None)).collect();
            let delete = |key| Write { key, value: None, condition: None };
            writes.extend(deletes.into_iter().map(delete));
            writes.extend(guard.iter().map(|key| put(key, Some(Condition::Exists))));
            applied(blocking.write(WriteBatch { writes })?)
        }
    }
}

fn applied(outcome: WriteOutcome) -> Result<bool, ShardError> {
    Ok(matches!(outcome, WriteOutcome::Applied { .. }))
}

/// What one writer's keys hold after its first operations.
#[derive(Debug, Default, Clone)]
struct Model {
    done: u64,
    /// Which operation wrote each key.
    items: BTreeMap<Bytes, u64>,
}

impl Model {
    /// Does the next operation; whether it was applied.
    fn step(&mut self, writer: usize) -> bool {
        self.done += 1;
        match operation(writer, self.done) {
            Operation::Put(key) | Operation::Replace(key) => {
                self.items.insert(key, self.done);
            }
            Operation::Delete(key) => {
                self.items.remove(&key);
            }
            Operation::Toggle(key) => {
                if self.items.remove(&key).is_none() {
                    self.items.insert(key, self.done);
                }
            }
            Operation::Batch { puts, deletes, guard } => {
                if guard.as_ref().is_some_and(|guard| !self.items.contains_key(guard)) {
                    return false;
                }
                deletes.iter().for_each(|key| _ = self.items.remove(key));
                self.items.extend(puts.into_iter().chain(guard).map(|key| (key, self.done)));
            }
        }
        true
    }
}

/// What is known of all writers.
#[derive(Debug, Default)]
pub struct Ledger {
    models: [Model; WRITERS],
    /// Operations that were found done though nobody was told.
    pub unheard: u64,
}

impl Ledger {
    /// The number of each writer's next operation, for [`writers_from`].
    pub fn next(&self) -> String {
        let next: Vec<String> =
            self.models.iter().map(|model| (model.done + 1).to_string()).collect();
        next.join(",")
    }

    /// Notes what a writer said it has done: see [`write_for_ever`].
    pub fn acknowledge(&mut self, words: &str) {
        let words: Vec<u64> =
            words.split(' ').map(|word| word.parse().expect("a number")).collect();
        let (writer, n, was_applied) = (words[0] as usize, words[1], words[2] == 1);
        let model = &mut self.models[writer];
        assert_eq!(n, model.done + 1, "writer {writer} does one after the other");
        let applied = model.step(writer);
        assert_eq!(was_applied, applied, "writer {writer}: {n}: {:?}", operation(writer, n));
    }

    /// Checks what is found, by a scan and by gets, against what was acknowledged.
    pub fn check(&mut self, handle: &Handle, when: &str) {
        let mut found: [BTreeMap<Bytes, u64>; WRITERS] = Default::default();
        let page =
            handle.blocking().scan(everything(Direction::Forward, usize::MAX)).expect("scan");
        for (key, item) in page.items {
            let n = origin(&key, &item.value);
            found[writer_of(&key)].insert(key, n);
        }
        for (writer, found) in found.iter().enumerate() {
            let model = &mut self.models[writer];
            let mut next = model.clone();
            let next_applied = next.step(writer);
            if next_applied && *found == next.items {
                *model = next;
                self.unheard += 1;
            }
            let (done, expected) = (model.done, &model.items);
            assert_eq!(
                found,
                expected,
                "{when}: writer {writer} after {done} operations, the next being {:?}",
                operation(writer, done + 1)
            );
            for (group, member) in (0..GROUPS).flat_map(|g| (0..4).map(move |m| (g, m))) {
                let key = key(writer, group, member);
                let got = handle.blocking().get(key.clone()).expect("get");
                let got = got.map(|item| origin(&key, &item.value));
                assert_eq!(got.as_ref(), expected.get(&key), "{when}: {key:?} by its key");
            }
        }
    }
}

/// In the other process: the numbers of [`Ledger::next`].
pub fn writers_from(next: &str) -> Vec<(usize, u64)> {
    let numbers = next.split(',').filter_map(|number| number.parse().ok());
    numbers.enumerate().collect()
}

/// In the other process: checks what must hold at every moment of one partition: values are whole,
/// and twins were written by the same operation.
pub fn check_scan(handle: &Handle) {
    let page = handle.blocking().scan(everything(Direction::Forward, usize::MAX)).expect("scan");
    let items: BTreeMap<Bytes, u64> = page
        .items
        .into_iter()
        .map(|(key, item)| (key.clone(), origin(&key, &item.value)))
        .collect();
    for writer in 0..WRITERS {
        for group in 0..GROUPS {
            let [one, other] = TWINS.map(|member| items.get(&key(writer, group, member)));
            assert_eq!(one, other, "a scan saw half a batch: writer {writer}, group {group}");
        }
    }
}
