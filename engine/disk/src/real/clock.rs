//! One core's clock: goes on, never back, whatever the host's does. Not timers: see `timers`.

use std::cell::Cell;
use std::time::Instant;

/// Nanoseconds since it was made.
pub(super) struct Clock {
    started: Instant,
    /// What the host's clock said last.
    seen_ns: Cell<u64>,
    /// What we said then.
    told_ns: Cell<u64>,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self { started: Instant::now(), seen_ns: Cell::new(0), told_ns: Cell::new(0) }
    }

    pub(super) fn now_ns(&self) -> u64 {
        self.advance_to(self.started.elapsed().as_nanos() as u64)
    }

    /// A host's clock that was set back is taken as one that stood still for a moment: were its old
    /// time waited for, sleepers would sleep for hours.
    fn advance_to(&self, seen_ns: u64) -> u64 {
        let passed_ns = seen_ns.saturating_sub(self.seen_ns.replace(seen_ns));
        let now_ns = self.told_ns.get().saturating_add(passed_ns);
        self.told_ns.set(now_ns);
        now_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_clock_that_is_set_back_neither_turns_nor_stops_ours() {
        const HOUR_NS: u64 = 3_600_000_000_000;
        let clock = Clock::new();
        let seen_ns = [0, 10, 5 * HOUR_NS, HOUR_NS, HOUR_NS + 7, 0, 3];
        let told_ns = seen_ns.map(|seen_ns| clock.advance_to(seen_ns));
        let at_most_ns = 5 * HOUR_NS;
        assert_eq!(
            told_ns,
            [0, 10, at_most_ns, at_most_ns, at_most_ns + 7, at_most_ns + 7, at_most_ns + 10]
        );
    }
}
