//! Field lengths drawn from a histogram file.
//! Not a latency histogram: those are HdrHistogram's.

use std::path::{Path, PathBuf};

use crate::random::Random;

/// Why a field length histogram could not be used.
#[derive(Debug, thiserror::Error)]
#[error("{}:{line}: expected {expected}, found {found:?}", path.display())]
pub struct HistogramParseError {
    /// The file.
    pub path: PathBuf,
    /// Its line, counted from 1; 0 means the file as a whole.
    pub line: usize,
    /// What should have stood there.
    pub expected: String,
    /// What stood there, or what reading it said.
    pub found: String,
}

/// YCSB's `HistogramGenerator`: bucket `i` stands for the length `(i + 1) * block_size`.
///
/// YCSB draws one too many from each bucket but the last and never returns the last bucket's own length;
/// this follows its stated intent instead: each bucket by its count, the largest length of the bucket.
#[derive(Debug, Clone)]
pub struct HistogramLengths {
    block_size: u64,
    /// Running totals, so that a draw is one binary search.
    totals: Vec<u64>,
}

impl HistogramLengths {
    /// From counts per bucket. `None` unless some count is above 0 and `block_size` is.
    pub fn new(block_size: u64, counts: &[u64]) -> Option<Self> {
        let mut total = 0u64;
        let mut totals = Vec::with_capacity(counts.len());
        for count in counts {
            total = total.checked_add(*count)?;
            totals.push(total);
        }
        (total > 0 && block_size > 0).then_some(Self { block_size, totals })
    }

    /// Reads YCSB's file: `BlockSize<TAB>n`, then `bucket<TAB>count` with buckets 0, 1, 2, ... in order.
    pub fn read(path: &Path) -> Result<Self, HistogramParseError> {
        let fail = |line: usize, expected: &str, found: &str| HistogramParseError {
            path: path.to_owned(),
            line,
            expected: expected.to_owned(),
            found: found.to_owned(),
        };
        let text = std::fs::read_to_string(path)
            .map_err(|error| fail(0, "a readable text file", &error.to_string()))?;
        let mut lines = text.lines().enumerate();
        let first = lines.next().map_or("", |(_, line)| line);
        let block_size = first
            .strip_prefix("BlockSize\t")
            .and_then(|rest| rest.trim().parse().ok())
            .filter(|size| *size > 0)
            .ok_or_else(|| fail(1, "\"BlockSize\", a tab and a number above 0", first))?;
        let mut counts = Vec::new();
        for (index, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
            let expected = || format!("bucket {}, a tab and its count", counts.len());
            let (bucket, count) =
                line.split_once('\t').ok_or_else(|| fail(index + 1, &expected(), line))?;
            let count = count.trim().parse::<u64>().ok();
            match (bucket.trim().parse::<usize>().ok(), count) {
                (Some(bucket), Some(count)) if bucket == counts.len() => counts.push(count),
                _ => return Err(fail(index + 1, &expected(), line)),
            }
        }
        Self::new(block_size, &counts).ok_or_else(|| fail(0, "a count above 0", "none"))
    }

    /// The longest length it can draw, in bytes.
    pub fn max(&self) -> u64 {
        self.block_size.saturating_mul(self.totals.len() as u64)
    }

    /// The next length, in bytes.
    pub fn next(&self, random: &mut Random) -> u64 {
        let total = self.totals[self.totals.len() - 1];
        let drawn = random.next_below(total);
        let bucket = self.totals.partition_point(|running| *running <= drawn);
        (bucket as u64 + 1) * self.block_size
    }
}
