//! The hottest partitions and keys of a server, as it tells them: read from its JSON, shown as a table. Counts
//! nothing itself.

use std::fmt::Write;

use serde::Deserialize;
use serde_json::Value;

use crate::table::{new_table, render};
use crate::units::{percent, rate, time};

/// What `GET /hot` answers with. Members that are not known are passed over.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct HotReport {
    /// The busiest first.
    pub partitions: Vec<HotPartition>,
}

/// A partition of a table or an index.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct HotPartition {
    /// The table.
    pub table: String,
    /// The global index, if it is one's.
    #[serde(default)]
    pub index: Option<String>,
    /// The shard that it is on.
    pub shard: u16,
    /// The hash that it begins with, in hexadecimal digits.
    pub from_hash: String,
    /// Over how many seconds all was counted.
    pub seconds: f64,
    /// Of the read units that one partition may serve, how much it was asked for.
    pub read_share: f64,
    /// The same of write units.
    pub write_share: f64,
    /// Read units a second that it refused.
    #[serde(default)]
    pub throttled_read_units_per_s: f64,
    /// The same of write units.
    #[serde(default)]
    pub throttled_write_units_per_s: f64,
    /// Keys that most was served for.
    pub accessed: Vec<HotKey>,
    /// Keys that most was refused for.
    pub throttled: Vec<HotKey>,
}

/// A key.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct HotKey {
    /// `read` or `write`.
    pub operation: String,
    /// Its attributes, as DynamoDB writes them.
    #[serde(default)]
    pub key: Value,
    /// Where it is stored.
    pub stored_at: String,
    /// Units a second, at the most.
    pub units_per_s: f64,
    /// By how many fewer it may be.
    pub error_units_per_s: f64,
    /// Of what one partition may serve.
    pub share: f64,
    /// The first second in which it was seen, since 1970.
    pub since: u64,
}

/// Partitions and keys in tables; `now` is the second since 1970. Ends in a line break.
pub fn hot_summary(report: &HotReport, now: u64) -> String {
    if report.partitions.is_empty() {
        return "Nothing was asked for in the last one to two minutes.\n".to_owned();
    }
    let mut text = String::new();
    let mut partitions =
        new_table(&["partition", "shard", "over", "of its reads", "of its writes", "throttled"]);
    for of in &report.partitions {
        let throttled = of.throttled_read_units_per_s + of.throttled_write_units_per_s;
        partitions.add_row(vec![
            name(of),
            of.shard.to_string(),
            time(of.seconds * 1e6),
            percent(of.read_share),
            percent(of.write_share),
            if throttled > 0.0 { format!("{} units/s", rate(throttled)) } else { String::new() },
        ]);
    }
    let _ = writeln!(text, "{}", render(partitions, &[0]));
    for (title, keys) in [
        ("Most accessed keys", (|of| &of.accessed) as fn(&HotPartition) -> &Vec<HotKey>),
        ("Most throttled keys", |of| &of.throttled),
    ] {
        let mut table = new_table(&[
            "key",
            "partition",
            "",
            "units/s",
            "at least",
            "of a partition's",
            "seen for",
        ]);
        let mut rows: Vec<(&HotPartition, &HotKey)> = report
            .partitions
            .iter()
            .flat_map(|of| keys(of).iter().map(move |key| (of, key)))
            .collect();
        rows.sort_by(|left, right| right.1.share.total_cmp(&left.1.share));
        if rows.is_empty() {
            continue;
        }
        for (of, key) in rows.iter().take(SHOWN_KEYS) {
            table.add_row(vec![
                named(key),
                name(of),
                format!("{}s", key.operation),
                rate(key.units_per_s),
                rate(key.units_per_s - key.error_units_per_s),
                percent(key.share),
                time(now.saturating_sub(key.since) as f64 * 1e6),
            ]);
        }
        let _ = writeln!(text, "\n{title}\n{}", render(table, &[0, 1, 2]));
    }
    text
}

/// Keys that are shown of each kind.
const SHOWN_KEYS: usize = 20;

/// Characters of a key that fit a line.
const KEY_CHARACTERS: usize = 48;

fn name(of: &HotPartition) -> String {
    let index = of.index.as_ref().map_or(String::new(), |index| format!("/{index}"));
    let from = if of.from_hash.is_empty() { "0" } else { &of.from_hash };
    format!("{}{index} from {from}", of.table)
}

/// `pk=customer-7 sk=42`: the values without their types.
fn named(key: &HotKey) -> String {
    let Some(attributes) = key.key.as_object() else { return format!("({})", key.stored_at) };
    let value = |value: &Value| match value.as_object().and_then(|typed| typed.values().next()) {
        // Whoever writes keys writes no terminal's commands.
        Some(Value::String(text)) => text.chars().map(printed).collect(),
        _ => value.to_string(),
    };
    let parts: Vec<String> =
        attributes.iter().map(|(name, typed)| format!("{name}={}", value(typed))).collect();
    let text = parts.join(" ");
    if text.chars().count() <= KEY_CHARACTERS {
        return text;
    }
    text.chars().take(KEY_CHARACTERS - 1).chain(['…']).collect()
}

fn printed(character: char) -> char {
    if character.is_control() { '\u{fffd}' } else { character }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_tells_is_shown_with_the_hottest_first() {
        let key = |text: &str, share: f64| {
            format!(
                r#"{{"operation":"write","key":{{"pk":{{"S":"{text}"}}}},"stored_at":"10","units_per_s":{},
                "error_units_per_s":1.5,"share":{share},"since":90}}"#,
                share * 1000.0
            )
        };
        let json = format!(
            r#"{{"partitions":[{{"table":"orders","shard":1,"from_hash":"8000","seconds":65.0,"read_share":0.02,
            "write_share":1.2,"throttled_write_units_per_s":1234.0,"accessed":[{},{}],"throttled":[{}],"more":1}}]}}"#,
            key("cold", 0.1),
            key("customer-7", 0.9),
            key("customer-7", 0.2)
        );
        let report: HotReport = serde_json::from_str(&json).unwrap();
        let text = hot_summary(&report, 100);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[3].contains("orders from 8000") && lines[3].contains("120 %"), "{text}");
        assert!(lines[3].contains("1,234 units/s"), "{text}");
        let at = |what: &str| lines.iter().position(|line| line.contains(what)).unwrap();
        assert!(at("pk=customer-7") < at("pk=cold"), "{text}");
        assert!(at("pk=cold") < at("Most throttled keys"), "{text}");
        assert!(lines[at("pk=customer-7")].contains("10.0 s"), "{text}");
    }

    #[test]
    fn keys_without_attributes_and_long_ones_are_shown_too() {
        let gone = HotKey { stored_at: "1000".into(), ..HotKey::default() };
        assert_eq!(named(&gone), "(1000)");
        let long = serde_json::json!({"k": {"S": "é".repeat(100)}});
        assert_eq!(named(&HotKey { key: long, ..HotKey::default() }).chars().count(), 48);
        let bold = serde_json::json!({"k": {"S": "\u{1b}[1m\nx"}});
        assert_eq!(named(&HotKey { key: bold, ..HotKey::default() }), "k=\u{fffd}[1m\u{fffd}x");
        assert!(hot_summary(&HotReport::default(), 0).starts_with("Nothing"));
    }
}
