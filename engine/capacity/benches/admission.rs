//! Bench: what a request pays for being admitted, and for being counted among the hot keys. Not what a lock between
//! cores costs when it is fought for: leases are there so that it is not.

use std::hint::black_box;
use std::sync::Mutex;

use criterion::{Criterion, criterion_group, criterion_main};
use flywheel_capacity::admission::{Ceiling, Global, Local};
use flywheel_capacity::hot_keys::Summary;
use flywheel_capacity::operation::Operation;
use flywheel_capacity::partition::{Partition, PartitionLimits};
use flywheel_capacity::tokens::{Rate, Tokens};

/// Time between two requests of a core: 500,000 a second.
const STEP_NS: u64 = 2000;

/// A table that has enough, and one core's lease of it.
struct Table {
    global: Mutex<Global>,
    local: Local,
    now_ns: u64,
}

impl Table {
    fn new(rate: u64) -> Self {
        let ceiling = Ceiling::provisioned(Rate::per_s(rate));
        Self { global: Mutex::new(Global::new(0, ceiling, 2)), local: Local::new(0), now_ns: 0 }
    }

    fn take(&mut self) -> bool {
        self.now_ns += STEP_NS;
        let now_ns = self.now_ns;
        let exchange = |ask| self.global.lock().expect("not poisoned").exchange(now_ns, ask, true);
        self.local.take(now_ns, black_box(Tokens::units(1)), exchange).is_ok()
    }

    fn settle(&mut self) {
        self.local.settle(Tokens::units(1), black_box(Tokens::units(2)));
    }
}

fn admission(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("admission");
    group.bench_function("of a table, leases included", |bencher| {
        let mut table = Table::new(100_000_000);
        bencher.iter(|| {
            assert!(table.take());
            table.settle();
        });
    });
    group.bench_function("of a table, an exchange each", |bencher| {
        let mut table = Table::new(100_000_000);
        bencher.iter(|| {
            assert!(table.take());
            table.local.hand_in(table.now_ns, |ask| {
                table.global.lock().expect("not poisoned").exchange(table.now_ns, ask, true)
            });
        });
    });
    group.bench_function("of a table, refused", |bencher| {
        let mut table = Table::new(1);
        while table.take() {}
        bencher.iter(|| black_box(table.take()));
    });
    let limits =
        PartitionLimits { read: Rate::HIGHEST, write: Rate::HIGHEST, ..Default::default() };
    group.bench_function("of a partition", |bencher| {
        let (mut partition, mut now_ns) = (Partition::new(0, limits, None), 0);
        bencher.iter(|| {
            now_ns += STEP_NS;
            let one = black_box(Tokens::units(1));
            assert!(partition.take(now_ns, Operation::Read, one, true));
            partition.settle(Operation::Read, one, black_box(Tokens::units(2)));
        });
    });
    group.bench_function("of both", |bencher| {
        let (mut partition, mut table) = (Partition::new(0, limits, None), Table::new(100_000_000));
        bencher.iter(|| {
            assert!(table.take());
            let one = black_box(Tokens::units(1));
            assert!(partition.take(table.now_ns, Operation::Read, one, true));
            partition.settle(Operation::Read, one, black_box(Tokens::units(2)));
            table.settle();
        });
    });
    group.finish();
}

/// Keys of 40 bytes; a key's number is drawn by `number` from a counter.
fn keys(number: impl Fn(u64) -> u64) -> Vec<[u8; 40]> {
    (0..65_536u64)
        .map(|n| {
            let mut key = [b'k'; 40];
            key[32..].copy_from_slice(&number(n).to_be_bytes());
            key
        })
        .collect()
}

fn scrambled(n: u64) -> u64 {
    n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16
}

fn hot_keys(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hot keys, a note");
    // Of the scrambled ones, a share of 1 / n: as skewed as YCSB's.
    let skewed = |n: u64| {
        let uniform = (scrambled(n) % 1_000_000 + 1) as f64 / 1e6;
        (1e5f64.powf(uniform)) as u64
    };
    let streams =
        [("one key", keys(|_| 7)), ("zipfian", keys(skewed)), ("all different", keys(scrambled))];
    for counted in [64, 1024] {
        for (name, keys) in &streams {
            group.bench_function(format!("{name}, {counted} counted"), |bencher| {
                let mut summary = Summary::new(counted);
                let mut stream = keys.iter().cycle();
                bencher.iter(|| {
                    let key = stream.next().expect("a cycle");
                    summary.note(1, black_box(key), black_box(Tokens::units(1)));
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, admission, hot_keys);
criterion_main!(benches);
