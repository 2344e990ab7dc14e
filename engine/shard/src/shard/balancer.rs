//! Moves partitions off the busiest shard, one at a time: the first shard asks all others what they have and are
//! asked. Not the decision: see [`flywheel_capacity::balance`]; not the moving: see `mover`.

use std::collections::BTreeMap;

use flywheel_capacity::balance::{Balance, Placed};
use flywheel_store::PartitionId;

use crate::error::ShardError;
use crate::fleet::Fleet;
use crate::options::SplitOptions;
use crate::own;
use crate::request::Control;
use crate::stats::PartitionStats;

/// What was moved, or could not be, stays for so many looks: a load that comes and goes moves nothing to and fro.
const REST_LOOKS: u32 = 300;

/// What was seen at earlier looks.
#[derive(Debug, Default)]
pub(super) struct Balancer {
    balance: Balance,
    /// Partitions that stay, and for how many looks.
    resting: BTreeMap<PartitionId, u32>,
}

impl Balancer {
    /// Looks at all shards, and moves a partition if that is due and helps. A move that fails leaves all as it was.
    pub async fn look(&mut self, fleet: &Fleet, options: &SplitOptions) {
        let shards = fleet.inboxes.len();
        if shards < 2 || fleet.is_closing() {
            return;
        }
        self.resting.retain(|_, looks| {
            *looks -= 1;
            *looks > 0
        });
        let answers = fleet.control_all(|reply| Control::Stats { reply }).await;
        // Without one of the shards nothing can be said of all.
        let Ok(stats) = answers.into_iter().collect::<Result<Vec<_>, ShardError>>() else { return };
        let partitions: Vec<PartitionStats> =
            stats.into_iter().flat_map(|stats| stats.partitions).collect();
        let has_room = |shard: usize| {
            let of_shard = partitions.iter().filter(|of| usize::from(of.shard) == shard);
            of_shard.count() < options.partitions_per_shard
        };
        // Own ranges stay where they are.
        let is_own =
            |of: &PartitionStats| fleet.has_own_ranges() && *of.info.spec.start < *own::END;
        let placed = partitions.iter().filter(|partition| !is_own(partition)).map(|partition| {
            Some(Placed {
                id: partition.info.spec.id,
                core: usize::from(partition.shard),
                load: partition.load?.requests.share_of(&options.rules.requests),
                size_bytes: partition.info.record_bytes,
                may_move: !self.resting.contains_key(&partition.info.spec.id),
            })
        });
        // What was only just cut or moved is not idle because nobody has looked at it yet.
        let Some(placed) = placed.collect::<Option<Vec<_>>>() else { return };
        if let Some(due) = self.balance.look(shards, &placed, &options.balance)
            && has_room(due.to)
        {
            self.resting.insert(due.id, REST_LOOKS);
            let (from, to) = (due.from as u16, due.to as u16);
            let _ = fleet.control(from, |reply| Control::Move { id: due.id, to, reply }).await;
        }
    }
}
