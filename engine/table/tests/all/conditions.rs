//! Conditions of writes, and what is told where they do not hold.

use serde_json::{Value, json};

use crate::support::{on_tables, single};

#[test]
fn a_write_whose_condition_fails_changes_nothing() {
    on_tables(async |service| {
        service.create(single("table")).await;
        let put = |version: &str, condition: &str| {
            json!({
                "TableName": "table",
                "Item": {"k": {"S": "a"}, "version": {"N": version}},
                "ConditionExpression": condition,
            })
        };
        service.ok("PutItem", put("1", "attribute_not_exists(k)")).await;
        let mut again = put("2", "attribute_not_exists(k)");
        let refused = "ConditionalCheckFailedException: The conditional request failed";
        assert_eq!(service.refused("PutItem", again.clone()).await, refused);
        again["ReturnValuesOnConditionCheckFailure"] = json!("ALL_OLD");
        let error = service.call("PutItem", again).await.expect_err("the item is there");
        let shown: Value = serde_json::from_slice(&error.to_json()).expect("JSON");
        assert_eq!(shown["Item"], json!({"k": {"S": "a"}, "version": {"N": "1"}}));
        let mut equal = put("2", "version = :v");
        equal["ExpressionAttributeValues"] = json!({":v": {"N": "1.0"}});
        service.ok("PutItem", equal.clone()).await;
        assert_eq!(service.refused("PutItem", equal).await, refused);
        let delete = json!({
            "TableName": "table", "Key": {"k": {"S": "b"}},
            "ConditionExpression": "attribute_exists(k)",
        });
        assert_eq!(service.refused("DeleteItem", delete).await, refused);
    });
}

#[test]
fn legacy_conditions_mean_the_same() {
    on_tables(async |service| {
        service.create(single("table")).await;
        let put = |expected: Value| json!({"TableName": "table", "Item": {"k": {"S": "a"}}, "Expected": expected});
        service.ok("PutItem", put(json!({"k": {"Exists": false}}))).await;
        assert_eq!(
            service.refused("PutItem", put(json!({"k": {"Exists": false}}))).await,
            "ConditionalCheckFailedException: The conditional request failed"
        );
        let equal = json!({"k": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}});
        service.ok("PutItem", put(equal.clone())).await;
        let mut mixed = put(equal);
        mixed["ConditionExpression"] = json!("attribute_exists(k)");
        assert_eq!(
            service.refused("PutItem", mixed).await,
            "ValidationException: 1 validation error detected: Can not use both expression and \
             non-expression parameters in the same request: Non-expression parameters: {Expected} \
             Expression parameters: {ConditionExpression}"
        );
    });
}

#[test]
fn an_empty_name_is_refused_before_the_table_is_looked_for() {
    on_tables(async |service| {
        let put = json!({"Action": "PUT", "Value": {"S": "x"}});
        let updates = json!({
            "TableName": "none", "Key": {"k": {"S": "a"}}, "AttributeUpdates": {"": put},
        });
        let expected = |target: &str| json!({"TableName": "none", target: {"k": {"S": "a"}}, "Expected": {"": {"Exists": false}}});
        for (operation, request) in [
            ("UpdateItem", updates),
            ("UpdateItem", expected("Key")),
            ("DeleteItem", expected("Key")),
            ("PutItem", expected("Item")),
        ] {
            assert_eq!(
                service.refused(operation, request).await,
                "ValidationException: 1 validation error detected: Empty attribute name"
            );
        }
    });
}

#[test]
fn writes_to_one_item_at_the_same_time_all_count() {
    on_tables(async |service| {
        service.create(single("table")).await;
        let add = json!({
            "TableName": "table", "Key": {"k": {"S": "a"}},
            "UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": {"N": "1"}},
        });
        let adds = (0..100).map(|_| service.ok("UpdateItem", add.clone()));
        futures_util::future::join_all(adds).await;
        let get = json!({"TableName": "table", "Key": {"k": {"S": "a"}}});
        assert_eq!(service.ok("GetItem", get).await["Item"]["n"], json!({"N": "100"}));
    });
}
