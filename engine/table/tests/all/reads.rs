//! Query and Scan.

use serde_json::{Value, json};

use crate::support::{Service, on_large_tables, on_tables, pair, single};

/// Items 00 to 19 of partition `a`, and a few of `b`.
async fn filled(service: &Service) {
    service.create(pair("table")).await;
    for n in 0..20 {
        let item =
            json!({"p": {"S": "a"}, "s": {"S": format!("{n:02}")}, "n": {"N": n.to_string()}});
        service.put("table", item).await;
    }
    for n in 0..3 {
        service.put("table", json!({"p": {"S": "b"}, "s": {"S": format!("{n:02}")}})).await;
    }
}

fn query(more: Value) -> Value {
    let mut request = json!({
        "TableName": "table",
        "KeyConditionExpression": "p = :p",
        "ExpressionAttributeValues": {":p": {"S": "a"}},
    });
    for (name, value) in more.as_object().expect("an object") {
        if name == "ExpressionAttributeValues" {
            for (key, value) in value.as_object().expect("an object") {
                request[name][key] = value.clone();
            }
        } else {
            request[name] = value.clone();
        }
    }
    request
}

fn sorts(answer: &Value) -> Vec<String> {
    let items = answer["Items"].as_array().expect("items");
    items.iter().map(|item| item["s"]["S"].as_str().expect("text").to_owned()).collect()
}

#[test]
fn queries_find_ranges_in_either_direction() {
    on_tables(async |service| {
        filled(&service).await;
        let all = service.ok("Query", query(json!({}))).await;
        assert_eq!((all["Count"].as_u64(), all["ScannedCount"].as_u64()), (Some(20), Some(20)));
        assert!(all["LastEvaluatedKey"].is_null());
        let found = async |condition: &str, values: Value, forward: bool| {
            let request = query(json!({
                "KeyConditionExpression": format!("p = :p AND {condition}"),
                "ExpressionAttributeValues": values,
                "ScanIndexForward": forward,
            }));
            sorts(&service.ok("Query", request).await)
        };
        let v = json!({":v": {"S": "03"}});
        assert_eq!(found("s = :v", v.clone(), true).await, ["03"]);
        assert_eq!(found("s < :v", v.clone(), true).await, ["00", "01", "02"]);
        assert_eq!(found("s <= :v", v.clone(), false).await, ["03", "02", "01", "00"]);
        assert_eq!(found("s > :v", json!({":v": {"S": "17"}}), true).await, ["18", "19"]);
        let two = json!({":v": {"S": "05"}, ":w": {"S": "07"}});
        assert_eq!(found("s BETWEEN :v AND :w", two, false).await, ["07", "06", "05"]);
        let one = found("begins_with(s, :v)", json!({":v": {"S": "1"}}), true).await;
        assert_eq!((one.len(), &*one[0], &*one[9]), (10, "10", "19"));
    });
}

#[test]
fn pages_hang_together_whatever_their_size_and_direction() {
    on_tables(async |service| {
        filled(&service).await;
        for forward in [true, false] {
            for limit in [1, 3, 20, 50] {
                let (mut seen, mut start) = (Vec::new(), Value::Null);
                let mut pages = 0;
                loop {
                    let mut request = query(json!({"Limit": limit, "ScanIndexForward": forward}));
                    if !start.is_null() {
                        request["ExclusiveStartKey"] = start;
                    }
                    let page = service.ok("Query", request).await;
                    seen.extend(sorts(&page));
                    start = page["LastEvaluatedKey"].clone();
                    pages += 1;
                    if start.is_null() {
                        break;
                    }
                }
                let mut expected: Vec<String> = (0..20).map(|n| format!("{n:02}")).collect();
                if !forward {
                    expected.reverse();
                }
                assert_eq!(seen, expected, "pages of {limit}");
                // A page that is full says so even if nothing follows.
                assert_eq!(pages, 20 / limit + 1, "pages of {limit}");
            }
        }
    });
}

#[test]
fn the_limit_comes_before_the_filter() {
    on_tables(async |service| {
        filled(&service).await;
        let request = query(json!({
            "Limit": 6,
            "FilterExpression": "n > :n",
            "ExpressionAttributeValues": {":n": {"N": "3"}},
            "ProjectionExpression": "s",
            "ReturnConsumedCapacity": "INDEXES",
        }));
        let page = service.ok("Query", request).await;
        assert_eq!(page["Items"], json!([{"s": {"S": "04"}}, {"s": {"S": "05"}}]));
        assert_eq!((&page["Count"], &page["ScannedCount"]), (&json!(2), &json!(6)));
        assert_eq!(page["LastEvaluatedKey"], json!({"p": {"S": "a"}, "s": {"S": "05"}}));
        assert_eq!(page["ConsumedCapacity"]["Table"]["CapacityUnits"], json!(0.5));
        let counted = service.ok("Query", query(json!({"Select": "COUNT"}))).await;
        assert!(counted["Items"].is_null());
        assert_eq!(counted["Count"], json!(20));
    });
}

#[test]
fn a_page_ends_at_a_megabyte_before_the_filter() {
    on_large_tables(async |service| {
        service.create(pair("table")).await;
        let text = "x".repeat(300 << 10);
        for n in 0..5 {
            let s = format!("{n:02}");
            service.put("table", json!({"p": {"S": "a"}, "s": {"S": s}, "t": {"S": text}})).await;
        }
        let request = query(json!({
            "FilterExpression": "attribute_not_exists(t)",
            "ReturnConsumedCapacity": "TOTAL",
        }));
        let page = service.ok("Query", request).await;
        assert_eq!((&page["Count"], &page["ScannedCount"]), (&json!(0), &json!(3)));
        assert_eq!(page["LastEvaluatedKey"], json!({"p": {"S": "a"}, "s": {"S": "02"}}));
        // 900 KiB and some bytes, eventually consistent.
        assert_eq!(page["ConsumedCapacity"]["CapacityUnits"], json!(113.0));
    });
}

#[test]
fn start_keys_must_be_where_a_page_could_have_ended() {
    on_tables(async |service| {
        filled(&service).await;
        for (key, more, message) in [
            (json!({"p": {"S": "a"}}), json!({}), "The provided starting key is invalid"),
            (
                json!({"p": {"S": "a"}, "s": {"N": "1"}}),
                json!({}),
                "The provided starting key is invalid",
            ),
            (
                json!({"p": {"S": "b"}, "s": {"S": "01"}}),
                json!({}),
                "The provided starting key is outside query boundaries based on provided conditions",
            ),
            (
                json!({"p": {"S": "a"}, "s": {"S": "01"}}),
                json!({
                    "KeyConditionExpression": "p = :p AND s > :v",
                    "ExpressionAttributeValues": {":v": {"S": "05"}},
                }),
                "The provided starting key does not match the range key predicate",
            ),
        ] {
            let mut request = query(more);
            request["ExclusiveStartKey"] = key;
            let expected = format!("ValidationException: {message}");
            assert_eq!(service.refused("Query", request).await, expected);
        }
    });
}

#[test]
fn queries_that_make_no_sense_are_refused() {
    on_tables(async |service| {
        filled(&service).await;
        for (more, message) in [
            (
                json!({"FilterExpression": "s = :s", "ExpressionAttributeValues": {":s": {"S": "1"}}}),
                "Filter Expression can only contain non-primary key attributes: Primary key attribute: s",
            ),
            (json!({"IndexName": "nope"}), "The table does not have the specified index: nope"),
            (
                json!({"Select": "SPECIFIC_ATTRIBUTES"}),
                "1 validation error detected: Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES",
            ),
            // Before expressions are read.
            (
                json!({"Select": "ALL_PROJECTED_ATTRIBUTES", "KeyConditionExpression": "= p"}),
                "1 validation error detected: ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName",
            ),
            (
                json!({"KeyConditionExpression": "s = :p"}),
                "Query condition missed key schema element: p",
            ),
            (
                json!({"ExpressionAttributeValues": {":x": {"S": "1"}}}),
                "Value provided in ExpressionAttributeValues unused in expressions: keys: {:x}",
            ),
        ] {
            let expected = format!("ValidationException: {message}");
            assert_eq!(service.refused("Query", query(more)).await, expected);
        }
    });
}

#[test]
fn segments_of_a_scan_find_each_item_once() {
    on_tables(async |service| {
        service.create(single("table")).await;
        for n in 0..200 {
            service.put("table", json!({"k": {"S": format!("key {n}")}})).await;
        }
        for segments in [1, 2, 5] {
            let mut found = Vec::new();
            for segment in 0..segments {
                let mut start = Value::Null;
                loop {
                    let mut request = json!({
                        "TableName": "table", "Limit": 30,
                        "Segment": segment, "TotalSegments": segments,
                    });
                    if !start.is_null() {
                        request["ExclusiveStartKey"] = start;
                    }
                    let page = service.ok("Scan", request).await;
                    let items = page["Items"].as_array().expect("items").iter();
                    found.extend(items.map(|item| item["k"]["S"].to_string()));
                    start = page["LastEvaluatedKey"].clone();
                    if start.is_null() {
                        break;
                    }
                }
            }
            let all = found.len();
            found.sort();
            found.dedup();
            assert_eq!((all, found.len()), (200, 200), "{segments} segments");
        }
        let request = json!({"TableName": "table", "Segment": 2, "TotalSegments": 2});
        assert_eq!(
            service.refused("Scan", request).await,
            "ValidationException: The Segment parameter is zero-based and must be less than parameter TotalSegments"
        );
    });
}

#[test]
fn legacy_queries_mean_the_same() {
    on_tables(async |service| {
        filled(&service).await;
        let request = json!({
            "TableName": "table",
            "KeyConditions": {
                "p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]},
                "s": {"ComparisonOperator": "GE", "AttributeValueList": [{"S": "15"}]},
            },
            "QueryFilter": {
                "n": {"ComparisonOperator": "IN", "AttributeValueList": [{"N": "16"}, {"N": "18"}]},
            },
        });
        assert_eq!(sorts(&service.ok("Query", request).await), ["16", "18"]);
    });
}

#[test]
fn attributes_to_get_without_a_name_are_refused() {
    on_tables(async |service| {
        service.create(single("table")).await;
        let (key, names) = (json!({"k": {"S": "a"}}), json!([""]));
        let equal = json!({"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]});
        let of_table = json!({"table": {"Keys": [key], "AttributesToGet": names}});
        for (operation, request) in [
            ("GetItem", json!({"Key": key, "AttributesToGet": ["", ""]})),
            ("Query", json!({"KeyConditions": {"k": equal}, "AttributesToGet": names})),
            ("Scan", json!({"AttributesToGet": names, "ConditionalOperator": "AND"})),
            ("BatchGetItem", json!({"RequestItems": of_table})),
        ] {
            let mut request = request;
            if operation != "BatchGetItem" {
                request["TableName"] = json!("table");
            }
            let expected = "ValidationException: Empty attribute name";
            assert_eq!(service.refused(operation, request).await, expected, "{operation}");
        }
    });
}

#[test]
fn scans_of_tables_with_indexes_name_the_index_that_a_start_key_does_not_fit() {
    on_tables(async |service| {
        let index = json!({
            "IndexName": "keys", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        });
        let mut definition = single("table");
        definition["GlobalSecondaryIndexes"] = json!([index]);
        let attribute = json!({"AttributeName": "g", "AttributeType": "S"});
        definition["AttributeDefinitions"].as_array_mut().expect("a list").push(attribute);
        service.create(definition).await;
        let mismatch = |name: &str| {
            format!(
                "One or more parameter values were invalid: Type mismatch for Index Key {name} \
                 Expected: S Actual: N IndexName: keys"
            )
        };
        let not_all = "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for \
                       global secondary index keys because its projection type is not ALL";
        let (text, number) = (json!({"S": "a"}), json!({"N": "1"}));
        for (request, message) in [
            (json!({"ExclusiveStartKey": {"k": number}}), mismatch("k")),
            (json!({"ExclusiveStartKey": {"g": number}}), mismatch("g")),
            (
                json!({"IndexName": "keys", "ExclusiveStartKey": {"k": text, "g": number}}),
                mismatch("g"),
            ),
            (
                json!({"IndexName": "keys", "Select": "ALL_ATTRIBUTES", "ExclusiveStartKey": {"x": text}}),
                not_all.into(),
            ),
        ] {
            let mut request = request;
            request["TableName"] = json!("table");
            let expected = format!("ValidationException: {message}");
            assert_eq!(service.refused("Scan", request).await, expected);
        }
    });
}
