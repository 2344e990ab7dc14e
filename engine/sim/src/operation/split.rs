//! Split: cuts the partition of a key there.

use flywheel_disk::sim::SimRng;

use crate::client::Client;
use crate::keys::Key;
use crate::shape::Shape;

/// Cuts a partition in two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    at: Key,
}

impl Split {
    pub(super) fn draw(rng: &mut SimRng, shape: &Shape) -> Self {
        Self { at: shape.draw_key(rng) }
    }

    pub(super) async fn run(&self, client: &Client) {
        let at = client.key_bytes(self.at);
        let id = client.handle().locate(&at).partition;
        client.control(client.admin().split_partition(id, at).await.map(drop));
    }
}
