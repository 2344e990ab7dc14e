//! Which keys a query or a scan reads. Not reading them: see `page`.

use std::ops::Bound;

use bytes::Bytes;
use flywheel_item::AttributeValue;
use flywheel_item::expression::QueriedKey;
use flywheel_item::key::{KeyRange, SortCondition, prefix_successor};

use crate::table::{Source, Table};

/// Keys from one on, up to another.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    pub start: Bound<Bytes>,
    pub end: Bound<Bytes>,
}

impl Bounds {
    /// What a query asks of a table or an index.
    pub fn of_query(table: &Table, source: Source<'_>, queried: &QueriedKey) -> Self {
        let partition: Vec<&AttributeValue> = queried.partition.iter().collect();
        let mut key = source.entries_of(table, &partition);
        // In an index, something follows each value that sorts.
        let ended = !matches!(source, Source::Table);
        let mut equal = queried.sort_equal.as_slice();
        let mut condition = queried.sort.clone();
        if let ([last], None, false) = (equal, &condition, ended) {
            condition = Some(SortCondition::Equal(last.clone()));
            equal = &[];
        }
        for value in equal {
            key.push(value);
        }
        Self::of_range(match condition {
            Some(condition) => KeyRange::of_condition(&key, &condition, ended),
            None => KeyRange::of_prefix(&key),
        })
    }

    /// A part of a table or an index: the `segment`-th of `segments`, which share its keys by their hash.
    pub fn of_segment(prefix: &[u8], segment: u64, segments: u64) -> Self {
        let from = |segment: u64| {
            let hash = (u128::from(segment) << 64) / u128::from(segments.max(1));
            u64::try_from(hash).ok().map(|hash| [prefix, &hash.to_be_bytes()].concat())
        };
        let start = from(segment).unwrap_or_else(|| prefix.to_vec());
        Self::of_range(KeyRange {
            start,
            end: from(segment + 1).or_else(|| prefix_successor(prefix)),
        })
    }

    fn of_range(range: KeyRange) -> Self {
        Self {
            start: Bound::Included(range.start.into()),
            end: range.end.map_or(Bound::Unbounded, |end| Bound::Excluded(end.into())),
        }
    }

    /// Whether a key is within them.
    pub fn contain(&self, key: &[u8]) -> bool {
        let is_behind_start = match &self.start {
            Bound::Included(start) => key >= &**start,
            Bound::Excluded(start) => key > &**start,
            Bound::Unbounded => true,
        };
        is_behind_start
            && match &self.end {
                Bound::Included(end) => key <= &**end,
                Bound::Excluded(end) => key < &**end,
                Bound::Unbounded => true,
            }
    }

    /// Without `key` and what was read before it.
    pub fn behind(&mut self, key: Bytes, is_forward: bool) {
        if is_forward {
            self.start = Bound::Excluded(key);
        } else {
            self.end = Bound::Excluded(key);
        }
    }

    /// Whether no key can be within them.
    pub fn are_empty(&self) -> bool {
        match (&self.start, &self.end) {
            (Bound::Included(start), Bound::Excluded(end) | Bound::Included(end))
            | (Bound::Excluded(start), Bound::Excluded(end) | Bound::Included(end)) => start >= end,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_share_all_keys_between_them() {
        let prefix = b"\x10\0\0\0\x07";
        for segments in [1, 2, 3, 7, 1_000_000] {
            for hash in [0, 1, u64::MAX / 3, u64::MAX / 2, u64::MAX / 2 + 1, u64::MAX] {
                let key = [&prefix[..], &hash.to_be_bytes(), b"rest"].concat();
                let guess = ((u128::from(hash) * u128::from(segments)) >> 64) as u64;
                let near = guess.saturating_sub(1)..(guess + 2).min(segments);
                let holding =
                    near.filter(|&n| Bounds::of_segment(prefix, n, segments).contain(&key));
                assert_eq!(holding.count(), 1, "{hash} of {segments}");
            }
        }
    }
}
