//! Short ways to read and check, and values drawn at random. No tests here.

use flywheel_api::{ApiError, Checked, ErrorCode, read};
use flywheel_item::{AttributeValue, Item, Number, Wording};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use serde::de::DeserializeOwned;

/// Reads a request that is sound JSON.
pub fn request<T: DeserializeOwned>(body: &str) -> T {
    read(body.as_bytes()).unwrap_or_else(|error| panic!("{body}: {error}"))
}

/// What a body is refused with that is not read as a `T`.
pub fn refusal<T: DeserializeOwned>(body: &str) -> String {
    let error = read::<T>(body.as_bytes()).err().unwrap_or_else(|| panic!("{body} was read"));
    assert_eq!(error.code, ErrorCode::Serialization, "of {body}");
    error.message
}

/// What the constraints say of a request, in one wording; nothing if they say nothing.
pub fn fault<T: DeserializeOwned + Checked>(body: &str, wording: Wording) -> String {
    match request::<T>(body).check(wording) {
        Ok(()) => String::new(),
        Err(ApiError { code: ErrorCode::Validation, message, .. }) => message,
        Err(other) => panic!("{body}: {other}"),
    }
}

/// As `{"a": .., "b": ..}` with other members merged in; `null` takes a member away.
pub fn with(base: &str, extra: &str) -> String {
    let mut merged: serde_json::Value = serde_json::from_str(base).unwrap();
    let extra: serde_json::Value = serde_json::from_str(extra).unwrap();
    for (name, value) in extra.as_object().unwrap() {
        merged[name] = value.clone();
    }
    merged.to_string()
}

/// Any value, a few levels deep.
pub fn any_value() -> impl Strategy<Value = AttributeValue> {
    let number = (any::<i64>(), -90i32..90)
        .prop_map(|(digits, exponent)| Number::parse(&format!("{digits}e{exponent}")).unwrap())
        .boxed();
    let leaf = prop_oneof![
        ".{0,12}".prop_map(AttributeValue::S),
        number.clone().prop_map(AttributeValue::N),
        vec(any::<u8>(), 0..12).prop_map(AttributeValue::B),
        any::<bool>().prop_map(AttributeValue::Bool),
        Just(AttributeValue::Null),
        btree_set(".{0,6}", 1..5).prop_map(AttributeValue::Ss),
        btree_set(number, 1..5).prop_map(AttributeValue::Ns),
        btree_set(vec(any::<u8>(), 0..6), 1..5).prop_map(AttributeValue::Bs),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(AttributeValue::L),
            btree_map(".{1,6}", inner, 0..6).prop_map(AttributeValue::M),
        ]
    })
}

/// Any item.
pub fn any_item() -> impl Strategy<Value = Item> {
    btree_map(".{1,8}", any_value(), 0..8)
}
