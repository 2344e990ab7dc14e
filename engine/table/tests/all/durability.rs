//! What is there after the power went: all that was acknowledged, and work that was under way goes on.

use std::time::Duration;

use flywheel_disk::sim::SimDisk;
use serde_json::{Value, json};

use crate::support::{Service, on_disk, pair};

fn table() -> Value {
    let mut table = pair("table");
    let number = json!({"AttributeName": "n", "AttributeType": "N"});
    table["AttributeDefinitions"].as_array_mut().expect("a list").push(number);
    let projection = json!({"ProjectionType": "ALL"});
    let key = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
    table["LocalSecondaryIndexes"] = json!([
        {"IndexName": "local", "KeySchema": [key("p", "HASH"), key("n", "RANGE")], "Projection": projection},
    ]);
    table["GlobalSecondaryIndexes"] = json!([
        {"IndexName": "global", "KeySchema": [key("n", "HASH")], "Projection": projection},
    ]);
    table
}

async fn count(service: &Service, index: Option<&str>) -> i64 {
    let mut request = json!({"TableName": "table", "Select": "COUNT"});
    if let Some(index) = index {
        request["IndexName"] = json!(index);
    }
    service.ok("Scan", request).await["Count"].as_i64().expect("a number")
}

#[test]
fn what_was_acknowledged_is_there_and_indexes_agree() {
    for seed in 0..8 {
        let disk = SimDisk::new();
        on_disk(&disk, async |service| {
            service.create(table()).await;
            for n in 0..50 {
                let item =
                    json!({"p": {"S": "a"}, "s": {"S": format!("{n}")}, "n": {"N": n.to_string()}});
                service.put("table", item).await;
            }
            for n in 0..10 {
                let key = json!({"p": {"S": "a"}, "s": {"S": format!("{n}")}});
                service.ok("DeleteItem", json!({"TableName": "table", "Key": key})).await;
            }
        });
        disk.power_loss(seed);
        on_disk(&disk, async |service| {
            assert_eq!(count(&service, None).await, 40, "seed {seed}");
            assert_eq!(count(&service, Some("local")).await, 40, "seed {seed}");
            // What followers had not seen yet they see now.
            service.sleep(Duration::from_secs(2)).await;
            assert_eq!(count(&service, Some("global")).await, 40, "seed {seed}");
        });
    }
}

#[test]
fn a_table_that_was_being_deleted_is_deleted() {
    let disk = SimDisk::new();
    on_disk(&disk, async |service| {
        service.create(table()).await;
        service.put("table", json!({"p": {"S": "a"}, "s": {"S": "b"}})).await;
        service.ok("DeleteTable", json!({"TableName": "table"})).await;
    });
    disk.power_loss(1);
    on_disk(&disk, async |service| {
        service.sleep(Duration::from_secs(2)).await;
        assert_eq!(service.ok("ListTables", json!({})).await, json!({"TableNames": []}));
    });
}
