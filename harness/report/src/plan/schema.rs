//! The schema of `plan.json`: everything that the page and the summary show. Holds figures, works none out.
//!
//! Money is in the price file's currency and named `_usd` for the usual one; `monthly_usd` is what each month of 730 hours
//! costs, `upfront_usd` what is paid once, `effective_monthly_usd` both with the latter spread over its term.

use flywheel_capacity::prices::Prices;
use serde::Serialize;

/// A capacity plan.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// The schema's version: [`crate::PLAN_SCHEMA_VERSION`].
    pub schema_version: u32,
    /// What is planned for.
    pub title: String,
    /// When it was made: RFC 3339 in UTC.
    pub started_utc: String,
    /// The command that made it.
    pub command: Vec<String>,
    /// What to do, and why.
    pub verdict: Verdict,
    /// The ways to pay, in the order in which they are shown.
    pub options: Vec<WayToPay>,
    /// What went in, and where each figure is from.
    pub inputs: Vec<Fact>,
    /// What is asked for.
    pub patterns: Vec<Pattern>,
    /// Sizes of items, where they are known.
    pub sizes: Vec<SizeBin>,
    /// Auto scaling of each table and index.
    pub scaled: Vec<Scaled>,
    /// Cost against utilisation.
    pub break_even: BreakEven,
    /// What one key can take.
    pub hot: Hot,
    /// Partitions, now and later.
    pub partitions: Vec<Partitions>,
    /// The same load on machines of this engine; `None` where no run says what one can do.
    pub machines: Option<Machines>,
    /// The bill as the load grows.
    pub growth: Vec<Growth>,
    /// The bill if inputs are not what was thought.
    pub sensitivities: Vec<Sensitivity>,
    /// The trace against given capacity; `None` where none was given.
    pub replay: Option<Replay>,
    /// What everything costs, and since when.
    pub prices: Prices,
}

impl Plan {
    /// The JSON of `plan.json`, ending in a line break.
    pub fn to_json(&self) -> String {
        let json = serde_json::to_string_pretty(self);
        json.expect("plain figures and text keys always make JSON") + "\n"
    }

    /// A way to pay by its name.
    pub fn option(&self, name: &str) -> Option<&WayToPay> {
        self.options.iter().find(|way| way.name == name)
    }
}

/// What to do.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Verdict {
    /// The name of the recommended way to pay.
    pub option: String,
    /// The sentence that a manager needs.
    pub sentence: String,
    /// USD a month.
    pub monthly_usd: f64,
    /// What committing to a term would change; `None` where nothing would be saved.
    pub commitment: Option<String>,
    /// What would make another way the better one.
    pub flips: Vec<String>,
    /// What is likely to go wrong.
    pub risks: Vec<String>,
    /// `high`, `medium` or `low`.
    pub confidence: String,
    /// Why not higher.
    pub doubts: Vec<String>,
}

/// One way to pay for all of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct WayToPay {
    /// A name for programs, such as `on_demand` or `reserved_1y`.
    pub name: String,
    /// A name for people.
    pub title: String,
    /// `standard` or `standard_ia`.
    pub table_class: String,
    /// USD of each month.
    pub monthly_usd: f64,
    /// USD at the beginning of the term.
    pub upfront_usd: f64,
    /// Months that it commits to; 0 for none.
    pub term_months: u32,
    /// USD of a month with the upfront part spread over the term.
    pub effective_monthly_usd: f64,
    /// Of `monthly_usd`: reads.
    pub reads_usd: f64,
    /// Of `monthly_usd`: writes.
    pub writes_usd: f64,
    /// Of `monthly_usd`: storage.
    pub storage_usd: f64,
    /// Read units per second that are reserved.
    pub reserved_read_units: f64,
    /// Write units per second that are reserved.
    pub reserved_write_units: f64,
    /// Units a month that are predicted to be throttled; `None` where nothing was simulated.
    pub throttled_units: Option<f64>,
    /// Of all units asked for, the share of those.
    pub throttled_share: Option<f64>,
    /// What it stands on.
    pub note: String,
}

/// Whether somebody measured a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// By a run, or by exported metrics.
    Measured,
    /// Given on the command line.
    Given,
    /// Worked out from other inputs.
    Derived,
    /// Nobody said.
    Assumed,
}

impl Origin {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Given => "given",
            Self::Derived => "derived",
            Self::Assumed => "assumed",
        }
    }
}

/// An input.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fact {
    /// What.
    pub name: String,
    /// How much, with its unit.
    pub value: String,
    /// Where from.
    pub origin: Origin,
}

/// One kind of request.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pattern {
    /// What is asked for, and of which table.
    pub name: String,
    /// `read` or `write`.
    pub unit: String,
    /// Requests per second: mean of the month.
    pub average_per_s: f64,
    /// 95th percentile of the minutes.
    pub p95_per_s: f64,
    /// The highest minute.
    pub peak_per_s: f64,
    /// Units of one request.
    pub units_each: f64,
    /// Of the recommended way's monthly cost, storage included; 0 to 1.
    pub bill_share: f64,
}

/// Items up to a size.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SizeBin {
    /// The largest of them.
    pub up_to_bytes: f64,
    /// Share of the requests that have a size, 0 to 1.
    pub share: f64,
}

/// How one kind of unit of a table or index is to be scaled, and what the simulation says of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scaled {
    /// The table or index.
    pub resource: String,
    /// `read` or `write`.
    pub unit: String,
    /// Recommended minimum, units per second.
    pub minimum_units: f64,
    /// Recommended maximum, units per second.
    pub maximum_units: f64,
    /// Recommended target, percent.
    pub target_percent: f64,
    /// Mean of what was asked for, units per second.
    pub asked_mean: f64,
    /// Mean of what was provisioned.
    pub capacity_mean: f64,
    /// Unit hours a month.
    pub unit_hours: f64,
    /// Units a month that are throttled.
    pub throttled_units: f64,
    /// Requests that these stand for; as many as units where nobody knows what one takes.
    pub throttled_requests: f64,
    /// Of what is asked for.
    pub throttled_share: f64,
    /// Times that capacity rose, in what was simulated.
    pub increases: u64,
    /// Times that it fell.
    pub decreases: u64,
    /// Minutes in which it was to fall and could not.
    pub decreases_refused: u64,
    /// Minutes simulated.
    pub minutes: u64,
    /// The course, at most some hundred points.
    pub course: Vec<ScaledMinute>,
}

/// A stretch of a simulation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ScaledMinute {
    /// Its beginning, in minutes.
    pub at_min: f64,
    /// Highest minute asked for in it, units per second.
    pub asked: f64,
    /// Highest capacity in it, units per second.
    pub capacity: f64,
    /// Units throttled in it.
    pub throttled: f64,
}

/// Cost against utilisation, at this load's peak.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct BreakEven {
    /// Utilisation of provisioned reads at which on demand costs the same, 0 to 1.
    pub read_utilisation: f64,
    /// Of provisioned writes.
    pub write_utilisation: f64,
    /// How much dearer on demand is than provisioned and fully used: reads.
    pub read_ratio: f64,
    /// Writes.
    pub write_ratio: f64,
    /// Of the whole bill at this mix of reads and writes.
    pub utilisation: f64,
    /// This load's mean over its peak.
    pub here: f64,
    /// USD a month on demand if the peak were asked for all the time, without storage.
    pub on_demand_at_peak_usd: f64,
    /// USD a month provisioned for the peak.
    pub provisioned_usd: f64,
    /// The same with all of it reserved for a year, the upfront part spread.
    pub reserved_1y_usd: f64,
    /// For three years.
    pub reserved_3y_usd: f64,
    /// Target of auto scaling, 0 to 1.
    pub target: f64,
    /// USD a month of storage, in each of them.
    pub storage_usd: f64,
}

/// What one key and one partition can take.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Hot {
    /// Requests per second for one key: reads.
    pub reads_per_s: Option<f64>,
    /// Writes.
    pub writes_per_s: Option<f64>,
    /// Share of the peak's reads at which one key is throttled; above 1 it never is.
    pub read_share: Option<f64>,
    /// Of the writes.
    pub write_share: Option<f64>,
    /// The busiest key's share of all requests; `None` if nobody counted.
    pub busiest_share: Option<f64>,
}

/// Partitions that a load needs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Partitions {
    /// Months from now.
    pub months: u32,
    /// By size, 10 GB each.
    pub by_size: f64,
    /// By peak units, 3,000 reads and 1,000 writes each.
    pub by_units: f64,
    /// The higher of both.
    pub partitions: f64,
}

/// What one machine of this engine was measured to do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Yardstick {
    /// Operations per second.
    pub ops_per_s: f64,
    /// What that rate is.
    pub meaning: String,
    /// Where latency leaves the floor, in operations per second, if that was searched for.
    pub knee_per_s: Option<f64>,
    /// Its cores.
    pub cores: Option<u64>,
    /// Which run.
    pub source: String,
    /// Bytes of files for each byte of items; 1 where nobody measured it.
    pub files_per_byte: f64,
}

/// The same load on machines of this engine.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Machines {
    /// What it is derived from.
    pub yardstick: Yardstick,
    /// Peak requests per second of the plan.
    pub peak_ops_per_s: f64,
    /// Peak over what one machine does; above 1 one is not enough.
    pub load_of_one: f64,
    /// Machines, each loaded to at most 70 % at the peak.
    pub machines: f64,
    /// Their cores.
    pub cores: Option<f64>,
    /// Their disks, one each.
    pub disks: f64,
    /// Gigabytes on each.
    pub gb_each: f64,
}

/// The bill some months from now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Growth {
    /// Months from now.
    pub months: u32,
    /// The load over today's.
    pub factor: f64,
    /// Gigabytes.
    pub storage_gb: f64,
    /// USD a month of each way to pay without a term: on demand.
    pub on_demand_usd: f64,
    /// Auto scaled.
    pub auto_scaled_usd: f64,
    /// The cheapest way to pay without a term.
    pub cheapest: String,
    /// Partitions.
    pub partitions: f64,
    /// Machines of this engine.
    pub machines: Option<f64>,
}

/// The bill if one input were another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sensitivity {
    /// Which input, and how.
    pub change: String,
    /// USD a month on demand.
    pub on_demand_usd: f64,
    /// USD a month auto scaled.
    pub auto_scaled_usd: f64,
    /// Of the recommended way, over the plan's.
    pub ratio: f64,
    /// The cheapest way to pay without a term.
    pub cheapest: String,
}

/// A trace against given capacity, request by request.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Replay {
    /// Seconds of unused capacity that were saved when the trace began, beyond the second that a new table has.
    pub saved_s: f64,
    /// What asked for read units.
    pub reads: ReplayedSide,
    /// What asked for write units.
    pub writes: ReplayedSide,
}

/// What became of the requests for one kind of unit. Seconds are whole ones since the trace's first operation.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ReplayedSide {
    /// The capacity, units per second.
    pub provisioned_units: f64,
    /// Requests; one that reads and then writes is one of each.
    pub requests: u64,
    /// Those of them that were turned away, each once: nobody tries again.
    pub throttled_requests: u64,
    /// Their share, 0 to 1.
    pub throttled_share: f64,
    /// Units that the others took.
    pub taken_units: f64,
    /// The first second with a throttled request; `None` if there is none.
    pub first_throttled_s: Option<u64>,
    /// The last one.
    pub last_throttled_s: Option<u64>,
    /// The seconds with throttled requests, at most a day's worth of them.
    pub throttled_by_second: Vec<ThrottledSecond>,
}

/// A second with throttled requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ThrottledSecond {
    /// Which: seconds since the trace's first operation.
    pub at_s: u64,
    /// How many.
    pub throttled: u64,
}
