//! The images: a store's life on a few small segments, and all that was written on the way. Not what
//! is done to them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use flywheel_disk::World;
use flywheel_disk::sim::{self, SimDisk, SimWorld};
use flywheel_store::{
    ImportedRecord, PartitionId, PartitionSpec, PartitionState, Store, StoreOptions, Versioned,
    Write, WriteBatch, WriteOutcome,
};

use super::layout::{Structure, layout};

/// Where the store lives.
pub const DIRECTORY: &str = "/data";

/// Longer than any pause after which the log is confirmed, or compaction looks for work.
const REST: Duration = Duration::from_millis(600);

const KEYS: u64 = 12;

/// How an image's last process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// In the middle of the work.
    Crashed,
    /// Some time after the last write: the log was confirmed.
    Rested,
    /// In good order: a checkpoint holds everything.
    Closed,
}

/// How many ends there are.
pub const END_COUNT: u8 = 3;

/// A store's files, and what was written to them.
pub struct Image {
    /// The store.
    pub disk: SimDisk,
    /// The same store earlier.
    pub older: SimDisk,
    /// Its files, sorted.
    pub paths: Vec<PathBuf>,
    /// All that stands in them.
    pub structures: Vec<Structure>,
    /// Every value ever written under each key.
    pub written: BTreeMap<Bytes, Vec<Versioned>>,
}

/// Small segments, little ahead.
pub fn options() -> StoreOptions {
    StoreOptions {
        segment_bytes: 64 << 10,
        cache_bytes: 4 << 10,
        ready_segments: 1,
        checkpoint_min_log_bytes: u64::MAX / 2,
        ..StoreOptions::default()
    }
}

/// Opens the store in its directory, or creates it.
pub async fn open(world: &SimWorld) -> Result<Store<SimWorld>, flywheel_store::StoreError> {
    Store::open(world.clone(), Path::new(DIRECTORY), options(), None).await
}

fn key(number: u64) -> Bytes {
    Bytes::from(format!("{:02}/key", number % KEYS * 8))
}

fn put(number: u64, round: u64) -> Write {
    let mut value = format!("{number} in round {round}").into_bytes();
    // Some of one block, one of several, most of a few bytes.
    let length = [20, 40, 700, 30, 5000, 60][((number + round) % 6) as usize];
    value.resize(length, b'.');
    Write { key: key(number), value: Some(Bytes::from(value)), condition: None }
}

fn delete(number: u64) -> Write {
    Write { key: key(number), value: None, condition: None }
}

/// A store at work, and what was written.
struct Writer<'a> {
    world: SimWorld,
    store: Store<SimWorld>,
    written: &'a mut BTreeMap<Bytes, Vec<Versioned>>,
}

impl Writer<'_> {
    fn note(&mut self, key: &Bytes, version: u64, value: &Bytes) {
        let versioned = Versioned { version, value: value.clone() };
        self.written.entry(key.clone()).or_default().push(versioned);
    }

    async fn write(&mut self, writes: Vec<Write>) {
        let batch = WriteBatch { writes: writes.clone() };
        let outcome = self.store.write(batch).await.expect("writes");
        let WriteOutcome::Applied { first_version } = outcome else { panic!("{outcome:?}") };
        for (version, write) in (first_version..).zip(&writes) {
            if let Some(value) = &write.value {
                self.note(&write.key, version, value);
            }
        }
    }

    /// Overwrites all keys, a few at a time.
    async fn round(&mut self, round: u64) {
        for first in (0..KEYS).step_by(3) {
            self.write((first..first + 3).map(|number| put(number * 5, round)).collect()).await;
        }
    }

    /// Leaves every kind of change in the log.
    async fn change_partitions(&mut self) {
        let (at, left, right) = (Bytes::from("5"), PartitionId(1), PartitionId(2));
        self.store.split_partition(left, at.clone(), right).await.expect("splits");
        self.store.drop_partition(right).await.expect("drops");
        let moved = spec(PartitionId(3), at.clone(), PartitionState::Importing);
        self.store.create_partition(moved).await.expect("creates");
        let mut records = Vec::new();
        for number in (0..KEYS).filter(|number| key(*number) >= at && number % 2 == 0) {
            let (key, value, version) = (key(number), Bytes::from("imported"), 10_000 + number);
            self.note(&key, version, &value);
            records.push(ImportedRecord { key, version, value: Some(value) });
        }
        self.store.import(records).await.expect("imports");
        self.store.activate_partition(PartitionId(3), 3).await.expect("activates");
    }
}

fn spec(id: PartitionId, start: Bytes, state: PartitionState) -> PartitionSpec {
    PartitionSpec { id, ownership_epoch: 1, start, end: None, state }
}

/// A life of two processes: recycled segments, runs and their relocations, two superblocks, a
/// checkpoint, and behind it a log with everything that a log can hold.
pub fn image(end: End) -> Image {
    let disk = SimDisk::new();
    let mut written = BTreeMap::new();
    sim::run(1, &disk, async |world| {
        world.create_directory(Path::new(DIRECTORY)).await.expect("makes its directory");
        let store = open(&world).await.expect("opens");
        let mut writer = Writer { world, store, written: &mut written };
        let whole = spec(PartitionId(1), Bytes::new(), PartitionState::Serving);
        writer.store.create_partition(whole).await.expect("creates");
        for round in 0..5 {
            writer.round(round).await;
        }
        writer.store.checkpoint().await.expect("checkpoints");
        writer.world.sleep(REST).await;
        writer.round(5).await;
        writer.store.checkpoint().await.expect("checkpoints");
    });
    disk.power_loss(1);
    let older = sim::run(2, &disk, async |world| {
        let store = open(&world).await.expect("opens");
        let mut writer = Writer { world, store, written: &mut written };
        for round in 6..10 {
            writer.round(round).await;
        }
        let older = writer.world.disk().image();
        writer.write(vec![delete(1), delete(5), put(2, 12)]).await;
        writer.world.sleep(REST).await;
        writer.change_partitions().await;
        writer.write(vec![put(1, 40), put(7, 40), delete(8)]).await;
        match end {
            End::Crashed => {
                writer.write(vec![put(3, 41)]).await;
                writer.write(vec![put(4, 41), delete(7)]).await;
            }
            End::Rested => writer.world.sleep(REST).await,
            End::Closed => writer.store.close().await.expect("closes"),
        }
        older
    });
    disk.power_loss(2);
    let paths: Vec<PathBuf> = disk.files().into_iter().map(|(path, _)| path).collect();
    let structures = layout(&disk, &paths);
    Image { disk, older, paths, structures, written }
}
