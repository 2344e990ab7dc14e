//! Any target, with so much more work on the processor: a build that got slower by a known amount, for gates that are to be
//! held against one. Never part of a figure that stands for itself.

use std::future::Future;
use std::hint::spin_loop;
use std::sync::atomic::{AtomicU64, Ordering};

use flywheel_load::{
    Added, Addition, FieldSet, Reactor, Record, Row, Target, TargetError, TargetFactory, Updated,
};
use rustix::time::{ClockId, clock_gettime};

/// Operations of one worker between two looks at the clock, which is a system call.
const LOOK_EVERY: u64 = 16;

/// Connects to what another factory connects to, and burns a share of the processor time that the process takes.
#[derive(Debug)]
pub struct SlowedFactory<'a, F> {
    inner: &'a F,
    debt: Debt,
}

impl<'a, F> SlowedFactory<'a, F> {
    /// `share` of what the process does from now on is done on top, for nothing: 0.05 for 5 %.
    pub fn new(inner: &'a F, share: f64) -> Self {
        Self { inner, debt: Debt::new(share, process_ns()) }
    }
}

impl<'f, F: TargetFactory> TargetFactory for &'f SlowedFactory<'_, F> {
    type Target = SlowedTarget<'f, F::Target>;

    fn name(&self) -> &str {
        self.inner.name()
    }

    fn stores(&self) -> bool {
        self.inner.stores()
    }

    fn scans_in_order(&self) -> bool {
        self.inner.scans_in_order()
    }

    async fn connect(&self, worker: usize) -> Result<Self::Target, TargetError> {
        let inner = self.inner.connect(worker).await?;
        Ok(SlowedTarget { inner, debt: &self.debt, operations: std::cell::Cell::new(0) })
    }
}

/// One worker's way to the target, slowed.
#[derive(Debug)]
pub struct SlowedTarget<'a, T> {
    inner: T,
    debt: &'a Debt,
    operations: std::cell::Cell<u64>,
}

impl<T> SlowedTarget<'_, T> {
    async fn slowed<A>(&self, operation: impl Future<Output = A>) -> A {
        let answer = operation.await;
        let operations = self.operations.get() + 1;
        self.operations.set(operations);
        if operations.is_multiple_of(LOOK_EVERY) {
            let owed_ns = self.debt.claim(process_ns());
            let until_ns = thread_ns() + owed_ns;
            while thread_ns() < until_ns {
                spin_loop();
            }
        }
        answer
    }
}

impl<T: Target> Target for SlowedTarget<'_, T> {
    fn reactor(&self) -> Option<&dyn Reactor> {
        self.inner.reactor()
    }

    async fn read(&self, key: &[u8], fields: FieldSet) -> Result<Option<Record>, TargetError> {
        self.slowed(self.inner.read(key, fields)).await
    }

    async fn scan(
        &self,
        start: &[u8],
        count: usize,
        fields: FieldSet,
    ) -> Result<Vec<Row>, TargetError> {
        self.slowed(self.inner.scan(start, count, fields)).await
    }

    async fn insert(&self, key: &[u8], record: Record) -> Result<(), TargetError> {
        self.slowed(self.inner.insert(key, record)).await
    }

    async fn update(
        &self,
        key: &[u8],
        changes: Record,
        whole: bool,
    ) -> Result<Updated, TargetError> {
        self.slowed(self.inner.update(key, changes, whole)).await
    }

    async fn add(&self, key: &[u8], addition: Addition) -> Result<Added, TargetError> {
        self.slowed(self.inner.add(key, addition)).await
    }
}

/// What is still to be burned, shared by all workers.
#[derive(Debug)]
struct Debt {
    share: f64,
    begin_ns: u64,
    /// What workers have taken on to burn.
    claimed_ns: AtomicU64,
}

impl Debt {
    fn new(share: f64, begin_ns: u64) -> Self {
        Self { share, begin_ns, claimed_ns: AtomicU64::new(0) }
    }

    /// What the caller is to burn, once the process has used `now_ns`.
    fn claim(&self, now_ns: u64) -> u64 {
        let claimed_ns = self.claimed_ns.load(Ordering::Relaxed);
        // What was burned is no work of its own.
        let worked_ns = now_ns.saturating_sub(self.begin_ns).saturating_sub(claimed_ns);
        let owed_ns = ((worked_ns as f64 * self.share) as u64).saturating_sub(claimed_ns);
        let claim = self.claimed_ns.compare_exchange(
            claimed_ns,
            claimed_ns + owed_ns,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        // Another worker came first: the next look finds what is left.
        if claim.is_ok() { owed_ns } else { 0 }
    }
}

fn process_ns() -> u64 {
    nanoseconds(ClockId::ProcessCPUTime)
}

fn thread_ns() -> u64 {
    nanoseconds(ClockId::ThreadCPUTime)
}

fn nanoseconds(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

#[cfg(test)]
mod tests {
    use flywheel_load::{Properties, Workload};
    use futures_executor::block_on;

    use super::*;
    use crate::NullFactory;

    #[test]
    fn what_is_burned_is_the_share_of_the_rest_and_nobody_burns_it_twice() {
        let debt = Debt::new(0.1, 1_000);
        let mut now_ns = 1_000;
        let mut burned_ns = 0;
        for _ in 0..1_000 {
            now_ns += 10_000;
            let owed_ns = debt.claim(now_ns);
            assert_eq!(debt.claim(now_ns), 0, "it was claimed already");
            now_ns += owed_ns;
            burned_ns += owed_ns;
        }
        let worked_ns = now_ns - 1_000 - burned_ns;
        assert_eq!(worked_ns, 10_000_000);
        let share = burned_ns as f64 / worked_ns as f64;
        assert!((share - 0.1).abs() < 0.001, "{share}");
    }

    #[test]
    fn the_time_of_the_worker_that_asks_is_burned() {
        let resolved = Workload::resolve(&Properties::new()).expect("defaults");
        let null = NullFactory::new(&resolved.workload);
        let spent_ns = |share: f64| {
            let slowed = SlowedFactory::new(&null, share);
            let factory = &slowed;
            block_on(async {
                let target = factory.connect(0).await.expect("null connects");
                let before_ns = thread_ns();
                for _ in 0..160 {
                    target.read(b"user1", FieldSet::All).await.expect("null answers");
                }
                thread_ns() - before_ns
            })
        };
        let (plain_ns, slowed_ns) = (spent_ns(0.0), spent_ns(30.0));
        assert!(slowed_ns > 10 * plain_ns, "{slowed_ns} ns after {plain_ns} ns");
    }

    #[test]
    fn without_a_share_nothing_is_burned() {
        let debt = Debt::new(0.0, 0);
        assert_eq!(debt.claim(1 << 40), 0);
    }
}
