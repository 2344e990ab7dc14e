//! Inputs from exported metrics: JSON as `aws cloudwatch get-metric-data` prints it, and CSV. Takes text, opens nothing.
//!
//! What counts are `ConsumedReadCapacityUnits` and `ConsumedWriteCapacityUnits`, statistic Sum: units of each period. A
//! label is the metric's name, alone or behind the name of a table or of an index: `orders ConsumedReadCapacityUnits`,
//! `orders/by-date ConsumedReadCapacityUnits`. Other metrics are left out. CloudWatch keeps no value where nothing was consumed, so
//! what is missing between the first and the last timestamp counts as nothing.

use std::collections::BTreeMap;

use flywheel_capacity::prices::Unit;
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::input::{
    PlanError, PlanInput, Request, fact, item_within, read_units, storage_within, write_units,
};
use super::schema::Origin;
use super::series::{Resource, Series};
use crate::limits::MAX_PLAN_MINUTES;
use crate::units::{count, ratio};

/// How metrics were written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloudWatchFormat {
    /// As `aws cloudwatch get-metric-data` prints it.
    Json,
    /// A header, then a row for each period.
    Csv,
}

const METRICS: [(&str, Unit); 2] =
    [("consumedreadcapacityunits", Unit::Read), ("consumedwritecapacityunits", Unit::Write)];

/// Inputs from `text`, which keeps `storage_gb` and, where that is known, items of `item_bytes`.
///
/// # Errors
/// If it is not of that format, holds no metric that counts, or timestamps that are out of order or there twice.
pub fn cloudwatch_input(
    text: &str,
    format: CloudWatchFormat,
    name: &str,
    storage_gb: f64,
    item_bytes: Option<f64>,
) -> Result<PlanInput, PlanError> {
    storage_within(storage_gb)?;
    if let Some(item_bytes) = item_bytes {
        item_within(item_bytes)?;
    }
    let metrics = match format {
        CloudWatchFormat::Json => json(text)?,
        CloudWatchFormat::Csv => csv(text)?,
    };
    let (first_minute, resources) = resources(metrics)?;
    let minutes = match &resources[0].reads {
        Series::Minutes { units_per_s, .. } => units_per_s.len() as u64,
        Series::Daily { .. } => 0,
    };
    if resources.iter().all(|of| of.reads.peak() == 0.0 && of.writes.peak() == 0.0) {
        return problem("all values are 0: there is nothing to plan for");
    }
    let requests = resources.iter().enumerate().flat_map(|(index, resource)| {
        let request = |unit, words: &str, each: Option<f64>| Request {
            name: match each {
                Some(_) => format!("{words}s of {}", resource.name),
                None => format!("{words} units of {}", resource.name),
            },
            resource: index,
            unit,
            share: 1.0,
            units_each: each.unwrap_or(1.0),
        };
        [
            request(Unit::Read, "read", item_bytes.map(|bytes| read_units(bytes, true))),
            request(Unit::Write, "write", item_bytes.map(write_units)),
        ]
    });
    let requests = requests.collect();
    let mut facts = vec![
        fact("storage", format!("{} GB", ratio(storage_gb)), Origin::Given),
        fact("consumption", name.to_owned(), Origin::Measured),
        fact("length", format!("{} minutes", count(minutes)), Origin::Measured),
        fact("statistic", "Sum of each period".into(), Origin::Assumed),
    ];
    facts.extend(at(first_minute).map(|when| fact("from", when, Origin::Measured)));
    if let Some(bytes) = item_bytes {
        facts.push(fact("item size", format!("{bytes} B"), Origin::Given));
        facts.push(fact("consistency of reads", "strong".into(), Origin::Assumed));
    }
    let names: Vec<&str> = resources.iter().map(|of| of.name.as_str()).collect();
    Ok(PlanInput {
        title: format!("{} as metered", names.join(", ")),
        storage_gb,
        item_bytes,
        strong_reads: None,
        resources,
        requests,
        sizes: Vec::new(),
        busiest_share: None,
        yardstick: None,
        facts,
        measured_minutes: Some(minutes),
        replay: None,
    })
}

fn problem<T>(text: impl Into<String>) -> Result<T, PlanError> {
    Err(PlanError::Metrics(text.into()))
}

fn at(minute: u64) -> Option<String> {
    let time = OffsetDateTime::from_unix_timestamp(i64::try_from(minute * 60).ok()?).ok()?;
    time.format(&Rfc3339).ok()
}

/// One metric: where it stood, what it is called, seconds since 1970 with units.
struct Metric {
    place: String,
    label: String,
    points: Vec<(i64, f64)>,
}

/// The table or index, and the kind of unit, that a label stands for.
fn meaning(label: &str) -> Option<(String, Unit)> {
    let lower = label.to_ascii_lowercase();
    let (at, name, unit) =
        METRICS.iter().find_map(|(name, unit)| Some((lower.find(name)?, name, *unit)))?;
    let rest = format!("{} {}", label.get(..at)?, label.get(at + name.len()..)?);
    let rest = rest.trim_matches(|c: char| c.is_whitespace() || ":-_.,".contains(c)).to_owned();
    Some((if rest.is_empty() { "table".into() } else { rest }, unit))
}

fn json(text: &str) -> Result<Vec<Metric>, PlanError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Output {
        metric_data_results: Vec<One>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct One {
        id: String,
        #[serde(default)]
        label: String,
        timestamps: Vec<serde_json::Value>,
        values: Vec<f64>,
    }
    let output: Output = serde_json::from_str(text).map_err(|error| {
        PlanError::Metrics(format!("not what `aws cloudwatch get-metric-data` prints: {error}"))
    })?;
    let metric = |(index, one): (usize, One)| {
        let place = format!("MetricDataResults[{index}] ({})", one.id);
        if one.timestamps.len() != one.values.len() {
            return problem(format!(
                "{place}: {} timestamps and {} values: each needs one of the other",
                one.timestamps.len(),
                one.values.len()
            ));
        }
        let seconds = |value: &serde_json::Value| match value {
            serde_json::Value::String(text) => timestamp(text),
            other => other.as_f64().filter(|of| of.abs() < 1e12).map(|of| of as i64),
        };
        let points =
            one.timestamps.iter().zip(&one.values).enumerate().map(|(row, (at, units))| {
                let place = format!("{place}, entry {}", row + 1);
                let seconds = seconds(at);
                let seconds = seconds.ok_or_else(|| no_timestamp(&place, &at.to_string()))?;
                Ok((seconds, checked_units(&place, *units)?))
            });
        let points = points.collect::<Result<_, _>>()?;
        // An id has no blanks and often no table; it is asked only where the label says nothing.
        let label = if meaning(&one.label).is_some() { one.label } else { one.id };
        Ok(Metric { place, label, points })
    };
    output.metric_data_results.into_iter().enumerate().map(metric).collect()
}

fn csv(text: &str) -> Result<Vec<Metric>, PlanError> {
    let text = text.trim_start_matches('\u{feff}');
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let expected =
        "expected a header such as Timestamp,ConsumedReadCapacityUnits,ConsumedWriteCapacityUnits";
    let Some((_, header)) = lines.next() else {
        return problem(format!("the file is empty: {expected}"));
    };
    let header = cells(header);
    let Some(time_column) = header.iter().position(|name| name.eq_ignore_ascii_case("timestamp"))
    else {
        return problem(format!("line 1: no column Timestamp: {expected}"));
    };
    let mut metrics: Vec<(usize, Metric)> = header
        .iter()
        .enumerate()
        .filter(|(_, name)| meaning(name).is_some())
        .map(|(column, name)| {
            let place = format!("column {name}");
            (column, Metric { place, label: name.clone(), points: Vec::new() })
        })
        .collect();
    if metrics.is_empty() {
        return problem(format!("line 1: no column of consumed units: {expected}"));
    }
    for (index, line) in lines {
        let line_number = index + 1;
        let row = cells(line);
        if row.len() != header.len() {
            return problem(format!(
                "line {line_number}: {} cells, and the header has {}",
                row.len(),
                header.len()
            ));
        }
        let place = format!("line {line_number}");
        let text = &row[time_column];
        let seconds = timestamp(text).ok_or_else(|| no_timestamp(&place, text))?;
        for (column, metric) in &mut metrics {
            let cell = &row[*column];
            if cell.is_empty() {
                continue;
            }
            let place = format!("{place}, {}", metric.label);
            let units = cell.parse().map_err(|_| {
                PlanError::Metrics(format!("{place}: expected a number of units, found {cell:?}"))
            })?;
            metric.points.push((seconds, checked_units(&place, units)?));
        }
    }
    Ok(metrics.into_iter().map(|(_, metric)| metric).collect())
}

/// Cells of a line without line breaks within: numbers, times and names need none.
fn cells(line: &str) -> Vec<String> {
    line.split(',').map(|cell| cell.trim().trim_matches('"').trim().to_owned()).collect()
}

/// RFC 3339, the same with a blank for the `T` or without an offset (which is UTC then), or seconds since 1970.
fn timestamp(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<i64>() {
        return (0..1_000_000_000_000).contains(&seconds).then_some(seconds);
    }
    let text = text.replacen(' ', "T", 1);
    let parse = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok();
    let time = parse(&text).or_else(|| parse(&format!("{text}Z")))?;
    Some(time.unix_timestamp()).filter(|seconds| *seconds >= 0)
}

fn no_timestamp(place: &str, found: &str) -> PlanError {
    PlanError::Metrics(format!(
        "{place}: expected a timestamp such as 2026-11-01T00:00:00Z, found {found}"
    ))
}

fn checked_units(place: &str, units: f64) -> Result<f64, PlanError> {
    match units {
        units if (0.0..=1e15).contains(&units) => Ok(units),
        units => problem(format!("{place}: expected units of 0 or more, found {units}")),
    }
}

/// Timestamps in order, the first one first; seconds of a period.
fn in_order(metric: &mut Metric) -> Result<i64, PlanError> {
    let points = &mut metric.points;
    let is_descending = points.len() > 1 && points[0].0 > points[1].0;
    if is_descending {
        points.reverse();
    }
    let mut period_s = i64::MAX;
    for pair in points.windows(2) {
        let gap = pair[1].0 - pair[0].0;
        let when = |seconds: i64| {
            let time = OffsetDateTime::from_unix_timestamp(seconds).ok();
            time.and_then(|time| time.format(&Rfc3339).ok()).unwrap_or_else(|| seconds.to_string())
        };
        if gap == 0 {
            return problem(format!(
                "{}: {} is there twice: export each period once",
                metric.place,
                when(pair[1].0)
            ));
        }
        if gap < 0 {
            return problem(format!(
                "{}: {} is out of order: sort by timestamp",
                metric.place,
                when(if is_descending { pair[0].0 } else { pair[1].0 })
            ));
        }
        period_s = period_s.min(gap);
    }
    Ok(if period_s == i64::MAX { 60 } else { period_s })
}

/// Metrics that count, minute by minute over one and the same time.
fn resources(metrics: Vec<Metric>) -> Result<(u64, Vec<Resource>), PlanError> {
    let mut found: BTreeMap<(String, Unit), (Metric, i64)> = BTreeMap::new();
    for mut metric in metrics {
        let Some((name, unit)) = meaning(&metric.label) else { continue };
        if metric.points.is_empty() {
            continue;
        }
        let period_s = in_order(&mut metric)?;
        if period_s % 60 != 0 && 60 % period_s != 0 {
            return problem(format!(
                "{}: a period of {period_s} s: expected whole minutes",
                metric.place
            ));
        }
        let place = metric.place.clone();
        if found.insert((name.clone(), unit), (metric, period_s)).is_some() {
            let problem_text = format!(
                "{place}: a second metric of {name}: label each with its table or index, such as \"orders/by-date ConsumedReadCapacityUnits\""
            );
            return problem(problem_text);
        }
    }
    let ends = found.values().flat_map(|(metric, period_s)| {
        let (first, last) = (metric.points.first(), metric.points.last());
        first.zip(last).map(|(first, last)| (first.0 / 60, (last.0 + period_s - 1) / 60))
    });
    let Some((first, last)) = ends.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) else {
        return problem(
            "no values of ConsumedReadCapacityUnits or ConsumedWriteCapacityUnits: docs/capacity.md shows how to export them",
        );
    };
    let minutes = (last - first + 1).unsigned_abs();
    if minutes > MAX_PLAN_MINUTES {
        return problem(format!(
            "{} minutes from the first to the last timestamp: at most a year is planned from",
            count(minutes)
        ));
    }
    let nothing = || vec![0.0; minutes as usize];
    let mut by_name: BTreeMap<String, [Vec<f64>; 2]> = BTreeMap::new();
    for ((name, unit), (metric, period_s)) in found {
        let series = &mut by_name.entry(name).or_insert_with(|| [nothing(), nothing()])
            [usize::from(unit == Unit::Write)];
        let whole = (period_s / 60).max(1);
        for (seconds, units) in metric.points {
            for minute in 0..whole {
                let index = (seconds / 60 - first + minute) as usize;
                // A period is shared out evenly among its minutes; several periods of a minute add up.
                series[index.min(minutes as usize - 1)] += units / whole as f64 / 60.0;
            }
        }
    }
    let first_minute = first.unsigned_abs();
    let resource = |(name, [reads, writes]): (String, [Vec<f64>; 2])| {
        let series = |units_per_s| Series::Minutes { first_minute, units_per_s };
        Resource { name, reads: series(reads), writes: series(writes) }
    };
    Ok((first_minute, by_name.into_iter().map(resource).collect()))
}
