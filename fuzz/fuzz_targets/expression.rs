//! Any text as each of the expressions: an expression that can be run, or an error with words.
#![no_main]

use std::collections::BTreeMap;

use flywheel_item::expression::{Condition, KeyCondition, Placeholders, Projection, Update};
use flywheel_item::{AttributeValue, ExpressionKind, Invalid, Item, Number, Wording};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let item = Item::from([
        ("a".into(), AttributeValue::N(Number::from(7))),
        ("b".into(), AttributeValue::L(vec![AttributeValue::S("x".into()), AttributeValue::Null])),
        ("c".into(), AttributeValue::M(Item::from([("a".into(), AttributeValue::Bool(true))]))),
        ("d".into(), AttributeValue::Ss(["x".into(), "y".into()].into())),
    ]);
    said(Condition::parse(ExpressionKind::Filter, text, &mut placeholders(&item)), |condition| {
        condition.holds(&item);
    });
    said(Update::parse(text, &mut placeholders(&item)), |update| {
        said(update.apply(&item), |_| {});
        assert!(update.request_size_bytes() > 0);
    });
    said(Projection::parse(text, &mut placeholders(&item)), |projection| {
        let part = projection.apply(&item);
        assert!(part.keys().all(|name| item.contains_key(name)));
    });
    said(KeyCondition::parse(text, &mut placeholders(&item)), |_| {});
});

fn placeholders(item: &Item) -> Placeholders {
    let names = BTreeMap::from([("#a".to_owned(), "a".to_owned())]);
    let values = item.iter().map(|(name, value)| (format!(":{name}"), value.clone()));
    Placeholders::new(Some(names), Some(values.collect())).expect("sound placeholders")
}

fn said<T>(read: Result<T, Invalid>, run: impl FnOnce(T)) {
    match read {
        Ok(read) => run(read),
        Err(error) => assert!(!error.message(Wording::Former).is_empty()),
    }
}
