//! Items of responses: stored bytes and built items are the same JSON.

use bytes::Bytes;
use flywheel_api::*;
use flywheel_item::{AttributeValue, Item, Number, codec};
use proptest::prelude::*;

use crate::support::any_item;

fn stored(item: &Item) -> ItemOut {
    let mut bytes = Vec::new();
    codec::encode(item, &mut bytes);
    ItemOut::Stored(Bytes::from(bytes))
}

proptest! {
    #[test]
    fn stored_and_built_are_written_alike(item in any_item()) {
        let (stored, built) = (stored(&item), ItemOut::Built(item.clone()));
        prop_assert_eq!(&stored, &built);
        let written = write(&stored).unwrap();
        prop_assert_eq!(&written, &write(&built).unwrap());
        prop_assert_eq!(&written, &serde_json::to_vec(&stored).unwrap());
        prop_assert_eq!(read::<ItemOut>(&written).unwrap(), ItemOut::Built(item.clone()));
        prop_assert_eq!(stored.into_item().unwrap(), item);
    }
}

#[test]
fn numbers_have_all_their_digits() {
    let number = |text: &str| AttributeValue::N(Number::parse(text).unwrap());
    let item = Item::from([("a".into(), number("1e40")), ("b".into(), number("-0.50"))]);
    let json = r#"{"a":{"N":"10000000000000000000000000000000000000000"},"b":{"N":"-0.5"}}"#;
    assert_eq!(String::from_utf8(write(&stored(&item)).unwrap()).unwrap(), json);
}

#[test]
fn damaged_bytes_are_an_error_and_no_panic() {
    let item = Item::from([("a".into(), AttributeValue::L(vec![AttributeValue::Null; 3]))]);
    let ItemOut::Stored(bytes) = stored(&item) else { unreachable!() };
    for cut in 0..bytes.len() {
        let response = GetItemResponse {
            item: Some(ItemOut::Stored(bytes.slice(..cut))),
            ..GetItemResponse::default()
        };
        let mut out = b"before".to_vec();
        let error = write_into(&response, &mut out).unwrap_err();
        assert_eq!(out, b"before");
        assert_eq!(error.code, ErrorCode::InternalServerError, "cut at {cut}");
    }
}

#[test]
fn what_is_absent_is_not_written() {
    assert_eq!(write(&GetItemResponse::default()).unwrap(), b"{}");
    let empty = GetItemResponse { item: Some(ItemOut::default()), ..GetItemResponse::default() };
    assert_eq!(write(&empty).unwrap(), br#"{"Item":{}}"#);
}

#[test]
fn a_response_with_a_value_that_is_none_is_not_read() {
    assert!(read::<GetItemResponse>(br#"{"Item":{"a":{"N":"x"}}}"#).is_err());
}
