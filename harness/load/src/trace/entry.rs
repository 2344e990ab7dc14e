//! One operation of a trace, and what its fields may be, whatever the format.
//! How a line is taken apart is `csv`'s and `json`'s.

use serde::Serialize;

use super::error::{Problem, shown};
use crate::limits::{
    SCAN_LENGTH_MAX, TRACE_KEY_BYTES_MAX, TRACE_TIME_US_MAX, TRACE_VALUE_BYTES_MAX,
};
use crate::workload::Operation;

/// One operation of a trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TraceEntry {
    /// Microseconds from the beginning of the trace, at most [`TRACE_TIME_US_MAX`]; never less than in the line before.
    pub time_us: u64,
    /// What was asked for.
    pub operation: Operation,
    /// Of which record; of a scan, where it begins. 1 to [`TRACE_KEY_BYTES_MAX`] bytes.
    pub key: String,
    /// Bytes of the value that was written, at most [`TRACE_VALUE_BYTES_MAX`]. Always there where something is
    /// written; has no meaning elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// Records that a scan asks for, 1 to [`SCAN_LENGTH_MAX`]. Always there in scans; has no meaning elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

/// Names of the fields, in the order in which they are written.
pub(super) const FIELDS: [&str; 5] = ["time_us", "operation", "key", "size_bytes", "count"];

pub(super) const TIME_US: usize = 0;
pub(super) const OPERATION: usize = 1;
pub(super) const KEY: usize = 2;
pub(super) const SIZE_BYTES: usize = 3;
pub(super) const COUNT: usize = 4;

/// A line that was taken apart. Fields are named by their place in [`FIELDS`]; what cannot be used comes back as it
/// is to be shown.
pub(super) trait Line {
    /// A whole number; `None` where the field is missing.
    fn number(&self, field: usize) -> Result<Option<u64>, String>;

    /// A text; `None` where the field is missing.
    fn text(&mut self, field: usize) -> Result<Option<String>, String>;
}

/// What is said of a field that is not there.
const NOTHING: &str = "nothing";

fn number_of(
    line: &impl Line,
    field: usize,
    least: u64,
    most: u64,
) -> Result<Option<u64>, Problem> {
    let problem = |found: String| {
        let unit = match field {
            TIME_US => " of microseconds",
            SIZE_BYTES => " of bytes",
            _ => "",
        };
        Problem::new(FIELDS[field], format!("a whole number{unit} from {least} to {most}"), found)
    };
    match line.number(field) {
        Ok(Some(number)) if !(least..=most).contains(&number) => Err(problem(number.to_string())),
        Ok(number) => Ok(number),
        Err(found) => Err(problem(found)),
    }
}

fn operation_of(line: &mut impl Line) -> Result<Operation, Problem> {
    let problem = |found: String| {
        let names = Operation::ALL.map(Operation::name).join(", ");
        let hint = if found.eq_ignore_ascii_case("\"delete\"") {
            " (deletes cannot be replayed: leave them out)"
        } else {
            ""
        };
        Problem::new(FIELDS[OPERATION], format!("one of {names}{hint}"), found)
    };
    let text = line.text(OPERATION).map_err(problem)?;
    let text = text.ok_or_else(|| problem(NOTHING.into()))?;
    let name = text.trim();
    Operation::ALL
        .into_iter()
        .find(|operation| operation.name().eq_ignore_ascii_case(name))
        .ok_or_else(|| problem(shown(name)))
}

fn check_key(key: &str) -> Result<(), Problem> {
    if (1..=TRACE_KEY_BYTES_MAX).contains(&key.len()) {
        return Ok(());
    }
    let expected = format!("a text of 1 to {TRACE_KEY_BYTES_MAX} bytes");
    Err(Problem::new(FIELDS[KEY], expected, shown(key)))
}

impl TraceEntry {
    /// Of a line, once each of its fields was found to be possible.
    pub(super) fn of_line(line: &mut impl Line) -> Result<Self, Problem> {
        let time_us = number_of(line, TIME_US, 0, TRACE_TIME_US_MAX)?;
        let missing = |field: usize, expected: &str| Problem::new(FIELDS[field], expected, NOTHING);
        let time_us =
            time_us.ok_or_else(|| missing(TIME_US, "microseconds since the beginning"))?;
        let operation = operation_of(line)?;
        let text = |found| Problem::new(FIELDS[KEY], "a text", found);
        let key = line.text(KEY).map_err(text)?;
        let key = key.ok_or_else(|| missing(KEY, "the key of a record"))?;
        check_key(&key)?;
        let size_bytes = number_of(line, SIZE_BYTES, 0, TRACE_VALUE_BYTES_MAX);
        let count = number_of(line, COUNT, 1, SCAN_LENGTH_MAX);
        let mut entry = Self { time_us, operation, key, size_bytes: None, count: None };
        // Where an operation has no use for them, they say something (how much a read brought) or nothing.
        let lenient = |found: Result<Option<u64>, Problem>| found.ok().flatten();
        entry.size_bytes = if entry.writes() { size_bytes? } else { lenient(size_bytes) };
        entry.count = if operation == Operation::Scan { count? } else { lenient(count) };
        entry.check_presence()?;
        Ok(entry)
    }

    /// Whether its operation writes a value.
    pub fn writes(&self) -> bool {
        matches!(self.operation, Operation::Update | Operation::Insert | Operation::ReadModifyWrite)
    }

    fn check_presence(&self) -> Result<(), Problem> {
        let Self { operation, .. } = self;
        if self.writes() && self.size_bytes.is_none() {
            let expected = format!("the size of what {operation} writes");
            return Err(Problem::new(FIELDS[SIZE_BYTES], expected, NOTHING));
        }
        if *operation == Operation::Scan && self.count.is_none() {
            let expected = format!("how many records {operation} asks for");
            return Err(Problem::new(FIELDS[COUNT], expected, NOTHING));
        }
        Ok(())
    }

    /// Whether a reader would take it.
    pub(super) fn check(&self) -> Result<(), Problem> {
        struct Checked<'a>(&'a TraceEntry);
        impl Line for Checked<'_> {
            fn number(&self, field: usize) -> Result<Option<u64>, String> {
                Ok(match field {
                    TIME_US => Some(self.0.time_us),
                    SIZE_BYTES => self.0.size_bytes,
                    _ => self.0.count,
                })
            }

            fn text(&mut self, _: usize) -> Result<Option<String>, String> {
                Ok(None)
            }
        }
        let line = Checked(self);
        number_of(&line, TIME_US, 0, TRACE_TIME_US_MAX)?;
        if self.writes() {
            number_of(&line, SIZE_BYTES, 0, TRACE_VALUE_BYTES_MAX)?;
        }
        if self.operation == Operation::Scan {
            number_of(&line, COUNT, 1, SCAN_LENGTH_MAX)?;
        }
        check_key(&self.key)?;
        self.check_presence()
    }
}
