//! What was answered, without what may differ: identities, times, statuses, sizes, and orders that DynamoDB does not promise.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::case::{Request, TABLE};

/// An answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The status; 0 if there was no answer at all.
    pub status: u16,
    /// The body: its JSON, or its text if it is none.
    pub body: Value,
}

/// What else may be left out of a comparison.
#[derive(Debug, Clone, Copy, Default)]
pub struct Strictness {
    /// Messages of errors are compared, not only their types.
    pub messages: bool,
    /// Consumed capacity is compared.
    pub capacity: bool,
    /// The name spaces of error types, and whether `message` is written with a capital, are compared.
    pub envelopes: bool,
}

/// Members that tell of one endpoint only.
const OWN: &[&str] = &[
    "CreationDateTime",
    "LastUpdateDateTime",
    "LastUpdateToPayPerRequestDateTime",
    "LastIncreaseDateTime",
    "LastDecreaseDateTime",
    "TableArn",
    "IndexArn",
    "TableId",
    "LatestStreamArn",
    "LatestStreamLabel",
    "TableStatus",
    "IndexStatus",
    "TableSizeBytes",
    "IndexSizeBytes",
    "ItemCount",
    "SizeEstimateRangeGB",
    "WarmThroughput",
    "NumberOfDecreasesToday",
    "TableNames",
    "LastEvaluatedTableName",
    "Backfilling",
    "DeletionProtectionEnabled",
];

/// Lists without an order.
const UNORDERED: &[&str] = &[
    "AttributeDefinitions",
    "LocalSecondaryIndexes",
    "GlobalSecondaryIndexes",
    "NonKeyAttributes",
    "Tags",
    "SS",
    "NS",
    "BS",
];

impl Answer {
    /// None, and why.
    pub fn none(why: &str) -> Self {
        Self { status: 0, body: Value::String(why.to_owned()) }
    }

    /// Whether it was done.
    pub fn is_success(&self) -> bool {
        self.status == 200
    }

    /// The error's type, without its name space.
    pub fn error_type(&self) -> Option<&str> {
        let full = self.body.get("__type")?.as_str()?;
        Some(full.rsplit('#').next().unwrap_or(full))
    }

    /// The error's message.
    pub fn message(&self) -> Option<&str> {
        self.body.get("message").or_else(|| self.body.get("Message"))?.as_str()
    }

    /// The answer as it compares.
    pub fn normal(&self, request: &Request, table: &str, strict: Strictness) -> Self {
        let text = self.body.to_string().replace(table, TABLE);
        // Only a name was replaced by another: it stays JSON.
        let mut body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        if self.is_success() {
            clean(&mut body, strict);
            unorder(&mut body, request);
        } else if let Value::Object(members) = &mut body {
            error(members, strict);
        }
        Self { status: self.status, body }
    }
}

fn error(members: &mut Map<String, Value>, strict: Strictness) {
    if !strict.envelopes {
        if let Some(Value::String(full)) = members.get_mut("__type")
            && let Some(at) = full.rfind('#')
        {
            full.replace_range(..=at, "");
        }
        if let Some(message) = members.remove("Message") {
            members.insert("message".into(), message);
        }
    }
    if !strict.messages {
        members.remove("message");
        members.remove("Message");
        if let Some(Value::Array(reasons)) = members.get_mut("CancellationReasons") {
            for reason in reasons.iter_mut().filter_map(Value::as_object_mut) {
                reason.remove("Message");
            }
        }
    }
    for value in members.values_mut() {
        sort_sets(value);
    }
}

fn clean(value: &mut Value, strict: Strictness) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| {
                !OWN.contains(&name.as_str()) && (strict.capacity || name != "ConsumedCapacity")
            });
            for value in members.values_mut() {
                clean(value, strict);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| clean(value, strict)),
        _ => {}
    }
    sort_sets(value);
}

fn sort_sets(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                sort_sets(value);
                if UNORDERED.contains(&name.as_str()) {
                    sort(value);
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(sort_sets),
        _ => {}
    }
}

fn sort(value: &mut Value) {
    if let Value::Array(list) = value {
        list.sort_by_cached_key(Value::to_string);
    }
}

/// Takes order out of answers in which DynamoDB has none.
fn unorder(body: &mut Value, request: &Request) {
    let is_index = request.member("IndexName").is_some();
    let is_part =
        ["Limit", "Segment", "ExclusiveStartKey"].iter().any(|name| request.member(name).is_some());
    let Value::Object(members) = body else { return };
    match request.operation.as_str() {
        // Partitions come in an order of each endpoint's own, so parts are of different items.
        "Scan" if is_part => members.clear(),
        "Query" if is_part && is_index => members.clear(),
        "Scan" => members.values_mut().for_each(sort),
        "Query" if is_index => members.values_mut().for_each(sort),
        "BatchGetItem" => {
            if let Some(Value::Object(tables)) = members.get_mut("Responses") {
                tables.values_mut().for_each(sort);
            }
        }
        _ => {}
    }
}
