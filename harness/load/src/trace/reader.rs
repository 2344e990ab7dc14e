//! Reads a trace as an iterator over its operations, whatever the format, in memory that does not grow with it.
//! Nothing behind an error is read: times may have gone wrong with it.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use super::csv::CsvDecoder;
use super::entry::{FIELDS, TIME_US, TraceEntry};
use super::error::Problem;
use super::json::JsonDecoder;
use super::{TraceError, TraceFormat};
use crate::limits::TRACE_LINE_BYTES_MAX;

/// Bytes read from a file at once.
const BUFFER_BYTES: usize = 128 << 10;

/// What ends the reading, before it is known where.
pub(super) enum Fault {
    Io(io::Error),
    Problem(Problem),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// Where the reading is.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// Line breaks passed.
    passed: u64,
    /// Those before the line at hand.
    before: u64,
}

impl Lines {
    /// Skips empty lines, and notes where the next one begins.
    pub fn skip_breaks<R: BufRead>(&mut self, input: &mut R) -> io::Result<()> {
        loop {
            let available = input.fill_buf()?;
            let breaks = available.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
            if breaks == 0 {
                self.before = self.passed;
                return Ok(());
            }
            self.pass(&available[..breaks]);
            input.consume(breaks);
        }
    }

    /// Counts the line breaks in what was read.
    pub fn pass(&mut self, bytes: &[u8]) {
        self.passed += bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
    }

    pub fn cut_off(&self) -> Fault {
        let found = "the end of the file: was it cut off?";
        Problem::new("", "a line break at the end of the last line", found).into()
    }

    pub fn too_long(&self) -> Fault {
        Problem::new("", format!("at most {TRACE_LINE_BYTES_MAX} bytes in a line"), "more").into()
    }
}

enum Decoder {
    Csv(Box<CsvDecoder>),
    JsonLines(JsonDecoder),
}

/// The operations of a trace, one after the other. Ends behind the first error.
///
/// Memory is bounded, however long the trace is: one line of at most [`TRACE_LINE_BYTES_MAX`] and one operation. A
/// trace without operations is an error, and so is a time before that of the line before.
pub struct TraceReader<R> {
    input: R,
    name: String,
    decoder: Decoder,
    lines: Lines,
    last_us: u64,
    read: u64,
    has_ended: bool,
}

impl TraceReader<Box<dyn BufRead + Send>> {
    /// Of a file, whose name tells the format: `.csv` or `.jsonl`, with `.gz` behind it if it is compressed.
    ///
    /// # Errors
    /// [`TraceError::Format`] and [`TraceError::Io`].
    pub fn open(path: &Path) -> Result<Self, TraceError> {
        let name = path.display().to_string();
        let (format, is_compressed) = TraceFormat::of_compressed_path(path)?;
        let file = match File::open(path) {
            Ok(file) => BufReader::with_capacity(BUFFER_BYTES, file),
            Err(error) => return Err(TraceError::Io { name, error }),
        };
        let input: Box<dyn BufRead + Send> = if is_compressed {
            Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(file)))
        } else {
            Box::new(file)
        };
        Ok(Self::new(input, format, name))
    }
}

impl<R: BufRead> TraceReader<R> {
    /// Of anything that can be read; `name` is what messages call it.
    pub fn new(input: R, format: TraceFormat, name: impl Into<String>) -> Self {
        Self {
            input,
            name: name.into(),
            decoder: match format {
                TraceFormat::Csv => Decoder::Csv(Box::new(CsvDecoder::new())),
                TraceFormat::JsonLines => Decoder::JsonLines(JsonDecoder::default()),
            },
            lines: Lines::default(),
            last_us: 0,
            read: 0,
            has_ended: false,
        }
    }

    /// What messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn entry(&mut self) -> Result<Option<TraceEntry>, Fault> {
        let Self { input, decoder, lines, .. } = self;
        let entry = match decoder {
            Decoder::Csv(decoder) => match decoder.next(input, lines)? {
                Some(mut line) => TraceEntry::of_line(&mut line)?,
                None => return Ok(None),
            },
            Decoder::JsonLines(decoder) => match decoder.next(input, lines)? {
                Some(mut line) => TraceEntry::of_line(&mut line)?,
                None => return Ok(None),
            },
        };
        check_order(self.last_us, &entry)?;
        self.last_us = entry.time_us;
        Ok(Some(entry))
    }
}

/// Times never fall.
pub(super) fn check_order(last_us: u64, entry: &TraceEntry) -> Result<(), Problem> {
    if entry.time_us >= last_us {
        return Ok(());
    }
    let expected = format!("at least {last_us}, the time of the operation before");
    Err(Problem::new(FIELDS[TIME_US], expected, entry.time_us.to_string()))
}

impl<R: BufRead> Iterator for TraceReader<R> {
    type Item = Result<TraceEntry, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_ended {
            return None;
        }
        let error = match self.entry() {
            Ok(Some(entry)) => {
                self.read += 1;
                return Some(Ok(entry));
            }
            Ok(None) if self.read > 0 => None,
            Ok(None) => Some(TraceError::Empty { name: self.name.clone() }),
            Err(Fault::Problem(problem)) => Some(problem.at(&self.name, self.lines.before + 1)),
            Err(Fault::Io(error)) => {
                let name = format!("{}, behind line {}", self.name, self.lines.passed);
                Some(TraceError::Io { name, error })
            }
        };
        self.has_ended = true;
        error.map(Err)
    }
}
