//! Group commit: many clients share one durable commit. Whoever finds nobody committing leads: it applies all
//! writes that have queued up in one transaction, commits it, and wakes their clients; then the next one leads.
//!
//! No thread of its own, and no waiting for company: a lone client commits each write by itself, as a plain
//! user of the store does. It knows no store; what a transaction is, each store says.

#[cfg(any(test, feature = "fjall", feature = "rocksdb"))]
use std::collections::HashMap;
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use flywheel_load::{Record, TargetError, TargetErrorKind};

use super::store::{Change, Written};
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
    fn apply(&self, to: &mut dyn Transaction) -> Result<Written, TargetError> {
        let value = match &self.change {
            Change::Put(value) => value.clone(),
            Change::Merge(changes) => match to.get(&self.key)? {
                Some(before) => Record::decode(before)?.merge(changes).into_bytes(),
                None => return Ok(Written::NotFound),
            },
            Change::Add(addition) => {
                let Some(before) = to.get(&self.key)? else { return Ok(Written::NotFound) };
                let (added, after) = addition.apply(&Record::decode(before)?)?;
                if let Some(after) = after {
                    to.put(self.key.clone(), after.into_bytes())?;
                }
                return Ok(Written::Added(added));
            }
        };
        to.put(self.key.clone(), value)?;
        Ok(Written::Applied)
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
    Done(Result<Written, TargetError>),
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
    ) -> Result<Written, TargetError> {
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
fn commit(store: &impl Transact, writes: &[Write]) -> Vec<Result<Written, TargetError>> {
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
#[cfg(any(test, feature = "fjall", feature = "rocksdb"))]
pub(super) struct Overlay<F> {
    committed: F,
    written: HashMap<Bytes, Bytes>,
}

#[cfg(any(test, feature = "fjall", feature = "rocksdb"))]
impl<F: Fn(&[u8]) -> Result<Option<Bytes>, TargetError>> Overlay<F> {
    /// Nothing written yet over what `committed` reads.
    pub fn new(committed: F) -> Self {
        Self { committed, written: HashMap::new() }
    }

    /// What is to be written, each key once.
    pub fn into_written(self) -> HashMap<Bytes, Bytes> {
        self.written
    }
}

#[cfg(any(test, feature = "fjall", feature = "rocksdb"))]
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    /// A map, with what a store may do wrong on request.
    #[derive(Default)]
    struct Fake {
        records: Mutex<HashMap<Bytes, Bytes>>,
        /// Writes of each commit, in order.
        commits: Mutex<Vec<usize>>,
        /// Writes that must be queued behind the first commit before it goes on.
        hold_until_queued: usize,
        groups: Option<Groups>,
        writes: AtomicUsize,
        begun: AtomicUsize,
    }

    impl Transaction for &Fake {
        fn get(&self, key: &[u8]) -> Result<Option<Bytes>, TargetError> {
            Ok(lock(&self.records).get(key).cloned())
        }

        fn put(&mut self, key: Bytes, value: Bytes) -> Result<(), TargetError> {
            if &*key == b"refused" {
                return Err(TargetError::new(TargetErrorKind::Invalid, "refused"));
            }
            assert_ne!(&*key, b"panics", "asked for");
            self.writes.fetch_add(1, Ordering::Relaxed);
            lock(&self.records).insert(key, value);
            Ok(())
        }
    }

    impl Transact for Fake {
        fn transact(&self, apply: Apply<'_>) -> Result<(), TargetError> {
            let before = self.writes.load(Ordering::Relaxed);
            if self.begun.fetch_add(1, Ordering::Relaxed) == 0 {
                while self.queued() < self.hold_until_queued {
                    thread::yield_now();
                }
            }
            let mut transaction = self;
            let applied = apply(&mut transaction);
            lock(&self.commits).push(self.writes.load(Ordering::Relaxed) - before);
            applied
        }
    }

    impl Fake {
        fn holding(hold_until_queued: usize) -> Self {
            Self { hold_until_queued, groups: Some(Groups::new(1)), ..Self::default() }
        }

        fn groups(&self) -> &Groups {
            self.groups.as_ref().expect("made with them")
        }

        fn queued(&self) -> usize {
            lock(&self.groups().queues[0]).waiting.len()
        }

        fn put(&self, key: &'static [u8]) -> Result<Written, TargetError> {
            self.groups().write(self, key, Change::Put(Bytes::from_static(b"")))
        }

        /// Begins a write of `first`, and once its commit holds, one of each of `keys`.
        fn meet(
            &self,
            first: &'static [u8],
            keys: &[&'static [u8]],
        ) -> Vec<Result<Written, TargetError>> {
            thread::scope(|scope| {
                let leader = scope.spawn(|| catch_unwind(AssertUnwindSafe(|| self.put(first))));
                while !lock(&self.groups().queues[0]).led || self.queued() > 0 {
                    thread::yield_now();
                }
                let clients: Vec<_> =
                    keys.iter().map(|key| scope.spawn(|| self.put(key))).collect();
                let outcomes = clients.into_iter().map(|client| client.join().expect("no panic"));
                let outcomes = outcomes.collect();
                drop(leader.join());
                outcomes
            })
        }
    }

    #[test]
    fn writes_that_wait_share_one_commit() {
        let fake = Fake::holding(3);
        let outcomes = fake.meet(b"first", &[b"a", b"b", b"c"]);
        assert!(outcomes.iter().all(|outcome| *outcome == Ok(Written::Applied)), "{outcomes:?}");
        assert_eq!(*lock(&fake.commits), [1, 3], "one for the first, one for all that waited");
        assert_eq!(lock(&fake.records).len(), 4);
    }

    #[test]
    fn a_lone_client_commits_each_write_by_itself() {
        let fake = Fake::holding(0);
        for _ in 0..3 {
            assert_eq!(fake.put(b"a"), Ok(Written::Applied));
        }
        assert_eq!(*lock(&fake.commits), [1, 1, 1]);
    }

    #[test]
    fn a_refused_write_fails_alone() {
        let fake = Fake::holding(3);
        let outcomes = fake.meet(b"first", &[b"a", b"refused", b"b"]);
        let kinds = outcomes.into_iter().map(|outcome| outcome.map_err(|error| error.kind));
        let refused = Err(TargetErrorKind::Invalid);
        let applied = Ok(Written::Applied);
        assert_eq!(kinds.collect::<Vec<_>>(), [applied, refused, applied]);
        assert_eq!(fake.put(b"later"), Ok(Written::Applied));
    }

    #[test]
    fn a_leader_that_panics_leaves_nobody_waiting() {
        let fake = Fake::holding(2);
        let outcomes = fake.meet(b"panics", &[b"a", b"b"]);
        assert!(outcomes.iter().all(|outcome| *outcome == Ok(Written::Applied)), "{outcomes:?}");
        assert_eq!(fake.put(b"later"), Ok(Written::Applied));
        assert_eq!(lock(&fake.groups().queues[0]).waiting.len(), 0);
    }

    #[test]
    fn a_failed_commit_fails_all_and_is_not_tried_again() {
        struct Broken(AtomicUsize);
        impl Transact for Broken {
            fn transact(&self, apply: Apply<'_>) -> Result<(), TargetError> {
                self.0.fetch_add(1, Ordering::Relaxed);
                let fake = Fake::default();
                apply(&mut &fake)?;
                Err(TargetError::new(TargetErrorKind::Io, "no sync"))
            }
        }
        let write = || Write { key: Bytes::new(), change: Change::Put(Bytes::new()) };
        let broken = Broken(AtomicUsize::new(0));
        let outcomes = commit(&broken, &[write(), write()]);
        assert!(outcomes.iter().all(|outcome| outcome.is_err()), "{outcomes:?}");
        assert_eq!(broken.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn an_overlay_reads_what_it_wrote() {
        let mut overlay = Overlay::new(|_: &[u8]| Ok(Some(Bytes::from_static(b"before"))));
        assert_eq!(overlay.get(b"k"), Ok(Some(Bytes::from_static(b"before"))));
        for value in [b"one".as_slice(), b"two"] {
            let value = Bytes::copy_from_slice(value);
            assert_eq!(overlay.put(Bytes::from_static(b"k"), value.clone()), Ok(()));
            assert_eq!(overlay.get(b"k"), Ok(Some(value)));
        }
        assert_eq!(overlay.into_written().len(), 1, "each key once");
    }
}
