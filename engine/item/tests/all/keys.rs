//! Keys: their order, and ranges of them.

use flywheel_item::AttributeValue;
use flywheel_item::key::{
    KeyEncoder, KeyRange, SortCondition, partition_len_bytes, prefix_successor,
};
use proptest::prelude::*;

use crate::support::{any_number, b, n, s};

fn table_key(sort: &AttributeValue) -> Vec<u8> {
    let mut key = KeyEncoder::new(b"t", &[&s("p")]);
    key.push_last(sort);
    key.finish()
}

fn index_key(sort: &AttributeValue, more: &AttributeValue) -> Vec<u8> {
    let mut key = KeyEncoder::new(b"t", &[&s("p"), &n("1")]);
    key.push(sort).push_last(more);
    key.finish()
}

#[test]
fn one_partition_key_is_one_run_of_keys() {
    let key = |partition: &[&AttributeValue]| KeyEncoder::new(b"x", partition).finish();
    assert_eq!(key(&[&n("1000")]), key(&[&n("1e3")]), "equal numbers are one key");
    assert_ne!(key(&[&s("ab"), &s("c")]), key(&[&s("a"), &s("bc")]), "parts do not run together");
    assert_ne!(key(&[&s("a")]), key(&[&s("a\0")]));
    let range = KeyRange::of_prefix(&KeyEncoder::new(b"t", &[&s("p")]));
    assert!(range.contains(&table_key(&s(""))) && range.contains(&table_key(&b(&[0xff; 40]))));
    assert!(!range.contains(&KeyEncoder::new(b"t", &[&s("pp")]).finish()));
}

#[test]
fn long_parts_stand_as_digests_where_much_follows() {
    let key = |text: &str| KeyEncoder::bounded(b"t", &[&s(text)], 64).finish();
    assert_eq!(key("short"), KeyEncoder::new(b"t", &[&s("short")]).finish());
    let (long, other) = ("a".repeat(65), "a".repeat(66));
    assert_eq!(key(&long).len(), 1 + 10 + 32);
    assert_eq!(key(&long), key(&long));
    assert_ne!(key(&long)[11..], key(&other)[11..]);
    let length = |key: &[u8]| partition_len_bytes([key[9], key[10]]);
    assert_eq!((length(&key("short")), length(&key(&long))), (5, 32));
    let told_apart = |bytes: &[u8]| {
        let mut key = KeyEncoder::new(b"t", &[&s("p")]);
        key.push_distinction(bytes, 64);
        key.finish()
    };
    assert_eq!(told_apart(&[7; 64]).len(), told_apart(&[7; 65]).len() + 32);
    assert_ne!(told_apart(&[7; 65]), told_apart(&[7; 66]));
}

#[test]
fn what_is_behind_a_prefix() {
    assert_eq!(prefix_successor(b"ab"), Some(b"ac".to_vec()));
    assert_eq!(prefix_successor(&[1, 0xff, 0xff]), Some(vec![2]));
    assert_eq!(prefix_successor(&[0xff, 0xff]), None);
}

fn any_sort() -> impl Strategy<Value = Vec<AttributeValue>> {
    let text = prop_oneof!["[a-b\u{0}é]{0,4}", ".{0,6}"];
    let byte = prop_oneof![Just(0u8), Just(1), Just(0xff), any::<u8>()];
    let bytes = proptest::collection::vec(byte, 0..5);
    prop_oneof![
        proptest::collection::vec(text.prop_map(AttributeValue::S), 3),
        proptest::collection::vec(any_number().prop_map(AttributeValue::N), 3),
        proptest::collection::vec(bytes.prop_map(AttributeValue::B), 3),
    ]
}

fn order(a: &AttributeValue, b: &AttributeValue) -> std::cmp::Ordering {
    match (a, b) {
        (AttributeValue::S(a), AttributeValue::S(b)) => a.as_bytes().cmp(b.as_bytes()),
        (AttributeValue::N(a), AttributeValue::N(b)) => a.cmp(b),
        (AttributeValue::B(a), AttributeValue::B(b)) => a.cmp(b),
        _ => unreachable!("one type each"),
    }
}

fn starts_with(value: &AttributeValue, beginning: &AttributeValue) -> bool {
    match (value, beginning) {
        (AttributeValue::S(value), AttributeValue::S(beginning)) => value.starts_with(&**beginning),
        (AttributeValue::B(value), AttributeValue::B(beginning)) => value.starts_with(beginning),
        _ => unreachable!("not asked of numbers"),
    }
}

proptest! {
    #[test]
    fn keys_sort_as_their_values(values in any_sort(), more in any_sort()) {
        let (a, b) = (&values[0], &values[1]);
        prop_assert_eq!(table_key(a).cmp(&table_key(b)), order(a, b));
        let (x, y) = (&more[0], &more[1]);
        let both = order(a, b).then_with(|| order(x, y));
        prop_assert_eq!(index_key(a, x).cmp(&index_key(b, y)), both);
    }

    #[test]
    fn a_range_has_what_meets_its_condition_and_nothing_else(values in any_sort(), more in any_sort()) {
        let [value, low, high] = &values[..] else { unreachable!("three were drawn") };
        let (is, to) = (order(value, low), order(value, high));
        let mut conditions = vec![
            (SortCondition::Equal(low.clone()), is.is_eq()),
            (SortCondition::Less(low.clone()), is.is_lt()),
            (SortCondition::LessOrEqual(low.clone()), is.is_le()),
            (SortCondition::Greater(low.clone()), is.is_gt()),
            (SortCondition::GreaterOrEqual(low.clone()), is.is_ge()),
            (SortCondition::Between(low.clone(), high.clone()), is.is_ge() && to.is_le()),
        ];
        if !matches!(value, AttributeValue::N(_)) {
            conditions.push((SortCondition::BeginsWith(low.clone()), starts_with(value, low)));
        }
        for (condition, holds) in conditions {
            let prefix = KeyEncoder::new(b"t", &[&s("p")]);
            let range = KeyRange::of_condition(&prefix, &condition, false);
            prop_assert_eq!(range.contains(&table_key(value)), holds, "{:?}, last", condition);
            let prefix = KeyEncoder::new(b"t", &[&s("p"), &n("1")]);
            let range = KeyRange::of_condition(&prefix, &condition, true);
            let key = index_key(value, &more[0]);
            prop_assert_eq!(range.contains(&key), holds, "{:?}, followed", condition);
        }
    }
}
