//! Batch: several neighbouring keys put and deleted at once, some under conditions.

use flywheel_disk::sim::SimRng;

use crate::client::{Client, Planned};
use crate::limits::{MAX_BATCH_VALUE_BYTES, MAX_BATCH_WRITES};
use crate::shape::Shape;
use crate::state::When;

/// Puts and deletes several keys at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    writes: Vec<Planned>,
}

impl Batch {
    pub(super) fn draw(rng: &mut SimRng, shape: &Shape) -> Self {
        let first = shape.draw_key(rng);
        let count = 2 + rng.below(MAX_BATCH_WRITES - 1);
        let conditional = rng.below(3) == 0;
        let last = shape.keys.len() as u64 - 1;
        // Neighbours, so that they mostly lie in one partition.
        let keys = (u64::from(first)..=last).take(count as usize);
        let writes = keys.map(|key| {
            let length =
                (rng.below(4) > 0).then(|| shape.draw_length(rng).min(MAX_BATCH_VALUE_BYTES));
            let when = match rng.below(4) {
                0 if conditional => Some(When::Exists),
                1 if conditional => Some(When::Absent),
                _ => None,
            };
            Planned { key: key as u16, length, when }
        });
        Self { writes: writes.collect() }
    }

    pub(super) async fn run(&self, client: &Client) {
        client.write(self.writes.clone()).await;
    }
}
