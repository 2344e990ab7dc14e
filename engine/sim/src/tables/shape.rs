//! What kind of engine and workload a seed of tables gets. Not the operations: see `operation`.

use std::fmt;

use flywheel_disk::sim::SimRng;
use flywheel_shard::{EngineOptions, StoreOptions};
use flywheel_table::Shards;

use super::operation::Mix;
use super::state::State;
use crate::keys::Key;
use crate::shape;

/// What every account has when it is opened.
pub const OPENING_BALANCE: i64 = 20;

/// The kind of one run.
#[derive(Debug, Clone)]
pub struct TableShape {
    shards: usize,
    clients: usize,
    accounts: Key,
    others: Key,
    options: EngineOptions,
    /// How often each operation comes.
    pub mix: Mix,
    /// How many clients in a hundred do not wait for an answer.
    pub impatience_percent: u64,
    /// How many in a hundred of the transactions whose fate nobody was told are asked again first thing
    /// after a crash.
    pub asking_again_percent: u64,
}

impl TableShape {
    /// Draws the kind of a run.
    pub fn draw(rng: &mut SimRng) -> Self {
        let shards = 2 + rng.below(2) as usize;
        let clients = 2 + rng.below(4) as usize;
        let accounts = 2 + rng.below(3) as Key;
        let others = 2 + rng.below(3) as Key;
        let options = shape::options(rng, false, Vec::new());
        let store = options.store.clone();
        let options = Shards::options(options, flywheel_table::Throttling::Never);
        // Items are small here, so small segments hold all that is written together.
        let store = StoreOptions { segment_bytes: store.segment_bytes, ..options.store };
        Self {
            shards,
            clients,
            accounts,
            others,
            options: EngineOptions { store, ..options },
            mix: Mix::draw(rng),
            impatience_percent: [0, 0, 3, 15][rng.below(4) as usize],
            asking_again_percent: [0, 50, 100][rng.below(3) as usize],
        }
    }

    /// Shards of the engine.
    pub fn shards(&self) -> usize {
        self.shards
    }

    /// Clients at a time.
    pub fn clients(&self) -> usize {
        self.clients
    }

    /// Settings of the engine.
    pub fn options(&self) -> &EngineOptions {
        &self.options
    }

    /// Items there may be.
    pub fn keys(&self) -> Key {
        self.accounts + self.others
    }

    /// Those whose balances only transfers change, and which never go.
    pub fn accounts(&self) -> Key {
        self.accounts
    }

    /// Draws any item.
    pub fn draw_key(&self, rng: &mut SimRng) -> Key {
        rng.below(self.keys().into()) as Key
    }

    /// Draws one that is no account.
    pub fn draw_other(&self, rng: &mut SimRng) -> Key {
        self.accounts + rng.below(self.others.into()) as Key
    }

    /// What transfers do not change: what all accounts have together.
    ///
    /// # Errors
    /// If it is something else.
    pub fn check_economy(&self, state: &State) -> Result<(), String> {
        let accounts = &state.items()[..usize::from(self.accounts)];
        let sum: i64 = accounts.iter().flatten().map(|account| account.balance).sum();
        let are_open = accounts.iter().filter(|account| account.is_some()).count();
        let expected = OPENING_BALANCE * i64::from(self.accounts);
        match are_open {
            0 => Ok(()),
            _ if are_open == accounts.len() && sum == expected => Ok(()),
            _ => Err(format!("the accounts have {sum} together, and had {expected}: {accounts:?}")),
        }
    }
}

impl fmt::Display for TableShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TableShape { shards, clients, accounts, others, .. } = self;
        write!(
            f,
            "tables on {shards} shards, {clients} clients, {accounts} accounts, {others} other items"
        )
    }
}
