//! What a server counts, and the page that shows it. Not what the engine below counts: the service adds
//! that.

mod page;
mod table;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) use self::page::write_page;
use self::table::{BUCKETS, OPERATIONS, STATUSES};

/// The counters of all cores. Clones of the `Arc` go to each.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Locked when a core starts and when the page is asked for, never for a request.
    cores: Mutex<Vec<Arc<CoreMetrics>>>,
}

impl Metrics {
    /// Counters for one more core.
    pub(crate) fn core(&self) -> Arc<CoreMetrics> {
        let core = Arc::new(CoreMetrics::default());
        self.cores.lock().unwrap_or_else(PoisonError::into_inner).push(core.clone());
        core
    }

    /// The counters of all cores.
    fn all(&self) -> Vec<Arc<CoreMetrics>> {
        self.cores.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Connections that are open now.
    pub fn open_connections(&self) -> u64 {
        self.all().iter().map(|core| core.opened.get() - core.closed.get()).sum()
    }

    /// Requests that were answered.
    pub fn requests(&self) -> u64 {
        let of = |core: &Arc<CoreMetrics>| {
            core.operations.iter().flat_map(|of| &of.statuses).map(Counter::get).sum::<u64>()
        };
        self.all().iter().map(of).sum()
    }
}

/// A number that one core writes and all may read.
#[derive(Debug, Default)]
struct Counter(AtomicU64);

impl Counter {
    /// Without the bus lock of an atomic addition: nobody else writes.
    fn add(&self, more: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What one core counts.
#[derive(Debug)]
pub(crate) struct CoreMetrics {
    opened: Counter,
    closed: Counter,
    refused: Counter,
    failed_handshakes: Counter,
    timed_out: Counter,
    received_bytes: Counter,
    sent_bytes: Counter,
    operations: [OperationMetrics; OPERATIONS.len()],
}

impl Default for CoreMetrics {
    fn default() -> Self {
        Self {
            opened: Counter::default(),
            closed: Counter::default(),
            refused: Counter::default(),
            failed_handshakes: Counter::default(),
            timed_out: Counter::default(),
            received_bytes: Counter::default(),
            sent_bytes: Counter::default(),
            operations: std::array::from_fn(|_| OperationMetrics::default()),
        }
    }
}

#[derive(Debug, Default)]
struct OperationMetrics {
    statuses: [Counter; STATUSES.len()],
    /// By response time; the last one is without a bound.
    buckets: [Counter; BUCKETS.len() + 1],
    sum_ns: Counter,
}

/// An operation's row, found once for each request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row(usize);

impl Row {
    /// For what is no operation: probes, pages, refusals.
    pub(crate) const NONE: Row = Row(0);

    /// The row of an operation's name; names that nobody knows share one.
    pub(crate) fn of(name: &str) -> Self {
        Self(table::position(name))
    }
}

impl CoreMetrics {
    pub(crate) fn opened(&self) {
        self.opened.add(1);
    }

    pub(crate) fn closed(&self) {
        self.closed.add(1);
    }

    /// A connection that was one too many.
    pub(crate) fn refused(&self) {
        self.refused.add(1);
    }

    pub(crate) fn failed_handshake(&self) {
        self.failed_handshakes.add(1);
    }

    /// A connection closed because its client took too long.
    pub(crate) fn timed_out(&self) {
        self.timed_out.add(1);
    }

    pub(crate) fn received(&self, bytes: usize) {
        self.received_bytes.add(bytes as u64);
    }

    pub(crate) fn sent(&self, bytes: usize) {
        self.sent_bytes.add(bytes as u64);
    }

    /// A request that was answered.
    pub(crate) fn answered(&self, row: Row, status: u16, took_ns: u64) {
        let of = &self.operations[row.0];
        of.statuses[table::status_position(status)].add(1);
        of.buckets[BUCKETS.partition_point(|&(bound_ns, _)| bound_ns < took_ns)].add(1);
        of.sum_ns.add(took_ns);
    }
}
