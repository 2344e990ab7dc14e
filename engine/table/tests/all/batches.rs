//! BatchGetItem and BatchWriteItem.

use serde_json::{Value, json};

use crate::support::{on_large_tables, on_tables, pair, single};

#[test]
fn batches_write_and_read_several_tables() {
    on_tables(async |service| {
        service.create(single("one")).await;
        service.create(pair("two")).await;
        service.put("one", json!({"k": {"S": "gone"}})).await;
        let put = |item: Value| json!({"PutRequest": {"Item": item}});
        let answer = service
            .ok(
                "BatchWriteItem",
                json!({
                    "RequestItems": {
                        "one": [
                            put(json!({"k": {"S": "a"}, "v": {"N": "1"}})),
                            {"DeleteRequest": {"Key": {"k": {"S": "gone"}}}},
                        ],
                        "two": [put(json!({"p": {"S": "x"}, "s": {"S": "y"}, "v": {"N": "2"}}))],
                    },
                    "ReturnConsumedCapacity": "TOTAL",
                }),
            )
            .await;
        assert_eq!(answer["UnprocessedItems"], json!({}));
        assert_eq!(
            answer["ConsumedCapacity"],
            json!([
                {"TableName": "one", "CapacityUnits": 2.0},
                {"TableName": "two", "CapacityUnits": 1.0},
            ])
        );
        let answer = service
            .ok(
                "BatchGetItem",
                json!({
                    "RequestItems": {
                        "one": {"Keys": [{"k": {"S": "gone"}}, {"k": {"S": "a"}}]},
                        "two": {
                            "Keys": [{"p": {"S": "x"}, "s": {"S": "y"}}],
                            "ProjectionExpression": "v",
                        },
                    },
                }),
            )
            .await;
        assert_eq!(
            answer,
            json!({
                "Responses": {
                    "one": [{"k": {"S": "a"}, "v": {"N": "1"}}],
                    "two": [{"v": {"N": "2"}}],
                },
                "UnprocessedKeys": {},
            })
        );
    });
}

#[test]
fn a_batch_with_a_fault_does_nothing() {
    on_tables(async |service| {
        let mut table = single("table");
        table["AttributeDefinitions"][0]["AttributeType"] = json!("N");
        service.create(table).await;
        let put = |n: &str| json!({"PutRequest": {"Item": {"k": {"N": n}}}});
        for (writes, message) in [
            (json!([put("1"), put("1.0")]), "Provided list of item keys contains duplicates"),
            (
                json!([put("1"), {"PutRequest": {"Item": {"k": {"S": "1"}}}}]),
                "The provided key element does not match the schema",
            ),
            (
                json!([put("1"), {}]),
                "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
            ),
        ] {
            let request = json!({"RequestItems": {"table": writes}});
            let expected = format!("ValidationException: {message}");
            assert_eq!(service.refused("BatchWriteItem", request).await, expected);
        }
        let scan = service.ok("Scan", json!({"TableName": "table"})).await;
        assert_eq!(scan["Count"], json!(0));
        let keys = json!([{"k": {"N": "1"}}, {"k": {"N": "1e0"}}]);
        let request = json!({"RequestItems": {"table": {"Keys": keys}}});
        assert_eq!(
            service.refused("BatchGetItem", request).await,
            "ValidationException: Provided list of item keys contains duplicates"
        );
    });
}

#[test]
fn what_does_not_fit_an_answer_comes_back() {
    on_large_tables(async |service| {
        service.create(single("table")).await;
        let text = "x".repeat(390 << 10);
        let keys: Vec<Value> = (0..50).map(|n| json!({"k": {"S": format!("{n:02}")}})).collect();
        for key in &keys {
            service.put("table", json!({"k": key["k"], "t": {"S": text}})).await;
        }
        let (mut asked, mut found) = (json!(keys), 0);
        let mut rounds = 0;
        while !asked.is_null() {
            let request =
                json!({"RequestItems": {"table": {"Keys": asked, "ConsistentRead": true}}});
            let answer = service.ok("BatchGetItem", request).await;
            found += answer["Responses"]["table"].as_array().expect("items").len();
            let rest = &answer["UnprocessedKeys"]["table"];
            assert!(rest.is_null() || rest["ConsistentRead"] == true);
            asked = rest["Keys"].clone();
            rounds += 1;
        }
        assert_eq!((found, rounds), (50, 2));
    });
}

#[test]
fn items_of_batches_without_a_key_do_not_fit_where_single_ones_lack_it() {
    on_tables(async |service| {
        service.create(pair("table")).await;
        let item = json!({"p": {"S": "x"}});
        let batch = json!({"RequestItems": {"table": [{"PutRequest": {"Item": item}}]}});
        assert_eq!(
            service.refused("BatchWriteItem", batch).await,
            "ValidationException: The provided key element does not match the schema"
        );
        let single = json!({"TableName": "table", "Item": item});
        assert_eq!(
            service.refused("PutItem", single).await,
            "ValidationException: One or more parameter values were invalid: Missing the key s in the item"
        );
    });
}
