//! Conditions on keys: what they ask of a table's key, of an index's, and what is refused.

use flywheel_item::expression::{KeyCondition, QueriedKey};
use flywheel_item::key::{KeyAttribute, KeySchema, SortCondition};
use flywheel_item::{AttributeType, AttributeValue, Invalid};

use crate::support::{n, placeholders, s};

fn attribute(name: &str, kind: AttributeType) -> KeyAttribute {
    KeyAttribute { name: name.into(), kind }
}

fn table() -> KeySchema {
    KeySchema {
        partition: vec![attribute("p", AttributeType::S)],
        sort: vec![attribute("c", AttributeType::N)],
    }
}

fn index() -> KeySchema {
    KeySchema {
        partition: vec![attribute("p1", AttributeType::S), attribute("p2", AttributeType::S)],
        sort: vec![attribute("c1", AttributeType::N), attribute("c2", AttributeType::N)],
    }
}

fn parse(text: &str) -> Result<KeyCondition, Invalid> {
    let values = [
        (":s", s("x")),
        (":n", n("5")),
        (":m", n("9")),
        (":e", s("")),
        (":l", s(&"x".repeat(2_049))),
    ];
    KeyCondition::parse(text, &mut placeholders([("#p", "p")], values))
}

fn bound(text: &str, schema: &KeySchema) -> Result<QueriedKey, Invalid> {
    parse(text)?.of_key(schema)
}

#[test]
fn what_is_asked_of_a_tables_key() {
    let five = || n("5");
    for (text, sort) in [
        ("#p = :s", None),
        (":s = #p", None),
        ("p = :s AND c < :n", Some(SortCondition::Less(five()))),
        ("c < :n AND p = :s", Some(SortCondition::Less(five()))),
        ("p = :s AND :n < c", Some(SortCondition::Greater(five()))),
        ("p = :s AND :n >= c", Some(SortCondition::LessOrEqual(five()))),
        ("(p = :s) AND (c BETWEEN :n AND :m)", Some(SortCondition::Between(five(), n("9")))),
        ("(p = :s AND c >= :n)", Some(SortCondition::GreaterOrEqual(five()))),
    ] {
        let found = bound(text, &table()).unwrap_or_else(|error| panic!("{text}: {error}"));
        let expected = QueriedKey { partition: vec![s("x")], sort_equal: vec![], sort };
        assert_eq!(found, expected, "of {text}");
    }
    let found = bound("p = :s AND c = :n", &table()).unwrap();
    assert_eq!((found.sort_equal, found.sort), (vec![five()], None));
}

#[test]
fn what_is_asked_of_a_composite_key() {
    let found = bound("p2 = :s AND p1 = :s AND c1 = :n AND c2 > :m", &index()).unwrap();
    let five: Vec<AttributeValue> = vec![n("5")];
    assert_eq!((found.partition, found.sort_equal), (vec![s("x"), s("x")], five));
    assert_eq!(found.sort, Some(SortCondition::Greater(n("9"))));
    for (text, expected) in [
        ("p1 = :s", "HASH key attributes p2 must have equality conditions specified in the query"),
        (
            "p1 = :s AND p2 > :s",
            "HASH key attributes p2 must have equality conditions specified in the query",
        ),
        (
            "p1 = :s AND p2 = :s AND c2 = :n",
            "RANGE key attributes c1 must have equality conditions specified in the query because a condition is present on key attribute c2",
        ),
        (
            "p1 = :s AND p2 = :s AND c1 > :n AND c2 = :n",
            "RANGE key attributes c1 must have equality conditions specified in the query because a condition is present on key attribute c2",
        ),
    ] {
        assert_eq!(bound(text, &index()).expect_err(text).to_string(), expected, "of {text}");
    }
}

#[test]
fn what_is_refused_and_how() {
    let one = "Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key";
    for (text, expected) in [
        ("p = :s OR c = :n", "Invalid operator used in KeyConditionExpression: OR"),
        ("NOT p = :s", "Invalid operator used in KeyConditionExpression: NOT"),
        ("p IN (:s)", "Invalid operator used in KeyConditionExpression: IN"),
        ("p <> :s", "Invalid operator used in KeyConditionExpression: <>"),
        (
            "attribute_exists(p)",
            "Invalid operator used in KeyConditionExpression: attribute_exists",
        ),
        ("contains(p, :s)", "Invalid operator used in KeyConditionExpression: contains"),
        ("size(p) = :n", "KeyConditionExpressions cannot contain nested operations"),
        (
            "p.x = :s",
            "Invalid KeyConditionExpression: KeyConditionExpressions cannot have conditions on nested attributes",
        ),
        (
            "p = c",
            "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition",
        ),
        (":s = :n", "Invalid condition in KeyConditionExpression: No key attribute specified"),
        (
            "p = :s AND :n BETWEEN c AND :m",
            "Invalid condition in KeyConditionExpression: BETWEEN operator must have the key attribute as its first operand",
        ),
        ("p = :s AND c > :n AND c < :m", one),
        (
            "p = :s AND c = :n AND x = :n",
            "The number of query conditions (3) exceeds the number of key attributes defined in the schema (2)",
        ),
        ("p > :s", "Query key condition not supported"),
        ("c = :n", "Query condition missed key schema element: p"),
        ("p = :s AND x = :n", "Query condition missed key schema element: c"),
        (
            "p = :n",
            "One or more parameter values were invalid: Condition parameter type does not match schema type",
        ),
        (
            "p = :e",
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: p",
        ),
        (
            "p = :s AND c BETWEEN :m AND :n",
            "Invalid KeyConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:9}, upper bound operand: AttributeValue: {N:5}",
        ),
        (
            "p = :s AND",
            r#"Invalid KeyConditionExpression: Syntax error; token: "<EOF>", near: "AND""#,
        ),
    ] {
        assert_eq!(bound(text, &table()).expect_err(text).to_string(), expected, "of {text}");
    }
}
