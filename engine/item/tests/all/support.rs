//! Short ways to write values, and values drawn at random. No tests here.

use std::collections::BTreeMap;

use flywheel_item::expression::{Condition, Placeholders};
use flywheel_item::{AttributeValue, ExpressionKind, Invalid, Item, Number};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;

pub fn n(text: &str) -> AttributeValue {
    AttributeValue::N(Number::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")))
}

pub fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub fn b(bytes: &[u8]) -> AttributeValue {
    AttributeValue::B(bytes.into())
}

pub fn l(values: impl IntoIterator<Item = AttributeValue>) -> AttributeValue {
    AttributeValue::L(values.into_iter().collect())
}

pub fn m<const N: usize>(values: [(&str, AttributeValue); N]) -> AttributeValue {
    AttributeValue::M(item(values))
}

pub fn ss<const N: usize>(members: [&str; N]) -> AttributeValue {
    AttributeValue::Ss(members.into_iter().map(str::to_owned).collect())
}

pub fn ns<const N: usize>(members: [&str; N]) -> AttributeValue {
    AttributeValue::Ns(members.into_iter().map(|text| Number::parse(text).unwrap()).collect())
}

pub fn item<const N: usize>(values: [(&str, AttributeValue); N]) -> Item {
    values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Names and values of a request; empty ones are left out.
pub fn placeholders<const N: usize, const V: usize>(
    names: [(&str, &str); N],
    values: [(&str, AttributeValue); V],
) -> Placeholders {
    let names: BTreeMap<String, String> =
        names.into_iter().map(|(key, name)| (key.into(), name.into())).collect();
    let values = item(values);
    let some = |is_empty: bool| (!is_empty).then_some(());
    Placeholders::new(
        some(names.is_empty()).map(|()| names),
        some(values.is_empty()).map(|()| values),
    )
    .expect("sound placeholders")
}

/// A condition, with values `:a`, `:b` and so on, and `#n` for `name`.
pub fn condition(text: &str, values: &[AttributeValue]) -> Result<Condition, Invalid> {
    let keys = (b'a'..).map(|letter| format!(":{}", letter as char));
    let values: Item = keys.zip(values.iter().cloned()).collect();
    let names = BTreeMap::from([("#n".to_owned(), "name".to_owned())]);
    let values = (!values.is_empty()).then_some(values);
    let mut placeholders = Placeholders::new(Some(names), values).expect("sound placeholders");
    Condition::parse(ExpressionKind::Condition, text, &mut placeholders)
}

/// Any number there is.
pub fn any_number() -> impl Strategy<Value = Number> {
    let digits =
        prop_oneof![0u128..10_000, any::<u128>().prop_map(|digits| digits % 10u128.pow(38))];
    (any::<bool>(), digits, -130i32..=125).prop_map(|(negative, digits, first)| {
        let sign = if negative { "-" } else { "" };
        let text = digits.to_string();
        let exponent = first - (text.len() as i32 - 1);
        // Trailing zeros may take a number below the smallest; that one is as good.
        Number::parse(&format!("{sign}{text}e{exponent}")).unwrap_or(Number::ZERO)
    })
}

/// Any value, a few levels deep.
pub fn any_value() -> impl Strategy<Value = AttributeValue> {
    let leaf = prop_oneof![
        ".{0,12}".prop_map(AttributeValue::S),
        any_number().prop_map(AttributeValue::N),
        vec(any::<u8>(), 0..12).prop_map(AttributeValue::B),
        any::<bool>().prop_map(AttributeValue::Bool),
        Just(AttributeValue::Null),
        btree_set(".{0,6}", 1..5).prop_map(AttributeValue::Ss),
        btree_set(any_number(), 1..5).prop_map(AttributeValue::Ns),
        btree_set(vec(any::<u8>(), 0..6), 1..5).prop_map(AttributeValue::Bs),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(AttributeValue::L),
            btree_map(".{0,6}", inner, 0..6).prop_map(AttributeValue::M),
        ]
    })
}

/// Any item.
pub fn any_item() -> impl Strategy<Value = Item> {
    btree_map(".{0,8}", any_value(), 0..8)
}
