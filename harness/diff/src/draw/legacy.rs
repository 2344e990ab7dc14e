//! Parameters of before expressions: Expected, AttributeUpdates, KeyConditions and filters.

use serde_json::{Map, Value, json};

use super::schema::{Key, key_value};
use super::values;
use crate::random::Random;

const OPERATORS: &[&str] = &[
    "EQ",
    "NE",
    "LE",
    "LT",
    "GE",
    "GT",
    "NOT_NULL",
    "NULL",
    "CONTAINS",
    "NOT_CONTAINS",
    "BEGINS_WITH",
    "IN",
    "BETWEEN",
];

/// Conditions of a write.
pub fn expected(random: &mut Random) -> Value {
    let of = (0..1 + random.below(2)).map(|_| (values::name(random), one_expected(random)));
    Value::Object(of.collect())
}

fn one_expected(random: &mut Random) -> Value {
    match random.below(6) {
        0 => json!({ "Exists": false }),
        1 => json!({ "Exists": random.chance(50), "Value": values::value(random, 1) }),
        2 => json!({ "Value": values::value(random, 1) }),
        _ => compared(random),
    }
}

fn compared(random: &mut Random) -> Value {
    let operator = random.text(OPERATORS);
    let usual = match operator {
        "NULL" | "NOT_NULL" => 0,
        "BETWEEN" => 2,
        "IN" => 1 + random.below(3),
        _ => 1,
    };
    let count = if random.chance(5) { random.below(4) } else { usual };
    let kind = random.text(&["S", "N", "B", "S", "N", "SS", "BOOL"]);
    let mut list: Vec<Value> = (0..count).map(|_| values::scalar(random, kind)).collect();
    if random.chance(5) {
        list.push(values::value(random, 1));
    }
    let mut of = json!({ "ComparisonOperator": operator });
    if !list.is_empty() || random.chance(20) {
        of["AttributeValueList"] = json!(list);
    }
    of
}

/// What becomes of attributes.
pub fn updates(random: &mut Random) -> Value {
    let mut of = Map::new();
    for _ in 0..1 + random.below(2) {
        let mut update = Map::new();
        if random.chance(80) {
            update.insert("Action".into(), json!(random.text(&["PUT", "ADD", "DELETE"])));
        }
        if random.chance(85) {
            update.insert("Value".into(), values::value(random, 1));
        }
        of.insert(values::name(random), Value::Object(update));
    }
    Value::Object(of)
}

/// Conditions of a filter.
pub fn filter(random: &mut Random) -> Value {
    let of = (0..1 + random.below(2)).map(|_| (values::name(random), compared(random)));
    Value::Object(of.collect())
}

/// Conditions on a key.
pub fn key_conditions(random: &mut Random, key: &Key) -> Value {
    let mut of = Map::new();
    let equal = json!({ "ComparisonOperator": "EQ", "AttributeValueList": [key_value(key.partition.kind, random)] });
    of.insert(key.partition.name.into(), equal);
    if let Some(sort) = key.sort.filter(|_| random.chance(60)) {
        let operator = random.text(&[
            "EQ",
            "LE",
            "LT",
            "GE",
            "GT",
            "BEGINS_WITH",
            "BETWEEN",
            "NE",
            "IN",
            "NULL",
            "CONTAINS",
        ]);
        let count = if operator == "BETWEEN" { 2 } else { 1 };
        let list: Vec<Value> = (0..count).map(|_| key_value(sort.kind, random)).collect();
        of.insert(
            sort.name.into(),
            json!({ "ComparisonOperator": operator, "AttributeValueList": list }),
        );
    }
    if random.chance(5) {
        of.insert(values::name(random), compared(random));
    }
    if random.chance(3) {
        of.remove(key.partition.name);
    }
    Value::Object(of)
}
