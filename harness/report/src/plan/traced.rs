//! Inputs from a trace: each operation counted in units in its minute, sizes of items, the busiest key. Reads no file
//! and knows no format: operations are handed in, one after the other.

use std::collections::{BTreeMap, HashMap};

use flywheel_capacity::prices::Unit;

use super::input::{
    PlanError, PlanInput, Request, fact, item_within, read_units, storage_within, write_units,
};
use super::schema::{Origin, SizeBin};
use super::series::{Resource, Series};
use crate::OperationKind;
use crate::limits::{MAX_COUNTED_KEYS, MAX_PLAN_MINUTES};
use crate::units::{count, percent, ratio};

const MINUTE_US: u64 = 60_000_000;

/// One operation of a trace.
#[derive(Clone, Copy, Debug)]
pub struct TracedOperation {
    /// Microseconds since the trace began.
    pub time_us: u64,
    /// What was asked for.
    pub kind: OperationKind,
    /// A hash of its key.
    pub key_hash: u64,
    /// Bytes of its item, if the trace says.
    pub item_bytes: Option<u64>,
    /// Items that a scan asks for.
    pub count: u64,
}

/// What a trace has asked for so far.
#[derive(Debug)]
pub struct TraceTally {
    /// Bytes of an item where an operation does not say.
    usual_bytes: f64,
    is_strong: bool,
    first_us: Option<u64>,
    last_us: u64,
    /// Read and write units of each minute.
    minutes: Vec<[f64; 2]>,
    /// By kind of operation and side: how many, and their units.
    kinds: BTreeMap<(OperationKind, usize), (u64, f64)>,
    /// Of those with a size: how many have at most 2^n bytes.
    sizes: BTreeMap<u32, u64>,
    keys: HashMap<u64, u64>,
    operations: u64,
    largest_bytes: f64,
}

impl TraceTally {
    /// Nothing so far. Reads are of items of `usual_bytes`.
    ///
    /// # Errors
    /// If that is no size of an item.
    pub fn new(usual_bytes: f64, eventual_reads: bool) -> Result<Self, PlanError> {
        item_within(usual_bytes)?;
        Ok(Self {
            usual_bytes,
            is_strong: !eventual_reads,
            first_us: None,
            last_us: 0,
            minutes: Vec::new(),
            kinds: BTreeMap::new(),
            sizes: BTreeMap::new(),
            keys: HashMap::new(),
            operations: 0,
            largest_bytes: usual_bytes,
        })
    }

    /// One more operation; times never fall.
    ///
    /// # Errors
    /// If the trace is longer than a year.
    pub fn add(&mut self, operation: &TracedOperation) -> Result<(), PlanError> {
        let first_us = *self.first_us.get_or_insert(operation.time_us);
        let minute = operation.time_us.saturating_sub(first_us) / MINUTE_US;
        if minute >= MAX_PLAN_MINUTES {
            return Err(PlanError::Metrics("longer than a year, which is the most".into()));
        }
        self.last_us = operation.time_us;
        self.operations += 1;
        self.minutes.resize(self.minutes.len().max(minute as usize + 1), [0.0; 2]);
        let bytes = operation.item_bytes.map_or(self.usual_bytes, |bytes| bytes as f64);
        let read = || read_units(bytes, self.is_strong);
        let units = match operation.kind {
            OperationKind::Read => [read(), 0.0],
            // Sizes are summed, then rounded once.
            OperationKind::Scan => {
                [read_units(self.usual_bytes * operation.count as f64, self.is_strong), 0.0]
            }
            OperationKind::ReadModifyWrite => [read(), write_units(bytes)],
            OperationKind::Update | OperationKind::Insert | OperationKind::Delete => {
                [0.0, write_units(bytes)]
            }
        };
        for (side, units) in units.into_iter().enumerate().filter(|(_, units)| *units > 0.0) {
            self.minutes[minute as usize][side] += units;
            let of_kind = self.kinds.entry((operation.kind, side)).or_default();
            *of_kind = (of_kind.0 + 1, of_kind.1 + units);
        }
        if let Some(bytes) = operation.item_bytes {
            let power = bytes.max(1).next_power_of_two().trailing_zeros();
            *self.sizes.entry(power).or_default() += 1;
            self.largest_bytes = self.largest_bytes.max(bytes as f64);
        }
        // Keys that come late are not counted once there are so many; the busiest one seldom does.
        if self.keys.len() < MAX_COUNTED_KEYS || self.keys.contains_key(&operation.key_hash) {
            *self.keys.entry(operation.key_hash).or_default() += 1;
        }
        Ok(())
    }

    /// Inputs from what was counted, in a table called `name` that keeps `storage_gb`.
    ///
    /// # Errors
    /// If nothing was counted, or the storage is out of bounds.
    pub fn input(self, name: &str, storage_gb: f64) -> Result<PlanInput, PlanError> {
        storage_within(storage_gb)?;
        let Some(first_us) = self.first_us else {
            return Err(PlanError::Metrics(
                "a trace without operations: nothing to plan for".into(),
            ));
        };
        let all_us = self.last_us - first_us;
        // The last minute is seldom whole, and at least a second of it counts.
        let last_s = (all_us % MINUTE_US) as f64 / 1e6;
        let last = self.minutes.len() - 1;
        let seconds = |minute: usize| if minute == last { last_s.max(1.0) } else { 60.0 };
        let series = |side: usize| Series::Minutes {
            first_minute: 0,
            units_per_s: self
                .minutes
                .iter()
                .enumerate()
                .map(|(minute, units)| units[side] / seconds(minute))
                .collect(),
        };
        let total = |side: usize| -> f64 { self.minutes.iter().map(|units| units[side]).sum() };
        let request =
            |(&(kind, side), &(number, units)): (&(OperationKind, usize), &(u64, f64))| Request {
                name: format!("{} of {name}", kind.name()),
                resource: 0,
                unit: [Unit::Read, Unit::Write][side],
                share: units / total(side),
                units_each: units / number as f64,
            };
        let sized: u64 = self.sizes.values().sum();
        let bin = |(power, number): (&u32, &u64)| SizeBin {
            up_to_bytes: (1u64 << power) as f64,
            share: *number as f64 / sized as f64,
        };
        let busiest =
            self.keys.values().copied().max().unwrap_or(0) as f64 / self.operations as f64;
        let consistency = if self.is_strong { "strong" } else { "eventual" };
        let facts = vec![
            fact("storage", format!("{} GB", ratio(storage_gb)), Origin::Given),
            fact("trace", name.to_owned(), Origin::Measured),
            fact("operations", count(self.operations), Origin::Measured),
            fact("length", format!("{} s", ratio(all_us as f64 / 1e6)), Origin::Measured),
            fact(
                "size of an item where the trace does not say",
                format!("{} B", self.usual_bytes),
                Origin::Given,
            ),
            fact("the busiest key's share", percent(busiest), Origin::Measured),
            fact("consistency of reads", consistency.into(), Origin::Assumed),
            fact("begins at", "midnight UTC".into(), Origin::Assumed),
        ];
        Ok(PlanInput {
            title: format!("{name} as traced"),
            storage_gb,
            item_bytes: Some(self.largest_bytes.min(crate::limits::MAX_ITEM_BYTES)),
            strong_reads: Some(self.is_strong),
            requests: self.kinds.iter().map(request).collect(),
            sizes: self.sizes.iter().map(bin).collect(),
            busiest_share: Some(busiest),
            yardstick: None,
            facts,
            measured_minutes: Some(self.minutes.len() as u64),
            replay: None,
            resources: vec![Resource {
                name: name.to_owned(),
                reads: series(0),
                writes: series(1),
            }],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_counted_in_their_minute() {
        let mut tally = TraceTally::new(1_000.0, false).unwrap();
        let mut add = |time_s: u64, kind, item_bytes, count| {
            let key_hash = time_s % 2;
            let time_us = 5_000_000 + time_s * 1_000_000;
            tally.add(&TracedOperation { time_us, kind, key_hash, item_bytes, count }).unwrap();
        };
        add(0, OperationKind::Read, None, 1);
        add(1, OperationKind::Update, Some(1025), 1);
        // 10 items of 1,000 B are 10,000 B: 3 units. Half of the second minute is there.
        add(60, OperationKind::Scan, None, 10);
        add(90, OperationKind::ReadModifyWrite, Some(5000), 1);
        let input = tally.input("t", 1.0).unwrap();
        let of = |series: &Series| series.minutes().1;
        assert_eq!(of(&input.resources[0].reads), [1.0 / 60.0, 5.0 / 30.0]);
        assert_eq!(of(&input.resources[0].writes), [2.0 / 60.0, 5.0 / 30.0]);
        assert_eq!(input.busiest_share, Some(0.75));
        assert_eq!(input.sizes.len(), 2);
        assert!(TraceTally::new(1_000.0, false).unwrap().input("t", 1.0).is_err());
    }
}
