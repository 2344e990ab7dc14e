//! Parameters that came before expressions.

use flywheel_api::legacy::Sender;
use flywheel_api::*;
use flywheel_item::legacy::{Combine, LegacyAction, LegacyOperator};
use flywheel_item::{AttributeValue, Wording};

use crate::support::request;

const PUT: Sender = Sender { operation: Operation::PutItem, wording: Wording::Current };
const SCAN: Sender = Sender { operation: Operation::Scan, wording: Wording::Current };

#[test]
fn expected() {
    let body = r#"{"Expected":{"a":{"Exists":"no"},"b":{"ComparisonOperator":"BETWEEN","AttributeValueList":[{"S":"x"},{"S":"y"}]}}}"#;
    let expected = PUT.expected(request::<PutItemRequest>(body).expected.unwrap()).unwrap();
    assert_eq!(expected["a"].exists, Some(false));
    assert_eq!(expected["b"].operator, Some(LegacyOperator::Between));
    assert_eq!(expected["b"].values.as_ref().unwrap().len(), 2);
}

#[test]
fn what_is_wrong_with_them() {
    let refused = |body: &str| {
        let expected = request::<PutItemRequest>(body).expected.unwrap();
        PUT.expected(expected).unwrap_err().message
    };
    assert_eq!(
        refused(r#"{"Expected":{"a":{"Value":{"N":"x"}}}}"#),
        "1 validation error detected: The parameter cannot be converted to a numeric value: x"
    );
    assert_eq!(
        refused(r#"{"Expected":{"a":{"ComparisonOperator":"eq"}}}"#),
        "1 validation error detected: One or more parameter values were invalid: Invalid comparison operator"
    );
    let body = r#"{"ScanFilter":{"a":{"ComparisonOperator":"FOO"}}}"#;
    assert_eq!(
        SCAN.conditions(request::<ScanRequest>(body).scan_filter.unwrap()).unwrap_err().message,
        "One or more parameter values were invalid: Invalid comparison operator"
    );
}

#[test]
fn updates() {
    let body = r#"{"AttributeUpdates":{"a":{"Value":{"BOOL":true}},"b":{"Action":"DELETE"},"c":{"Action":"ADD","Value":{"N":"1"}}}}"#;
    let updates = request::<UpdateItemRequest>(body).attribute_updates.unwrap();
    let updates = PUT.updates(updates).unwrap();
    assert_eq!(updates["a"].action, LegacyAction::Put);
    assert_eq!(updates["a"].value, Some(AttributeValue::Bool(true)));
    assert_eq!(updates["b"].action, LegacyAction::Delete);
    assert_eq!(updates["c"].action, LegacyAction::Add);
    let body = r#"{"AttributeUpdates":{"a":{"Action":"SET"}}}"#;
    let updates = request::<UpdateItemRequest>(body).attribute_updates.unwrap();
    assert_eq!(
        PUT.updates(updates).unwrap_err().message,
        "1 validation error detected: Member must satisfy enum value set: [ADD, DELETE, PUT]' for Action"
    );
}

#[test]
fn conditional_operators() {
    assert_eq!(SCAN.combine(None, 0).unwrap(), Combine::And);
    assert_eq!(SCAN.combine(Some("OR"), 2).unwrap(), Combine::Or);
    for (sent, conditions, says) in [
        ("XOR", 0, "ConditionalOperator cannot be used without Filter or Expected"),
        ("AND", 0, "ConditionalOperator cannot be used without Filter or Expected"),
        (
            "XOR",
            1,
            "ConditionalOperator can only be used when Filter or Expected has two or more elements",
        ),
        ("XOR", 2, "Failed to satisfy constraint: Member must satisfy enum value set: [ALL, OR]"),
    ] {
        let refused = |sender: Sender| sender.combine(Some(sent), conditions).unwrap_err().message;
        assert_eq!(refused(SCAN), says);
        assert_eq!(refused(PUT), format!("1 validation error detected: {says}"));
    }
}
