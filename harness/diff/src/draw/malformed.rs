//! Breaks requests: members of the wrong type, missing or unknown, and bodies that are no JSON.

use serde_json::{Value, json};

use super::values;
use crate::case::{Body, Request};
use crate::random::Random;

/// Breaks a request somewhere.
pub fn broken(random: &mut Random, mut request: Request) -> Request {
    let Body::Json(body) = &mut request.body else { return request };
    if random.chance(12) {
        let text = body.to_string();
        request.body = Body::Text(broken_text(random, text));
        return request;
    }
    let places = places(body);
    let place = random.pick(&places).clone();
    change(random, body, &place);
    request
}

/// One step into JSON.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// A member of an object.
    Member(String),
    /// A place in a list.
    At(usize),
}

/// All places within a value, itself first.
pub fn places(value: &Value) -> Vec<Vec<Step>> {
    let mut found = Vec::new();
    walk(value, &mut Vec::new(), &mut found);
    found
}

fn walk(value: &Value, at: &mut Vec<Step>, found: &mut Vec<Vec<Step>>) {
    found.push(at.clone());
    let below: Vec<(Step, &Value)> = match value {
        Value::Object(members) => {
            members.iter().map(|(name, value)| (Step::Member(name.clone()), value)).collect()
        }
        Value::Array(members) => {
            members.iter().enumerate().map(|(index, value)| (Step::At(index), value)).collect()
        }
        _ => return,
    };
    for (step, value) in below {
        at.push(step);
        walk(value, at, found);
        at.pop();
    }
}

/// What stands at a place.
pub fn at<'a>(value: &'a mut Value, place: &[Step]) -> Option<&'a mut Value> {
    place.iter().try_fold(value, |value, step| match (step, value) {
        (Step::Member(name), Value::Object(members)) => members.get_mut(name),
        (Step::At(index), Value::Array(members)) => members.get_mut(*index),
        _ => None,
    })
}

/// Takes out what stands at a place; `None` for the whole, and where nothing stands.
pub fn remove(value: &mut Value, place: &[Step]) -> Option<Value> {
    let (last, parent) = place.split_last()?;
    match (last, at(value, parent)?) {
        (Step::Member(name), Value::Object(members)) => members.remove(name),
        (Step::At(index), Value::Array(members)) if *index < members.len() => {
            Some(members.remove(*index))
        }
        _ => None,
    }
}

fn change(random: &mut Random, body: &mut Value, place: &[Step]) {
    match random.below(10) {
        0..=1 => {
            remove(body, place);
        }
        2 => {
            if let Some(Value::Object(members)) = at(body, place) {
                members.insert(
                    random.text(&["Unknown", "unknown", "S", "__type", ""]).into(),
                    values::odd_json(random),
                );
            }
        }
        3 => {
            if let Some(target) = at(body, place) {
                *target = json!([target.clone()]);
            }
        }
        4 => {
            if let Some(target) = at(body, place) {
                *target = json!({ "a": target.clone() });
            }
        }
        5 => {
            if let Some(Value::Array(members)) = at(body, place)
                && let Some(first) = members.first().cloned()
            {
                members.push(first);
            }
        }
        6 => {
            if let Some(target) = at(body, place) {
                *target = values::odd_value(random);
            }
        }
        _ => {
            if let Some(target) = at(body, place) {
                *target = values::odd_json(random);
            }
        }
    }
}

fn broken_text(random: &mut Random, text: String) -> String {
    let cut = (0..=random.below(text.len())).rev().find(|at| text.is_char_boundary(*at));
    match random.below(8) {
        0 => text[..cut.unwrap_or(0)].to_owned(),
        1 => format!("{text}}}"),
        2 => format!("{text} {text}"),
        3 => text.replacen(
            ':',
            random.text(&["", "=", "::", ":NaN,", ":1e999,\"x\":"]),
            1 + random.below(3),
        ),
        4 => text.replacen(',', ",,", 1),
        5 => text.replacen(
            '"',
            random.text(&["'", "", "\"\\u00", "\"\\ud800", "\"\\x", "\"\t"]),
            1 + random.below(4),
        ),
        6 => {
            text.replacen('{', random.text(&["{,", "{\"TableName\":\"abc\",", "[", "{ // x\n"]), 1)
        }
        _ => random
            .text(&[
                "",
                " ",
                "{",
                "[]",
                "null",
                "1",
                "\"x\"",
                "true",
                "{}",
                "{\"a\"}",
                "[[[[",
                "\u{feff}{}",
                "nul",
                "{}x",
            ])
            .to_owned(),
    }
}
