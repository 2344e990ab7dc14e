//! Invariants of a running shard, read off its tables between any two steps: for simulators and tests.
//! Not those that hold between shards: see `local`.

use flywheel_disk::World;
use flywheel_store::{Audit, PartitionSpec};

use super::Shard;
use crate::limits::{MAX_ACTIVE_REQUESTS, MAX_CONTROL_MESSAGES, MAX_MAILBOX_REQUESTS};

impl<W: World> Shard<W> {
    /// Checks queues and the store; answers with the partitions that it would answer for right now.
    ///
    /// # Errors
    /// What does not hold.
    pub fn audit(&self, audit: Audit) -> Result<Vec<PartitionSpec>, String> {
        let number = self.number;
        let queues = [
            ("active requests", self.active.count(), MAX_ACTIVE_REQUESTS),
            ("waiting requests", self.inbox.requests.len(), MAX_MAILBOX_REQUESTS),
            ("control messages", self.inbox.control.len(), MAX_CONTROL_MESSAGES),
        ];
        for (name, found, most) in queues {
            if found > most {
                return Err(format!("shard {number} has {found} {name}, above {most}"));
            }
        }
        self.store.audit(audit).map_err(|problem| format!("shard {number}: {problem}"))?;
        let table = self.table.borrow();
        let answering = table.iter().filter(|partition| partition.is_open());
        Ok(answering.map(|partition| partition.spec.clone()).collect())
    }
}
