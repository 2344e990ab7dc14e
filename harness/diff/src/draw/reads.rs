//! Query and Scan.

use serde_json::{Map, Value, json};

use super::expression::{self, Placeholders, maybe_broken};
use super::items::{capacity, operator, projected, table};
use super::legacy;
use super::schema::{Key, Schema, key_of};
use crate::random::Random;

/// The body of a Query.
pub fn query(random: &mut Random, schema: &Schema) -> Value {
    let mut body = table();
    let key = index(random, schema, &mut body);
    let is_legacy = random.chance(15);
    let mut placeholders = Placeholders::default();
    if is_legacy {
        body.insert("KeyConditions".into(), legacy::key_conditions(random, &key));
        if random.chance(30) {
            body.insert("QueryFilter".into(), legacy::filter(random));
            operator(random, &mut body);
        }
    } else if random.chance(98) {
        let text = expression::key_condition(random, &key, &mut placeholders);
        body.insert("KeyConditionExpression".into(), json!(maybe_broken(random, text)));
    }
    filtered(random, &mut body, &mut placeholders, if is_legacy { 3 } else { 30 });
    placeholders.put_into(&mut body, random);
    if random.chance(40) {
        body.insert("ScanIndexForward".into(), json!(random.chance(40)));
    }
    paged(random, schema, &key, &mut body);
    Value::Object(body)
}

/// The body of a Scan.
pub fn scan(random: &mut Random, schema: &Schema) -> Value {
    let mut body = table();
    let key = index(random, schema, &mut body);
    let mut placeholders = Placeholders::default();
    if random.chance(15) {
        body.insert("ScanFilter".into(), legacy::filter(random));
        operator(random, &mut body);
    } else {
        filtered(random, &mut body, &mut placeholders, 50);
    }
    placeholders.put_into(&mut body, random);
    if random.chance(15) {
        let total = *random.pick(&[1, 2, 4, 0, 1_000_000, 1_000_001]);
        body.insert("TotalSegments".into(), json!(total));
        let segment = *random.pick(&[0, 0, 1, 3, -1, 1_000_000]);
        if random.chance(90) {
            body.insert("Segment".into(), json!(segment));
        }
    }
    paged(random, schema, &key, &mut body);
    Value::Object(body)
}

/// Chooses the table or one of its indexes.
fn index(random: &mut Random, schema: &Schema, body: &mut Map<String, Value>) -> Key {
    let indexes: Vec<_> = schema.indexes().collect();
    if random.chance(2) {
        body.insert("IndexName".into(), json!(random.text(&["", "none", "ab", "no-such-index"])));
    } else if !indexes.is_empty() && random.chance(60) {
        let index = *random.pick(&indexes);
        body.insert("IndexName".into(), json!(index.name));
        return index.key.clone();
    }
    schema.key.clone()
}

fn filtered(
    random: &mut Random,
    body: &mut Map<String, Value>,
    placeholders: &mut Placeholders,
    percent: usize,
) {
    if random.chance(percent) {
        let text = expression::condition(random, placeholders, 2);
        body.insert("FilterExpression".into(), json!(maybe_broken(random, text)));
    }
}

/// What both say of pages, and of what is returned.
fn paged(random: &mut Random, schema: &Schema, key: &Key, body: &mut Map<String, Value>) {
    if random.chance(20) {
        body.insert("Limit".into(), json!(*random.pick(&[1, 1, 2, 3, 100, 0, -1])));
    }
    if random.chance(25) {
        let select = random.text(&[
            "ALL_ATTRIBUTES",
            "COUNT",
            "COUNT",
            "ALL_PROJECTED_ATTRIBUTES",
            "SPECIFIC_ATTRIBUTES",
            "X",
        ]);
        body.insert("Select".into(), json!(select));
    }
    if random.chance(40) {
        body.insert("ConsistentRead".into(), json!(random.chance(70)));
    }
    if random.chance(10) {
        let mut start = schema.item_key(random);
        if random.chance(85) {
            start.extend(key_of(key, random));
        }
        body.insert("ExclusiveStartKey".into(), Value::Object(start));
    }
    if !body.contains_key("ExpressionAttributeNames") {
        let values = body.remove("ExpressionAttributeValues");
        projected(random, body, 20);
        if let Some(values) = values {
            body.insert("ExpressionAttributeValues".into(), values);
        }
    }
    capacity(random, body);
}
