//! The ways to pay for a load, side by side: on demand, provisioned, auto scaled, reserved, in both table classes. Takes
//! rates and hours to money; which way is best is said elsewhere.

use flywheel_capacity::cost::{
    HOURS_PER_MONTH, Level, ReservedCost, best_reserved, break_even_utilisation, equal_parts,
    on_demand_over_provisioned, on_demand_usd, provisioned_usd, reserved, unit_hours,
};
use flywheel_capacity::prices::{ClassPrices, Prices, ReservedPrices, Unit};
use flywheel_capacity::scaling::{Policy, Simulation, simulate};

use super::input::{PlanError, PlanInput, Request};
use super::schema::{BreakEven, Pattern, Scaled, ScaledMinute, WayToPay};
use super::series::{Resource, Series};
use crate::limits::MAX_COURSE_POINTS;

/// Of what is asked for, so much may be throttled before a way to pay is none.
pub(super) const TOLERABLE_THROTTLED_SHARE: f64 = 1e-4;

/// Everything that was paid for.
pub(super) struct Paid {
    pub ways: Vec<WayToPay>,
    pub scaled: Vec<Scaled>,
}

const KINDS: [Unit; 2] = [Unit::Read, Unit::Write];

/// Capacity over a month, of all resources together.
struct Month {
    reads: Vec<Level>,
    writes: Vec<Level>,
}

impl Month {
    fn of(&self, unit: Unit) -> &[Level] {
        match unit {
            Unit::Read => &self.reads,
            Unit::Write => &self.writes,
        }
    }
}

/// Every way to pay for it.
pub(super) fn pay(
    resources: &[Resource],
    storage_gb: f64,
    prices: &Prices,
    target_percent: f64,
) -> Result<Paid, PlanError> {
    let (scaled, simulations) = scale(resources, prices, target_percent)?;
    let asked = |unit| -> Vec<Level> {
        resources.iter().flat_map(|resource| resource.series(unit).levels()).collect()
    };
    let (asked, followed) =
        (Month { reads: asked(Unit::Read), writes: asked(Unit::Write) }, followed(&simulations));
    let exact = exact(resources);
    let flat = flat(resources);
    let is_daily = resources
        .iter()
        .any(|of| matches!(of.reads, Series::Daily { hours_per_day, .. } if hours_per_day > 0.0));
    let throttled: f64 = scaled.iter().map(|of| of.throttled_units).sum();
    let asked_units = KINDS.iter().map(|unit| unit_hours(asked.of(*unit))).sum::<f64>() * 3600.0;
    let share = if asked_units > 0.0 { throttled / asked_units } else { 0.0 };
    let simulated = |way: WayToPay| WayToPay {
        throttled_units: Some(throttled),
        throttled_share: Some(share),
        ..way
    };
    let mut ways = Vec::new();
    for (class, prices_of, suffix, words) in [
        ("standard", &prices.standard, "", ""),
        ("standard_ia", &prices.standard_ia, "_ia", ", Standard-IA"),
    ] {
        let way = |name: &str, title: &str, month: &Month, cost: Cost, note: &str| {
            let [reads_usd, writes_usd] = KINDS.map(|unit| cost(month.of(unit), prices_of, unit));
            let storage_usd = storage_gb * prices_of.storage_gb_month;
            finish(WayToPay {
                name: format!("{name}{suffix}"),
                title: format!("{title}{words}"),
                table_class: class.into(),
                reads_usd,
                writes_usd,
                storage_usd,
                note: note.into(),
                ..WayToPay::default()
            })
        };
        ways.push(way("on_demand", "On demand", &asked, on_demand, "each request pays for itself"));
        let note = match is_daily {
            true => "exactly the rates given, the peak's hours scheduled; no headroom",
            false => "the highest rate, all the time; no headroom",
        };
        ways.push(way("provisioned", "Provisioned", &exact, provisioned, note));
        if is_daily {
            let note = "the peak's rates all day; no headroom";
            ways.push(way(
                "provisioned_for_peak",
                "Provisioned for the peak",
                &flat,
                provisioned,
                note,
            ));
        }
        let note = format!("simulated minute by minute, target {target_percent} %");
        let auto = way("auto_scaled", "Provisioned, auto scaled", &followed, provisioned, &note);
        ways.push(simulated(auto));
    }
    for (years, lots) in [(1, &prices.reserved_1y_per_100), (3, &prices.reserved_3y_per_100)] {
        let base = |unit, levels: &[Level]| {
            let (of, lot) = (prices.standard.unit(unit), lots.lot(unit));
            reserved(levels, lowest(levels), of, lot)
        };
        ways.push(reserve(
            &exact,
            storage_gb,
            prices,
            years,
            ("reserved", "Provisioned"),
            base,
            "the lowest rate reserved, what is above it provisioned",
        ));
        let best = |unit, levels: &[Level]| best_of(levels, prices, lots, unit, years);
        let names = ("auto_scaled_reserved", "Auto scaled");
        let note = "reserved as makes the term cheapest, the rest auto scaled";
        ways.push(simulated(reserve(&followed, storage_gb, prices, years, names, best, note)));
    }
    if ways.iter().any(|way| !(way.monthly_usd + way.upfront_usd).is_finite()) {
        return Err(PlanError::TooLarge);
    }
    Ok(Paid { ways, scaled })
}

type Cost = fn(&[Level], &ClassPrices, Unit) -> f64;

fn on_demand(levels: &[Level], prices: &ClassPrices, unit: Unit) -> f64 {
    on_demand_usd(levels, prices.unit(unit))
}

fn provisioned(levels: &[Level], prices: &ClassPrices, unit: Unit) -> f64 {
    provisioned_usd(levels, prices.unit(unit))
}

fn lowest(levels: &[Level]) -> f64 {
    let used = levels.iter().filter(|level| level.hours > 0.0);
    used.map(|level| level.units_per_s).reduce(f64::min).unwrap_or(0.0)
}

fn best_of(
    levels: &[Level],
    prices: &Prices,
    lots: &ReservedPrices,
    unit: Unit,
    years: u32,
) -> ReservedCost {
    best_reserved(levels, prices.standard.unit(unit), lots.lot(unit), f64::from(years * 12))
}

fn reserve(
    month: &Month,
    storage_gb: f64,
    prices: &Prices,
    years: u32,
    (name, title): (&str, &str),
    cost: impl Fn(Unit, &[Level]) -> ReservedCost,
    note: &str,
) -> WayToPay {
    let [reads, writes] = KINDS.map(|unit| cost(unit, month.of(unit)));
    let term = if years == 1 { "1 year".to_owned() } else { format!("{years} years") };
    finish(WayToPay {
        name: format!("{name}_{years}y"),
        title: format!("{title}, reserved for {term}"),
        table_class: "standard".into(),
        reads_usd: reads.monthly_usd,
        writes_usd: writes.monthly_usd,
        storage_usd: storage_gb * prices.standard.storage_gb_month,
        upfront_usd: reads.upfront_usd + writes.upfront_usd,
        term_months: years * 12,
        reserved_read_units: reads.reserved_units,
        reserved_write_units: writes.reserved_units,
        note: note.into(),
        ..WayToPay::default()
    })
}

/// Adds up, to the cent.
fn finish(mut way: WayToPay) -> WayToPay {
    let cents = |usd: f64| (usd * 100.0).round() / 100.0;
    let monthly = way.reads_usd + way.writes_usd + way.storage_usd;
    let spread =
        if way.term_months > 0 { way.upfront_usd / f64::from(way.term_months) } else { 0.0 };
    way.effective_monthly_usd = cents(monthly + spread);
    way.monthly_usd = cents(monthly);
    way.upfront_usd = cents(way.upfront_usd);
    for part in [&mut way.reads_usd, &mut way.writes_usd, &mut way.storage_usd] {
        *part = cents(*part);
    }
    way
}

/// Capacity that is exactly what is asked for where that is known beforehand; otherwise the highest minute's.
fn exact(resources: &[Resource]) -> Month {
    let of = |unit| {
        let levels = resources.iter().map(|resource| match resource.series(unit) {
            daily @ Series::Daily { .. } => daily.levels(),
            minutes => all_month(minutes.peak()),
        });
        together(levels.collect())
    };
    Month { reads: of(Unit::Read), writes: of(Unit::Write) }
}

fn flat(resources: &[Resource]) -> Month {
    let of = |unit| {
        all_month(resources.iter().map(|resource| resource.series(unit).peak()).sum::<f64>())
    };
    Month { reads: of(Unit::Read), writes: of(Unit::Write) }
}

fn all_month(units_per_s: f64) -> Vec<Level> {
    vec![Level { hours: HOURS_PER_MONTH, units_per_s }]
}

/// Levels of several resources at the same time: those of one length added up. Reservations are a region's, not a
/// table's.
fn together(mut levels: Vec<Vec<Level>>) -> Vec<Level> {
    let Some(mut sum) = levels.pop() else { return Vec::new() };
    for other in levels {
        if other.len() == sum.len() {
            for (sum, level) in sum.iter_mut().zip(other) {
                sum.units_per_s += level.units_per_s;
            }
        } else {
            sum.extend(other);
        }
    }
    sum
}

fn followed(simulations: &[(Unit, Simulation)]) -> Month {
    let of = |wanted: Unit| {
        let capacities = |simulation: &Simulation| -> Vec<f64> {
            simulation.minutes.iter().map(|minute| minute.capacity).collect()
        };
        let of_kind = simulations.iter().filter(|(unit, _)| *unit == wanted);
        together(of_kind.map(|(_, simulation)| equal_parts(&capacities(simulation))).collect())
    };
    Month { reads: of(Unit::Read), writes: of(Unit::Write) }
}

/// The minimum is searched for until it is so near, as a share of itself.
const MINIMUM_WITHIN: f64 = 0.01;

/// Room above the highest capacity that the simulation reached.
const MAXIMUM_OVER_PEAK: f64 = 1.5;

type Simulations = (Vec<Scaled>, Vec<(Unit, Simulation)>);

fn scale(
    resources: &[Resource],
    prices: &Prices,
    target_percent: f64,
) -> Result<Simulations, PlanError> {
    let (mut told, mut simulations) = (Vec::new(), Vec::new());
    for resource in resources {
        for unit in KINDS {
            let worth = break_even_utilisation(prices.standard.unit(unit));
            let (policy, simulation) = policy_of(resource.series(unit), target_percent, worth)?;
            told.push(tell(resource, unit, &policy, &simulation));
            simulations.push((unit, simulation));
        }
    }
    Ok((told, simulations))
}

/// The lowest minimum with which next to nothing is throttled, and what the simulation says of it. Where that takes so
/// high a minimum that on demand is cheaper, since less than `worth` of it would be used, the lowest of all: what it
/// throttles is told, and speaks for on demand.
fn policy_of(
    series: &Series,
    target_percent: f64,
    worth: f64,
) -> Result<(Policy, Simulation), PlanError> {
    let problem = |_| PlanError::TooLarge;
    let free = Policy::new(target_percent, 1.0, 1e15).map_err(problem)?;
    let maximum = (free.capacity_for(series.peak()) * MAXIMUM_OVER_PEAK).ceil();
    let at = |minimum: f64| -> Result<(Policy, Simulation), PlanError> {
        let policy = Policy::new(target_percent, minimum, maximum.max(minimum)).map_err(problem)?;
        let simulation = run(series, &policy);
        Ok((policy, simulation))
    };
    let is_enough =
        |of: &Simulation| of.throttled_units() <= of.asked_units() * TOLERABLE_THROTTLED_SHARE;
    let (mut low, mut high) =
        (free.capacity_for(series.quantile(0.0)), free.capacity_for(series.peak()));
    let lowest = at(low)?;
    if is_enough(&lowest.1) {
        return Ok(lowest);
    }
    let mut best = at(high)?;
    while high - low > (high * MINIMUM_WITHIN).max(1.0) {
        let middle = f64::midpoint(low, high).ceil();
        let tried = at(middle)?;
        if is_enough(&tried.1) {
            (high, best) = (middle, tried);
        } else {
            low = middle;
        }
    }
    let used = best.1.asked_units() / (best.1.unit_hours() * 3600.0);
    Ok(if used >= worth { best } else { lowest })
}

/// A day that is like every other is simulated twice, and the second time counts.
fn run(series: &Series, policy: &Policy) -> Simulation {
    let (first, minutes) = series.minutes();
    match series {
        Series::Minutes { .. } => simulate(&minutes, first, policy),
        Series::Daily { .. } => {
            let day = minutes.len();
            let mut simulation = simulate(&[minutes.clone(), minutes].concat(), first, policy);
            simulation.minutes.drain(..day);
            simulation.increases = changes(&simulation, |before, after| after > before);
            simulation.decreases = changes(&simulation, |before, after| after < before);
            simulation
        }
    }
}

fn changes(simulation: &Simulation, is_so: impl Fn(f64, f64) -> bool) -> u64 {
    let pairs = simulation.minutes.windows(2);
    pairs.filter(|pair| is_so(pair[0].capacity, pair[1].capacity)).count() as u64
}

fn tell(resource: &Resource, unit: Unit, policy: &Policy, simulation: &Simulation) -> Scaled {
    let minutes = simulation.minutes.len().max(1) as f64;
    let month = HOURS_PER_MONTH * 60.0 / minutes;
    let (asked, throttled) = (simulation.asked_units(), simulation.throttled_units());
    Scaled {
        resource: resource.name.clone(),
        unit: unit_name(unit).into(),
        minimum_units: policy.minimum_units,
        maximum_units: policy.maximum_units,
        target_percent: policy.target_percent,
        asked_mean: asked / minutes / 60.0,
        capacity_mean: simulation.unit_hours() * 60.0 / minutes,
        unit_hours: simulation.unit_hours() * month,
        throttled_units: throttled * month,
        throttled_requests: 0.0,
        throttled_share: if asked > 0.0 { throttled / asked } else { 0.0 },
        increases: simulation.increases,
        decreases: simulation.decreases,
        decreases_refused: simulation.decreases_refused,
        minutes: simulation.minutes.len() as u64,
        course: course(simulation),
    }
}

fn course(simulation: &Simulation) -> Vec<ScaledMinute> {
    let together = simulation.minutes.len().div_ceil(MAX_COURSE_POINTS).max(1);
    let point = |(index, minutes): (usize, &[flywheel_capacity::scaling::Minute])| {
        let most = |of: fn(&flywheel_capacity::scaling::Minute) -> f64| {
            minutes.iter().map(of).fold(0.0, f64::max)
        };
        ScaledMinute {
            at_min: (index * together) as f64,
            asked: most(|minute| minute.asked / 60.0),
            capacity: most(|minute| minute.capacity),
            throttled: minutes.iter().map(|minute| minute.throttled).sum(),
        }
    };
    simulation.minutes.chunks(together).enumerate().map(point).collect()
}

/// Requests that the units stand for which auto scaling throttles.
pub(super) fn count_requests(scaled: &mut [Scaled], input: &PlanInput) {
    for of in scaled {
        let is_of = |request: &&Request| {
            input.resources[request.resource].name == of.resource
                && unit_name(request.unit) == of.unit
        };
        let per_unit: f64 = input
            .requests
            .iter()
            .filter(is_of)
            .map(|request| request.share / request.units_each)
            .sum();
        of.throttled_requests = of.throttled_units * per_unit;
    }
}

pub(super) fn unit_name(unit: Unit) -> &'static str {
    match unit {
        Unit::Read => "read",
        Unit::Write => "write",
    }
}

/// What is asked for, and what of the bill it is: a share of its kind's by the units.
pub(super) fn patterns(input: &PlanInput, way: &WayToPay) -> Vec<Pattern> {
    let total = |unit| -> f64 { input.resources.iter().map(|of| of.series(unit).mean()).sum() };
    let totals = KINDS.map(total);
    let pattern = |request: &Request| {
        let series = input.resources[request.resource].series(request.unit);
        let (usd, total) = match request.unit {
            Unit::Read => (way.reads_usd, totals[0]),
            Unit::Write => (way.writes_usd, totals[1]),
        };
        let requests = |units: f64| units * request.share / request.units_each;
        let of_kind = if total > 0.0 { series.mean() * request.share / total } else { 0.0 };
        Pattern {
            name: request.name.clone(),
            unit: unit_name(request.unit).into(),
            average_per_s: requests(series.mean()),
            p95_per_s: requests(series.quantile(0.95)),
            peak_per_s: requests(series.peak()),
            units_each: request.units_each,
            bill_share: if way.monthly_usd > 0.0 { usd * of_kind / way.monthly_usd } else { 0.0 },
        }
    };
    let asked =
        |request: &&Request| input.resources[request.resource].series(request.unit).peak() > 0.0;
    input.requests.iter().filter(asked).map(pattern).collect()
}

/// Cost against utilisation, if the peak stays what it is.
pub(super) fn break_even(
    resources: &[Resource],
    storage_gb: f64,
    prices: &Prices,
    target_percent: f64,
) -> BreakEven {
    let peak = flat(resources);
    let of = |unit| prices.standard.unit(unit);
    let sum = |cost: &dyn Fn(Unit, &[Level]) -> f64| -> f64 {
        KINDS.iter().map(|unit| cost(*unit, peak.of(*unit))).sum()
    };
    let on_demand_at_peak_usd = sum(&|unit, levels| on_demand_usd(levels, of(unit)));
    let provisioned = sum(&|unit, levels| provisioned_usd(levels, of(unit)));
    let all_reserved = |lots: &ReservedPrices, months: f64| {
        sum(&|unit, levels| {
            let cost = reserved(levels, lowest(levels), of(unit), lots.lot(unit));
            cost.effective_monthly_usd(months)
        })
    };
    let mean_usd: f64 = KINDS
        .iter()
        .map(|unit| {
            let levels: Vec<Level> =
                resources.iter().flat_map(|resource| resource.series(*unit).levels()).collect();
            on_demand_usd(&levels, of(*unit))
        })
        .sum();
    let over = |usd: f64, of: f64| if of > 0.0 { usd / of } else { 0.0 };
    BreakEven {
        read_utilisation: break_even_utilisation(of(Unit::Read)),
        write_utilisation: break_even_utilisation(of(Unit::Write)),
        read_ratio: on_demand_over_provisioned(of(Unit::Read)),
        write_ratio: on_demand_over_provisioned(of(Unit::Write)),
        utilisation: over(provisioned, on_demand_at_peak_usd),
        here: over(mean_usd, on_demand_at_peak_usd),
        on_demand_at_peak_usd,
        provisioned_usd: provisioned,
        reserved_1y_usd: all_reserved(&prices.reserved_1y_per_100, 12.0),
        reserved_3y_usd: all_reserved(&prices.reserved_3y_per_100, 36.0),
        target: target_percent / 100.0,
        storage_usd: storage_gb * prices.standard.storage_gb_month,
    }
}
