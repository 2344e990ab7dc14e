//! The table of a case: its keys and indexes. Names of keys are few and fixed, so that requests meet.

use serde_json::{Map, Value, json};

use super::values;
use crate::case::TABLE;
use crate::random::Random;

/// The table that a case works on.
#[derive(Debug, Clone)]
pub struct Schema {
    /// Its own key.
    pub key: Key,
    /// Its local indexes.
    pub local: Vec<Index>,
    /// Its global indexes.
    pub global: Vec<Index>,
}

/// An index.
#[derive(Debug, Clone)]
pub struct Index {
    /// Its name.
    pub name: &'static str,
    /// What it is ordered by.
    pub key: Key,
    /// What it holds.
    pub projection: Value,
}

/// The attributes of a key, each with its type.
#[derive(Debug, Clone)]
pub struct Key {
    /// The partition's.
    pub partition: Attribute,
    /// The order's.
    pub sort: Option<Attribute>,
}

/// A name and a type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Attribute {
    /// The name.
    pub name: &'static str,
    /// `S`, `N` or `B`.
    pub kind: &'static str,
}

impl Key {
    /// Its attributes.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute> {
        [Some(self.partition), self.sort].into_iter().flatten()
    }

    fn schema(&self) -> Value {
        let roles = ["HASH", "RANGE"];
        let elements = self.attributes().zip(roles);
        elements.map(|(of, role)| json!({ "AttributeName": of.name, "KeyType": role })).collect()
    }
}

impl Schema {
    /// One of those that there may be.
    pub fn draw(random: &mut Random) -> Self {
        let partition = Attribute { name: "p", kind: kind(random) };
        let sort = random.chance(60).then(|| Attribute { name: "r", kind: kind(random) });
        let other = Attribute { name: "g", kind: kind(random) };
        let third = Attribute { name: "h", kind: kind(random) };
        let local = if sort.is_some() && random.chance(30) {
            let key = Key { partition, sort: Some(third) };
            vec![Index { name: "local", key, projection: projection(random) }]
        } else {
            Vec::new()
        };
        let global = if random.chance(30) {
            let sort = random.chance(50).then(|| *random.pick(&[third, partition]));
            let key = Key { partition: other, sort };
            vec![Index { name: "global", key, projection: projection(random) }]
        } else {
            Vec::new()
        };
        Self { key: Key { partition, sort }, local, global }
    }

    /// Its indexes.
    pub fn indexes(&self) -> impl Iterator<Item = &Index> {
        self.local.iter().chain(&self.global)
    }

    /// The request that makes it.
    pub fn create(&self, random: &mut Random) -> Value {
        let mut names: Vec<Attribute> = Vec::new();
        let keys = std::iter::once(&self.key).chain(self.indexes().map(|index| &index.key));
        for attribute in keys.flat_map(Key::attributes) {
            if !names.contains(&attribute) {
                names.push(attribute);
            }
        }
        let definitions: Vec<Value> = names
            .iter()
            .map(|of| json!({ "AttributeName": of.name, "AttributeType": of.kind }))
            .collect();
        let mut body = Map::new();
        body.insert("TableName".into(), json!(TABLE));
        body.insert("AttributeDefinitions".into(), json!(definitions));
        body.insert("KeySchema".into(), self.key.schema());
        let units = json!({ "ReadCapacityUnits": 5, "WriteCapacityUnits": 5 });
        let is_provisioned = random.chance(20);
        if is_provisioned {
            body.insert("ProvisionedThroughput".into(), units.clone());
        } else {
            body.insert("BillingMode".into(), json!("PAY_PER_REQUEST"));
        }
        for (member, indexes) in
            [("LocalSecondaryIndexes", &self.local), ("GlobalSecondaryIndexes", &self.global)]
        {
            let listed: Vec<Value> = indexes
                .iter()
                .map(|index| {
                    let mut of = json!({ "IndexName": index.name, "KeySchema": index.key.schema(),
                                         "Projection": index.projection });
                    if is_provisioned && member.starts_with('G') {
                        of["ProvisionedThroughput"] = units.clone();
                    }
                    of
                })
                .collect();
            if !listed.is_empty() {
                body.insert(member.into(), json!(listed));
            }
        }
        Value::Object(body)
    }

    /// The key of an item, mostly one of few.
    pub fn item_key(&self, random: &mut Random) -> Map<String, Value> {
        key_of(&self.key, random)
    }

    /// A whole item.
    pub fn item(&self, random: &mut Random) -> Map<String, Value> {
        let mut item = Map::new();
        for _ in 0..random.below(5) {
            item.insert(values::name(random), values::value(random, 2));
        }
        for index in self.indexes() {
            for attribute in index.key.attributes() {
                if random.chance(80) {
                    item.insert(attribute.name.into(), key_value(attribute.kind, random));
                }
            }
        }
        item.extend(self.item_key(random));
        if random.chance(3) {
            item.insert(values::name(random), values::odd_value(random));
        }
        item
    }
}

fn kind(random: &mut Random) -> &'static str {
    random.weighed(&[(60, "S"), (25, "N"), (15, "B")])
}

fn projection(random: &mut Random) -> Value {
    match random.below(3) {
        0 => json!({ "ProjectionType": "ALL" }),
        1 => json!({ "ProjectionType": "KEYS_ONLY" }),
        _ => json!({ "ProjectionType": "INCLUDE", "NonKeyAttributes": ["a", "l"] }),
    }
}

/// A key's attributes; now and then one of the wrong type, empty, too large or missing.
pub fn key_of(key: &Key, random: &mut Random) -> Map<String, Value> {
    let mut of = Map::new();
    for attribute in key.attributes() {
        let kind = if random.chance(2) { kind(random) } else { attribute.kind };
        of.insert(attribute.name.into(), key_value(kind, random));
    }
    if random.chance(2) {
        of.insert(values::name(random), values::value(random, 1));
    }
    if random.chance(2) {
        of.remove(key.partition.name);
    }
    of
}

/// A value of a key.
pub fn key_value(kind: &str, random: &mut Random) -> Value {
    if random.chance(3) {
        return odd_key_value(kind, random);
    }
    match kind {
        "S" => json!({ "S": random.text(&["a", "b", "ab"]) }),
        "N" => json!({ "N": random.text(&["1", "2", "1.0", "-1", "1e1"]) }),
        _ => json!({ "B": random.text(&["YQ==", "Yg==", "YWI="]) }),
    }
}

fn odd_key_value(kind: &str, random: &mut Random) -> Value {
    let size = *random.pick(&[0, 1024, 1025, 2048, 2049]);
    match kind {
        "S" => json!({ "S": "k".repeat(size) }),
        // Three bytes of every four characters.
        "B" => json!({ "B": "AAAA".repeat(size / 3) }),
        _ => values::odd_value(random),
    }
}
