//! Updates: what they make of an item, in which order faults are told, and what a request with one counts.

use flywheel_item::expression::Update;
use flywheel_item::{AttributeValue, Invalid, Item};
use proptest::prelude::*;

use crate::support::{item, l, m, n, ns, placeholders, s, ss};

fn values() -> [(&'static str, AttributeValue); 9] {
    [
        (":one", n("1")),
        (":s", s("new")),
        (":l", l([s("p"), s("q")])),
        (":ss", ss(["red", "green"])),
        (":ns", ns(["2", "3"])),
        (":big", n("9e125")),
        (":m", m([("k", n("5"))])),
        (":true", AttributeValue::Bool(true)),
        (":empty", l([])),
    ]
}

fn update(text: &str) -> Result<Update, Invalid> {
    Update::parse(text, &mut placeholders([("#n", "name"), ("#d", "a.b")], values()))
}

fn sample() -> Item {
    item([
        ("name", s("old")),
        ("tally", n("41")),
        ("ls", l([s("0"), s("1"), s("2"), s("3")])),
        ("mp", m([("x", n("1")), ("nested", m([("y", s("z"))]))])),
        ("tg", ss(["red", "blue"])),
    ])
}

fn updated(text: &str) -> Result<Item, Invalid> {
    update(text)?.apply(&sample())
}

#[test]
fn what_becomes_of_an_item() {
    let with = |changes: &[(&str, Option<AttributeValue>)]| {
        let mut item = sample();
        for (name, value) in changes {
            match value {
                Some(value) => drop(item.insert((*name).into(), value.clone())),
                None => drop(item.remove(*name)),
            }
        }
        item
    };
    let strings = |texts: &[&str]| Some(l(texts.iter().map(|text| s(text))));
    for (text, changes) in [
        ("SET #n = :s", vec![("name", Some(s("new")))]),
        ("set #n = :s remove tg", vec![("name", Some(s("new"))), ("tg", None)]),
        ("SET tally = tally + :one", vec![("tally", Some(n("42")))]),
        ("SET tally = :one - tally", vec![("tally", Some(n("-40")))]),
        ("SET tally = (tally + :one)", vec![("tally", Some(n("42")))]),
        ("SET tally = (tally + :one) - (:one)", vec![("tally", Some(n("41")))]),
        // All that is read is of the item as it was.
        ("SET #n = tally, tally = #n", vec![("name", Some(n("41"))), ("tally", Some(s("old")))]),
        ("SET fresh = if_not_exists(fresh, :one)", vec![("fresh", Some(n("1")))]),
        ("SET tally = if_not_exists(tally, :one)", vec![]),
        ("SET fresh = if_not_exists(fresh, :one) + :one", vec![("fresh", Some(n("2")))]),
        ("SET ls = list_append(ls, :l)", vec![("ls", strings(&["0", "1", "2", "3", "p", "q"]))]),
        ("SET ls = list_append(:l, ls)", vec![("ls", strings(&["p", "q", "0", "1", "2", "3"]))]),
        (
            "SET fresh = list_append(if_not_exists(fresh, :empty), :l)",
            vec![("fresh", strings(&["p", "q"]))],
        ),
        ("SET ls[1] = :s", vec![("ls", strings(&["0", "new", "2", "3"]))]),
        // Past the end: appended, in the order of the indexes.
        ("SET ls[9] = :s, ls[7] = #n", vec![("ls", strings(&["0", "1", "2", "3", "old", "new"]))]),
        // Indexes are those of the ls as it was.
        ("REMOVE ls[0], ls[2]", vec![("ls", strings(&["1", "3"]))]),
        ("SET ls[1] = :s REMOVE ls[0]", vec![("ls", strings(&["new", "2", "3"]))]),
        ("SET ls[9] = :s REMOVE ls[0]", vec![("ls", strings(&["1", "2", "3", "new"]))]),
        // What was not there is not removed, whatever came there meanwhile.
        ("SET ls[8] = :s REMOVE ls[4]", vec![("ls", strings(&["0", "1", "2", "3", "new"]))]),
        ("SET mp.x = :s", vec![("mp", Some(m([("x", s("new")), ("nested", m([("y", s("z"))]))])))]),
        (
            "SET mp.#d = :s REMOVE mp.x, mp.nested.y",
            vec![("mp", Some(m([("a.b", s("new")), ("nested", m([]))])))],
        ),
        ("REMOVE absent, mp.absent", vec![]),
        ("ADD tally :one", vec![("tally", Some(n("42")))]),
        ("ADD fresh :one", vec![("fresh", Some(n("1")))]),
        ("ADD tg :ss", vec![("tg", Some(ss(["blue", "green", "red"])))]),
        (
            "ADD mp.n :ns",
            vec![(
                "mp",
                Some(m([("x", n("1")), ("nested", m([("y", s("z"))])), ("n", ns(["2", "3"]))])),
            )],
        ),
        ("DELETE tg :ss", vec![("tg", Some(ss(["blue"])))]),
        ("DELETE absent :ss", vec![]),
        (
            "SET fresh = tg DELETE tg :ss ADD tally :one REMOVE #n",
            vec![
                ("fresh", Some(ss(["blue", "red"]))),
                ("tg", Some(ss(["blue"]))),
                ("tally", Some(n("42"))),
                ("name", None),
            ],
        ),
    ] {
        let found = updated(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(found, with(&changes), "of {text}");
    }
}

#[test]
fn a_set_goes_with_its_last_member() {
    let item = item([("tg", ss(["red"])), ("ls", l([ss(["green"]), s("1")]))]);
    let found = update("DELETE tg :ss, ls[0] :ss REMOVE ls[1]").unwrap().apply(&item);
    assert_eq!(found.unwrap(), crate::support::item([("ls", l([]))]));
}

#[test]
fn what_only_clears_makes_no_item() {
    assert!(update("REMOVE a DELETE b :ss").unwrap().only_clears());
    assert!(!update("REMOVE a SET b = :s").unwrap().only_clears());
    let empty = flywheel_item::legacy::updates(Default::default()).unwrap();
    assert!(!empty.only_clears(), "an empty update does make one");
}

#[test]
fn what_cannot_be_done_and_what_is_told_first() {
    let path = "The document path provided in the update expression is invalid for update";
    let absent = "The provided expression refers to an attribute that does not exist in the item";
    let kind = "An operand in the update expression has an incorrect data type";
    let overflow =
        "Number overflow. Attempting to store a number with magnitude larger than supported range";
    for (text, expected) in [
        ("SET absent.x = :s", path),
        ("SET name2[0] = :s", path),
        ("SET #n.x = :s", path),
        ("SET mp[0] = :s", path),
        ("REMOVE absent.x", path),
        ("SET fresh = absent", absent),
        ("SET fresh = absent + :one", absent),
        ("SET fresh = list_append(absent, :l)", absent),
        ("SET fresh = #n + :one", kind),
        ("SET fresh = list_append(tg, :l)", kind),
        ("ADD #n :one", kind),
        ("ADD tg :ns", kind),
        ("DELETE ls :ss", kind),
        ("SET fresh = :big + :big", overflow),
        ("ADD tally :big SET big = :big", overflow),
        // A wrong type is told before what is absent, wherever they stand.
        ("SET fresh = absent, second_one = #n + :one", kind),
        ("SET fresh = absent + #n", kind),
        ("SET absent.x = :s ADD #n :one", kind),
        ("SET #n.x = :s ADD tally :ss", path),
        ("SET absent.x = :s, fresh = absent", path),
        // The last section first.
        ("SET fresh = absent REMOVE absent.x", path),
        ("REMOVE absent.x SET fresh = absent", absent),
    ] {
        let error = updated(text).expect_err(text);
        assert_eq!(error.to_string(), expected, "of {text}");
    }
}

#[test]
fn what_is_refused_and_how() {
    for (text, expected) in [
        ("", "The expression can not be empty;"),
        ("SET", r#"Syntax error; token: "<EOF>", near: "SET""#),
        ("INVALID SYNTAX HERE", r#"Syntax error; token: "INVALID", near: "INVALID SYNTAX""#),
        ("SET a = :s + :one + :one", r#"Syntax error; token: "+", near: ":one + :one""#),
        ("ADD a b", r#"Syntax error; token: "b", near: "a b""#),
        ("SET a = ((:s))", "The expression has redundant parentheses;"),
        (
            "SET a = :s SET b = :s",
            r#"The "SET" section can only be used once in an update expression;"#,
        ),
        ("SET size = :s", "Attribute name is a reserved keyword; reserved keyword: size"),
        ("SET a = nope(b, :s)", "Invalid function name; function: nope"),
        ("SET a = size(b)", "The function is not allowed in an update expression; function: size"),
        (
            "SET a = if_not_exists(b)",
            "Incorrect number of operands for operator or function; operator or function: if_not_exists, number of operands: 1",
        ),
        (
            "SET a = if_not_exists(:s, :s)",
            "Operator or function requires a document path; operator or function: if_not_exists",
        ),
        (
            "SET a = list_append(list_append(b, :l), :l)",
            "The function is not allowed to be used this way in an expression; function: list_append",
        ),
        (
            "SET a = list_append(b, :s)",
            "Incorrect operand type for operator or function; operator or function: list_append, operand type: S",
        ),
        (
            "SET a = b + :s",
            "Incorrect operand type for operator or function; operator or function: +, operand type: S",
        ),
        (
            "ADD a :s",
            "Incorrect operand type for operator or function; operator: ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND",
        ),
        (
            "DELETE a :one",
            "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER, typeSet: ALLOWED_FOR_ADD_OPERAND",
        ),
        (
            "SET a = :s, a = :one",
            "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a]",
        ),
        (
            "SET a.b = :s, a = :one",
            "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a]",
        ),
        (
            "SET a[0].b = :s REMOVE a[0]",
            "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a, [0], b], path two: [a, [0]]",
        ),
        (
            "SET a.b = :s, a[0] = :one",
            "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a, [0]]",
        ),
        (
            "SET a = #x",
            "An expression attribute name used in the document path is not defined; attribute name: #x",
        ),
        (
            "SET a = :x, b = #y",
            "An expression attribute name used in the document path is not defined; attribute name: #y",
        ),
        // From the last action back.
        (
            "SET a = :x, b = :y",
            "An expression attribute value used in expression is not defined; attribute value: :y",
        ),
    ] {
        let error = update(text).expect_err(text).to_string();
        assert_eq!(error, format!("Invalid UpdateExpression: {expected}"), "of {text}");
    }
    assert!(update("SET a.b = :s, a.c = :s, a.d[0] = :s, a.d[1] = :s").is_ok());
}

#[test]
fn an_update_may_nest_as_deep_as_an_item() {
    let depth = |levels: usize| (1..levels).fold(n("1"), |value, _| l([value]));
    let set = |value: AttributeValue| {
        let mut placeholders = placeholders([], [(":v", value)]);
        let update = Update::parse("SET mp.nested.deep = :v", &mut placeholders).unwrap();
        update.apply(&sample())
    };
    assert!(set(depth(30)).is_ok(), "32 levels with the two maps around it");
    let error = set(depth(31)).unwrap_err().to_string();
    assert_eq!(error, "Nesting Levels have exceeded supported limits");
}

#[test]
fn what_a_request_counts() {
    // Each as AWS was found to tally it.
    for (text, size_bytes) in [
        ("SET b = :one", 3 + 19 + 1 + 2),
        ("SET b = :one, c = :one", 3 + 2 * (19 + 1 + 2)),
        ("ADD abcdefghij :one", 3 + 19 + 10 + 2),
        ("ADD m.n :one", 3 + 19 + 6 + 2),
        ("REMOVE r", 3 + 1 + 1),
        ("DELETE m.ss :ss", 3 + 1 + 7),
        ("SET l[10] = :one", 3 + 19 + 7 + 2),
        ("REMOVE m.a.y", 3 + 1 + 11),
        ("SET #d = :one", 3 + 19 + 3 + 2),
        ("SET c = big", 3 + 19 + 1 + 18),
        ("SET c = m.a.z", 3 + 19 + 1 + 46),
        ("SET c = l[10]", 3 + 19 + 1 + 32),
        ("SET n = (n + :one)", 3 + 19 + 1 + 34 + 16 + 2),
        ("SET n = n - :one", 3 + 19 + 1 + 37 + 16 + 2),
        ("SET c = if_not_exists(c, :one)", 3 + 19 + 1 + 39 + 16 + 2),
        ("SET l = list_append(l, :l)", 3 + 19 + 1 + 37 + 16 + 7),
    ] {
        assert_eq!(update(text).unwrap().request_size_bytes(), size_bytes, "of {text}");
    }
}

#[test]
fn a_short_text_makes_no_gigabytes_of_a_large_attribute() {
    let large =
        item([("big", l(vec![AttributeValue::Null; 200_000])), ("txt", s(&"x".repeat(300_000)))]);
    let actions = |value: &str| {
        let names = ('a'..='z').flat_map(|a| ('a'..='z').map(move |b| format!("x{a}{b}")));
        let actions: Vec<String> = names.take(200).map(|name| format!("{name}={value}")).collect();
        format!("SET {}", actions.join(","))
    };
    let too_large = "Item size to update has exceeded the maximum allowed size";
    for value in ["big", "txt", "list_append(big,big)", ":one + list_append(big,big)"] {
        let text =
            if value.contains('(') { format!("SET fresh = {value}") } else { actions(value) };
        let found = update(&text).and_then(|update| update.apply(&large));
        let error = found.expect_err(value).to_string();
        assert!(error == too_large || value.starts_with(':'), "{value}: {error}");
    }
    // Nor does it with what it leaves alone.
    let mut values = placeholders([], [(":more", s(&"x".repeat(200_000)))]);
    let more = Update::parse("SET fresh = :more", &mut values).unwrap();
    let found = more.apply(&item([("txt", s(&"x".repeat(300_000)))]));
    assert_eq!(found.unwrap_err().to_string(), too_large);
    let list = item([("big", large["big"].clone())]);
    // What takes the place of what was there does not count twice.
    assert!(update("SET big = big").unwrap().apply(&list).is_ok());
    // Elements of one list go together.
    let indexes: Vec<String> = (0..400).map(|index| format!("big[{}]", 2 * index)).collect();
    let text = format!("REMOVE {}", indexes.join(","));
    let found = update(&text).unwrap().apply(&list).unwrap();
    assert!(matches!(&found["big"], AttributeValue::L(list) if list.len() == 199_600));
}

#[test]
fn removals_on_several_levels_keep_their_indexes() {
    let lists = item([("a", l([l([s("0"), s("1")]), l([s("2"), s("3")]), s("4")]))]);
    let found = update("REMOVE a[0], a[1][0], a[2]").unwrap().apply(&lists).unwrap();
    assert_eq!(found, item([("a", l([l([s("3")])]))]));
}

proptest! {
    #[test]
    fn any_tokens_are_an_update_or_an_error(
        tokens in proptest::collection::vec(
            prop::sample::select(vec![
                "SET", "REMOVE", "ADD", "DELETE", "name2", "mp", "ls", "tally", "#n", ":one", ":ss", ":l",
                "(", ")", "[", "]", "0", "9", ",", ".", "=", "+", "-", "if_not_exists", "list_append",
            ]),
            0..24,
        ),
    ) {
        if let Ok(update) = update(&tokens.join(" ")) {
            let _ = update.apply(&sample());
        }
    }
}
