//! What can be wrong with a trace: always with the file, the line, what was expected and what stood there.

use std::io;

/// Longest piece of a line that a message repeats, in characters.
const SHOWN_CHARS: usize = 60;

/// Why a trace cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The file cannot be opened, read or written.
    #[error("{name}: {error}")]
    Io {
        /// The file, and behind which line if it had been read that far.
        name: String,
        /// Why.
        error: io::Error,
    },
    /// The name does not tell the format.
    #[error(
        "{name}: expected a name that ends in .csv or .jsonl (to be read, also .csv.gz or .jsonl.gz)"
    )]
    Format {
        /// The file.
        name: String,
    },
    /// A line that is no operation.
    #[error("{name}:{line}: {}expected {expected}, found {found}", prefix(.field))]
    Line {
        /// The file.
        name: String,
        /// Where the line begins, counted from 1.
        line: u64,
        /// Which field; empty when it is the whole line.
        field: &'static str,
        /// What should have stood there.
        expected: String,
        /// What stood there.
        found: String,
    },
    /// The file is not the one that was read first.
    #[error(
        "{name}: expected the trace that was read at first, found a file that was changed since"
    )]
    Changed {
        /// The file.
        name: String,
    },
    /// No operation in it.
    #[error("{name}: expected at least one operation, found none")]
    Empty {
        /// The file.
        name: String,
    },
    /// More distinct keys than a load keeps in mind.
    #[error("{name}: expected at most {most} distinct keys to load, found more")]
    Keys {
        /// The file.
        name: String,
        /// The bound.
        most: usize,
    },
}

fn prefix(field: &str) -> String {
    if field.is_empty() { String::new() } else { format!("{field}: ") }
}

/// One thing that is wrong with a line; the reader adds the place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub field: &'static str,
    pub expected: String,
    pub found: String,
}

impl Problem {
    pub fn new(field: &'static str, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { field, expected: expected.into(), found: found.into() }
    }

    pub fn at(self, name: &str, line: u64) -> TraceError {
        let Self { field, expected, found } = self;
        TraceError::Line { name: name.to_owned(), line, field, expected, found }
    }
}

/// A piece of a line as a message repeats it: in quotes, and not at any length.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{:?}... ({} bytes)", &text[..end], text.len()),
        None => format!("{text:?}"),
    }
}
