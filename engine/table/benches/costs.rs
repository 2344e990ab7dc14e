//! Bench: what tables cost over the storage, and transactions over single writes, in turns within one run, without
//! HTTP and JSON. Clients are tasks on the shards' cores, as those of a server are.
//!
//!     cargo bench -p flywheel-table --bench costs -- [DIR]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "clients stand outside the engine"
)]

use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use flywheel_api::{
    DescribeTableRequest, ErrorCode, GetItemRequest, Put, PutItemRequest, TransactWriteItem,
    TransactWriteItemsRequest, read,
};
use flywheel_disk::real::{RealWorld, keep_freed_memory, unix_time};
use flywheel_disk::{Durability, World, host};
use flywheel_item::{AttributeValue, Item, Wording};
use flywheel_shard::{Direction, Engine, EngineOptions, Handle, ScanRequest};
use flywheel_table::{Shards, Sleeper, TableOptions, Tables};
use futures_executor::block_on;
use futures_util::future::join_all;
use rustix::time::{ClockId, clock_gettime};

/// The binary's own allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SHARDS: usize = 2;
const VALUE_BYTES: usize = 1000;
const CLIENTS: u64 = 64;
/// Items of a transaction.
const ITEMS: u64 = 4;

/// How much is done: all of it with `cargo bench`, a trace with `cargo test`.
struct Size {
    items: u64,
    reads: u64,
    writes: u64,
    rounds: usize,
}

const FULL: Size = Size { items: 100_000, reads: 1_000_000, writes: 100_000, rounds: 5 };
const TINY: Size = Size { items: 256, reads: 256, writes: 256, rounds: 1 };

fn main() {
    keep_freed_memory();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let size = if arguments.iter().any(|one| one == "--bench") { &FULL } else { &TINY };
    let directory = arguments.iter().find(|one| !one.starts_with("--"));
    let directory = directory.map_or_else(|| env!("CARGO_TARGET_TMPDIR").into(), PathBuf::from);
    if let Err(error) = host::check(&directory) {
        println!("skipped, because {error}");
        return;
    }
    let scratch = tempfile::tempdir_in(&directory).expect("a directory");
    measure(&scratch.path().join("engine"), size);
}

fn measure(directory: &Path, size: &'static Size) {
    let options = EngineOptions { shards: SHARDS, ..EngineOptions::default() };
    let engine =
        Engine::open(directory, Shards::options(options, flywheel_table::Throttling::Never))
            .expect("opens");
    let shards = Shards::new(engine.handle(), engine.admin()).expect("made for tables");
    let options = TableOptions {
        wording: Wording::Current,
        region: "eu-west-1".into(),
        account: "000000000000".into(),
        endpoint: String::new(),
        throttling: flywheel_table::Throttling::Never,
        clock: Arc::new(|| unix_time().as_millis() as u64),
        monotonic_ns: Arc::new(|| 0),
    };
    let tables = block_on(Tables::open(shards, options)).expect("opens");
    make_table(&engine, &tables);
    let bench = Bench { engine, tables, size };
    bench.puts(size.items, |number, _| number);
    let keys = Arc::new(stored_keys(&bench.engine.handle()));
    assert_eq!(keys.len() as u64, size.items, "each item has a key, and there is nothing else");
    for round in 1..=size.rounds {
        let stored = bench.reads_of_storage(&keys);
        let served = bench.reads_of_table();
        println!(
            "round {round}: GetItem {:.2} us of processor time, the storage's get {:.2} us: the table adds {:.2} us; \
             {:.0} and {:.0} a second",
            served.cpu_us,
            stored.cpu_us,
            served.cpu_us - stored.cpu_us,
            served.per_s,
            stored.per_s
        );
        let single = bench.puts(size.writes, drawn);
        let (together, refused) = bench.transactions();
        println!(
            "round {round}: PutItem {:.0} a second, transactions of {ITEMS} items {:.0} a second, {refused} refused: \
             {:.2} of the rate; {:.1} and {:.1} us of processor time",
            single.per_s,
            together.per_s,
            together.per_s / single.per_s,
            single.cpu_us,
            together.cpu_us
        );
    }
    bench.engine.close().expect("closes");
}

/// How work in the background waits on a core.
struct CoreSleeper(RealWorld);

impl Sleeper for CoreSleeper {
    async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration).await;
    }
}

/// Where the items stand.
fn stored_keys(handle: &Handle) -> Vec<Bytes> {
    let mut keys = Vec::new();
    let mut start = Bound::Unbounded;
    loop {
        let request = ScanRequest {
            start,
            end: Bound::Unbounded,
            direction: Direction::Forward,
            max_items: 1000,
            max_bytes: 1 << 20,
        };
        let page = block_on(handle.scan(request)).expect("reads");
        start = match page.items.last() {
            Some((last, _)) if page.more => Bound::Excluded(last.clone()),
            _ => Bound::Unbounded,
        };
        // Items are all that takes as much.
        let items = page.items.into_iter().filter(|(_, found)| found.value.len() > VALUE_BYTES);
        keys.extend(items.map(|(key, _)| key));
        if start == Bound::Unbounded {
            return keys;
        }
    }
}

/// Makes the table, and has what tables need done in the background.
fn make_table(engine: &Engine, tables: &Tables<Shards>) {
    let upkeep = tables.clone();
    let admin = engine.admin();
    let started = admin.run_on_shard(0, move || {
        // It writes no files itself: how writes are made durable does not matter.
        Box::pin(upkeep.upkeep(CoreSleeper(RealWorld::new(Durability::Dsync))))
    });
    block_on(started).expect("starts");
    let create = br#"{"TableName":"costs","BillingMode":"PAY_PER_REQUEST",
        "KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],
        "AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}]}"#;
    block_on(tables.create_table(read(create).expect("a request"))).expect("makes the table");
    loop {
        let describe = DescribeTableRequest { table_name: Some("costs".into()) };
        let table = block_on(tables.describe_table(describe)).expect("is there").table;
        if table.and_then(|table| table.table_status).as_deref() == Some("ACTIVE") {
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// What one operation took.
struct Cost {
    per_s: f64,
    /// Of all threads, the clients' too.
    cpu_us: f64,
}

/// Processor time of this process so far.
fn cpu() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

/// Any sequence that visits items without order will do.
fn drawn(number: u64, items: u64) -> u64 {
    number.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32) % items
}

fn id(number: u64) -> AttributeValue {
    AttributeValue::S(format!("user{number:012}"))
}

fn key(number: u64) -> Item {
    Item::from([("id".into(), id(number))])
}

fn item(number: u64) -> Item {
    let value = AttributeValue::S(".".repeat(VALUE_BYTES));
    Item::from([("id".into(), id(number)), ("value".into(), value)])
}

struct Bench {
    engine: Engine,
    tables: Tables<Shards>,
    size: &'static Size,
}

impl Bench {
    /// Has clients do `count` operations: each has its number.
    fn cost(&self, count: u64, operation: impl AsyncFn(u64) + Clone + Send + 'static) -> Cost {
        let (before, started) = (cpu(), Instant::now());
        let (ended, ends) = mpsc::channel();
        for shard in 0..SHARDS as u16 {
            let (operation, ended) = (operation.clone(), ended.clone());
            let clients = (u64::from(shard)..CLIENTS).step_by(SHARDS);
            let admin = self.engine.admin();
            let run = admin.run_on_shard(shard, move || {
                Box::pin(async move {
                    let client = async |client| {
                        for number in (client..count).step_by(CLIENTS as usize) {
                            operation(number).await;
                        }
                    };
                    join_all(clients.map(client)).await;
                    ended.send(()).expect("somebody waits");
                })
            });
            block_on(run).expect("starts");
        }
        drop(ended);
        assert_eq!(ends.iter().count(), SHARDS, "all clients came to their end");
        let cpu_us = (cpu() - before).as_secs_f64() * 1e6 / count as f64;
        Cost { per_s: count as f64 / started.elapsed().as_secs_f64(), cpu_us }
    }

    fn reads_of_table(&self) -> Cost {
        let (tables, items) = (self.tables.clone(), self.size.items);
        self.cost(self.size.reads, async move |number| {
            let request = GetItemRequest {
                table_name: Some("costs".into()),
                key: Some(key(drawn(number, items)).into()),
                consistent_read: Some(true),
                ..GetItemRequest::default()
            };
            let found = tables.get_item(request).await.expect("reads");
            assert!(found.item.is_some(), "was loaded");
        })
    }

    /// Reads of what the items are stored as.
    fn reads_of_storage(&self, keys: &Arc<Vec<Bytes>>) -> Cost {
        let (handle, keys) = (self.engine.handle(), Arc::clone(keys));
        let items = self.size.items;
        self.cost(self.size.reads, async move |number| {
            let key = keys[drawn(number, items) as usize].clone();
            assert!(handle.get(key).await.expect("reads").is_some(), "was loaded");
        })
    }

    fn puts(&self, count: u64, place: fn(u64, u64) -> u64) -> Cost {
        let (tables, items) = (self.tables.clone(), self.size.items);
        self.cost(count, async move |number| {
            let request = PutItemRequest {
                table_name: Some("costs".into()),
                item: Some(item(place(number, items)).into()),
                ..PutItemRequest::default()
            };
            tables.put_item(request).await.expect("writes");
        })
    }

    /// Transactions, and how many were refused because another one had an item.
    fn transactions(&self) -> (Cost, u64) {
        let (tables, items) = (self.tables.clone(), self.size.items);
        let refused = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&refused);
        let cost = self.cost(self.size.writes / ITEMS, async move |number| {
            let put = |place| TransactWriteItem {
                put: Some(Put {
                    table_name: Some("costs".into()),
                    item: Some(item(drawn(number * ITEMS + place, items)).into()),
                    ..Put::default()
                }),
                ..TransactWriteItem::default()
            };
            let request = TransactWriteItemsRequest {
                transact_items: Some((0..ITEMS).map(put).collect()),
                ..TransactWriteItemsRequest::default()
            };
            match tables.transact_write_items(request).await {
                Ok(_) => {}
                Err(error) if error.code == ErrorCode::TransactionCanceled => {
                    count.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => panic!("{error}"),
            }
        });
        (cost, refused.load(Ordering::Relaxed))
    }
}
