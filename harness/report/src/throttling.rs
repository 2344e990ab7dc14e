//! Requests that were refused because the system was busy or capacity was used up: how many, and until when. What they
//! were refused for stands in the schedule; whether that is well is nobody's verdict here.

use serde::{Deserialize, Serialize};

use crate::limits::THROTTLED_SHARE;
use crate::units::{count, percent};
use crate::{Interval, RunResult};

/// Throttling in the measured phase. Seconds are whole ones: the last one is seldom, and left out but of the sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Throttling {
    /// Requests that were refused.
    pub requests: u64,
    /// Their share of all that were answered, failed or were refused, from 0 to 1.
    pub share: f64,
    /// Seconds of which more than 0.1 % was refused.
    pub throttled_s: u64,
    /// The end of the last of these, in seconds since the measured phase began, and 0 if there was none; `None` if the
    /// last whole second was still one of them.
    pub ended_s: Option<f64>,
}

impl Throttling {
    /// Of a run; `None` without its seconds.
    pub(crate) fn of(result: &RunResult) -> Option<Self> {
        let is_open = result.schedule.as_ref().is_some_and(|schedule| schedule.is_open());
        let intervals = &result.intervals;
        if intervals.is_empty() {
            return None;
        }
        let requests = intervals.iter().fold(0u64, |sum, one| sum.saturating_add(one.throttled));
        let whole = &intervals[..intervals.len().saturating_sub(1).max(1)];
        let is_throttled =
            |one: &Interval| share(one.throttled, asked(one, is_open)) > THROTTLED_SHARE;
        // Behind the end of the schedule there are only stragglers.
        let half_of_all = asked_on_average(intervals, is_open) / 2;
        let scheduled = whole.iter().rposition(|one| asked(one, is_open) >= half_of_all);
        let whole = &whole[..scheduled.map_or(whole.len(), |last| last + 1)];
        let last = whole.iter().rposition(is_throttled);
        let ended_s = match last {
            None => Some(0.0),
            Some(last) if last + 1 == whole.len() => None,
            Some(last) => Some(whole[last].at_s + 1.0),
        };
        let asked = intervals.iter().fold(0u64, |sum, one| sum.saturating_add(asked(one, is_open)));
        Some(Self {
            requests,
            share: share(requests, asked),
            throttled_s: whole.iter().filter(|one| is_throttled(one)).count() as u64,
            ended_s,
        })
    }

    /// When it ended, in words.
    pub(crate) fn end(&self) -> String {
        match self.ended_s {
            None => "not before the end".into(),
            Some(_) if self.throttled_s == 0 => "never more than 0.1 % of a second".into(),
            Some(ended_s) => format!("at {ended_s:.0} s"),
        }
    }

    /// All of it in words, if there was any.
    pub(crate) fn sentence(&self) -> Option<String> {
        if self.requests == 0 {
            return None;
        }
        let Self { requests, share, throttled_s, .. } = *self;
        let (requests, share) = (count(requests), percent(share));
        let ended = match self.throttled_s {
            0 => self.end(),
            _ => format!("in {} s of the run; throttling ended {}", count(throttled_s), self.end()),
        };
        Some(format!("{requests} requests, {share} of all, {ended}"))
    }
}

/// Requests that ended in a second of these, on average.
fn asked_on_average(intervals: &[Interval], is_open: bool) -> u64 {
    let all = intervals.iter().fold(0u64, |sum, one| sum.saturating_add(asked(one, is_open)));
    all / intervals.len().max(1) as u64
}

/// Requests that ended in a second, however they did.
fn asked(one: &Interval, is_open: bool) -> u64 {
    let beside = if is_open { one.throttled } else { 0 };
    one.count.saturating_add(one.errors).saturating_add(beside)
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Schedule;

    /// A run of seconds with so many answered and so many refused.
    fn run(seconds: &[(u64, u64)], is_open: bool) -> RunResult {
        let interval = |(at, (count, throttled)): (usize, &(u64, u64))| Interval {
            at_s: at as f64,
            count: *count,
            errors: if is_open { 0 } else { *throttled },
            throttled: *throttled,
            ..Interval::default()
        };
        let in_flight_most = is_open.then_some(64);
        RunResult {
            intervals: seconds.iter().enumerate().map(interval).collect(),
            schedule: Some(Schedule { in_flight_most, ..Schedule::default() }),
            ..RunResult::default()
        }
    }

    #[test]
    fn throttling_ends_with_the_last_second_that_has_more_than_a_thousandth() {
        let seconds = [(900, 100), (1_000, 0), (800, 200), (9_999, 1), (1_000, 0), (10, 0)];
        for is_open in [true, false] {
            let found = Throttling::of(&run(&seconds, is_open)).expect("some were refused");
            assert_eq!((found.requests, found.throttled_s, found.ended_s), (301, 2, Some(3.0)));
            let asked = 13_709.0 + 301.0;
            assert!((found.share - 301.0 / asked).abs() < 1e-12, "{found:?}");
        }
    }

    #[test]
    fn throttling_until_the_last_whole_second_has_no_end() {
        let found = |seconds: &[(u64, u64)]| Throttling::of(&run(seconds, true));
        let ended = |seconds: &[(u64, u64)]| {
            found(seconds).and_then(|found| Some((found.ended_s, found.sentence()?)))
        };
        assert_eq!(found(&[]), None);
        let none = Throttling { ended_s: Some(0.0), ..Throttling::default() };
        assert_eq!((found(&[(5, 0), (5, 0)]), none.sentence()), (Some(none), None));
        let (end, text) = ended(&[(9, 0), (9, 1), (5, 0)]).expect("one was refused");
        assert_eq!(end, None);
        assert!(text.ends_with("throttling ended not before the end"), "{text}");
        let (end, text) = ended(&[(9_999, 1), (9, 0), (9, 0)]).expect("one was refused");
        assert_eq!(end, Some(0.0));
        assert!(text.ends_with("never more than 0.1 % of a second"), "{text}");
        // Of a run of one second there is no other to look at.
        assert_eq!(ended(&[(1, 1)]).map(|(end, _)| end), Some(None));
    }
}
