//! Errors in JSON, as servers write and clients read them.

use flywheel_api::*;
use flywheel_item::{AttributeValue, Item};

fn json(error: &ApiError) -> String {
    String::from_utf8(error.to_json()).unwrap()
}

fn item() -> Item {
    Item::from([("pk".into(), AttributeValue::S("a".into()))])
}

#[test]
fn every_error_is_read_as_it_was_written() {
    for code in ErrorCode::ALL {
        let error = ApiError::new(code, "words");
        assert_eq!(ApiError::from_json(code.status(), &error.to_json()), error);
        let wordless = ApiError::new(code, "");
        assert!(!json(&wordless).contains("essage\":"), "{}", json(&wordless));
        assert_eq!(ApiError::from_json(code.status(), &wordless.to_json()), wordless);
    }
}

#[test]
fn messages_are_capitalised_as_aws_does() {
    assert_eq!(
        json(&ApiError::validation("x")),
        r#"{"__type":"com.amazon.coral.validate#ValidationException","message":"x"}"#
    );
    assert_eq!(
        json(&ApiError::new(ErrorCode::Serialization, "x")),
        r#"{"__type":"com.amazon.coral.service#SerializationException","Message":"x"}"#
    );
    assert_eq!(
        json(&ApiError::new(ErrorCode::Serialization, "")),
        r#"{"__type":"com.amazon.coral.service#SerializationException"}"#
    );
}

#[test]
fn a_condition_that_failed_may_have_the_item() {
    let error = ApiError::condition_failed(Some(item()));
    assert_eq!(
        json(&error),
        r#"{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"The conditional request failed","Item":{"pk":{"S":"a"}}}"#
    );
    assert_eq!(ApiError::from_json(400, &error.to_json()), error);
}

#[test]
fn a_transaction_that_was_given_up_has_reasons() {
    let mut error = ApiError::new(ErrorCode::TransactionCanceled, "cancelled");
    error.reasons = vec![
        CancellationReason { code: "None".into(), ..CancellationReason::default() },
        CancellationReason {
            code: "ConditionalCheckFailed".into(),
            message: Some("The conditional request failed".into()),
            item: Some(item()),
        },
    ];
    assert_eq!(
        json(&error),
        r#"{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","Message":"cancelled","CancellationReasons":[{"Code":"None"},{"Code":"ConditionalCheckFailed","Message":"The conditional request failed","Item":{"pk":{"S":"a"}}}]}"#
    );
    assert_eq!(ApiError::from_json(400, &error.to_json()), error);
}

#[test]
fn what_is_no_error_is_a_fault_of_the_service() {
    for (body, says) in [
        ("<html>", "status 502 with a body that is no error"),
        (r#"{"__type":"x#Other","message":"m"}"#, "status 502, x#Other: m"),
    ] {
        let error = ApiError::from_json(502, body.as_bytes());
        assert_eq!(error, ApiError::internal(says));
    }
}
