//! A directory that nobody has open: checked as a whole, or salvaged into a new one. On any world; taking
//! the lock and swapping directories is for `runtime` and for whoever calls it.

mod check;
mod salvage;
#[cfg(test)]
mod tests;

pub(crate) use check::check;
pub use check::{DirectoryCheck, ShardCheck};
pub(crate) use salvage::salvage;
pub use salvage::{Loss, SalvageReport};

use flywheel_store::StoreOptions;

use crate::directory::Identity;
use crate::options::EngineOptions;

/// How far checking or salvaging is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfflineProgress {
    /// The shard it is at.
    pub shard: u16,
    /// What of it is done...
    pub done: u64,
    /// ...and what is to be done: bytes of a check, items of a salvage.
    pub of: u64,
}

/// The settings that a shard's store is looked at with.
fn store_options(identity: &Identity, shard: u16) -> StoreOptions {
    let store = StoreOptions {
        segment_bytes: identity.segment_bytes,
        cache_bytes: 0,
        scrub_bytes_per_s: 0,
        ..StoreOptions::default()
    };
    EngineOptions { store, ..EngineOptions::default() }.store_of(shard, identity.shards)
}
