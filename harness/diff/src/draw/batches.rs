//! BatchGetItem and BatchWriteItem, with keys that are there twice, and requests that are none.

use serde_json::{Map, Value, json};

use super::items::{capacity, projected};
use super::schema::Schema;
use super::values;
use crate::case::TABLE;
use crate::random::Random;

/// The body of a BatchGetItem.
pub fn get(random: &mut Random, schema: &Schema) -> Value {
    let count = random.weighed(&[(2, 0), (30, 1), (30, 2), (20, 3), (1, 101)]);
    let mut of = Map::new();
    let mut keys: Vec<Value> = (0..count).map(|_| Value::Object(schema.item_key(random))).collect();
    if random.chance(5) {
        keys.extend(keys.first().cloned());
    }
    of.insert("Keys".into(), json!(keys));
    projected(random, &mut of, 30);
    if random.chance(30) {
        of.insert("ConsistentRead".into(), json!(true));
    }
    let mut body = Map::new();
    body.insert("RequestItems".into(), tables(random, Value::Object(of)));
    capacity(random, &mut body);
    Value::Object(body)
}

/// The body of a BatchWriteItem.
pub fn write(random: &mut Random, schema: &Schema) -> Value {
    let count = random.weighed(&[(2, 0), (30, 1), (30, 2), (20, 3), (1, 26)]);
    let mut writes: Vec<Value> = (0..count).map(|_| one_write(random, schema)).collect();
    if random.chance(5) {
        writes.extend(writes.first().cloned());
    }
    let mut body = Map::new();
    body.insert("RequestItems".into(), tables(random, json!(writes)));
    capacity(random, &mut body);
    if random.chance(5) {
        body.insert("ReturnItemCollectionMetrics".into(), json!("SIZE"));
    }
    Value::Object(body)
}

fn one_write(random: &mut Random, schema: &Schema) -> Value {
    let put = json!({ "Item": schema.item(random) });
    let delete = json!({ "Key": schema.item_key(random) });
    match random.below(40) {
        0..=24 => json!({ "PutRequest": put }),
        25..=36 => json!({ "DeleteRequest": delete }),
        37 => json!({ "PutRequest": put, "DeleteRequest": delete }),
        38 => random
            .pick(&[json!({}), json!({ "PutRequest": {} }), json!({ "DeleteRequest": {} })])
            .clone(),
        _ => values::odd_json(random),
    }
}

fn tables(random: &mut Random, of: Value) -> Value {
    const OTHERS: &[&str] = &["", "ab", "no-such-table", "a b"];
    match random.below(100) {
        0 => json!({}),
        1..=2 => json!({ random.text(OTHERS): of }),
        3 => json!({ TABLE: of, random.text(OTHERS): of }),
        _ => json!({ TABLE: of }),
    }
}
