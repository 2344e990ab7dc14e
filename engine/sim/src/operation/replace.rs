//! Replace: what optimistic clients do: read a key, then put if it still holds that version.

use flywheel_disk::sim::SimRng;

use crate::client::{Client, Planned};
use crate::keys::Key;
use crate::shape::Shape;
use crate::state::When;

/// Reads a key and puts another value if it still holds the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replace {
    key: Key,
    length: usize,
}

impl Replace {
    pub(super) fn draw(rng: &mut SimRng, shape: &Shape) -> Self {
        Self { key: shape.draw_key(rng), length: shape.draw_length(rng) }
    }

    pub(super) async fn run(&self, client: &Client) {
        let Some(found) = client.get(self.key).await else { return };
        let when = found.map_or(When::Absent, When::Holds);
        let planned = Planned { key: self.key, length: Some(self.length), when: Some(when) };
        client.write(vec![planned]).await;
    }
}
