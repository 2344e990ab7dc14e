//! What stands between the keys that a scan looks for: in a table with local indexes, items and entries of all
//! its indexes stand together by their partition key. Where a scan goes on behind what is not its own, and
//! where it may end there. Not reading: see `page`.

use bytes::Bytes;
use flywheel_item::key::{KeySchema, prefix_successor};
use flywheel_item::limits::{MAX_NUMBER_DIGITS, MAX_NUMBER_EXPONENT, MAX_SORT_KEY_BYTES};
use flywheel_item::{AttributeType, AttributeValue, Item, Number};

use crate::keys;
use crate::table::{LocalIndex, Source, Table};

/// What a scan that came upon `key` does next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Goes on: the next key may be its own.
    Behind,
    /// Goes on at this key, where its own begin among those with the same partition key.
    Within(Bytes),
    /// Goes on at this key, behind all with the same partition key: its own among them stand before `key`.
    Beyond(Bytes),
}

impl Next {
    pub fn of(source: Source<'_>, table: &Table, key: &[u8]) -> Self {
        let Some(own) = source.tag(table) else { return Self::Behind };
        let (partition, rest) = key.split_at(keys::kept_together_bytes(key));
        match rest.first() {
            Some(tag) if *tag < own => Self::Within([partition, &[own]].concat().into()),
            Some(tag) if *tag > own => match prefix_successor(partition) {
                Some(next) => Self::Beyond(next.into()),
                None => Self::Behind,
            },
            _ => Self::Behind,
        }
    }
}

/// A start key behind all entries that a local index has of the items with the same partition key as `item`: no
/// such entry has a larger one. Needed where a page ends between entries, and there is none to name.
pub(super) fn behind_partition(table: &Table, index: &LocalIndex, item: &Item) -> Item {
    let sort = |schema: &KeySchema| schema.sort.first().cloned();
    let sorts = [sort(&table.key), sort(&index.key)];
    let mut key: Item =
        sorts.into_iter().flatten().map(|key| (key.name, greatest(key.kind))).collect();
    for part in &table.key.partition {
        key.insert(part.name.clone(), item[&part.name].clone());
    }
    key
}

/// The value that no other one of a sort key's type is above.
fn greatest(kind: AttributeType) -> AttributeValue {
    match kind {
        AttributeType::N => {
            let digits = "9".repeat(MAX_NUMBER_DIGITS as usize);
            let exponent = MAX_NUMBER_EXPONENT + 1 - MAX_NUMBER_DIGITS as i32;
            let number = Number::parse(&format!("{digits}E{exponent}"));
            AttributeValue::N(number.expect("the largest number is one"))
        }
        AttributeType::B => AttributeValue::B(vec![0xff; MAX_SORT_KEY_BYTES]),
        _ => AttributeValue::S("\u{10ffff}".repeat(MAX_SORT_KEY_BYTES / 4)),
    }
}
