//! What kind of engine and workload a seed gets: sizes, bounds, how often each operation comes. Not the
//! operations themselves: see `plan`. Seeds differ widely on purpose: some runs crowd a few keys, some
//! fill many segments, some never split.

use std::ops::RangeInclusive;
use std::time::Duration;

use bytes::Bytes;
use flywheel_disk::sim::SimRng;
use flywheel_shard::{BalanceRules, EngineOptions, Rates, SplitOptions, SplitRules, StoreOptions};

use crate::keys::{Key, KeySpace};
use crate::operation::Mix;

/// Smallest segments: a few dozen writes fill one.
const SEGMENT_BYTES: u32 = 64 << 10;

/// The kind of one run.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Shards of the engine.
    pub shards: usize,
    /// Clients at a time.
    pub clients: usize,
    /// Keys there are.
    pub keys: KeySpace,
    /// How often each operation comes.
    pub mix: Mix,
    /// Settings of the engine.
    pub options: EngineOptions,
    /// Mailboxes are so small that requests may be refused.
    pub is_tight: bool,
    value_bytes: RangeInclusive<u64>,
    /// Half of all operations go to so many keys.
    hot_keys: u64,
}

impl Shape {
    /// Draws the kind of a run.
    pub fn draw(rng: &mut SimRng) -> Self {
        let shards = 1 + rng.below(3) as usize;
        let clients = 2 + rng.below(5) as usize;
        let keys = KeySpace::new(8 + rng.below(72) as usize);
        let value_bytes = match rng.below(4) {
            0 => 8..=200,
            1 => 8..=12_000,
            _ => 8..=3_000,
        };
        let hot_keys = 1 + rng.below(keys.len() as u64);
        let is_tight = rng.below(8) == 0;
        let middle = keys.bytes(keys.len() as Key / 2);
        let options = options(rng, is_tight, vec![middle]);
        Self {
            shards,
            clients,
            keys,
            mix: Mix::draw(rng),
            options,
            is_tight,
            value_bytes,
            hot_keys,
        }
    }

    /// Draws a key.
    pub fn draw_key(&self, rng: &mut SimRng) -> Key {
        let among = if rng.coin() { self.hot_keys } else { self.keys.len() as u64 };
        rng.below(among) as Key
    }

    /// Draws how long a value is, in bytes.
    pub fn draw_length(&self, rng: &mut SimRng) -> usize {
        rng.within(&self.value_bytes) as usize
    }
}

/// Draws settings of an engine that begins as one partition, or with these splits.
pub(crate) fn options(rng: &mut SimRng, is_tight: bool, splits: Vec<Bytes>) -> EngineOptions {
    let store = StoreOptions {
        segment_bytes: SEGMENT_BYTES << rng.below(2),
        cache_bytes: [0, 16 << 10, 1 << 20][rng.below(3) as usize],
        // A leaf takes one to two KiB: none, some, or all of the index stays in memory.
        index_bytes: [u64::MAX, 0, 6 << 10, 12 << 10][rng.below(4) as usize],
        reads_in_flight: 1 + rng.below(16) as usize,
        commit_depth: 1 + rng.below(8) as usize,
        commit_beside_bytes: [0, 0, 2 << 10, 256 << 10][rng.below(4) as usize],
        ready_segments: 1 + rng.below(3) as usize,
        max_dead_share: 0.05 + rng.below(45) as f64 / 100.0,
        checkpoint_min_log_bytes: (64 << 10) << rng.below(4),
        checkpoint_log_share: 0.25,
        scrub_bytes_per_s: [0, 4 << 20, 1 << 30][rng.below(3) as usize],
        ..StoreOptions::default()
    };
    let hot = Rates { reads_per_s: 200.0, writes_per_s: 200.0 };
    let split = SplitOptions {
        automatic: rng.below(3) == 0,
        rules: SplitRules {
            size_bytes: 16 << 10,
            requests: hot,
            hot_looks: 2,
            ..SplitRules::default()
        },
        balance: BalanceRules { least_load: 0.1, lopsided_looks: 2, ..BalanceRules::default() },
        look_every: Duration::from_millis(10),
        partitions_per_shard: 8,
        ..SplitOptions::default()
    };
    let initial_splits = if rng.coin() { splits } else { Vec::new() };
    let bound = if is_tight { 3 } else { 4096 };
    EngineOptions {
        store,
        split,
        initial_splits,
        own_ranges: rng.below(4) > 0,
        mailbox_requests: bound,
        in_flight: 4096,
        ..EngineOptions::default()
    }
}
