//! The storage that an engine's shards are. Not the shards: see `flywheel-shard`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use flywheel_item::key::prefix_successor;
use flywheel_shard::{
    Admin, ChangeFn, Consumption, Direction, EngineOptions, Handle, Modified, PartitionInfo,
    PartitionLimits, ScanPage, ScanRequest, ShardError, StoreError, Versioned, Write, WriteBatch,
    WriteOutcome, own_prefix,
};
use futures_util::future::try_join_all;

use flywheel_shard::limits::MAX_BATCH_BYTES;

use crate::keys;
use crate::limits::{MAX_DELETED_KEYS, MAX_PAGE_BYTES};
use crate::storage::{Extent, Storage, StorageError};
use crate::throughput::Throttling;

/// An open engine's shards, as what tables stand on.
#[derive(Debug, Clone)]
pub struct Shards {
    handle: Handle,
    admin: Admin,
}

impl Shards {
    /// What a directory must be opened with to hold tables, beside the caller's own settings.
    #[must_use]
    pub fn options(options: EngineOptions, throttling: Throttling) -> EngineOptions {
        let split = flywheel_shard::SplitOptions {
            keep_together: Some(keys::kept_together_bytes),
            collection: Some(keys::collection_bytes),
            ..options.split
        };
        let partition_limits = throttling.has_partition_limits().then(PartitionLimits::default);
        // What the largest item brings with it is written together, and must fit a quarter of a segment.
        let segment_bytes = options.store.segment_bytes.max(4 * MAX_BATCH_BYTES as u32);
        let store = flywheel_shard::StoreOptions { segment_bytes, ..options.store };
        EngineOptions { own_ranges: true, split, store, partition_limits, ..options }
    }

    /// The shards of an engine that was opened with [`Shards::options`].
    ///
    /// # Errors
    /// If its directory was made for something else than tables.
    pub fn new(handle: Handle, admin: Admin) -> Result<Self, StorageError> {
        if !handle.has_own_ranges() {
            return Err(StorageError::Fault(
                "this directory was not made for tables: name another, or an empty one".into(),
            ));
        }
        Ok(Self { handle, admin })
    }

    /// Partitions that begin with `prefix`, and who has them.
    async fn partitions(&self, prefix: &[u8]) -> Result<Vec<(PartitionInfo, u16)>, StorageError> {
        let mut partitions = self.admin.partitions().await?;
        partitions.retain(|(partition, _)| partition.spec.start.starts_with(prefix));
        Ok(partitions)
    }

    /// Deletes keys that stood in one partition just now, with one write if they still do.
    async fn delete_together(&self, keys: &[Bytes]) -> Result<(), StorageError> {
        let delete = |key: &Bytes| Write { key: key.clone(), value: None, condition: None };
        let batch = WriteBatch { writes: keys.iter().map(delete).collect() };
        match self.handle.write(batch).await {
            Err(ShardError::BatchSpansPartitions) => {
                let deletes = keys.iter().map(|key| self.handle.delete(key.clone()));
                Ok(try_join_all(deletes).await.map(|_| ())?)
            }
            done => Ok(done.map(|_| ())?),
        }
    }

    /// Cuts whatever partition holds `at` there, unless one begins there.
    async fn cut(&self, at: Bytes) -> Result<(), StorageError> {
        let partitions = self.admin.partitions().await?;
        let holding = partitions.iter().find(|(partition, _)| partition.spec.contains(&at));
        match holding {
            Some((partition, _)) if partition.spec.start != at => {
                self.admin.split_partition(partition.spec.id, at).await?;
            }
            _ => {}
        }
        Ok(())
    }
}

impl Storage for Shards {
    async fn get(&self, key: Bytes) -> Result<Option<Versioned>, StorageError> {
        Ok(self.handle.get(key).await?)
    }

    async fn modify(
        &self,
        brings_bytes: usize,
        key: Bytes,
        change: ChangeFn,
    ) -> Result<Modified, StorageError> {
        Ok(self.handle.modify_bringing(brings_bytes, key, change).await?)
    }

    async fn write(&self, batch: WriteBatch) -> Result<WriteOutcome, StorageError> {
        Ok(self.handle.write(batch).await?)
    }

    async fn delete(&self, keys: Vec<Bytes>) -> Result<(), StorageError> {
        let mut places: BTreeMap<u64, Vec<Bytes>> = BTreeMap::new();
        // Each once, as a batch must have it.
        for key in keys.into_iter().collect::<BTreeSet<Bytes>>() {
            places.entry(self.handle.locate(&key).partition.0).or_default().push(key);
        }
        let keys = places.values().flat_map(|keys| keys.chunks(MAX_DELETED_KEYS));
        try_join_all(keys.map(|keys| self.delete_together(keys))).await.map(|_| ())
    }

    async fn scan(&self, request: ScanRequest) -> Result<ScanPage, StorageError> {
        Ok(self.handle.scan(request).await?)
    }

    async fn spread(&self, prefix: Bytes) -> Result<(), StorageError> {
        let shards = u64::from(self.handle.shards());
        let cuts = (0..shards).map(|n| {
            let hash = ((u128::from(n) << 64) / u128::from(shards)) as u64;
            let hash: &[u8] = if n == 0 { &[] } else { &hash.to_be_bytes()[..2] };
            Bytes::from([&prefix, hash].concat())
        });
        for at in cuts.chain(prefix_successor(&prefix).map(Bytes::from)) {
            // An engine that has as many partitions as it may serves the table where it is.
            match self.cut(at).await {
                Err(StorageError::Fault(_)) => return Ok(()),
                done => done?,
            }
        }
        for (place, (partition, owner)) in self.partitions(&prefix).await?.iter().enumerate() {
            let wanted = (place as u64 % shards) as u16;
            // What holds something already stays where it is.
            if *owner != wanted && partition.items == 0 {
                match self.admin.move_partition(partition.spec.id, wanted).await {
                    Ok(()) | Err(ShardError::NotMoved { .. } | ShardError::Changing(_)) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }

    async fn clear(&self, prefix: Bytes) -> Result<(), StorageError> {
        let end =
            prefix_successor(&prefix).map_or(Bound::Unbounded, |end| Bound::Excluded(end.into()));
        loop {
            let request = ScanRequest {
                start: Bound::Included(prefix.clone()),
                end: end.clone(),
                direction: Direction::Forward,
                max_items: MAX_DELETED_KEYS,
                max_bytes: MAX_PAGE_BYTES,
            };
            let page = self.handle.scan(request).await?;
            self.delete(page.items.into_iter().map(|(key, _)| key).collect()).await?;
            if !page.more {
                return Ok(());
            }
        }
    }

    async fn measure(&self, prefix: Bytes) -> Result<Extent, StorageError> {
        let mut extent = Extent::default();
        for (partition, _) in self.partitions(&prefix).await? {
            extent.items += partition.items;
            extent.size_bytes += partition.record_bytes;
        }
        Ok(extent)
    }

    fn consumption<T>(&self, key: &[u8], count: impl FnOnce(&Consumption) -> T) -> T {
        self.handle.consumption(key, count)
    }

    fn consumptions(&self) -> Vec<(Bytes, u16, Arc<Consumption>)> {
        let all = self.handle.consumptions().into_iter();
        all.map(|(start, place, served)| (start, place.shard, served)).collect()
    }

    fn feeds(&self) -> Vec<Bytes> {
        let prefix = |shard| Bytes::copy_from_slice(&own_prefix(shard));
        (0..self.handle.shards()).map(prefix).collect()
    }

    async fn appended(&self, feed: &Bytes, after: u64) -> Result<u64, StorageError> {
        let shard = self.feeds().iter().position(|prefix| prefix == feed).unwrap_or_default();
        Ok(self.handle.appended(shard as u16, after).await?)
    }
}

impl From<ShardError> for StorageError {
    fn from(error: ShardError) -> Self {
        match error {
            ShardError::Busy(what) => Self::Busy(what),
            ShardError::Closed => Self::Closed,
            ShardError::Store(error) if matches!(*error, StoreError::BadRequest(_)) => {
                Self::Refused(error.to_string())
            }
            ShardError::BatchSpansPartitions => Self::Refused(error.to_string()),
            other => Self::Fault(other.to_string()),
        }
    }
}
