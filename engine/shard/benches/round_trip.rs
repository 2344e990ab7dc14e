//! What a request costs on its way, without any store: mailbox, bell and reply. Not across cores:
//! the price of waking one is the kernel's, and `flywheel run` measures it.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flywheel_shard::mailbox::{Bell, Mailbox};
use flywheel_shard::reply::{ReplySender, reply};
use futures_executor::LocalPool;
use futures_util::future::join_all;
use futures_util::task::LocalSpawnExt;

const BATCH: u64 = 64;

fn mailbox(c: &mut Criterion) {
    let mailbox = Mailbox::new(BATCH as usize, Arc::default());
    let mut group = c.benchmark_group("mailbox");
    group.throughput(Throughput::Elements(BATCH));
    group.bench_function("send and take", |b| {
        b.iter(|| {
            for n in 0..BATCH {
                mailbox.send(black_box(n)).expect("room");
            }
            while let Some(n) = mailbox.take() {
                black_box(n);
            }
        });
    });
    group.finish();
}

fn answers(c: &mut Criterion) {
    c.bench_function("reply", |b| {
        b.iter(|| {
            let (sender, receiver) = reply();
            sender.send(black_box(7u64));
            futures_executor::block_on(receiver)
        });
    });
}

/// Clients and a shard's loop as tasks of one executor: each batch is one wake of either side.
fn round_trip(c: &mut Criterion) {
    let bell = Arc::new(Bell::default());
    let mailbox = Arc::new(Mailbox::<(u64, ReplySender<u64>)>::new(1024, Arc::clone(&bell)));
    let mut pool = LocalPool::new();
    let inbox = Arc::clone(&mailbox);
    let shard = async move {
        loop {
            while let Some((question, reply)) = inbox.take() {
                reply.send(question + 1);
            }
            bell.wait(|| !inbox.is_empty()).await;
        }
    };
    pool.spawner().spawn_local(shard).expect("the pool lives");
    let mut group = c.benchmark_group("round trip");
    group.throughput(Throughput::Elements(BATCH));
    group.bench_function("64 together", |b| {
        b.iter(|| {
            pool.run_until(join_all((0..BATCH).map(|n| {
                let (sender, receiver) = reply();
                assert!(mailbox.send((n, sender)).is_ok(), "room");
                receiver
            })))
        });
    });
    group.finish();
}

criterion_group!(benches, mailbox, answers, round_trip);
criterion_main!(benches);
