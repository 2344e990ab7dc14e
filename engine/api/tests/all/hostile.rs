//! Bodies that mean harm: none costs the stack, none panics.

use flywheel_api::*;
use flywheel_item::{Invalid, Item};
use proptest::prelude::*;

use crate::support::{refusal, request};

const DEEP: usize = 1_000_000;

fn nested(open: &str, close: &str, levels: usize) -> String {
    format!("{}{{\"S\":\"leaf\"}}{}", open.repeat(levels), close.repeat(levels))
}

#[test]
fn a_million_brackets_are_read_or_refused() {
    let brackets = "[".repeat(DEEP);
    assert_eq!(refusal::<GetItemRequest>(&brackets), "");
    assert_eq!(
        refusal::<GetItemRequest>(&format!(r#"{{"TableName":{brackets}"#)),
        "Unrecognized collection type class java.lang.String"
    );
    // Of a member that no request has.
    assert_eq!(refusal::<GetItemRequest>(&format!(r#"{{"Other":{brackets}"#)), "");
    let closed = format!(r#"{{"Other":{brackets}{}}}"#, "]".repeat(DEEP));
    assert_eq!(request::<GetItemRequest>(&closed), GetItemRequest::default());
    // Of a value.
    assert_eq!(
        refusal::<GetItemRequest>(&format!(r#"{{"Key":{{"a":{brackets}"#)),
        "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.AttributeValue"
    );
}

#[test]
fn values_nested_a_million_levels_deep_are_too_deep() {
    for (open, close) in [(r#"{"L":["#, "]}"), (r#"{"M":{"a":"#, "}}")] {
        let body = format!(r#"{{"Item":{{"a":{}}}}}"#, nested(open, close, DEEP));
        let sent = request::<PutItemRequest>(&body).item.unwrap();
        assert_eq!(sent.into_sound(), Err(Invalid::NestedTooDeep));
        let half = format!(r#"{{"Item":{{"a":{}"#, open.repeat(DEEP));
        assert_eq!(refusal::<PutItemRequest>(&half), "");
    }
}

#[test]
fn values_may_have_32_levels() {
    for (open, close) in [(r#"{"L":["#, "]}"), (r#"{"M":{"a":"#, "}}")] {
        let value = |levels| {
            let body = format!(
                r#"{{"TransactItems":[{{"Put":{{"Item":{{"a":{}}}}}}}]}}"#,
                nested(open, close, levels)
            );
            let items = request::<TransactWriteItemsRequest>(&body).transact_items.unwrap();
            items[0].put.as_ref().unwrap().item.clone().unwrap().into_sound()
        };
        assert!(value(31).is_ok());
        assert_eq!(value(32), Err(Invalid::NestedTooDeep));
    }
}

#[test]
fn lists_that_are_far_too_long_are_not_kept() {
    let body = format!(r#"{{"TransactItems":[{}{{}}]}}"#, "{},".repeat(DEEP));
    let items = request::<TransactWriteItemsRequest>(&body).transact_items.unwrap();
    assert_eq!(items.len(), limits::MAX_KEPT_STRUCTURES);
    let response = format!(r#"{{"Items":[{}{{}}]}}"#, "{},".repeat(5000));
    assert_eq!(request::<QueryResponse>(&response).items.unwrap().len(), 5001);
    let list = format!(r#"{{"S":"x"}},{}{{"S":"x"}}"#, "{},".repeat(5000));
    let body = format!(r#"{{"ScanFilter":{{"a":{{"AttributeValueList":[{list}]}}}}}}"#);
    let filter = request::<ScanRequest>(&body).scan_filter.unwrap();
    let values = filter["a"].attribute_value_list.as_ref().unwrap();
    let wrong: Vec<bool> = values.iter().map(|value| value.sound().is_err()).collect();
    assert_eq!(wrong, [false, true, false]);
}

#[test]
fn what_is_no_json_is_refused_without_words() {
    for body in ["", " ", "{", "{\"a\"", "nul", "{} {}", "{\"TableName\":\"\\x\"}", "\u{feff}{}"] {
        assert_eq!(refusal::<GetItemRequest>(body), "", "of {body:?}");
    }
    assert_eq!(read::<GetItemRequest>(b"{\"TableName\":\"\xff\"}").unwrap_err().message, "");
}

#[test]
fn what_is_no_object_is_refused_without_words() {
    for body in ["null", "[]", "1", "\"text\"", "true", "[\"t\", {}]"] {
        assert_eq!(refusal::<GetItemRequest>(body), "", "of {body}");
    }
}

fn read_as_everything(body: &[u8]) {
    macro_rules! read_as {
        ($($message:ty),*) => {$(
            if let Ok(message) = read::<$message>(body) {
                for wording in [flywheel_item::Wording::Current, flywheel_item::Wording::Former] {
                    let _ = message.check(wording);
                }
            }
        )*};
    }
    read_as!(
        GetItemRequest,
        PutItemRequest,
        UpdateItemRequest,
        DeleteItemRequest,
        QueryRequest,
        ScanRequest,
        BatchGetItemRequest,
        BatchWriteItemRequest,
        TransactGetItemsRequest,
        TransactWriteItemsRequest,
        CreateTableRequest,
        UpdateTableRequest,
        ListTablesRequest,
        TagResourceRequest,
        UntagResourceRequest,
        UpdateTimeToLiveRequest
    );
    let _ = read::<Sent<Item>>(body);
    let _ = ApiError::from_json(400, body);
}

proptest! {
    #[test]
    fn any_json_is_read_or_refused(
        names in proptest::collection::vec("TableName|Key|Item|Limit|TransactItems|RequestItems|Put|KeySchema|Tags|[A-Z]", 0..6),
        values in proptest::collection::vec(
            r#"null|true|-1|1\.5|"x"|\[\]|\{\}|\[\{\}\]|\{"a":\{\}\}|\{"a":\[\{\}\]\}|\[\{"Put":\{\}\}\]|\{"a":\{"N":"x"\}\}"#,
            6,
        ),
    ) {
        let members: Vec<String> =
            names.iter().zip(&values).map(|(name, value)| format!("\"{name}\":{value}")).collect();
        read_as_everything(format!("{{{}}}", members.join(",")).as_bytes());
    }
}
