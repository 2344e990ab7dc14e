//! One shard: the only owner of its partitions, on one core, on any world. Not a thread: whoever has
//! an executor runs it, `runtime` on a pinned core, `local` beside others in one thread.
//!
//! A shard is opened, says which partitions it has, is told which of them to keep, and then runs
//! until it is closed. What it cannot answer from memory it hands to tasks of its core.

mod audit;
mod balancer;
mod control;
mod decide;
mod feed;
mod gauge;
mod guests;
mod import;
mod maintenance;
mod mover;
mod partition;
mod serve;
mod split;
mod table;
mod traffic;

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::path::Path;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use flywheel_disk::{TaskClass, World};
use flywheel_store::{
    PartitionId, PartitionSpec, PartitionState, RecoveryProgress, Store, StoreOptions,
};

use crate::admission::Doorman;
use crate::error::ShardError;
use crate::fleet::{Fleet, Inbox};
use crate::limits::{MAX_ACTIVE_REQUESTS, MAX_DROP_WAIT, MAX_TURN_MESSAGES};
use crate::options::{ShardSettings, SplitOptions};
use crate::reply::{ReplySender, reply};
use feed::Feed;
use futures_util::future::select;
use gauge::Gauge;
use guests::Guests;
use partition::Partition;
use table::Table;

/// What a shard is told once all shards have said what they have.
#[derive(Debug, Default, Clone)]
pub(crate) struct Orders {
    /// Partitions to forget: they never finished moving here, or moved away.
    pub drop: Vec<PartitionId>,
    /// Partitions to make: the first ones of a directory.
    pub create: Vec<PartitionSpec>,
}

/// One shard. Everything in it stays on its core.
pub(crate) struct Shard<W: World> {
    number: u16,
    world: W,
    store: Store<W>,
    split: SplitOptions,
    inbox: Arc<Inbox>,
    doorman: RefCell<Doorman>,
    fleet: OnceCell<Arc<Fleet>>,
    table: RefCell<Table>,
    /// Partitions that other shards are moving here.
    incoming: RefCell<BTreeMap<PartitionId, PartitionSpec>>,
    /// Requests taken and not yet answered.
    active: Gauge,
    /// Splits and moves of this shard's partitions under way.
    changes: Gauge,
    /// Control messages whose answers tasks are working on.
    commands: Gauge,
    feed: Feed,
    guests: Guests,
    counters: Counters,
    /// Dropped to end the maintenance.
    maintenance: RefCell<Option<ReplySender<()>>>,
    /// Dropped to end the balancing.
    balancing: RefCell<Option<ReplySender<()>>>,
    ended: Cell<bool>,
}

/// What was counted since the shard was opened.
#[derive(Default)]
struct Counters {
    gets: Cell<u64>,
    gets_from_memory: Cell<u64>,
    writes: Cell<u64>,
    modifies: Cell<u64>,
    scans: Cell<u64>,
    sent_on: Cell<u64>,
    fenced: Cell<u64>,
    turns: Cell<u64>,
    /// Requests taken from the mailbox.
    taken: Cell<u64>,
    waiting_most: Cell<usize>,
    active_most: Cell<usize>,
    splits: Cell<u64>,
    splits_vetoed: Cell<u64>,
    moves: Cell<u64>,
}

fn count(counter: &Cell<u64>) {
    counter.set(counter.get() + 1);
}

impl<W: World> Shard<W> {
    /// Opens or creates the shard's store in `directory`.
    pub async fn open(
        world: W,
        directory: &Path,
        store: StoreOptions,
        settings: ShardSettings,
        inbox: Arc<Inbox>,
        progress: Option<Rc<dyn Fn(RecoveryProgress)>>,
    ) -> Result<Rc<Self>, ShardError> {
        let number = store.shard;
        let store = Store::open(world.clone(), directory, store, progress).await?;
        let ShardSettings { split, queue_time, always_admitted } = settings;
        let doorman = Doorman::new(queue_time, always_admitted, world.now_ns());
        Ok(Rc::new(Self {
            number,
            world,
            store,
            split,
            inbox,
            doorman: RefCell::new(doorman),
            fleet: OnceCell::new(),
            table: RefCell::default(),
            incoming: RefCell::default(),
            active: Gauge::default(),
            changes: Gauge::default(),
            commands: Gauge::default(),
            feed: Feed::default(),
            guests: Guests::default(),
            counters: Counters::default(),
            maintenance: RefCell::default(),
            balancing: RefCell::default(),
            ended: Cell::new(false),
        }))
    }

    /// The partitions that the store holds.
    pub fn claims(&self) -> Vec<PartitionSpec> {
        self.store.partitions().into_iter().map(|info| info.spec).collect()
    }

    /// Where others send messages to this shard.
    pub fn inbox(&self) -> Arc<Inbox> {
        Arc::clone(&self.inbox)
    }

    /// Forgets and makes partitions as told, durably. A crash in the middle is met by the same
    /// orders at the next open.
    pub async fn settle(&self, orders: Orders) -> Result<(), ShardError> {
        for id in orders.drop {
            self.store.drop_partition(id).await?;
        }
        for spec in orders.create {
            self.store.create_partition(spec).await?;
        }
        let mut table = self.table.borrow_mut();
        for spec in self.claims() {
            debug_assert_eq!(spec.state, PartitionState::Serving, "orders drop all others");
            table.insert(Rc::new(Partition::new(spec)));
        }
        Ok(())
    }

    /// Answers requests until closed or abandoned. Resolves when the shard has ended.
    pub fn run(self: Rc<Self>, fleet: Arc<Fleet>) -> impl Future<Output = ()> {
        let (done, over) = reply();
        assert!(self.fleet.set(fleet).is_ok(), "a shard runs once");
        let world = self.world.clone();
        self.start_maintenance();
        // As a foreground task wherever it was called from: that queue alone learns quickly of
        // wakes from other cores.
        world.spawn(TaskClass::Foreground, async move {
            let _end = End(Arc::clone(&self.inbox));
            self.answer_all().await;
            self.maintenance.take();
            self.balancing.take();
            self.feed.close();
            self.guests.end();
            self.answer_taken().await;
            done.send(());
        });
        async {
            // No reply means that the task was dropped, which is an end too.
            let _ = over.await;
        }
    }

    /// Closes the store of a shard that never ran.
    pub async fn close_unused(&self) -> Result<(), ShardError> {
        Ok(self.store.close().await?)
    }

    async fn answer_all(self: &Rc<Self>) {
        while !self.ended.get() && !self.inbox.is_abandoned() {
            if self.turn() {
                count(&self.counters.turns);
                // The tasks that this turn has started come next, then the mailbox again.
                yield_now().await;
            } else {
                self.doorman.borrow_mut().rest(&self.inbox.door, self.active.count());
                self.inbox.bell.wait(|| self.has_work()).await;
            }
        }
    }

    /// Waits for the tasks that still have somebody to answer: an executor that ends may forget its
    /// tasks rather than drop them, and then nobody would learn that no answer will come.
    async fn answer_taken(&self) {
        let all_answered = pin!(async {
            self.changes.idle().await;
            self.active.idle().await;
            self.commands.idle().await;
        });
        let long_enough = pin!(self.world.sleep(MAX_DROP_WAIT));
        select(all_answered, long_enough).await;
    }

    /// Takes what waits, up to a turn's bound. Whether there was anything.
    fn turn(self: &Rc<Self>) -> bool {
        let mut worked = false;
        self.look_at_queue();
        while let Some(message) = self.inbox.control.take() {
            self.command(message);
            worked = true;
        }
        for _ in 0..MAX_TURN_MESSAGES {
            if self.is_full() {
                break;
            }
            let Some(request) = self.inbox.requests.take() else { break };
            count(&self.counters.taken);
            self.serve(request);
            worked = true;
        }
        worked
    }

    /// Decides whether handles turn requests away, by how long the queue has stood.
    fn look_at_queue(&self) {
        let (waiting, active) = (self.inbox.requests.len(), self.active.count());
        let counters = &self.counters;
        counters.waiting_most.set(counters.waiting_most.get().max(waiting));
        counters.active_most.set(counters.active_most.get().max(active));
        let answered = counters.taken.get() - active as u64;
        let now_ns = self.world.now_ns();
        self.doorman.borrow_mut().look(&self.inbox.door, now_ns, waiting + active, answered);
    }

    fn has_work(&self) -> bool {
        let requests = !self.inbox.requests.is_empty() && !self.is_full();
        let over = self.ended.get() || self.inbox.is_abandoned();
        requests || over || !self.inbox.control.is_empty()
    }

    fn is_full(&self) -> bool {
        self.active.count() >= MAX_ACTIVE_REQUESTS
    }

    /// Notes that a request will be answered by a task, or must wait.
    fn taken_on(&self) {
        self.active.enter();
        self.inbox.door.publish(self.active.count());
    }

    /// Notes that a request was answered; takes up the mailbox again if that made room.
    fn answered(&self) {
        let was_full = self.is_full();
        self.active.leave();
        self.inbox.door.publish(self.active.count());
        if was_full {
            self.inbox.bell.ring();
        }
    }

    fn fleet(&self) -> &Fleet {
        self.fleet.get().expect("set before the first message is taken")
    }

    /// Ends the loop at its next turn.
    fn end(&self) {
        self.ended.set(true);
        self.inbox.bell.ring();
    }
}

/// Ends the mailboxes however the shard ends, a panic included: nobody is left waiting.
struct End(Arc<Inbox>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Lets every other ready task of this core run once.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
