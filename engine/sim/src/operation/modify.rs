//! Modify: a read-modify-write at the key's owner.

use flywheel_disk::sim::SimRng;

use crate::client::Client;
use crate::keys::Key;
use crate::shape::Shape;

/// Replaces what a key holds, at its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Modify {
    key: Key,
    length: usize,
}

impl Modify {
    pub(super) fn draw(rng: &mut SimRng, shape: &Shape) -> Self {
        Self { key: shape.draw_key(rng), length: shape.draw_length(rng) }
    }

    pub(super) async fn run(&self, client: &Client) {
        client.modify(self.key, self.length).await;
    }
}
