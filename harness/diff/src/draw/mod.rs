//! Cases by seed: a table, requests to it that meet, and some that are broken. Pure: equal seeds draw equal cases.

mod batches;
mod expression;
mod items;
mod legacy;
pub(crate) mod malformed;
mod reads;
mod schema;
mod tables;
mod transactions;
mod values;

use crate::case::{Case, Request};
use crate::random::Random;
use schema::Schema;

/// The operations that are drawn, with their weights.
pub const OPERATIONS: &[(usize, &str)] = &[
    (12, "GetItem"),
    (18, "PutItem"),
    (28, "UpdateItem"),
    (7, "DeleteItem"),
    (14, "Query"),
    (10, "Scan"),
    (4, "BatchGetItem"),
    (4, "BatchWriteItem"),
    (6, "TransactGetItems"),
    (12, "TransactWriteItems"),
    (2, "CreateTable"),
    (1, "DescribeTable"),
    (1, "UpdateTable"),
    (1, "DeleteTable"),
    (1, "ListTables"),
    (1, "UpdateTimeToLive"),
    (1, "DescribeTimeToLive"),
    (1, "TagResource"),
    (1, "UntagResource"),
    (1, "ListTagsOfResource"),
];

/// Those of them that read or write items.
const OF_ITEMS: usize = 10;

/// Which operations a run draws.
#[derive(Debug, Clone)]
pub struct Choice {
    weights: Vec<(usize, &'static str)>,
}

impl Choice {
    /// Those that pass; `None` if none does.
    pub fn of(passes: impl Fn(&str) -> bool) -> Option<Self> {
        let weights: Vec<_> = OPERATIONS.iter().filter(|(_, name)| passes(name)).copied().collect();
        (!weights.is_empty()).then_some(Self { weights })
    }
}

/// Draws a case.
pub fn case(seed: u64, number: u64, choice: &Choice) -> Case {
    let mut random = Random::of_case(seed, number);
    let random = &mut random;
    let schema = Schema::draw(random);
    let mut requests = vec![Request::new("CreateTable", schema.create(random))];
    let is_of_items = |name: &str| OPERATIONS[..OF_ITEMS].iter().any(|(_, of)| *of == name);
    if choice.weights.iter().any(|(_, name)| is_of_items(name)) {
        // Something to meet.
        for _ in 0..random.below(4) {
            let body =
                serde_json::json!({ "TableName": crate::case::TABLE, "Item": schema.item(random) });
            requests.push(Request::new("PutItem", body));
        }
    }
    for _ in 0..6 + random.below(10) {
        let request = request(random, &schema, choice);
        // With a token it is told again what became of it the first time.
        let is_again = request.member("ClientRequestToken").is_some() && random.chance(40);
        let again = is_again.then(|| request.clone());
        requests.push(if random.chance(10) { malformed::broken(random, request) } else { request });
        requests.extend(again);
    }
    Case { requests }
}

fn request(random: &mut Random, schema: &Schema, choice: &Choice) -> Request {
    let operation = random.weighed(&choice.weights);
    let body = match operation {
        "GetItem" => items::get(random, schema),
        "PutItem" => items::put(random, schema),
        "UpdateItem" => items::update(random, schema),
        "DeleteItem" => items::delete(random, schema),
        "Query" => reads::query(random, schema),
        "Scan" => reads::scan(random, schema),
        "BatchGetItem" => batches::get(random, schema),
        "BatchWriteItem" => batches::write(random, schema),
        "TransactGetItems" => transactions::get(random, schema),
        "TransactWriteItems" => transactions::write(random, schema),
        _ => tables::body(random, schema, operation),
    };
    Request::new(operation, body)
}
