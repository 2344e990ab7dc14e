//! Shrinking keeps what matters, drops the rest, and cases are equal by seed.

use std::convert::Infallible;

use flywheel_diff::{Case, Choice, Request, draw_case, masked, shrink};
use serde_json::json;

#[test]
fn equal_seeds_draw_equal_cases_and_others_do_not() {
    let all = Choice::of(|_| true).expect("all operations");
    for number in 0..50 {
        assert_eq!(draw_case(3, number, &all), draw_case(3, number, &all));
    }
    assert_ne!(draw_case(3, 0, &all), draw_case(4, 0, &all));
    assert_ne!(draw_case(3, 0, &all), draw_case(3, 1, &all));
}

#[test]
fn what_does_not_matter_is_left_out() {
    let filler =
        |n: u32| Request::new("GetItem", json!({ "Key": { "p": { "N": n.to_string() } } }));
    let mut requests: Vec<Request> = (0..20).map(filler).collect();
    let body = json!({ "A": [1, { "wanted": "one two needle three" }], "B": { "C": "x" } });
    requests.insert(7, Request::new("PutItem", body));
    let shrunk = shrink(Case { requests }, 300, |case| {
        Ok::<_, Infallible>(case.requests.iter().any(|request| {
            String::from_utf8(request.bytes("t")).is_ok_and(|text| text.contains("needle"))
        }))
    });
    let shrunk = shrunk.expect("infallible").requests;
    assert_eq!(shrunk, [Request::new("PutItem", json!({ "A": [{ "wanted": "needle" }] }))]);
}

#[test]
fn messages_lose_what_they_quote() {
    assert_eq!(
        masked("Syntax error; token: \"(\", near: \"a (\""),
        "Syntax error; token: …, near: …"
    );
    assert_eq!(masked("keys: {:a, :b}"), "keys: …");
    assert_eq!(masked("size of key: 300 of :abc"), "size of key: 0 of …");
    assert_eq!(masked("the table's key"), "the table's key");
}
