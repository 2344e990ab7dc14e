//! What the tests share: small options, simulated engines, directories on the real disk.

use std::ops::Bound;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use flywheel_disk::host;
use flywheel_disk::sim::SimWorld;
use flywheel_shard::{
    Direction, EngineOptions, LocalEngine, ScanRequest, ShardError, SplitOptions, StoreOptions,
};

/// Where simulated engines live.
pub const DIRECTORY: &str = "/data/engine";

/// Settings that make everything happen early: small segments, a small cache, no splits of its own
/// accord.
pub fn small_options() -> EngineOptions {
    EngineOptions {
        store: StoreOptions {
            segment_bytes: 128 << 10,
            cache_bytes: 64 << 10,
            checkpoint_min_log_bytes: 256 << 10,
            ..StoreOptions::default()
        },
        initial_splits: ["h", "p"].map(Bytes::from).into(),
        split: SplitOptions { automatic: false, ..SplitOptions::default() },
        ..EngineOptions::default()
    }
}

/// Opens an engine of `shards` shards on a simulated machine.
pub async fn open(world: &SimWorld, shards: usize) -> LocalEngine {
    open_with(world, shards, small_options()).await.expect("opened")
}

pub async fn open_with(
    world: &SimWorld,
    shards: usize,
    options: EngineOptions,
) -> Result<LocalEngine, ShardError> {
    let others = (1..shards).map(|_| world.another());
    let worlds = std::iter::once(world.clone()).chain(others).collect();
    LocalEngine::open(worlds, Path::new(DIRECTORY), options).await
}

/// The n-th of the keys that tests use: spread over the alphabet, so over the partitions.
pub fn key(n: usize) -> Bytes {
    let first = (b'a' + (n * 7 % 26) as u8) as char;
    Bytes::from(format!("{first}{n:05}"))
}

pub fn number(n: u64) -> Bytes {
    Bytes::copy_from_slice(&n.to_be_bytes())
}

pub fn as_number(value: &[u8]) -> u64 {
    u64::from_be_bytes(value.try_into().expect("eight bytes"))
}

/// A scan of everything, in pages of `max_items`.
pub fn everything(direction: Direction, max_items: usize) -> ScanRequest {
    ScanRequest {
        start: Bound::Unbounded,
        end: Bound::Unbounded,
        direction,
        max_items,
        max_bytes: usize::MAX,
    }
}

/// A directory of its own on the real disk, not yet made; `None`, with the reason printed, where the
/// host cannot run the engine.
pub struct RealDirectory {
    root: tempfile::TempDir,
}

impl RealDirectory {
    pub fn new(test: &str) -> Option<Self> {
        let within = Path::new(env!("CARGO_TARGET_TMPDIR"));
        if let Err(error) = host::check(within) {
            println!("{test}: skipped, because {error}");
            return None;
        }
        let root = tempfile::Builder::new().prefix(test).tempdir_in(within).expect("made");
        Some(Self { root })
    }

    pub fn path(&self) -> PathBuf {
        self.root.path().join("engine")
    }
}
