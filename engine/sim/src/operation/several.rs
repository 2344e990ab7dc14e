//! Several: a read-modify-write that puts its key, puts or deletes a neighbour, and appends what it did to the
//! own range of its shard; sometimes only if the key holds something.

use flywheel_disk::sim::SimRng;

use crate::client::Client;
use crate::keys::Key;
use crate::limits::MAX_BATCH_VALUE_BYTES;
use crate::shape::Shape;

/// Puts a key, changes its neighbour, and appends to the shard's own range, at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Several {
    /// The key that is asked for.
    pub key: Key,
    /// How long its value is, in bytes.
    pub length: usize,
    /// The other one: mostly in the same partition.
    pub other: Key,
    /// How long that one's value is; `None` deletes it.
    pub other_length: Option<usize>,
    /// Nothing is done if the key holds nothing.
    pub only_if_there: bool,
}

impl Several {
    pub(super) fn draw(rng: &mut SimRng, shape: &Shape) -> Self {
        let key = shape.draw_key(rng);
        let mut length = || shape.draw_length(rng).min(MAX_BATCH_VALUE_BYTES);
        let (length, other_length) = (length(), length());
        Self {
            key,
            length,
            other: if key == 0 { 1 } else { key - 1 },
            other_length: (rng.below(3) > 0).then_some(other_length),
            only_if_there: rng.below(3) == 0,
        }
    }

    pub(super) async fn run(&self, client: &Client) {
        client.several(self).await;
    }
}
