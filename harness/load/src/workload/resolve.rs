//! From raw properties to a validated workload.
//! Reports everything that is wrong at once; prints nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use super::names::{self, Use};
use super::trace::TRACE_PROPERTIES;
use super::{
    ArrivalPlan, Arrivals, InsertOrder, MeasurementInterval, Operation, RateShape,
    RequestDistribution, Sine, Workload, WorkloadClass,
};
use crate::generate::{Discrete, HistogramLengths, Lengths};
use crate::limits::{
    CHECKED_RECORDS_MAX, FIELD_COUNT_MAX, KEY_NUMBER_MAX, RECORD_BYTES_MAX, SCAN_LENGTH_MAX,
    SECONDS_MAX, THREAD_COUNT_MAX, TOTAL_CASH_MAX, ZERO_PADDING_MAX,
};
use crate::properties::{Origin, Properties, PropertyError};
use crate::record::{FIELD_HEADER_BYTES, VERSION_BYTES};

/// Other names of YCSB's core workload; the last one is its name before 0.16.
const CORE_WORKLOADS: [&str; 2] = ["CoreWorkload", "com.yahoo.ycsb.workloads.CoreWorkload"];

/// The operations' weights, in their order.
const PROPORTIONS: [&str; Operation::ALL.len()] = [
    "readproportion",
    "updateproportion",
    "insertproportion",
    "scanproportion",
    "readmodifywriteproportion",
];

/// What `recordcount=0` means in YCSB: Java's largest `int`.
const RECORD_COUNT_OF_ZERO: u64 = i32::MAX as u64;

/// A workload and what to tell its author.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The workload.
    pub workload: Workload,
    /// Properties without effect, one sentence each.
    pub warnings: Vec<String>,
}

/// Everything that is wrong with a set of properties, at least one thing.
#[derive(Debug, Clone, thiserror::Error)]
pub struct WorkloadError {
    /// One for each property that cannot be used.
    pub errors: Vec<PropertyError>,
}

impl fmt::Display for WorkloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            write!(f, "{}{error}", if index == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

/// Reads properties one by one and remembers what was wrong and what was in effect.
pub(super) struct Resolver<'a> {
    properties: &'a Properties,
    errors: Vec<PropertyError>,
    warnings: Vec<String>,
    effective: BTreeMap<String, String>,
}

impl<'a> Resolver<'a> {
    /// The value of `name`, or its default, with its place.
    pub(super) fn text(&mut self, name: &'static str) -> (&'a str, Origin) {
        let default = names::known(name).expect("a property that is read is in the table").default;
        let (value, origin) = match self.properties.get(name) {
            Some(setting) => (setting.value.as_str(), setting.origin.clone()),
            None => (default, Origin::Default),
        };
        self.effective.insert(name.to_owned(), value.to_owned());
        (value, origin)
    }

    pub(super) fn fail(
        &mut self,
        name: &str,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) {
        let origin = self.properties.get(name).map_or(Origin::Default, |set| set.origin.clone());
        let (name, expected, found) = (name.to_owned(), expected.into(), found.into());
        self.errors.push(PropertyError { origin, name, expected, found });
    }

    /// Warns of a property that was given and means nothing here.
    pub(super) fn warn_if_set(&mut self, name: &str, why: &str) {
        if let Some(setting) = self.properties.get(name) {
            self.warnings.push(format!("{}: {name} {why}", setting.origin));
        }
    }

    /// A value that parses and is `valid`; on failure an error, and the default so that checking goes on.
    fn parse<T: FromStr>(
        &mut self,
        name: &'static str,
        expected: &str,
        valid: impl Fn(&T) -> bool,
    ) -> T {
        let (value, _) = self.text(name);
        if let Some(parsed) = value.parse().ok().filter(&valid) {
            return parsed;
        }
        self.fail(name, expected, format!("{value:?}"));
        let default = names::known(name).map_or("", |known| known.default);
        default.parse().ok().expect("a default parses")
    }

    fn integer(&mut self, name: &'static str, min: u64, max: u64) -> u64 {
        let expected = format!("a whole number from {min} to {max}");
        self.parse(name, &expected, |value| (min..=max).contains(value))
    }

    pub(super) fn number(
        &mut self,
        name: &'static str,
        expected: &str,
        valid: impl Fn(f64) -> bool,
    ) -> f64 {
        self.parse(name, expected, |value: &f64| value.is_finite() && valid(*value))
    }

    fn seconds(&mut self, name: &'static str, min: u64) -> Duration {
        let expected = format!("a number of seconds from {min} to {SECONDS_MAX}");
        let valid = |value: f64| value >= min as f64 && value <= SECONDS_MAX as f64;
        Duration::from_secs_f64(self.number(name, &expected, valid))
    }

    fn boolean(&mut self, name: &'static str) -> bool {
        self.choice(name, &[("true", true), ("false", false)])
    }

    fn choice<T: Copy>(&mut self, name: &'static str, options: &[(&str, T)]) -> T {
        let (value, _) = self.text(name);
        if let Some((_, chosen)) = options.iter().find(|(word, _)| word.eq_ignore_ascii_case(value))
        {
            return *chosen;
        }
        let words: Vec<&str> = options.iter().map(|(word, _)| *word).collect();
        self.fail(name, format!("one of {}", words.join(", ")), format!("{value:?}"));
        options[0].1
    }

    /// Complains about names that mean nothing, and warns of those without effect.
    fn check_names(&mut self) {
        for (name, setting) in self.properties.iter() {
            match names::known(name).map(|known| known.used) {
                Some(Use::Honoured) => {}
                Some(Use::Ignored(instead)) => {
                    self.warnings
                        .push(format!("{}: {name} has no effect: {instead}", setting.origin));
                }
                None if names::is_foreign(name) => {
                    self.effective.insert(name.to_owned(), setting.value.clone());
                    // Those of a target that the command may have chosen are looked at there.
                    if !names::is_targets(name) {
                        let warning =
                            "has no effect: it looks like the setting of another database";
                        self.warnings.push(format!("{}: {name} {warning}", setting.origin));
                    }
                }
                None => {
                    let expected = match names::nearest(name) {
                        Some(nearest) => format!("a known property, perhaps {nearest}"),
                        None => "a known property".to_owned(),
                    };
                    self.fail(name, expected, "an unknown one");
                }
            }
        }
    }

    fn class(&mut self) -> WorkloadClass {
        let (name, _) = self.text("workload");
        if CORE_WORKLOADS.contains(&name) {
            return WorkloadClass::Core;
        }
        WorkloadClass::ALL.into_iter().find(|class| class.name() == name).unwrap_or_else(|| {
            let names = WorkloadClass::ALL.map(WorkloadClass::name).join(", ");
            self.fail("workload", format!("one of {names}"), format!("{name:?}"));
            WorkloadClass::Core
        })
    }

    /// What each account holds at first.
    fn balance(&mut self, class: WorkloadClass, record_count: u64) -> i64 {
        let cash = self.integer("total_cash", 0, TOTAL_CASH_MAX);
        if class != WorkloadClass::ClosedEconomy {
            return 0;
        }
        if cash < record_count {
            let expected = format!("at least recordcount ({record_count}): 1 for each account");
            self.fail("total_cash", expected, format!("\"{cash}\""));
        }
        (cash / record_count) as i64
    }

    /// What the classes that check something need of everything else.
    fn check_class(&mut self, workload: &Workload) {
        use Operation::{Insert, Read, ReadModifyWrite, Scan, Update};
        let class = workload.class;
        let with = format!("with workload={}", class.name());
        let (needed, unused, least): (&[_], &[_], _) = match class {
            WorkloadClass::Core => return,
            WorkloadClass::Counters => (&[ReadModifyWrite], &[Update, Insert], 1),
            WorkloadClass::ClosedEconomy => (&[ReadModifyWrite], &[Update, Insert], 2),
            WorkloadClass::ReadYourWrites => {
                (&[Read, Update], &[Insert, Scan, ReadModifyWrite], workload.thread_count)
            }
        };
        for operation in needed {
            if workload.share(*operation) <= 0.0 {
                let name = PROPORTIONS[*operation as usize];
                let expected = format!("above 0 {with}, or there is nothing to check");
                self.fail(name, expected, "0");
            }
        }
        let count = workload.record_count;
        if !(least..=CHECKED_RECORDS_MAX).contains(&count) {
            let expected = format!("{least} to {CHECKED_RECORDS_MAX} records {with}");
            self.fail("recordcount", expected, format!("\"{count}\""));
        }
        if workload.insert_count != count {
            let found = format!("\"{}\"", workload.insert_count);
            self.fail("insertcount", format!("all of recordcount ({count}) {with}"), found);
        }
        for operation in unused {
            let name = PROPORTIONS[*operation as usize];
            if workload.share(*operation) > 0.0 {
                self.fail(name, format!("0 {with}"), "more");
            }
        }
        if workload.data_integrity {
            self.fail(
                "dataintegrity",
                format!("false {with}, which has a check of its own"),
                "true",
            );
        }
        if class == WorkloadClass::ReadYourWrites {
            self.check_versions(workload, &with);
        }
    }

    fn check_versions(&mut self, workload: &Workload, with: &str) {
        let length = workload.field_length_max;
        let is_constant = matches!(workload.field_lengths, Lengths::Constant(_));
        if !is_constant || length < VERSION_BYTES as u64 {
            let expected = format!("constant, at least {VERSION_BYTES} {with}");
            self.fail("fieldlength", expected, format!("\"{length}\""));
        }
        if !workload.write_all_fields && workload.field_count() > 1 {
            let expected =
                format!("true (or fieldcount=1) {with}: a version is that of all fields");
            self.fail("writeallfields", expected, "\"false\"");
        }
        if workload.arrivals.spacing.is_some() {
            let expected =
                format!("closed {with}: only a client that waits can tell what it wrote");
            self.fail("arrivals", expected, "another");
        }
    }

    fn field_lengths(&mut self) -> (Lengths, u64) {
        let length = self.integer("fieldlength", 0, RECORD_BYTES_MAX);
        let shortest = self.integer("minfieldlength", 0, RECORD_BYTES_MAX);
        let names = ["constant", "uniform", "zipfian", "histogram"].map(|name| (name, name));
        let distribution = self.choice("fieldlengthdistribution", &names);
        let (file, _) = self.text("fieldlengthhistogram");
        if matches!(distribution, "uniform" | "zipfian") && shortest > length {
            let found = format!("\"{shortest}\"");
            self.fail("minfieldlength", format!("at most fieldlength ({length})"), found);
            return (Lengths::Constant(length), length);
        }
        match distribution {
            "uniform" => (Lengths::uniform(shortest, length), length),
            "zipfian" => (Lengths::zipfian(shortest, length), length),
            "histogram" => match HistogramLengths::read(Path::new(file)) {
                Ok(histogram) => {
                    let longest = histogram.max();
                    (Lengths::Histogram(histogram), longest)
                }
                Err(error) => {
                    self.fail("fieldlengthhistogram", "a histogram file", error.to_string());
                    (Lengths::Constant(length), length)
                }
            },
            _ => (Lengths::Constant(length), length),
        }
    }

    fn field_names(&mut self) -> Vec<String> {
        let count = self.integer("fieldcount", 1, FIELD_COUNT_MAX);
        let (prefix, _) = self.text("fieldnameprefix");
        // Integrity values hash UTF-16 units in YCSB; for ASCII, bytes are the same.
        if !prefix.bytes().all(|byte| byte.is_ascii_graphic()) {
            self.fail("fieldnameprefix", "printable ASCII without spaces", format!("{prefix:?}"));
        }
        (0..count).map(|number| format!("{prefix}{number}")).collect()
    }

    fn mix(&mut self) -> Discrete<Operation> {
        let weights =
            PROPORTIONS.map(|name| self.number(name, "a number from 0 up", |weight| weight >= 0.0));
        Discrete::new(weights.into_iter().zip(Operation::ALL)).unwrap_or_else(|| {
            self.fail(PROPORTIONS[0], "some proportion above 0", "none");
            Discrete::new([(1.0, Operation::Read)]).expect("the weight is positive")
        })
    }

    fn request_distribution(&mut self) -> RequestDistribution {
        let share = |value: f64| (0.0..=1.0).contains(&value);
        let data_fraction = self.number("hotspotdatafraction", "a number from 0 to 1", share);
        let operation_fraction = self.number("hotspotopnfraction", "a number from 0 to 1", share);
        let shift_s = self.number("hotspotshiftseconds", "seconds from 0.001 to 1000000000", |s| {
            (1e-3..=SECONDS_MAX as f64).contains(&s)
        });
        let shift = Duration::from_secs_f64(shift_s);
        let below_100 = |value: f64| value > 0.0 && value < 100.0;
        let expected = "a number above 0 and below 100";
        let percentile = self.number("exponential.percentile", expected, below_100);
        let fraction = self.number("exponential.frac", "a number above 0", |value| value > 0.0);
        self.choice(
            "requestdistribution",
            &[
                ("uniform", RequestDistribution::Uniform),
                ("zipfian", RequestDistribution::Zipfian),
                ("latest", RequestDistribution::Latest),
                ("hotspot", RequestDistribution::Hotspot { data_fraction, operation_fraction }),
                ("sequential", RequestDistribution::Sequential),
                ("exponential", RequestDistribution::Exponential { percentile, fraction }),
                (
                    "shifting",
                    RequestDistribution::Shifting { data_fraction, operation_fraction, shift },
                ),
            ],
        )
    }

    fn scan_lengths(&mut self) -> Lengths {
        let shortest = self.integer("minscanlength", 1, SCAN_LENGTH_MAX);
        let longest = self.integer("maxscanlength", 1, SCAN_LENGTH_MAX);
        let zipfian =
            self.choice("scanlengthdistribution", &[("uniform", false), ("zipfian", true)]);
        if shortest > longest {
            let found = format!("\"{shortest}\"");
            self.fail("minscanlength", format!("at most maxscanlength ({longest})"), found);
            return Lengths::Constant(longest);
        }
        if zipfian {
            Lengths::zipfian(shortest, longest)
        } else {
            Lengths::uniform(shortest, longest)
        }
    }

    /// `(record_count, insert_start, insert_count)`
    fn record_range(&mut self) -> (u64, u64, u64) {
        let record_count = match self.integer("recordcount", 0, KEY_NUMBER_MAX) {
            0 => RECORD_COUNT_OF_ZERO,
            count => count,
        };
        let insert_start = self.integer("insertstart", 0, KEY_NUMBER_MAX);
        let Some(rest) = record_count.checked_sub(insert_start).filter(|rest| *rest > 0) else {
            let found = format!("\"{insert_start}\"");
            self.fail("insertstart", format!("below recordcount ({record_count})"), found);
            return (record_count, 0, record_count);
        };
        let insert_count = match self.properties.get("insertcount").map(|set| set.value.as_str()) {
            None | Some("") => rest,
            Some(value) => {
                value.parse().ok().filter(|count| (1..=rest).contains(count)).unwrap_or_else(|| {
                    let expected =
                        format!("a whole number from 1 to {rest} (recordcount - insertstart)");
                    self.fail("insertcount", expected, format!("{value:?}"));
                    rest
                })
            }
        };
        self.effective.insert("insertcount".to_owned(), insert_count.to_string());
        (record_count, insert_start, insert_count)
    }

    /// How operations arrive, and whether by a trace.
    fn arrivals(&mut self) -> (ArrivalPlan, bool) {
        let amplitude =
            self.number("sineamplitude", "a number from 0 to 1", |of| (0.0..=1.0).contains(&of));
        let expected = format!("seconds above 0, at most {SECONDS_MAX}");
        let period_s = self.number("sineperiod", &expected, |seconds| {
            seconds > 0.0 && seconds <= SECONDS_MAX as f64
        });
        let factor = self.number("burstfactor", "a number from 1 to 1e6", |factor| {
            (1.0..=1e6).contains(&factor)
        });
        let seconds = self.integer("burstseconds", 1, SECONDS_MAX);
        let period = self.integer("burstperiod", 2, SECONDS_MAX);
        let (spacing, is_traced) = self.choice(
            "arrivals",
            &[
                ("closed", (None, false)),
                ("constant", (Some(Arrivals::Constant), false)),
                ("poisson", (Some(Arrivals::Poisson), false)),
                ("trace", (None, true)),
            ],
        );
        let shape = self.choice(
            "targetshape",
            &[
                ("flat", RateShape::Flat),
                ("sine", RateShape::Sine(Sine { amplitude, period_s })),
                ("burst", RateShape::Burst { factor, seconds, period_s: period }),
            ],
        );
        if matches!(shape, RateShape::Burst { .. }) && period <= seconds {
            let expected = format!("above burstseconds ({seconds})");
            self.fail("burstperiod", expected, format!("\"{period}\""));
        }
        if shape != RateShape::Flat && spacing.is_none() {
            let (found, _) = self.text("arrivals");
            self.fail("arrivals", "constant or poisson with a targetshape", format!("{found:?}"));
        }
        (ArrivalPlan { spacing, shape }, is_traced)
    }

    fn percentiles(&mut self) -> Vec<f64> {
        let (value, _) = self.text("hdrhistogram.percentiles");
        let parsed: Option<Vec<f64>> = value
            .split(',')
            .map(|part| {
                part.trim()
                    .parse()
                    .ok()
                    .filter(|percentile| *percentile > 0.0 && *percentile <= 100.0)
            })
            .collect();
        parsed.unwrap_or_else(|| {
            let expected = "numbers above 0, at most 100, with commas between";
            self.fail("hdrhistogram.percentiles", expected, format!("{value:?}"));
            Vec::new()
        })
    }

    /// Values YCSB knows and that change nothing here.
    fn check_measurement_type(&mut self) {
        let types = [
            "hdrhistogram",
            "histogram",
            "hdrhistogram+histogram",
            "hdrhistogram+raw",
            "timeseries",
            "raw",
        ];
        let chosen = self.choice("measurementtype", &types.map(|name| (name, name)));
        if chosen != types[0] {
            self.warnings
                .push(format!("measurementtype={chosen} has no effect: always hdrhistogram"));
            self.effective.insert("measurementtype".to_owned(), types[0].to_owned());
        }
    }

    fn check_record_size(&mut self, fields: usize, field_length_max: u64) {
        let largest = (FIELD_HEADER_BYTES as u64)
            .saturating_add(field_length_max)
            .saturating_mul(fields as u64);
        if largest > RECORD_BYTES_MAX {
            let expected = format!("fields that make a record of at most {RECORD_BYTES_MAX} bytes");
            self.fail("fieldlength", expected, format!("up to {largest} bytes"));
        }
    }

    fn workload(&mut self) -> Workload {
        self.check_names();
        let class = self.class();
        self.check_measurement_type();
        let (record_count, insert_start, insert_count) = self.record_range();
        let field_names = self.field_names();
        let (field_lengths, field_length_max) = self.field_lengths();
        self.check_record_size(field_names.len(), field_length_max);
        let data_integrity = self.boolean("dataintegrity");
        if data_integrity && !matches!(field_lengths, Lengths::Constant(_)) {
            self.fail("dataintegrity", "fieldlengthdistribution=constant with it", "another one");
        }
        let nonzero = |seconds: Duration| Some(seconds).filter(|seconds| !seconds.is_zero());
        let rate = self.number("target", "operations per second from 0 to 1e9", |rate| {
            (0.0..=1e9).contains(&rate)
        });
        let (arrivals, is_traced) = self.arrivals();
        let workload = Workload {
            class,
            initial_number: self.balance(class, record_count),
            table: self.text("table").0.to_owned(),
            record_count,
            insert_start,
            insert_count,
            operation_count: Some(self.integer("operationcount", 0, KEY_NUMBER_MAX))
                .filter(|count| *count > 0),
            max_execution_time: nonzero(self.seconds("maxexecutiontime", 0)),
            thread_count: self.integer("threadcount", 1, THREAD_COUNT_MAX),
            target_ops_per_s: Some(rate).filter(|rate| *rate > 0.0),
            arrivals,
            trace: self.trace(is_traced),
            seed: self.integer("seed", 0, u64::MAX),
            warm_up: self.seconds("warmuptime", 0),
            field_names,
            field_lengths,
            field_length_max,
            data_integrity,
            mix: self.mix(),
            request_distribution: self.request_distribution(),
            insert_order: self.choice(
                "insertorder",
                &[("hashed", InsertOrder::Hashed), ("ordered", InsertOrder::Ordered)],
            ),
            zero_padding: self.integer("zeropadding", 0, ZERO_PADDING_MAX) as usize,
            read_all_fields: self.boolean("readallfields"),
            read_all_fields_by_name: self.boolean("readallfieldsbyname"),
            write_all_fields: self.boolean("writeallfields"),
            scan_lengths: self.scan_lengths(),
            insertion_retry_limit: self.integer("core_workload_insertion_retry_limit", 0, u64::MAX),
            insertion_retry_interval: self.seconds("core_workload_insertion_retry_interval", 0),
            status_interval: self.seconds("status.interval", 1),
            percentiles: self.percentiles(),
            measurement_interval: self.choice(
                "measurement.interval",
                &[
                    ("op", MeasurementInterval::Operation),
                    ("intended", MeasurementInterval::Intended),
                    ("both", MeasurementInterval::Both),
                ],
            ),
            effective: BTreeMap::new(),
        };
        self.check_class(&workload);
        self.check_trace(&workload);
        workload
    }
}

impl Workload {
    /// Checks every property and fills in YCSB's defaults.
    ///
    /// Errors name the file, line, property, what was expected and what was found; all of them come at once.
    /// Unknown names are errors; dotted names of other databases (`jdbc.url`) are warnings.
    pub fn resolve(properties: &Properties) -> Result<Resolved, WorkloadError> {
        let mut resolver = Resolver {
            properties,
            errors: Vec::new(),
            warnings: Vec::new(),
            effective: BTreeMap::new(),
        };
        let mut workload = resolver.workload();
        if !resolver.errors.is_empty() {
            return Err(WorkloadError { errors: resolver.errors });
        }
        if workload.trace.is_none() {
            // Nothing of them has an effect; and results of builds that knew no traces are settings alike.
            resolver.effective.retain(|name, _| !TRACE_PROPERTIES.contains(&name.as_str()));
        }
        if workload.class != WorkloadClass::ClosedEconomy {
            // Of no other class either.
            resolver.effective.remove("total_cash");
        }
        workload.effective = resolver.effective;
        Ok(Resolved { workload, warnings: resolver.warnings })
    }
}
