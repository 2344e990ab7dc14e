//! Relocate: moves the partition of a key to another shard. (`move` is a word of the language.)

use flywheel_disk::sim::SimRng;

use crate::client::Client;
use crate::keys::Key;
use crate::shape::Shape;

/// Moves a partition to another shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relocate {
    of: Key,
    to: u16,
}

impl Relocate {
    pub(super) fn draw(rng: &mut SimRng, shape: &Shape) -> Self {
        Self { of: shape.draw_key(rng), to: rng.below(shape.shards as u64) as u16 }
    }

    pub(super) async fn run(&self, client: &Client) {
        let id = client.handle().locate(&client.key_bytes(self.of)).partition;
        client.control(client.admin().move_partition(id, self.to).await);
    }
}
