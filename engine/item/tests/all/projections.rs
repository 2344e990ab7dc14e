//! Projections: which parts of an item come out.

use flywheel_item::expression::Projection;
use flywheel_item::{Invalid, Item};

use crate::support::{item, l, m, n, placeholders, s};

fn projection(text: &str) -> Result<Projection, Invalid> {
    Projection::parse(text, &mut placeholders([("#n", "name"), ("#d", "a.b")], []))
}

fn sample() -> Item {
    item([
        ("name", s("Kate")),
        ("ls", l([s("0"), m([("k", n("1")), ("o", n("2"))]), s("2"), s("3")])),
        (
            "mp",
            m([("x", n("1")), ("a.b", s("dot")), ("nested", m([("y", s("z")), ("w", s("v"))]))]),
        ),
    ])
}

#[test]
fn parts_come_out_as_they_stand() {
    for (text, found) in [
        ("#n", item([("name", s("Kate"))])),
        ("absent", item([])),
        ("#n, absent.x, ls[9], mp.x.y", item([("name", s("Kate"))])),
        ("mp.x, mp.nested.y", item([("mp", m([("x", n("1")), ("nested", m([("y", s("z"))]))]))])),
        ("mp.#d", item([("mp", m([("a.b", s("dot"))]))])),
        // Elements close up, in the order of the ls.
        ("ls[3], ls[0]", item([("ls", l([s("0"), s("3")]))])),
        ("ls[1].k, ls[2]", item([("ls", l([m([("k", n("1"))]), s("2")]))])),
        ("ls[1].o, ls[1].k", item([("ls", l([m([("k", n("1")), ("o", n("2"))])]))])),
        ("ls[10], ls[2]", item([("ls", l([s("2")]))])),
    ] {
        assert_eq!(projection(text).unwrap().apply(&sample()), found, "of {text}");
    }
}

#[test]
fn what_is_refused_and_how() {
    let deep = format!("a{}", ".a".repeat(32));
    for (text, expected) in [
        ("", "The expression can not be empty;"),
        ("a,", r#"Syntax error; token: "<EOF>", near: ",""#),
        ("a b", r#"Syntax error; token: "b", near: "a b""#),
        ("a, :v", r#"Syntax error; token: ":v", near: ", :v""#),
        ("name", "Attribute name is a reserved keyword; reserved keyword: name"),
        (
            "#x",
            "An expression attribute name used in the document path is not defined; attribute name: #x",
        ),
        (
            "a, a.b",
            "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a, b]",
        ),
        (
            "a.b, a[0]",
            "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a, [0]]",
        ),
        ("ls[99999999999]", "List index is not within the allowable range; index: [99999999999]"),
        (&deep, "The document path has too many nesting levels; nesting levels: 33"),
    ] {
        let error = projection(text).expect_err(text).to_string();
        assert_eq!(error, format!("Invalid ProjectionExpression: {expected}"), "of {text}");
    }
}
