//! Settings of an engine, and their sanity. Not bounds: those stand in `limits`.

use std::time::Duration;

use bytes::Bytes;
use flywheel_capacity::balance::BalanceRules;
use flywheel_capacity::partition::PartitionLimits;
use flywheel_capacity::split::SplitRules;
use flywheel_disk::Durability;
use flywheel_store::StoreOptions;

use crate::error::ShardError;
use crate::handle::HandleBounds;
use crate::limits::{
    MAX_ACTIVE_REQUESTS, MAX_IN_FLIGHT, MAX_IN_FLIGHT_BYTES, MAX_MAILBOX_REQUESTS,
    MAX_PARTITIONS_PER_SHARD, MAX_SHARDS,
};
use crate::own;

/// How an engine behaves. The defaults suit a machine of its own.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Shards, each with a thread pinned to a processor; 0 for one on each processor this process
    /// may use. Fixed when the directory is created.
    pub shards: usize,
    /// Settings of the stores. `cache_bytes` and `index_bytes` are the whole engine's and divided among the shards;
    /// `shard` is overwritten.
    pub store: StoreOptions,
    /// Requests that may wait in one shard's mailbox before it refuses with [`ShardError::Busy`]. A bound for
    /// bursts, whose memory it limits; queues that stand are kept shorter by `queue_time`.
    pub mailbox_requests: usize,
    /// How long requests may queue at a shard under lasting overload: no more are let in than it answers in
    /// this time, once that many have stood there for 100 ms. `None`: only the fixed bounds hold.
    pub queue_time: Option<Duration>,
    /// Requests that one shard always lets in, however slowly it answers: twice the reads that a store has in
    /// flight, so that the disk is never idle and commit groups fill. Set it to the number of clients where
    /// each waits for its answer before it asks again, and none is turned away.
    pub always_admitted: usize,
    /// Requests that one handle and its clones may have under way before it refuses: what a burst may bring at
    /// once, and where answers that nobody collects end. At 100,000 a second, 2048 are 20 ms.
    pub in_flight: usize,
    /// Bytes of keys and values in writes that one handle and its clones may have under way before it refuses.
    /// One write alone is let in whatever its size.
    pub in_flight_bytes: usize,
    /// First keys of the initial partitions, the first one's (the empty key) left out; ascending.
    /// The partitions are dealt over the shards in order. Only used when a directory is created.
    pub initial_splits: Vec<Bytes>,
    /// Whether each shard gets a range of its own to append to: then the keys below 0x01 are divided among the
    /// shards, from [`crate::own_prefix`] on, in partitions that are never moved nor split, and `initial_splits`
    /// divide the keys from 0x01 on. Only used when a directory is created: it has them or not for good.
    pub own_ranges: bool,
    /// When partitions split and move by themselves.
    pub split: SplitOptions,
    /// What each partition may serve in the units that its users count; `None` for all that it can.
    pub partition_limits: Option<PartitionLimits>,
    /// How long a core polls before it sleeps: worth a little where waking another core is dear and
    /// processors are spare.
    pub spin: Duration,
    /// How writes are made durable; `None` keeps what a trial found faster when the directory was
    /// created.
    pub durability: Option<Durability>,
}

/// When partitions split, and move to another shard. DynamoDB's thresholds by default.
#[derive(Debug, Clone)]
pub struct SplitOptions {
    /// Whether partitions split and move by themselves at all. Explicit splits and moves work either way.
    pub automatic: bool,
    /// When one is cut, and when never. Its looks are one every [`SplitOptions::look_every`].
    pub rules: SplitRules,
    /// When one moves off a busy shard.
    pub balance: BalanceRules,
    /// How often sizes and loads are looked at.
    pub look_every: Duration,
    /// Automatic splits stop at this many partitions on a shard.
    pub partitions_per_shard: usize,
    /// Given a key, how many of its first bytes it shares with all the keys that must never be
    /// separated from it. Split points are cut to that length. `None`: every key may stand alone.
    pub keep_together: Option<fn(&[u8]) -> usize>,
    /// Given a key, how many of its first bytes it shares with the whole item collection that it is in, which is cut
    /// off from its neighbours if it has most of the traffic. `None`: every key is one.
    pub collection: Option<fn(&[u8]) -> usize>,
}

/// The settings of one shard, beside its store's.
#[derive(Debug, Clone)]
pub(crate) struct ShardSettings {
    pub split: SplitOptions,
    pub queue_time: Option<Duration>,
    pub always_admitted: usize,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            shards: 0,
            store: StoreOptions::default(),
            mailbox_requests: 4096,
            queue_time: Some(Duration::from_millis(8)),
            always_admitted: 128,
            in_flight: 2048,
            in_flight_bytes: 128 << 20,
            initial_splits: Vec::new(),
            own_ranges: false,
            split: SplitOptions::default(),
            partition_limits: None,
            spin: Duration::ZERO,
            durability: None,
        }
    }
}

impl Default for SplitOptions {
    fn default() -> Self {
        Self {
            automatic: true,
            rules: SplitRules::default(),
            balance: BalanceRules::default(),
            look_every: Duration::from_secs(1),
            partitions_per_shard: 64,
            keep_together: None,
            collection: None,
        }
    }
}

impl SplitOptions {
    /// `key` cut to the bytes that a partition may begin with.
    pub(crate) fn settle(&self, key: Bytes) -> Bytes {
        match self.keep_together {
            Some(shared_bytes) => key.slice(..shared_bytes(&key).min(key.len())),
            None => key,
        }
    }

    /// The first key of the item collection that `key` is in, and the first behind it, if there can be any.
    pub(crate) fn collection_of(&self, key: &Bytes) -> (Bytes, Option<Bytes>) {
        match self.collection {
            Some(shared_bytes) => {
                let first = key.slice(..shared_bytes(key).min(key.len()));
                let behind = successor(&first);
                (first, behind)
            }
            None if self.keep_together.is_some() => {
                let first = self.settle(key.clone());
                let behind = successor(&first);
                (first, behind)
            }
            None => (key.clone(), Some([key, &[0][..]].concat().into())),
        }
    }
}

/// The first key behind all that begin with `prefix`.
fn successor(prefix: &[u8]) -> Option<Bytes> {
    let last = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut behind = prefix[..=last].to_vec();
    behind[last] += 1;
    Some(behind.into())
}

/// `partitions - 1` split points that divide keys with evenly spread first bytes evenly: hashes,
/// most of all. 1 to 65,536 partitions.
pub fn even_splits(partitions: usize) -> Vec<Bytes> {
    let partitions = partitions.clamp(1, 1 << 16);
    (1..partitions)
        .map(|n| Bytes::copy_from_slice(&((n << 16) / partitions).to_be_bytes()[6..]))
        .collect()
}

impl EngineOptions {
    /// The number of shards on a host that offers `processors`.
    pub(crate) fn shard_count(&self, processors: usize) -> u16 {
        let wanted = if self.shards == 0 { processors.max(1) } else { self.shards };
        wanted.min(MAX_SHARDS) as u16
    }

    /// The settings of one shard's store.
    pub(crate) fn store_of(&self, shard: u16, shards: u16) -> StoreOptions {
        let cache_bytes = self.store.cache_bytes / u64::from(shards);
        let index_bytes = match self.store.index_bytes {
            u64::MAX => u64::MAX,
            bound => bound / u64::from(shards),
        };
        StoreOptions { shard, cache_bytes, index_bytes, ..self.store.clone() }
    }

    /// What each shard is told.
    pub(crate) fn shard_settings(&self) -> ShardSettings {
        ShardSettings {
            split: self.split.clone(),
            queue_time: self.queue_time,
            always_admitted: self.always_admitted,
        }
    }

    /// What each handle may have under way.
    pub(crate) fn handle_bounds(&self) -> HandleBounds {
        HandleBounds { requests: self.in_flight, bytes: self.in_flight_bytes }
    }

    /// Checks each setting against its bounds.
    ///
    /// # Errors
    /// [`ShardError::BadOption`] naming the setting, what was expected and what was found.
    pub fn check(&self) -> Result<(), ShardError> {
        self.store.check()?;
        within("shards", self.shards, 0, MAX_SHARDS)?;
        within("mailbox_requests", self.mailbox_requests, 1, MAX_MAILBOX_REQUESTS)?;
        within("in_flight", self.in_flight, 1, MAX_IN_FLIGHT)?;
        within("in_flight_bytes", self.in_flight_bytes, 1, MAX_IN_FLIGHT_BYTES)?;
        within("always_admitted", self.always_admitted, 1, MAX_ACTIVE_REQUESTS)?;
        if self.queue_time.is_some_and(|time| time.is_zero()) {
            return bad("queue_time", "more than 0, or none", "0");
        }
        let split = &self.split;
        within(
            "split.partitions_per_shard",
            split.partitions_per_shard,
            1,
            MAX_PARTITIONS_PER_SHARD,
        )?;
        let rules = &split.rules;
        within("split.rules.hot_looks", rules.hot_looks as usize, 1, 3600)?;
        if !(0.5..=1.0).contains(&rules.most_lopsided) {
            return bad("split.rules.most_lopsided", "0.5 to 1", rules.most_lopsided);
        }
        for (name, rates) in
            [("split.rules.requests", rules.requests), ("split.rules.units", rules.units)]
        {
            if !(rates.reads_per_s > 0.0 && rates.writes_per_s > 0.0) {
                let found = format!("{} and {}", rates.reads_per_s, rates.writes_per_s);
                return bad(name, "above 0", found);
            }
        }
        if !(0.0..1.0).contains(&split.balance.even_share) {
            return bad("split.balance.even_share", "0 to below 1", split.balance.even_share);
        }
        if split.look_every.is_zero() {
            return bad("split.look_every", "more than 0", "0");
        }
        self.check_initial_splits()
    }

    fn check_initial_splits(&self) -> Result<(), ShardError> {
        let splits = &self.initial_splits;
        let own = usize::from(self.own_ranges);
        let most = self.shards.max(1) * (MAX_PARTITIONS_PER_SHARD - own) - 1;
        within("initial_splits (their number)", splits.len(), 0, most)?;
        if self.own_ranges && splits.first().is_some_and(|first| **first <= *own::END) {
            return bad("initial_splits", "keys above 0x01, where own ranges end", "others");
        }
        let ascending = splits.windows(2).all(|pair| pair[0] < pair[1]);
        if !ascending || splits.first().is_some_and(Bytes::is_empty) {
            return bad("initial_splits", "ascending keys, none empty", "others");
        }
        Ok(())
    }
}

fn within(name: &'static str, found: usize, least: usize, most: usize) -> Result<(), ShardError> {
    if (least..=most).contains(&found) {
        return Ok(());
    }
    bad(name, format!("{least} to {most}"), found)
}

fn bad<T>(
    name: &'static str,
    expected: impl ToString,
    found: impl ToString,
) -> Result<T, ShardError> {
    Err(ShardError::BadOption { name, expected: expected.to_string(), found: found.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_pass_and_bad_settings_are_named() {
        EngineOptions::default().check().expect("defaults");
        let named = |options: EngineOptions| match options.check() {
            Err(ShardError::BadOption { name, .. }) => name,
            other => panic!("expected a bad option, found {other:?}"),
        };
        let base = EngineOptions::default;
        assert_eq!(named(EngineOptions { in_flight: 0, ..base() }), "in_flight");
        assert_eq!(named(EngineOptions { in_flight_bytes: 0, ..base() }), "in_flight_bytes");
        assert_eq!(named(EngineOptions { always_admitted: 0, ..base() }), "always_admitted");
        let queue_time = Some(Duration::ZERO);
        assert_eq!(named(EngineOptions { queue_time, ..base() }), "queue_time");
        assert_eq!(
            named(EngineOptions { mailbox_requests: 1 << 20, ..base() }),
            "mailbox_requests"
        );
        let splits = |keys: &[&'static str]| keys.iter().map(|key| Bytes::from(*key)).collect();
        for initial_splits in [splits(&["b", "a"]), splits(&["a", "a"]), splits(&["", "a"])] {
            assert_eq!(named(EngineOptions { initial_splits, ..base() }), "initial_splits");
        }
    }

    #[test]
    fn a_collection_ends_where_its_beginning_does() {
        let of_two = |key: &'static [u8]| {
            let split = SplitOptions { collection: Some(|_| 2), ..SplitOptions::default() };
            split.collection_of(&Bytes::from_static(key))
        };
        assert_eq!(of_two(b"abc"), (Bytes::from("ab"), Some(Bytes::from("ac"))));
        assert_eq!(of_two(b"a\xff1").1, Some(Bytes::from("b")));
        assert_eq!(of_two(b"\xff\xff1").1, None, "nothing is behind it");
        let alone = SplitOptions::default().collection_of(&Bytes::from("k"));
        assert_eq!(alone, (Bytes::from("k"), Some(Bytes::from("k\0"))));
    }

    #[test]
    fn even_splits_are_even() {
        assert!(even_splits(1).is_empty());
        assert_eq!(even_splits(4), [&[0x40, 0][..], &[0x80, 0], &[0xc0, 0]]);
        assert_eq!(even_splits(65_536).len(), 65_535);
    }
}
