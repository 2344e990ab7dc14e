//! Requests as clients send them.

use flywheel_api::*;
use flywheel_item::{AttributeValue, Item, Number};

use crate::support::request;

fn key(text: &str) -> Option<Sent<Item>> {
    Some(Sent(Ok(Item::from([("pk".into(), AttributeValue::S(text.into()))]))))
}

fn text(text: &str) -> Option<String> {
    Some(text.into())
}

#[test]
fn get_item_of_boto3() {
    let body = r#"{"TableName": "Music", "Key": {"pk": {"S": "a"}}, "ConsistentRead": true}"#;
    let expected = GetItemRequest {
        table_name: text("Music"),
        key: key("a"),
        consistent_read: Some(true),
        ..GetItemRequest::default()
    };
    assert_eq!(request::<GetItemRequest>(body), expected);
}

#[test]
fn put_item_of_boto3() {
    let body = r#"{"TableName": "Music", "Item": {"pk": {"S": "a"}, "n": {"N": "1.50"}, "b": {"B": "AAEC"}, "l": {"L": [{"NULL": true}, {"BOOL": false}]}, "m": {"M": {"x": {"SS": ["b", "a"]}}}}, "ConditionExpression": "attribute_not_exists(pk)", "ReturnValues": "ALL_OLD"}"#;
    let put = request::<PutItemRequest>(body);
    let item = put.item.unwrap().into_sound().unwrap();
    assert_eq!(item["n"], AttributeValue::N(Number::parse("1.5").unwrap()));
    assert_eq!(item["b"], AttributeValue::B(vec![0, 1, 2]));
    assert_eq!(
        item["l"],
        AttributeValue::L(vec![AttributeValue::Null, AttributeValue::Bool(false)])
    );
    let set = AttributeValue::Ss(["a", "b"].map(String::from).into());
    assert_eq!(item["m"], AttributeValue::M(Item::from([("x".into(), set)])));
    assert_eq!(put.return_values, text("ALL_OLD"));
}

#[test]
fn create_table_of_boto3() {
    let body = r#"{"TableName": "Music", "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}], "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}], "BillingMode": "PAY_PER_REQUEST"}"#;
    let create = request::<CreateTableRequest>(body);
    let element = KeySchemaElement { attribute_name: text("pk"), key_type: text("HASH") };
    assert_eq!(create.key_schema, Some(vec![element]));
    create.check(flywheel_item::Wording::Current).unwrap();
    create.check(flywheel_item::Wording::Former).unwrap();
}

#[test]
fn null_is_as_good_as_nothing_and_unknown_members_are_passed_over() {
    let body = r#"{"Other": [1, {"a": null}], "TableName": "t", "Key": null, "Limit": 1}"#;
    let expected = GetItemRequest { table_name: text("t"), ..GetItemRequest::default() };
    assert_eq!(request::<GetItemRequest>(body), expected);
}

#[test]
fn of_members_that_are_there_twice_the_last_counts() {
    let body = r#"{"TableName": "a", "Key": {"pk": {"N": "x"}}, "TableName": "b", "Key": {"pk": {"S": "a", "S": "b"}}}"#;
    let expected =
        GetItemRequest { table_name: text("b"), key: key("b"), ..GetItemRequest::default() };
    assert_eq!(request::<GetItemRequest>(body), expected);
    let names =
        r#"{"Key": {"pk": {"N": "x"}, "pk": {"S": "a"}}, "TableName": "t", "TableName": null}"#;
    let expected = GetItemRequest { key: key("a"), ..GetItemRequest::default() };
    assert_eq!(request::<GetItemRequest>(names), expected);
}

#[test]
fn member_names_may_be_escaped() {
    let body = r#"{"Table\u004eame": "t"}"#;
    assert_eq!(request::<GetItemRequest>(body).table_name, text("t"));
}

#[test]
fn numbers_are_cut_off_and_bounded_as_in_java() {
    for (sent, value, is_exact) in [
        ("2", 2, true),
        ("2.0", 2, true),
        ("2.9", 2, false),
        ("-2.9", -2, false),
        ("1e2", 100, true),
        ("4294967296", i64::from(i32::MAX), false),
        ("-99999999999999999999999", i64::from(i32::MIN), false),
    ] {
        let body = format!(r#"{{"Limit": {sent}}}"#);
        let read = Some(flywheel_api::Narrowed { value, is_exact });
        assert_eq!(request::<ScanRequest>(&body).limit, read, "of {sent}");
    }
    let body = r#"{"ProvisionedThroughput": {"ReadCapacityUnits": 4294967296}}"#;
    let throughput = request::<CreateTableRequest>(body).provisioned_throughput.unwrap();
    assert_eq!(throughput.read_capacity_units, Some(1 << 32));
}

#[test]
fn booleans_may_be_words() {
    for (sent, read) in [
        ("true", true),
        (r#""True""#, true),
        (r#""yes""#, true),
        (r#""1""#, true),
        (r#""N""#, false),
        (r#""false""#, false),
    ] {
        let body = format!(r#"{{"ConsistentRead": {sent}}}"#);
        assert_eq!(request::<GetItemRequest>(&body).consistent_read, Some(read), "of {sent}");
    }
}

#[test]
fn every_operation_is_found_by_its_name() {
    for &operation in Operation::ALL {
        assert_eq!(Operation::from_name(operation.name()), Some(operation));
    }
    assert_eq!(Operation::from_name("getItem"), None);
}

#[test]
fn a_table_may_be_named_by_its_arn() {
    for (sent, table) in [
        ("abc", "abc"),
        ("arn:aws:dynamodb:eu-west-1:123456789012:table/abc", "abc"),
        ("arn:aws:other", "arn:aws:other"),
    ] {
        assert_eq!(table_of_arn(sent), table);
    }
}
