//! What clients do, one file for each operation: how it is drawn, and how it is asked of an engine. Not
//! what its answer should be: the model knows that.

mod batch;
mod checkpoint;
mod delete;
mod follow;
mod get;
mod modify;
mod put;
mod range;
mod relocate;
mod replace;
mod several;
mod split;
mod transfer;

use flywheel_disk::sim::SimRng;

use crate::client::Client;
use crate::shape::Shape;

pub use batch::Batch;
pub use checkpoint::Checkpoint;
pub use delete::Delete;
pub use follow::{Follow, Trim};
pub use get::Get;
pub use modify::Modify;
pub use put::{Create, Put};
pub use range::Range;
pub use relocate::Relocate;
pub use replace::Replace;
pub use several::Several;
pub use split::Split;
pub use transfer::Transfer;

/// One thing that a client does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Puts a value.
    Put(Put),
    /// Puts a value where there is none.
    Create(Create),
    /// Deletes a key.
    Delete(Delete),
    /// Reads a key.
    Get(Get),
    /// Reads a key and puts another value if it still holds the same one.
    Replace(Replace),
    /// Replaces what a key holds, at its owner.
    Modify(Modify),
    /// Puts and deletes several keys at once.
    Batch(Batch),
    /// Deletes a key that exists and puts another, at once.
    Transfer(Transfer),
    /// Reads a range.
    Range(Range),
    /// Cuts a partition in two.
    Split(Split),
    /// Moves a partition to another shard.
    Relocate(Relocate),
    /// Takes a checkpoint on every shard.
    Checkpoint(Checkpoint),
    /// Puts a key, changes its neighbour, and appends to the shard's own range, at once.
    Several(Several),
    /// Reads what was appended to a shard's own range.
    Follow(Follow),
    /// Deletes what was read there.
    Trim(Trim),
}

/// How often each operation is drawn, relative to the others: different for every seed, so that some
/// runs do much of one and none of another.
#[derive(Debug, Clone)]
pub struct Mix {
    weights: [u64; KINDS],
}

const KINDS: usize = 15;

impl Mix {
    /// Draws how often each operation comes.
    pub fn draw(rng: &mut SimRng) -> Self {
        let usual = [30, 6, 12, 20, 6, 8, 8, 6, 6, 2, 3, 1, 10, 8, 3];
        let swayed = usual.map(|weight| match rng.below(6) {
            0 => 0,
            1 => weight * 4,
            _ => weight,
        });
        // Puts always come: without them there is nothing to lose.
        let mut weights = swayed;
        weights[0] = weights[0].max(10);
        Self { weights }
    }
}

impl Operation {
    /// Draws an operation.
    pub fn draw(rng: &mut SimRng, shape: &Shape) -> Self {
        let mut left = rng.below(shape.mix.weights.iter().sum());
        let kind = shape.mix.weights.iter().position(|&weight| {
            let hit = left < weight;
            left = left.saturating_sub(weight);
            hit
        });
        match kind.expect("below the sum of all weights") {
            0 => Operation::Put(Put::draw(rng, shape)),
            1 => Operation::Create(Create::draw(rng, shape)),
            2 => Operation::Delete(Delete::draw(rng, shape)),
            3 => Operation::Get(Get::draw(rng, shape)),
            4 => Operation::Replace(Replace::draw(rng, shape)),
            5 => Operation::Modify(Modify::draw(rng, shape)),
            6 => Operation::Batch(Batch::draw(rng, shape)),
            7 => Operation::Transfer(Transfer::draw(rng, shape)),
            8 => Operation::Range(Range::draw(rng, shape)),
            9 => Operation::Split(Split::draw(rng, shape)),
            10 => Operation::Relocate(Relocate::draw(rng, shape)),
            11 => Operation::Checkpoint(Checkpoint),
            12 => Operation::Several(Several::draw(rng, shape)),
            13 => Operation::Follow(Follow::draw(rng, shape)),
            _ => Operation::Trim(Trim::draw(rng, shape)),
        }
    }

    /// Does it, and notes what was asked and told.
    pub async fn run(&self, client: &Client) {
        match self {
            Operation::Put(operation) => operation.run(client).await,
            Operation::Create(operation) => operation.run(client).await,
            Operation::Delete(operation) => operation.run(client).await,
            Operation::Get(operation) => operation.run(client).await,
            Operation::Replace(operation) => operation.run(client).await,
            Operation::Modify(operation) => operation.run(client).await,
            Operation::Batch(operation) => operation.run(client).await,
            Operation::Transfer(operation) => operation.run(client).await,
            Operation::Range(operation) => operation.run(client).await,
            Operation::Split(operation) => operation.run(client).await,
            Operation::Relocate(operation) => operation.run(client).await,
            Operation::Checkpoint(operation) => operation.run(client).await,
            Operation::Several(operation) => operation.run(client).await,
            Operation::Follow(operation) => operation.run(client).await,
            Operation::Trim(operation) => operation.run(client).await,
        }
    }
}
