//! Pace: how fast a round may work beside everybody else.

use flywheel_disk::World;

use super::PACE_SLEEP;
use crate::core::{Core, Health};
use crate::error::StoreError;

/// Bytes per second that a round may work off even if nothing is logged.
const IDLE_BYTES_PER_S: f64 = (24 << 20) as f64;

/// Bytes per second of a round that puts records in order: scans wait for it.
const ORDER_BYTES_PER_S: f64 = (128 << 20) as f64;

/// How far a round may be.
pub(super) struct Pace {
    started_ns: u64,
    logged_before: u64,
    /// Bytes to work off for each byte logged.
    bytes_per_logged: f64,
    bytes_per_s: f64,
    worked_bytes: u64,
}

impl Pace {
    /// Of a round that gives space back: its debt grows with what is logged.
    pub(super) fn of_debt<W: World>(core: &Core<W>, live_bytes: u64, all_bytes: u64) -> Self {
        let live_share = live_bytes as f64 / all_bytes as f64;
        // One victim gives back its dead share; reading it and writing its live records are both work.
        let work_per_victim = 1.0 + live_share;
        let dead_share = (1.0 - live_share).max(0.05);
        Self::new(core, 1.25 * work_per_victim / dead_share, IDLE_BYTES_PER_S)
    }

    /// Of a round that puts records in order.
    pub(super) fn of_order<W: World>(core: &Core<W>) -> Self {
        Self::new(core, 0.0, ORDER_BYTES_PER_S)
    }

    fn new<W: World>(core: &Core<W>, bytes_per_logged: f64, bytes_per_s: f64) -> Self {
        Self {
            started_ns: core.world.now_ns(),
            logged_before: core.counters.log_bytes_written.get(),
            bytes_per_logged,
            bytes_per_s,
            worked_bytes: 0,
        }
    }

    /// Notes work done, and waits while it is ahead of the debt.
    pub(super) async fn worked<W: World>(
        &mut self,
        core: &Core<W>,
        bytes: u64,
    ) -> Result<(), StoreError> {
        self.worked_bytes += bytes;
        loop {
            core.world.yield_if_needed().await;
            match &*core.health.borrow() {
                Health::Stopped(error) => return Err(StoreError::Stopped(error.clone())),
                _ if core.is_closing() => return Err(StoreError::Closed),
                Health::Full(_) => return Ok(()),
                Health::Running => {}
            }
            let logged = core.counters.log_bytes_written.get() - self.logged_before;
            let elapsed_s = (core.world.now_ns() - self.started_ns) as f64 / 1e9;
            let allowed = logged as f64 * self.bytes_per_logged + elapsed_s * self.bytes_per_s;
            if self.worked_bytes as f64 <= allowed || core.must_wait_for_space() {
                return Ok(());
            }
            core.world.sleep(PACE_SLEEP).await;
        }
    }
}
