//! Auto scaling as target tracking does it, minute by minute over what is asked of a table or of one index: two alarms,
//! a bound on decreases, burst credit. Deterministic; takes no part in scaling anything that is live.
//!
//! Rules, each with the constant that holds it:
//!
//! - Out: two minutes in a row consumed more than the target ([`OUT_AFTER_MINUTES`]). The new capacity is the higher of
//!   the two over the target, rounded up.
//! - In: fifteen minutes in a row consumed at least 20 % less than the target ([`IN_AFTER_MINUTES`], [`IN_BELOW_SHARE`]). The
//!   new capacity is the highest of them over the target, rounded up.
//! - Either acts from the next minute on, within the minimum and the maximum.
//! - Decreases: `decreases`.
//! - Alarms see what was *consumed*. What was throttled was not consumed, so a spike is followed in steps.
//! - What is throttled is gone: nobody tries it again.
//!
//! Source: developer guide, "Managing throughput capacity automatically with DynamoDB auto scaling", and "Service, account, and
//! table quotas". Reads and writes, the table and each index are scaled apart: a simulation is of one of these.

mod burst;
mod decreases;

pub use burst::{BURST_S, Burst};
pub use decreases::{DECREASES_AT_WILL, DECREASES_PER_DAY, Decreases};

/// Minutes above the target after which capacity rises.
pub const OUT_AFTER_MINUTES: usize = 2;

/// Minutes below after which it falls.
pub const IN_AFTER_MINUTES: usize = 15;

/// Below means: at most this share of the target.
pub const IN_BELOW_SHARE: f64 = 0.8;

/// The lowest and the highest target, in percent.
pub const TARGET_PERCENT: std::ops::RangeInclusive<f64> = 20.0..=90.0;

/// The target that tables have unless somebody chose another, in percent.
pub const USUAL_TARGET_PERCENT: f64 = 70.0;

/// Minutes of a day.
pub const MINUTES_PER_DAY: u64 = 24 * 60;

/// How one kind of unit of one table or index is scaled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    /// Share of the capacity that is to be used, in percent: [`TARGET_PERCENT`].
    pub target_percent: f64,
    /// Units per second that there are always; at least 1.
    pub minimum_units: f64,
    /// Units per second that there are at most; at least the minimum.
    pub maximum_units: f64,
}

/// Why a policy is none.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum PolicyError {
    /// A target that cannot be set.
    #[error("a target of {0} %: expected 20 to 90")]
    Target(f64),
    /// A minimum or maximum that is no capacity, or both the wrong way round.
    #[error(
        "a minimum of {minimum} and a maximum of {maximum} units: expected 1 <= minimum <= maximum"
    )]
    Bounds {
        /// As given.
        minimum: f64,
        /// As given.
        maximum: f64,
    },
}

impl Policy {
    /// A checked policy.
    ///
    /// # Errors
    /// If the target is outside 20 to 90 %, or the bounds are not 1 <= minimum <= maximum.
    pub fn new(
        target_percent: f64,
        minimum_units: f64,
        maximum_units: f64,
    ) -> Result<Self, PolicyError> {
        if !TARGET_PERCENT.contains(&target_percent) {
            return Err(PolicyError::Target(target_percent));
        }
        let bounds_hold =
            minimum_units >= 1.0 && minimum_units <= maximum_units && maximum_units.is_finite();
        if !bounds_hold {
            let (minimum, maximum) = (minimum_units, maximum_units);
            return Err(PolicyError::Bounds { minimum, maximum });
        }
        Ok(Self { target_percent, minimum_units, maximum_units })
    }

    /// The capacity of which so many units per second are the target.
    #[must_use]
    pub fn capacity_for(&self, units_per_s: f64) -> f64 {
        // What is 70 % of 100 must not come to 101.
        let wanted = (units_per_s * 100.0 / self.target_percent - 1e-9).ceil();
        wanted.clamp(self.minimum_units, self.maximum_units)
    }
}

/// One minute of a simulation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Minute {
    /// Units per second that were provisioned.
    pub capacity: f64,
    /// Units of the whole minute that were asked for.
    pub asked: f64,
    /// Units of the whole minute that were throttled.
    pub throttled: f64,
}

/// What scaling comes to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Simulation {
    /// One for each minute asked for.
    pub minutes: Vec<Minute>,
    /// How often capacity rose.
    pub increases: u64,
    /// How often it fell.
    pub decreases: u64,
    /// Minutes in which it was to fall and was not allowed to.
    pub decreases_refused: u64,
}

impl Simulation {
    /// Unit hours that were provisioned.
    #[must_use]
    pub fn unit_hours(&self) -> f64 {
        self.minutes.iter().map(|minute| minute.capacity).sum::<f64>() / 60.0
    }

    /// Units that were throttled.
    #[must_use]
    pub fn throttled_units(&self) -> f64 {
        self.minutes.iter().map(|minute| minute.throttled).sum()
    }

    /// Units that were asked for.
    #[must_use]
    pub fn asked_units(&self) -> f64 {
        self.minutes.iter().map(|minute| minute.asked).sum()
    }
}

/// Follows `asked_per_s`, units per second of each minute, from the minute `first_minute` since 1970 (UTC) on. Begins with
/// the capacity that the first minute calls for, and an empty bucket of burst credit.
#[must_use]
pub fn simulate(asked_per_s: &[f64], first_minute: u64, policy: &Policy) -> Simulation {
    let mut capacity = policy.capacity_for(asked_per_s.first().copied().unwrap_or(0.0));
    let mut burst = Burst::default();
    let mut decreases = Decreases::default();
    let mut alarms = Alarms::default();
    let mut simulation = Simulation::default();
    simulation.minutes.reserve(asked_per_s.len());
    for (index, &asked_per_s) in asked_per_s.iter().enumerate() {
        let asked = asked_per_s * 60.0;
        let served = burst.serve(asked, capacity, 60.0);
        simulation.minutes.push(Minute { capacity, asked, throttled: asked - served });
        alarms.see(served / 60.0);
        let minute = first_minute + index as u64;
        let target_per_s = capacity * policy.target_percent / 100.0;
        if let Some(highest) = alarms.above(target_per_s) {
            let wanted = policy.capacity_for(highest);
            if wanted > capacity {
                capacity = wanted;
                simulation.increases += 1;
            }
        } else if let Some(highest) = alarms.below(target_per_s * IN_BELOW_SHARE) {
            let wanted = policy.capacity_for(highest);
            if wanted < capacity {
                // The change is made in the minute that follows, and counts to that one's day.
                if decreases.allow(minute + 1) {
                    capacity = wanted;
                    simulation.decreases += 1;
                } else {
                    simulation.decreases_refused += 1;
                }
            }
        }
    }
    simulation
}

/// What the last minutes consumed, in units per second.
#[derive(Debug, Default)]
struct Alarms {
    last: std::collections::VecDeque<f64>,
}

impl Alarms {
    fn see(&mut self, consumed_per_s: f64) {
        if self.last.len() == IN_AFTER_MINUTES {
            self.last.pop_front();
        }
        self.last.push_back(consumed_per_s);
    }

    /// The highest of the last minutes, if each was above.
    fn above(&self, bound_per_s: f64) -> Option<f64> {
        self.highest(OUT_AFTER_MINUTES, |consumed| consumed > bound_per_s + 1e-9)
    }

    /// The highest of the last minutes, if none was above.
    fn below(&self, bound_per_s: f64) -> Option<f64> {
        self.highest(IN_AFTER_MINUTES, |consumed| consumed <= bound_per_s + 1e-9)
    }

    fn highest(&self, minutes: usize, is_so: impl Fn(f64) -> bool) -> Option<f64> {
        let from = self.last.len().checked_sub(minutes)?;
        let mut last = self.last.range(from..).copied();
        last.try_fold(0.0, |highest: f64, consumed| is_so(consumed).then(|| highest.max(consumed)))
    }
}
