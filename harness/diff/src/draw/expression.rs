//! Expressions: drawn as trees and written out, with placeholders; then, now and then, broken.

use serde_json::{Map, Value, json};

use super::schema::{Attribute, Key, key_value};
use super::values;
use crate::random::Random;

/// An expression's surroundings: the placeholders that were used so far.
#[derive(Debug, Default)]
pub struct Placeholders {
    names: Map<String, Value>,
    values: Map<String, Value>,
}

/// Words between tokens that may be inserted.
const TOKENS: &[&str] = &[
    "AND",
    "OR",
    "NOT",
    "IN",
    "BETWEEN",
    "SET",
    "REMOVE",
    "ADD",
    "DELETE",
    "(",
    ")",
    ",",
    "=",
    "<",
    ">",
    "<>",
    "<=",
    ">=",
    "+",
    "-",
    ".",
    "[0]",
    "[",
    "]",
    "#",
    ":",
    "#x",
    ":x",
    ":",
    "a",
    "size",
    "name",
    "abs",
    "size(a)",
    "attribute_exists(a)",
    "contains",
    "if_not_exists",
    "list_append",
    "attribute_type",
    "begins_with",
    "*",
    "/",
    "!",
    "==",
    "1",
    "\"",
    "'",
    "&",
    "é",
    "0",
    "and",
    "set",
    "[1e9]",
    "[99999999999]",
    "[-1]",
    "[a]",
    "a..b",
    ".a",
    "a.",
];

impl Placeholders {
    /// A placeholder for a value.
    pub fn value(&mut self, value: Value) -> String {
        let key = format!(":v{}", self.values.len());
        self.values.insert(key.clone(), value);
        key
    }

    /// A placeholder for a name.
    pub fn name(&mut self, name: &str) -> String {
        if let Some((key, _)) = self.names.iter().find(|(_, known)| *known == name) {
            return key.clone();
        }
        let key = format!("#n{}", self.names.len());
        self.names.insert(key.clone(), json!(name));
        key
    }

    /// Puts them into a request; now and then with one too many or too few.
    pub fn put_into(mut self, body: &mut Map<String, Value>, random: &mut Random) {
        if random.chance(2) {
            self.names.insert("#unused".into(), json!("a"));
        }
        if random.chance(2) {
            self.values.insert(":unused".into(), values::value(random, 1));
        }
        for (which, odd) in [(&mut self.names, "n"), (&mut self.values, ":")] {
            if random.chance(2) {
                let key = random.text(&["", "#", ":", "n", "#a b", ":a-b", "#é", ":1", "#1"]);
                which.insert(key.into(), if odd == "n" { json!("a") } else { json!({ "S": "a" }) });
            }
            if random.chance(1) && !which.is_empty() {
                let first = which.keys().next().cloned().unwrap_or_default();
                which.remove(&first);
            }
        }
        if !self.names.is_empty() || random.chance(1) {
            body.insert("ExpressionAttributeNames".into(), Value::Object(self.names));
        }
        if !self.values.is_empty() || random.chance(1) {
            body.insert("ExpressionAttributeValues".into(), Value::Object(self.values));
        }
    }
}

/// A path into a document.
pub fn path(random: &mut Random, placeholders: &mut Placeholders) -> String {
    let mut text = element(random, placeholders);
    while random.chance(22) {
        if random.chance(50) {
            let index = random.text(&["0", "1", "2", "0", "1", "100"]);
            text.push_str(&format!("[{index}]"));
        } else {
            text.push('.');
            text.push_str(&element(random, placeholders));
        }
    }
    text
}

fn element(random: &mut Random, placeholders: &mut Placeholders) -> String {
    let name = if random.chance(8) {
        random.text(&["p", "r", "g", "h"]).to_owned()
    } else {
        values::name(random)
    };
    let is_plain = values::NAMES.contains(&name.as_str()) || name.len() == 1;
    if random.chance(20) || (!is_plain && random.chance(85)) {
        placeholders.name(&name)
    } else {
        name
    }
}

fn operand(random: &mut Random, placeholders: &mut Placeholders) -> String {
    match random.below(10) {
        0..=4 => {
            let odd = random.chance(2);
            let value = if odd { values::odd_value(random) } else { values::value(random, 1) };
            placeholders.value(value)
        }
        5..=8 => path(random, placeholders),
        _ => format!("size({})", path(random, placeholders)),
    }
}

/// A condition or a filter.
pub fn condition(random: &mut Random, placeholders: &mut Placeholders, levels: usize) -> String {
    if levels > 0 && random.chance(45) {
        let mut below = || condition(random, placeholders, levels - 1);
        let (left, right) = (below(), below());
        return match random.below(5) {
            0 => format!("NOT {left}"),
            1 => format!("({left})"),
            2 => format!("{left} OR {right}"),
            3 => format!("({left}) AND ({right})"),
            _ => format!("{left} AND {right}"),
        };
    }
    match random.below(10) {
        0..=3 => {
            let comparator = random.text(&["=", "<>", "<", "<=", ">", ">="]);
            format!(
                "{} {comparator} {}",
                operand(random, placeholders),
                operand(random, placeholders)
            )
        }
        4 => {
            let of = operand(random, placeholders);
            let (low, high) = bounds(random, placeholders);
            format!("{of} BETWEEN {low} AND {high}")
        }
        5 => {
            let of = operand(random, placeholders);
            let count = 1 + random.below(3);
            let list: Vec<String> = (0..count).map(|_| operand(random, placeholders)).collect();
            format!("{of} IN ({})", list.join(", "))
        }
        _ => function(random, placeholders),
    }
}

fn bounds(random: &mut Random, placeholders: &mut Placeholders) -> (String, String) {
    if random.chance(30) {
        return (operand(random, placeholders), operand(random, placeholders));
    }
    let kind = random.text(&["S", "N", "B"]);
    let mut bound = || placeholders.value(values::scalar(random, kind));
    (bound(), bound())
}

fn function(random: &mut Random, placeholders: &mut Placeholders) -> String {
    let name = random.text(&[
        "attribute_exists",
        "attribute_not_exists",
        "attribute_type",
        "begins_with",
        "contains",
        "attribute_exists",
        "attribute_not_exists",
        "size",
        "if_not_exists",
        "unknown",
    ]);
    let first =
        if random.chance(90) { path(random, placeholders) } else { operand(random, placeholders) };
    let second = match name {
        "attribute_type" => placeholders.value(json!({ "S": random.text(&["S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS", "X"]) })),
        "begins_with" => {
            let kind = random.text(&["S", "S", "B", "N"]);
            placeholders.value(values::scalar(random, kind))
        }
        _ => operand(random, placeholders),
    };
    let takes_two = !matches!(name, "attribute_exists" | "attribute_not_exists" | "size");
    if takes_two != random.chance(2) {
        format!("{name}({first}, {second})")
    } else {
        format!("{name}({first})")
    }
}

/// What to return.
pub fn projection(random: &mut Random, placeholders: &mut Placeholders) -> String {
    let count = 1 + random.below(3);
    let paths: Vec<String> = (0..count).map(|_| path(random, placeholders)).collect();
    paths.join(", ")
}

/// An update.
pub fn update(random: &mut Random, placeholders: &mut Placeholders) -> String {
    let mut clauses = Vec::new();
    for _ in 0..1 + random.below(2) {
        let verb = random.weighed(&[(50, "SET"), (20, "REMOVE"), (18, "ADD"), (12, "DELETE")]);
        let count = 1 + random.below(2);
        let actions: Vec<String> = (0..count).map(|_| action(random, placeholders, verb)).collect();
        clauses.push(format!("{verb} {}", actions.join(", ")));
    }
    clauses.join(" ")
}

fn action(random: &mut Random, placeholders: &mut Placeholders, verb: &str) -> String {
    let path = path(random, placeholders);
    match verb {
        "SET" => format!("{path} = {}", set_value(random, placeholders)),
        "REMOVE" => path,
        _ => {
            let kind = random.text(&["N", "N", "SS", "NS", "BS", "S", "L"]);
            let value = if kind == "L" {
                json!({ "L": [{ "S": "a" }] })
            } else {
                values::scalar(random, kind)
            };
            format!("{path} {}", placeholders.value(value))
        }
    }
}

fn set_value(random: &mut Random, placeholders: &mut Placeholders) -> String {
    let plus = random.text(&["+", "-"]);
    match random.below(10) {
        0..=3 => set_operand(random, placeholders),
        4 | 5 => {
            let number = json!({ "N": values::number(random) });
            format!("{} {plus} {}", set_operand(random, placeholders), placeholders.value(number))
        }
        6 => format!(
            "{} {plus} {}",
            set_operand(random, placeholders),
            set_operand(random, placeholders)
        ),
        7 => format!(
            "if_not_exists({}, {})",
            path(random, placeholders),
            set_operand(random, placeholders)
        ),
        _ => {
            let list = placeholders.value(json!({ "L": [values::value(random, 0)] }));
            let other = set_operand(random, placeholders);
            if random.chance(50) {
                format!("list_append({other}, {list})")
            } else {
                format!("list_append({list}, {other})")
            }
        }
    }
}

fn set_operand(random: &mut Random, placeholders: &mut Placeholders) -> String {
    match random.below(12) {
        0..=4 => path(random, placeholders),
        5 => format!(
            "if_not_exists({}, {})",
            path(random, placeholders),
            operand(random, placeholders)
        ),
        6 => operand(random, placeholders),
        _ => placeholders.value(values::value(random, 2)),
    }
}

/// A condition on a key.
pub fn key_condition(random: &mut Random, key: &Key, placeholders: &mut Placeholders) -> String {
    let mut text = equality(random, key.partition, placeholders);
    let Some(sort) = key.sort.filter(|_| random.chance(60)) else { return text };
    let on_sort = sort_condition(random, sort, placeholders);
    match random.below(20) {
        0 => text = on_sort,
        1 => text = format!("{text} OR {on_sort}"),
        2 => text = format!("{text} AND ({on_sort})"),
        3 => text = format!("{text} AND {on_sort} AND {on_sort}"),
        4 => text = format!("NOT {text} AND {on_sort}"),
        5..=8 => text = format!("{on_sort} AND {text}"),
        _ => text = format!("{text} AND {on_sort}"),
    }
    text
}

fn equality(random: &mut Random, of: Attribute, placeholders: &mut Placeholders) -> String {
    let value = placeholders.value(key_value(of.kind, random));
    let name = if random.chance(20) { placeholders.name(of.name) } else { of.name.to_owned() };
    let comparator = if random.chance(2) { "<" } else { "=" };
    if random.chance(3) {
        format!("{value} {comparator} {name}")
    } else {
        format!("{name} {comparator} {value}")
    }
}

fn sort_condition(random: &mut Random, of: Attribute, placeholders: &mut Placeholders) -> String {
    let mut bound = |random: &mut Random| {
        let kind = if random.chance(3) { random.text(&["S", "N", "B", "BOOL"]) } else { of.kind };
        let value = if kind == "BOOL" { json!({ "BOOL": true }) } else { key_value(kind, random) };
        placeholders.value(value)
    };
    let name = of.name;
    match random.below(8) {
        0 => format!("{name} = {}", bound(random)),
        1 => format!("{name} < {}", bound(random)),
        2 => format!("{name} >= {}", bound(random)),
        3 | 4 => format!("{name} BETWEEN {} AND {}", bound(random), bound(random)),
        5 => format!("{name} {} {}", random.text(&["<>", "<=", ">"]), bound(random)),
        6 => format!(
            "{}({name}, {})",
            random.text(&["contains", "begins_with", "attribute_exists"]),
            bound(random)
        ),
        _ => format!("begins_with({name}, {})", bound(random)),
    }
}

/// Breaks an expression, or leaves it.
pub fn maybe_broken(random: &mut Random, text: String) -> String {
    if !random.chance(14) {
        return text;
    }
    let mut tokens: Vec<String> = text.split(' ').map(str::to_owned).collect();
    let at = random.below(tokens.len());
    match random.below(12) {
        0 | 1 => {
            tokens.remove(at);
        }
        2 => tokens.insert(at, tokens[at].clone()),
        3..=5 => tokens.insert(at, random.text(TOKENS).to_owned()),
        6 | 7 => tokens[at] = random.text(TOKENS).to_owned(),
        8 => return broken_letter(random, &text),
        9 => return deep(random, &text),
        10 => return random.text(&["", " ", "\n", "a", "(", ")", "SET", "#", ":"]).to_owned(),
        _ => tokens[at] = tokens[at].to_uppercase(),
    }
    tokens.join(random.text(&[" ", "  ", "\t", "\n"]))
}

fn broken_letter(random: &mut Random, text: &str) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let at = random.below(letters.len());
    match random.below(3) {
        0 if !letters.is_empty() => {
            letters.remove(at);
        }
        1 => letters.insert(
            at,
            *random
                .pick(&['(', ')', ' ', '.', '[', ']', '#', ':', '=', ',', 'x', '%', '\u{0}', 'é']),
        ),
        _ => letters.truncate(at),
    }
    letters.into_iter().collect()
}

fn deep(random: &mut Random, text: &str) -> String {
    let levels = *random.pick(&[1, 2, 10, 100, 1000, 2000]);
    match random.below(3) {
        0 => format!("{}{text}{}", "(".repeat(levels), ")".repeat(levels)),
        1 => format!("{}{text}", "NOT ".repeat(levels.min(400))),
        _ => format!("{text}{}", ".a".repeat(levels)),
    }
}
