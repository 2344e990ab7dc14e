//! Inputs from a few numbers: storage, item size, rates, and a peak of each day. Nothing of it was measured.

use flywheel_capacity::prices::Unit;

use super::input::{
    PlanError, PlanInput, Request, fact, item_within, rate_within, read_units, storage_within,
    within, write_units,
};
use super::schema::{Fact, Origin, SizeBin};
use super::series::{Resource, Series};
use crate::units::{rate, ratio};

/// A load in a few numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Numbers {
    /// Gigabytes that are kept.
    pub storage_gb: f64,
    /// Bytes of an item, names and values: 1 to 409,600.
    pub item_bytes: f64,
    /// Items read per second, whenever there is no peak.
    pub reads_per_s: f64,
    /// Items written per second.
    pub writes_per_s: f64,
    /// Items read per second in the peak.
    pub peak_reads_per_s: Option<f64>,
    /// Items written per second in the peak.
    pub peak_writes_per_s: Option<f64>,
    /// Hours of a day that the peak lasts: above 0, at most 24.
    pub peak_hours_per_day: Option<f64>,
    /// Whether reads are eventually consistent, at half the units.
    pub eventual_reads: bool,
}

impl Numbers {
    /// Checks them, and makes inputs of them.
    ///
    /// # Errors
    /// If one is no number, out of bounds, or lacks one that it needs.
    pub fn input(&self) -> Result<PlanInput, PlanError> {
        self.check()?;
        let hours_per_day = self.peak_hours_per_day.unwrap_or(0.0);
        let each =
            [read_units(self.item_bytes, !self.eventual_reads), write_units(self.item_bytes)];
        let daily = |base: f64, peak: Option<f64>, units: f64| Series::Daily {
            base: base * units,
            peak: peak.unwrap_or(base) * units,
            hours_per_day,
        };
        let resource = Resource {
            name: "table".into(),
            reads: daily(self.reads_per_s, self.peak_reads_per_s, each[0]),
            writes: daily(self.writes_per_s, self.peak_writes_per_s, each[1]),
        };
        let kind = if self.eventual_reads { "eventual reads" } else { "strong reads" };
        let request = |name: &str, unit, units_each| Request {
            name: name.into(),
            resource: 0,
            unit,
            share: 1.0,
            units_each,
        };
        Ok(PlanInput {
            title: self.title(),
            storage_gb: self.storage_gb,
            item_bytes: Some(self.item_bytes),
            strong_reads: Some(!self.eventual_reads),
            resources: vec![resource],
            requests: vec![
                request(kind, Unit::Read, each[0]),
                request("writes", Unit::Write, each[1]),
            ],
            sizes: vec![SizeBin { up_to_bytes: self.item_bytes, share: 1.0 }],
            busiest_share: None,
            yardstick: None,
            facts: self.facts(),
            measured_minutes: None,
            replay: None,
        })
    }

    fn title(&self) -> String {
        let peak = self.peak_hours_per_day.map_or_else(String::new, |hours| {
            format!(
                ", {} and {} for {hours} h a day",
                rate(self.peak_reads_per_s.unwrap_or(self.reads_per_s)),
                rate(self.peak_writes_per_s.unwrap_or(self.writes_per_s))
            )
        });
        format!(
            "{} GB in items of {} B, {} reads/s and {} writes/s{peak}",
            rate(self.storage_gb),
            rate(self.item_bytes),
            rate(self.reads_per_s),
            rate(self.writes_per_s)
        )
    }

    fn check(&self) -> Result<(), PlanError> {
        storage_within(self.storage_gb)?;
        item_within(self.item_bytes)?;
        rate_within("--reads-per-s", self.reads_per_s)?;
        rate_within("--writes-per-s", self.writes_per_s)?;
        let peaks = [
            ("--peak-reads-per-s", self.peak_reads_per_s, self.reads_per_s),
            ("--peak-writes-per-s", self.peak_writes_per_s, self.writes_per_s),
        ];
        for (name, peak, base) in peaks {
            let Some(peak) = peak else { continue };
            rate_within(name, peak)?;
            if peak < base {
                let problem = format!(
                    "{name}: {peak} is below the usual {base}: give the higher rate as the peak"
                );
                return Err(PlanError::Together(problem));
            }
        }
        let has_peak = peaks.iter().any(|(_, peak, _)| peak.is_some());
        let together = |text: &str| Err(PlanError::Together(text.into()));
        match self.peak_hours_per_day {
            None if has_peak => {
                return together(
                    "a peak needs --peak-hours-per-day: how many hours of a day it lasts",
                );
            }
            Some(_) if !has_peak => {
                return together(
                    "--peak-hours-per-day needs --peak-reads-per-s, --peak-writes-per-s or both",
                );
            }
            Some(hours) => within("--peak-hours-per-day", hours, 1.0 / 60.0, 24.0)?,
            None => {}
        }
        let most = [self.reads_per_s, self.writes_per_s]
            .into_iter()
            .chain(peaks.iter().filter_map(|(_, peak, _)| *peak))
            .fold(0.0, f64::max);
        if most == 0.0 {
            return together("nothing is read and nothing written: give a rate above 0");
        }
        Ok(())
    }

    fn facts(&self) -> Vec<Fact> {
        let given = |name: &str, value: String| fact(name, value, Origin::Given);
        let per_s = |per_s: f64| format!("{}/s", rate(per_s));
        let mut facts = vec![
            given("storage", format!("{} GB", ratio(self.storage_gb))),
            given("item size", format!("{} B", rate(self.item_bytes))),
            given("reads", per_s(self.reads_per_s)),
            given("writes", per_s(self.writes_per_s)),
        ];
        if let Some(hours) = self.peak_hours_per_day {
            facts.push(given(
                "reads in the peak",
                per_s(self.peak_reads_per_s.unwrap_or(self.reads_per_s)),
            ));
            facts.push(given(
                "writes in the peak",
                per_s(self.peak_writes_per_s.unwrap_or(self.writes_per_s)),
            ));
            let month = flywheel_capacity::cost::peak_hours_per_month(hours);
            facts.push(given("length of the peak", format!("{hours} h a day, {month} h a month")));
            facts.push(fact("time of the peak", "around noon UTC".into(), Origin::Assumed));
        } else {
            facts.push(fact("shape", "the same all day".into(), Origin::Assumed));
        }
        let consistency = if self.eventual_reads { "eventual" } else { "strong" };
        let origin = if self.eventual_reads { Origin::Given } else { Origin::Assumed };
        facts.push(fact("consistency of reads", consistency.into(), origin));
        facts
    }
}
