//! Get: the value of one key.

use flywheel_disk::sim::SimRng;

use crate::client::Client;
use crate::keys::Key;
use crate::shape::Shape;

/// Reads a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Get {
    key: Key,
}

impl Get {
    pub(super) fn draw(rng: &mut SimRng, shape: &Shape) -> Self {
        Self { key: shape.draw_key(rng) }
    }

    pub(super) async fn run(&self, client: &Client) {
        client.get(self.key).await;
    }
}
