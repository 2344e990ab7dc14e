//! GetItem, PutItem, UpdateItem, DeleteItem.

use flywheel_api::ErrorCode;
use flywheel_disk::sim::{SimDisk, run};
use futures_util::future::join3;
use serde_json::json;

use crate::support::{Service, on_large_tables, on_tables, pair, single};

#[test]
fn an_item_is_there_until_it_is_deleted() {
    on_tables(async |service| {
        service.create(pair("table")).await;
        let key = json!({"p": {"S": "a"}, "s": {"S": "1"}});
        let get = json!({"TableName": "ttt", "Key": key});
        assert_eq!(
            service.refused("GetItem", get).await,
            "ResourceNotFoundException: Requested resource not found"
        );
    });
}

#[test]
fn items_go_round() {
    on_tables(async |service| {
        service.create(pair("table")).await;
        let item = json!({
            "p": {"S": "a"}, "s": {"S": "1"},
            "n": {"N": "1.50"}, "b": {"B": "AAEC"}, "t": {"BOOL": true}, "u": {"NULL": true},
            "l": {"L": [{"S": "x"}, {"M": {"y": {"N": "-3"}}}]},
            "ss": {"SS": ["b", "a"]}, "ns": {"NS": ["10", "9"]}, "bs": {"BS": ["AQ=="]},
            "e": {"S": ""},
        });
        let put = service.ok("PutItem", json!({"TableName": "table", "Item": item})).await;
        assert_eq!(put, json!({}));
        let key = json!({"p": {"S": "a"}, "s": {"S": "1"}});
        let get = service.ok("GetItem", json!({"TableName": "table", "Key": key})).await;
        let mut expected = item.clone();
        expected["n"] = json!({"N": "1.5"});
        expected["ss"] = json!({"SS": ["a", "b"]});
        expected["ns"] = json!({"NS": ["9", "10"]});
        assert_eq!(get, json!({"Item": expected}));
        let parts = json!({
            "TableName": "table", "Key": key,
            "ProjectionExpression": "l[1].y, #n, nope",
            "ExpressionAttributeNames": {"#n": "n"},
            "ReturnConsumedCapacity": "TOTAL",
        });
        assert_eq!(
            service.ok("GetItem", parts).await,
            json!({
                "Item": {"l": {"L": [{"M": {"y": {"N": "-3"}}}]}, "n": {"N": "1.5"}},
                "ConsumedCapacity": {"TableName": "table", "CapacityUnits": 0.5},
            })
        );
        let nothing = json!({"TableName": "table", "Key": key, "AttributesToGet": ["nope"]});
        assert_eq!(service.ok("GetItem", nothing).await, json!({"Item": {}}));
        let delete = json!({"TableName": "table", "Key": key, "ReturnValues": "ALL_OLD"});
        assert_eq!(service.ok("DeleteItem", delete.clone()).await["Attributes"], expected);
        assert_eq!(service.ok("DeleteItem", delete).await, json!({}));
        let get = service.ok("GetItem", json!({"TableName": "table", "Key": key})).await;
        assert_eq!(get, json!({}));
    });
}

#[test]
fn equal_numbers_are_one_key() {
    on_tables(async |service| {
        let mut table = single("numbers");
        table["AttributeDefinitions"][0]["AttributeType"] = json!("N");
        service.create(table).await;
        service.put("numbers", json!({"k": {"N": "1000"}, "v": {"S": "a"}})).await;
        service.put("numbers", json!({"k": {"N": "1e3"}, "w": {"S": "b"}})).await;
        let get = json!({"TableName": "numbers", "Key": {"k": {"N": "+1000.0"}}});
        let item = json!({"Item": {"k": {"N": "1000"}, "w": {"S": "b"}}});
        assert_eq!(service.ok("GetItem", get).await, item);
    });
}

#[test]
fn keys_must_fit_the_table() {
    on_tables(async |service| {
        service.create(pair("table")).await;
        let put = |item| json!({"TableName": "table", "Item": item});
        for (item, message) in [
            (
                json!({"p": {"S": "a"}}),
                "ValidationException: One or more parameter values were invalid: Missing the key s in the item",
            ),
            (
                json!({"p": {"N": "1"}, "s": {"S": "a"}}),
                "ValidationException: One or more parameter values were invalid: Type mismatch for key p expected: S actual: N",
            ),
            (
                json!({"p": {"S": ""}, "s": {"S": "a"}}),
                "ValidationException: One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: p",
            ),
            (
                json!({"p": {"S": "a".repeat(2049)}, "s": {"S": "a"}}),
                "ValidationException: One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes",
            ),
        ] {
            assert_eq!(service.refused("PutItem", put(item)).await, message);
        }
        let largest = json!({"p": {"S": "a".repeat(2048)}, "s": {"S": "b".repeat(1024)}});
        service.ok("PutItem", put(largest)).await;
        for key in [
            json!({"p": {"S": "a"}}),
            json!({"p": {"S": "a"}, "s": {"N": "1"}}),
            json!({"p": {"S": "a"}, "x": {"S": "1"}}),
            json!({"p": {"S": "a"}, "s": {"S": "1"}, "x": {"S": "1"}}),
        ] {
            let get = json!({"TableName": "table", "Key": key});
            assert_eq!(
                service.refused("GetItem", get).await,
                "ValidationException: The provided key element does not match the schema"
            );
        }
    });
}

#[test]
fn the_largest_item_is_counted_to_the_byte() {
    on_large_tables(async |service| {
        service.create(single("table")).await;
        let put = |bytes: usize| {
            let text = "x".repeat(bytes - "kab".len() - 1);
            json!({"TableName": "table", "Item": {"k": {"S": "a"}, "ab": {"S": text}}})
        };
        service.ok("PutItem", put(409_600)).await;
        assert_eq!(
            service.refused("PutItem", put(409_601)).await,
            "ValidationException: Item size has exceeded the maximum allowed size"
        );
    });
}

#[test]
fn updates_change_what_they_name() {
    on_tables(async |service| {
        service.create(single("table")).await;
        let update = |expression: &str, values: serde_json::Value, returns: &str| {
            let mut request = json!({
                "TableName": "table", "Key": {"k": {"S": "a"}},
                "UpdateExpression": expression, "ReturnValues": returns,
            });
            if values != json!({}) {
                request["ExpressionAttributeValues"] = values;
            }
            request
        };
        // Taking away from what is not there makes nothing.
        let remove = update("REMOVE x", json!({}), "ALL_NEW");
        assert_eq!(service.ok("UpdateItem", remove).await, json!({}));
        let get = json!({"TableName": "table", "Key": {"k": {"S": "a"}}});
        assert_eq!(service.ok("GetItem", get.clone()).await, json!({}));
        let values = json!({":l": {"L": [{"S": "0"}, {"S": "1"}, {"S": "2"}]}, ":n": {"N": "1"}});
        let set = update("SET l = :l ADD n :n", values, "ALL_NEW");
        assert_eq!(
            service.ok("UpdateItem", set).await["Attributes"],
            json!({
                "k": {"S": "a"}, "n": {"N": "1"},
                "l": {"L": [{"S": "0"}, {"S": "1"}, {"S": "2"}]},
            })
        );
        let shifted =
            service.ok("UpdateItem", update("REMOVE l[1]", json!({}), "UPDATED_NEW")).await;
        assert_eq!(shifted["Attributes"], json!({"l": {"L": [{"S": "2"}]}}));
        let values = json!({":v": {"S": "9"}});
        let appended = update("SET l[100] = :v", values, "UPDATED_NEW");
        assert_eq!(service.ok("UpdateItem", appended).await, json!({}));
        let values = json!({":one": {"N": "41"}});
        let added =
            service.ok("UpdateItem", update("SET n = n + :one", values, "UPDATED_OLD")).await;
        assert_eq!(added["Attributes"], json!({"n": {"N": "1"}}));
        let item = service.ok("GetItem", get).await;
        assert_eq!(item["Item"]["n"], json!({"N": "42"}));
        assert_eq!(item["Item"]["l"], json!({"L": [{"S": "0"}, {"S": "2"}, {"S": "9"}]}));
        let values = json!({":v": {"S": "b"}});
        assert_eq!(
            service.refused("UpdateItem", update("SET k = :v", values, "NONE")).await,
            "ValidationException: One or more parameter values were invalid: Cannot update attribute k. This attribute is part of the key"
        );
    });
}

#[test]
fn an_update_of_nothing_makes_the_item() {
    on_tables(async |service| {
        service.create(single("table")).await;
        let key = json!({"k": {"S": "a"}});
        service.ok("UpdateItem", json!({"TableName": "table", "Key": key})).await;
        let get = json!({"TableName": "table", "Key": key});
        assert_eq!(service.ok("GetItem", get).await, json!({"Item": key}));
    });
}

#[test]
fn writes_count_the_larger_image() {
    on_tables(async |service| {
        service.create(single("table")).await;
        let units = async |operation: &str, mut request: serde_json::Value| {
            request["TableName"] = json!("table");
            request["ReturnConsumedCapacity"] = json!("TOTAL");
            let answer = service.ok(operation, request).await;
            answer["ConsumedCapacity"]["CapacityUnits"].as_f64().expect("a number")
        };
        let item = |bytes: usize| json!({"Item": {"k": {"S": "a"}, "v": {"S": "x".repeat(bytes)}}});
        let key = json!({"Key": {"k": {"S": "a"}}});
        assert_eq!(units("DeleteItem", key.clone()).await, 1.0);
        assert_eq!(units("PutItem", item(1024 - 3)).await, 1.0);
        assert_eq!(units("PutItem", item(3000)).await, 3.0);
        assert_eq!(units("PutItem", item(10)).await, 3.0);
        assert_eq!(units("PutItem", item(5000)).await, 5.0);
        let mut read = key.clone();
        assert_eq!(units("GetItem", read.clone()).await, 1.0);
        read["ConsistentRead"] = json!(true);
        assert_eq!(units("GetItem", read).await, 2.0);
        assert_eq!(units("DeleteItem", key).await, 5.0);
    });
}

#[test]
fn items_under_way_beyond_the_share_of_memory_are_refused() {
    run(7, &SimDisk::new(), async |world| {
        let service = Service::open_as(&world, |options| options.in_flight_bytes = 10_000).await;
        service.create(single("table")).await;
        let text = |length: usize| json!({"S": "x".repeat(length)});
        let put = |key: &str, length| json!({"TableName": "table", "Item": {"k": {"S": key}, "f": text(length)}});
        let update = |key: &str, length| {
            json!({
                "TableName": "table", "Key": {"k": {"S": key}}, "UpdateExpression": "SET f = :f",
                "ExpressionAttributeValues": {":f": text(length)},
            })
        };
        for (operation, first, second, small) in [
            ("PutItem", put("a", 6000), put("b", 6000), put("c", 600)),
            ("UpdateItem", update("a", 6000), update("b", 6000), update("c", 600)),
        ] {
            let (first, second, small) = join3(
                service.call(operation, first),
                service.call(operation, second.clone()),
                service.call(operation, small),
            )
            .await;
            assert!(first.is_ok() && small.is_ok(), "{operation}: {first:?} {small:?}");
            let code = second.as_ref().map_err(|error| error.code).err();
            assert_eq!(code, Some(ErrorCode::Throttling), "{operation}");
            service.ok("DeleteItem", json!({"TableName": "table", "Key": {"k": {"S": "b"}}})).await;
        }
    });
}
