//! Shrinking: leaves out requests, then parts of them, and puts simpler values in place, as long as the difference keeps its name.

use serde_json::{Value, json};

use crate::case::{Body, Case};
use crate::draw::malformed::{Step, at, places, remove};

/// Shrinks a case of which `holds` is true, in at most so many calls of it.
///
/// # Errors
/// Those of `holds`.
pub fn shrink<E>(
    case: Case,
    most_runs: usize,
    mut holds: impl FnMut(&Case) -> Result<bool, E>,
) -> Result<Case, E> {
    let mut shrunk = Shrinking { case, left: most_runs, holds: &mut holds };
    shrunk.requests()?;
    while shrunk.bodies()? && shrunk.left > 0 {}
    Ok(shrunk.case)
}

struct Shrinking<'a, E> {
    case: Case,
    left: usize,
    holds: &'a mut dyn FnMut(&Case) -> Result<bool, E>,
}

impl<E> Shrinking<'_, E> {
    /// Takes a candidate if it holds.
    fn take(&mut self, candidate: Case) -> Result<bool, E> {
        if self.left == 0 || candidate == self.case {
            return Ok(false);
        }
        self.left -= 1;
        let holds = (self.holds)(&candidate)?;
        if holds {
            self.case = candidate;
        }
        Ok(holds)
    }

    /// Leaves requests out, many at once and then one by one, from the last on.
    fn requests(&mut self) -> Result<(), E> {
        let mut at_once = self.case.requests.len().div_ceil(2).max(1);
        loop {
            let mut went = false;
            let mut end = self.case.requests.len();
            while end > 0 && self.left > 0 {
                let start = end.saturating_sub(at_once);
                let mut candidate = self.case.clone();
                candidate.requests.drain(start..end);
                went |= self.take(candidate)?;
                end = start;
            }
            if self.left == 0 || (at_once == 1 && !went) {
                return Ok(());
            }
            at_once = at_once.div_ceil(2);
        }
    }

    /// Simplifies each body; whether any became simpler.
    fn bodies(&mut self) -> Result<bool, E> {
        let mut went = false;
        for index in (0..self.case.requests.len()).rev() {
            went |= match &self.case.requests[index].body {
                Body::Json(_) => self.json(index)?,
                Body::Text(_) => self.text(index)?,
            };
        }
        Ok(went)
    }

    fn json(&mut self, index: usize) -> Result<bool, E> {
        let mut went = false;
        let mut number = 0;
        loop {
            let Body::Json(body) = self.case.requests[index].body.clone() else { return Ok(went) };
            let places = places(&body);
            let Some(place) = places.get(number) else { return Ok(went) };
            let mut removed = body.clone();
            if remove(&mut removed, place).is_some() && self.take(self.with(index, removed))? {
                went = true;
                continue;
            }
            for simpler in simpler(&body, place) {
                if self.take(self.with(index, simpler))? {
                    went = true;
                    break;
                }
            }
            number += 1;
        }
    }

    fn with(&self, index: usize, body: Value) -> Case {
        let mut candidate = self.case.clone();
        candidate.requests[index].body = Body::Json(body);
        candidate
    }

    fn text(&mut self, index: usize) -> Result<bool, E> {
        let Body::Text(text) = self.case.requests[index].body.clone() else { return Ok(false) };
        let mut went = false;
        for candidate in halves(&text) {
            let mut case = self.case.clone();
            case.requests[index].body = Body::Text(candidate);
            went |= self.take(case)?;
            if went {
                break;
            }
        }
        Ok(went)
    }
}

/// Bodies with something simpler at a place.
fn simpler(body: &Value, place: &[Step]) -> Vec<Value> {
    let mut whole = body.clone();
    let Some(value) = at(&mut whole, place).cloned() else { return Vec::new() };
    let candidates: Vec<Value> = match &value {
        Value::String(text) => shorter(text).into_iter().map(Value::String).collect(),
        Value::Object(members) if members.len() == 1 => {
            let is_value = members.keys().all(|name| name.bytes().all(|b| b.is_ascii_uppercase()));
            if is_value && value != json!({ "S": "a" }) {
                vec![json!({ "S": "a" })]
            } else {
                Vec::new()
            }
        }
        Value::Array(members) if members.len() > 1 => vec![json!([members[0]])],
        _ => Vec::new(),
    };
    let with = |candidate| {
        let mut body = body.clone();
        if let Some(target) = at(&mut body, place) {
            *target = candidate;
        }
        body
    };
    candidates.into_iter().map(with).collect()
}

/// Shorter texts: without some of its words, or of its letters.
fn shorter(text: &str) -> Vec<String> {
    if text.starts_with("{table}") || text.is_empty() {
        return Vec::new();
    }
    let words: Vec<&str> = text.split(' ').collect();
    let mut shorter = Vec::new();
    let mut at_once = words.len() / 2;
    while at_once > 0 && words.len() > 1 {
        for start in (0..words.len()).step_by(at_once) {
            let end = (start + at_once).min(words.len());
            let kept: Vec<&str> = words[..start].iter().chain(&words[end..]).copied().collect();
            if !kept.is_empty() {
                shorter.push(kept.join(" "));
            }
        }
        at_once /= 2;
    }
    if words.len() == 1 && text.len() > 1 {
        shorter.extend(halves(text));
        if text.parse::<f64>().is_ok() {
            shorter.insert(0, "1".to_owned());
        }
    }
    shorter
}

/// A text without one half or the other, or without its first or last letter.
fn halves(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let (count, half) = (letters.len(), letters.len() / 2);
    if count < 2 {
        return Vec::new();
    }
    let parts = [0..half, half..count, 0..count - 1, 1..count];
    parts.into_iter().map(|part| letters[part].iter().collect()).collect()
}
