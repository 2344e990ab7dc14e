//! What all threads of an engine share: every shard's mailboxes, the route map, and the next
//! partition's name. Not the shards themselves: those never leave their cores.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use flywheel_store::PartitionId;

use crate::admission::Door;
use crate::error::ShardError;
use crate::limits::MAX_CONTROL_MESSAGES;
use crate::mailbox::{Bell, Mailbox, Refused};
use crate::own;
use crate::reply::reply;
use crate::request::{Control, ControlReply, ImportStep, Request};
use crate::route::Routes;

/// One shard as others see it.
#[derive(Debug)]
pub(crate) struct Inbox {
    pub requests: Mailbox<Request>,
    /// Control messages have a mailbox of their own, so that clients cannot crowd out a move.
    pub control: Mailbox<Control>,
    pub bell: Arc<Bell>,
    /// Where handles see whether one more request may come.
    pub door: Door,
    /// The highest version that was appended to the shard's own range since it was opened.
    pub appended: AtomicU64,
    abandoned: AtomicBool,
}

impl Inbox {
    pub fn new(mailbox_requests: usize) -> Self {
        let bell = Arc::new(Bell::default());
        Self {
            requests: Mailbox::new(mailbox_requests, Arc::clone(&bell)),
            control: Mailbox::new(MAX_CONTROL_MESSAGES, Arc::clone(&bell)),
            bell,
            door: Door::default(),
            appended: AtomicU64::new(0),
            abandoned: AtomicBool::new(false),
        }
    }

    /// Tells the shard to end at once, without closing: what a crash of the process would do.
    pub fn abandon(&self) {
        self.abandoned.store(true, Ordering::Release);
        self.bell.ring();
    }

    pub fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Acquire)
    }

    /// Ends both mailboxes: whoever waits for an answer learns that none will come.
    pub fn end(&self) {
        self.requests.end();
        self.control.end();
        self.bell.forget();
    }
}

/// The shards of one engine, as seen from any thread.
#[derive(Debug)]
pub(crate) struct Fleet {
    pub inboxes: Vec<Arc<Inbox>>,
    pub routes: Routes,
    has_own_ranges: bool,
    next_partition: AtomicU64,
    /// Requests that the handles refused by themselves, for want of room.
    pub refused_by_handles: AtomicU64,
    closing: AtomicBool,
}

impl Fleet {
    /// `next_partition` must be above every name ever given out in the directory.
    pub fn new(inboxes: Vec<Arc<Inbox>>, routes: Routes, next_partition: u64) -> Self {
        let has_own_ranges = own::are_in(&routes.now(), inboxes.len() as u16);
        Self {
            inboxes,
            routes,
            has_own_ranges,
            next_partition: AtomicU64::new(next_partition),
            refused_by_handles: AtomicU64::new(0),
            closing: AtomicBool::new(false),
        }
    }

    /// Whether each shard has a range of its own that things can be appended to.
    pub fn has_own_ranges(&self) -> bool {
        self.has_own_ranges
    }

    /// A name that no partition of the directory ever had: names never leave a directory, because
    /// partitions are cut and moved but never joined.
    pub fn name_partition(&self) -> PartitionId {
        PartitionId(self.next_partition.fetch_add(1, Ordering::Relaxed))
    }

    /// Whether the engine is being closed: begin nothing that takes long.
    pub fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    /// Refuses requests from now on.
    pub fn begin_closing(&self) {
        self.closing.store(true, Ordering::Relaxed);
        self.inboxes.iter().for_each(|inbox| inbox.requests.close());
    }

    /// Sends a control message to a shard and awaits its answer.
    ///
    /// # Errors
    /// The shard's own; [`ShardError::Busy`] if too many control messages wait there;
    /// [`ShardError::Closed`] if it ended.
    pub async fn control<T>(
        &self,
        shard: u16,
        message: impl FnOnce(ControlReply<T>) -> Control,
    ) -> Result<T, ShardError> {
        let last = (self.inboxes.len() - 1) as u16;
        let inbox = self
            .inboxes
            .get(usize::from(shard))
            .ok_or(ShardError::NoSuchShard { asked: shard, last })?;
        let (sender, receiver) = reply();
        match inbox.control.send(message(sender)) {
            Ok(()) => receiver.await.unwrap_or(Err(ShardError::Closed)),
            Err(Refused::Full(_)) => Err(ShardError::Busy("a shard's control mailbox")),
            Err(Refused::Closed(_)) => Err(ShardError::Closed),
        }
    }

    /// Offers a step of a move to another shard and awaits its answer.
    ///
    /// # Errors
    /// The step itself, not taken, if too many control messages wait there.
    pub async fn offer(
        &self,
        shard: u16,
        step: ImportStep,
    ) -> Result<Result<(), ShardError>, ImportStep> {
        let (sender, receiver) = reply();
        let message = Control::Import { step, reply: sender };
        match self.inboxes[usize::from(shard)].control.send(message) {
            Ok(()) => Ok(receiver.await.unwrap_or(Err(ShardError::Closed))),
            Err(Refused::Full(Control::Import { step, .. })) => Err(step),
            Err(Refused::Full(_) | Refused::Closed(_)) => Ok(Err(ShardError::Closed)),
        }
    }

    /// The same message to every shard at once; answers in shard order.
    pub async fn control_all<T>(
        &self,
        message: impl Fn(ControlReply<T>) -> Control,
    ) -> Vec<Result<T, ShardError>> {
        let shards = 0..self.inboxes.len() as u16;
        futures_util::future::join_all(shards.map(|shard| self.control(shard, &message))).await
    }

    /// Tells every shard to end at once, without closing.
    pub fn abandon(&self) {
        self.begin_closing();
        self.inboxes.iter().for_each(|inbox| inbox.abandon());
    }

    /// Closes every shard: requests taken so far are answered, moves end, then the stores close.
    pub async fn close(&self) -> Result<(), ShardError> {
        self.begin_closing();
        // All shards come to rest before the first one ends, because moves need both of theirs.
        let rested = self.control_all(|reply| Control::Quiesce { reply }).await;
        let closed = self.control_all(|reply| Control::Close { reply }).await;
        rested.into_iter().chain(closed).collect()
    }
}
