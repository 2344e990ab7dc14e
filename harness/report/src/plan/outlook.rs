//! What becomes of a plan: partitions, hot keys, machines of this engine, growth, and the bill if an input is not what
//! was thought. Bills are worked out anew, as for the plan itself.

use flywheel_capacity::prices::{Prices, Unit};

use super::conclude::cheapest_without_term;
use super::input::{PlanError, PlanInput, PlanOptions, read_units, write_units};
use super::pay::pay;
use super::schema::{Growth, Hot, Machines, Partitions, Sensitivity, WayToPay};
use super::series::{Resource, Series};

/// What one partition takes, and with it one key. Source: developer guide, "Partitions and data distribution".
const PARTITION_GB: f64 = 10.0;
const PARTITION_READ_UNITS: f64 = 3_000.0;
const PARTITION_WRITE_UNITS: f64 = 1_000.0;

/// A machine is planned to be loaded so far at the peak, and no further.
const MACHINE_LOAD: f64 = 0.7;

/// The months that are looked at.
const MONTHS: [u32; 4] = [0, 3, 6, 12];

fn factor(options: &PlanOptions, months: u32) -> f64 {
    (1.0 + options.growth_percent / 100.0).powi(months as i32)
}

fn peak(input: &PlanInput, unit: Unit) -> f64 {
    input.resources.iter().map(|resource| resource.series(unit).peak()).sum()
}

fn partitions_of(resource_count: f64, storage_gb: f64, reads: f64, writes: f64) -> (f64, f64) {
    let by_size = (storage_gb / PARTITION_GB).ceil().max(resource_count);
    let by_units = (reads / PARTITION_READ_UNITS + writes / PARTITION_WRITE_UNITS).ceil();
    (by_size, by_units.max(resource_count))
}

/// Partitions by size and by peak, now and as the load grows.
pub(super) fn partitions(input: &PlanInput, options: &PlanOptions) -> Vec<Partitions> {
    let at = |months| {
        let grown = factor(options, months);
        let [reads, writes] = [Unit::Read, Unit::Write].map(|unit| peak(input, unit) * grown);
        let count = input.resources.len() as f64;
        let (by_size, by_units) = partitions_of(count, input.storage_gb * grown, reads, writes);
        Partitions { months, by_size, by_units, partitions: by_size.max(by_units) }
    };
    MONTHS.into_iter().map(at).collect()
}

/// What one key can take, where the units of a request are known.
pub(super) fn hot(input: &PlanInput) -> Hot {
    let ceiling = |unit, units: f64| {
        let of_kind = input.requests.iter().filter(|request| request.unit == unit);
        let each = of_kind.map(|request| request.units_each).fold(0.0, f64::max);
        (input.item_bytes.is_some() && each > 0.0).then(|| units / each)
    };
    let share = |unit, units: f64| {
        let peak = peak(input, unit);
        (peak > 0.0).then(|| units / peak)
    };
    Hot {
        reads_per_s: ceiling(Unit::Read, PARTITION_READ_UNITS),
        writes_per_s: ceiling(Unit::Write, PARTITION_WRITE_UNITS),
        read_share: share(Unit::Read, PARTITION_READ_UNITS),
        write_share: share(Unit::Write, PARTITION_WRITE_UNITS),
        busiest_share: input.busiest_share,
    }
}

/// Requests per second at the peak.
fn peak_ops(input: &PlanInput) -> f64 {
    let of = |request: &super::input::Request| {
        let series = input.resources[request.resource].series(request.unit);
        series.peak() * request.share / request.units_each
    };
    input.requests.iter().map(of).sum()
}

/// The same load on machines of this engine, each like the one that was measured.
pub(super) fn machines(input: &PlanInput, _options: &PlanOptions) -> Option<Machines> {
    let yardstick = input.yardstick.clone().filter(|of| of.ops_per_s > 0.0)?;
    let peak_ops_per_s = peak_ops(input);
    let load_of_one = peak_ops_per_s / yardstick.ops_per_s;
    let machines = (load_of_one / MACHINE_LOAD).ceil().max(1.0);
    Some(Machines {
        peak_ops_per_s,
        load_of_one,
        machines,
        cores: yardstick.cores.map(|cores| cores as f64 * machines),
        disks: machines,
        gb_each: input.storage_gb * yardstick.files_per_byte / machines,
        yardstick,
    })
}

fn usd(ways: &[WayToPay], name: &str) -> f64 {
    ways.iter().find(|way| way.name == name).map_or(0.0, |way| way.effective_monthly_usd)
}

/// The bill at 3, 6 and 12 months.
pub(super) fn growth(
    input: &PlanInput,
    prices: &Prices,
    options: &PlanOptions,
) -> Result<Vec<Growth>, PlanError> {
    let machines = machines(input, options);
    let partitions = partitions(input, options);
    let at = |(months, partitions): (u32, f64)| {
        let factor = factor(options, months);
        let resources: Vec<Resource> = input
            .resources
            .iter()
            .map(|of| of.changed(|_, series| series.scaled(factor)))
            .collect();
        let storage_gb = input.storage_gb * factor;
        let ways = pay(&resources, storage_gb, prices, options.target_percent)?.ways;
        let grown =
            machines.as_ref().map(|of| (of.load_of_one * factor / MACHINE_LOAD).ceil().max(1.0));
        Ok(Growth {
            months,
            factor,
            storage_gb,
            on_demand_usd: usd(&ways, "on_demand"),
            auto_scaled_usd: usd(&ways, "auto_scaled"),
            cheapest: ways[cheapest_without_term(&ways)].title.clone(),
            partitions,
            machines: grown,
        })
    };
    MONTHS.into_iter().zip(partitions.iter().map(|of| of.partitions)).map(at).collect()
}

/// How units of one kind change.
type Change<'a> = Box<dyn Fn(Unit, &Series) -> Series + 'a>;

/// The bill if items were larger or smaller, reads the other way consistent, or the peak twice as high.
pub(super) fn sensitivities(
    input: &PlanInput,
    prices: &Prices,
    options: &PlanOptions,
) -> Result<Vec<Sensitivity>, PlanError> {
    let mut changes: Vec<(String, f64, Change<'_>)> = Vec::new();
    let is_strong = input.strong_reads.unwrap_or(true);
    if let Some(item_bytes) = input.item_bytes {
        for (words, factor) in [("items 20 % larger", 1.2), ("items 20 % smaller", 0.8)] {
            let ratios = [
                read_units(item_bytes * factor, is_strong) / read_units(item_bytes, is_strong),
                write_units(item_bytes * factor) / write_units(item_bytes),
            ];
            let change: Change<'_> = Box::new(move |unit, series| match unit {
                Unit::Read => series.scaled(ratios[0]),
                Unit::Write => series.scaled(ratios[1]),
            });
            changes.push((words.into(), factor, change));
        }
    }
    if let Some(is_strong) = input.strong_reads {
        let (words, factor) = match is_strong {
            true => ("reads eventually consistent", 0.5),
            false => ("reads strongly consistent", 2.0),
        };
        let change: Change<'_> = Box::new(move |unit, series| match unit {
            Unit::Read => series.scaled(factor),
            Unit::Write => series.clone(),
        });
        changes.push((words.into(), 1.0, change));
    }
    changes.push((
        "the peak twice as high".into(),
        1.0,
        Box::new(|_, series| series.peak_doubled()),
    ));
    changes.push((
        "half the load, same storage".into(),
        1.0,
        Box::new(|_, series| series.scaled(0.5)),
    ));
    let before = pay(&input.resources, input.storage_gb, prices, options.target_percent)?.ways;
    let recommended = &before[cheapest_without_term(&before)];
    let mut told = Vec::new();
    for (words, storage, change) in changes {
        let resources: Vec<Resource> =
            input.resources.iter().map(|of| of.changed(&change)).collect();
        let ways =
            pay(&resources, input.storage_gb * storage, prices, options.target_percent)?.ways;
        let then = usd(&ways, &recommended.name);
        let now = recommended.effective_monthly_usd;
        told.push(Sensitivity {
            change: words,
            on_demand_usd: usd(&ways, "on_demand"),
            auto_scaled_usd: usd(&ways, "auto_scaled"),
            ratio: if now > 0.0 { then / now } else { 1.0 },
            cheapest: ways[cheapest_without_term(&ways)].title.clone(),
        });
    }
    Ok(told)
}
