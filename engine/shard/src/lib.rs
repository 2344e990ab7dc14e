//! One core's world: mailboxes, routing, partitions, splitting and moving. Not a storage format and
//! not a table: below it stands `flywheel-store`, which knows no threads; above it, meaning.
//!
//! An [`Engine`] is an opened directory: one shard a core, each the only owner of its partitions. A
//! [`Handle`] is how any thread speaks to it. [`LocalEngine`] runs the same shards in one thread, on
//! any [`flywheel_disk::World`], so that a simulator can drive them by seed.
//!
//! A directory may be made with *own ranges* ([`EngineOptions::own_ranges`]): a partition for each shard to which
//! a read-modify-write appends, see [`Effect::Append`], and for whose growth a task can wait, see
//! [`Handle::appended`].
//!
//! How a request travels: the handle looks up the owner in the route map, puts the request into the
//! owner's bounded mailbox and awaits a one-shot reply. The owner answers what it has in memory at
//! once and runs the rest as tasks of its own core. No lock is shared between cores on that way, and
//! values are never copied.

mod admin;
mod admission;
mod assembly;
mod blocking;
mod consumption;
mod directory;
mod error;
mod fleet;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod handle;
pub mod limits;
mod local;
pub mod mailbox;
mod meter;
mod offline;
mod options;
mod own;
pub mod reply;
mod request;
pub mod route;
mod runtime;
mod scan;
mod shard;
mod stats;

pub use flywheel_capacity::balance::BalanceRules;
pub use flywheel_capacity::partition::PartitionLimits;
pub use flywheel_capacity::split::{Rates, SplitRules};
pub use flywheel_disk::Durability;
#[doc(hidden)]
pub use flywheel_disk::canary;
pub use flywheel_disk::real::{keep_freed_memory, monotonic_ns};
pub use flywheel_store::{
    Audit, Change, Checked, Concern, Condition, Direction, Effect, Finding, LostRegion, Modified,
    PartitionId, PartitionInfo, PartitionSpec, PartitionState, RecoveryProgress, ScanPage,
    ScanRequest, ScrubReport, ScrubState, StoreError, StoreOptions, StoreStats, Version, Versioned,
    Write, WriteBatch, WriteOutcome, own_prefix,
};

pub use admin::Admin;
pub use blocking::Blocking;
pub use consumption::{Asked, Consumption};
pub use directory::Identity;
pub use error::ShardError;
pub use handle::Handle;
pub use local::LocalEngine;
pub use meter::Meter;
pub use offline::{DirectoryCheck, Loss, OfflineProgress, SalvageReport, ShardCheck};
pub use options::{EngineOptions, SplitOptions, even_splits};
pub use request::ChangeFn;
pub use runtime::{Engine, Offline, OfflineCallback, OpenProgress};
pub use stats::{EngineStats, PartitionStats, ShardStats};
