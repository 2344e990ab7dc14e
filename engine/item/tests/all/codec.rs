//! The stored form: whole, in place, and damaged.

use flywheel_item::codec::{ValueRef, decode, encode, read, size_bytes};
use flywheel_item::{AttributeValue, Item, item_size_bytes};
use proptest::prelude::*;

use crate::support::{any_item, item, l, m, n, s, ss};

fn encoded(item: &Item) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(item, &mut bytes);
    bytes
}

#[test]
fn attributes_are_found_in_place() {
    let item = item([
        ("a", l([s("x"), m([("deep", n("1"))])])),
        ("b", s("text")),
        ("c", ss(["one", "two"])),
    ]);
    let bytes = encoded(&item);
    let attributes = read(&bytes).unwrap();
    assert_eq!(attributes.len(), 3);
    assert!(matches!(attributes.get("b").unwrap(), Some(ValueRef::S("text"))));
    assert!(attributes.get("bb").unwrap().is_none() && attributes.get("z").unwrap().is_none());
    for (name, value) in &item {
        let found = attributes.get(name).unwrap().expect("it is there");
        assert_eq!(found.to_value().unwrap(), *value);
    }
}

#[test]
fn what_is_stored_is_small() {
    // Ten fields of 100 bytes, as YCSB has them: names, lengths and tags take less than a tenth.
    let fields = (0..10).map(|field| (format!("field{field}"), s(&"x".repeat(100))));
    let bytes = encoded(&fields.collect());
    assert!(bytes.len() < 1_100, "{} bytes", bytes.len());
}

#[test]
fn nothing_nests_deeper_than_items_may() {
    let mut value = AttributeValue::L(Vec::new());
    for _ in 0..40 {
        value = AttributeValue::L(vec![value]);
    }
    assert!(decode(&encoded(&item([("deep", value)]))).is_err());
}

proptest! {
    #[test]
    fn what_is_stored_is_read_again(item in any_item()) {
        prop_assert_eq!(size_bytes(&encoded(&item)).unwrap(), item_size_bytes(&item));
        prop_assert_eq!(decode(&encoded(&item)).unwrap(), item);
    }

    #[test]
    fn what_is_cut_off_or_longer_is_no_item(item in any_item(), cut in any::<prop::sample::Index>()) {
        let bytes = encoded(&item);
        let cut = cut.index(bytes.len());
        prop_assert!(decode(&bytes[..cut]).is_err());
        let longer = [&bytes[..], &[0]].concat();
        prop_assert!(decode(&longer).is_err());
    }

    #[test]
    fn damage_is_an_error_or_another_item_but_never_a_panic(
        item in any_item(),
        at in any::<prop::sample::Index>(),
        bit in 0u32..8,
    ) {
        let mut bytes = encoded(&item);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let _ = size_bytes(&bytes);
        if let Ok(other) = decode(&bytes) {
            prop_assert_eq!(encoded(&other), bytes, "one item, one form");
        }
    }
}
