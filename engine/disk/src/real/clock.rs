//! One core's clock: goes on, never back, whatever the host's does. Not timers: see `timers`.

use std::cell::Cell;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

/// Time since 1970 by the host's calendar clock, which may be set at any moment: for dates that people
/// and other machines compare, never for how long something took.
pub fn unix_time() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// Nanoseconds since this process first asked, the same on all threads; never goes back.
pub fn monotonic_ns() -> u64 {
    static FIRST: OnceLock<Instant> = OnceLock::new();
    FIRST.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

/// Nanoseconds since it was made.
pub(super) struct Clock {
    /// When the host's clock was looked at last.
    looked: Cell<Instant>,
    /// What we said then.
    told_ns: Cell<u64>,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self { looked: Cell::new(Instant::now()), told_ns: Cell::new(0) }
    }

    pub(super) fn now_ns(&self) -> u64 {
        self.look(Instant::now())
    }

    /// A host's clock that was set back is taken as one that stood still for a moment: were its old
    /// time waited for, sleepers would sleep for hours.
    fn look(&self, now: Instant) -> u64 {
        let passed = now.saturating_duration_since(self.looked.replace(now));
        let now_ns = self.told_ns.get().saturating_add(passed.as_nanos() as u64);
        self.told_ns.set(now_ns);
        now_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_host_clock_that_is_set_back_neither_turns_nor_stops_ours() {
        const HOUR_NS: u64 = 3_600_000_000_000;
        let clock = Clock::new();
        let earliest = clock.looked.get();
        // Before it was made, too.
        clock.looked.set(earliest + Duration::from_nanos(HOUR_NS));
        let seen_ns = [HOUR_NS + 10, 5 * HOUR_NS, 2 * HOUR_NS, 2 * HOUR_NS + 7, 0, 3];
        let told_ns = seen_ns.map(|ns| clock.look(earliest + Duration::from_nanos(ns)));
        let before_ns = 4 * HOUR_NS;
        let expected = [10, before_ns, before_ns, before_ns + 7, before_ns + 7, before_ns + 10];
        assert_eq!(told_ns, expected);
    }
}
