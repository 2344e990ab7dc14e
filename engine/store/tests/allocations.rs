//! Allocations of the hot paths, counted. In a binary of its own: it counts with an allocator of its own.

use std::path::Path;
use std::pin::pin;
use std::task::{Context, Waker};

use allocation_counter::measure;
use bytes::Bytes;
use flywheel_disk::sim::{SimDisk, SimExecutor, SimOptions, SimWorld};
use flywheel_store::{PartitionId, PartitionSpec, PartitionState, Store, StoreOptions, WriteBatch};

const ITEMS: u64 = 100;

fn key(number: u64) -> Bytes {
    Bytes::from(format!("user{number:019}"))
}

async fn filled(world: SimWorld, cache_bytes: u64) -> Store<SimWorld> {
    let options = StoreOptions { segment_bytes: 4 << 20, cache_bytes, ..StoreOptions::default() };
    let store = Store::open(world, Path::new("/shard-0000"), options, None).await.expect("opens");
    let whole = PartitionSpec {
        id: PartitionId(1),
        ownership_epoch: 1,
        start: Bytes::new(),
        end: None,
        state: PartitionState::Serving,
    };
    store.create_partition(whole).await.expect("creates");
    for number in 0..ITEMS {
        let put = WriteBatch::put(key(number), Bytes::from(vec![7; 1000]));
        store.write(put).await.expect("writes");
    }
    store
}

/// Allocations of one read of each of these keys, from the call to the answer, which comes at once.
fn of_reads(store: &Store<SimWorld>, numbers: std::ops::Range<u64>) -> f64 {
    let keys: Vec<Bytes> = numbers.map(key).collect();
    let mut context = Context::from_waker(Waker::noop());
    let counted = measure(|| {
        for key in &keys {
            let get = pin!(store.get(key));
            assert!(get.poll(&mut context).is_ready(), "it was to be answered at once");
        }
    });
    counted.count_total as f64 / keys.len() as f64
}

#[test]
fn a_read_that_the_cache_or_the_index_answers_allocates_nothing() {
    let executor = SimExecutor::new(1);
    let world = SimWorld::new(&executor, &SimDisk::new(), SimOptions::default());
    let store = executor.block_on(filled(world, 1 << 20));
    assert_eq!(of_reads(&store, 0..ITEMS), 0.0, "cached");
    assert_eq!(of_reads(&store, ITEMS..2 * ITEMS), 0.0, "absent");
}
