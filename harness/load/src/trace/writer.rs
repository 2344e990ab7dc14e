//! Writes a trace that every reader takes. Where it goes, and what is done when that is slow, is the caller's.

use std::io::Write;

use super::csv::push_record;
use super::entry::FIELDS;
use super::reader::check_order;
use super::{TraceEntry, TraceError, TraceFormat};

/// Writes operations one after the other. Buffers nothing: give it a [`std::io::BufWriter`].
pub struct TraceWriter<W> {
    output: W,
    name: String,
    format: TraceFormat,
    line: Vec<u8>,
    last_us: u64,
    written: u64,
}

impl<W: Write> TraceWriter<W> {
    /// Begins a trace; `name` is what messages call it.
    ///
    /// # Errors
    /// [`TraceError::Io`], as the header of CSV is written at once.
    pub fn new(
        output: W,
        format: TraceFormat,
        name: impl Into<String>,
    ) -> Result<Self, TraceError> {
        let name = name.into();
        let mut writer = Self { output, name, format, line: Vec::new(), last_us: 0, written: 0 };
        if format == TraceFormat::Csv {
            push_record(&mut writer.line, &FIELDS);
            writer.send()?;
        }
        Ok(writer)
    }

    /// Writes one operation.
    ///
    /// # Errors
    /// [`TraceError::Line`], with nothing written, for one that a reader would not take; [`TraceError::Io`].
    pub fn write(&mut self, entry: &TraceEntry) -> Result<(), TraceError> {
        let checked = entry.check().and_then(|()| check_order(self.last_us, entry));
        // As far as keys have no line breaks, each operation is one line.
        let header = u64::from(self.format == TraceFormat::Csv);
        checked.map_err(|problem| problem.at(&self.name, self.written + header + 1))?;
        match self.format {
            TraceFormat::Csv => {
                let number = |number: Option<u64>| number.map_or(String::new(), |n| n.to_string());
                let (size, count) = (number(entry.size_bytes), number(entry.count));
                let time = entry.time_us.to_string();
                let fields = [&time, entry.operation.name(), &entry.key, &size, &count];
                push_record(&mut self.line, &fields);
            }
            TraceFormat::JsonLines => {
                serde_json::to_writer(&mut self.line, entry)
                    .expect("numbers and texts make JSON, and memory takes it");
                self.line.push(b'\n');
            }
        }
        self.send()?;
        (self.last_us, self.written) = (entry.time_us, self.written + 1);
        Ok(())
    }

    /// Hands on what the output itself has buffered.
    ///
    /// # Errors
    /// [`TraceError::Io`].
    pub fn flush(&mut self) -> Result<(), TraceError> {
        let flushed = self.output.flush();
        flushed.map_err(|error| TraceError::Io { name: self.name.clone(), error })
    }

    /// Operations written.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// The output, not flushed.
    pub fn into_inner(self) -> W {
        self.output
    }

    fn send(&mut self) -> Result<(), TraceError> {
        let sent = self.output.write_all(&self.line);
        self.line.clear();
        sent.map_err(|error| TraceError::Io { name: self.name.clone(), error })
    }
}
