//! Ranges of keys: what a query's condition on a sort key reads.

use super::encode::KeyEncoder;
use crate::value::AttributeValue;

/// What a query asks of a sort key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SortCondition {
    /// Equal to a value.
    Equal(AttributeValue),
    /// Below a value.
    Less(AttributeValue),
    /// At most a value.
    LessOrEqual(AttributeValue),
    /// Above a value.
    Greater(AttributeValue),
    /// At least a value.
    GreaterOrEqual(AttributeValue),
    /// From the first to the second, both included.
    Between(AttributeValue, AttributeValue),
    /// Text or bytes that start with it.
    BeginsWith(AttributeValue),
}

impl SortCondition {
    /// The values that it compares with.
    pub fn values(&self) -> impl Iterator<Item = &AttributeValue> {
        let (first, second) = match self {
            Self::Between(low, high) => (low, Some(high)),
            Self::Equal(value)
            | Self::Less(value)
            | Self::LessOrEqual(value)
            | Self::Greater(value)
            | Self::GreaterOrEqual(value)
            | Self::BeginsWith(value) => (value, None),
        };
        std::iter::once(first).chain(second)
    }
}

/// Keys from `start` on, up to but not with `end`; `end` of `None` is no bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    /// First key that may be in it.
    pub start: Vec<u8>,
    /// First key behind it.
    pub end: Option<Vec<u8>>,
}

impl KeyRange {
    /// All keys that start with what was written so far.
    pub fn of_prefix(prefix: &KeyEncoder) -> Self {
        Self { start: prefix.as_bytes().to_vec(), end: prefix_successor(prefix.as_bytes()) }
    }

    /// Keys that start with what was written so far and whose next attribute meets `condition`.
    /// `ended` says whether that attribute is one that others follow. Empty ranges have their end at or
    /// before their start.
    pub fn of_condition(prefix: &KeyEncoder, condition: &SortCondition, ended: bool) -> Self {
        let at = |value: &AttributeValue| {
            let mut key = prefix.clone();
            if ended {
                key.push(value)
            } else {
                key.push_last(value)
            };
            key.finish()
        };
        // Behind a value and all that follows it: a value that is not ended has nothing behind it but the
        // values that it is the beginning of, and the first of these is it and a zero.
        let behind = |value: &AttributeValue| {
            let mut key = at(value);
            if ended {
                return prefix_successor(&key);
            }
            key.push(0);
            Some(key)
        };
        let Self { start, end } = Self::of_prefix(prefix);
        match condition {
            SortCondition::Equal(value) => Self { start: at(value), end: behind(value) },
            SortCondition::Less(value) => Self { start, end: Some(at(value)) },
            SortCondition::LessOrEqual(value) => Self { start, end: behind(value) },
            SortCondition::Greater(value) => {
                Self { start: behind(value).unwrap_or_else(|| at(value)), end }
            }
            SortCondition::GreaterOrEqual(value) => Self { start: at(value), end },
            SortCondition::Between(low, high) => Self { start: at(low), end: behind(high) },
            SortCondition::BeginsWith(value) => {
                let mut key = prefix.clone();
                key.push_beginning(value, ended);
                Self::of_prefix(&key)
            }
        }
    }

    /// Whether a key is in it.
    pub fn contains(&self, key: &[u8]) -> bool {
        key >= self.start.as_slice() && self.end.as_ref().is_none_or(|end| key < end.as_slice())
    }
}

/// The first bytes behind all that start with `prefix`; `None` if nothing is behind them.
pub fn prefix_successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|&byte| byte != 0xff)?;
    let mut successor = prefix[..=last].to_vec();
    successor[last] += 1;
    Some(successor)
}
