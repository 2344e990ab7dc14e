//! GetItem, PutItem, UpdateItem and DeleteItem. Not the transactions made of them: see `transactions`.

use serde_json::{Map, Value, json};

use super::expression::{self, Placeholders, maybe_broken};
use super::schema::Schema;
use super::{legacy, values};
use crate::case::TABLE;
use crate::random::Random;

/// The body of a GetItem.
pub fn get(random: &mut Random, schema: &Schema) -> Value {
    let mut body = table();
    body.insert("Key".into(), Value::Object(schema.item_key(random)));
    projected(random, &mut body, 35);
    if random.chance(60) {
        body.insert("ConsistentRead".into(), json!(true));
    }
    capacity(random, &mut body);
    Value::Object(body)
}

/// What is to be returned of items, in either form; so many times of a hundred.
pub fn projected(random: &mut Random, body: &mut Map<String, Value>, percent: usize) {
    if !random.chance(percent) {
        return;
    }
    let is_legacy = random.chance(20);
    if is_legacy {
        let names: Vec<String> = (0..1 + random.below(3)).map(|_| values::name(random)).collect();
        body.insert("AttributesToGet".into(), json!(names));
    }
    if !is_legacy || random.chance(5) {
        let mut placeholders = Placeholders::default();
        let text = expression::projection(random, &mut placeholders);
        body.insert("ProjectionExpression".into(), json!(maybe_broken(random, text)));
        placeholders.put_into(body, random);
        body.remove("ExpressionAttributeValues");
    }
}

/// The body of a PutItem.
pub fn put(random: &mut Random, schema: &Schema) -> Value {
    let mut body = table();
    body.insert("Item".into(), Value::Object(schema.item(random)));
    conditional(random, &mut body, None);
    returned(random, &mut body, &["NONE", "ALL_OLD", "ALL_OLD", "ALL_NEW"]);
    Value::Object(body)
}

/// The body of a DeleteItem.
pub fn delete(random: &mut Random, schema: &Schema) -> Value {
    let mut body = table();
    body.insert("Key".into(), Value::Object(schema.item_key(random)));
    conditional(random, &mut body, None);
    returned(random, &mut body, &["NONE", "ALL_OLD", "ALL_OLD", "UPDATED_OLD"]);
    Value::Object(body)
}

/// The body of an UpdateItem.
pub fn update(random: &mut Random, schema: &Schema) -> Value {
    let mut body = table();
    body.insert("Key".into(), Value::Object(schema.item_key(random)));
    match random.below(20) {
        0 => conditional(random, &mut body, None),
        1..=4 => {
            body.insert("AttributeUpdates".into(), legacy::updates(random));
            if random.chance(40) {
                body.insert("Expected".into(), legacy::expected(random));
                operator(random, &mut body);
            }
        }
        _ => {
            let mut placeholders = Placeholders::default();
            let text = expression::update(random, &mut placeholders);
            body.insert("UpdateExpression".into(), json!(maybe_broken(random, text)));
            conditional(random, &mut body, Some(placeholders));
        }
    }
    returned(
        random,
        &mut body,
        &["NONE", "ALL_OLD", "ALL_NEW", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW", "UPDATED_NEW"],
    );
    Value::Object(body)
}

/// A condition in either form, or none.
fn conditional(random: &mut Random, body: &mut Map<String, Value>, update: Option<Placeholders>) {
    let is_update = update.is_some();
    let mut placeholders = update.unwrap_or_default();
    match random.below(10) {
        0..=3 => {
            let text = expression::condition(random, &mut placeholders, 2);
            body.insert("ConditionExpression".into(), json!(maybe_broken(random, text)));
        }
        4 if !is_update || random.chance(5) => {
            body.insert("Expected".into(), legacy::expected(random));
            operator(random, body);
        }
        _ if !is_update => return,
        _ => {}
    }
    placeholders.put_into(body, random);
    if body.contains_key("Expected") && random.chance(90) {
        body.remove("ExpressionAttributeNames");
        body.remove("ExpressionAttributeValues");
    }
    if random.chance(30) {
        let which = random.text(&["ALL_OLD", "ALL_OLD", "NONE", "ALL_NEW"]);
        body.insert("ReturnValuesOnConditionCheckFailure".into(), json!(which));
    }
}

/// How conditions of the old form are joined, sometimes.
pub fn operator(random: &mut Random, body: &mut Map<String, Value>) {
    if random.chance(30) {
        body.insert("ConditionalOperator".into(), json!(random.text(&["AND", "OR", "OR", "XOR"])));
    }
}

fn returned(random: &mut Random, body: &mut Map<String, Value>, values: &[&'static str]) {
    if random.chance(70) {
        let odd = random.chance(2);
        let value = if odd { random.text(&["", "all_old", "X"]) } else { random.text(values) };
        body.insert("ReturnValues".into(), json!(value));
    }
    capacity(random, body);
    if random.chance(8) {
        let which = random.text(&["SIZE", "SIZE", "NONE", "X"]);
        body.insert("ReturnItemCollectionMetrics".into(), json!(which));
    }
}

/// Whether consumed capacity is asked for.
pub fn capacity(random: &mut Random, body: &mut Map<String, Value>) {
    if random.chance(12) {
        let which = random.text(&["TOTAL", "INDEXES", "NONE", "X"]);
        body.insert("ReturnConsumedCapacity".into(), json!(which));
    }
}

/// A body that names the table of the case.
pub fn table() -> Map<String, Value> {
    [("TableName".to_owned(), json!(TABLE))].into_iter().collect()
}
