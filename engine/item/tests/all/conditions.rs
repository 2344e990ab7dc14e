//! Conditions: what holds, and what is refused in which words.

use std::collections::BTreeMap;

use flywheel_item::expression::{Condition, Placeholders};
use flywheel_item::{AttributeValue, ExpressionKind, Item, Wording};
use proptest::prelude::*;

use crate::support::{b, condition, item, l, m, n, ns, s, ss};

fn sample() -> Item {
    item([
        ("name", s("Kate")),
        ("emoji", s("a😀")),
        ("age", n("42")),
        ("pic", b(&[0, 1, 2, 3])),
        ("ok", AttributeValue::Bool(true)),
        ("gone", AttributeValue::Null),
        ("tg", ss(["red", "blue"])),
        ("nums", ns(["1", "2.50"])),
        ("ls", l([s("x"), n("1"), m([("k", s("v"))])])),
        ("mp", m([("nested", m([("deep", n("7"))])), ("a.b", s("dot"))])),
    ])
}

#[test]
fn what_holds() {
    let yes = true;
    for (text, values, holds) in [
        ("#n = :a", vec![s("Kate")], yes),
        ("#n = :a", vec![s("kate")], false),
        ("age = :a", vec![n("42.0")], yes),
        ("age = :a", vec![s("42")], false),
        ("age <> :a", vec![s("42")], yes),
        ("absent = :a", vec![s("x")], false),
        ("absent <> :a", vec![s("x")], yes),
        ("absent < :a", vec![s("x")], false),
        ("absent = absent2", vec![], false),
        ("age < :a AND age >= :b", vec![n("43"), n("42")], yes),
        ("age < :a OR age > :b", vec![n("10"), n("50")], false),
        ("NOT age < :a", vec![n("10")], yes),
        ("NOT absent = :a", vec![n("10")], yes),
        // NOT binds closer than AND, and AND closer than OR.
        ("#n = :b OR #n = :a AND age = :c", vec![s("x"), s("Kate"), n("0")], yes),
        ("(#n = :b OR #n = :a) AND age = :c", vec![s("x"), s("Kate"), n("0")], false),
        ("NOT #n = :a AND age = :b", vec![s("Kate"), n("42")], false),
        ("age BETWEEN :a AND :b", vec![n("42"), n("42")], yes),
        ("age between :a and :b", vec![n("1"), n("41")], false),
        (":a BETWEEN age AND :b", vec![n("50"), n("60")], yes),
        ("age IN (:a, :b)", vec![n("1"), n("42")], yes),
        ("absent IN (:a)", vec![n("1")], false),
        ("attribute_exists(gone) AND attribute_not_exists(absent)", vec![], yes),
        ("attribute_exists(mp.nested.deep)", vec![], yes),
        ("attribute_exists(mp.nested.deep.deeper)", vec![], false),
        ("attribute_exists(ls[2].k) AND attribute_not_exists(ls[3])", vec![], yes),
        ("attribute_exists(age[0])", vec![], false),
        ("attribute_type(tg, :a)", vec![s("SS")], yes),
        ("attribute_type(gone, :a)", vec![s("NULL")], yes),
        ("attribute_type(absent, :a)", vec![s("NULL")], false),
        ("begins_with(#n, :a)", vec![s("Ka")], yes),
        ("begins_with(pic, :a)", vec![b(&[0, 1])], yes),
        ("begins_with(pic, :a)", vec![s("\0\u{1}")], false),
        ("contains(#n, :a)", vec![s("at")], yes),
        ("contains(tg, :a)", vec![s("red")], yes),
        ("contains(tg, :a)", vec![s("re")], false),
        ("contains(nums, :a)", vec![n("2.5")], yes),
        ("contains(ls, :a)", vec![m([("k", s("v"))])], yes),
        ("contains(pic, :a)", vec![b(&[2, 3])], yes),
        ("contains(age, :a)", vec![n("4")], false),
        ("size(#n) = :a", vec![n("4")], yes),
        // Two UTF-16 units of the one character beyond the first plane.
        ("size(emoji) = :a", vec![n("3")], yes),
        ("size(ls) = :a AND size(mp) = :b AND size(tg) = :b", vec![n("3"), n("2")], yes),
        ("size(age) <> :a", vec![n("2")], yes),
        ("size(age) < :a", vec![n("100")], false),
        ("ls[2] = :a AND tg = :b", vec![m([("k", s("v"))]), ss(["blue", "red"])], yes),
        ("(age) = (:a)", vec![n("42")], yes),
        ("(size(ls)) = :a", vec![n("3")], yes),
        ("((age) = :a) AND NOT (attribute_exists(absent))", vec![n("42")], yes),
    ] {
        let condition = condition(text, &values).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(condition.holds(&sample()), holds, "{text}");
    }
}

#[test]
fn what_is_refused_and_how() {
    let path = |depth: usize| format!("attribute_exists(a{})", ".a".repeat(depth - 1));
    let (deep, long) = (path(33), format!("age = :a{}", " ".repeat(4096)));
    let many = vec!["attribute_exists(a)"; 151].join(" OR ");
    let in_list = format!("age IN ({})", vec![":a"; 101].join(", "));
    for (text, values, expected) in [
        ("", vec![], "The expression can not be empty;"),
        (&*long, vec![n("1")], "Expression size has exceeded the maximum allowed size;"),
        ("   ", vec![], r#"Syntax error; token: "<EOF>", near: "   ""#),
        ("age", vec![], r#"Syntax error; token: "<EOF>", near: "age""#),
        ("age =", vec![], r#"Syntax error; token: "<EOF>", near: "=""#),
        ("age = :a )", vec![n("1")], r#"Syntax error; token: ")", near: ":a )""#),
        ("age ! :a", vec![n("1")], r#"Syntax error; token: "!", near: "age ! :a""#),
        ("age = :a x y", vec![n("1")], r#"Syntax error; token: "x", near: ":a x y""#),
        ("attribute_exists(age,)", vec![], r#"Syntax error; token: ")", near: ",)""#),
        ("_x = :a", vec![n("1")], r#"Syntax error; token: "_", near: "_x""#),
        ("ls[01] = :a", vec![n("1")], r#"Syntax error; token: "1", near: "01]""#),
        ("ls[-1] = :a", vec![n("1")], r#"Syntax error; token: "-", near: "[-1""#),
        ("é = :a", vec![n("1")], r#"Syntax error; token: "é", near: "é =""#),
        ("((age = :a))", vec![n("1")], "The expression has redundant parentheses;"),
        ("((age)) = :a", vec![n("1")], "The expression has redundant parentheses;"),
        ("nope(age)", vec![], "Invalid function name; function: nope"),
        ("Size(age) = :a", vec![n("1")], "Invalid function name; function: Size"),
        (
            "if_not_exists(age, :a) = :a",
            vec![n("1")],
            "The function is not allowed in a condition expression; function: if_not_exists",
        ),
        (
            "size(age)",
            vec![],
            "The function is not allowed to be used this way in an expression; function: size",
        ),
        (
            "attribute_exists(age) = :a",
            vec![n("1")],
            "The function is not allowed to be used this way in an expression; function: attribute_exists",
        ),
        ("size = :a", vec![n("1")], "Attribute name is a reserved keyword; reserved keyword: size"),
        (
            "mp.Status = :a",
            vec![n("1")],
            "Attribute name is a reserved keyword; reserved keyword: Status",
        ),
        (
            "ls[2147483648] = :a",
            vec![n("1")],
            "List index is not within the allowable range; index: [2147483648]",
        ),
        (
            "contains(age)",
            vec![],
            "Incorrect number of operands for operator or function; operator or function: contains, number of operands: 1",
        ),
        (
            "#x = :a",
            vec![n("1")],
            "An expression attribute name used in the document path is not defined; attribute name: #x",
        ),
        (
            "age = :z",
            vec![],
            "An expression attribute value used in expression is not defined; attribute value: :z",
        ),
        (&deep, vec![], "The document path has too many nesting levels; nesting levels: 33"),
        (&many, vec![], "The expression contains too many operators; operator count: 301"),
        (
            &in_list,
            vec![n("1")],
            "The IN operator is provided with too many operands; number of operands: 101",
        ),
        (
            "attribute_exists(:a)",
            vec![n("1")],
            "Operator or function requires a document path; operator or function: attribute_exists",
        ),
        (
            "contains(ls[0], ls[0])",
            vec![],
            "The first operand must be distinct from the remaining operands for this operator or function; operator: contains, first operand: [ls, [0]]",
        ),
        (
            "age = age",
            vec![],
            "The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [age]",
        ),
        (
            "age < :a",
            vec![AttributeValue::Bool(true)],
            "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL",
        ),
        (
            "begins_with(age, :a)",
            vec![n("1")],
            "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
        ),
        (
            "size(:a) = :a",
            vec![n("1")],
            "Incorrect operand type for operator or function; operator or function: size, operand type: N",
        ),
        (
            "attribute_type(age, :a)",
            vec![n("1")],
            "Incorrect operand type for operator or function; operator or function: attribute_type, operand type: N",
        ),
        (
            "attribute_type(age, :a)",
            vec![s("number")],
            "Invalid attribute type name found; type: number, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
        ),
        (
            "age BETWEEN :a AND :b",
            vec![n("1"), s("2")],
            "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {N:1}, upper bound operand: AttributeValue: {S:2}",
        ),
        (
            "age BETWEEN :a AND :b",
            vec![n("2"), n("1")],
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}",
        ),
    ] {
        let error = condition(text, &values).err().unwrap_or_else(|| panic!("{text} was accepted"));
        let expected = format!("Invalid ConditionExpression: {expected}");
        assert_eq!(error.message(Wording::Current), expected, "of {text}");
    }
    assert!(condition(&path(32), &[]).is_ok());
    assert!(condition(&vec!["attribute_exists(a)"; 150].join(" OR "), &[]).is_ok());
}

#[test]
fn nothing_nests_so_deep_that_the_stack_runs_out() {
    let depth = 2_000;
    for text in [
        "(".repeat(depth),
        format!("{}age = :a{}", "(".repeat(depth), ")".repeat(depth)),
        "NOT ".repeat(1_000),
        format!("{}age = :a", "NOT ".repeat(1_000)),
        format!("{}age{} = :a", "size(".repeat(800), ")".repeat(800)),
        format!("age = :a{}", " AND a = :a".repeat(360)),
    ] {
        assert!(condition(&text, &[n("1")]).is_err());
    }
    let nots = format!("{}age = :a", "NOT ".repeat(299));
    assert!(!condition(&nots, &[n("42")]).expect("300 operators").holds(&sample()));
}

#[test]
fn placeholders_must_be_sound_and_used() {
    let names = |key: &str, name: &str| Some(BTreeMap::from([(key.to_owned(), name.to_owned())]));
    let value = |key: &str| Some(item([(key, n("1"))]));
    for (names, values, expected) in [
        (Some(BTreeMap::new()), None, "ExpressionAttributeNames must not be empty"),
        (None, Some(Item::new()), "ExpressionAttributeValues must not be empty"),
        (
            names("x", "y"),
            None,
            r#"ExpressionAttributeNames contains invalid key: Syntax error; key: "x""#,
        ),
        (
            names("#", "y"),
            None,
            r##"ExpressionAttributeNames contains invalid key: Syntax error; key: "#""##,
        ),
        (
            names("#a-b", "y"),
            None,
            r##"ExpressionAttributeNames contains invalid key: Syntax error; key: "#a-b""##,
        ),
        (
            names("#x", ""),
            None,
            "ExpressionAttributeNames contains invalid value: Empty attribute name for key #x",
        ),
        (
            None,
            value("v"),
            r#"ExpressionAttributeValues contains invalid key: Syntax error; key: "v""#,
        ),
    ] {
        let error = Placeholders::new(names, values).expect_err(expected);
        assert_eq!(error.to_string(), expected);
    }
    let long = format!("x{}", "y".repeat(255));
    let error = |names, values| Placeholders::new(names, values).unwrap_err().to_string();
    let says =
        "contains invalid key: The expression attribute map contains a key that is too long;";
    let of_names = error(names(&format!("#{long}"), "y"), None);
    assert_eq!(of_names, format!("ExpressionAttributeNames {says} size of key: 257"));
    let of_values = error(None, value(&format!(":{long}")));
    assert_eq!(of_values, format!("ExpressionAttributeValues {says}"));
    let nested = (1..33).fold(n("1"), |value, _| l([value]));
    let error = Placeholders::new(None, Some(item([(":v", nested)]))).unwrap_err().to_string();
    assert!(error.starts_with("Nesting Levels have exceeded supported limits: "), "{error}");
    let mut used = Placeholders::new(names("#x", "y"), value(":v")).unwrap();
    let parse = |text: &str, placeholders: &mut Placeholders| {
        Condition::parse(ExpressionKind::Filter, text, placeholders)
    };
    parse("#x = :v", &mut used).unwrap();
    assert_eq!(used.finish(), Ok(()));
    let mut unused = Placeholders::new(names("#x", "y"), value(":v")).unwrap();
    parse("attribute_exists(#x)", &mut unused).unwrap();
    assert_eq!(
        unused.finish().unwrap_err().to_string(),
        "Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}"
    );
    let error = parse("#y = :v", &mut Placeholders::default()).unwrap_err().to_string();
    assert!(error.starts_with("Invalid FilterExpression: An expression attribute name"), "{error}");
}

proptest! {
    #[test]
    fn any_text_is_a_condition_or_an_error(text in "[a-z#:(),=<>\\[\\]. 0-9ANDORT_é]{0,60}") {
        let _ = condition(&text, &[n("1")]);
    }

    #[test]
    fn any_tokens_are_a_condition_or_an_error(
        tokens in proptest::collection::vec(
            prop::sample::select(vec![
                "a", "b", "#n", ":a", ":b", "(", ")", "[", "]", "0", ",", ".", "=", "<>", "<", "AND", "OR",
                "NOT", "BETWEEN", "IN", "size", "contains", "begins_with", "attribute_exists",
            ]),
            0..30,
        ),
    ) {
        let text = tokens.join(" ");
        if let Ok(condition) = condition(&text, &[n("1"), s("x")]) {
            condition.holds(&sample());
        }
    }
}
