//! The verdict on a plan: which way to pay, what would flip that, what is likely to go wrong, and how sure it is. Bills
//! come worked out.

use super::input::PlanInput;
use super::pay::TOLERABLE_THROTTLED_SHARE;
use super::schema::{Origin, Plan, Verdict, WayToPay};
use crate::units::{count, percent, rate, ratio};

/// Ways that bind nobody to a term and follow the load by themselves: what is recommended is one of them.
const FREE: [&str; 4] = ["on_demand", "on_demand_ia", "auto_scaled", "auto_scaled_ia"];

fn throttles(way: &WayToPay) -> bool {
    way.throttled_share.is_some_and(|share| share > TOLERABLE_THROTTLED_SHARE)
}

/// The cheapest of [`FREE`] that throttles next to nothing.
pub(super) fn cheapest_without_term(ways: &[WayToPay]) -> usize {
    let fit = ways.iter().enumerate().filter(|(_, way)| FREE.contains(&way.name.as_str()));
    let fit = fit.filter(|(_, way)| !throttles(way));
    fit.min_by(|(_, a), (_, b)| a.effective_monthly_usd.total_cmp(&b.effective_monthly_usd))
        .map_or(0, |(index, _)| index)
}

pub(super) fn recommended(ways: &[WayToPay]) -> usize {
    cheapest_without_term(ways)
}

/// USD to the dollar: `$59,642`.
pub(crate) fn usd(usd: f64) -> String {
    format!("${}", rate(usd))
}

pub(super) fn verdict(plan: &Plan, recommended: usize, input: &PlanInput) -> Verdict {
    let way = &plan.options[recommended];
    let (confidence, doubts) = confidence(plan, input);
    Verdict {
        option: way.name.clone(),
        sentence: sentence(plan, way),
        monthly_usd: way.monthly_usd,
        commitment: commitment(plan, way),
        flips: flips(plan, way),
        risks: risks(plan),
        confidence: confidence.into(),
        doubts,
    }
}

fn sentence(plan: &Plan, way: &WayToPay) -> String {
    let other = match way.name.starts_with("on_demand") {
        true => plan.option("auto_scaled"),
        false => plan.option("on_demand"),
    };
    let against = other.map_or_else(String::new, |other| {
        let saved = other.effective_monthly_usd - way.effective_monthly_usd;
        let share = if other.effective_monthly_usd > 0.0 {
            saved / other.effective_monthly_usd
        } else {
            0.0
        };
        match saved > 0.0 {
            true => format!(
                ", {} less than {} a month {}",
                percent(share),
                usd(other.monthly_usd),
                lower(&other.title)
            ),
            false if throttles(other) => format!(
                "; {} costs {}, and is predicted to throttle {} of what is asked for",
                lower(&other.title),
                usd(other.monthly_usd),
                percent(other.throttled_share.unwrap_or(0.0))
            ),
            false => String::new(),
        }
    });
    format!("{}: {} a month{against}", way.title, usd(way.monthly_usd))
}

fn lower(title: &str) -> String {
    let mut letters = title.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// What a term would save, with its reservation.
fn commitment(plan: &Plan, way: &WayToPay) -> Option<String> {
    let terms = plan.options.iter().filter(|of| of.name.starts_with("auto_scaled_reserved"));
    // A year binds less than three, and comes first.
    let saves = |of: &&WayToPay| of.effective_monthly_usd < way.effective_monthly_usd - 0.5;
    let chosen = terms.filter(|of| !throttles(of)).find(saves)?;
    let saved = way.effective_monthly_usd - chosen.effective_monthly_usd;
    let months = chosen.upfront_usd / (way.monthly_usd - chosen.monthly_usd).max(f64::MIN_POSITIVE);
    Some(format!(
        "Auto scaled with {} read and {} write units reserved for {} months, it is {} a month and {} at once: {} a month on average, {} less. \
         The upfront part is back after {} months; the load must stay that long.",
        rate(chosen.reserved_read_units),
        rate(chosen.reserved_write_units),
        chosen.term_months,
        usd(chosen.monthly_usd),
        usd(chosen.upfront_usd),
        usd(chosen.effective_monthly_usd),
        percent(saved / way.effective_monthly_usd),
        ratio(months),
    ))
}

fn flips(plan: &Plan, way: &WayToPay) -> Vec<String> {
    let mut flips = Vec::new();
    let get = |name: &str| plan.option(name).map(|of| of.effective_monthly_usd);
    let even = &plan.break_even;
    if let (Some(on_demand), Some(auto)) = (plan.option("on_demand"), plan.option("auto_scaled")) {
        let units = |of: &WayToPay| of.reads_usd + of.writes_usd;
        if units(auto) > 0.0 {
            // On demand falls with the load while capacity stays.
            let utilisation = even.utilisation * units(on_demand) / units(auto);
            let now = format!(
                "{} of what auto scaling provides is used on average; on demand and provisioned cost the same at {}",
                percent(utilisation),
                percent(even.utilisation)
            );
            let on_demand = way.name.starts_with("on_demand");
            flips.push(if on_demand && throttles(auto) {
                format!(
                    "Auto scaling is {} a month if clients may be throttled, and try again, for {} of what they ask.",
                    usd(auto.monthly_usd),
                    percent(auto.throttled_share.unwrap_or(0.0))
                )
            } else if utilisation > even.utilisation {
                format!(
                    "On demand becomes cheaper if traffic turns so uneven that less than {} of the capacity is used on average: {now}.",
                    percent(even.utilisation)
                )
            } else {
                format!("Auto scaling becomes cheaper once traffic is steadier: {now}.")
            });
        }
    }
    // Storage at which the other class costs the same, by the cheaper way of each class.
    let cheaper = |suffix: &str| {
        let names = [format!("on_demand{suffix}"), format!("auto_scaled{suffix}")];
        let of = names.iter().filter_map(|name| plan.option(name));
        of.map(|way| way.reads_usd + way.writes_usd).reduce(f64::min)
    };
    let saved_per_gb =
        plan.prices.standard.storage_gb_month - plan.prices.standard_ia.storage_gb_month;
    if let (Some(standard), Some(rare)) = (cheaper(""), cheaper("_ia"))
        && saved_per_gb > 0.0
        && rare > standard
    {
        let gb = (rare - standard) / saved_per_gb;
        let gb = crate::units::bytes(gb * 1e9);
        flips.push(match way.table_class == "standard" {
            true => format!("Standard-IA becomes cheaper above {gb} of storage at this load."),
            false => {
                format!("The Standard class becomes cheaper below {gb} of storage at this load.")
            }
        });
    }
    if let (Some(exact), Some(auto)) = (get("provisioned"), get("auto_scaled"))
        && exact < auto
        && plan.option("provisioned_for_peak").is_some()
    {
        flips.push(format!(
            "If the peak comes by the clock, capacity on a schedule costs down to {}, without headroom for anything else.",
            usd(exact)
        ));
    }
    for of in &plan.sensitivities {
        if of.cheapest != way.title {
            flips.push(format!(
                "With {}, the cheapest way is: {}.",
                of.change,
                lower(&of.cheapest)
            ));
        }
    }
    flips
}

fn risks(plan: &Plan) -> Vec<String> {
    let mut risks = Vec::new();
    for scaled in plan.scaled.iter().filter(|of| of.throttled_units > 0.0) {
        risks.push(format!(
            "Auto scaling {}s of {} is predicted to throttle {} requests a month ({} of the units): the load rises faster than two \
             minutes and 300 s of burst credit can follow.",
            scaled.unit,
            scaled.resource,
            rate(scaled.throttled_requests),
            percent(scaled.throttled_share)
        ));
    }
    for scaled in plan.scaled.iter().filter(|of| of.decreases_refused > 0) {
        risks.push(format!(
            "Capacity for {}s of {} would fall more often than the quota allows: {} minutes were paid for without need.",
            scaled.unit,
            scaled.resource,
            count(scaled.decreases_refused)
        ));
    }
    for (what, share) in [("reads", plan.hot.read_share), ("writes", plan.hot.write_share)] {
        if let Some(share) = share.filter(|share| *share < 1.0) {
            risks.push(format!(
                "One key with more than {} of the {what} is throttled at the peak, whatever is paid: a partition takes 3,000 read and \
                 1,000 write units a second.",
                percent(share)
            ));
        }
    }
    let ceiling =
        [plan.hot.read_share, plan.hot.write_share].into_iter().flatten().reduce(f64::min);
    if let (Some(busiest), Some(ceiling)) = (plan.hot.busiest_share, ceiling)
        && busiest > ceiling
    {
        risks.push(format!(
            "The busiest key was counted: it takes {} of all requests, which is above that.",
            percent(busiest)
        ));
    }
    let most = |unit: &str| -> f64 {
        plan.scaled
            .iter()
            .filter(|of| of.unit == unit)
            .map(|of| of.maximum_units)
            .fold(0.0, f64::max)
    };
    for (what, units) in [("read", most("read")), ("write", most("write"))] {
        if units > QUOTA_UNITS {
            risks.push(format!(
                "A maximum of {} {what} units is above the usual quota of {} a table: have it raised first.",
                rate(units),
                rate(QUOTA_UNITS)
            ));
        }
    }
    risks
}

/// Units per second of each kind that a table has unless its quota was raised.
const QUOTA_UNITS: f64 = 40_000.0;

/// Minutes of a week: less may not have seen what a month brings.
const WEEK_MINUTES: u64 = 7 * 24 * 60;

fn confidence(plan: &Plan, input: &PlanInput) -> (&'static str, Vec<String>) {
    let mut doubts = Vec::new();
    let minutes = input.measured_minutes;
    match minutes {
        None => doubts.push("Rates and their course over the day are given, not measured.".into()),
        Some(minutes) if minutes < WEEK_MINUTES => doubts.push(format!(
            "{} minutes were measured; a week is the least that shows what a month brings.",
            count(minutes)
        )),
        Some(_) => {}
    }
    let assumed: Vec<&str> = plan
        .inputs
        .iter()
        .filter(|fact| fact.origin == Origin::Assumed)
        .map(|fact| fact.name.as_str())
        .collect();
    if !assumed.is_empty() {
        doubts.push(format!("Assumed: {}.", assumed.join(", ")));
    }
    if input.item_bytes.is_none() {
        doubts.push(
            "Sizes of items are not known, so what larger ones would cost is not told.".into(),
        );
    }
    if plan.hot.busiest_share.is_none() {
        doubts.push("Nobody counted keys: capacity is taken to be used evenly.".into());
    }
    let level = match minutes {
        Some(minutes) if minutes >= WEEK_MINUTES => "high",
        Some(minutes) if minutes >= 24 * 60 => "medium",
        None => "medium",
        Some(_) => "low",
    };
    (level, doubts)
}
