//! Bench: the index at one million YCSB keys, time per operation and bytes per item.
//! Not a test of what it answers: those stand beside the index.
#![allow(clippy::disallowed_methods, reason = "the process's memory is read from procfs")]

use std::hint::black_box;
use std::ops::{Bound, ControlFlow};

use criterion::{Criterion, criterion_group, criterion_main};
use flywheel_store::index::{Direction, Fetched, Location, Tree};

const ITEMS: u64 = 1_000_000;
/// `INDEX_BENCH_ITEMS` asks for the memory figure at another size, such as 5000000.
const ITEMS_VARIABLE: &str = "INDEX_BENCH_ITEMS";

/// YCSB's key for the record `number`: "user" and the decimal of a 64-bit FNV hash.
fn ycsb_key(number: u64) -> Vec<u8> {
    let hash = number.to_le_bytes().iter().fold(0xCBF2_9CE4_8422_2325_u64, |hash, &octet| {
        (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01B3)
    });
    format!("user{}", (hash as i64).unsigned_abs()).into_bytes()
}

/// Hashes of ascending numbers: already a random order.
fn keys(numbers: std::ops::Range<u64>) -> Vec<Vec<u8>> {
    numbers.map(ycsb_key).collect()
}

fn place(number: usize) -> Location {
    Location::new((number >> 16) as u16, (number as u32 & 0xffff) * 16, 1100)
}

fn tree_of(keys: &[Vec<u8>]) -> Tree {
    let mut tree = Tree::new();
    for (number, key) in keys.iter().enumerate() {
        tree.insert(key, place(number));
    }
    tree
}

/// Resident memory of this process, in bytes; 0 where there is no procfs.
fn resident_bytes() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<f64>().ok());
    pages.unwrap_or(0.0) * 4096.0
}

fn print_memory() {
    let items = std::env::var(ITEMS_VARIABLE).ok().and_then(|n| n.parse().ok()).unwrap_or(ITEMS);
    let before = resident_bytes();
    let mut tree = Tree::new();
    for number in 0..items {
        tree.insert(&ycsb_key(number), place(number as usize));
    }
    let counted = tree.memory_bytes() as f64 / items as f64;
    let resident = (resident_bytes() - before) / items as f64;
    println!("index memory at {items} items: {counted:.2} B/item counted, {resident:.2} resident");
}

/// A ring of cache lines in random order, as large as the index: following it costs one dependent
/// cache miss a step. What a lookup takes is to be read beside this.
fn ring(bytes: usize) -> Vec<[usize; 8]> {
    let lines = bytes / size_of::<[usize; 8]>();
    let mut order: Vec<_> = (0..lines).collect();
    order.sort_by_cached_key(|&line| ycsb_key(line as u64));
    let mut ring = vec![[0; 8]; lines];
    for (i, &line) in order.iter().enumerate() {
        ring[line][0] = order[(i + 1) % lines];
    }
    ring
}

fn index(criterion: &mut Criterion) {
    print_memory();
    let present = keys(0..ITEMS);
    let absent = keys(ITEMS..2 * ITEMS);
    let tree = tree_of(&present);

    let mut group = criterion.benchmark_group("index");
    // Neighbours in this order lie far apart in the tree, yet the keys themselves are read from
    // nearby memory: a caller has just parsed its key, so the key's own cache miss is not ours.
    let mut walk = (0..ITEMS as usize).cycle();
    let mut next = || walk.next().expect("a cycle has no end");

    let (ring, mut line) = (ring(tree.memory_bytes()), 0);
    group.bench_function("yardstick_cache_miss", |bench| {
        bench.iter(|| {
            line = ring[line][0];
            black_box(line)
        });
    });
    group.bench_function("lookup_hit", |bench| {
        bench.iter(|| black_box(tree.get(&present[next()])));
    });
    group.bench_function("lookup_miss", |bench| {
        bench.iter(|| black_box(tree.get(&absent[next()])));
    });
    group.bench_function("visit_100", |bench| {
        bench.iter(|| {
            let (mut left, mut sum) = (100, 0);
            let start = Bound::Included(&absent[next()][..]);
            let mut each = |key: &[u8], at: Location| {
                sum += key.len() + at.len_bytes() as usize;
                left -= 1;
                if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let (end, forward) = (Bound::Unbounded, Direction::Forward);
            let visited = tree.visit(start, end, forward, &Fetched::default(), &mut each);
            black_box((visited.is_ok(), sum))
        });
    });

    // Grows from one to at most two million keys, then starts over.
    let mut growing = tree_of(&present);
    let mut inserted = 0;
    group.bench_function("insert_random", |bench| {
        bench.iter(|| {
            if inserted == absent.len() {
                growing = tree_of(&present);
                inserted = 0;
            }
            growing.insert(&absent[inserted], place(inserted));
            inserted += 1;
        });
    });
    group.bench_function("snapshot", |bench| bench.iter(|| tree.clone()));
    group.finish();
}

criterion_group!(benches, index);
criterion_main!(benches);
