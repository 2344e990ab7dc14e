//! What all workers of a phase read: limits, counters, schedule.
//! Nothing here is behind a lock, and nothing here is measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::control::Live;
use super::feed::Feed;
use super::measure::Pacing;
use super::open::OpenOptions;
use super::replay::Replay;
use crate::figures::Phase;
use crate::generate::AcknowledgedCounter;
use crate::workload::{KeyChooser, Workload};

/// Everything that workers share. Times are nanoseconds from the common start.
pub(super) struct Shared<'a> {
    pub phase: Phase,
    pub workload: &'a Workload,
    pub stop: &'a AtomicBool,
    pub live: Arc<Live>,
    pub workers: usize,
    /// How long operations in flight may take to come back once the phase has ended.
    pub drain: Duration,
    /// Operations that start before this are not measured.
    pub measure_from_ns: u64,
    /// Operations do not start after this; `u64::MAX` means no limit.
    pub deadline_ns: u64,
    /// Time between two operations of one client; `None` when not paced.
    pub tick_ns: Option<f64>,
    /// The arrivals of an open loop; `None` when the loop is closed.
    pub open: Option<&'a OpenOptions>,
    /// Where operations come from; `None` where they are drawn.
    pub feed: Option<&'a Feed>,
    /// How long the phase is meant to take, warm-up included; `u64::MAX` means no limit.
    pub length_ns: u64,
    /// Keys inserted by the run phase.
    pub inserted: AcknowledgedCounter,
    /// The key chooser that each worker clones; `None` while loading, and where nothing is drawn.
    pub chooser: Option<KeyChooser>,
    /// Whether the target keeps what is written; without, nothing is checked.
    pub stores: bool,
    /// Whether scans return records in key order.
    pub scans_in_order: bool,
    /// Length of each field's name.
    pub name_bytes: Vec<u32>,
}

impl<'a> Shared<'a> {
    pub fn new(
        phase: Phase,
        workload: &'a Workload,
        stop: &'a AtomicBool,
        live: Arc<Live>,
        workers: usize,
        drain: Duration,
        open: Option<&'a OpenOptions>,
    ) -> Self {
        let nanoseconds = |duration: Duration| duration.as_nanos() as u64;
        let (measure_from_ns, length_ns) = match phase {
            Phase::Load => (0, u64::MAX),
            Phase::Run => {
                let replay = open.and_then(|open| open.replay.as_ref());
                let warm_up =
                    replay.map_or_else(|| nanoseconds(workload.warm_up), Replay::warm_up_ns);
                let limit = open.map(OpenOptions::length).or(workload.max_execution_time);
                let length = |limit| warm_up.saturating_add(nanoseconds(limit));
                (warm_up, limit.map_or(u64::MAX, length))
            }
        };
        Self {
            phase,
            workload,
            stop,
            live,
            workers,
            drain,
            measure_from_ns,
            // A schedule of arrivals ends by itself, with its last one, unless nobody is free to come to it.
            deadline_ns: length_ns
                .saturating_add(open.map_or(0, |open| nanoseconds(open.late_after))),
            tick_ns: workload
                .target_ops_per_s
                .filter(|_| open.is_none())
                .map(|rate| workload.thread_count as f64 * 1e9 / rate),
            open,
            feed: None,
            length_ns,
            inserted: AcknowledgedCounter::new(workload.record_count),
            chooser: None,
            stores: true,
            scans_in_order: true,
            name_bytes: workload.field_names.iter().map(|name| name.len() as u32).collect(),
        }
    }

    /// Operations that all clients do in the measured window; `None` means no limit.
    pub fn operations_goal(&self) -> Option<u64> {
        if let Some(feed) = self.feed {
            return feed.goal;
        }
        match self.phase {
            Phase::Load => Some(self.workload.insert_count),
            Phase::Run if self.open.is_some() => None,
            Phase::Run => self.workload.operation_count,
        }
    }

    /// Client number `client`'s share of them: equal, the first ones one more.
    pub fn share(&self, client: u64) -> u64 {
        let clients = self.workload.thread_count;
        self.operations_goal()
            .map_or(u64::MAX, |goal| goal / clients + u64::from(client < goal % clients))
    }

    /// When client `client` should start its operation `cycle`. Clients are spread evenly over a tick.
    pub fn intended_ns(&self, client: u64, cycle: u64) -> Option<u64> {
        let phase = client as f64 / self.workload.thread_count as f64;
        self.tick_ns.map(|tick| ((cycle as f64 + phase) * tick) as u64)
    }

    pub fn pacing(&self) -> Pacing {
        match (self.open, self.tick_ns) {
            (Some(_), _) => Pacing::Open,
            (None, Some(_)) => Pacing::Paced,
            (None, None) => Pacing::Unpaced,
        }
    }

    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.feed.is_some_and(Feed::has_failed)
    }
}
