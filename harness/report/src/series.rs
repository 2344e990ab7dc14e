//! What a result keeps of time and of the distribution of times: seconds, events, the spectrum of
//! percentiles, the map of how long operations took when. Counts and bounds; draws nothing.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::limits::{MAX_HEAT_COLUMNS, MAX_SPECTRUM_DECADES};

/// One second of the measured phase, all types of operation together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Where the second begins, in seconds since the measured phase began.
    pub at_s: f64,
    /// Operations that ended in it.
    pub count: u64,
    /// Operations that failed in it.
    #[serde(default)]
    pub errors: u64,
    /// Operations that were refused in it: the system was busy, or capacity was used up. They are part of `errors` in a
    /// closed loop, and beside them in an open one.
    #[serde(default)]
    pub throttled: u64,
    /// Median of their response times, in microseconds.
    #[serde(default)]
    pub p50_us: Option<f64>,
    /// 99th percentile of their response times, in microseconds.
    pub p99_us: f64,
    /// The slowest of them, in microseconds.
    pub max_us: f64,
    /// Bytes that compaction read and wrote in it.
    #[serde(default)]
    pub compaction_bytes: Option<u64>,
}

/// What the engine did beside answering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// Rounds of compaction that came to their end.
    Compaction,
    /// Checkpoints that became durable.
    Checkpoint,
    /// Partitions that were split.
    Split,
    /// Partitions that were moved to another shard.
    Move,
    /// Requests that were refused because the engine was busy.
    Throttle,
}

impl EventKind {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Compaction => "compaction",
            Self::Checkpoint => "checkpoint",
            Self::Split => "split",
            Self::Move => "move",
            Self::Throttle => "throttle",
        }
    }
}

/// Something that the engine did, as seen when it was next looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Seconds since the measured phase began.
    pub at_s: f64,
    /// What.
    pub kind: EventKind,
    /// How many since it was last looked at.
    pub count: u64,
}

/// A point of a distribution: so large a share took at most so long.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpectrumPoint {
    /// Share of the operations, from 0 to 1.
    pub quantile: f64,
    /// Microseconds.
    pub us: f64,
}

/// Points between one nine and the next.
const POINTS_PER_DECADE: i32 = 8;

/// The quantiles 1 - 10^(-k/8) of times in nanoseconds, up to the one that stands for the slowest, and the slowest.
pub fn spectrum(times_ns: &Histogram<u64>) -> Vec<SpectrumPoint> {
    let samples = times_ns.len() as f64;
    if samples == 0.0 {
        return Vec::new();
    }
    let point = |quantile| SpectrumPoint {
        quantile,
        us: times_ns.value_at_quantile(quantile) as f64 / 1e3,
    };
    let mut points: Vec<SpectrumPoint> = (0..=MAX_SPECTRUM_DECADES * POINTS_PER_DECADE)
        .map(|k| 1.0 - 10f64.powf(-f64::from(k) / f64::from(POINTS_PER_DECADE)))
        // Beyond it stands no operation but the slowest.
        .take_while(|quantile| (1.0 - quantile) * samples >= 1.0)
        .map(point)
        .collect();
    points.push(SpectrumPoint { quantile: 1.0, us: times_ns.max() as f64 / 1e3 });
    points
}

/// These percentiles, each above 0 and at most 100, of times in nanoseconds; none of none.
pub fn percentiles(times_ns: &Histogram<u64>, asked: &[f64]) -> Vec<SpectrumPoint> {
    let point = |percentile: &f64| SpectrumPoint {
        quantile: percentile / 100.0,
        us: times_ns.value_at_percentile(*percentile) as f64 / 1e3,
    };
    let some = if times_ns.is_empty() { &[] } else { asked };
    some.iter().map(point).collect()
}

/// How many operations took how long, when.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HeatMap {
    /// Seconds that a column stands for.
    pub column_s: f64,
    /// Upper bound of each row in microseconds, ascending; the last one holds all that took longer, too.
    pub bounds_us: Vec<f64>,
    /// Operations by column, then row; rows behind a column's last one hold nothing.
    pub columns: Vec<Vec<u64>>,
}

/// Rows in a factor of ten.
const ROWS_PER_DECADE: i32 = 8;

impl HeatMap {
    /// Of the response times of each second, as (nanoseconds, count) pairs.
    pub fn of(seconds: &[Vec<(u64, u64)>]) -> Self {
        let together = seconds.len().div_ceil(MAX_HEAT_COLUMNS).max(1);
        // From 1 us to 10 s.
        let bounds_us: Vec<f64> = (0..=7 * ROWS_PER_DECADE)
            .map(|row| 10f64.powf(f64::from(row) / f64::from(ROWS_PER_DECADE)))
            .collect();
        let column = |seconds: &[Vec<(u64, u64)>]| {
            let mut rows = vec![0; bounds_us.len()];
            for (time_ns, count) in seconds.iter().flatten() {
                let row = bounds_us.partition_point(|bound| *bound < *time_ns as f64 / 1e3);
                rows[row.min(bounds_us.len() - 1)] += count;
            }
            let used = rows.iter().rposition(|count| *count > 0).map_or(0, |last| last + 1);
            rows.truncate(used);
            rows
        };
        let columns = seconds.chunks(together).map(column).collect();
        Self { column_s: together as f64, columns, bounds_us }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spectrum_ends_with_the_slowest_and_claims_no_nines_it_lacks() {
        let mut times = Histogram::<u64>::new(3).unwrap();
        assert_eq!(spectrum(&times), []);
        (1..=1000).for_each(|us| times.record(us * 1000).unwrap());
        let points = spectrum(&times);
        assert_eq!(points[0].quantile, 0.0);
        assert!((points[0].us - 1.0).abs() < 0.01);
        let median = points.iter().find(|point| point.quantile > 0.5).unwrap();
        assert!((median.us - 1000.0 * median.quantile).abs() < 3.0, "{median:?}");
        let last = points.last().unwrap();
        assert!(last.quantile == 1.0 && (last.us - 1000.0).abs() < 1.0);
        // 1,000 samples: 99.9 % is the last that one of them stands behind.
        assert!((points[points.len() - 2].quantile - 0.999).abs() < 1e-9);
    }

    #[test]
    fn a_heat_map_loses_no_operation() {
        let seconds: Vec<Vec<(u64, u64)>> =
            (0..500).map(|second| vec![(1, 1), (1_000 * (second + 1), 2), (1 << 60, 3)]).collect();
        let map = HeatMap::of(&seconds);
        assert!(map.columns.len() <= MAX_HEAT_COLUMNS && map.column_s >= 3.0);
        assert_eq!(map.columns.iter().flatten().sum::<u64>(), 500 * 6);
        assert_eq!(map.bounds_us.len(), 57);
        // 1 us belongs to the row that ends there, 1.001 to the next.
        let one = HeatMap::of(&[vec![(1_000, 1), (1_001, 1)]]);
        assert_eq!(one.columns, [[1, 1]]);
        assert_eq!(HeatMap::of(&[]).columns, [[0u64; 0]; 0]);
    }
}
