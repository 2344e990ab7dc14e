//! Operations on tables, mostly at their edges: making, changing and deleting them, their tags and their time to live.

use serde_json::{Value, json};

use super::schema::Schema;
use super::values;
use crate::case::TABLE;
use crate::random::Random;

/// The body of one of them.
pub fn body(random: &mut Random, schema: &Schema, operation: &str) -> Value {
    match operation {
        "CreateTable" => odd_create(random, schema),
        "UpdateTable" => update(random),
        "UpdateTimeToLive" => time_to_live(random),
        "ListTables" => list(random),
        "TagResource" => json!({ "ResourceArn": arn(random), "Tags": tags(random) }),
        "UntagResource" => json!({ "ResourceArn": arn(random), "TagKeys": tag_keys(random) }),
        "ListTagsOfResource" => json!({ "ResourceArn": arn(random) }),
        _ => json!({ "TableName": name(random) }),
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

fn arn(random: &mut Random) -> &'static str {
    const ARNS: &[&str] = &[
        "",
        "a",
        TABLE,
        "arn:aws:dynamodb:us-east-1:000000000000:table/no-such-table",
        "arn:aws:dynamodb:us-east-1:000000000000:table/",
        "arn:aws:s3:::bucket",
    ];
    let own = "arn:aws:dynamodb:us-east-1:000000000000:table/{table}";
    if random.chance(85) { own } else { random.text(ARNS) }
}

fn tag_key(random: &mut Random) -> String {
    match random.below(20) {
        0 => random.text(&["", "aws:x", "a*b", "\u{e9}", " "]).to_owned(),
        1 => "k".repeat(*random.pick(&[128, 129])),
        _ => random.text(&["one", "two", "three", "a:b/c=d+e-f@g"]).to_owned(),
    }
}

fn tags(random: &mut Random) -> Value {
    let count = random.weighed(&[(2, 0), (20, 1), (20, 2), (1, 51)]);
    let tag = |at: usize| {
        let key = if at < 3 { tag_key(random) } else { format!("k{at}") };
        let value = match random.below(20) {
            0 => "v".repeat(*random.pick(&[256, 257])),
            1 => "a*b".to_owned(),
            _ => random.text(&["", "x", "y"]).to_owned(),
        };
        json!({ "Key": key, "Value": value })
    };
    (0..count).map(tag).collect()
}

fn tag_keys(random: &mut Random) -> Value {
    let count = random.weighed(&[(1, 0), (10, 1), (10, 2)]);
    (0..count).map(|_| tag_key(random)).collect()
}
