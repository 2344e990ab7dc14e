//! First steps.

use flywheel_api::*;

#[test]
fn a_request_is_read_and_written() {
    let body = br#"{"TableName":"t1","Key":{"p":{"S":"a"},"n":{"N":"1e2"},"b":{"B":"YWI="},"l":{"L":[{"NULL":true},{"BOOL":false},{"M":{"x":{"NS":["2","1"]}}}]}},"ConsistentRead":true}"#;
    let request: GetItemRequest = read(body).unwrap();
    assert_eq!(request.table_name.as_deref(), Some("t1"));
    let written = write(&request).unwrap();
    assert_eq!(
        String::from_utf8(written).unwrap(),
        r#"{"TableName":"t1","Key":{"b":{"B":"YWI="},"l":{"L":[{"NULL":true},{"BOOL":false},{"M":{"x":{"NS":["1","2"]}}}]},"n":{"N":"100"},"p":{"S":"a"}},"ConsistentRead":true}"#
    );
    let error = read::<GetItemRequest>(br#"{"TableName":1}"#).unwrap_err();
    assert_eq!(error.message, "NUMBER_VALUE cannot be converted to String");
    let error = read::<GetItemRequest>(br#"{"Key":[]}"#).unwrap_err();
    assert_eq!(
        error.message,
        "Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>"
    );
}
