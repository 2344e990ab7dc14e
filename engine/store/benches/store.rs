//! Bench: the store's hot paths: records and batches, cached reads, and blind puts on the simulated
//! disk, whose time is not counted. Not a measurement of any disk: that is the harness's.

use std::cell::RefCell;
use std::hint::black_box;
use std::path::Path;
use std::pin::pin;
use std::rc::Rc;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flywheel_disk::sim::{SimDisk, SimExecutor, SimOptions, SimWorld};
use flywheel_store::format::batch::{BatchHeader, BatchKind, batch_bytes, encode_records};
use flywheel_store::format::place::Place;
use flywheel_store::format::record::{Record, RecordKind, encoded_bytes};
use flywheel_store::{PartitionId, PartitionSpec, PartitionState, Store, StoreOptions, WriteBatch};
use futures_util::future::join_all;

const ITEMS: u64 = 1_000;
const VALUE_BYTES: usize = 1_000;
const GROUP_RECORDS: usize = 32;
const CALLERS: u64 = 64;

const PLACE: Place = Place { segment: 1, life: 2, offset_bytes: 4096 };

fn key(number: u64) -> Bytes {
    Bytes::from(format!("user{:019}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 1))
}

fn record<'a>(key: &'a [u8], value: &'a [u8]) -> Record<'a> {
    Record { kind: RecordKind::Put, version: 7, key, value }
}

fn records(criterion: &mut Criterion) {
    let (key, value) = (key(1), vec![7; VALUE_BYTES]);
    let record = record(&key, &value);
    let mut buffer = vec![0; record.encoded_bytes()];
    record.encode(PLACE, &mut buffer);

    let mut group = criterion.benchmark_group("record");
    group.throughput(Throughput::Bytes(buffer.len() as u64));
    let encoded = buffer.clone();
    group.bench_function("encode_1k", |bench| {
        bench.iter(|| record.encode(PLACE, black_box(&mut buffer)));
    });
    group.bench_function("decode_and_check_1k", |bench| {
        bench.iter(|| Record::decode(PLACE, black_box(&encoded)).expect("whole").version);
    });
    group.finish();
}

fn commit_groups(criterion: &mut Criterion) {
    let keys: Vec<Bytes> = (0..GROUP_RECORDS as u64).map(key).collect();
    let value = vec![7; VALUE_BYTES];
    let body_bytes = keys.len() * encoded_bytes(keys[0].len(), value.len());
    let header = BatchHeader {
        place: PLACE,
        kind: BatchKind::Log,
        number: 9,
        previous: 8,
        durable: 6,
        body_bytes: body_bytes as u32,
        records: keys.len() as u32,
    };
    let mut buffer = vec![0; batch_bytes(body_bytes)];

    let mut group = criterion.benchmark_group("commit_group");
    group.throughput(Throughput::Elements(GROUP_RECORDS as u64));
    group.bench_function("assemble_32_of_1k", |bench| {
        bench.iter(|| {
            let records = keys.iter().map(|key| record(key, &value));
            encode_records(&header, records, black_box(&mut buffer))
        });
    });
    group.finish();
}

/// A store on a simulated disk, and the executor that drives it.
struct Simulated {
    executor: SimExecutor,
    store: Store<SimWorld>,
}

fn simulated() -> Simulated {
    let executor = SimExecutor::new(1);
    let world = SimWorld::new(&executor, &SimDisk::new(), SimOptions::default());
    let options = StoreOptions { segment_bytes: 4 << 20, ..StoreOptions::default() };
    let partition = PartitionSpec {
        id: PartitionId(1),
        ownership_epoch: 1,
        start: Bytes::new(),
        end: None,
        state: PartitionState::Serving,
    };
    let store = executor.block_on(async {
        let store = Store::open(world, Path::new("/shard-0000"), options, None).await;
        let store = store.expect("opens");
        store.create_partition(partition).await.expect("creates");
        store
    });
    let simulated = Simulated { executor, store };
    for first in (0..ITEMS).step_by(CALLERS as usize) {
        simulated.put(first..first + CALLERS);
    }
    simulated
}

impl Simulated {
    fn put(&self, numbers: std::ops::Range<u64>) {
        let value = Bytes::from(vec![7; VALUE_BYTES]);
        let puts = numbers.map(|number| {
            let batch = WriteBatch::put(key(number), value.clone());
            async { self.store.write(batch).await.expect("writes") }
        });
        self.executor.block_on(join_all(puts));
    }
}

fn reads(criterion: &mut Criterion) {
    let simulated = simulated();
    let keys: Vec<Bytes> = (0..ITEMS).map(key).collect();
    let next = Rc::new(RefCell::new(keys.iter().cycle()));
    let next = || next.borrow_mut().next().expect("a cycle has no end");

    let mut group = criterion.benchmark_group("read");
    group.throughput(Throughput::Elements(1));
    group.bench_function("peek_cached", |bench| {
        bench.iter(|| black_box(simulated.store.peek(next())).is_ok());
    });
    group.bench_function("get_cached", |bench| {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        bench.iter(|| {
            let get = pin!(simulated.store.get(next()));
            assert!(get.poll(&mut context).is_ready(), "what is cached is answered at once");
        });
    });
    group.finish();
}

/// The processor's share of a put: grouping, encoding, the index, the cache, and compaction's part.
fn puts(criterion: &mut Criterion) {
    let simulated = simulated();
    let mut group = criterion.benchmark_group("write");
    group.throughput(Throughput::Elements(CALLERS));
    let mut first = 0;
    group.bench_function("blind_put_64_callers", |bench| {
        bench.iter(|| {
            simulated.put(first..first + CALLERS);
            first = (first + CALLERS) % ITEMS;
        });
    });
    group.finish();
}

criterion_group!(benches, records, commit_groups, reads, puts);
criterion_main!(benches);
