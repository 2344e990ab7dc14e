//! Put: a value, whatever was there; and create: a value where there was none.

use flywheel_disk::sim::SimRng;

use crate::client::{Client, Planned};
use crate::keys::Key;
use crate::shape::Shape;
use crate::state::When;

/// Puts a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    key: Key,
    length: usize,
}

impl Put {
    pub(super) fn draw(rng: &mut SimRng, shape: &Shape) -> Self {
        Self { key: shape.draw_key(rng), length: shape.draw_length(rng) }
    }

    pub(super) async fn run(&self, client: &Client) {
        client.write(vec![Planned { key: self.key, length: Some(self.length), when: None }]).await;
    }
}

/// Puts a value where there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Create {
    key: Key,
    length: usize,
}

impl Create {
    pub(super) fn draw(rng: &mut SimRng, shape: &Shape) -> Self {
        Self { key: shape.draw_key(rng), length: shape.draw_length(rng) }
    }

    pub(super) async fn run(&self, client: &Client) {
        let (length, when) = (Some(self.length), Some(When::Absent));
        client.write(vec![Planned { key: self.key, length, when }]).await;
    }
}
