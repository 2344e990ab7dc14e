//! Which of the formats a file has, by its name alone. Nothing is opened here.

use std::path::Path;

use super::TraceError;

/// How the lines of a trace are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TraceFormat {
    /// Comma-separated values (RFC 4180) under a header.
    Csv,
    /// A JSON object a line.
    JsonLines,
}

impl TraceFormat {
    /// The format of a file to be written, by its name: `.csv` or `.jsonl`, in any case.
    ///
    /// # Errors
    /// [`TraceError::Format`] for any other name.
    pub fn of_path(path: &Path) -> Result<Self, TraceError> {
        let extension = path.extension().map(|text| text.to_ascii_lowercase());
        match extension.as_ref().and_then(|text| text.to_str()) {
            Some("csv") => Ok(Self::Csv),
            Some("jsonl") => Ok(Self::JsonLines),
            _ => Err(TraceError::Format { name: path.display().to_string() }),
        }
    }

    /// The format of a file to be read, and whether it is compressed: its name may end in `.gz` behind the format's.
    ///
    /// # Errors
    /// [`TraceError::Format`] for any other name.
    pub fn of_compressed_path(path: &Path) -> Result<(Self, bool), TraceError> {
        if !path.extension().is_some_and(|text| text.eq_ignore_ascii_case("gz")) {
            return Ok((Self::of_path(path)?, false));
        }
        let inner = Self::of_path(&path.with_extension(""));
        Ok((inner.map_err(|_| TraceError::Format { name: path.display().to_string() })?, true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_format() {
        use TraceFormat::{Csv, JsonLines};
        let of = |name: &str| TraceFormat::of_compressed_path(Path::new(name)).ok();
        assert_eq!(of("a/b.csv"), Some((Csv, false)));
        assert_eq!(of("b.JSONL"), Some((JsonLines, false)));
        assert_eq!(of("b.csv.gz"), Some((Csv, true)));
        assert_eq!(of("b.jsonl.GZ"), Some((JsonLines, true)));
        for name in ["b", "b.json", "b.gz", "b.csv.zst", "csv", ".csv"] {
            assert_eq!(of(name), None, "{name}");
        }
        let refused = TraceFormat::of_path(Path::new("b.csv.gz")).expect_err("is not written");
        assert!(refused.to_string().starts_with("b.csv.gz: expected"), "{refused}");
    }
}
