//! How a table or an index on demand grows: what it serves at once, by the peaks that it has had; and how often it
//! may become one. Not what it is billed for, nor its owner's maximum: see [`crate::admission::Ceiling`].
//!
//! The rule, which DynamoDB states in words only, made exact here:
//!
//! 1. It serves **twice its previous peak** at once. A new one begins with a previous peak of 6,000 read and 2,000
//!    write units a second, so with 12,000 and 4,000.
//! 2. A **peak** is the average of one whole minute of the clock.
//! 3. The first minute above the previous peak opens a window of **30 minutes** from that minute's start. When the
//!    window ends, its highest minute becomes the previous peak. So what is asked for doubles at most every half
//!    hour, and is never refused if it grows more slowly.
//! 4. Previous peaks never fall. Warm throughput is what it serves at once; asking for more raises the peak to
//!    half of that.
//! 5. A table that was provisioned begins with half the most that it ever was, if that is more than a new one's.
//!
//! Source: developer guide, "DynamoDB on-demand capacity mode", "Understanding DynamoDB warm throughput",
//! "Considerations when switching capacity modes".

use crate::limits::MAX_SWITCHES;
use crate::operation::Operation;
use crate::tokens::{Rate, Tokens};

/// What a new table serves at once, in read units a second.
pub const NEW_READ: Rate = Rate::per_s(12_000);

/// What a new table serves at once, in write units a second.
pub const NEW_WRITE: Rate = Rate::per_s(4_000);

/// A peak is one minute's average.
const MINUTE_MS: u64 = 60_000;

/// From the first minute of a new peak until it counts.
const WINDOW_MS: u64 = 30 * MINUTE_MS;

/// Switches are counted over so long.
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;

/// One kind of capacity of one table or index. Times are of the wall clock, in milliseconds; one that goes back
/// opens nothing and ends nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Growth {
    previous_peak: Rate,
    minute: Minute,
    window: Option<Window>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Minute {
    start_ms: u64,
    consumed: Tokens,
}

/// A new peak on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    start_ms: u64,
    peak: Rate,
}

impl Growth {
    /// Of a new table or index.
    #[must_use]
    pub fn new(operation: Operation) -> Self {
        let serves = match operation {
            Operation::Read => NEW_READ,
            Operation::Write => NEW_WRITE,
        };
        Self { previous_peak: serves.part(1, 2), minute: Minute::default(), window: None }
    }

    /// Of one that was provisioned before, with `most_provisioned` at the most; or of one that is opened again,
    /// with the warm throughput that it had.
    #[must_use]
    pub fn after(operation: Operation, most_provisioned: Rate) -> Self {
        let mut growth = Self::new(operation);
        growth.warm_to(most_provisioned);
        growth
    }

    /// Has it serve so much at once, if it does not yet.
    pub fn warm_to(&mut self, serves: Rate) {
        self.previous_peak = self.previous_peak.max(serves.part(1, 2));
    }

    /// Units that were consumed now, or since the last note.
    pub fn note(&mut self, now_ms: u64, consumed: Tokens) {
        self.advance(now_ms);
        if now_ms >= self.minute.start_ms + MINUTE_MS {
            self.minute = Minute { start_ms: now_ms - now_ms % MINUTE_MS, consumed: Tokens::ZERO };
        }
        self.minute.consumed += consumed;
    }

    /// What it serves at once: its warm throughput. Never falls.
    #[must_use]
    pub fn serves(&mut self, now_ms: u64) -> Rate {
        self.advance(now_ms);
        self.previous_peak.plus(self.previous_peak)
    }

    /// Ends the minute and the window that are over by now.
    fn advance(&mut self, now_ms: u64) {
        if now_ms >= self.minute.start_ms + MINUTE_MS {
            let Minute { start_ms, consumed } = std::mem::take(&mut self.minute);
            self.minute.start_ms = start_ms;
            self.end_minute(start_ms, average(consumed));
        }
        if let Some(window) = self.window
            && now_ms >= window.start_ms + WINDOW_MS
        {
            self.previous_peak = self.previous_peak.max(window.peak);
            self.window = None;
        }
    }

    fn end_minute(&mut self, start_ms: u64, peak: Rate) {
        match &mut self.window {
            Some(window) => window.peak = window.peak.max(peak),
            None if peak > self.previous_peak => self.window = Some(Window { start_ms, peak }),
            None => {}
        }
    }
}

/// Of a minute's units.
fn average(consumed: Tokens) -> Rate {
    // Nano-units a minute to milli-units a second.
    let nanos = u64::try_from(consumed.as_nanos()).unwrap_or(0);
    Rate::milli_per_s(nanos / (MINUTE_MS / 1000 * 1_000_000))
}

/// When a table became one on demand: it may so four times within any 24 hours. Back to provisioned capacity it may
/// at any time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Switches {
    made_ms: Vec<u64>,
}

impl Switches {
    /// Those that are known, oldest first; only the last four matter.
    #[must_use]
    pub fn of(made_ms: &[u64]) -> Self {
        Self { made_ms: made_ms[made_ms.len().saturating_sub(MAX_SWITCHES)..].to_vec() }
    }

    /// The last ones, at most four, oldest first: to be kept.
    #[must_use]
    pub fn made_ms(&self) -> &[u64] {
        &self.made_ms
    }

    /// Switches to capacity on demand.
    ///
    /// # Errors
    /// When it may next, if it may not now: 24 hours after the fourth last.
    pub fn switch(&mut self, now_ms: u64) -> Result<(), u64> {
        if self.made_ms.len() >= MAX_SWITCHES {
            let free_ms = self.made_ms[0].saturating_add(DAY_MS);
            if now_ms < free_ms {
                return Err(free_ms);
            }
            self.made_ms.remove(0);
        }
        self.made_ms.push(now_ms);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A minute's units at so many a second.
    fn minute_at(units_per_s: u64) -> Tokens {
        Tokens::units(units_per_s * 60)
    }

    fn serves(growth: &mut Growth, now_ms: u64) -> u64 {
        growth.serves(now_ms).as_milli() / 1000
    }

    #[test]
    fn a_new_table_serves_what_the_guide_says() {
        assert_eq!(serves(&mut Growth::new(Operation::Read), 0), 12_000);
        assert_eq!(serves(&mut Growth::new(Operation::Write), 0), 4000);
    }

    #[test]
    fn one_that_was_provisioned_serves_at_least_as_much_as_before() {
        let of =
            |provisioned| serves(&mut Growth::after(Operation::Write, Rate::per_s(provisioned)), 0);
        assert_eq!(of(100), 4000);
        assert_eq!(of(30_000), 30_000);
        let mut warm = Growth::new(Operation::Write);
        warm.warm_to(Rate::per_s(9000));
        warm.warm_to(Rate::per_s(8000));
        assert_eq!(serves(&mut warm, 0), 9000, "it only rises");
    }

    #[test]
    fn a_peak_counts_thirty_minutes_after_it_began() {
        let mut growth = Growth::new(Operation::Write);
        for minute in 0..30 {
            growth.note(minute * MINUTE_MS + 5, minute_at(4000));
            assert_eq!(serves(&mut growth, minute * MINUTE_MS + 5), 4000, "minute {minute}");
        }
        assert_eq!(serves(&mut growth, 30 * MINUTE_MS - 1), 4000);
        assert_eq!(serves(&mut growth, 30 * MINUTE_MS), 8000);
    }

    #[test]
    fn one_minute_is_a_peak_and_a_second_of_it_is_not() {
        let mut growth = Growth::new(Operation::Write);
        growth.note(0, minute_at(3000));
        assert_eq!(serves(&mut growth, WINDOW_MS), 6000, "the minute's average, twice");
        let mut growth = Growth::new(Operation::Write);
        growth.note(0, Tokens::units(60_000));
        assert_eq!(serves(&mut growth, WINDOW_MS), 4000, "1,000 a second on average");
    }

    #[test]
    fn growth_of_twice_a_half_hour_is_served() {
        let mut growth = Growth::new(Operation::Write);
        for (window, expected) in [(1, 8000), (2, 16_000), (3, 32_000)] {
            let start_ms = (window - 1) * WINDOW_MS;
            let demand = serves(&mut growth, start_ms);
            growth.note(start_ms, minute_at(demand));
            assert_eq!(serves(&mut growth, start_ms + WINDOW_MS), expected);
        }
        assert_eq!(serves(&mut growth, 1000 * WINDOW_MS), 32_000, "it does not fall");
    }

    #[test]
    fn a_clock_that_goes_back_changes_nothing() {
        let mut growth = Growth::new(Operation::Write);
        growth.note(100 * MINUTE_MS, minute_at(4000));
        growth.note(0, Tokens::ZERO);
        assert_eq!(serves(&mut growth, 0), 4000);
        assert_eq!(serves(&mut growth, 129 * MINUTE_MS), 4000);
        assert_eq!(serves(&mut growth, 130 * MINUTE_MS), 8000);
    }

    #[test]
    fn four_switches_a_day_and_the_fifth_after_exactly_one() {
        let mut switches = Switches::default();
        for hour in 0..4 {
            assert_eq!(switches.switch(hour * 60 * MINUTE_MS), Ok(()));
        }
        assert_eq!(switches.switch(DAY_MS - 1), Err(DAY_MS));
        assert_eq!(switches.switch(DAY_MS), Ok(()));
        assert_eq!(switches.switch(DAY_MS), Err(DAY_MS + 60 * MINUTE_MS));
        assert_eq!(switches.made_ms().len(), 4);
        assert_eq!(Switches::of(&[1, 2, 3, 4, 5]).made_ms(), [2, 3, 4, 5]);
    }
}
