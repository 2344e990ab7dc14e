//! Whether answers agree, and what a difference is called: equal causes should have equal names. Not
//! whether it matters.

use serde_json::Value;

use crate::answer::Answer;
use crate::case::Request;

/// The difference between answers to one request, by its name; `None` if all agree. Answers are normal.
pub fn difference(request: &Request, names: &[String], answers: &[Answer]) -> Option<String> {
    let first = answers.first()?;
    if answers.iter().all(|answer| answer == first) {
        return None;
    }
    if answers.iter().all(Answer::is_success) {
        let other = answers.iter().find(|answer| *answer != first)?;
        let place = place(&first.body, &other.body);
        return Some(format!("{}: responses differ at {place}", of_request(request)));
    }
    let faces: Vec<String> = names
        .iter()
        .zip(answers)
        .map(|(name, answer)| format!("{name}: {}", face(answer)))
        .collect();
    Some(faces.join(" | "))
}

/// The operation, and what decides over the form of its answer.
fn of_request(request: &Request) -> String {
    let forms = ["ReturnValues", "Select"];
    let form = forms.iter().find_map(|name| request.member(name)?.as_str());
    match form {
        Some(form) => format!("{} {form}", request.operation),
        None => request.operation.clone(),
    }
}

/// What an answer looks like, without what it echoes.
pub fn face(answer: &Answer) -> String {
    if answer.is_success() {
        return "200".into();
    }
    let kind = match answer.body.get("__type").and_then(Value::as_str) {
        Some(kind) => kind,
        None if answer.status == 0 => "no answer",
        None => "no type",
    };
    let mut face = format!("{} {kind}", answer.status);
    if let Some(message) = answer.message() {
        face.push_str(": ");
        face.push_str(&plain(&masked(message)));
    }
    if let Some(Value::Array(reasons)) = answer.body.get("CancellationReasons") {
        for reason in reasons {
            let code = reason.get("Code").and_then(Value::as_str).unwrap_or("-");
            let message = reason.get("Message").and_then(Value::as_str).unwrap_or("");
            if code != "None" {
                face.push_str(&format!(" [{code} {}]", plain(&masked(message))));
            }
        }
    }
    face
}

/// A message without what it quotes and counts.
pub fn masked(message: &str) -> String {
    let mut masked = String::new();
    let mut letters = message.chars().peekable();
    let mut before = ' ';
    while let Some(letter) = letters.next() {
        match letter {
            '"' | '\'' if !before.is_alphanumeric() => {
                // Quoted: up to the last quote that a blank or a mark follows.
                while let Some(inner) = letters.next() {
                    let follows = letters.peek().copied().unwrap_or(' ');
                    if inner == letter && !follows.is_alphanumeric() {
                        break;
                    }
                }
                masked.push('\u{2026}');
            }
            '{' | '[' => {
                let end = if letter == '{' { '}' } else { ']' };
                for inner in letters.by_ref() {
                    if inner == end {
                        break;
                    }
                }
                masked.push('\u{2026}');
            }
            '0'..='9' => {
                while letters.next_if(char::is_ascii_digit).is_some() {}
                masked.push('0');
            }
            '#' | ':' if letters.peek().is_some_and(|next| next.is_alphanumeric()) => {
                while letters.next_if(|next| next.is_alphanumeric() || *next == '_').is_some() {}
                masked.push('\u{2026}');
            }
            _ => masked.push(letter),
        }
        before = letter;
    }
    masked
}

/// The same without types, and without what functions and operators are called: one cause shows with many.
fn plain(masked: &str) -> String {
    const BEFORE_NAMES: [&str; 5] = ["function:", "operator:", "keyword:", "token:", "got"];
    const TYPES: [&str; 17] = [
        "S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS", "NUMBER", "STRING", "Binary",
        "MAP", "LIST", "IN", "BETWEEN",
    ];
    let mut words: Vec<&str> = Vec::new();
    let mut is_name = false;
    for word in masked.split(' ') {
        let bare = word.trim_end_matches([',', ';', '.']);
        words.push(if is_name || TYPES.contains(&bare) { "\u{2026}" } else { word });
        is_name = BEFORE_NAMES.contains(&word);
    }
    words.join(" ")
}

/// Where two bodies differ first. What is named by whoever made the items is `*`.
fn place(one: &Value, other: &Value) -> String {
    match (one, other) {
        (Value::Object(a), Value::Object(b)) => {
            let names: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for name in names {
                let known = if is_of_api(name) { name } else { "*" };
                match (a.get(name), b.get(name)) {
                    (Some(x), Some(y)) if x == y => {}
                    (Some(x), Some(y)) => return format!("{known}.{}", place(x, y)),
                    (Some(_), None) => return format!("{known} (only the first has it)"),
                    _ => return format!("{known} (the first lacks it)"),
                }
            }
            "(nothing)".into()
        }
        (Value::Array(a), Value::Array(b)) if a.len() != b.len() => "[] (lengths)".into(),
        (Value::Array(a), Value::Array(b)) => {
            let differing = a.iter().zip(b).find(|(x, y)| x != y);
            differing.map_or("(nothing)".into(), |(x, y)| format!("[].{}", place(x, y)))
        }
        _ => "(value)".into(),
    }
}

/// Whether a name is of the API, rather than of an attribute: those of attributes are short and lower case here.
fn is_of_api(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_uppercase())
}
