//! A trace against given capacity, request by request, at the trace's own times: who would be throttled. Not a model of the
//! throttling: the buckets and leases of `flywheel-capacity` that live requests pass, as the engine uses them. A request
//! reserves the least that it can take, and is settled with what it took. Nobody tries again.

use std::collections::HashMap;

use flywheel_capacity::admission::{Ceiling, Global, Local};
use flywheel_capacity::limits::MAX_RATE_UNITS_PER_S;
use flywheel_capacity::operation::{Each, Operation as Side};
use flywheel_capacity::tokens::{Rate, Tokens};

use super::input::{PlanError, item_within, read_units, within, write_units};
use super::schema::{Replay, ReplayedSide, ThrottledSecond};
use super::traced::TracedOperation;
use crate::OperationKind;
use crate::limits::{MAX_COUNTED_KEYS, MAX_PLAN_MINUTES, MAX_REPLAY_SECONDS, MAX_SAVED_S};

const SECOND_US: u64 = 1_000_000;

/// Capacity that a trace is replayed against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Provisioned {
    /// Read units per second.
    pub reads_per_s: f64,
    /// Write units per second.
    pub writes_per_s: f64,
    /// How long the table was there, and unused, before the trace begins: seconds, up to 300. At 0 it has one second's
    /// units, as a table has that was just made or opened.
    pub saved_s: f64,
}

/// A replay under way.
#[derive(Debug)]
pub struct TraceReplay {
    /// Bytes of an item where nothing says.
    usual_bytes: u64,
    is_strong: bool,
    saved_s: f64,
    first_us: Option<u64>,
    /// Bytes of items as they are now, by the hashes of their keys.
    sizes: HashMap<u64, u32>,
    sides: Each<Meter>,
}

/// One kind of capacity, and what became of who asked for it.
#[derive(Debug)]
struct Meter {
    bucket: Global,
    lease: Local,
    rate_per_s: f64,
    requests: u64,
    throttled: u64,
    taken: Tokens,
    first_last_s: Option<(u64, u64)>,
    by_second: Vec<ThrottledSecond>,
}

impl TraceReplay {
    /// Nothing so far. Items are of `usual_bytes` where neither the trace nor a write before says otherwise.
    ///
    /// # Errors
    /// If a figure is out of bounds.
    pub fn new(
        provisioned: &Provisioned,
        usual_bytes: f64,
        eventual_reads: bool,
    ) -> Result<Self, PlanError> {
        item_within(usual_bytes)?;
        within("--saved-seconds", provisioned.saved_s, 0.0, MAX_SAVED_S)?;
        let side = |name: &str, rate_per_s: f64| {
            within(name, rate_per_s, 1.0, MAX_RATE_UNITS_PER_S as f64)?;
            Ok(Meter::new(rate_per_s))
        };
        Ok(Self {
            usual_bytes: usual_bytes.ceil() as u64,
            is_strong: !eventual_reads,
            saved_s: provisioned.saved_s,
            first_us: None,
            sizes: HashMap::new(),
            sides: Each {
                read: side("--provisioned-reads-per-s", provisioned.reads_per_s)?,
                write: side("--provisioned-writes-per-s", provisioned.writes_per_s)?,
            },
        })
    }

    /// An item is there before the trace begins; of so many bytes, if that is known.
    pub fn holds(&mut self, key_hash: u64, item_bytes: Option<u64>) {
        self.keep(key_hash, item_bytes.unwrap_or(self.usual_bytes));
    }

    /// One more operation; times never fall.
    ///
    /// # Errors
    /// If the trace is longer than a year.
    pub fn add(&mut self, operation: &TracedOperation) -> Result<(), PlanError> {
        let first_us = *self.first_us.get_or_insert(operation.time_us);
        let at_us = operation.time_us.saturating_sub(first_us);
        if at_us / (60 * SECOND_US) >= MAX_PLAN_MINUTES {
            return Err(PlanError::Metrics("longer than a year, which is the most".into()));
        }
        let saved_us = (self.saved_s * SECOND_US as f64) as u64;
        let at = At { second: at_us / SECOND_US, now_ns: (saved_us + at_us) * 1000 };
        let known = self.sizes.get(&operation.key_hash).map(|bytes| u64::from(*bytes));
        let said = operation.item_bytes;
        let (is_read, is_write) = match operation.kind {
            OperationKind::Read | OperationKind::Scan => (true, false),
            OperationKind::ReadModifyWrite => (true, true),
            OperationKind::Update | OperationKind::Insert | OperationKind::Delete => (false, true),
        };
        if is_read {
            let bytes = match operation.kind {
                OperationKind::Scan => self.usual_bytes.saturating_mul(operation.count),
                // What this one says is what it writes.
                OperationKind::ReadModifyWrite => known.or(said).unwrap_or(self.usual_bytes),
                _ => said.or(known).unwrap_or(self.usual_bytes),
            };
            let units = |bytes: u64| Tokens::from_f64(read_units(bytes as f64, self.is_strong));
            let (least, taken) = (units(0), units(bytes));
            if !self.sides.of_mut(Side::Read).ask(at, least, taken) {
                // What was not read is not written either.
                return Ok(());
            }
        }
        if is_write {
            let units = |bytes: u64| Tokens::from_f64(write_units(bytes as f64));
            let after = said.unwrap_or(self.usual_bytes);
            let (least, taken) = (units(0), units(after.max(known.unwrap_or(0))));
            if self.sides.of_mut(Side::Write).ask(at, least, taken) {
                match operation.kind {
                    OperationKind::Delete => {
                        self.sizes.remove(&operation.key_hash);
                    }
                    _ => self.keep(operation.key_hash, after),
                }
            }
        }
        Ok(())
    }

    /// What became of all of them.
    pub fn outcome(self) -> Replay {
        let Each { read, write } = self.sides;
        Replay { saved_s: self.saved_s, reads: read.outcome(), writes: write.outcome() }
    }

    fn keep(&mut self, key_hash: u64, bytes: u64) {
        // Items that come late are taken to be of the usual size once there are so many.
        if self.sizes.len() < MAX_COUNTED_KEYS || self.sizes.contains_key(&key_hash) {
            self.sizes.insert(key_hash, u32::try_from(bytes).unwrap_or(u32::MAX));
        }
    }
}

/// When something is asked for.
#[derive(Clone, Copy)]
struct At {
    /// Of the trace.
    second: u64,
    /// Since the table was made.
    now_ns: u64,
}

impl Meter {
    fn new(rate_per_s: f64) -> Self {
        let rate = Rate::milli_per_s((rate_per_s * 1000.0).round() as u64);
        Self {
            bucket: Global::new(0, Ceiling::provisioned(rate), 1),
            lease: Local::new(0),
            rate_per_s,
            requests: 0,
            throttled: 0,
            taken: Tokens::ZERO,
            first_last_s: None,
            by_second: Vec::new(),
        }
    }

    /// Whether a request is let in.
    fn ask(&mut self, at: At, least: Tokens, taken: Tokens) -> bool {
        self.requests += 1;
        let At { second, now_ns } = at;
        let bucket = &mut self.bucket;
        if self.lease.take(now_ns, least, |ask| bucket.exchange(now_ns, ask, true)).is_ok() {
            self.lease.settle(least, taken);
            self.taken += taken;
            return true;
        }
        self.throttled += 1;
        self.first_last_s = Some((self.first_last_s.map_or(second, |(first, _)| first), second));
        let has_room = self.by_second.len() < MAX_REPLAY_SECONDS;
        match self.by_second.last_mut() {
            Some(last) if last.at_s == second => last.throttled += 1,
            _ if has_room => {
                self.by_second.push(ThrottledSecond { at_s: second, throttled: 1 });
            }
            _ => {}
        }
        false
    }

    fn outcome(self) -> ReplayedSide {
        let share = |part: u64| if part == 0 { 0.0 } else { part as f64 / self.requests as f64 };
        ReplayedSide {
            provisioned_units: self.rate_per_s,
            requests: self.requests,
            throttled_requests: self.throttled,
            throttled_share: share(self.throttled),
            taken_units: self.taken.as_f64(),
            first_throttled_s: self.first_last_s.map(|(first, _)| first),
            last_throttled_s: self.first_last_s.map(|(_, last)| last),
            throttled_by_second: self.by_second,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: f64 = 1_000.0;

    fn replay(reads_per_s: f64, writes_per_s: f64, saved_s: f64) -> TraceReplay {
        let provisioned = Provisioned { reads_per_s, writes_per_s, saved_s };
        TraceReplay::new(&provisioned, USUAL, false).expect("sound")
    }

    fn operation(at_ms: u64, kind: OperationKind, item_bytes: Option<u64>) -> TracedOperation {
        // Traces need not begin at 0.
        let time_us = 5_000_000 + at_ms * 1000;
        TracedOperation { time_us, kind, key_hash: 1, item_bytes, count: 1 }
    }

    /// So many writes, one every so many milliseconds.
    fn writes(mut replay: TraceReplay, number: u64, every_ms: u64, bytes: u64) -> ReplayedSide {
        for n in 0..number {
            let write = operation(n * every_ms, OperationKind::Update, Some(bytes));
            replay.add(&write).expect("short enough");
        }
        replay.outcome().writes
    }

    #[test]
    fn twice_the_capacity_uses_up_what_is_there_and_then_every_other_passes() {
        // 10 units a second, 20 asked for. There are 10 + 10 t until t, and 1 + 20 t are asked for: the first that finds
        // less than a unit is the twentieth, at 0.95 s. By the last one, at 399.95 s, 4,009.5 units have come.
        let side = writes(replay(1.0, 10.0, 0.0), 8_000, 50, 1_000);
        assert_eq!((side.requests, side.requests - side.throttled_requests), (8_000, 4_009));
        assert_eq!((side.first_throttled_s, side.last_throttled_s), (Some(0), Some(399)));
        assert_eq!(side.taken_units, 4_009.0);
        let by_second: u64 = side.throttled_by_second.iter().map(|of| of.throttled).sum();
        assert_eq!(by_second, side.throttled_requests);
        // In each second but the first ten of twenty.
        assert!(side.throttled_by_second[1..].iter().all(|of| of.throttled.abs_diff(10) <= 1));
    }

    #[test]
    fn what_was_saved_before_is_there_and_not_more_than_300_s_of_it() {
        // 3,000 units are there: they last 300 s, and with 3,999.5 that come until the end 6,999 pass.
        for saved_s in [299.0, 300.0] {
            let side = writes(replay(1.0, 10.0, saved_s), 8_000, 50, 1_000);
            assert_eq!(side.requests - side.throttled_requests, 6_999, "{saved_s}");
            assert_eq!(side.first_throttled_s, Some(299));
        }
        // Below its capacity nobody is throttled, however long it takes.
        let side = writes(replay(1.0, 10.0, 0.0), 8_000, 100, 1_000);
        assert_eq!((side.throttled_requests, side.first_throttled_s), (0, None));
    }

    #[test]
    fn a_large_request_is_let_in_and_the_next_ones_wait_for_its_debt() {
        // Of the 10 units that are there 25 are taken. At 1 s 5 are owed still, at 2 s there are 5.
        let mut replay = replay(1.0, 10.0, 0.0);
        for (at_ms, bytes) in [(0, 25_000), (1_000, 1), (2_000, 1)] {
            let key_hash = at_ms;
            let write = operation(at_ms, OperationKind::Insert, Some(bytes));
            replay.add(&TracedOperation { key_hash, ..write }).expect("short enough");
        }
        let side = replay.outcome().writes;
        assert_eq!(side.throttled_by_second, [ThrottledSecond { at_s: 1, throttled: 1 }]);
        assert_eq!(side.taken_units, 26.0);
    }

    #[test]
    fn sizes_are_the_last_ones_that_were_let_in() {
        let mut replay = replay(100.0, 5.0, 0.0);
        replay.holds(1, Some(9_000));
        let mut add = |at_ms, kind, bytes| {
            replay.add(&operation(at_ms, kind, bytes)).expect("short enough");
        };
        // 9 KB are 3 units to read, and 9 to overwrite with less: of 5, which leaves a debt of 4.
        add(0, OperationKind::Read, None);
        add(0, OperationKind::Update, Some(100));
        // Turned away, so the item stays as small as it is.
        add(10, OperationKind::Update, Some(9_000));
        add(10, OperationKind::Read, None);
        // A trace that says what was read is believed.
        add(10, OperationKind::Read, Some(5_000));
        // Reads what is there, and is turned away when it writes.
        add(20, OperationKind::ReadModifyWrite, Some(9_000));
        let Replay { reads, writes, .. } = replay.outcome();
        assert_eq!((reads.requests, reads.taken_units), (4, 3.0 + 1.0 + 2.0 + 1.0));
        assert_eq!((writes.requests, writes.throttled_requests, writes.taken_units), (3, 2, 9.0));
    }

    #[test]
    fn a_write_whose_read_was_turned_away_is_not_sent() {
        let mut replay = replay(1.0, 10.0, 0.0);
        for at_ms in [0, 10] {
            let both = operation(at_ms, OperationKind::ReadModifyWrite, Some(10));
            replay.add(&both).expect("short enough");
        }
        let Replay { reads, writes, .. } = replay.outcome();
        assert_eq!((reads.requests, reads.throttled_requests, writes.requests), (2, 1, 1));
    }

    #[test]
    fn eventual_reads_take_half_and_scans_are_rounded_once() {
        let provisioned = Provisioned { reads_per_s: 2.0, writes_per_s: 1.0, saved_s: 0.0 };
        let mut replay = TraceReplay::new(&provisioned, USUAL, true).expect("sound");
        // 10 items of 1,000 B are 10,000 B: 3 units, halved. Half a unit is left of two, which is the least of a read.
        let scan = TracedOperation { count: 10, ..operation(0, OperationKind::Scan, None) };
        for read in [scan, operation(0, OperationKind::Read, None), scan] {
            replay.add(&read).expect("short enough");
        }
        let reads = replay.outcome().reads;
        assert_eq!((reads.requests, reads.throttled_requests, reads.taken_units), (3, 1, 2.0));
    }

    #[test]
    fn figures_out_of_bounds_are_refused() {
        for (reads_per_s, writes_per_s, saved_s) in
            [(0.0, 1.0, 0.0), (1.0, 2e9, 0.0), (1.0, 1.0, 301.0), (f64::NAN, 1.0, 0.0)]
        {
            let provisioned = Provisioned { reads_per_s, writes_per_s, saved_s };
            assert!(TraceReplay::new(&provisioned, USUAL, false).is_err(), "{provisioned:?}");
        }
    }
}
