//! The store: opening, the requests it answers, closing. A façade only: each request's behaviour has
//! a room of its own.

use std::path::Path;
use std::pin::pin;
use std::rc::Rc;

use bytes::Bytes;
use flywheel_disk::{TaskClass, World};
use futures_util::future::select;

use crate::audit::Audit;
use crate::checkpoint;
use crate::cold::{Spill, evict};
use crate::commit::Committer;
use crate::compaction;
use crate::core::Core;
use crate::error::StoreError;
use crate::forget;
use crate::format::meta::Meta;
use crate::maintenance;
use crate::options::StoreOptions;
use crate::read::{OnDisk, Peek};
use crate::recovery::{ProgressCallback, recover};
use crate::scrub::{self, ScrubReport};
use crate::snapshot::Snapshot;
use crate::stats::StoreStats;
use crate::types::{
    Change, ImportedRecord, PartitionId, PartitionInfo, PartitionSpec, ScanPage, ScanRequest,
    Versioned, WriteBatch, WriteOutcome,
};
use crate::write::{Modified, Started};

/// One shard's data on one core. Clones share it.
///
/// Every answer is of durable data: a read never shows a write that a power loss could still undo.
/// Requests may run side by side on the store's core; it has no locks because it has no other cores.
pub struct Store<W: World> {
    core: Rc<Core<W>>,
}

impl<W: World> Clone for Store<W> {
    fn clone(&self) -> Self {
        Self { core: self.core.clone() }
    }
}

impl<W: World> Store<W> {
    /// Opens the store in `directory`, or creates one if the directory is empty or missing.
    ///
    /// An existing store keeps the segment size it was created with. `progress` is called while the
    /// checkpoint is loaded and the log replayed.
    ///
    /// # Errors
    /// Options out of bounds; files that are missing, foreign, of another format version or damaged,
    /// each with its place; faults of the disk.
    pub async fn open(
        world: W,
        directory: &Path,
        mut options: StoreOptions,
        progress: Option<ProgressCallback>,
    ) -> Result<Self, StoreError> {
        options.check()?;
        let started_ns = world.now_ns();
        let spill = Spill::new(&world, directory, &options);
        let mut recovered = recover(&world, directory, &mut options, progress, Some(spill)).await?;
        recovered.restate(&world, directory, &options).await?;
        let log_end = recovered.log_end;
        let core = Core::of_recovered(world, directory, options, recovered);
        core.counters.recovery_ns.add(core.world.now_ns() - started_ns);
        let committer = Committer::new(core.clone(), &log_end);
        core.spawn(TaskClass::Commit, committer.run());
        // Not in the background: when segments run out, requests wait for it.
        core.spawn(TaskClass::Commit, maintenance::run(core.clone()));
        if core.index.is_bounded() {
            core.spawn(TaskClass::Commit, evict::run(core.clone()));
        }
        core.spawn(TaskClass::Background, forget::run(core.clone()));
        core.spawn(TaskClass::Background, compaction::run(core.clone()));
        core.spawn(TaskClass::Background, checkpoint::run(core.clone()));
        if core.options.scrub_bytes_per_s > 0 {
            core.spawn(TaskClass::Background, scrub::run(core.clone()));
        }
        Ok(Self { core })
    }

    /// The options it runs with: as given, but for the segment size of an existing store.
    pub fn options(&self) -> &StoreOptions {
        &self.core.options
    }

    /// Its partitions, in key order.
    pub fn partitions(&self) -> Vec<PartitionInfo> {
        self.core.table.borrow().infos()
    }

    /// The partition that holds `key`.
    pub fn partition_of(&self, key: &[u8]) -> Option<PartitionId> {
        self.core.table.borrow().find(key).map(|partition| partition.spec.id)
    }

    /// A key near the middle of a partition by bytes, where it can be split; `None` if it holds fewer
    /// than two items or there is no such partition.
    pub fn middle_key(&self, id: PartitionId) -> Option<Bytes> {
        self.core.table.borrow().by_id(id)?.index.middle_key().map(Bytes::from)
    }

    /// What can be said of a key without waiting.
    ///
    /// # Errors
    /// [`StoreError::NotOwned`] if no partition here holds the key.
    pub fn peek(&self, key: &[u8]) -> Result<Peek, StoreError> {
        self.core.peek(key)
    }

    /// The newest durable value of a key. At most one read of the disk, and none if the key is absent; one
    /// more where the index does not fit its memory.
    ///
    /// # Errors
    /// [`StoreError::NotOwned`]; corruption with its place; faults of the disk.
    pub async fn get(&self, key: &[u8]) -> Result<Option<Versioned>, StoreError> {
        self.core.get(key).await
    }

    /// Reads what [`Store::peek`] said is on the disk: `key` is the key that was asked for.
    ///
    /// # Errors
    /// [`StoreError::NotOwned`]; corruption with its place; faults of the disk.
    pub async fn read(&self, key: &[u8], place: OnDisk) -> Result<Option<Versioned>, StoreError> {
        self.core.read(key, place).await
    }

    /// Applies a batch, all of it or nothing, if all its conditions hold. Durable on return.
    ///
    /// # Errors
    /// [`StoreError::BadRequest`], [`StoreError::NotOwned`], [`StoreError::Full`] and
    /// [`StoreError::Stopped`]; in none of these cases was anything acknowledged.
    pub async fn write(&self, batch: WriteBatch) -> Result<WriteOutcome, StoreError> {
        self.core.write(batch).await
    }

    /// Reads a key, has `change` make something of it, and writes that: with nothing in between, and
    /// durable on return. `change` is called exactly once, unless there is an error before.
    ///
    /// # Errors
    /// As [`Store::get`] and [`Store::write`].
    pub async fn modify(
        &self,
        key: Bytes,
        change: impl FnOnce(Option<&Versioned>) -> Change,
    ) -> Result<Modified, StoreError> {
        self.core.modify(key, change).await
    }

    /// As [`Store::write`], for a batch that can be decided without waiting for anything; gives it back otherwise.
    ///
    /// # Errors
    /// The batch, of which nothing was done.
    pub fn write_at_once(&self, batch: WriteBatch) -> Result<Started<WriteOutcome>, WriteBatch> {
        self.core.write_at_once(batch)
    }

    /// As [`Store::modify`], for a change that can be made without waiting for anything; `None`, and `change` not
    /// called, otherwise.
    pub fn modify_at_once(
        &self,
        key: &Bytes,
        change: impl FnOnce(Option<&Versioned>) -> Change,
    ) -> Option<Started<Modified>> {
        self.core.modify_at_once(key, change)
    }

    /// The items of a key range, as they are at one moment.
    ///
    /// # Errors
    /// Corruption with its place; faults of the disk.
    pub async fn scan(&self, request: ScanRequest) -> Result<ScanPage, StoreError> {
        self.core.scan(&request).await
    }

    /// The store as it is now, readable while writes go on.
    pub fn snapshot(&self) -> Snapshot<W> {
        Snapshot::take(&self.core)
    }

    /// Adds an empty partition, durably.
    ///
    /// # Errors
    /// [`StoreError::BadPartition`] if it exists or overlaps another.
    pub async fn create_partition(&self, spec: PartitionSpec) -> Result<(), StoreError> {
        self.core.change_partitions(Meta::Create(spec)).await
    }

    /// Cuts a partition in two at a key, durably, moving no data: the right part is `right`.
    ///
    /// # Errors
    /// [`StoreError::BadPartition`] if there is none, or the key is not inside it.
    pub async fn split_partition(
        &self,
        id: PartitionId,
        at: Bytes,
        right: PartitionId,
    ) -> Result<(), StoreError> {
        self.core.change_partitions(Meta::Split { id, at, right }).await
    }

    /// Begins to serve a partition that was imported, durably and under a new ownership epoch.
    ///
    /// # Errors
    /// [`StoreError::BadPartition`] if there is none.
    pub async fn activate_partition(
        &self,
        id: PartitionId,
        ownership_epoch: u64,
    ) -> Result<(), StoreError> {
        self.core.change_partitions(Meta::Activate { id, ownership_epoch }).await
    }

    /// Forgets a partition and all its items, durably.
    ///
    /// # Errors
    /// [`StoreError::BadPartition`] if there is none.
    pub async fn drop_partition(&self, id: PartitionId) -> Result<(), StoreError> {
        self.core.change_partitions(Meta::Drop(id)).await
    }

    /// Writes records that come from another shard, under the versions they have there. Durable on
    /// return; not atomic as a whole.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn import(&self, records: Vec<ImportedRecord>) -> Result<(), StoreError> {
        self.core.import(records).await
    }

    /// Writes the index down, so that the next recovery replays less.
    ///
    /// # Errors
    /// [`StoreError::Full`] if there is no room for it; the older checkpoint then still counts.
    pub async fn checkpoint(&self) -> Result<(), StoreError> {
        checkpoint::take(&self.core).await
    }

    /// Reads all that anybody still needs and checks it, now and as fast as the disk gives it, beside
    /// the background scrub. What a new checkpoint can make good is made good.
    ///
    /// # Errors
    /// [`StoreError::Closed`] if the store is closed meanwhile. Damage is in the report.
    pub async fn scrub(&self) -> Result<ScrubReport, StoreError> {
        scrub::now(&self.core).await
    }

    /// What it has done since it was opened, and what it holds.
    pub fn stats(&self) -> StoreStats {
        self.core.stats()
    }

    /// Checks that its tables agree with each other; for simulators and tests.
    ///
    /// # Errors
    /// What does not hold.
    pub fn audit(&self, audit: Audit) -> Result<(), String> {
        self.core.audit(audit)
    }

    /// Takes no more writes, makes durable what was taken, writes a checkpoint and ends all tasks.
    ///
    /// # Errors
    /// If the checkpoint could not be written; what was acknowledged is durable all the same.
    pub async fn close(&self) -> Result<(), StoreError> {
        let was_stopped = self.core.is_stopped();
        self.core.closing.set(true);
        self.core.room_changed.notify();
        // Upkeep ends first: it still needs the commit loop and, for segments, the maintenance loop.
        // The commit loop, the maintenance loop and eviction end last.
        let last_tasks = 2 + usize::from(self.core.index.is_bounded());
        self.until(|| self.core.tasks.get() <= last_tasks).await;
        // The disk may fail or fill up while all this goes on.
        self.until(|| self.core.is_stopped() || self.core.log.borrow().pending_bytes == 0).await;
        let nothing_to_take = was_stopped || self.core.finished.get();
        let taken = if nothing_to_take { Ok(()) } else { checkpoint::take(&self.core).await };
        self.core.finished.set(true);
        self.until(|| self.core.tasks.get() == 0).await;
        taken
    }

    async fn until(&self, reached: impl Fn() -> bool) {
        while !reached() {
            let ended = pin!(self.core.task_ended.wait());
            let settled = pin!(self.core.room_changed.wait());
            self.wake_loops();
            select(ended, settled).await;
        }
    }

    fn wake_loops(&self) {
        let core = &self.core;
        for signal in [
            &core.commit_wanted,
            &core.maintenance_wanted,
            &core.segments_changed,
            &core.upkeep_wanted,
            &core.index.grew,
            &core.index.room,
        ] {
            signal.notify();
        }
    }
}
