//! Parameters that came before expressions.

use std::collections::BTreeMap;

use flywheel_item::expression::Condition;
use flywheel_item::legacy::{
    AttributeUpdate, Combine, Expectation, LegacyAction, LegacyCondition, LegacyOperator, expected,
    filter, key_conditions, updates,
};
use flywheel_item::{AttributeValue, Invalid, Item};

use crate::support::{item, l, n, s, ss};

fn sample() -> Item {
    item([("a", s("abc")), ("n", n("5")), ("tags", ss(["x", "y"])), ("list", l([n("1")]))])
}

fn one(
    name: &str,
    operator: LegacyOperator,
    values: &[AttributeValue],
) -> Result<Condition, Invalid> {
    let condition = LegacyCondition { operator, values: values.to_vec() };
    let entries = BTreeMap::from([(name.to_owned(), condition)]);
    filter(entries, Combine::And).map(|condition| condition.expect("one entry"))
}

#[test]
fn what_operators_mean() {
    use LegacyOperator::*;
    for (name, operator, values, holds) in [
        ("n", Eq, vec![n("5")], true),
        ("n", Ne, vec![n("5")], false),
        ("missing", Ne, vec![n("5")], true),
        ("n", Lt, vec![n("6")], true),
        ("n", Le, vec![n("5")], true),
        ("n", Gt, vec![n("5")], false),
        ("n", Ge, vec![n("5")], true),
        ("n", NotNull, vec![], true),
        ("missing", Null, vec![], true),
        ("a", Contains, vec![s("b")], true),
        ("tags", Contains, vec![s("x")], true),
        ("a", NotContains, vec![s("z")], true),
        ("missing", NotContains, vec![s("z")], false),
        ("a", BeginsWith, vec![s("ab")], true),
        ("n", Between, vec![n("1"), n("5")], true),
        ("n", In, vec![n("1"), n("5")], true),
        ("list", Eq, vec![l([n("1.0")])], true),
    ] {
        let condition = one(name, operator, &values).unwrap();
        assert_eq!(condition.holds(&sample()), holds, "{name} {} {values:?}", operator.name());
    }
}

#[test]
fn several_go_together_as_they_are_told() {
    let entry = |value| LegacyCondition { operator: LegacyOperator::Eq, values: vec![value] };
    let entries =
        || BTreeMap::from([("a".to_owned(), entry(s("abc"))), ("n".to_owned(), entry(n("6")))]);
    let holds = |combine| filter(entries(), combine).unwrap().unwrap().holds(&sample());
    assert!(!holds(Combine::And) && holds(Combine::Or));
    assert_eq!(filter(BTreeMap::new(), Combine::And), Ok(None));
}

#[test]
fn thousands_of_entries_fit_on_the_stack() {
    let entry = || LegacyCondition { operator: LegacyOperator::Null, values: Vec::new() };
    let entries: BTreeMap<_, _> = (0..20_000).map(|at| (format!("x{at}"), entry())).collect();
    let condition = filter(entries, Combine::And).unwrap().unwrap();
    assert!(condition.holds(&sample()) && condition.paths().len() == 20_000);
}

#[test]
fn what_is_expected() {
    let of = |entry: Expectation| {
        let entries = BTreeMap::from([("a".to_owned(), entry)]);
        expected(entries, Combine::And).map(|condition| condition.expect("one").holds(&sample()))
    };
    let empty = Expectation::default;
    assert_eq!(of(Expectation { value: Some(s("abc")), ..empty() }), Ok(true));
    assert_eq!(of(Expectation { exists: Some(false), ..empty() }), Ok(false));
    let operator = Some(LegacyOperator::BeginsWith);
    assert_eq!(of(Expectation { operator, values: Some(vec![s("ab")]), ..empty() }), Ok(true));
    let invalid = "One or more parameter values were invalid: ";
    for (entry, expected) in [
        (empty(), "Value must be provided when Exists is null for Attribute: a"),
        (
            Expectation { exists: Some(true), ..empty() },
            "Value must be provided when Exists is true for Attribute: a",
        ),
        (
            Expectation { exists: Some(false), value: Some(s("x")), ..empty() },
            "Value cannot be used when Exists is false for Attribute: a",
        ),
        (
            Expectation { value: Some(s("x")), values: Some(vec![]), ..empty() },
            "Value and AttributeValueList cannot be used together for Attribute: a",
        ),
        (
            Expectation { exists: Some(true), operator, ..empty() },
            "Exists and ComparisonOperator cannot be used together for Attribute: a",
        ),
        (
            Expectation { operator, ..empty() },
            "Value or AttributeValueList must be used with ComparisonOperator: BEGINS_WITH for Attribute: a",
        ),
        (
            Expectation { values: Some(vec![s("x")]), ..empty() },
            "AttributeValueList can only be used with a ComparisonOperator for Attribute: a",
        ),
        (
            Expectation { operator, values: Some(vec![]), ..empty() },
            "Invalid number of argument(s) for the BEGINS_WITH ComparisonOperator",
        ),
        (
            Expectation { operator, value: Some(n("1")), ..empty() },
            "ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type",
        ),
    ] {
        assert_eq!(of(entry).unwrap_err().to_string(), format!("{invalid}{expected}"));
    }
    let error = one("n", LegacyOperator::Between, &[n("2"), n("1")]).unwrap_err().to_string();
    assert!(error.starts_with("The BETWEEN condition was provided a range where"), "{error}");
    let error =
        one("n", LegacyOperator::In, &[s("2"), AttributeValue::Null]).unwrap_err().to_string();
    assert!(
        error.ends_with("ComparisonOperator IN is not valid for NULL AttributeValue type"),
        "{error}"
    );
    let error = one("n", LegacyOperator::In, &[n("2"), s("1")]).unwrap_err().to_string();
    assert!(error.ends_with("inside AttributeValueList must be of same type"), "{error}");
}

#[test]
fn what_updates_do() {
    let apply = |name: &str, action, value: Option<AttributeValue>| {
        let entries = BTreeMap::from([(name.to_owned(), AttributeUpdate { action, value })]);
        updates(entries)?.apply(&sample())
    };
    use LegacyAction::{Add, Delete, Put};
    assert_eq!(apply("n", Put, Some(s("x"))).unwrap()["n"], s("x"));
    assert_eq!(apply("n", Add, Some(n("2"))).unwrap()["n"], n("7"));
    assert_eq!(apply("list", Add, Some(l([n("2")]))).unwrap()["list"], l([n("1"), n("2")]));
    assert_eq!(apply("tags", Delete, Some(ss(["x"]))).unwrap()["tags"], ss(["y"]));
    assert!(!apply("n", Delete, None).unwrap().contains_key("n"));
    for (action, value, expected) in [
        (Put, None, "Only DELETE action is allowed when no attribute value is specified"),
        (Add, Some(s("x")), "ADD action is not supported for the type S"),
        (Delete, Some(n("1")), "DELETE action with value is not supported for the type N"),
    ] {
        let error = apply("n", action, value).unwrap_err().to_string();
        assert_eq!(error, format!("One or more parameter values were invalid: {expected}"));
    }
    let error = apply("a", Add, Some(n("1"))).unwrap_err().to_string();
    assert_eq!(error, "Type mismatch for attribute to update");
}

#[test]
fn conditions_on_keys_have_fewer_operators() {
    let of = |operator, values: &[AttributeValue]| {
        let condition = LegacyCondition { operator, values: values.to_vec() };
        key_conditions(BTreeMap::from([("k".to_owned(), condition)]))
    };
    assert_eq!(of(LegacyOperator::Between, &[n("1"), n("2")]).unwrap().tests().len(), 1);
    for operator in [LegacyOperator::Ne, LegacyOperator::Contains, LegacyOperator::In] {
        let error = of(operator, &[s("x")]).unwrap_err().to_string();
        assert_eq!(error, "Attempted conditional constraint is not an indexable operation");
    }
}
