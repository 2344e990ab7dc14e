//! Group commit: many clients share one durable commit. Whoever finds nobody committing leads: it applies all
//! writes that have queued up in one transaction, commits it, and wakes their clients; then the next one leads.
//!
//! No thread of its own, and no waiting for company: a lone client commits each write by itself, as a plain
//! user of the store does. It knows no store; what a transaction is, each store says.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use flywheel_load::{Record, TargetError, TargetErrorKind, Updated};

use super::store::Change;
use crate::limits::GROUP_WRITES_MAX;

/// A transaction that is not yet committed.
pub(super) trait Transaction {
    /// The value under `key`, as this transaction has left it.
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, TargetError>;

    /// Sets the value under `key`.
    fn put(&mut self, key: Bytes, value: Bytes) -> Result<(), TargetError>;
}

/// What applies a group's writes to a transaction.
pub(super) type Apply<'a> = &'a mut dyn FnMut(&mut dyn Transaction) -> Result<(), TargetError>;

/// A store whose writes are committed in groups.
pub(super) trait Transact {
    /// Begins a transaction, has `apply` fill it, and commits it; returns when it is durable. Where `apply`
    /// fails, nothing of it needs to stay, and the same writes may come again.
    fn transact(&self, apply: Apply<'_>) -> Result<(), TargetError>;
}

struct Write {
    key: Bytes,
    change: Change,
}

impl Write {
    fn apply(&self, to: &mut dyn Transaction) -> Result<Updated, TargetError> {
        let value = match &self.change {
            Change::Put(value) => value.clone(),
            Change::Merge(changes) => match to.get(&self.key)? {
                Some(before) => Record::decode(before)?.merge(changes).into_bytes(),
                None => return Ok(Updated::NotFound),
            },
        };
        to.put(self.key.clone(), value)?;
        Ok(Updated::Applied)
    }
}

/// Queues of writes, each with at most one leader at a time. A key always goes to the same queue, so that
/// updates of one key that read it first lose nothing.
pub(super) struct Groups {
    queues: Vec<Mutex<Queue>>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Request>,
    /// Whether some client leads, or has been told to.
    led: bool,
}

struct Request {
    write: Write,
    client: Arc<Client>,
}

/// Where a client waits.
#[derive(Default)]
struct Client {
    notice: Mutex<Option<Notice>>,
    noticed: Condvar,
}

enum Notice {
    /// Its turn to lead; its own write is the first in the queue.
    Lead,
    /// Its write is done.
    Done(Result<Updated, TargetError>),
}

/// Nothing that is locked here is left half-changed by a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Client {
    fn notify(&self, notice: Notice) {
        *lock(&self.notice) = Some(notice);
        self.noticed.notify_one();
    }

    fn wait(&self) -> Notice {
        let mut notice = lock(&self.notice);
        loop {
            if let Some(notice) = notice.take() {
                return notice;
            }
            notice = self.noticed.wait(notice).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Groups {
    /// With `queues` queues, at least one.
    pub fn new(queues: usize) -> Self {
        Self { queues: (0..queues.max(1)).map(|_| Mutex::default()).collect() }
    }

    /// Makes one change in some group; returns when it is durable.
    pub fn write(
        &self,
        store: &impl Transact,
        key: &[u8],
        change: Change,
    ) -> Result<Updated, TargetError> {
        let queue = self.queue(key);
        let client = Arc::new(Client::default());
        let write = Write { key: Bytes::copy_from_slice(key), change };
        let leads = {
            let mut queue = lock(queue);
            queue.waiting.push_back(Request { write, client: Arc::clone(&client) });
            !std::mem::replace(&mut queue.led, true)
        };
        if !leads && let Notice::Done(outcome) = client.wait() {
            return outcome;
        }
        Turn::begin(queue).commit(store);
        match client.wait() {
            Notice::Done(outcome) => outcome,
            Notice::Lead => Err(TargetError::new(TargetErrorKind::Other, LED_TWICE)),
        }
    }

    fn queue(&self, key: &[u8]) -> &Mutex<Queue> {
        if let [only] = self.queues.as_slice() {
            return only;
        }
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        &self.queues[(hasher.finish() % self.queues.len() as u64) as usize]
    }
}

const LED_TWICE: &str = "a write was not in the group that its own client led";
const LEADER_GONE: &str = "the client that committed this write's group panicked";

/// One leader's turn. However it ends, every client of the group is answered and the next one leads.
struct Turn<'a> {
    queue: &'a Mutex<Queue>,
    writes: Vec<Write>,
    /// Those not yet answered, in the order of `writes`.
    clients: VecDeque<Arc<Client>>,
}

impl<'a> Turn<'a> {
    fn begin(queue: &'a Mutex<Queue>) -> Self {
        let mut waiting = lock(queue);
        let count = waiting.waiting.len().min(GROUP_WRITES_MAX);
        let taken = waiting.waiting.drain(..count);
        let (writes, clients) = taken.map(|request| (request.write, request.client)).unzip();
        Self { queue, writes, clients }
    }

    fn commit(mut self, store: &impl Transact) {
        let outcomes = commit(store, &self.writes);
        self.pass_on();
        for outcome in outcomes {
            if let Some(client) = self.clients.pop_front() {
                client.notify(Notice::Done(outcome));
            }
        }
    }

    /// The next group may begin while this one's clients are woken.
    fn pass_on(&mut self) {
        let mut queue = lock(self.queue);
        match queue.waiting.front() {
            Some(next) => next.client.notify(Notice::Lead),
            None => queue.led = false,
        }
        self.writes.clear();
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // Only a panic leaves writes behind: a turn that ends has passed on.
        if !self.writes.is_empty() {
            self.pass_on();
        }
        for client in self.clients.drain(..) {
            let error = TargetError::new(TargetErrorKind::Other, LEADER_GONE);
            client.notify(Notice::Done(Err(error)));
        }
    }
}

/// Commits `writes` together; those that cannot be applied fail alone.
fn commit(store: &impl Transact, writes: &[Write]) -> Vec<Result<Updated, TargetError>> {
    let mut outcomes = Vec::with_capacity(writes.len());
    let mut applied = false;
    let committed = store.transact(&mut |transaction| {
        for write in writes {
            outcomes.push(write.apply(transaction)?);
        }
        applied = true;
        Ok(())
    });
    match committed {
        Ok(()) => outcomes.into_iter().map(Ok).collect(),
        // One of them was refused, such as for its length: the others must not suffer for it.
        Err(_) if !applied && writes.len() > 1 => {
            writes.chunks(1).flat_map(|write| commit(store, write)).collect()
        }
        // A commit that failed is not tried again: what a second one says of the first cannot be trusted.
        Err(error) => writes.iter().map(|_| Err(error.clone())).collect(),
    }
}

/// A transaction of a store that has write batches but reads only what is committed: reads look here first.
/// A key that is written twice is written once, with its last value.
pub(super) struct Overlay<F> {
    committed: F,
    written: HashMap<Bytes, Bytes>,
}

impl<F: Fn(&[u8]) -> Result<Option<Bytes>, TargetError>> Overlay<F> {
    /// Nothing written yet over what `committed` reads.
    #[cfg(any(feature = "fjall", feature = "rocksdb"))]
    pub fn new(committed: F) -> Self {
        Self { committed, written: HashMap::new() }
    }

    /// What is to be written, each key once.
    #[cfg(any(feature = "fjall", feature = "rocksdb"))]
    pub fn into_written(self) -> HashMap<Bytes, Bytes> {
        self.written
    }
}

impl<F: Fn(&[u8]) -> Result<Option<Bytes>, TargetError>> Transaction for Overlay<F> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, TargetError> {
        match self.written.get(key) {
            Some(value) => Ok(Some(value.clone())),
            None => (self.committed)(key),
        }
    }

    fn put(&mut self, key: Bytes, value: Bytes) -> Result<(), TargetError> {
        self.written.insert(key, value);
        Ok(())
    }
}
