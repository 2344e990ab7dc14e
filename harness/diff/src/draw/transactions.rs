//! TransactWriteItems and TransactGetItems: actions that meet each other, fail, or are none. Not single actions: see `items`.

use serde_json::{Map, Value, json};

use super::items::{capacity, delete, projected, put, table, update};
use super::schema::Schema;
use super::values;
use crate::random::Random;

/// The four kinds of action, with their weights.
const KINDS: &[(usize, &str)] =
    &[(35, "Put"), (30, "Update"), (20, "Delete"), (15, "ConditionCheck")];

/// What only single writes have.
const NOT_OF_ACTIONS: [&str; 7] = [
    "ReturnValues",
    "ReturnConsumedCapacity",
    "ReturnItemCollectionMetrics",
    "Expected",
    "ConditionalOperator",
    "AttributeUpdates",
    "ConsistentRead",
];

/// Conditions of which some hold for what is there, some for what is not.
const CONDITIONS: &[&str] = &[
    "attribute_exists(p)",
    "attribute_not_exists(p)",
    "attribute_exists(a)",
    "attribute_not_exists(b)",
    "size(l) > size(s)",
    "a = b",
];

/// How many there are in one request; one more than may be, rarely.
const COUNTS: &[(usize, usize)] = &[(1, 0), (30, 1), (35, 2), (20, 3), (1, 101)];

/// The body of a TransactGetItems.
pub fn get(random: &mut Random, schema: &Schema) -> Value {
    let count = random.weighed(COUNTS);
    let mut gets: Vec<Value> = (0..count).map(|_| one_get(random, schema)).collect();
    if random.chance(4) {
        repeat(random, &mut gets);
    }
    let mut body = Map::new();
    body.insert("TransactItems".into(), json!(gets));
    capacity(random, &mut body);
    Value::Object(body)
}

fn one_get(random: &mut Random, schema: &Schema) -> Value {
    let mut get = table();
    get.insert("Key".into(), Value::Object(schema.item_key(random)));
    projected(random, &mut get, 40);
    get.remove("AttributesToGet");
    other_table(random, &mut get);
    json!({ "Get": get })
}

/// The body of a TransactWriteItems.
pub fn write(random: &mut Random, schema: &Schema) -> Value {
    let count = random.weighed(COUNTS);
    let mut writes: Vec<Value> = (0..count).map(|_| one_write(random, schema)).collect();
    match random.below(40) {
        0..=1 => repeat(random, &mut writes),
        2 => writes.push(random.pick(&[json!({}), json!({ "Get": {} })]).clone()),
        3 => {
            if let (Some(Value::Object(first)), Value::Object(more)) =
                (writes.first_mut(), one_write(random, schema))
            {
                first.extend(more);
            }
        }
        _ => {}
    }
    let mut body = Map::new();
    body.insert("TransactItems".into(), json!(writes));
    if random.chance(25) {
        // Tokens are known for minutes, whatever the table: each run has its own.
        let token = random.weighed(&[
            (12, "{table}"),
            (4, "{table}-2"),
            (1, ""),
            (1, "a-token-that-is-longer-than-thirty-six-characters"),
        ]);
        body.insert("ClientRequestToken".into(), json!(token));
    }
    if random.chance(6) {
        let which = random.text(&["SIZE", "SIZE", "NONE", "X"]);
        body.insert("ReturnItemCollectionMetrics".into(), json!(which));
    }
    capacity(random, &mut body);
    Value::Object(body)
}

fn one_write(random: &mut Random, schema: &Schema) -> Value {
    let kind = random.weighed(KINDS);
    let drawn = match kind {
        "Put" => put(random, schema),
        "Update" => update(random, schema),
        _ => delete(random, schema),
    };
    let mut of = Map::new();
    if let Value::Object(members) = drawn {
        let belongs = |(name, _): &(String, Value)| !NOT_OF_ACTIONS.contains(&name.as_str());
        of.extend(members.into_iter().filter(belongs));
    }
    let has_condition = of.contains_key("ConditionExpression");
    // What is used must stay what it was: only an action without expressions gets a plain condition.
    let has_placeholders = of.keys().any(|name| name.starts_with("ExpressionAttribute"));
    if kind == "ConditionCheck" && !has_condition && random.chance(95) {
        of.remove("ExpressionAttributeNames");
        of.remove("ExpressionAttributeValues");
        of.insert("ConditionExpression".into(), json!(random.text(CONDITIONS)));
    } else if !has_condition && !has_placeholders && random.chance(40) {
        of.insert("ConditionExpression".into(), json!(random.text(CONDITIONS)));
    }
    if of.contains_key("ConditionExpression") && random.chance(40) {
        let which = random.weighed(&[(20, "ALL_OLD"), (4, "NONE"), (1, "ALL_NEW")]);
        of.insert("ReturnValuesOnConditionCheckFailure".into(), json!(which));
    }
    other_table(random, &mut of);
    json!({ kind: of })
}

/// Adds an action on an item that another one is about.
fn repeat(random: &mut Random, actions: &mut Vec<Value>) {
    if let Some(again) = actions.first().cloned() {
        actions.insert(random.below(actions.len() + 1), again);
    }
}

/// Names another table, rarely: one that there is not, or no name at all.
fn other_table(random: &mut Random, action: &mut Map<String, Value>) {
    if random.chance(1) {
        let name = random.text(&["no-such-table", "ab", "a b", ""]);
        action.insert("TableName".into(), json!(name));
    }
    if random.chance(1) {
        action.insert("TableName".into(), values::odd_json(random));
    }
}
