//! Delete: a key, whether or not it holds something; sometimes only if it does.

use flywheel_disk::sim::SimRng;

use crate::client::{Client, Planned};
use crate::keys::Key;
use crate::shape::Shape;
use crate::state::When;

/// Deletes a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delete {
    key: Key,
    only_if_there: bool,
}

impl Delete {
    pub(super) fn draw(rng: &mut SimRng, shape: &Shape) -> Self {
        Self { key: shape.draw_key(rng), only_if_there: rng.below(3) == 0 }
    }

    pub(super) async fn run(&self, client: &Client) {
        let when = self.only_if_there.then_some(When::Exists);
        client.write(vec![Planned { key: self.key, length: None, when }]).await;
    }
}
