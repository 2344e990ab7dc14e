//! DynamoDB's meaning on ordered keys: tables, items, what each operation does. No HTTP, no JSON of
//! requests, no files.
//!
//! [`Tables`] is the way in: a method an operation, each from its request to its response. What it stands on
//! is a [`Storage`], which knows nothing of items. Tables and indexes that are being made or taken away, and
//! global indexes, which follow their tables, are the work of [`Tables::upkeep`].

mod behind;
mod capacity;
mod catalog;
mod change;
mod definition;
mod describe;
mod dispatch;
mod extents;
mod item_key;
mod keys;
mod lag;
pub mod limits;
mod operation;
mod parameters;
mod read;
mod shards;
mod storage;
mod stored;
mod table;
mod tables;
mod throughput;
mod transaction;
mod upkeep;
mod wording;
mod words;
mod write;

pub use flywheel_item::Wording;
pub use keys::kept_together_bytes;
pub use lag::Lag;
pub use shards::Shards;
pub use storage::{Extent, Storage, StorageError};
pub use tables::{Clock, TableOptions, Tables};
pub use throughput::Throttling;
pub use throughput::consumed::Consumed;
pub use throughput::hot::{HotKey, HotPartition, HotReport};
pub use upkeep::Sleeper;
