//! Local and global secondary indexes.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Service, on_tables, pair};

fn index(name: &str, hash: &str, range: Option<&str>, projection: Value) -> Value {
    let mut keys = vec![json!({"AttributeName": hash, "KeyType": "HASH"})];
    keys.extend(range.map(|range| json!({"AttributeName": range, "KeyType": "RANGE"})));
    json!({"IndexName": name, "KeySchema": keys, "Projection": projection})
}

fn with_local() -> Value {
    let mut table = pair("table");
    let number = json!({"AttributeName": "n", "AttributeType": "N"});
    table["AttributeDefinitions"].as_array_mut().expect("a list").push(number);
    let keys_only = json!({"ProjectionType": "KEYS_ONLY"});
    table["LocalSecondaryIndexes"] = json!([index("by_n", "p", Some("n"), keys_only)]);
    table
}

fn with_global() -> Value {
    let mut table = with_local();
    table.as_object_mut().expect("an object").remove("LocalSecondaryIndexes");
    let include = json!({"ProjectionType": "INCLUDE", "NonKeyAttributes": ["v"]});
    table["GlobalSecondaryIndexes"] = json!([index("by_n", "n", Some("s"), include)]);
    table
}

async fn queried(service: &Service, request: Value) -> Vec<Value> {
    let answer = service.ok("Query", request).await;
    answer["Items"].as_array().expect("items").clone()
}

fn local_query(more: Value) -> Value {
    let mut request = json!({
        "TableName": "table", "IndexName": "by_n", "KeyConditionExpression": "p = :p",
        "ExpressionAttributeValues": {":p": {"S": "a"}},
    });
    for (name, value) in more.as_object().expect("an object") {
        request[name] = value.clone();
    }
    request
}

fn global_query(n: i32) -> Value {
    json!({
        "TableName": "table", "IndexName": "by_n", "KeyConditionExpression": "n = :n",
        "ExpressionAttributeValues": {":n": {"N": n.to_string()}},
    })
}

/// Asks until the answer is as expected: global indexes come after their tables.
async fn until(service: &Service, request: Value, expected: Value) {
    let mut last = Value::Null;
    for _ in 0..400 {
        last = json!(queried(service, request.clone()).await);
        if last == expected {
            return;
        }
        service.sleep(Duration::from_millis(5)).await;
    }
    panic!("{request}: {last} and not {expected}");
}

#[test]
fn a_local_index_changes_with_its_items() {
    on_tables(async |service| {
        service.create(with_local()).await;
        for (s, n) in [("1", 30), ("2", -5), ("3", 7)] {
            let item =
                json!({"p": {"S": "a"}, "s": {"S": s}, "n": {"N": n.to_string()}, "v": {"S": s}});
            service.put("table", item).await;
        }
        service.put("table", json!({"p": {"S": "a"}, "s": {"S": "4"}})).await;
        let items = queried(&service, local_query(json!({}))).await;
        assert_eq!(
            json!(items),
            json!([
                {"p": {"S": "a"}, "s": {"S": "2"}, "n": {"N": "-5"}},
                {"p": {"S": "a"}, "s": {"S": "3"}, "n": {"N": "7"}},
                {"p": {"S": "a"}, "s": {"S": "1"}, "n": {"N": "30"}},
            ])
        );
        // What the index does not hold comes from the table.
        let all =
            queried(&service, local_query(json!({"Select": "ALL_ATTRIBUTES", "Limit": 1}))).await;
        assert_eq!(
            json!(all),
            json!([{"p": {"S": "a"}, "s": {"S": "2"}, "n": {"N": "-5"}, "v": {"S": "2"}}])
        );
        let parts = queried(&service, local_query(json!({"ProjectionExpression": "v"}))).await;
        assert_eq!(json!(parts), json!([{"v": {"S": "2"}}, {"v": {"S": "3"}}, {"v": {"S": "1"}}]));
        service
            .ok("UpdateItem", json!({
                "TableName": "table", "Key": {"p": {"S": "a"}, "s": {"S": "2"}},
                "UpdateExpression": "SET n = :n", "ExpressionAttributeValues": {":n": {"N": "100"}},
            }))
            .await;
        service
            .ok(
                "DeleteItem",
                json!({"TableName": "table", "Key": {"p": {"S": "a"}, "s": {"S": "3"}}}),
            )
            .await;
        let items = queried(&service, local_query(json!({"ConsistentRead": true}))).await;
        let sorts: Vec<&Value> = items.iter().map(|item| &item["s"]["S"]).collect();
        assert_eq!(sorts, ["1", "2"]);
        // Scans of the table see items alone, scans of the index its entries.
        let scan = service.ok("Scan", json!({"TableName": "table"})).await;
        assert_eq!(scan["Count"], 3);
        let scan = service.ok("Scan", json!({"TableName": "table", "IndexName": "by_n"})).await;
        assert_eq!(scan["Count"], 2);
    });
}

#[test]
fn local_pages_hang_together() {
    on_tables(async |service| {
        service.create(with_local()).await;
        for n in 0..9 {
            let item = json!({"p": {"S": "a"}, "s": {"S": n.to_string()}, "n": {"N": (n / 3).to_string()}});
            service.put("table", item).await;
        }
        let (mut seen, mut start) = (Vec::new(), Value::Null);
        loop {
            let mut request = local_query(json!({"Limit": 2}));
            if !start.is_null() {
                request["ExclusiveStartKey"] = start;
            }
            let page = service.ok("Query", request).await;
            seen.extend(
                page["Items"].as_array().expect("items").iter().map(|item| item["s"]["S"].clone()),
            );
            start = page["LastEvaluatedKey"].clone();
            if start.is_null() {
                break;
            }
            assert_eq!(start.as_object().map(|key| key.len()), Some(3));
        }
        assert_eq!(json!(seen), json!(["0", "1", "2", "3", "4", "5", "6", "7", "8"]));
    });
}

#[test]
fn index_arms_are_charged_for_the_change() {
    on_tables(async |service| {
        service.create(with_local()).await;
        let units = async |item: Value| {
            let request =
                json!({"TableName": "table", "Item": item, "ReturnConsumedCapacity": "INDEXES"});
            let answer = service.ok("PutItem", request).await;
            let capacity = &answer["ConsumedCapacity"];
            let arm = capacity["LocalSecondaryIndexes"]["by_n"]["CapacityUnits"].as_f64();
            (capacity["Table"]["CapacityUnits"].as_f64(), arm)
        };
        let item = |n: i32, v: &str| json!({"p": {"S": "a"}, "s": {"S": "1"}, "n": {"N": n.to_string()}, "v": {"S": v}});
        assert_eq!(units(item(1, "x")).await, (Some(1.0), Some(1.0)), "an entry comes");
        assert_eq!(units(item(1, "y")).await, (Some(1.0), None), "nothing that it holds changes");
        assert_eq!(units(item(2, "y")).await, (Some(1.0), Some(2.0)), "its key moves");
    });
}

#[test]
fn a_global_index_follows() {
    on_tables(async |service| {
        service.create(with_global()).await;
        let item = |s: &str, n: i32| json!({"p": {"S": "a"}, "s": {"S": s}, "n": {"N": n.to_string()}, "v": {"S": s}, "w": {"S": "w"}});
        let entry = |s: &str, n: i32| json!({"p": {"S": "a"}, "s": {"S": s}, "n": {"N": n.to_string()}, "v": {"S": s}});
        service.put("table", item("1", 5)).await;
        service.put("table", item("2", 5)).await;
        service.put("table", json!({"p": {"S": "a"}, "s": {"S": "3"}})).await;
        until(&service, global_query(5), json!([entry("1", 5), entry("2", 5)])).await;
        service.put("table", item("1", 6)).await;
        until(&service, global_query(5), json!([entry("2", 5)])).await;
        until(&service, global_query(6), json!([entry("1", 6)])).await;
        service
            .ok(
                "DeleteItem",
                json!({"TableName": "table", "Key": {"p": {"S": "a"}, "s": {"S": "1"}}}),
            )
            .await;
        until(&service, global_query(6), json!([])).await;
        let (_, followed) = service.tables.lag().buckets_ms().last().copied().expect("buckets");
        assert!(followed >= 4, "{followed} changes were followed");
    });
}

#[test]
fn more_changes_than_one_round_follows_are_all_followed_and_each_once() {
    const CLIENTS: usize = 1600;
    const EACH: usize = 2;
    on_tables(async |service| {
        for name in ["table", "other"] {
            let mut table = with_global();
            table["TableName"] = json!(name);
            service.create(table).await;
        }
        let service = &service;
        // Clients of both tables, so that changes of each come behind those of the other in a feed.
        let clients = (0..CLIENTS).map(async |client| {
            let name = ["other", "table"][client % 2];
            for number in 0..EACH {
                let sort = format!("{client}-{number}");
                service
                    .put(name, json!({"p": {"S": sort}, "s": {"S": sort}, "n": {"N": "5"}}))
                    .await;
            }
        });
        futures_util::future::join_all(clients).await;
        for name in ["table", "other"] {
            let scan = json!({"TableName": name, "IndexName": "by_n", "Select": "COUNT"});
            let mut count = Value::Null;
            for _ in 0..2000 {
                count = service.ok("Scan", scan.clone()).await["Count"].clone();
                if count == json!(CLIENTS * EACH / 2) {
                    break;
                }
                service.sleep(Duration::from_millis(5)).await;
            }
            assert_eq!(count, json!(CLIENTS * EACH / 2), "{name}");
        }
        service.sleep(Duration::from_secs(1)).await;
        let (_, followed) = service.tables.lag().buckets_ms().last().copied().expect("buckets");
        assert_eq!(followed, (CLIENTS * EACH) as u64, "each once");
    });
}

#[test]
fn what_a_global_index_cannot_give_is_refused() {
    on_tables(async |service| {
        service.create(with_global()).await;
        for (at, value, message) in [
            (
                "ConsistentRead",
                json!(true),
                "Consistent reads are not supported on global secondary indexes",
            ),
            (
                "ProjectionExpression",
                json!("v, w"),
                "One or more parameter values were invalid: Global secondary index by_n does not project [w]",
            ),
            (
                "Select",
                json!("ALL_ATTRIBUTES"),
                "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary index by_n because its projection type is not ALL",
            ),
        ] {
            let mut request = global_query(5);
            request[at] = value;
            assert_eq!(
                service.refused("Query", request).await,
                format!("ValidationException: {message}")
            );
        }
        let item = json!({"p": {"S": "a"}, "s": {"S": "1"}, "n": {"S": "text"}});
        assert_eq!(
            service.refused("PutItem", json!({"TableName": "table", "Item": item})).await,
            "ValidationException: One or more parameter values were invalid: Type mismatch for Index Key n Expected: N Actual: S IndexName: by_n"
        );
    });
}

#[test]
fn a_new_index_is_filled_with_what_was_there() {
    on_tables(async |service| {
        service.create(pair("table")).await;
        for n in 0..300 {
            // One in three cannot be in the index: its attribute is of another type.
            let kind = if n % 3 == 0 { "S" } else { "N" };
            let item = json!({"p": {"S": format!("p{n}")}, "s": {"S": "s"}, "n": {kind: "5"}});
            service.put("table", item).await;
        }
        let mut create = index("by_n", "n", None, json!({"ProjectionType": "KEYS_ONLY"}));
        create.as_object_mut().expect("an object").remove("ProvisionedThroughput");
        let number = json!({"AttributeName": "n", "AttributeType": "N"});
        let updated = service
            .ok(
                "UpdateTable",
                json!({
                    "TableName": "table",
                    "AttributeDefinitions": [number],
                    "GlobalSecondaryIndexUpdates": [{"Create": create}],
                }),
            )
            .await;
        let index = &updated["TableDescription"]["GlobalSecondaryIndexes"][0];
        assert_eq!(
            (&index["IndexStatus"], &index["Backfilling"]),
            (&json!("CREATING"), &json!(true))
        );
        // Written while it is filled.
        service.put("table", json!({"p": {"S": "p1"}, "s": {"S": "s"}, "n": {"N": "6"}})).await;
        for _ in 0..1000 {
            let described = service.ok("DescribeTable", json!({"TableName": "table"})).await;
            if described["Table"]["GlobalSecondaryIndexes"][0]["IndexStatus"] == "ACTIVE" {
                break;
            }
            service.sleep(Duration::from_millis(5)).await;
        }
        service.sleep(Duration::from_millis(200)).await;
        assert_eq!(queried(&service, global_query(5)).await.len(), 199);
        assert_eq!(queried(&service, global_query(6)).await.len(), 1);
        let delete = json!({
            "TableName": "table",
            "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "by_n"}}],
        });
        service.ok("UpdateTable", delete).await;
        service.until_status(&json!("table"), "ACTIVE").await;
        assert_eq!(
            service.refused("Query", global_query(5)).await,
            "ValidationException: The table does not have the specified index: by_n"
        );
    });
}

#[test]
fn keys_of_several_attributes_and_of_any_length_fit() {
    on_tables(async |service| {
        let mut table = pair("table");
        let attributes = ["a", "b", "c"];
        for name in attributes {
            let definition = json!({"AttributeName": name, "AttributeType": "S"});
            table["AttributeDefinitions"].as_array_mut().expect("a list").push(definition);
        }
        let keys = json!([
            {"AttributeName": "a", "KeyType": "HASH"}, {"AttributeName": "b", "KeyType": "HASH"},
            {"AttributeName": "c", "KeyType": "RANGE"},
        ]);
        let all = json!({"ProjectionType": "ALL"});
        table["GlobalSecondaryIndexes"] =
            json!([{"IndexName": "many", "KeySchema": keys, "Projection": all}]);
        service.create(table).await;
        let long = json!({
            "p": {"S": "p".repeat(2048)}, "s": {"S": "s".repeat(1024)},
            "a": {"S": "a".repeat(1024)}, "b": {"S": "\u{0}".repeat(1024)}, "c": {"S": "\u{0}".repeat(1024)},
        });
        service.put("table", long.clone()).await;
        let request = json!({
            "TableName": "table", "IndexName": "many",
            "KeyConditionExpression": "a = :a AND b = :b AND begins_with(c, :c)",
            "ExpressionAttributeValues": {":a": long["a"], ":b": long["b"], ":c": {"S": "\u{0}"}},
        });
        until(&service, request, json!([long])).await;
    });
}

#[test]
fn attributes_of_a_key_that_are_too_large_together_are_refused_and_passed_over() {
    on_tables(async |service| {
        service.create(pair("table")).await;
        let long = |name: &str| json!({"S": name.repeat(1020)});
        let item = json!({
            "p": {"S": "1"}, "s": {"S": "1"},
            "a": {"S": "a"}, "b": long("b"), "c": long("c"), "d": long("d"),
        });
        service.put("table", item.clone()).await;
        service.put("table", json!({"p": {"S": "2"}, "s": {"S": "2"}, "a": {"S": "a"}, "b": {"S": "b"}, "c": {"S": "c"}, "d": {"S": "d"}})).await;
        let text = |name: &str| json!({"AttributeName": name, "AttributeType": "S"});
        let key = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
        let create = json!({
            "IndexName": "many",
            "KeySchema": [key("a", "HASH"), key("b", "RANGE"), key("c", "RANGE"), key("d", "RANGE")],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        });
        service
            .ok(
                "UpdateTable",
                json!({
                    "TableName": "table",
                    "AttributeDefinitions": [text("a"), text("b"), text("c"), text("d")],
                    "GlobalSecondaryIndexUpdates": [{"Create": create}],
                }),
            )
            .await;
        let query = json!({
            "TableName": "table", "IndexName": "many", "KeyConditionExpression": "a = :a",
            "ExpressionAttributeValues": {":a": {"S": "a"}},
        });
        let refused = service.refused("Query", query.clone()).await;
        assert_eq!(
            refused,
            "ValidationException: Cannot read from backfilling global secondary index: many"
        );
        service.sleep(Duration::from_secs(2)).await;
        assert_eq!(queried(&service, query.clone()).await.len(), 1);
        assert_eq!(
            service.refused("PutItem", json!({"TableName": "table", "Item": item})).await,
            "ValidationException: One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes"
        );
        // What follows is not held up.
        service.put("table", json!({"p": {"S": "3"}, "s": {"S": "3"}, "a": {"S": "a"}, "b": {"S": "b"}, "c": {"S": "c"}, "d": {"S": "e"}})).await;
        service.sleep(Duration::from_secs(1)).await;
        assert_eq!(queried(&service, query).await.len(), 2);
    });
}
