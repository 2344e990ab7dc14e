//! A workload whose operations come from a trace: which one, how fast, and what that rules out.
//! The trace is gone through once here; replaying it is the driver's.

use std::path::Path;
use std::sync::Arc;

use super::resolve::Resolver;
use super::{Workload, WorkloadClass};
use crate::limits::SECONDS_MAX;
use crate::trace::{Survey, TraceFile};

/// A trace to be replayed.
#[derive(Debug, Clone)]
pub struct Trace {
    /// The file.
    pub file: TraceFile,
    /// How many times as fast as it was recorded, above 0.
    pub speed: f64,
    /// What was found in it.
    pub survey: Arc<Survey>,
}

impl Trace {
    /// Microseconds of the trace as nanoseconds of its replay.
    pub fn at_ns(&self, time_us: u64) -> u64 {
        scaled_ns(time_us, self.speed)
    }

    /// Operations a second that its replay comes to, from its first to its last one.
    pub fn rate_per_s(&self) -> f64 {
        let Survey { first_us, last_us, .. } = *self.survey;
        // One moment's worth of operations is as much as a millisecond's.
        let length_ns = self.at_ns(last_us - first_us).max(1_000_000);
        self.survey.total() as f64 * 1e9 / length_ns as f64
    }
}

/// What is too long for nanoseconds (584 years) is as long as that.
pub(crate) fn scaled_ns(time_us: u64, speed: f64) -> u64 {
    (time_us as f64 * 1e3 / speed).round() as u64
}

/// The properties that only a trace has a use for.
pub(super) const TRACE_PROPERTIES: [&str; 2] = ["tracefile", "tracespeed"];

impl Resolver<'_> {
    /// The trace, if operations are to arrive by one.
    pub(super) fn trace(&mut self, is_asked_for: bool) -> Option<Trace> {
        let [file_name, speed_name] = TRACE_PROPERTIES;
        let (file, _) = self.text(file_name);
        let speed = self.number(speed_name, "a number from 0.000001 to 1000000", |speed| {
            (1e-6..=1e6).contains(&speed)
        });
        if !is_asked_for {
            for name in TRACE_PROPERTIES {
                self.warn_if_set(name, "has no effect without arrivals=trace");
            }
            return None;
        }
        if file.is_empty() {
            self.fail(file_name, "a file with arrivals=trace", "none");
            return None;
        }
        let surveyed =
            TraceFile::find(Path::new(file)).and_then(|file| Ok((Survey::of(file.open()?)?, file)));
        match surveyed {
            Ok((survey, file)) => Some(Trace { file, speed, survey: Arc::new(survey) }),
            Err(error) => {
                self.fail(file_name, "a trace", error.to_string());
                None
            }
        }
    }

    /// What a trace needs of everything else.
    pub(super) fn check_trace(&mut self, workload: &Workload) {
        let Some(trace) = &workload.trace else { return };
        if workload.class != WorkloadClass::Core {
            let expected = format!("{} with arrivals=trace", WorkloadClass::Core.name());
            self.fail("workload", expected, format!("{:?}", workload.class.name()));
        }
        if let Some(rate) = workload.target_ops_per_s {
            let expected = "0 with arrivals=trace, whose rate is set by tracespeed";
            self.fail("target", expected, format!("\"{rate}\""));
        }
        let Survey { first_us, last_us, .. } = *trace.survey;
        let length_s = (last_us - first_us) as f64 / 1e6;
        if length_s / trace.speed > SECONDS_MAX as f64 {
            let expected =
                format!("a replay of at most {SECONDS_MAX} s, and the trace takes {length_s} s");
            self.fail(TRACE_PROPERTIES[1], expected, format!("\"{}\"", trace.speed));
        }
        let warm_up_s = workload.warm_up.as_secs_f64();
        if warm_up_s > 0.0 && warm_up_s >= length_s {
            let expected = format!("less than the {length_s} s of the trace");
            self.fail("warmuptime", expected, format!("\"{warm_up_s}\""));
        }
    }
}
