//! Transactions that are carried out in this process, and those that are done and whose ledger records may
//! go. In memory only: what a crash takes with it, the ledger tells.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use flywheel_item::key::partition_hash;

use super::{ATTEMPT_BYTES, ENTRY_BYTES, TransactionName};

/// How far a transaction has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Its items are being held, or taken back.
    Undecided,
    /// The ledger calls it committed.
    Committed,
}

/// All of this process. Sharded by name: every read of a held item asks here.
#[derive(Debug, Default)]
pub(crate) struct Active {
    stages: [Mutex<Stages>; SHARDS],
    done: Mutex<Done>,
    /// Transactions whose items nobody has ended, and where these stand.
    left: Mutex<Vec<(TransactionName, Vec<Bytes>)>>,
    /// How often keys came to have a value, or to have none, by their hash.
    turns: Turns,
}

/// Counters of keys, each of many.
#[derive(Debug)]
struct Turns([AtomicU64; TURNS]);

const TURNS: usize = 256;

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

/// By the ledger's entry: which attempt is under way, and how far it has come.
type Stages = HashMap<[u8; ENTRY_BYTES], ([u8; ATTEMPT_BYTES], Stage)>;

const SHARDS: usize = 16;

/// Records that may go, now or later.
#[derive(Debug, Default)]
struct Done {
    now: VecDeque<TransactionName>,
    /// By the millisecond from which on they may.
    later: BTreeMap<(u64, TransactionName), ()>,
}

/// The right to carry a transaction out. Dropped before it has ended, its items are left for others to
/// settle: whoever finds them, and `upkeep`.
#[derive(Debug)]
pub(crate) struct Carrying {
    name: TransactionName,
    active: Arc<Active>,
    /// Where the items stand that it may hold.
    keys: Vec<Bytes>,
}

impl Active {
    /// Begins a transaction; `None` if another attempt is under way.
    pub fn begin(self: &Arc<Self>, name: TransactionName) -> Option<Carrying> {
        let mut stages = self.stages(&name);
        if stages.contains_key(&name.entry) {
            return None;
        }
        stages.insert(name.entry, (name.attempt, Stage::Undecided));
        Some(Carrying { name, active: Arc::clone(self), keys: Vec::new() })
    }

    /// How far it has come; `None` if nobody carries it out.
    pub fn stage(&self, name: &TransactionName) -> Option<Stage> {
        let stages = self.stages(name);
        let (attempt, stage) = stages.get(&name.entry)?;
        (*attempt == name.attempt).then_some(*stage)
    }

    /// Takes a transaction that was left.
    pub fn take_left(&self) -> Option<(TransactionName, Vec<Bytes>)> {
        lock(&self.left).pop()
    }

    /// Counts that a key comes to have a value, or to have none.
    pub fn count_turn(&self, key: &[u8]) {
        self.turns.0[turn(key)].fetch_add(1, Ordering::AcqRel);
    }

    /// How often some keys, and others with them, came or went: while it stays the same, none of them did.
    pub fn turns<'a>(&self, keys: impl Iterator<Item = &'a Bytes>) -> u64 {
        keys.map(|key| self.turns.0[turn(key)].load(Ordering::Acquire)).sum()
    }

    /// Notes that a record of the ledger may go from `at_ms` on; 0 for at once.
    pub fn done(&self, name: TransactionName, at_ms: u64) {
        let mut done = lock(&self.done);
        if at_ms == 0 {
            done.now.push_back(name);
        } else {
            done.later.insert((at_ms, name), ());
        }
    }

    /// Takes up to `most` records that may go by now.
    pub fn take_done(&self, now_ms: u64, most: usize) -> Vec<TransactionName> {
        let mut done = lock(&self.done);
        let mut taken: Vec<TransactionName> = Vec::new();
        while taken.len() < most {
            match done.later.first_key_value() {
                Some((&(at_ms, name), ())) if at_ms <= now_ms => {
                    done.later.remove(&(at_ms, name));
                    taken.push(name);
                }
                _ => match done.now.pop_front() {
                    Some(name) => taken.push(name),
                    None => break,
                },
            }
        }
        taken
    }

    fn stages(&self, name: &TransactionName) -> MutexGuard<'_, Stages> {
        lock(&self.stages[usize::from(name.entry[0]) % SHARDS])
    }
}

impl Carrying {
    pub fn name(&self) -> TransactionName {
        self.name
    }

    /// Notes where the items stand that it is about to hold.
    pub fn holds(&mut self, keys: Vec<Bytes>) {
        self.keys = keys;
    }

    /// Its items are free again.
    pub fn end(mut self) {
        self.keys.clear();
    }

    /// The ledger calls it committed from now on.
    pub fn committed(&self) {
        let committed = (self.name.attempt, Stage::Committed);
        self.active.stages(&self.name).insert(self.name.entry, committed);
    }
}

impl Drop for Carrying {
    fn drop(&mut self) {
        self.active.stages(&self.name).remove(&self.name.entry);
        if !self.keys.is_empty() {
            lock(&self.active.left).push((self.name, std::mem::take(&mut self.keys)));
        }
    }
}

fn turn(key: &[u8]) -> usize {
    partition_hash(key) as usize % TURNS
}

/// Nothing panics while it is held, and the maps are whole at every moment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
