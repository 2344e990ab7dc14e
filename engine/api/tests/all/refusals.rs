//! JSON of the wrong types, and what AWS says of it.

use flywheel_api::*;

use crate::support::refusal;

const PACKAGE: &str = "com.amazonaws.dynamodb.v20120810";
const CAST: &str = "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to class java.lang.Class (sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and java.lang.Class are in module java.base of loader 'bootstrap')";

#[test]
fn scalars() {
    for (body, says) in [
        (r#"{"TableName":true}"#, "TRUE_VALUE cannot be converted to String"),
        (r#"{"TableName":false}"#, "FALSE_VALUE cannot be converted to String"),
        (r#"{"TableName":23}"#, "NUMBER_VALUE cannot be converted to String"),
        (r#"{"TableName":-2.5}"#, "DECIMAL_VALUE cannot be converted to String"),
        (r#"{"TableName":[]}"#, "Unrecognized collection type class java.lang.String"),
        (r#"{"TableName":{}}"#, "Start of structure or map found where not expected"),
        (r#"{"Limit":true}"#, "TRUE_VALUE cannot be converted to Integer"),
        (r#"{"Limit":"23"}"#, "STRING_VALUE cannot be converted to Integer"),
        (r#"{"Limit":[]}"#, "Unrecognized collection type class java.lang.Integer"),
        (r#"{"Limit":{}}"#, "Start of structure or map found where not expected"),
        (r#"{"ConsistentRead":23}"#, "NUMBER_VALUE cannot be converted to Boolean"),
        (r#"{"ConsistentRead":2.5}"#, "DECIMAL_VALUE cannot be converted to Boolean"),
        (r#"{"ConsistentRead":"maybe"}"#, "Unexpected token received from parser"),
        (r#"{"ConsistentRead":[]}"#, "Unrecognized collection type class java.lang.Boolean"),
        (r#"{"ConsistentRead":{}}"#, "Start of structure or map found where not expected"),
    ] {
        assert_eq!(refusal::<ScanRequest>(body), says, "of {body}");
    }
    let body = r#"{"ProvisionedThroughput":{"ReadCapacityUnits":"1"}}"#;
    assert_eq!(refusal::<CreateTableRequest>(body), "STRING_VALUE cannot be converted to Long");
}

#[test]
fn structures() {
    let class = |name: &str| format!("Unrecognized collection type class {PACKAGE}.{name}");
    for (body, says) in [
        (r#"{"ProvisionedThroughput":1}"#, "Unexpected field type".into()),
        (r#"{"ProvisionedThroughput":"x"}"#, "Unexpected field type".into()),
        (r#"{"ProvisionedThroughput":[]}"#, class("ProvisionedThroughput")),
        (r#"{"SSESpecification":[]}"#, class("SSESpecification")),
        (r#"{"KeySchema":[1]}"#, "Unexpected value type in payload".into()),
        (r#"{"KeySchema":[[]]}"#, class("KeySchemaElement")),
        (r#"{"KeySchema":1}"#, "Unexpected field type".into()),
        (r#"{"KeySchema":{}}"#, "Start of structure or map found where not expected".into()),
        (r#"{"GlobalSecondaryIndexes":[{"Projection":[]}]}"#, class("Projection")),
    ] {
        assert_eq!(refusal::<CreateTableRequest>(body), says, "of {body}");
    }
}

#[test]
fn an_array_is_no_structure_even_if_its_elements_would_do() {
    let body = r#"{"KeySchema":[["a","HASH"]]}"#;
    let says = format!("Unrecognized collection type class {PACKAGE}.KeySchemaElement");
    assert_eq!(refusal::<CreateTableRequest>(body), says);
    assert_eq!(refusal::<GetItemRequest>(r#"["t"]"#), "");
}

#[test]
fn lists_and_maps_within_others() {
    let map = |class: &str| {
        format!("Unrecognized collection type java.util.Map<java.lang.String, {class}>")
    };
    let writes = format!("java.util.List<{PACKAGE}.WriteRequest>");
    for (body, says) in [
        (r#"{"RequestItems":[]}"#, map(&writes)),
        (r#"{"RequestItems":1}"#, "Unexpected field type".into()),
        (r#"{"RequestItems":{"t":1}}"#, CAST.into()),
        (
            r#"{"RequestItems":{"t":{}}}"#,
            "Start of structure or map found where not expected".into(),
        ),
        (r#"{"RequestItems":{"t":[1]}}"#, "Unexpected value type in payload".into()),
        (
            r#"{"RequestItems":{"t":[[]]}}"#,
            format!("Unrecognized collection type class {PACKAGE}.WriteRequest"),
        ),
        (r#"{"RequestItems":{"t":[{"PutRequest":1}]}}"#, "Unexpected field type".into()),
    ] {
        assert_eq!(refusal::<BatchWriteItemRequest>(body), says, "of {body}");
    }
    for (body, says) in [
        (r#"{"RequestItems":[]}"#, map(&format!("{PACKAGE}.KeysAndAttributes"))),
        (r#"{"RequestItems":{"t":1}}"#, "Unexpected value type in payload".into()),
        (r#"{"RequestItems":{"t":{"Keys":[1]}}}"#, CAST.into()),
        (r#"{"RequestItems":{"t":{"Keys":[[]]}}}"#, map(&format!("{PACKAGE}.AttributeValue"))),
        (r#"{"RequestItems":{"t":{"ExpressionAttributeNames":[]}}}"#, map("java.lang.String")),
    ] {
        assert_eq!(refusal::<BatchGetItemRequest>(body), says, "of {body}");
    }
}

#[test]
fn attribute_values() {
    let value = format!("{PACKAGE}.AttributeValue");
    let base64 = "only base-64-encoded strings are convertible to bytes";
    for (sent, says) in [
        ("1", "Unexpected value type in payload".into()),
        ("[]", format!("Unrecognized collection type class {value}")),
        (r#"{"S":1}"#, "NUMBER_VALUE cannot be converted to String".into()),
        (r#"{"S":[]}"#, "Unrecognized collection type class java.lang.String".into()),
        (r#"{"N":1}"#, "NUMBER_VALUE cannot be converted to String".into()),
        (r#"{"N":1.5}"#, "DECIMAL_VALUE cannot be converted to String".into()),
        (r#"{"BOOL":1}"#, "NUMBER_VALUE cannot be converted to Boolean".into()),
        (r#"{"BOOL":"perhaps"}"#, "Unexpected token received from parser".into()),
        (r#"{"BOOL":[]}"#, String::new()),
        (r#"{"NULL":{}}"#, "Start of structure or map found where not expected".into()),
        (r#"{"B":true}"#, base64.into()),
        (r#"{"B":[]}"#, "Unrecognized collection type class java.nio.ByteBuffer".into()),
        (r#"{"B":{}}"#, "Start of structure or map found where not expected".into()),
        (
            r#"{"B":"abc"}"#,
            "Base64 encoded length is expected a multiple of 4 bytes but found: 3".into(),
        ),
        (r#"{"B":"a=bc"}"#, "Invalid last non-pad Base64 character dectected".into()),
        (r#"{"SS":"a"}"#, "Unexpected field type".into()),
        (r#"{"SS":{}}"#, "Start of structure or map found where not expected".into()),
        (r#"{"SS":[1]}"#, "NUMBER_VALUE cannot be converted to String".into()),
        (r#"{"NS":[1]}"#, "NUMBER_VALUE cannot be converted to String".into()),
        (r#"{"BS":[1]}"#, base64.into()),
        (r#"{"L":1}"#, "Unexpected field type".into()),
        (r#"{"L":[1]}"#, "Unexpected value type in payload".into()),
        (r#"{"L":{}}"#, "Start of structure or map found where not expected".into()),
        (r#"{"M":1}"#, "Unexpected field type".into()),
        (
            r#"{"M":[]}"#,
            format!("Unrecognized collection type java.util.Map<java.lang.String, {value}>"),
        ),
        (r#"{"M":{"a":1}}"#, "Unexpected value type in payload".into()),
    ] {
        let body = format!(r#"{{"Item":{{"a":{sent}}}}}"#);
        assert_eq!(refusal::<PutItemRequest>(&body), says, "of {sent}");
    }
}

#[test]
fn wrong_json_is_told_of_before_wrong_values() {
    let body = r#"{"Item":{"a":{"N":"x"},"b":{"NULL":false}},"TableName":1}"#;
    assert_eq!(refusal::<PutItemRequest>(body), "NUMBER_VALUE cannot be converted to String");
}

#[test]
fn words_of_the_parser_do_not_show() {
    let body = "{\n \"ConditionalOperator\": \"x at line 1 column 2\",\n \"TableName\": 1}";
    assert_eq!(refusal::<PutItemRequest>(body), "NUMBER_VALUE cannot be converted to String");
}
