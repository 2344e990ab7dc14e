//! Attribute values that are sound JSON and no sound values, and what AWS says of them.

use flywheel_api::*;
use flywheel_item::Wording;

use crate::support::request;

const INVALID: &str = "One or more parameter values were invalid: ";
const EMPTY: &str =
    "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes";
const SEVERAL: &str = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes";

/// What is said of a value of an item, in both wordings.
fn faults(value: &str) -> [String; 2] {
    let body = format!(r#"{{"Item":{{"a":{{"S":"x"}},"b":{value}}}}}"#);
    let invalid = request::<PutItemRequest>(&body).item.unwrap().into_sound().unwrap_err();
    [invalid.message(Wording::Current), invalid.message(Wording::Former)]
}

#[test]
fn values_of_no_type_or_of_several() {
    for (value, says) in [
        ("{}", EMPTY.to_owned()),
        ("null", EMPTY.to_owned()),
        (r#"{"X":"a"}"#, EMPTY.to_owned()),
        (r#"{"S":null}"#, EMPTY.to_owned()),
        (r#"{"S":"a","N":"1"}"#, SEVERAL.to_owned()),
        (r#"{"S":"a","NULL":true}"#, SEVERAL.to_owned()),
        (r#"{"L":[{"S":"a"},{}]}"#, EMPTY.to_owned()),
        (r#"{"L":[null]}"#, EMPTY.to_owned()),
        (r#"{"M":{"x":{}}}"#, EMPTY.to_owned()),
        (r#"{"S":"a","SS":[]}"#, format!("{INVALID}An string set  may not be empty")),
        (
            r#"{"NULL":false}"#,
            format!("{INVALID}Null attribute value types must have the value of true"),
        ),
        (
            r#"{"NULL":"no"}"#,
            format!("{INVALID}Null attribute value types must have the value of true"),
        ),
    ] {
        assert_eq!(faults(value), [says.clone(), says], "of {value}");
    }
}

#[test]
fn a_null_member_does_not_count() {
    let body = r#"{"Item":{"a":{"S":"x","N":null}}}"#;
    assert!(request::<PutItemRequest>(body).item.unwrap().into_sound().is_ok());
}

#[test]
fn numbers() {
    let numeric = "The parameter cannot be converted to a numeric value";
    assert_eq!(faults(r#"{"N":"x"}"#), [format!("{numeric}: x"), format!("{numeric}: x")]);
    assert_eq!(faults(r#"{"N":""}"#), [format!("{numeric}: "), numeric.to_owned()]);
    let digits = "Attempting to store more than 38 significant digits in a Number".to_owned();
    let many = format!(r#"{{"NS":["1","{}"]}}"#, "1".repeat(39));
    assert_eq!(faults(&many), [digits.clone(), digits]);
    let overflow =
        "Number overflow. Attempting to store a number with magnitude larger than supported range";
    assert_eq!(faults(r#"{"N":"1e126"}"#)[0], overflow);
    let more_than_one = faults(r#"{"S":"a","N":"x"}"#);
    assert_eq!(more_than_one[0], format!("{numeric}: x"), "the number comes first");
}

#[test]
fn sets() {
    for (value, current, former) in [
        (r#"{"SS":[]}"#, "An string set  may not be empty", "An string set  may not be empty"),
        (r#"{"NS":[]}"#, "An number set  may not be empty", "An number set  may not be empty"),
        (r#"{"BS":[]}"#, "Binary sets should not be empty", "Binary sets should not be empty"),
        (
            r#"{"SS":["b","a","b"]}"#,
            r#"Input collection ["a", "b", "b"] contains duplicates."#,
            "Input collection [b, a, b] contains duplicates.",
        ),
        (
            r#"{"BS":["AA==","AA=="]}"#,
            r#"Input collection ["AA==","AA=="]of type BS contains duplicates."#,
            "Input collection [AA==, AA==]of type BS contains duplicates.",
        ),
    ] {
        let says = [format!("{INVALID}{current}"), format!("{INVALID}{former}")];
        assert_eq!(faults(value), says, "of {value}");
    }
    assert_eq!(
        faults(r#"{"NS":["1","1.0"]}"#),
        [
            format!("{INVALID}Input collection contains duplicates."),
            "Input collection contains duplicates".to_owned()
        ]
    );
}

#[test]
fn the_first_fault_is_told() {
    let body = r#"{"Item":{"z":{"N":"one"},"a":{"N":"two"}}}"#;
    let invalid = request::<PutItemRequest>(body).item.unwrap().into_sound().unwrap_err();
    assert!(invalid.message(Wording::Current).ends_with("value: one"));
}

#[test]
fn empty_names_are_told_of_before_all_else() {
    for item in [
        r#"{"":{"S":"a"}}"#,
        r#"{"a":{"N":"x"},"":{"S":"a"}}"#,
        r#"{"a":{"N":"x"},"b":{"L":[{},{"M":{"":{"S":"a"}}}]}}"#,
    ] {
        let body = format!(r#"{{"Item":{item}}}"#);
        let invalid = request::<PutItemRequest>(&body).item.unwrap().into_sound().unwrap_err();
        assert_eq!(invalid.message(Wording::Current), "Empty attribute name", "of {item}");
    }
    let values = placeholder_faults(r#"{"M":{"":{"S":"a"}}}"#);
    assert_eq!(values[0], "Empty attribute name");
    assert_eq!(
        values[1],
        "ExpressionAttributeValues contains invalid value: Empty attribute name for key :v"
    );
}

/// What is said of a value for expressions, in both wordings.
fn placeholder_faults(value: &str) -> [String; 2] {
    let body = format!(r#"{{"ExpressionAttributeValues":{{":v":{value}}}}}"#);
    let values = request::<QueryRequest>(&body).expression_attribute_values.unwrap();
    let invalid = values.into_sound().unwrap_err();
    [invalid.message(Wording::Current), invalid.message(Wording::Former)]
}

#[test]
fn values_for_expressions_have_their_placeholder_told() {
    let named =
        |says: &str| format!("ExpressionAttributeValues contains invalid value: {says} for key :v");
    assert_eq!(placeholder_faults("{}"), [named(EMPTY), named(EMPTY)]);
    assert_eq!(placeholder_faults(r#"{"S":"a","N":"1"}"#), [named(SEVERAL), named(SEVERAL)]);
    // By now numbers and sets without it: eu-west-2, 20 October 2026.
    let number = "The parameter cannot be converted to a numeric value: abc";
    assert_eq!(placeholder_faults(r#"{"N":"abc"}"#), [number.to_owned(), named(number)]);
}

#[test]
fn operations_that_write_one_item_count_what_is_wrong() {
    let invalid = request::<PutItemRequest>(r#"{"Item":{"b":{"N":"x"}}}"#)
        .item
        .unwrap()
        .into_sound()
        .unwrap_err();
    let says = "The parameter cannot be converted to a numeric value: x";
    let error = |operation: Operation, wording| operation.invalid(&invalid, wording).message;
    assert_eq!(
        error(Operation::PutItem, Wording::Current),
        format!("1 validation error detected: {says}")
    );
    assert_eq!(error(Operation::PutItem, Wording::Former), says);
    assert_eq!(error(Operation::Query, Wording::Current), says);
}

#[test]
fn a_value_that_is_none_is_not_sent() {
    let body = r#"{"Item":{"b":{"N":"x"}}}"#;
    assert!(write(&request::<PutItemRequest>(body)).is_err());
}
