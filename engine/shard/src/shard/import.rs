//! The receiving end of a move: a partition that is filled and serves nobody until it is activated.
//! Not the order of the steps: the shard that moves it away decides that, in `mover`.

use flywheel_disk::World;
use flywheel_store::{PartitionId, PartitionSpec, PartitionState};
use std::rc::Rc;

use super::Shard;
use super::partition::Partition;
use crate::error::ShardError;
use crate::limits::MAX_PARTITIONS_PER_SHARD;
use crate::request::ImportStep;

impl<W: World> Shard<W> {
    /// Takes one step, durably.
    pub(super) async fn import(&self, step: ImportStep) -> Result<(), ShardError> {
        match step {
            ImportStep::Begin(spec) => self.begin_import(spec).await,
            ImportStep::Records(id, records) => {
                self.check_incoming(id)?;
                Ok(self.store.import(records).await?)
            }
            ImportStep::Activate(id, ownership_epoch) => self.activate(id, ownership_epoch).await,
            ImportStep::Abort(id) => {
                self.check_incoming(id)?;
                self.incoming.borrow_mut().remove(&id);
                Ok(self.store.drop_partition(id).await?)
            }
        }
    }

    async fn begin_import(&self, spec: PartitionSpec) -> Result<(), ShardError> {
        let id = spec.id;
        if self.table.borrow().len() + self.incoming.borrow().len() >= MAX_PARTITIONS_PER_SHARD {
            let reason = "the other shard has as many partitions as it may".to_owned();
            return Err(ShardError::NotMoved { id, reason });
        }
        self.store.create_partition(spec.clone()).await?;
        self.incoming.borrow_mut().insert(id, spec);
        Ok(())
    }

    /// Once this is durable the partition is ours, whatever becomes of the other shard.
    async fn activate(&self, id: PartitionId, ownership_epoch: u64) -> Result<(), ShardError> {
        self.check_incoming(id)?;
        self.store.activate_partition(id, ownership_epoch).await?;
        let spec = self.incoming.borrow_mut().remove(&id).ok_or(ShardError::NoSuchPartition(id))?;
        let spec = PartitionSpec { ownership_epoch, state: PartitionState::Serving, ..spec };
        self.table.borrow_mut().insert(Rc::new(Partition::new(spec)));
        Ok(())
    }

    fn check_incoming(&self, id: PartitionId) -> Result<(), ShardError> {
        let known = self.incoming.borrow().contains_key(&id);
        known.then_some(()).ok_or(ShardError::NoSuchPartition(id))
    }
}
