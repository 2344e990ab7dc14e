//! How often capacity may fall: four times a UTC day at will, after that once an hour has passed without a decrease.
//! Increases are not bounded and not counted.
//!
//! Source: developer guide, "Service, account, and table quotas", decreasing provisioned throughput. Four in a day's first
//! hour and one in each of the other 23 make 27.

use super::MINUTES_PER_DAY;

/// Decreases of a day that need not wait.
pub const DECREASES_AT_WILL: u64 = 4;

/// Decreases of a day at the most.
pub const DECREASES_PER_DAY: u64 = 27;

/// Minutes without a decrease after which there may be one more.
const QUIET_MINUTES: u64 = 60;

/// The decreases of one table or index so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decreases {
    day: u64,
    today: u64,
    last_minute: Option<u64>,
}

impl Decreases {
    /// Whether capacity may fall in this minute since 1970 (UTC); if so, it counts as a decrease. Minutes never fall.
    pub fn allow(&mut self, minute: u64) -> bool {
        let day = minute / MINUTES_PER_DAY;
        if day != self.day {
            (self.day, self.today) = (day, 0);
        }
        let is_quiet = self.last_minute.is_none_or(|last| minute - last >= QUIET_MINUTES);
        let is_allowed =
            self.today < DECREASES_AT_WILL || (is_quiet && self.today < DECREASES_PER_DAY);
        if is_allowed {
            self.today += 1;
            self.last_minute = Some(minute);
        }
        is_allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_of_attempts_gives_27() {
        let mut decreases = Decreases::default();
        let allowed: Vec<u64> =
            (0..MINUTES_PER_DAY).filter(|minute| decreases.allow(*minute)).collect();
        // 4 at once; then one in each hour of quiet: 3 + 60, 3 + 120, ...
        assert_eq!(allowed[..6], [0, 1, 2, 3, 63, 123]);
        assert_eq!(allowed.len() as u64, DECREASES_PER_DAY);
    }

    #[test]
    fn the_day_is_utcs_and_its_edge_is_sharp() {
        let mut decreases = Decreases::default();
        let midnight = 20_000 * MINUTES_PER_DAY;
        let at = |decreases: &mut Decreases, minute: u64| decreases.allow(minute);
        for before in (1..=4).rev() {
            assert!(at(&mut decreases, midnight - 10 - before));
        }
        assert!(!at(&mut decreases, midnight - 1), "four were made, eleven minutes ago");
        for after in 0..4 {
            assert!(at(&mut decreases, midnight + after), "a new day has four of its own");
        }
        assert!(!at(&mut decreases, midnight + 4));
        assert!(!at(&mut decreases, midnight + 62), "59 minutes after the last");
        assert!(at(&mut decreases, midnight + 63), "60 minutes after it");
    }
}
