//! Members of GetItem, PutItem, UpdateItem, DeleteItem, Query and Scan.

use flywheel_api::*;
use flywheel_item::Wording::{Current, Former};

use super::*;
use crate::support::{fault, request, with};

#[test]
fn puts_and_deletes_tell_all_at_once_but_an_empty_name() {
    let put = r#"{"TableName":"abc","Item":{}}"#;
    let delete = r#"{"TableName":"abc","Key":{}}"#;
    let name = short("tableName", "ab");
    for (extra, says) in [
        ("{}", String::new()),
        (r#"{"TableName":"","ReturnConsumedCapacity":"X"}"#, count(&[EMPTY_NAME])),
        (r#"{"TableName":"a!"}"#, count(&[&short("tableName", "a!")])),
        (r#"{"TableName":"ab","ReturnConsumedCapacity":"X"}"#, count(&[&name, CAPACITY])),
        (r#"{"TableName":"bad!"}"#, count(&[&pattern("tableName", "bad!")])),
        (r#"{"TableName":"ab","ReturnValues":"X"}"#, count(&[&name, VALUES])),
        (
            r#"{"ReturnValuesOnConditionCheckFailure":"X","ReturnItemCollectionMetrics":"X"}"#,
            count(&[METRICS, ON_FAILURE]),
        ),
        (
            r#"{"ReturnValues":"X","ReturnConsumedCapacity":"X","ReturnItemCollectionMetrics":"X"}"#,
            count(&[CAPACITY, VALUES, METRICS]),
        ),
        // Not looked at here.
        (r#"{"ConditionalOperator":"XOR"}"#, String::new()),
    ] {
        assert_eq!(fault::<PutItemRequest>(&with(put, extra), Current), says, "put {extra}");
        assert_eq!(
            fault::<DeleteItemRequest>(&with(delete, extra), Current),
            says,
            "delete {extra}"
        );
    }
    assert_eq!(fault::<PutItemRequest>("{}", Current), count(&[NAME_NULL, &null("item")]));
    assert_eq!(
        fault::<DeleteItemRequest>(&with(delete, r#"{"ReturnValues":"ALL_NEW"}"#), Current),
        count(&["ReturnValues can only be ALL_OLD or NONE"])
    );
}

#[test]
fn formerly_all_faults_were_told_with_their_values() {
    let body = r#"{"TableName":"a!","ReturnValues":"X","ReturnConsumedCapacity":"X","ConditionalOperator":"XOR"}"#;
    let (name, length) = (pattern("tableName", "a!"), short("tableName", "a!"));
    let conditional = enumerated("XOR", "conditionalOperator", "OR, AND");
    let item = null("item");
    assert_eq!(
        fault::<PutItemRequest>(body, Former),
        count(&[CAPACITY, &name, &length, &item, &conditional, VALUES_FORMER])
    );
    assert_eq!(
        fault::<GetItemRequest>(r#"{"TableName":"","AttributesToGet":[]}"#, Former),
        count(&[
            "Value '[]' at 'attributesToGet' failed to satisfy constraint: Member must have length greater than or equal to 1",
            &pattern("tableName", ""),
            &short("tableName", ""),
            KEY_NULL
        ])
    );
    let operator = r#"{"TableName":"abc","Item":{},"Expected":{"a":{"ComparisonOperator":"X"}}}"#;
    assert_eq!(
        fault::<PutItemRequest>(operator, Former),
        count(&[&enumerated(
            "X",
            "expected.a.member.comparisonOperator",
            "IN, NULL, BETWEEN, LT, NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, BEGINS_WITH, GE, CONTAINS"
        )])
    );
    assert_eq!(fault::<PutItemRequest>(operator, Current), "");
}

#[test]
fn updates_stop_at_the_first_word() {
    let base = r#"{"TableName":"abc","Key":{}}"#;
    for (extra, says) in [
        ("{}", String::new()),
        (r#"{"TableName":""}"#, count(&[EMPTY_NAME])),
        (r#"{"TableName":"ab","ReturnConsumedCapacity":"X"}"#, count(&[&short("tableName", "ab")])),
        (r#"{"TableName":"a!"}"#, count(&[&pattern("tableName", "a!"), &short("tableName", "a!")])),
        (r#"{"ReturnConsumedCapacity":"X"}"#, CAPACITY.to_owned()),
        (r#"{"ReturnConsumedCapacity":"X","ReturnItemCollectionMetrics":"X"}"#, count(&[METRICS])),
        (
            r#"{"ReturnValuesOnConditionCheckFailure":"X","ReturnItemCollectionMetrics":"X"}"#,
            ON_FAILURE.to_owned(),
        ),
        (r#"{"ReturnValuesOnConditionCheckFailure":"X","ReturnValues":"X"}"#, count(&[VALUES])),
        (
            r#"{"Key":null,"ReturnValues":"X","ReturnConsumedCapacity":"X"}"#,
            count(&[CAPACITY, VALUES_FORMER, KEY_NULL]),
        ),
        (r#"{"Key":null,"TableName":"ab"}"#, count(&[KEY_NULL])),
        (r#"{"Key":null,"TableName":null}"#, count(&[NAME_NULL, KEY_NULL])),
        (r#"{"TableName":null,"ReturnValues":"X"}"#, count(&[NAME_NULL, VALUES_FORMER])),
    ] {
        assert_eq!(fault::<UpdateItemRequest>(&with(base, extra), Current), says, "of {extra}");
    }
}

#[test]
fn gets() {
    let base = r#"{"TableName":"abc","Key":{}}"#;
    let name = short("tableName", "ab");
    for (extra, says) in [
        (r#"{"TableName":"","ReturnConsumedCapacity":"X"}"#, count(&[EMPTY_NAME])),
        (r#"{"TableName":"ab","ReturnConsumedCapacity":"X"}"#, count(&[&name, CAPACITY])),
        (r#"{"TableName":"ab","Key":null}"#, count(&[KEY_NULL, &name])),
        (r#"{"TableName":null}"#, count(&[NAME_NULL])),
        (r#"{"TableName":"arn:aws:dynamodb:eu-west-1:123456789012:table/abc"}"#, String::new()),
    ] {
        assert_eq!(fault::<GetItemRequest>(&with(base, extra), Current), says, "of {extra}");
    }
    let long = "n".repeat(256);
    assert_eq!(
        fault::<GetItemRequest>(&with(base, &format!(r#"{{"TableName":"{long}"}}"#)), Current),
        count(&[&format!(
            "Value '{long}' at 'tableName' failed to satisfy constraint: Member must have length less than or equal to 255"
        )])
    );
}

#[test]
fn queries() {
    let base = r#"{"TableName":"abc"}"#;
    let limit = newer("Limit", "greater than or equal to 1");
    let limit_former = older(0, "limit", "greater than or equal to 1");
    for (extra, says) in [
        (r#"{"Limit":0,"ReturnConsumedCapacity":"X"}"#, count(&[&limit])),
        (r#"{"Limit":0,"TableName":"","Select":"X"}"#, count(&[&limit, EMPTY_NAME])),
        (r#"{"TableName":"ab","Select":"X"}"#, count(&[&short("tableName", "ab")])),
        (r#"{"Select":"X"}"#, String::new()),
        (
            r#"{"TableName":null,"Select":"X","Limit":0,"ReturnConsumedCapacity":"X"}"#,
            count(&[SELECT, CAPACITY, NAME_NULL, &limit_former]),
        ),
        (
            r#"{"KeyConditions":{"a":{}}}"#,
            count(&[&null("keyConditions.a.member.comparisonOperator")]),
        ),
    ] {
        assert_eq!(fault::<QueryRequest>(&with(base, extra), Current), says, "of {extra}");
    }
    let select = request::<QueryRequest>(r#"{"Select":"X"}"#).check_select().unwrap_err();
    assert_eq!(select.message, count(&[SELECT]));
    assert_eq!(
        fault::<QueryRequest>(
            r#"{"TableName":"abc","Select":"X","IndexName":"a","Limit":0}"#,
            Former
        ),
        count(&[SELECT, &short("indexName", "a"), &limit_former])
    );
}

#[test]
fn scans() {
    let base = r#"{"TableName":"abc"}"#;
    let limit = newer("Limit", "greater than or equal to 1");
    let segment = newer("Segment", "greater than or equal to 0");
    let total = newer("TotalSegments", "greater than or equal to 1");
    let conditional = enumerated("X", "conditionalOperator", "OR, AND");
    let operator = null("scanFilter.a.member.comparisonOperator");
    let all = r#"{"TableName":null,"Select":"X","ReturnConsumedCapacity":"X","ConditionalOperator":"X","Segment":-1,"TotalSegments":0,"Limit":0,"ScanFilter":{"a":{}}}"#;
    for (extra, says) in [
        (r#"{"Limit":0,"Segment":-1,"Select":"X"}"#, count(&[&limit, &segment])),
        (r#"{"Limit":0,"Segment":0,"TotalSegments":0}"#, count(&[&limit, &total])),
        (r#"{"Limit":0,"TableName":""}"#, count(&[&limit, EMPTY_NAME])),
        (
            r#"{"Segment":0,"TotalSegments":1000001}"#,
            count(&[&newer("TotalSegments", "less than or equal to 1000000")]),
        ),
        (
            r#"{"Segment":1000000,"TotalSegments":1000000}"#,
            count(&[&newer("Segment", "less than or equal to 999999")]),
        ),
        (r#"{"Segment":5,"TotalSegments":5}"#, String::new()),
        // What loses a fraction is told of in the older form, as what is left of it.
        (r#"{"Limit":0.5}"#, count(&[&older(0, "limit", "greater than or equal to 1")])),
        (r#"{"Limit":1.5,"Select":"X"}"#, count(&[SELECT])),
        (r#"{"Segment":-0.5,"TotalSegments":5}"#, String::new()),
        // So is what does not fit 32 bits, as the last that does.
        (
            r#"{"Segment":0,"TotalSegments":4294967296}"#,
            count(&[&older(2_147_483_647, "totalSegments", "less than or equal to 1000000")]),
        ),
        (
            r#"{"Limit":4294967296,"Segment":-1,"TotalSegments":4}"#,
            count(&[&older(-1, "segment", "greater than or equal to 0")]),
        ),
        (
            r#"{"TableName":"ab","ReturnConsumedCapacity":"X"}"#,
            count(&[&short("tableName", "ab"), CAPACITY]),
        ),
        (
            r#"{"TableName":"","ScanFilter":{"a":{}}}"#,
            count(&[
                "Value '' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 1",
                &operator,
            ]),
        ),
        (r#"{"TableName":"ab","ScanFilter":{"a":{}}}"#, count(&[&operator])),
        (
            all,
            count(&[
                SELECT,
                &older(0, "totalSegments", "greater than or equal to 1"),
                CAPACITY,
                NAME_NULL,
                &conditional,
                &operator,
                &older(-1, "segment", "greater than or equal to 0"),
                &older(0, "limit", "greater than or equal to 1"),
            ]),
        ),
    ] {
        assert_eq!(fault::<ScanRequest>(&with(base, extra), Current), says, "of {extra}");
    }
}
