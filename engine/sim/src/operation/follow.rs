//! Follow: reads on in a shard's own range; and trim: deletes what was read there.

use flywheel_disk::sim::SimRng;

use crate::client::Client;
use crate::limits::MAX_BATCH_WRITES;
use crate::shape::Shape;

/// Reads what was appended to a shard's own range since somebody last looked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Follow {
    shard: u16,
    max_items: usize,
}

impl Follow {
    pub(super) fn draw(rng: &mut SimRng, shape: &Shape) -> Self {
        Self { shard: draw_shard(rng, shape), max_items: 1 + rng.below(12) as usize }
    }

    pub(super) async fn run(&self, client: &Client) {
        if client.has_own_ranges() {
            client.follow(self.shard, self.max_items).await;
        }
    }
}

/// Deletes some of what was read in a shard's own range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trim {
    shard: u16,
    most: usize,
}

impl Trim {
    pub(super) fn draw(rng: &mut SimRng, shape: &Shape) -> Self {
        Self { shard: draw_shard(rng, shape), most: 1 + rng.below(MAX_BATCH_WRITES) as usize }
    }

    pub(super) async fn run(&self, client: &Client) {
        if client.has_own_ranges() {
            client.trim(self.shard, self.most).await;
        }
    }
}

fn draw_shard(rng: &mut SimRng, shape: &Shape) -> u16 {
    rng.below(shape.shards as u64) as u16
}
