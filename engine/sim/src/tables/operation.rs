//! What clients of tables do: drawn beforehand, asked later. Not what the answers should be: the model
//! knows that.

use flywheel_disk::sim::SimRng;

use super::requests::table_of;
use super::shape::TableShape;
use super::state::When;
use crate::keys::Key;

/// One thing that a client does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// TransactWriteItems.
    Transact {
        /// What it does with which item: each is named once.
        steps: Vec<Planned>,
        /// Whether it comes with a token.
        has_token: bool,
        /// How long its client waits, in microseconds; `None` for ever.
        patience_us: Option<u64>,
    },
    /// TransactWriteItems with a token that was sent before.
    AskAgain(u64),
    /// PutItem, UpdateItem or DeleteItem.
    Exchange(Planned),
    /// BatchWriteItem: puts and deletes without conditions.
    Batch(Vec<Planned>),
    /// GetItem.
    Get(Key),
    /// TransactGetItems.
    Read(Vec<Key>),
    /// Query of the items of one partition key.
    Query(Key),
    /// Moves a partition to another shard.
    Relocate(u64),
    /// Takes a checkpoint on every shard.
    Checkpoint,
}

/// A step before it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// Which item.
    pub key: Key,
    /// What becomes of it.
    pub act: PlannedAct,
    /// What must hold beforehand.
    pub when: Option<PlannedWhen>,
}

/// What becomes of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlannedAct {
    /// It is put with this balance, into this group.
    Put(i64, Option<u8>),
    /// This is added to its balance, and it is in this group from now on.
    Add(i64, Option<u8>),
    /// It goes.
    Delete,
    /// Nothing.
    Check,
}

/// What must hold of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlannedWhen {
    /// This.
    Is(When),
    /// It is still as it was read just before.
    Unchanged,
}

/// How often each operation is drawn, relative to the others: different for every seed.
#[derive(Debug, Clone)]
pub struct Mix {
    weights: [u64; KINDS],
}

const KINDS: usize = 10;

impl Mix {
    /// Draws how often each operation comes.
    pub fn draw(rng: &mut SimRng) -> Self {
        let usual = [24, 16, 5, 18, 4, 12, 10, 3, 1, 1];
        let mut weights = usual.map(|weight| match rng.below(6) {
            0 => 0,
            1 => weight * 4,
            _ => weight,
        });
        // Transfers always come: they are what this is about.
        weights[0] = weights[0].max(10);
        Self { weights }
    }
}

impl Operation {
    /// Draws an operation.
    pub fn draw(rng: &mut SimRng, shape: &TableShape) -> Self {
        let mut left = rng.below(shape.mix.weights.iter().sum());
        let kind = shape.mix.weights.iter().position(|&weight| {
            let hit = left < weight;
            left = left.saturating_sub(weight);
            hit
        });
        match kind.expect("what is left is below the sum") {
            0 => Self::transfer(rng, shape),
            1 => Self::transaction(rng, shape),
            2 => Operation::AskAgain(rng.next_u64()),
            3 => Operation::Exchange(Planned::draw_single(rng, shape)),
            4 => Self::batch(rng, shape),
            5 => Operation::Get(shape.draw_key(rng)),
            6 => Self::read(rng, shape),
            7 => Operation::Query(shape.draw_key(rng)),
            8 => Operation::Relocate(rng.next_u64()),
            _ => Operation::Checkpoint,
        }
    }

    /// From one account to another, mostly with something beside it.
    fn transfer(rng: &mut SimRng, shape: &TableShape) -> Self {
        let accounts = u64::from(shape.accounts());
        let from = rng.below(accounts);
        let to = (from + 1 + rng.below(accounts - 1)) % accounts;
        let amount = 1 + rng.below(8) as i64;
        let mut add = |key: u64, amount, when| {
            let act = PlannedAct::Add(amount, draw_group(rng));
            Planned { key: key as Key, act, when: Some(PlannedWhen::Is(when)) }
        };
        let mut steps =
            vec![add(from, -amount, When::AtLeast(amount)), add(to, amount, When::Exists)];
        for _ in 0..rng.below(3) {
            let more = Planned::draw_other(rng, shape);
            steps.extend((!names(&steps, more.key)).then_some(more));
        }
        Self::transact(rng, shape, steps)
    }

    fn transaction(rng: &mut SimRng, shape: &TableShape) -> Self {
        let mut steps = vec![Planned::draw_other(rng, shape)];
        for _ in 0..1 + rng.below(3) {
            let more = Planned::draw_single(rng, shape);
            let more = match more.act {
                PlannedAct::Delete if rng.coin() => Planned { act: PlannedAct::Check, ..more },
                _ => more,
            };
            // A check needs something to check.
            let when = more.when.or((more.act == PlannedAct::Check).then(|| draw_when(rng)));
            steps.extend((!names(&steps, more.key)).then_some(Planned { when, ..more }));
        }
        Self::transact(rng, shape, steps)
    }

    fn transact(rng: &mut SimRng, shape: &TableShape, mut steps: Vec<Planned>) -> Self {
        // In any order: items are held in the order in which they are named.
        let (at, count) = (rng.below(steps.len() as u64) as usize, steps.len());
        steps.rotate_left(at % count);
        let is_impatient = rng.below(100) < shape.impatience_percent;
        Operation::Transact {
            steps,
            has_token: rng.below(3) == 0,
            patience_us: is_impatient.then(|| rng.below(2_000)),
        }
    }

    fn batch(rng: &mut SimRng, shape: &TableShape) -> Self {
        let mut steps: Vec<Planned> = Vec::new();
        for _ in 0..1 + rng.below(3) {
            let key = shape.draw_other(rng);
            let act = match rng.below(3) {
                0 => PlannedAct::Delete,
                _ => PlannedAct::Put(rng.below(30) as i64, draw_group(rng)),
            };
            steps.extend((!names(&steps, key)).then_some(Planned { key, act, when: None }));
        }
        Operation::Batch(steps)
    }

    /// All accounts, or any items.
    fn read(rng: &mut SimRng, shape: &TableShape) -> Self {
        if rng.coin() {
            return Operation::Read((0..shape.accounts()).collect());
        }
        let keys = (0..shape.keys()).filter(|_| rng.coin());
        let mut keys: Vec<Key> = keys.collect();
        if keys.is_empty() {
            keys.push(0);
        }
        Operation::Read(keys)
    }
}

impl Planned {
    /// Something to be done with any item; an account keeps its balance.
    fn draw_single(rng: &mut SimRng, shape: &TableShape) -> Self {
        if rng.below(3) > 0 {
            return Self::draw_other(rng, shape);
        }
        let key = rng.below(shape.accounts().into()) as Key;
        let when = match rng.below(3) {
            0 => PlannedWhen::Unchanged,
            _ => PlannedWhen::Is(When::Exists),
        };
        Self { key, act: PlannedAct::Add(0, draw_group(rng)), when: Some(when) }
    }

    fn draw_other(rng: &mut SimRng, shape: &TableShape) -> Self {
        let key = shape.draw_other(rng);
        let act = match rng.below(8) {
            0..=1 => PlannedAct::Delete,
            2..=4 => PlannedAct::Put(rng.below(30) as i64, draw_group(rng)),
            _ => PlannedAct::Add(rng.below(7) as i64 - 3, draw_group(rng)),
        };
        let when = (rng.coin()).then(|| draw_when(rng));
        Self { key, act, when }
    }
}

fn names(steps: &[Planned], key: Key) -> bool {
    steps.iter().any(|step| step.key == key)
}

fn draw_when(rng: &mut SimRng) -> PlannedWhen {
    match rng.below(5) {
        0 => PlannedWhen::Is(When::Absent),
        1 => PlannedWhen::Is(When::AtLeast(rng.below(20) as i64)),
        2 => PlannedWhen::Unchanged,
        _ => PlannedWhen::Is(When::Exists),
    }
}

fn draw_group(rng: &mut SimRng) -> Option<u8> {
    (rng.below(4) > 0).then(|| rng.below(3) as u8)
}

/// Whether two items are found by one query.
pub fn are_together(one: Key, other: Key) -> bool {
    use super::requests::{SORTED, partition_of};
    let is_one = one == other;
    let is_sorted = table_of(one) == SORTED && table_of(other) == SORTED;
    is_one || (is_sorted && partition_of(one) == partition_of(other))
}
