//! What descriptions say that tables and indexes hold.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Service, on_large_tables, on_tables, pair};

fn with_local() -> Value {
    let mut table = pair("table");
    let defined = table["AttributeDefinitions"].as_array_mut().expect("a list");
    defined.push(json!({"AttributeName": "n", "AttributeType": "N"}));
    table["LocalSecondaryIndexes"] = json!([{
        "IndexName": "local",
        "KeySchema": [
            {"AttributeName": "p", "KeyType": "HASH"},
            {"AttributeName": "n", "KeyType": "RANGE"},
        ],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }]);
    table
}

/// Items and bytes of the table, then of its local index.
async fn described(service: &Service) -> [u64; 4] {
    let table = service.ok("DescribeTable", json!({"TableName": "table"})).await["Table"].clone();
    let local = &table["LocalSecondaryIndexes"][0];
    [&table["ItemCount"], &table["TableSizeBytes"], &local["ItemCount"], &local["IndexSizeBytes"]]
        .map(|value| value.as_u64().expect("a number"))
}

#[test]
fn items_and_entries_of_local_indexes_are_told_apart() {
    on_tables(async |service| {
        service.create(with_local()).await;
        assert_eq!(described(&service).await, [0; 4]);
        for n in 0..10 {
            let mut item = json!({"p": {"S": format!("p{}", n % 3)}, "s": {"S": n.to_string()}, "f": {"S": "x".repeat(100)}});
            if n < 4 {
                item["n"] = json!({"N": n.to_string()});
            }
            service.put("table", item).await;
        }
        let [items, bytes, entries, index_bytes] = described(&service).await;
        assert_eq!([items, entries], [10, 4]);
        assert!(
            bytes > 1000 && index_bytes > 0 && index_bytes < bytes / 2,
            "{bytes} {index_bytes}"
        );
        service
            .ok(
                "DeleteItem",
                json!({"TableName": "table", "Key": {"p": {"S": "p0"}, "s": {"S": "0"}}}),
            )
            .await;
        let [items, _, entries, _] = described(&service).await;
        assert_eq!([items, entries], [9, 3]);
    });
}

#[test]
fn a_table_that_is_too_large_to_be_counted_is_told_as_it_was_last_swept() {
    on_large_tables(async |service| {
        service.create(with_local()).await;
        // All of one partition key: its items stand before the entries of the index.
        let puts: Vec<Value> = (0..5000)
            .map(|n| {
                let mut item = json!({"p": {"S": "p"}, "s": {"S": format!("{n:04}")}});
                if n % 5 == 0 {
                    item["n"] = json!({"N": "1"});
                }
                json!({"PutRequest": {"Item": item}})
            })
            .collect();
        for some in puts.chunks(25) {
            service.ok("BatchWriteItem", json!({"RequestItems": {"table": some}})).await;
        }
        // A table that has grown is swept anew within minutes.
        service.sleep(Duration::from_secs(130)).await;
        let [items, _, entries, _] = described(&service).await;
        assert_eq!([items, entries], [5000, 1000]);
    });
}
