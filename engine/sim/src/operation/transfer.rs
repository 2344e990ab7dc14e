//! Transfer: deletes a key that exists and puts its neighbour, at once: what one write decides depends
//! on another that may still be in flight.

use flywheel_disk::sim::SimRng;

use crate::client::{Client, Planned};
use crate::keys::Key;
use crate::shape::Shape;
use crate::state::When;

/// Deletes a key that exists and puts another, at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    from: Key,
    to: Key,
    length: usize,
}

impl Transfer {
    pub(super) fn draw(rng: &mut SimRng, shape: &Shape) -> Self {
        let from = shape.draw_key(rng);
        let to = if from == 0 { 1 } else { from - 1 };
        Self { from, to, length: shape.draw_length(rng) }
    }

    pub(super) async fn run(&self, client: &Client) {
        let taken = Planned { key: self.from, length: None, when: Some(When::Exists) };
        let given = Planned { key: self.to, length: Some(self.length), when: None };
        client.write(vec![taken, given]).await;
    }
}
