//! What the tests share: a small store on a simulated machine.

use std::ops::Bound;
use std::path::Path;

use bytes::Bytes;
use flywheel_disk::World;
use flywheel_disk::sim::SimWorld;
use flywheel_store::{
    Direction, PartitionId, PartitionSpec, PartitionState, ScanRequest, Store, StoreError,
    StoreOptions,
};

/// Where the store lives on the simulated disk.
pub const DIRECTORY: &str = "/data/shard-0000";

/// Small segments and eager upkeep, so that a few hundred operations cross every path.
pub fn options() -> StoreOptions {
    StoreOptions {
        segment_bytes: 64 << 10,
        cache_bytes: 16 << 10,
        commit_beside_bytes: 0,
        checkpoint_min_log_bytes: 256 << 10,
        ..StoreOptions::default()
    }
}

/// Opens the store, and gives a new one its first partition.
pub async fn open(world: &SimWorld) -> Result<Store<SimWorld>, StoreError> {
    open_with(world, options()).await
}

/// As [`open`], with other options.
pub async fn open_with(
    world: &SimWorld,
    options: StoreOptions,
) -> Result<Store<SimWorld>, StoreError> {
    world.create_directory(Path::new("/data")).await?;
    let store = Store::open(world.clone(), Path::new(DIRECTORY), options, None).await?;
    if store.partitions().is_empty() {
        store.create_partition(whole(PartitionId(1))).await?;
    }
    Ok(store)
}

/// A partition of the whole key space.
pub fn whole(id: PartitionId) -> PartitionSpec {
    PartitionSpec {
        id,
        ownership_epoch: 1,
        start: Bytes::new(),
        end: None,
        state: PartitionState::Serving,
    }
}

/// A scan of everything.
pub fn everything() -> ScanRequest {
    ScanRequest {
        start: Bound::Unbounded,
        end: Bound::Unbounded,
        direction: Direction::Forward,
        max_items: usize::MAX,
        max_bytes: usize::MAX,
    }
}

/// A key of the tests' small key space.
pub fn key(number: u64) -> Bytes {
    Bytes::from(format!("user{:06}", number * 7919 % 1_000_000))
}

/// A value that says whose it is and of which round, `length` bytes long.
pub fn value(number: u64, round: u64, length: usize) -> Bytes {
    let mut bytes = format!("{number}:{round}:").into_bytes();
    bytes.resize(length.max(bytes.len()), b'.');
    Bytes::from(bytes)
}
