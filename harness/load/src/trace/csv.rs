//! CSV: a header, then an operation a record; quotes as RFC 4180 has them. What a field may be is `entry`'s.
//!
//! Over the csv crate's own parser: its reader would let a record of any length grow in memory, and says of no
//! record for sure in which line it begins.

use std::io::BufRead;

use csv_core::ReadRecordResult;

use super::entry::{COUNT, FIELDS, Line, SIZE_BYTES};
use super::error::{Problem, shown};
use super::reader::{Fault, Lines};
use crate::limits::{TRACE_COLUMNS_MAX, TRACE_LINE_BYTES_MAX};

/// Takes records apart, one at a time.
pub(super) struct CsvDecoder {
    parser: csv_core::Reader,
    /// The fields of the record at hand, without quotes, one behind the other.
    fields: Vec<u8>,
    /// Where each of them ends.
    ends: Vec<usize>,
    header: Option<Header>,
}

/// Which column holds what.
struct Header {
    columns: usize,
    /// By the place of a field in [`FIELDS`].
    of_field: [Option<usize>; FIELDS.len()],
}

/// A record under its header.
pub(super) struct CsvLine<'a> {
    fields: &'a [u8],
    ends: &'a [usize],
    header: &'a Header,
}

impl CsvDecoder {
    pub fn new() -> Self {
        Self {
            parser: csv_core::Reader::new(),
            fields: vec![0; 4 << 10],
            ends: vec![0; 64],
            header: None,
        }
    }

    /// The next operation's record; `None` at the end.
    pub fn next<R: BufRead>(
        &mut self,
        input: &mut R,
        lines: &mut Lines,
    ) -> Result<Option<CsvLine<'_>>, Fault> {
        if self.header.is_none() {
            let Some(found) = self.record(input, lines)? else { return Ok(None) };
            self.header = Some(self.header_of(found)?);
        }
        let Some(found) = self.record(input, lines)? else { return Ok(None) };
        let header = self.header.as_ref().expect("it was just read");
        if found != header.columns {
            let expected = format!("{} fields, as the header has", header.columns);
            return Err(Problem::new("", expected, found.to_string()).into());
        }
        Ok(Some(CsvLine { fields: &self.fields, ends: &self.ends[..found], header }))
    }

    /// Reads one record. Returns how many fields it has.
    fn record<R: BufRead>(
        &mut self,
        input: &mut R,
        lines: &mut Lines,
    ) -> Result<Option<usize>, Fault> {
        lines.skip_breaks(input)?;
        let (mut written, mut ended, mut read) = (0, 0, 0);
        loop {
            let available = input.fill_buf()?;
            if available.is_empty() {
                // Of a record that ends with the file, nobody can say whether that was all of it.
                return if read == 0 { Ok(None) } else { Err(lines.cut_off()) };
            }
            let (result, consumed, bytes, fields) = self.parser.read_record(
                available,
                &mut self.fields[written..],
                &mut self.ends[ended..],
            );
            lines.pass(&available[..consumed]);
            input.consume(consumed);
            (written, ended, read) = (written + bytes, ended + fields, read + consumed);
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if written < TRACE_LINE_BYTES_MAX => {
                    self.fields.resize((2 * written).min(TRACE_LINE_BYTES_MAX), 0);
                }
                ReadRecordResult::OutputEndsFull if ended < TRACE_COLUMNS_MAX => {
                    self.ends.resize((2 * ended).min(TRACE_COLUMNS_MAX), 0);
                }
                ReadRecordResult::OutputFull => return Err(lines.too_long()),
                ReadRecordResult::OutputEndsFull => {
                    let expected = format!("at most {TRACE_COLUMNS_MAX} columns");
                    return Err(Problem::new("", expected, "more").into());
                }
                ReadRecordResult::Record => return Ok(Some(ended)),
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    fn header_of(&self, columns: usize) -> Result<Header, Problem> {
        let names: Vec<&[u8]> =
            (0..columns).map(|at| field(&self.fields, &self.ends, at)).collect();
        let mut of_field = [None; FIELDS.len()];
        for (place, name) in FIELDS.iter().enumerate() {
            let mut found = (0..columns).filter(|at| names[*at].trim_ascii() == name.as_bytes());
            of_field[place] = found.next();
            if found.next().is_some() {
                return Err(Problem::new("", format!("one column {name} in the header"), "two"));
            }
            let is_optional = place == SIZE_BYTES || place == COUNT;
            if of_field[place].is_none() && !is_optional {
                let header = names.join(&b',');
                let expected = format!("a header with a column {name} (of {})", FIELDS.join(","));
                let found = shown(&String::from_utf8_lossy(&header));
                return Err(Problem::new("", expected, found));
            }
        }
        Ok(Header { columns, of_field })
    }
}

fn field<'a>(fields: &'a [u8], ends: &[usize], at: usize) -> &'a [u8] {
    let begin = if at == 0 { 0 } else { ends[at - 1] };
    &fields[begin..ends[at]]
}

impl<'a> CsvLine<'a> {
    /// What stands in a field's column; `None` where that is missing or empty.
    fn bytes(&self, of: usize) -> Option<&'a [u8]> {
        let at = self.header.of_field[of]?;
        Some(field(self.fields, self.ends, at)).filter(|bytes| !bytes.is_empty())
    }
}

impl Line for CsvLine<'_> {
    fn number(&self, of: usize) -> Result<Option<u64>, String> {
        let Some(bytes) = self.bytes(of) else { return Ok(None) };
        let text = String::from_utf8_lossy(bytes);
        text.trim().parse().map(Some).map_err(|_| shown(&text))
    }

    fn text(&mut self, of: usize) -> Result<Option<String>, String> {
        let Some(bytes) = self.bytes(of) else { return Ok(None) };
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Some(text.to_owned())),
            Err(_) => {
                Err(format!("{}, which is not UTF-8", shown(&String::from_utf8_lossy(bytes))))
            }
        }
    }
}

/// Appends a record. What must be quoted is, and nothing else.
pub(super) fn push_record(out: &mut Vec<u8>, fields: &[&str]) {
    let mut writer = csv_core::Writer::new();
    // Every byte of a field may be a quote, which is doubled; then quotes, commas and the end.
    let most: usize = fields.iter().map(|field| 2 * field.len() + 3).sum();
    let begin = out.len();
    out.resize(begin + most + 2, 0);
    let mut at = begin;
    for (place, field) in fields.iter().enumerate() {
        if place > 0 {
            at += writer.delimiter(&mut out[at..]).1;
        }
        let (_, _, written) = writer.field(field.as_bytes(), &mut out[at..]);
        at += written;
    }
    at += writer.terminator(&mut out[at..]).1;
    out.truncate(at);
}
