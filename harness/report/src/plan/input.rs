//! What a plan is made of, whichever way it came, and why it may be refused. Reads no file.

use flywheel_capacity::prices::Prices;
use flywheel_capacity::scaling::{TARGET_PERCENT, USUAL_TARGET_PERCENT};
use flywheel_capacity::units;

use super::schema::{Fact, Origin, Replay, SizeBin, Yardstick};
use super::series::Resource;
use crate::limits::{MAX_GROWTH_PERCENT, MAX_ITEM_BYTES, MAX_PLAN_RATE_PER_S, MAX_STORAGE_GB};
use crate::units::ratio;

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// A number that is none, or out of bounds.
    #[error("{name}: expected {expected}, found {found}")]
    Number {
        /// Which, as on the command line.
        name: String,
        /// What can stand there.
        expected: String,
        /// What does.
        found: f64,
    },
    /// Numbers that need each other.
    #[error("{0}")]
    Together(String),
    /// Exported metrics that cannot be used.
    #[error("{0}")]
    Metrics(String),
    /// A bill that is no number.
    #[error("the bill is too large to be worked out: check the rates and the prices")]
    TooLarge,
}

/// What the one who plans decides.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanOptions {
    /// Target of auto scaling, percent.
    pub target_percent: f64,
    /// Growth of load and storage, percent a month.
    pub growth_percent: f64,
    /// Whether somebody gave the growth.
    pub growth_given: bool,
}

impl Default for PlanOptions {
    fn default() -> Self {
        Self { target_percent: USUAL_TARGET_PERCENT, growth_percent: 5.0, growth_given: false }
    }
}

impl PlanOptions {
    pub(super) fn check(&self) -> Result<(), PlanError> {
        let (least, most) = TARGET_PERCENT.into_inner();
        within("--target-percent", self.target_percent, least, most)?;
        within("--growth-percent", self.growth_percent, -50.0, MAX_GROWTH_PERCENT)
    }
}

/// Everything that a plan is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanInput {
    /// What is planned for.
    pub(crate) title: String,
    /// Gigabytes that are kept.
    pub(crate) storage_gb: f64,
    /// Bytes of an item, where that is known.
    pub(crate) item_bytes: Option<f64>,
    /// Whether reads are strongly consistent; `None` where only units are known.
    pub(crate) strong_reads: Option<bool>,
    /// Tables and indexes.
    pub(crate) resources: Vec<Resource>,
    /// What is asked of them.
    pub(crate) requests: Vec<Request>,
    /// Sizes of items.
    pub(crate) sizes: Vec<SizeBin>,
    /// The busiest key's share of all requests.
    pub(crate) busiest_share: Option<f64>,
    /// What one machine does.
    pub(crate) yardstick: Option<Yardstick>,
    /// Where figures are from.
    pub(crate) facts: Vec<Fact>,
    /// Minutes that were measured; `None` where nothing was.
    pub(crate) measured_minutes: Option<u64>,
    /// What became of a trace that was replayed against given capacity.
    pub(crate) replay: Option<Replay>,
}

/// One kind of request of one resource.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Request {
    pub name: String,
    pub resource: usize,
    pub unit: flywheel_capacity::prices::Unit,
    /// Of the resource's units of this kind.
    pub share: f64,
    /// Units of one request; 1 where only units are known.
    pub units_each: f64,
}

impl PlanInput {
    /// Sizes machines by what was measured.
    #[must_use]
    pub fn with_yardstick(mut self, yardstick: Option<Yardstick>) -> Self {
        if yardstick.is_some() {
            self.yardstick = yardstick;
        }
        self
    }

    /// Tells what became of a trace against given capacity.
    #[must_use]
    pub fn with_replay(mut self, replay: Option<Replay>) -> Self {
        if let Some(of) = &replay {
            let units = |units: f64| format!("{} units/s", ratio(units));
            let (reads, writes) = (&of.reads, &of.writes);
            self.facts.extend([
                fact("provisioned reads", units(reads.provisioned_units), Origin::Given),
                fact("provisioned writes", units(writes.provisioned_units), Origin::Given),
            ]);
        }
        self.replay = replay;
        self
    }

    /// All that the figures stand on, prices and decisions included.
    pub(super) fn all_facts(&self, prices: &Prices, options: &PlanOptions) -> Vec<Fact> {
        let mut facts = self.facts.clone();
        let growth = if options.growth_given { Origin::Given } else { Origin::Assumed };
        facts.push(fact("growth", format!("{} % a month", options.growth_percent), growth));
        let target = if options.target_percent == USUAL_TARGET_PERCENT {
            Origin::Assumed
        } else {
            Origin::Given
        };
        let percent = format!("{} %", options.target_percent);
        facts.push(fact("target of auto scaling", percent, target));
        let list = format!("{}, {}, {}", prices.date, prices.region, prices.currency);
        facts.push(fact("prices", list, Origin::Given));
        let files: std::collections::BTreeSet<&str> =
            prices.origins.iter().map(|origin| origin.from.as_str()).collect();
        let files: Vec<&str> = files.into_iter().collect();
        facts.push(fact("price file", files.join(", "), Origin::Given));
        facts.push(fact("hours of a month", "730".into(), Origin::Derived));
        facts
    }
}

pub(super) fn fact(name: &str, value: String, origin: Origin) -> Fact {
    Fact { name: name.into(), value, origin }
}

pub(super) fn within(name: &str, found: f64, least: f64, most: f64) -> Result<(), PlanError> {
    if found >= least && found <= most {
        return Ok(());
    }
    let expected = format!("a number from {least} to {most}");
    Err(PlanError::Number { name: name.into(), expected, found })
}

pub(super) fn rate_within(name: &str, found: f64) -> Result<(), PlanError> {
    within(name, found, 0.0, MAX_PLAN_RATE_PER_S)
}

pub(super) fn storage_within(found: f64) -> Result<(), PlanError> {
    within("--storage-gb", found, 0.0, MAX_STORAGE_GB)
}

pub(super) fn item_within(found: f64) -> Result<(), PlanError> {
    within("--item-bytes", found, 1.0, MAX_ITEM_BYTES)
}

/// Units of reading one item.
pub(super) fn read_units(item_bytes: f64, is_strong: bool) -> f64 {
    units::read_units(item_bytes.ceil() as usize, is_strong)
}

/// Units of writing one item.
pub(super) fn write_units(item_bytes: f64) -> f64 {
    units::write_units(item_bytes.ceil() as usize)
}
