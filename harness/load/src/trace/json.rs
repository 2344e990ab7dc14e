//! JSON Lines: an object a line, with an operation's fields and whatever else, which is left alone.
//! What a field may be is `entry`'s.

use std::io::{BufRead, Read};

use serde::Deserialize;
use serde_json::Value;

use super::entry::{FIELDS, KEY, Line, OPERATION, SIZE_BYTES, TIME_US};
use super::error::{Problem, shown};
use super::reader::{Fault, Lines};
use crate::limits::TRACE_LINE_BYTES_MAX;

/// The fields of a line as they stand there; `null` is none.
#[derive(Deserialize)]
pub(super) struct JsonLine {
    time_us: Option<Value>,
    operation: Option<Value>,
    key: Option<Value>,
    size_bytes: Option<Value>,
    count: Option<Value>,
}

/// Takes lines apart, one at a time.
#[derive(Default)]
pub(super) struct JsonDecoder {
    line: Vec<u8>,
}

impl JsonDecoder {
    /// The next line's object; `None` at the end.
    pub fn next<R: BufRead>(
        &mut self,
        input: &mut R,
        lines: &mut Lines,
    ) -> Result<Option<JsonLine>, Fault> {
        lines.skip_breaks(input)?;
        self.line.clear();
        let mut bounded = Read::by_ref(input).take(TRACE_LINE_BYTES_MAX as u64);
        bounded.read_until(b'\n', &mut self.line)?;
        lines.pass(&self.line);
        if self.line.is_empty() {
            return Ok(None);
        }
        if self.line.last() != Some(&b'\n') {
            let is_whole = self.line.len() < TRACE_LINE_BYTES_MAX;
            return Err(if is_whole { lines.cut_off() } else { lines.too_long() });
        }
        let line = self.line.trim_ascii();
        let problem = |found: String| {
            let expected = format!("a JSON object with the fields {}", FIELDS.join(", "));
            Problem::new("", expected, found)
        };
        // Serde would take an array for an object as well.
        if line.first() != Some(&b'{') {
            return Err(problem(shown(&String::from_utf8_lossy(line))).into());
        }
        let read = serde_json::from_slice(line);
        Ok(Some(read.map_err(|error| problem(error.to_string()))?))
    }
}

impl JsonLine {
    fn value(&self, of: usize) -> Option<&Value> {
        let value = match of {
            TIME_US => &self.time_us,
            OPERATION => &self.operation,
            KEY => &self.key,
            SIZE_BYTES => &self.size_bytes,
            _ => &self.count,
        };
        value.as_ref()
    }
}

impl Line for JsonLine {
    fn number(&self, of: usize) -> Result<Option<u64>, String> {
        match self.value(of) {
            None => Ok(None),
            Some(value) => value.as_u64().map(Some).ok_or_else(|| bare(value)),
        }
    }

    fn text(&mut self, of: usize) -> Result<Option<String>, String> {
        let value = if of == KEY { &mut self.key } else { &mut self.operation };
        match value.take() {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(value) => Err(bare(&value)),
        }
    }
}

/// A value that is not what it should be, as JSON has it.
fn bare(value: &Value) -> String {
    let text = value.to_string();
    // What is short is shown as it stands there.
    if text.len() <= 40 { text } else { shown(&text) }
}
