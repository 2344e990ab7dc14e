//! The small image that is torn: a store's whole life on a few segments, every state that was
//! acknowledged on the way, and older images of the same disk. Not what is done to it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use flywheel_disk::World;
use flywheel_disk::sim::{self, SimDisk, SimOptions, SimWorld};
use flywheel_store::{
    ImportedRecord, PartitionId, PartitionSpec, PartitionState, Store, StoreError, StoreOptions,
    Versioned, Write, WriteBatch, WriteOutcome,
};

use crate::fixture::{DIRECTORY, everything, options, whole};

/// Keys that are written again and again.
const KEYS: u64 = 24;

/// First byte of the keys that are dropped with their partition.
const SPLIT_AT: u8 = 200;

/// Longer than any pause after which the log is confirmed, or compaction looks for work.
pub const REST: Duration = Duration::from_millis(600);

/// What a store says when it is asked for everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    pub items: BTreeMap<Bytes, Versioned>,
    pub partitions: Vec<PartitionSpec>,
}

/// A disk, and what was acknowledged on the way to it.
pub struct Image {
    pub disk: SimDisk,
    /// The state behind each batch of writers, the newest last.
    pub states: Vec<State>,
    /// The same disk earlier, the oldest first.
    pub older: Vec<SimDisk>,
}

/// How the image's last process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// In the middle of the work: nothing calls the last batches durable.
    Crashed,
    /// Some time after the last write: the log was confirmed.
    Rested,
    /// In good order: a checkpoint holds everything.
    Closed,
}

/// One record a cache line would hold, no cache, no upkeep of its own accord but compaction.
pub fn small() -> StoreOptions {
    StoreOptions {
        ready_segments: 1,
        cache_bytes: 0,
        checkpoint_min_log_bytes: u64::MAX / 2,
        ..options()
    }
}

/// Long, and hardly alike: few of them fill a checkpoint's chunk.
pub fn key(number: u64) -> Bytes {
    let mut state = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let random = (0..700).map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    });
    let head = [(number % KEYS * 10) as u8];
    Bytes::from_iter(head.into_iter().chain(random))
}

fn put(number: u64, round: u64) -> Write {
    let value = Bytes::from(format!("{number} in round {round}"));
    Write { key: key(number), value: Some(value), condition: None }
}

fn delete(number: u64) -> Write {
    Write { key: key(number), value: None, condition: None }
}

/// A store at work, and the states it acknowledged.
struct Writer {
    world: SimWorld,
    store: Store<SimWorld>,
    states: Vec<State>,
    older: Vec<SimDisk>,
}

impl Writer {
    async fn open(world: SimWorld, states: Vec<State>, older: Vec<SimDisk>) -> Self {
        world.create_directory(Path::new("/data")).await.expect("makes its directory");
        let opened = Store::open(world.clone(), Path::new(DIRECTORY), small(), None).await;
        Self { world, store: opened.expect("opens"), states, older }
    }

    /// Notes what the store holds now: exactly one batch of the log was written since the last note.
    async fn note(&mut self) {
        self.states.push(state(&self.store).await);
    }

    /// Notes what a batch made of the newest state, without asking the store.
    fn apply(&mut self, writes: Vec<Write>, written: Result<WriteOutcome, StoreError>) {
        let mut state = self.states.last().expect("there is one").clone();
        let Ok(WriteOutcome::Applied { first_version }) = written else { panic!("{written:?}") };
        for (version, Write { key, value, .. }) in (first_version..).zip(writes) {
            match value {
                Some(value) => drop(state.items.insert(key, Versioned { version, value })),
                None => drop(state.items.remove(&key)),
            }
        }
        self.states.push(state);
    }

    async fn write(&mut self, writes: Vec<Write>) {
        let written = self.store.write(WriteBatch { writes: writes.clone() }).await;
        self.apply(writes, written);
    }

    /// Two batches in flight at once: the second does not call the first durable.
    async fn write_two(&mut self, first: Vec<Write>, second: Vec<Write>) {
        let later = async {
            self.world.sleep(Duration::from_micros(20)).await;
            self.store.write(WriteBatch { writes: second.clone() }).await
        };
        let both = self.store.write(WriteBatch { writes: first.clone() });
        let (one, two) = futures_util::future::join(both, later).await;
        self.apply(first, one);
        self.apply(second, two);
    }

    /// Overwrites all keys, a few at a time, in another order each round.
    async fn round(&mut self, round: u64) {
        let stride = [5, 7, 11, 13, 17][round as usize % 5];
        for first in (0..KEYS).step_by(3) {
            let numbers = (first..first + 3).map(|number| number * stride % KEYS);
            self.write(numbers.map(|number| put(number, round)).collect()).await;
        }
        self.older.push(self.world.disk().image());
    }

    async fn checkpoint(&mut self) {
        self.store.checkpoint().await.expect("checkpoints");
        self.older.push(self.world.disk().image());
    }

    async fn change_partitions(&mut self) {
        let split_at = Bytes::from(vec![SPLIT_AT]);
        let (left, right) = (PartitionId(1), PartitionId(2));
        self.store.split_partition(left, split_at.clone(), right).await.expect("splits");
        self.note().await;
        self.store.drop_partition(right).await.expect("drops");
        self.note().await;
        let moved = PartitionSpec {
            id: PartitionId(3),
            ownership_epoch: 2,
            start: split_at,
            end: None,
            state: PartitionState::Importing,
        };
        self.store.create_partition(moved).await.expect("creates");
        self.note().await;
        let imported = (0..KEYS).filter(|number| key(*number)[0] >= SPLIT_AT);
        let imported = imported.filter(|number| number % 2 == 0).map(|number| ImportedRecord {
            key: key(number),
            version: 10_000 + number,
            value: Some(Bytes::from("imported")),
        });
        self.store.import(imported.collect()).await.expect("imports");
        self.note().await;
        self.store.activate_partition(PartitionId(3), 3).await.expect("activates");
        self.note().await;
    }
}

/// All that a store says.
pub async fn state<W: World>(store: &Store<W>) -> State {
    let page = store.scan(everything()).await.expect("scans");
    let partitions = store.partitions().into_iter().map(|info| info.spec);
    State { items: page.items.into_iter().collect(), partitions: partitions.collect() }
}

/// A life of three processes: recycled segments, two superblocks, a checkpoint of several chunks, and
/// behind it a log with everything that a log can hold.
pub fn image(end: End) -> Image {
    let disk = SimDisk::new();
    let (states, older) = sim::run(1, &disk, async |world| {
        let mut writer = Writer::open(world, vec![State::default()], Vec::new()).await;
        writer.store.create_partition(whole(PartitionId(1))).await.expect("creates");
        writer.note().await;
        for round in 0..6 {
            writer.round(round).await;
        }
        writer.checkpoint().await;
        writer.world.sleep(REST).await;
        writer.round(6).await;
        writer.checkpoint().await;
        writer.round(7).await;
        (writer.states, writer.older)
    });
    disk.power_loss(1);
    let (states, older) = sim::run(2, &disk, async |world| {
        let mut writer = Writer::open(world, states, older).await;
        // Compaction takes the living to a segment of its own, which the checkpoint then covers.
        writer.world.sleep(REST).await;
        writer.write(vec![delete(1), delete(5), put(2, 12)]).await;
        writer.checkpoint().await;
        for round in 13..33 {
            writer.write(vec![put(round % 7, round)]).await;
        }
        // Again, and now the log behind the checkpoint says where to.
        writer.world.sleep(REST).await;
        writer.change_partitions().await;
        writer.world.sleep(REST).await;
        (writer.states, writer.older)
    });
    disk.power_loss(2);
    // Compaction is at work already: reads as slow as this keep it from getting anywhere.
    let slow = SimOptions { read_us: 20_000..=30_000, ..SimOptions::default() };
    let (states, older) = sim::run_with(3, &disk, slow, async |world| {
        let mut writer = Writer::open(world, states, older).await;
        writer.write(vec![put(1, 40), put(7, 40), delete(8)]).await;
        writer.write_two(vec![put(3, 41)], vec![put(4, 41), delete(7)]).await;
        writer.older.push(writer.world.disk().image());
        writer.write_two(vec![put(9, 42), delete(3)], vec![put(10, 42)]).await;
        match end {
            End::Crashed => {}
            End::Rested => writer.world.sleep(REST).await,
            End::Closed => writer.store.close().await.expect("closes"),
        }
        (writer.states, writer.older)
    });
    disk.power_loss(3);
    Image { disk, states, older }
}

/// The whole directory of another shard.
pub fn other_shard() -> SimDisk {
    let disk = SimDisk::new();
    sim::run(4, &disk, async |world| {
        world.create_directory(Path::new("/data")).await.expect("makes its directory");
        let options = StoreOptions { shard: 1, ..small() };
        let store = Store::open(world.clone(), Path::new(DIRECTORY), options, None).await;
        let store = store.expect("opens");
        store.create_partition(whole(PartitionId(1))).await.expect("creates");
        for number in 0..KEYS {
            let batch = WriteBatch { writes: vec![put(number, 99)] };
            store.write(batch).await.expect("writes");
        }
        store.checkpoint().await.expect("checkpoints");
    });
    disk
}
