//! Attribute values: of all types, at their edges, and some that are none.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::random::Random;

/// Numbers in forms that DynamoDB takes.
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "2",
    "3",
    "-1",
    "10",
    "1.5",
    "1.50",
    "-0",
    "0.0",
    "+5",
    ".5",
    "5.",
    "1e3",
    "1000",
    "1E-3",
    "007",
    "12345678901234567890123456789012345678",
    "0.00000000000000000001",
    "1e125",
    "9.9999999999999999999999999999999999999E+125",
    "1e-130",
    "-1e125",
    "-1e-130",
    "0.1",
    "0.2",
    "1.e5",
    "100000000000000000000",
    "99999999999999999999999999999999999999",
    "0e10",
    "0.0e126",
    "1.0000000000000000000000000000000000000000",
];

/// Texts that are no numbers, or past what is held.
const NO_NUMBERS: &[&str] = &[
    "",
    " 1",
    "1 ",
    "abc",
    "1+2",
    "1.2.3",
    "+e2",
    "e5",
    "1e",
    "1e126",
    "-1e126",
    "1e-131",
    "123456789012345678901234567890123456789",
    "1.23456789012345678901234567890123456789",
    "NaN",
    "Infinity",
    "0x10",
    "1_000",
    "--1",
    "+-1",
    "1e999999999999",
    "1e+",
    ".",
    "-",
    "+",
    "0e126",
    "0.000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001",
    "1e-999999999999",
    "\u{0661}",
    "1,5",
];

const TEXTS: &[&str] = &[
    "a", "b", "ab", "abc", "", "A", "é", "日本", "a b", "😀", "0", "10", "2", "null", "S", "N",
    "BOOL", "\u{0}", "zz", "\"", "\\", "\n",
];

/// Names of attributes that are not of keys.
pub const NAMES: &[&str] = &["a", "b", "c", "l", "m", "s", "n"];

/// Names that need care: reserved, with marks, of other letters.
pub const ODD_NAMES: &[&str] = &[
    "size", "name", "status", "a.b", "a-b", "é", "_x", "1a", " ", "a[0]", "#a", ":a", "SELECT",
    "Q", "",
];

/// A number as it is sent.
pub fn number(random: &mut Random) -> &'static str {
    if random.chance(70) { random.text(&NUMBERS[..12]) } else { random.text(NUMBERS) }
}

/// Bytes in base64, sometimes none.
fn binary(random: &mut Random) -> String {
    let all: [&[u8]; 6] = [b"", b"a", b"ab", b"\x00", b"\xff", b"abc\xfe"];
    let bytes = *random.pick(&all);
    STANDARD.encode(bytes)
}

/// Text.
fn text(random: &mut Random) -> &'static str {
    if random.chance(70) { random.text(&TEXTS[..4]) } else { random.text(TEXTS) }
}

/// A value that may be stored, of any type.
pub fn value(random: &mut Random, levels: usize) -> Value {
    let nested = if levels == 0 { 0 } else { 12 };
    match random.weighed(&[
        (25, "S"),
        (25, "N"),
        (8, "B"),
        (6, "BOOL"),
        (4, "NULL"),
        (nested, "M"),
        (nested, "L"),
        (8, "SS"),
        (8, "NS"),
        (4, "BS"),
    ]) {
        "M" => {
            let count = random.below(4);
            let members: Map<String, Value> =
                (0..count).map(|_| (name(random), value(random, levels - 1))).collect();
            json!({ "M": members })
        }
        "L" => {
            let count = random.below(4);
            let members: Vec<Value> = (0..count).map(|_| value(random, levels - 1)).collect();
            json!({ "L": members })
        }
        kind => scalar(random, kind),
    }
}

/// A value of one of the types that hold no others.
pub fn scalar(random: &mut Random, kind: &str) -> Value {
    match kind {
        "S" => json!({ "S": text(random) }),
        "N" => json!({ "N": number(random) }),
        "B" => json!({ "B": binary(random) }),
        "BOOL" => json!({ "BOOL": random.chance(50) }),
        "NULL" => json!({ "NULL": true }),
        "SS" => json!({ "SS": several(random, &["a", "b", "c", "ab", ""]) }),
        "NS" => json!({ "NS": several(random, &["1", "2", "3", "1.5", "-1", "1e2"]) }),
        _ => json!({ "BS": several(random, &["YQ==", "Yg==", "YWI=", ""]) }),
    }
}

/// A few of them, none twice.
fn several(random: &mut Random, of: &[&'static str]) -> Vec<&'static str> {
    let start = random.below(of.len());
    let count = 1 + random.below(3);
    of.iter().cycle().skip(start).take(count.min(of.len())).copied().collect()
}

/// The name of an attribute.
pub fn name(random: &mut Random) -> String {
    let odd = random.chance(6);
    random.text(if odd { ODD_NAMES } else { NAMES }).to_owned()
}

/// A value that DynamoDB refuses, or nearly does.
pub fn odd_value(random: &mut Random) -> Value {
    match random.below(16) {
        0..=3 => json!({ "N": random.text(NO_NUMBERS) }),
        4 => json!({ "SS": [] }),
        5 => json!({ random.text(&["NS", "BS"]): [] }),
        6 => json!({ "SS": ["a", "b", "a"] }),
        7 => json!({ "NS": ["1", "1.0", random.text(NO_NUMBERS)] }),
        8 => json!({ "BS": ["YQ==", "YQ=="] }),
        9 => json!({ "NULL": false }),
        10 => json!({ "S": "a", "N": "1" }),
        11 => json!({}),
        12 => json!({ "X": "a" }),
        13 => {
            json!({ "B": random.text(&["a", "YQ", "YQ=", "Y Q==", "!!!!", "YQ==\n", "YR==", "_w==", "YQ==YQ=="]) })
        }
        14 => {
            let levels = 29 + random.below(6);
            nested(random, levels)
        }
        _ => json!({ random.text(&["S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"]):
            odd_json(random) }),
    }
}

/// Maps and lists within each other.
pub fn nested(random: &mut Random, levels: usize) -> Value {
    let mut value = json!({ "S": "x" });
    for _ in 0..levels {
        value = if random.chance(50) {
            json!({ "L": [value] })
        } else {
            json!({ "M": { "a": value } })
        };
    }
    value
}

/// JSON of any kind.
pub fn odd_json(random: &mut Random) -> Value {
    let all = [
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(1),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!(99_999_999_999_u64),
        json!(""),
        json!("x"),
        json!("1"),
        json!("true"),
        json!([]),
        json!({}),
        json!([null]),
        json!(["x"]),
        json!([1]),
        json!([[]]),
        json!([{}]),
        json!({ "a": 1 }),
        json!({ "S": "a" }),
        json!({ "a": null }),
        json!({ "a": {} }),
        json!({ "a": { "S": "a" } }),
    ];
    random.pick(&all).clone()
}
