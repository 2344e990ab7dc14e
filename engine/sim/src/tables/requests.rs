//! Requests to tables and what comes back, as JSON: the tables of a simulation, its keys and its items.
//! Not what is asked when: see `operation` and `client`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::shape::TableShape;
use super::state::{Act, Item, Step, When};
use crate::keys::{Key, WriteId};
use crate::limits::MAX_FILLER_BYTES;

/// Tables that there are.
pub const TABLES: u16 = 2;

/// The table that has a sort key and a local index.
pub const SORTED: u16 = 1;

/// The global index of every table: by `group`, whole items.
pub const GLOBAL: &str = "by-group";

/// The local index: by `write`, whole items.
pub const LOCAL: &str = "by-write";

/// A table's name.
pub fn table_name(table: u16) -> String {
    format!("table-{table}")
}

/// In which table an item is.
pub fn table_of(key: Key) -> u16 {
    key % TABLES
}

/// The request that makes a table.
pub fn create(table: u16) -> Value {
    let attribute = |name: &str, kind: &str| json!({"AttributeName": name, "AttributeType": kind});
    let part = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
    let all = json!({"ProjectionType": "ALL"});
    let by_group = json!([{
        "IndexName": GLOBAL, "KeySchema": [part("group", "HASH")], "Projection": all,
    }]);
    let (mut attributes, mut schema) =
        (vec![attribute("p", "S"), attribute("group", "N")], vec![part("p", "HASH")]);
    let mut request = json!({
        "TableName": table_name(table), "BillingMode": "PAY_PER_REQUEST",
        "GlobalSecondaryIndexes": by_group,
    });
    if table == SORTED {
        attributes.extend([attribute("s", "S"), attribute("write", "N")]);
        schema.push(part("s", "RANGE"));
        let schema = [part("p", "HASH"), part("write", "RANGE")];
        request["LocalSecondaryIndexes"] =
            json!([{"IndexName": LOCAL, "KeySchema": schema, "Projection": all}]);
    }
    request["AttributeDefinitions"] = json!(attributes);
    request["KeySchema"] = json!(schema);
    request
}

/// An item's key.
pub fn key_of(key: Key) -> Value {
    match table_of(key) {
        SORTED => json!({"p": partition_of(key), "s": {"S": format!("item-{key:02}")}}),
        _ => json!({"p": {"S": format!("item-{key:02}")}}),
    }
}

/// The partition key of an item that has a sort key: some have the same.
pub fn partition_of(key: Key) -> Value {
    json!({"S": format!("partition-{}", key / TABLES % 2)})
}

/// An item with its key.
pub fn item_of(key: Key, item: &Item) -> Value {
    let mut value = key_of(key);
    value["balance"] = number(item.balance);
    value["write"] = number(item.write.into());
    value["filler"] = json!({"S": filler(item.write)});
    if let Some(group) = item.group {
        value["group"] = number(group.into());
    }
    value
}

/// The name of the operation that does one step, and its request or, in a transaction, its action.
pub fn step(step: &Step) -> (&'static str, Value) {
    let table_name = table_name(table_of(step.key));
    let mut values = BTreeMap::new();
    let (name, mut request) = match step.act {
        Act::Put(item) => {
            ("Put", json!({"TableName": table_name, "Item": item_of(step.key, &item)}))
        }
        Act::Delete => ("Delete", json!({"TableName": table_name, "Key": key_of(step.key)})),
        Act::Check => ("ConditionCheck", json!({"TableName": table_name, "Key": key_of(step.key)})),
        Act::Add(item) => {
            values.insert(":balance", number(item.balance));
            values.insert(":write", number(item.write.into()));
            values.insert(":filler", json!({"S": filler(item.write)}));
            let group = match item.group {
                Some(group) => {
                    values.insert(":group", number(group.into()));
                    ", #group = :group"
                }
                None => " REMOVE #group",
            };
            let expression =
                format!("ADD balance :balance SET #write = :write, filler = :filler{group}");
            let request = json!({
                "TableName": table_name, "Key": key_of(step.key), "UpdateExpression": expression,
                "ExpressionAttributeNames": {"#group": "group", "#write": "write"},
            });
            ("Update", request)
        }
    };
    let condition = step.when.map(|when| match when {
        When::Exists => "attribute_exists(p)",
        When::Absent => "attribute_not_exists(p)",
        When::AtLeast(least) => {
            values.insert(":least", number(least));
            "balance >= :least"
        }
        When::Wrote(write) => {
            values.insert(":wrote", number(write.into()));
            request["ExpressionAttributeNames"]["#write"] = json!("write");
            "#write = :wrote"
        }
    });
    if let Some(condition) = condition {
        request["ConditionExpression"] = json!(condition);
        request["ReturnValuesOnConditionCheckFailure"] = json!("ALL_OLD");
    }
    if !values.is_empty() {
        request["ExpressionAttributeValues"] = json!(values);
    }
    (name, request)
}

/// Which item this is, and what it has.
///
/// # Errors
/// What is wrong with it, if nobody ever wrote it so.
pub fn read_item(shape: &TableShape, found: &Value) -> Result<(Key, Item), String> {
    let wrong = || format!("an item that nobody wrote: {found}");
    let number = |name: &str| found[name]["N"].as_str().and_then(|text| text.parse::<i64>().ok());
    let name = found["s"]["S"].as_str().or(found["p"]["S"].as_str());
    let key = name.and_then(|name| name.strip_prefix("item-")?.parse::<Key>().ok());
    let key = key.filter(|&key| key < shape.keys()).ok_or_else(wrong)?;
    let write =
        number("write").and_then(|write| WriteId::try_from(write).ok()).ok_or_else(wrong)?;
    let group = number("group").and_then(|group| u8::try_from(group).ok());
    let item = Item { balance: number("balance").ok_or_else(wrong)?, write, group };
    // Nothing else is in it either.
    if item_of(key, &item) == *found { Ok((key, item)) } else { Err(wrong()) }
}

fn number(value: i64) -> Value {
    json!({"N": value.to_string()})
}

/// Text that only this write puts: items of different sizes, whose bytes can be told from each other.
fn filler(write: WriteId) -> String {
    let length = write.wrapping_mul(0x9E37_79B1) % MAX_FILLER_BYTES;
    let letter = char::from(b'a' + (write % 26) as u8);
    std::iter::repeat_n(letter, length as usize).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_read_as_they_were_written_and_nothing_else_passes() {
        let shape = TableShape::draw(&mut flywheel_disk::sim::SimRng::new(1));
        for key in 0..shape.keys() {
            for group in [None, Some(2)] {
                let item = Item { balance: -3, write: 70_001, group };
                let value = item_of(key, &item);
                assert_eq!(read_item(&shape, &value), Ok((key, item)));
                for name in ["p", "balance", "write", "filler"] {
                    let mut bad = value.clone();
                    bad[name] = json!({"S": "another"});
                    assert!(read_item(&shape, &bad).is_err(), "{name}");
                }
            }
        }
    }
}
