//! Operations on tables: mostly CreateTable, and mostly at its edges.

use serde_json::{Value, json};

use super::schema::Schema;
use super::values;
use crate::case::{Request, TABLE};
use crate::random::Random;

/// One of them.
pub fn request(random: &mut Random, schema: &Schema) -> Request {
    match random.below(10) {
        0..=3 => Request::new("CreateTable", odd_create(random, schema)),
        4 => Request::new("DescribeTable", json!({ "TableName": name(random) })),
        5 => Request::new("UpdateTable", update(random)),
        6 => Request::new("UpdateTimeToLive", time_to_live(random)),
        7 => Request::new("DescribeTimeToLive", json!({ "TableName": name(random) })),
        8 => Request::new("ListTables", list(random)),
        _ => Request::new("DeleteTable", json!({ "TableName": name(random) })),
    }
}

fn name(random: &mut Random) -> &'static str {
    const NAMES: &[&str] = &[
        "",
        "a",
        "ab",
        "a b",
        "no-such-table",
        "a/b",
        "é",
        "arn:aws:dynamodb:us-east-1:000000000000:table/abc",
        "arn:aws:dynamodb",
    ];
    if random.chance(70) { TABLE } else { random.text(NAMES) }
}

/// A CreateTable that mostly is refused.
fn odd_create(random: &mut Random, schema: &Schema) -> Value {
    let mut body = schema.create(random);
    for _ in 0..1 + random.below(2) {
        let definition = json!({ "AttributeName": random.text(&["p", "r", "g", "x", ""]), "AttributeType": random.text(&["S", "N", "B", "BOOL", "X"]) });
        let element = json!({ "AttributeName": random.text(&["p", "r", "g", "x"]), "KeyType": random.text(&["HASH", "RANGE", "X"]) });
        let which = random.text(&["LocalSecondaryIndexes", "GlobalSecondaryIndexes"]);
        match random.below(12) {
            0 => push(&mut body["AttributeDefinitions"], definition),
            1 => push(&mut body["KeySchema"], element),
            2 => body["TableName"] = json!(name(random)),
            3 => body["KeySchema"] = json!([]),
            4 => body["AttributeDefinitions"] = json!([]),
            5 => body["BillingMode"] = json!(random.text(&["PROVISIONED", "PAY_PER_REQUEST", "X"])),
            6 => body["ProvisionedThroughput"] = throughput(random),
            7 => body[which] = json!([]),
            8 => body["StreamSpecification"] = json!({ "StreamEnabled": random.chance(50) }),
            9 => body["TableClass"] = json!(random.text(&["STANDARD", "X"])),
            _ => push(&mut body[which], odd_index(random)),
        }
    }
    body
}

fn push(list: &mut Value, member: Value) {
    match list {
        Value::Array(members) => members.push(member),
        other => *other = json!([member]),
    }
}

fn odd_index(random: &mut Random) -> Value {
    let mut index = json!({
        "IndexName": random.text(&["extra", "local", "global", "ab", "a b"]),
        "KeySchema": [{ "AttributeName": random.text(&["p", "g", "x"]), "KeyType": "HASH" }],
        "Projection": { "ProjectionType": random.text(&["ALL", "KEYS_ONLY", "INCLUDE", "X"]) },
    });
    if random.chance(60) {
        push(
            &mut index["KeySchema"],
            json!({ "AttributeName": random.text(&["r", "h", "x", "p"]), "KeyType": "RANGE" }),
        );
    }
    if random.chance(30) {
        index["Projection"]["NonKeyAttributes"] =
            json!(random.pick(&[vec![], vec!["a"], vec!["a", "a"], vec!["p"]]));
    }
    if random.chance(15) {
        index["ProvisionedThroughput"] = throughput(random);
    }
    if random.chance(5) {
        index["Projection"] = json!({});
    }
    index
}

fn throughput(random: &mut Random) -> Value {
    let mut units = || *random.pick(&[5, 1, 0, -1, 1_000_000_000_001_i64]);
    json!({ "ReadCapacityUnits": units(), "WriteCapacityUnits": units() })
}

fn update(random: &mut Random) -> Value {
    let mut body = json!({ "TableName": name(random) });
    match random.below(6) {
        0 => {}
        1 => body["ProvisionedThroughput"] = throughput(random),
        2 => body["BillingMode"] = json!(random.text(&["PAY_PER_REQUEST", "PROVISIONED", "X"])),
        3 => {
            body["GlobalSecondaryIndexUpdates"] =
                json!([{ "Delete": { "IndexName": random.text(&["global", "none", "ab"]) } }]);
        }
        4 => {
            body["AttributeDefinitions"] = json!([{ "AttributeName": "x", "AttributeType": "S" }]);
            body["GlobalSecondaryIndexUpdates"] = json!([{ "Create": odd_index(random) }]);
        }
        _ => body["GlobalSecondaryIndexUpdates"] = random.pick(&[json!([]), json!([{}])]).clone(),
    }
    body
}

fn time_to_live(random: &mut Random) -> Value {
    let attribute = random.text(&["ttl", "ttl", "a", "", "p"]);
    json!({ "TableName": name(random),
            "TimeToLiveSpecification": { "AttributeName": attribute, "Enabled": random.chance(60) } })
}

fn list(random: &mut Random) -> Value {
    // What else there is on an endpoint is nobody's business: only what is refused can be compared.
    match random.below(3) {
        0 => json!({ "Limit": *random.pick(&[0, 101, -1]) }),
        1 => json!({ "ExclusiveStartTableName": random.text(&["", "a", "a b"]) }),
        _ => json!({ "Limit": values::odd_json(random) }),
    }
}
