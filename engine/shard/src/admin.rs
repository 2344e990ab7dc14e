//! The engine's controls, for any thread: list, split, move, checkpoint, count. Not reading and
//! writing: see `handle`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use flywheel_store::{PartitionId, PartitionInfo, ScrubReport};
use futures_util::future::LocalBoxFuture;

use crate::error::ShardError;
use crate::fleet::Fleet;
use crate::request::Control;
use crate::stats::EngineStats;

/// Controls of an open engine. Clones are cheap.
#[derive(Debug, Clone)]
pub struct Admin {
    fleet: Arc<Fleet>,
}

impl Admin {
    pub(crate) fn new(fleet: Arc<Fleet>) -> Self {
        Self { fleet }
    }

    /// Every partition and the shard that owns it, in key order. While partitions move, one may be
    /// missing or named twice: each shard answers for its own moment.
    ///
    /// # Errors
    /// [`ShardError::Closed`], [`ShardError::Busy`].
    pub async fn partitions(&self) -> Result<Vec<(PartitionInfo, u16)>, ShardError> {
        let answers = self.fleet.control_all(|reply| Control::Partitions { reply }).await;
        let mut all = Vec::new();
        for (shard, answer) in answers.into_iter().enumerate() {
            all.extend(answer?.into_iter().map(|info| (info, shard as u16)));
        }
        all.sort_by(|(left, _), (right, _)| left.spec.start.cmp(&right.spec.start));
        Ok(all)
    }

    /// The figures of all shards together.
    ///
    /// # Errors
    /// [`ShardError::Closed`], [`ShardError::Busy`].
    pub async fn stats(&self) -> Result<EngineStats, ShardError> {
        let mut total = EngineStats::default();
        for answer in self.fleet.control_all(|reply| Control::Stats { reply }).await {
            total.merge(answer?);
        }
        total.refused_by_handles = self.fleet.refused_by_handles.load(Ordering::Relaxed);
        Ok(total)
    }

    /// Cuts a partition at `at`, which becomes the first key of the upper part; answers with the
    /// upper part's name. No data moves, and requests go on.
    ///
    /// # Errors
    /// [`ShardError::NoSuchPartition`], [`ShardError::BadSplit`], [`ShardError::Changing`], or the
    /// store's own.
    pub async fn split_partition(
        &self,
        id: PartitionId,
        at: Bytes,
    ) -> Result<PartitionId, ShardError> {
        let owner = self.owner(id)?;
        self.fleet.control(owner, |reply| Control::Split { id, at, reply }).await
    }

    /// Moves a partition to another shard. Requests go on, except for the few milliseconds in which
    /// the last changes are sent, when they wait.
    ///
    /// # Errors
    /// [`ShardError::NoSuchPartition`], [`ShardError::NoSuchShard`], [`ShardError::Changing`],
    /// [`ShardError::NotMoved`]; after [`ShardError::Stranded`] the engine must be reopened.
    pub async fn move_partition(&self, id: PartitionId, to: u16) -> Result<(), ShardError> {
        let owner = self.owner(id)?;
        self.fleet.control(owner, |reply| Control::Move { id, to, reply }).await
    }

    /// Takes a checkpoint on every shard, so that the next open replays little.
    ///
    /// # Errors
    /// [`ShardError::Closed`], [`ShardError::Busy`], or the store's own.
    pub async fn checkpoint(&self) -> Result<(), ShardError> {
        self.fleet.control_all(|reply| Control::Checkpoint { reply }).await.into_iter().collect()
    }

    /// Reads all that anybody still needs, on every shard at once and as fast as the disks give it, and
    /// checks it, beside the background scrub. What was found is in the reports, one a shard.
    ///
    /// # Errors
    /// [`ShardError::Closed`], [`ShardError::Busy`].
    pub async fn scrub(&self) -> Result<Vec<ScrubReport>, ShardError> {
        self.fleet.control_all(|reply| Control::Scrub { reply }).await.into_iter().collect()
    }

    /// Runs a task on a shard's core, in its executor's foreground, beside the shard's own: what a server that
    /// listens on every core is made of. `start` is called there and makes the task, which need not be
    /// [`Send`]; on return it has been handed to the executor. It must never block, and should give way often:
    /// the shard's requests wait for it.
    ///
    /// The task is dropped when the engine closes or is dropped. Its panic ends it and nothing else.
    ///
    /// # Errors
    /// [`ShardError::NoSuchShard`], [`ShardError::Closed`], [`ShardError::Busy`]: nothing was started.
    pub async fn run_on_shard(
        &self,
        shard: u16,
        start: impl FnOnce() -> LocalBoxFuture<'static, ()> + Send + 'static,
    ) -> Result<(), ShardError> {
        let start = Box::new(start);
        self.fleet.control(shard, |reply| Control::Run { start, reply }).await
    }

    fn owner(&self, id: PartitionId) -> Result<u16, ShardError> {
        let map = self.fleet.routes.now();
        let place = map.iter().map(|(_, place)| place).find(|place| place.partition == id);
        place.map(|place| place.shard).ok_or(ShardError::NoSuchPartition(id))
    }
}
