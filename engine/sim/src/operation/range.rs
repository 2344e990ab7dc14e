//! Range: a page of neighbouring keys, either way.

use flywheel_disk::sim::SimRng;
use flywheel_shard::Direction;

use crate::client::Client;
use crate::keys::Key;
use crate::shape::Shape;

/// Reads a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    from: Key,
    to: Key,
    backward: bool,
    max_items: usize,
}

impl Range {
    pub(super) fn draw(rng: &mut SimRng, shape: &Shape) -> Self {
        let (one, other) = (shape.draw_key(rng), shape.draw_key(rng));
        let max_items = 1 + rng.below(20) as usize;
        Self { from: one.min(other), to: one.max(other), backward: rng.coin(), max_items }
    }

    pub(super) async fn run(&self, client: &Client) {
        let direction = if self.backward { Direction::Backward } else { Direction::Forward };
        client.range(self.from, self.to, direction, self.max_items).await;
    }
}
