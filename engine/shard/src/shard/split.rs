//! Cutting a partition in two, by order or by need. No data moves, and no request waits: only the
//! index is cut, durably, then the shard's table, then the route map.

use std::rc::Rc;

use bytes::Bytes;
use flywheel_capacity::split::{Decision, Veto, decide};
use flywheel_disk::World;
use flywheel_store::{PartitionId, PartitionSpec};

use super::partition::Partition;
use super::{Shard, count};
use crate::consumption::Consumption;
use crate::error::ShardError;
use crate::limits::MAX_PARTITIONS_PER_SHARD;
use crate::own;

impl<W: World> Shard<W> {
    /// Cuts partition `id` at `at`, moved down so that it separates nothing that stays together.
    pub(super) async fn split(
        &self,
        id: PartitionId,
        at: Bytes,
    ) -> Result<PartitionId, ShardError> {
        let partition = self.partition(id)?;
        let at = self.split.settle(at);
        self.check_cut(&partition, &at)?;
        let _changing = partition.begin_change().ok_or(ShardError::Changing(id))?;
        self.changes.enter();
        let cut = self.cut(&partition, at).await;
        self.changes.leave();
        cut
    }

    async fn cut(&self, partition: &Partition, at: Bytes) -> Result<PartitionId, ShardError> {
        let (id, right) = (partition.spec.id, self.fleet().name_partition());
        self.store.split_partition(id, at.clone(), right).await?;
        let lower = PartitionSpec { end: Some(at.clone()), ..partition.spec.clone() };
        let upper = PartitionSpec { id: right, start: at.clone(), ..partition.spec.clone() };
        let mut table = self.table.borrow_mut();
        table.remove(id);
        for part in partition.cut(lower, upper) {
            table.insert(Rc::new(part));
        }
        self.fleet().routes.split(id, &at, right);
        count(&self.counters.splits);
        Ok(right)
    }

    fn check_cut(&self, partition: &Partition, at: &Bytes) -> Result<(), ShardError> {
        let id = partition.spec.id;
        if self.is_own(&partition.spec) {
            return Err(ShardError::BadSplit { id, reason: own::FIXED });
        }
        if *at <= partition.spec.start || !partition.spec.contains(at) {
            let reason = "the key is not inside it, or must stay together with its first key";
            return Err(ShardError::BadSplit { id, reason });
        }
        if self.table.borrow().len() >= MAX_PARTITIONS_PER_SHARD {
            let reason = "its shard has as many partitions as it may; move some first";
            return Err(ShardError::BadSplit { id, reason });
        }
        Ok(())
    }

    /// Whether a partition stays what and where it is.
    pub(super) fn is_own(&self, spec: &PartitionSpec) -> bool {
        self.fleet().has_own_ranges() && *spec.start < *own::END
    }

    pub(super) fn partition(&self, id: PartitionId) -> Result<Rc<Partition>, ShardError> {
        self.table.borrow().by_id(id).cloned().ok_or(ShardError::NoSuchPartition(id))
    }

    /// Cuts a partition that became too large.
    pub(super) async fn split_for_size(&self, partition: &Partition) {
        if let Some(middle) = self.store.middle_key(partition.spec.id) {
            self.try_split(partition, self.split.settle(middle)).await;
        }
    }

    /// Cuts a partition that became too hot, or an item collection in it off from its neighbours, unless no cut
    /// would help.
    pub(super) async fn split_for_load(&self, partition: &Partition, served: &Consumption) {
        partition.traffic.cool_down();
        let decision = self.decide(partition, served);
        let cuts = match decision {
            Decision::Cut(cut) => vec![cut.at],
            // The upper one first: the lower part keeps its name, and has the other one in it.
            Decision::Isolate { from, to, .. } => to.into_iter().chain(from).collect(),
            Decision::Stay(_) => Vec::new(),
        };
        if cuts.is_empty() {
            count(&self.counters.splits_vetoed);
        }
        for at in cuts {
            self.try_split(partition, at).await;
        }
    }

    /// By the keys of requests or, where it is units that are too many, by those that took them.
    fn decide(&self, partition: &Partition, served: &Consumption) -> Decision<Bytes> {
        // Both begin anew: what was asked long ago says nothing of now.
        let (by_requests, by_units) = (partition.traffic.take_sample(), served.take_sample());
        let load = partition.traffic.load().unwrap_or_default();
        let rules = &self.split.rules;
        let is_of_units =
            load.units.share_of(&rules.units) > load.requests.share_of(&rules.requests);
        let sample = by_units.filter(|_| is_of_units).or(by_requests);
        let Some(sample) = sample else { return Decision::Stay(Veto::Unknown) };
        let settle = |key| self.split.settle(key);
        // Where a collection begins and ends, a partition may as well.
        let collection = |key: &Bytes| {
            let (first, behind) = self.split.collection_of(key);
            (settle(first), behind.map(settle))
        };
        let range = (&partition.spec.start, partition.spec.end.as_ref());
        decide(&sample, range, settle, collection, rules)
    }

    async fn try_split(&self, partition: &Partition, at: Bytes) {
        if self.table.borrow().len() >= self.split.partitions_per_shard {
            count(&self.counters.splits_vetoed);
        } else if !self.fleet().is_closing() {
            // A split that fails leaves all as it was, and the next look tries again.
            let _ = self.split(partition.spec.id, at).await;
        }
    }
}
