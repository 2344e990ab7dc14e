//! The generator's hot loops, alone: what a drawn key, a built record and a check cost.
//! The whole driver's floor is the null target's run, not a bench here.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use flywheel_load::generate::{AcknowledgedCounter, fnvhash64};
use flywheel_load::random::{Random, Stream};
use flywheel_load::record::{IntegrityCheck, Values};
use flywheel_load::workload::KeyChooser;
use flywheel_load::{FieldSet, Properties, Record, Workload};

const DISTRIBUTIONS: [&str; 7] =
    ["uniform", "zipfian", "latest", "hotspot", "sequential", "exponential", "shifting"];

fn workload(properties: &[(&str, &str)]) -> Workload {
    let mut all = Properties::new();
    all.set_override("recordcount", "1000000", "bench");
    for (name, value) in properties {
        all.set_override(name, value, "bench");
    }
    Workload::resolve(&all).expect("the bench's properties are valid").workload
}

fn keys(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("key");
    for distribution in DISTRIBUTIONS {
        let workload = workload(&[("requestdistribution", distribution)]);
        let mut chooser = KeyChooser::new(&workload);
        let mut random = Random::new(1);
        group.bench_function(BenchmarkId::new("choose", distribution), |bencher| {
            bencher.iter(|| chooser.next(black_box(999_999), black_box(5), &mut random));
        });
    }
    let workload = workload(&[]);
    let mut key = Vec::new();
    let mut number = 0;
    group.bench_function("name", |bencher| {
        bencher.iter(|| {
            number += 1;
            workload.write_key(black_box(number), &mut key);
        });
    });
    group.bench_function("fnvhash64", |bencher| bencher.iter(|| fnvhash64(black_box(42))));
    group.finish();
}

fn draws(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("draw");
    let stream = Stream::new(1, 2);
    let mut cycle = 0;
    group.bench_function("cycle", |bencher| {
        bencher.iter(|| {
            cycle += 1;
            stream.at(black_box(cycle)).next_u64()
        });
    });
    let counter = AcknowledgedCounter::new(0);
    group.bench_function("acknowledge", |bencher| {
        bencher.iter(|| {
            let number = counter.next().expect("each is acknowledged at once");
            counter.acknowledge(number);
        });
    });
    group.finish();
}

fn records(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("record");
    group.throughput(Throughput::Bytes(1_000));
    let key = b"user6284781860667377211";
    let mut random = Random::new(3);
    for integrity in ["false", "true"] {
        let workload = workload(&[("dataintegrity", integrity)]);
        let values = Values::new(&workload);
        group.bench_function(BenchmarkId::new("build", integrity), |bencher| {
            bencher.iter(|| values.all_fields(black_box(key), &mut random));
        });
    }
    let workload = workload(&[("dataintegrity", "true")]);
    let values = Values::new(&workload);
    let record = values.all_fields(key, &mut random);
    let change = values.one_field(key, 4, &mut random);
    let mut check = IntegrityCheck::new(&workload);
    group.bench_function("verify", |bencher| {
        bencher.iter(|| check.verify(black_box(key), FieldSet::All, &record));
    });
    group.bench_function("merge", |bencher| bencher.iter(|| black_box(&record).merge(&change)));
    group.bench_function("decode", |bencher| {
        bencher.iter(|| Record::decode(black_box(record.bytes()).clone()));
    });
    group.finish();
}

criterion_group! {
    name = generators;
    config = Criterion::default().sample_size(20);
    targets = keys, draws, records
}
criterion_main!(generators);
