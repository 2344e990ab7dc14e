//! BatchGetItem and BatchWriteItem.

use std::collections::BTreeMap;

use flywheel_item::Wording;

use super::wording::{self, Constraint};
use super::{
    CAPACITY, Checked, Faults, METRICS, echo, length_beyond, names, not_null, one_of, texts_within,
};
use crate::error::ApiError;
use crate::limits::{MAX_ATTRIBUTES_TO_GET, MAX_BATCH_KEYS, MAX_BATCH_WRITES};
use crate::messages::{
    BatchGetItemRequest, BatchWriteItemRequest, KeysAndAttributes, WriteRequest,
};

const ITEMS: &str = "requestItems";

fn are_names_sound<T>(items: &BTreeMap<String, T>) -> bool {
    items.keys().all(|name| names::is_sound(name))
}

/// Names of tables that are none, and the map that they are in.
fn names_fault<T>(
    items: &BTreeMap<String, T>,
    echo: impl FnOnce(&BTreeMap<String, T>) -> String,
) -> Option<String> {
    (!are_names_sound(items)).then(|| Constraint::TableNames.broken_by(echo(items), ITEMS))
}

/// As the map is repeated: its JSON, which is what a request of this kind is there.
fn keys_echo(items: &BTreeMap<String, KeysAndAttributes>) -> String {
    let mut text = serde_json::to_string(items).unwrap_or_default();
    let bound = crate::limits::MAX_ECHO_BYTES;
    if text.len() > bound {
        let end = (0..=bound).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        text.truncate(end);
        text.push_str("...");
    }
    text
}

impl BatchGetItemRequest {
    fn check_former(&self, items: &BTreeMap<String, KeysAndAttributes>) -> Result<(), ApiError> {
        let empty = items.is_empty().then(|| Constraint::LengthAtLeast(1).broken_by("{}", ITEMS));
        let of_table = |(name, table): (&String, &KeysAndAttributes)| {
            let path = format!("{ITEMS}.{name}.member");
            let keys = format!("{path}.keys");
            let count = table.keys.as_ref().map(Vec::len);
            let broken = count.and_then(|count| length_beyond(count, 1, MAX_BATCH_KEYS));
            let attributes = format!("{path}.attributesToGet");
            [
                not_null(&keys, &table.keys),
                broken.map(|broken| {
                    let echo = serde_json::to_string(&table.keys).unwrap_or_default();
                    broken.broken_by(echo, &keys)
                }),
                texts_within(&attributes, &table.attributes_to_get, 1, MAX_ATTRIBUTES_TO_GET),
            ]
        };
        Faults::none()
            .and(one_of("returnConsumedCapacity", &self.return_consumed_capacity, CAPACITY))
            .and(empty)
            .and(names_fault(items, keys_echo))
            .and(items.iter().flat_map(of_table).flatten())
            .end()
    }

    /// Keys of one table that are none at all, or of all tables that are too many; told alone.
    fn check_counts(&self, items: &BTreeMap<String, KeysAndAttributes>) -> Result<(), ApiError> {
        let count = |table: &KeysAndAttributes| table.keys.as_ref().map_or(0, Vec::len);
        let broken_at = |name: &str, broken: Constraint| {
            Faults::none().and(Some(broken.broken_at(&format!("RequestItems.{name}.member.Keys"))))
        };
        for (name, table) in items {
            let path = format!("{ITEMS}.{name}.member.keys");
            Faults::none().and(not_null(&path, &table.keys)).end()?;
            if count(table) == 0 {
                return broken_at(name, Constraint::LengthAtLeast(1)).end();
            }
        }
        let total: usize = items.values().map(count).sum();
        match items.iter().max_by_key(|(_, table)| count(table)) {
            // A name that is none is told of before.
            Some((name, _)) if total > MAX_BATCH_KEYS && are_names_sound(items) => {
                broken_at(name, Constraint::LengthAtMost(MAX_BATCH_KEYS)).end()
            }
            _ => Ok(()),
        }
    }
}

impl Checked for BatchGetItemRequest {
    fn check(&self, wording: Wording) -> Result<(), ApiError> {
        let Some(items) = &self.request_items else {
            return Faults::none().and(not_null(ITEMS, &self.request_items)).end();
        };
        if wording == Wording::Former {
            return self.check_former(items);
        }
        if items.is_empty() {
            let fault = Constraint::LengthAtLeast(1).broken_at("RequestItems");
            return Faults::none().and(Some(fault)).end();
        }
        self.check_counts(items)?;
        Faults::none()
            .and(names_fault(items, keys_echo))
            .and(one_of("returnConsumedCapacity", &self.return_consumed_capacity, CAPACITY))
            .end()
    }
}

/// Members of writes that are missing.
fn missing_in_writes(items: &BTreeMap<String, Vec<WriteRequest>>) -> impl Iterator<Item = String> {
    items.iter().flat_map(|(name, writes)| {
        writes.iter().enumerate().filter_map(move |(at, write)| {
            let is_put_bare = write.put_request.as_ref().is_some_and(|put| put.item.is_none());
            let member = if is_put_bare {
                "putRequest.item"
            } else {
                write.delete_request.as_ref().filter(|delete| delete.key.is_none())?;
                "deleteRequest.key"
            };
            let path = format!("{ITEMS}.{name}.member.{}.member.{member}", at + 1);
            Some(Constraint::NotNull.broken_by_null(&path))
        })
    })
}

impl Checked for BatchWriteItemRequest {
    fn check(&self, wording: Wording) -> Result<(), ApiError> {
        let Some(items) = &self.request_items else {
            return Faults::none().and(not_null(ITEMS, &self.request_items)).end();
        };
        // Of this operation most regions have the older form still, but for the empty map.
        if items.is_empty() && wording == Wording::Current {
            return Err(ApiError::validation(wording::NOTHING_TO_WRITE));
        }
        let total: usize = items.values().map(Vec::len).sum();
        let is_count_wrong = total > MAX_BATCH_WRITES || items.values().any(Vec::is_empty);
        let count =
            is_count_wrong.then(|| Constraint::WritesOfTable.broken_by(echo::writes(items), ITEMS));
        let capacity = one_of("returnConsumedCapacity", &self.return_consumed_capacity, CAPACITY);
        let metrics =
            one_of("returnItemCollectionMetrics", &self.return_item_collection_metrics, METRICS);
        if wording == Wording::Former {
            let empty = items.is_empty();
            return Faults::none()
                .and(capacity)
                .and(metrics)
                .and(empty.then(|| Constraint::LengthAtLeast(1).broken_by("{}", ITEMS)))
                .and(names_fault(items, echo::writes))
                .and(count)
                .and(missing_in_writes(items))
                .end();
        }
        Faults::none().and(count).and(capacity).and(metrics).and(missing_in_writes(items)).end()?;
        Faults::none().and(names_fault(items, echo::writes)).end()
    }
}
