//! What is asked of a table or an index: units per second over a month, for bills, and minute by minute, for the
//! simulation. Knows no prices.

use flywheel_capacity::cost::{
    Level, base_and_peak, equal_parts, mean_units_per_s, peak_units_per_s,
};
use flywheel_capacity::prices::Unit;
use flywheel_capacity::scaling::MINUTES_PER_DAY;

/// One table or index.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Resource {
    pub name: String,
    pub reads: Series,
    pub writes: Series,
}

impl Resource {
    pub(super) fn series(&self, unit: Unit) -> &Series {
        match unit {
            Unit::Read => &self.reads,
            Unit::Write => &self.writes,
        }
    }

    pub(super) fn changed(&self, change: impl Fn(Unit, &Series) -> Series) -> Self {
        Self {
            name: self.name.clone(),
            reads: change(Unit::Read, &self.reads),
            writes: change(Unit::Write, &self.writes),
        }
    }
}

/// Units per second over time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Series {
    /// The same every day: a base, and a peak for some hours.
    Daily { base: f64, peak: f64, hours_per_day: f64 },
    /// Minute by minute, the first one in minutes since 1970 (UTC).
    Minutes { first_minute: u64, units_per_s: Vec<f64> },
}

impl Series {
    /// The month.
    pub(super) fn levels(&self) -> Vec<Level> {
        match self {
            Self::Daily { base, peak, hours_per_day } => {
                base_and_peak(*base, *peak, *hours_per_day)
            }
            Self::Minutes { units_per_s, .. } => equal_parts(units_per_s),
        }
    }

    /// What is simulated, and the first minute; a day whose peak is around noon stands for every day.
    pub(super) fn minutes(&self) -> (u64, Vec<f64>) {
        match self {
            Self::Minutes { first_minute, units_per_s } => (*first_minute, units_per_s.clone()),
            Self::Daily { base, peak, hours_per_day } => {
                let length = (hours_per_day * 60.0).round() as u64;
                let begin = (MINUTES_PER_DAY - length.min(MINUTES_PER_DAY)) / 2;
                let is_peak = |minute: u64| (begin..begin + length).contains(&minute);
                let units = |minute| if is_peak(minute) { *peak } else { *base };
                (0, (0..MINUTES_PER_DAY).map(units).collect())
            }
        }
    }

    pub(super) fn mean(&self) -> f64 {
        mean_units_per_s(&self.levels())
    }

    pub(super) fn peak(&self) -> f64 {
        peak_units_per_s(&self.levels())
    }

    /// The level that a share of the time stays at or below.
    pub(super) fn quantile(&self, share: f64) -> f64 {
        let (_, mut minutes) = self.minutes();
        minutes.sort_by(f64::total_cmp);
        let rank = (share * minutes.len() as f64).ceil() as usize;
        minutes.get(rank.clamp(1, minutes.len().max(1)) - 1).copied().unwrap_or(0.0)
    }

    pub(super) fn scaled(&self, factor: f64) -> Self {
        match self {
            Self::Daily { base, peak, hours_per_day } => Self::Daily {
                base: base * factor,
                peak: peak * factor,
                hours_per_day: *hours_per_day,
            },
            Self::Minutes { first_minute, units_per_s } => Self::Minutes {
                first_minute: *first_minute,
                units_per_s: units_per_s.iter().map(|units| units * factor).collect(),
            },
        }
    }

    /// With twice the peak: of a day without one, for an hour; of minutes, in the highest twentieth of them.
    pub(super) fn peak_doubled(&self) -> Self {
        match self {
            Self::Daily { base, hours_per_day: 0.0, .. } => {
                Self::Daily { base: *base, peak: base * 2.0, hours_per_day: 1.0 }
            }
            Self::Daily { base, peak, hours_per_day } => {
                Self::Daily { base: *base, peak: peak * 2.0, hours_per_day: *hours_per_day }
            }
            Self::Minutes { first_minute, units_per_s } => {
                let mut order: Vec<usize> = (0..units_per_s.len()).collect();
                order.sort_by(|a, b| units_per_s[*b].total_cmp(&units_per_s[*a]));
                let mut doubled = units_per_s.clone();
                for index in order.iter().take(units_per_s.len().div_ceil(20)) {
                    doubled[*index] *= 2.0;
                }
                Self::Minutes { first_minute: *first_minute, units_per_s: doubled }
            }
        }
    }
}
