//! The HDR log: histograms in HdrHistogram's own text format (V2, compressed), for its own tools
//! (`HistogramLogProcessor`, hdrhistogram plotters). Values are nanoseconds, as those tools expect.

use std::time::{Duration, SystemTime};

use hdrhistogram::Histogram;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};

/// A histogram over a stretch of time.
#[derive(Debug, Clone)]
pub struct LogEntry<'a> {
    /// What it is of, such as `READ` or `READ.service`; letters, digits, dots.
    pub tag: String,
    /// When the stretch begins, since the log does.
    pub start_s: f64,
    /// Its length.
    pub length_s: f64,
    /// The times in nanoseconds.
    pub times_ns: std::borrow::Cow<'a, Histogram<u64>>,
}

/// Milliseconds from nanoseconds: what the log's column of maxima is in, by convention.
const MAX_DIVISOR: f64 = 1e6;

/// The text of a log that begins at `started`.
pub fn hdr_log(started: SystemTime, comment: &str, entries: &[LogEntry<'_>]) -> String {
    let mut serializer = V2DeflateSerializer::new();
    let mut text = Vec::new();
    let mut write = |text: &mut Vec<u8>| -> Result<(), Box<dyn std::error::Error>> {
        let mut log = IntervalLogWriterBuilder::new()
            .add_comment(comment)
            .with_start_time(started)
            .with_base_time(started)
            .with_max_value_divisor(MAX_DIVISOR)
            .begin_log_with(text, &mut serializer)?;
        for entry in entries {
            log.write_histogram(
                entry.times_ns.as_ref(),
                Duration::from_secs_f64(entry.start_s),
                Duration::from_secs_f64(entry.length_s),
                Tag::new(&entry.tag),
            )
            .map_err(|error| format!("{error:?}"))?;
        }
        Ok(())
    };
    write(&mut text).expect("memory takes a log");
    String::from_utf8(text).expect("a log is text")
}
