//! Moves partitions off the busiest shard, one at a time: the first shard asks all others what they have and are
//! asked. Not the decision: see [`flywheel_capacity::balance`]; not the moving: see `mover`.

use flywheel_capacity::balance::{Balance, Placed};

use crate::error::ShardError;
use crate::fleet::Fleet;
use crate::options::SplitOptions;
use crate::own;
use crate::request::Control;
use crate::stats::PartitionStats;

/// What was seen at earlier looks.
#[derive(Debug, Default)]
pub(super) struct Balancer {
    balance: Balance,
}

impl Balancer {
    /// Looks at all shards, and moves a partition if that is due and helps. A move that fails leaves all as it was,
    /// and later looks find the same.
    pub async fn look(&mut self, fleet: &Fleet, options: &SplitOptions) {
        let shards = fleet.inboxes.len();
        if shards < 2 || fleet.is_closing() {
            return;
        }
        let answers = fleet.control_all(|reply| Control::Stats { reply }).await;
        // Without one of the shards nothing can be said of all.
        let Ok(stats) = answers.into_iter().collect::<Result<Vec<_>, ShardError>>() else { return };
        let partitions = stats.into_iter().flat_map(|stats| stats.partitions);
        // Own ranges stay where they are.
        let is_own =
            |of: &PartitionStats| fleet.has_own_ranges() && *of.info.spec.start < *own::END;
        let placed: Vec<_> = partitions
            .filter(|partition| !is_own(partition))
            .map(|partition| Placed {
                id: partition.info.spec.id,
                core: usize::from(partition.shard),
                load: partition.requests.share_of(&options.rules.requests),
                size_bytes: partition.info.record_bytes,
            })
            .collect();
        if let Some(due) = self.balance.look(shards, &placed, &options.balance) {
            let (from, to) = (due.from as u16, due.to as u16);
            let _ = fleet.control(from, |reply| Control::Move { id: due.id, to, reply }).await;
        }
    }
}
