//! Moving a partition to another shard while clients use it. Not the receiving end: see `import`.
//!
//! | Step | Here | There |
//! |---|---|---|
//! | 1 | | make the partition, Importing, epoch + 1, durably |
//! | 2 | note written keys from now on; wait for earlier writes; snapshot | |
//! | 3 | send the snapshot in pages | import each, durably |
//! | 4 | send the keys noted meanwhile, until a round is small | import |
//! | 5 | fence: requests wait; those under way end; send the last noted keys | import |
//! | 6 | | activate, Serving, epoch + 1, durably: **the owner changes** |
//! | 7 | change the route map and the table; send waiting requests on | |
//! | 8 | drop the partition, durably | |
//!
//! A crash before 6 is durable leaves us Serving and a copy Importing there, which the next open
//! drops. A crash after it leaves two Serving, and the next open keeps the higher epoch; nothing was
//! acknowledged here since 5, and nothing there before 6. Giving up before 6 lets the waiting
//! requests in again. After an error *of* 6 only the medium knows whether the other shard owns the
//! partition: it serves nobody from it, and we take it back under an epoch above its own, durably,
//! before we do. Only if that fails too does the partition answer nothing until the next open.
//!
//! Versions of a key must only rise, also when the key was deleted here long ago and nothing of it
//! is sent. So the last round also carries a tombstone under a fresh version, of a key that has no
//! value: the other shard numbers on from there.

use std::ops::Bound;
use std::rc::Rc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use flywheel_disk::World;
use flywheel_disk::canary::{self, Canary};
use flywheel_store::{
    Direction, ImportedRecord, PartitionId, PartitionSpec, PartitionState, ScanRequest, StoreError,
    Version, WriteBatch, WriteOutcome,
};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::partition::{Dirty, Partition};
use super::{Shard, count};
use crate::error::ShardError;
use crate::limits::{
    MAX_FENCED_KEYS, MAX_MOVE_KNOCKS, MAX_MOVE_PAGE_BYTES, MAX_MOVE_PAGE_ITEMS, MAX_MOVE_READS,
    MAX_MOVE_ROUNDS,
};
use crate::own;
use crate::request::ImportStep;

/// How long a move waits before it knocks again at a full control mailbox.
const KNOCK_EVERY: Duration = Duration::from_millis(1);

impl<W: World> Shard<W> {
    /// Moves partition `id` to shard `to`.
    pub(super) async fn move_to(
        self: &Rc<Self>,
        id: PartitionId,
        to: u16,
    ) -> Result<(), ShardError> {
        let last = (self.fleet().inboxes.len() - 1) as u16;
        if to > last {
            return Err(ShardError::NoSuchShard { asked: to, last });
        }
        let partition = self.partition(id)?;
        if to == self.number {
            return Ok(());
        }
        if self.is_own(&partition.spec) {
            return Err(ShardError::NotMoved { id, reason: own::FIXED.to_owned() });
        }
        let _changing = partition.begin_change().ok_or(ShardError::Changing(id))?;
        self.changes.enter();
        let moved = Move { shard: self, partition: &partition, to }.run().await;
        self.changes.leave();
        moved
    }
}

/// Whether a step that failed so left no trace: never sent, or refused before it was logged.
fn surely_not_done(error: &ShardError) -> bool {
    match error {
        ShardError::Busy(_) => true,
        ShardError::Store(error) => matches!(**error, StoreError::Full(_)),
        _ => false,
    }
}

/// One move under way.
struct Move<'a, W: World> {
    shard: &'a Rc<Shard<W>>,
    partition: &'a Rc<Partition>,
    to: u16,
}

impl<W: World> Move<'_, W> {
    async fn run(&self) -> Result<(), ShardError> {
        let PartitionSpec { id, ownership_epoch, .. } = self.partition.spec;
        let epoch = ownership_epoch + 1;
        let state = PartitionState::Importing;
        let copy = PartitionSpec { ownership_epoch: epoch, state, ..self.partition.spec.clone() };
        self.step(ImportStep::Begin(copy)).await.map_err(|error| self.not_moved(error))?;
        if let Err(error) = self.fill().await {
            return Err(self.give_up(error).await);
        }
        match self.step(ImportStep::Activate(id, epoch)).await {
            Ok(()) => {
                self.hand_over().await;
                Ok(())
            }
            Err(error) if surely_not_done(&error) => Err(self.give_up(error).await),
            Err(error) => Err(self.take_back(error, epoch + 1).await),
        }
    }

    /// Steps 2 to 5: when this returns well, the copy is complete and requests wait.
    async fn fill(&self) -> Result<(), ShardError> {
        self.partition.take_notes();
        self.partition.begin_anew();
        self.partition.earlier_done().await;
        self.send_snapshot().await?;
        self.catch_up().await?;
        self.partition.fence();
        self.partition.begin_anew();
        self.partition.earlier_done().await;
        let mut last = self.partition.take_notes();
        if canary::sings(Canary::ForgetNotes) {
            last.versions.clear();
        }
        if let Some((key, version)) = self.version_mark().await? {
            last.versions.insert(key, version);
        }
        self.send_noted(last).await
    }

    async fn send_snapshot(&self) -> Result<(), ShardError> {
        let PartitionSpec { id, start, end, .. } = self.partition.spec.clone();
        let snapshot = self.shard.store.snapshot();
        let mut request = ScanRequest {
            start: Bound::Included(start),
            end: end.map_or(Bound::Unbounded, Bound::Excluded),
            direction: Direction::Forward,
            max_items: MAX_MOVE_PAGE_ITEMS,
            max_bytes: MAX_MOVE_PAGE_BYTES,
        };
        loop {
            self.check_open()?;
            let page = snapshot.scan(&request).await?;
            let Some((last, _)) = page.items.last() else { return Ok(()) };
            request.start = Bound::Excluded(last.clone());
            let records = page.items.into_iter().map(|(key, item)| ImportedRecord {
                key,
                version: item.version,
                value: Some(item.value),
            });
            self.step(ImportStep::Records(id, records.collect())).await?;
            if !page.more {
                return Ok(());
            }
        }
    }

    /// Sends what was written meanwhile, again and again, until little is.
    async fn catch_up(&self) -> Result<(), ShardError> {
        for _ in 0..MAX_MOVE_ROUNDS {
            self.check_open()?;
            if self.partition.noted() <= MAX_FENCED_KEYS {
                return Ok(());
            }
            let noted = self.partition.take_notes();
            self.send_noted(noted).await?;
        }
        Err(self
            .give_up_because("writes come faster than they can be sent; try when it is quieter"))
    }

    /// Sends the noted keys as they are now.
    async fn send_noted(&self, noted: Dirty) -> Result<(), ShardError> {
        if noted.overflowed {
            return Err(self.give_up_because("too many keys were written; try when it is quieter"));
        }
        let id = self.partition.spec.id;
        let mut records = stream::iter(noted.versions)
            .map(|(key, version)| self.newest(key, version))
            .buffered(MAX_MOVE_READS);
        let (mut page, mut page_bytes) = (Vec::new(), 0);
        while let Some(record) = records.try_next().await? {
            page_bytes += record.key.len() + record.value.as_ref().map_or(0, Bytes::len);
            page.push(record);
            if page_bytes >= MAX_MOVE_PAGE_BYTES || page.len() >= MAX_MOVE_PAGE_ITEMS {
                self.step(ImportStep::Records(id, std::mem::take(&mut page))).await?;
                page_bytes = 0;
            }
        }
        if page.is_empty() {
            return Ok(());
        }
        self.step(ImportStep::Records(id, page)).await
    }

    /// A key as it is now; as deleted under `version`, the last one noted, if it has no value.
    async fn newest(&self, key: Bytes, version: Version) -> Result<ImportedRecord, ShardError> {
        Ok(match self.shard.store.get(&key).await? {
            Some(now) => ImportedRecord { key, version: now.version, value: Some(now.value) },
            None => ImportedRecord { key, version, value: None },
        })
    }

    /// A key without a value, deleted once more to learn a version above all that this shard gave
    /// the partition's keys. `None` if every possible key has a value: then the values' own versions
    /// say it. Only behind the fence: nobody may write the key meanwhile.
    async fn version_mark(&self) -> Result<Option<(Bytes, Version)>, ShardError> {
        let spec = &self.partition.spec;
        let mut key = BytesMut::from(&*spec.start);
        loop {
            if !key.is_empty() {
                if !spec.contains(&key) {
                    return Ok(None);
                }
                if self.shard.store.get(&key).await?.is_none() {
                    break;
                }
            }
            // The very next key there is.
            key.extend_from_slice(&[0]);
        }
        let key = key.freeze();
        match self.shard.store.write(WriteBatch::delete(key.clone())).await? {
            WriteOutcome::Applied { first_version } => Ok(Some((key, first_version))),
            WriteOutcome::ConditionFailed { .. } => unreachable!("the batch had no condition"),
        }
    }

    /// Steps 7 and 8: the other shard owns the partition now.
    async fn hand_over(&self) {
        let id = self.partition.spec.id;
        if canary::sings(Canary::RouteStale) {
            self.partition.stop_noting();
            let waiting = self.partition.unfence();
            return self.shard.release(waiting, |request| self.shard.serve(request));
        }
        self.shard.fleet().routes.moved(id, self.to);
        self.shard.table.borrow_mut().remove(id);
        self.partition.stop_noting();
        self.shard.release(self.partition.unfence(), |request| {
            count(&self.shard.counters.sent_on);
            request.send_on();
        });
        count(&self.shard.counters.moves);
        // If this fails, the next open drops it: its epoch is the lower one.
        let _ = self.shard.store.drop_partition(id).await;
    }

    /// Takes the partition back as it was: it has been ours all the time.
    async fn give_up(&self, error: ShardError) -> ShardError {
        self.partition.stop_noting();
        self.shard.release(self.partition.unfence(), |request| self.shard.serve(request));
        // If this fails, the copy stays Importing, and the next open drops it.
        let _ = self.step(ImportStep::Abort(self.partition.spec.id)).await;
        self.not_moved(error)
    }

    /// Takes the partition back though the other shard may own it on the medium: under a higher
    /// epoch, which the next open will prefer.
    async fn take_back(&self, error: ShardError, ownership_epoch: u64) -> ShardError {
        let id = self.partition.spec.id;
        if self.shard.store.activate_partition(id, ownership_epoch).await.is_err() {
            let waiting = self.partition.strand();
            self.shard.release(waiting, |request| request.fail(ShardError::Stranded(id)));
            return ShardError::Stranded(id);
        }
        let spec = PartitionSpec { ownership_epoch, ..self.partition.spec.clone() };
        {
            let mut table = self.shard.table.borrow_mut();
            table.remove(id);
            table.insert(Rc::new(Partition::new(spec)));
        }
        self.give_up(error).await
    }

    fn not_moved(&self, error: ShardError) -> ShardError {
        match error {
            ShardError::NotMoved { .. } | ShardError::Closed => error,
            other => self.give_up_because(other),
        }
    }

    fn give_up_because(&self, reason: impl ToString) -> ShardError {
        ShardError::NotMoved { id: self.partition.spec.id, reason: reason.to_string() }
    }

    fn check_open(&self) -> Result<(), ShardError> {
        if self.shard.fleet().is_closing() { Err(ShardError::Closed) } else { Ok(()) }
    }

    /// Asks the other shard to take a step, and knocks again while too many wait there.
    async fn step(&self, mut step: ImportStep) -> Result<(), ShardError> {
        for _ in 0..MAX_MOVE_KNOCKS {
            match self.shard.fleet().offer(self.to, step).await {
                Ok(answer) => return answer,
                Err(back) => step = back,
            }
            self.shard.world.sleep(KNOCK_EVERY).await;
        }
        Err(ShardError::Busy("the other shard's control mailbox"))
    }
}
