//! Items that tests pile up until something gives: each written once under a key of its own, so that
//! what must be there, and nothing else, can be told at any time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use flywheel_shard::{
    Direction, Engine, EngineOptions, Handle, PartitionId, ShardError, StoreError, Write,
    WriteBatch,
};

use crate::common::{everything, key, small_options};

pub const SHARDS: usize = 2;

/// Refusals by each shard after which it counts as full.
const REFUSALS: u64 = 10;

pub fn options() -> EngineOptions {
    EngineOptions { shards: SHARDS, ..small_options() }
}

pub fn open(directory: &Path) -> Engine {
    Engine::open(directory, options()).expect("opened")
}

/// The items that were acknowledged and not deleted.
#[derive(Debug, Default)]
pub struct Stock {
    items: BTreeSet<usize>,
    /// Keys from here on were never tried.
    next: usize,
}

pub fn value(n: usize) -> Bytes {
    let mut bytes = n.to_be_bytes().to_vec();
    bytes.resize(1000 + n * 3701 % 20_000, n as u8);
    Bytes::from(bytes)
}

impl Stock {
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// One that is there.
    pub fn first(&self) -> usize {
        *self.items.first().expect("not all are deleted")
    }

    /// A key that was never tried.
    pub fn take_key(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }

    /// An item was acknowledged.
    pub fn add(&mut self, n: usize) {
        self.items.insert(n);
    }

    /// Puts one more item; its shard, and the refusal if it was refused for want of room.
    ///
    /// # Panics
    /// At any other error.
    pub fn put(&mut self, handle: &Handle) -> (usize, Option<StoreError>) {
        let n = self.take_key();
        let shard = usize::from(handle.locate(&key(n)).shard);
        match handle.blocking().put(key(n), value(n)) {
            Ok(_) => {
                self.items.insert(n);
                (shard, None)
            }
            Err(ShardError::Store(error)) if matches!(*error, StoreError::Full(_)) => {
                (shard, Some(*error))
            }
            Err(error) => panic!("accepted or full, found {error}"),
        }
    }

    /// Puts items until every shard has refused again and again; a refusal of each.
    pub fn fill(&mut self, handle: &Handle) -> Vec<String> {
        let (mut refusals, mut words) = ([0; SHARDS], vec![String::new(); SHARDS]);
        while refusals.iter().any(|&count| count < REFUSALS) {
            if let (shard, Some(error)) = self.put(handle) {
                refusals[shard] += 1;
                words[shard] = error.to_string();
            }
        }
        words
    }

    /// Puts items until every shard has taken one again.
    pub fn taken_again(&mut self, handle: &Handle, when: &str) {
        for shard in 0..SHARDS {
            let mut last = None;
            for _ in 0..2_000 {
                // What room there is belongs to all shards: none may use it up before the others.
                while usize::from(handle.locate(&key(self.next)).shard) != shard {
                    self.next += 1;
                }
                last = self.put(handle).1;
                if last.is_none() {
                    break;
                }
                thread::sleep(Duration::from_millis(20));
            }
            assert!(last.is_none(), "{when}: shard {shard} is still full: {last:?}");
        }
    }

    /// Deletes items; a full disk may ask for patience until compaction has made room.
    pub fn delete(&mut self, handle: &Handle, items: &[usize]) {
        let delete = |&n: &usize| Write { key: key(n), value: None, condition: None };
        let batch = WriteBatch { writes: items.iter().map(delete).collect() };
        let mut last = None;
        for _ in 0..2_000 {
            match handle.blocking().write(batch.clone()) {
                Ok(_) => {
                    items.iter().for_each(|n| _ = self.items.remove(n));
                    return;
                }
                Err(ShardError::Store(error)) if matches!(*error, StoreError::Full(_)) => {
                    last = Some(error);
                    thread::sleep(Duration::from_millis(20));
                }
                Err(error) => panic!("deleted or full, found {error}"),
            }
        }
        panic!("items {items:?} cannot be deleted: {last:?}");
    }

    pub fn delete_every_second(&mut self, handle: &Handle) {
        let mut together: BTreeMap<PartitionId, Vec<usize>> = BTreeMap::new();
        for &n in self.items.iter().step_by(2) {
            together.entry(handle.locate(&key(n)).partition).or_default().push(n);
        }
        for some in together.values().flat_map(|all| all.chunks(64)) {
            self.delete(handle, some);
        }
    }

    /// Exactly these items are there, by a scan and by their keys.
    pub fn check(&self, handle: &Handle) {
        let page =
            handle.blocking().scan(everything(Direction::Forward, usize::MAX)).expect("scan");
        let mut expected: Vec<Bytes> = self.items.iter().map(|&n| key(n)).collect();
        expected.sort();
        let found: Vec<Bytes> = page.items.iter().map(|(key, _)| key.clone()).collect();
        assert_eq!(found.len(), expected.len(), "items found by the scan");
        assert_eq!(found, expected);
        for &n in &self.items {
            let found = handle.blocking().get(key(n)).expect("get").expect("acknowledged");
            assert_eq!(found.value, value(n), "item {n}");
        }
    }
}
