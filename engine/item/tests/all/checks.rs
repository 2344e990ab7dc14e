//! What items and values must be, and the words for what they are not.

use flywheel_item::key::KeyAttribute;
use flywheel_item::{
    AttributeType, AttributeValue, Invalid, Wording, check_item, check_key_value, check_value,
};

use crate::support::{b, item, l, m, n, s, ss};

#[test]
fn items_have_their_bounds() {
    assert_eq!(check_item(&item([("a", s(&"x".repeat((400 << 10) - 1)))])), Ok(()));
    let error = check_item(&item([("a", s(&"x".repeat(400 << 10)))])).unwrap_err();
    assert_eq!(error.to_string(), "Item size has exceeded the maximum allowed size");
    assert_eq!(check_item(&item([("", n("1"))])), Err(Invalid::EmptyAttributeName));
    let nested = item([("a", m([("b", l([m([("", n("1"))])]))]))]);
    assert_eq!(check_item(&nested), Err(Invalid::EmptyAttributeName));
    let name = "n".repeat(65_536);
    assert_eq!(check_item(&item([(&name, n("1"))])), Err(Invalid::NameTooLong(65_536)));
    assert_eq!(check_item(&item([(&name[1..], n("1"))])), Ok(()));
    assert_eq!(check_item(&item([("a", ss([]))])), Err(Invalid::EmptySet(AttributeType::Ss)));
}

#[test]
fn values_go_32_levels_deep_and_no_deeper() {
    let nested = |levels: usize| (1..levels).fold(n("1"), |value, _| l([value]));
    assert_eq!(check_value(&nested(32)), Ok(()));
    assert_eq!(check_value(&nested(33)), Err(Invalid::NestedTooDeep));
    assert_eq!(check_value(&nested(5_000)), Err(Invalid::NestedTooDeep));
    // An empty map is a level, and nothing in it.
    let emptied = (1..32).fold(m([]), |value, _| l([value]));
    assert_eq!(check_value(&emptied), Ok(()));
}

#[test]
fn keys_have_their_bounds() {
    let key = |kind| KeyAttribute { name: "k".into(), kind };
    let check = |value: AttributeValue, is_partition| {
        check_key_value(&key(value.kind()), &value, is_partition).map_err(|error| error.to_string())
    };
    assert_eq!(check(s(&"x".repeat(2048)), true), Ok(()));
    assert_eq!(check(s(&"x".repeat(1024)), false), Ok(()));
    assert_eq!(check(n("0"), false), Ok(()));
    for (value, is_partition, expected) in [
        (
            s(&"x".repeat(2049)),
            true,
            "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes",
        ),
        (
            b(&[0; 1025]),
            false,
            "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes",
        ),
        (
            s(""),
            true,
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: k",
        ),
        (
            b(&[]),
            false,
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty binary value. Key: k",
        ),
    ] {
        assert_eq!(check(value, is_partition), Err(expected.into()));
    }
}

#[test]
fn repeated_members_are_told_in_an_order_of_their_own() {
    let told = |kind, members: &[&str], wording| {
        let members = members.iter().map(|member| (*member).to_owned()).collect();
        Invalid::DuplicateMembers(kind, members).message(wording)
    };
    use AttributeType::{Bs, Ns, Ss};
    let invalid = "One or more parameter values were invalid: ";
    for (kind, members, wording, expected) in [
        (
            Ss,
            &["b", "a", "b", "C"][..],
            Wording::Current,
            r#"Input collection ["a", "b", "b", "C"] contains duplicates."#,
        ),
        (
            Ss,
            &["q\"q", "q\"q"],
            Wording::Current,
            r#"Input collection ["q\"q", "q\"q"] contains duplicates."#,
        ),
        (Ss, &["b", "a", "b"], Wording::Former, "Input collection [b, a, b] contains duplicates."),
        (
            Bs,
            &["AA==", "fw==", "gA==", "/w==", "AA=="],
            Wording::Current,
            r#"Input collection ["AA==","fw==","gA==","/w==","AA=="]of type BS contains duplicates."#,
        ),
        (Ns, &["1", "1.0"], Wording::Current, "Input collection contains duplicates."),
    ] {
        assert_eq!(told(kind, members, wording), format!("{invalid}{expected}"));
    }
    assert_eq!(told(Ns, &["1", "1"], Wording::Former), "Input collection contains duplicates");
}
