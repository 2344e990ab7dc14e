//! Inputs from results of runs, and what one machine was measured to do. A run of some seconds stands for every minute
//! of a month here, and the plan says so.

use flywheel_capacity::prices::Unit;

use super::input::{
    PlanError, PlanInput, Request, fact, item_within, read_units, storage_within, write_units,
};
use super::schema::{Origin, SizeBin, Yardstick};
use super::series::{Resource, Series};
use crate::search::SearchResult;
use crate::units::{bytes, count, rate};
use crate::{OperationKind, RunResult};

/// Bytes that storage billing adds to each item.
const BILLED_BYTES_PER_ITEM: f64 = 100.0;

/// Inputs from runs, a table each. What is given replaces what the runs say of storage and item size.
///
/// # Errors
/// If there is no run, one measured nothing, or what is given is out of bounds.
pub fn results_input(
    results: &[RunResult],
    storage_gb: Option<f64>,
    item_bytes: Option<f64>,
    eventual_reads: bool,
) -> Result<PlanInput, PlanError> {
    if let Some(storage_gb) = storage_gb {
        storage_within(storage_gb)?;
    }
    if let Some(item_bytes) = item_bytes {
        item_within(item_bytes)?;
    }
    let mut input = PlanInput {
        title: String::new(),
        storage_gb: 0.0,
        item_bytes,
        strong_reads: Some(!eventual_reads),
        resources: Vec::new(),
        requests: Vec::new(),
        sizes: Vec::new(),
        busiest_share: None,
        yardstick: None,
        facts: Vec::new(),
        measured_minutes: Some(0),
        replay: None,
    };
    let mut stored_bytes = 0.0;
    let mut largest: f64 = 0.0;
    for result in results {
        let item = item_bytes.or_else(|| item_of(result)).ok_or_else(|| {
            let name = &result.workload;
            PlanError::Together(format!(
                "{name}: the run does not say how large its records are: give --item-bytes"
            ))
        })?;
        item_within(item)?;
        largest = largest.max(item);
        add(&mut input, result, item, !eventual_reads)?;
        let records = number(result, "recordcount").unwrap_or(0.0);
        stored_bytes += records * (item + BILLED_BYTES_PER_ITEM);
        input.sizes.push(SizeBin { up_to_bytes: item, share: 1.0 / results.len() as f64 });
    }
    if input.resources.is_empty() {
        return Err(PlanError::Together("no run to plan from".into()));
    }
    input.item_bytes = Some(largest);
    input.storage_gb = storage_gb.unwrap_or(stored_bytes / 1e9);
    let names: Vec<&str> = results.iter().map(|result| result.workload.as_str()).collect();
    input.title = format!("workload {} as measured", names.join(", "));
    input.yardstick =
        results.iter().filter_map(of_run).min_by(|a, b| a.ops_per_s.total_cmp(&b.ops_per_s));
    let origin = if storage_gb.is_some() { Origin::Given } else { Origin::Derived };
    let storage = bytes(input.storage_gb * 1e9);
    input.facts.insert(0, fact("storage", storage, origin));
    let origin = if item_bytes.is_some() { Origin::Given } else { Origin::Derived };
    input.facts.insert(1, fact("largest item", format!("{} B", rate(largest)), origin));
    let consistency = if eventual_reads { "eventual" } else { "strong" };
    let origin = if eventual_reads { Origin::Given } else { Origin::Assumed };
    input.facts.push(fact("consistency of reads", consistency.into(), origin));
    input.facts.push(fact("shape", "the run's seconds, all month".into(), Origin::Assumed));
    Ok(input)
}

fn number(result: &RunResult, property: &str) -> Option<f64> {
    let number: f64 = result.properties.get(property)?.parse().ok()?;
    (number.is_finite() && number >= 0.0).then_some(number)
}

/// Bytes of a record as an item: its fields with their names, and its key.
fn item_of(result: &RunResult) -> Option<f64> {
    const KEY_BYTES: f64 = 24.0;
    let fields = number(result, "fieldcount")?;
    let name = result.properties.get("fieldnameprefix").map_or(5, String::len) as f64 + 1.0;
    Some(fields * (number(result, "fieldlength")? + name) + KEY_BYTES)
}

/// Units of one operation: reads and writes.
fn units_of(kind: OperationKind, result: &RunResult, item: f64, is_strong: bool) -> [f64; 2] {
    let (read, write) = (read_units(item, is_strong), write_units(item));
    match kind {
        OperationKind::Read => [read, 0.0],
        OperationKind::Update | OperationKind::Insert | OperationKind::Delete => [0.0, write],
        OperationKind::ReadModifyWrite => [read, write],
        OperationKind::Scan => {
            let most = number(result, "maxscanlength").unwrap_or(1.0);
            let least = number(result, "minscanlength").unwrap_or(1.0);
            // Sizes are summed, then rounded once.
            [read_units(item * (least + most) / 2.0, is_strong), 0.0]
        }
    }
}

fn add(
    input: &mut PlanInput,
    result: &RunResult,
    item: f64,
    is_strong: bool,
) -> Result<(), PlanError> {
    let index = input.resources.len();
    let mut name = result.workload.clone();
    // Several runs of one workload are several tables.
    if name.is_empty() || input.resources.iter().any(|of| of.name == name) {
        name = format!("{name} {}", index + 1).trim_start().to_owned();
    }
    // The halves of a READMODIFYWRITE are counted as a READ and an UPDATE, too.
    let halved = |kind: OperationKind| result.operations.get(&kind).map_or(0, |of| of.count);
    let all: u64 = result.operations.values().map(|of| of.count).sum();
    let done = all.saturating_sub(2 * halved(OperationKind::ReadModifyWrite));
    if done == 0 || result.elapsed_s <= 0.0 {
        let name = &result.workload;
        return Err(PlanError::Together(format!("{name}: the run measured no operation")));
    }
    let share = |count: u64| count as f64 / done as f64;
    let mut per_op = [0.0; 2];
    let mut parts: Vec<(OperationKind, usize, f64, f64)> = Vec::new();
    let of_one_item = |kind: OperationKind| kind != OperationKind::ReadModifyWrite;
    let counted = result.operations.iter().filter(|(kind, of)| of.count > 0 && of_one_item(**kind));
    for (kind, of) in counted {
        let units = units_of(*kind, result, item, is_strong);
        for (side, units) in units.into_iter().enumerate().filter(|(_, units)| *units > 0.0) {
            per_op[side] += units * share(of.count);
            parts.push((*kind, side, units, share(of.count)));
        }
    }
    for (kind, side, units_each, share) in parts {
        let unit = [Unit::Read, Unit::Write][side];
        let name = format!("{} of {name}", kind.name());
        let share = units_each * share / per_op[side];
        input.requests.push(Request { name, resource: index, unit, share, units_each });
    }
    let minutes = minutes(result);
    let series = |side: usize| Series::Minutes {
        first_minute: 0,
        units_per_s: minutes.iter().map(|ops| ops * per_op[side]).collect(),
    };
    let told = format!(
        "{} operations/s over {:.0} s{}",
        rate(result.throughput_ops_per_s),
        result.elapsed_s,
        if result.schedule.is_some() { ", open loop" } else { ", as fast as its clients could" }
    );
    input.facts.push(fact(&format!("load of {name}"), told, Origin::Measured));
    if let Some(records) = number(result, "recordcount") {
        input.facts.push(fact(
            &format!("records of {name}"),
            count(records as u64),
            Origin::Measured,
        ));
    }
    let so_far = input.measured_minutes.unwrap_or(0);
    input.measured_minutes = Some(so_far.max(minutes.len() as u64));
    input.resources.push(Resource { name, reads: series(0), writes: series(1) });
    Ok(())
}

/// Operations per second, minute by minute; of a shorter run, its mean.
fn minutes(result: &RunResult) -> Vec<f64> {
    let whole = result.intervals.len() / 60;
    if whole == 0 {
        return vec![result.throughput_ops_per_s];
    }
    let minute = |seconds: &[crate::Interval]| {
        seconds.iter().map(|second| second.count as f64).sum::<f64>() / 60.0
    };
    result.intervals.chunks_exact(60).map(minute).collect()
}

fn of_run(result: &RunResult) -> Option<Yardstick> {
    let meaning = match &result.schedule {
        None => "what its clients reached in a closed loop",
        Some(schedule) if schedule.sustained => {
            "a rate that it kept; what more it can do was not measured"
        }
        Some(_) => return None,
    };
    (result.throughput_ops_per_s > 0.0).then(|| Yardstick {
        ops_per_s: result.throughput_ops_per_s,
        meaning: meaning.into(),
        knee_per_s: None,
        cores: result.environment.cores,
        source: format!(
            "workload {} on {}, {}",
            result.workload, result.system, result.started_utc
        ),
        files_per_byte: result.engine.peak_file_bytes_per_live_byte.unwrap_or(1.0).max(1.0),
    })
}

/// What one machine does, from the `search.json` or the `result.json` of a folder; `None` if it says nothing of that.
///
/// # Errors
/// If the text is neither.
pub fn yardstick(json: &str) -> Result<Option<Yardstick>, crate::ReadError> {
    let newest = crate::limits::SEARCH_SCHEMA_VERSION;
    let Ok(found) = crate::result::read_versioned::<SearchResult>(json, newest) else {
        return Ok(of_run(&RunResult::from_json(json)?));
    };
    let rate = found.best.map(|best| best.rate_per_s).or(found.knee_rate_per_s);
    Ok(rate.map(|ops_per_s| Yardstick {
        ops_per_s,
        meaning: match found.best {
            Some(_) => format!(
                "the highest rate whose p99 is below {}",
                crate::units::time(found.target_p99_us)
            ),
            None => "the knee of latency against throughput".into(),
        },
        knee_per_s: found.knee_rate_per_s,
        cores: found.environment.cores,
        source: format!("search of {} on {}, {}", found.workload, found.system, found.started_utc),
        files_per_byte: 1.0,
    }))
}
