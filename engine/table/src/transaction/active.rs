//! Transactions that are carried out in this process, and those that are done and whose ledger records may
//! go. In memory only: what a crash takes with it, the ledger tells.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::{Mutex, MutexGuard, PoisonError};

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

/// The right to carry a transaction out; without it, whoever finds its items settles them.
#[derive(Debug)]
pub(crate) struct Carrying {
    name: TransactionName,
    active: Arc<Active>,
}

impl Active {
    /// Begins a transaction; `None` if another attempt is under way.
    pub fn begin(self: &Arc<Self>, name: TransactionName) -> Option<Carrying> {
        let mut stages = self.stages(&name);
        if stages.contains_key(&name.entry) {
            return None;
        }
        stages.insert(name.entry, (name.attempt, Stage::Undecided));
        Some(Carrying { name, active: Arc::clone(self) })
    }

    /// How far it has come; `None` if nobody carries it out.
    pub fn stage(&self, name: &TransactionName) -> Option<Stage> {
        let stages = self.stages(name);
        let (attempt, stage) = stages.get(&name.entry)?;
        (*attempt == name.attempt).then_some(*stage)
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

    /// The ledger calls it committed from now on.
    pub fn committed(&self) {
        let committed = (self.name.attempt, Stage::Committed);
        self.active.stages(&self.name).insert(self.name.entry, committed);
    }
}

impl Drop for Carrying {
    fn drop(&mut self) {
        self.active.stages(&self.name).remove(&self.name.entry);
    }
}

/// Nothing panics while it is held, and the maps are whole at every moment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
