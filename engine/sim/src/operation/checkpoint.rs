//! Checkpoint: one on every shard, whether or not it is due.

use crate::client::Client;

/// Takes a checkpoint on every shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint;

impl Checkpoint {
    pub(super) async fn run(&self, client: &Client) {
        client.control(client.admin().checkpoint().await);
    }
}
