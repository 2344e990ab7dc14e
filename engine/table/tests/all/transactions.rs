//! TransactWriteItems and TransactGetItems: all or nothing, at one moment, over crashes.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use flywheel_api::ErrorCode;
use flywheel_disk::sim::{SimDisk, run_steps};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Service, on_disk, on_large_tables, on_tables, pair, single};

fn put(table: &str, item: Value) -> Value {
    json!({"Put": {"TableName": table, "Item": item}})
}

fn write(actions: Value) -> Value {
    json!({"TransactItems": actions})
}

#[test]
fn a_transaction_writes_several_tables_or_none() {
    on_tables(async |service| {
        service.create(single("one")).await;
        service.create(pair("two")).await;
        service.put("one", json!({"k": {"S": "old"}, "n": {"N": "1"}})).await;
        let actions = json!([
            put("one", json!({"k": {"S": "new"}})),
            {"Update": {
                "TableName": "one", "Key": {"k": {"S": "old"}},
                "UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": {"N": "1"}},
            }},
            put("two", json!({"p": {"S": "a"}, "s": {"S": "b"}})),
            {"ConditionCheck": {
                "TableName": "two", "Key": {"p": {"S": "x"}, "s": {"S": "y"}},
                "ConditionExpression": "attribute_not_exists(p)",
            }},
        ]);
        let mut request = write(actions);
        request["ReturnConsumedCapacity"] = json!("TOTAL");
        let answer = service.ok("TransactWriteItems", request).await;
        assert_eq!(
            answer["ConsumedCapacity"],
            json!([
                {"TableName": "one", "CapacityUnits": 4.0, "WriteCapacityUnits": 4.0},
                {"TableName": "two", "CapacityUnits": 4.0, "WriteCapacityUnits": 4.0},
            ])
        );
        let get = |table: &str, key: Value| json!({"Get": {"TableName": table, "Key": key}});
        let gets = write(json!([
            get("one", json!({"k": {"S": "new"}})),
            get("one", json!({"k": {"S": "old"}})),
            get("two", json!({"p": {"S": "x"}, "s": {"S": "y"}})),
        ]));
        assert_eq!(
            service.ok("TransactGetItems", gets).await,
            json!({"Responses": [
                {"Item": {"k": {"S": "new"}}}, {"Item": {"k": {"S": "old"}, "n": {"N": "2"}}}, {},
            ]})
        );
    });
}

#[test]
fn a_transaction_that_fails_says_why_and_does_nothing() {
    on_tables(async |service| {
        service.create(single("table")).await;
        service.put("table", json!({"k": {"S": "there"}, "v": {"S": "old"}})).await;
        let absent = |key: &str| {
            json!({"Put": {
                "TableName": "table", "Item": {"k": {"S": key}},
                "ConditionExpression": "attribute_not_exists(k)",
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }})
        };
        let request = write(json!([absent("new"), absent("there")]));
        let error = service.call("TransactWriteItems", request).await.expect_err("it is there");
        assert_eq!(
            error.to_string(),
            "TransactionCanceledException: Transaction cancelled, please refer cancellation \
             reasons for specific reasons [None, ConditionalCheckFailed]"
        );
        assert_eq!(error.reasons[1].message.as_deref(), Some("The conditional request failed"));
        assert!(error.reasons[1].item.is_some() && error.reasons[0].item.is_none());
        let scan = service.ok("Scan", json!({"TableName": "table"})).await;
        assert_eq!(scan["Items"], json!([{"k": {"S": "there"}, "v": {"S": "old"}}]));
        for (actions, message) in [
            (
                json!([
                    put("table", json!({"k": {"S": "a"}})),
                    put("table", json!({"k": {"S": "a"}}))
                ]),
                "ValidationException: Transaction request cannot include multiple operations on one item",
            ),
            (
                json!([{}]),
                "ValidationException: Invalid Request: TransactWriteRequest should contain Delete or Put or Update request",
            ),
            (
                json!([
                    put("table", json!({"k": {"S": "a"}})),
                    put("table", json!({"k": {"N": "1"}}))
                ]),
                "TransactionCanceledException: Transaction cancelled, please refer cancellation reasons for specific reasons [None, ValidationError]",
            ),
            (
                json!([put("table", json!({"k": {"S": ""}}))]),
                "ValidationException: One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: k",
            ),
            (
                json!([put("none", json!({"k": {"S": "a"}}))]),
                "ResourceNotFoundException: Requested resource not found",
            ),
        ] {
            assert_eq!(service.refused("TransactWriteItems", write(actions)).await, message);
        }
    });
}

/// A table whose items are also found by `g`.
async fn create_indexed(service: &Service, name: &str) {
    let mut definition = single(name);
    definition["AttributeDefinitions"] = json!([
        {"AttributeName": "k", "AttributeType": "S"}, {"AttributeName": "g", "AttributeType": "S"},
    ]);
    definition["GlobalSecondaryIndexes"] = json!([{
        "IndexName": "by-g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }]);
    service.create(definition).await;
}

#[test]
fn what_is_wrong_with_an_action_is_a_reason_or_not_as_at_aws() {
    on_tables(async |service| {
        create_indexed(&service, "table").await;
        let set_g = |value: Value| {
            json!({"Update": {
                "TableName": "table", "Key": {"k": {"S": "a"}}, "UpdateExpression": "SET g = :v",
                "ExpressionAttributeValues": {":v": value},
            }})
        };
        let canceled =
            "Transaction cancelled, please refer cancellation reasons for specific reasons ";
        for (actions, reasons, reason) in [
            // Only the first action that cannot be is told of, and no condition is looked at.
            (
                json!([
                    put("table", json!({"k": {"N": "5"}})),
                    put("table", json!({"k": {"L": []}})),
                    {"ConditionCheck": {
                        "TableName": "table", "Key": {"k": {"S": "x"}},
                        "ConditionExpression": "attribute_exists(k)",
                    }},
                ]),
                "[ValidationError, None, None]",
                "One or more parameter values were invalid: Type mismatch for key k expected: S actual: N",
            ),
            (
                json!([set_g(json!({"N": "5"}))]),
                "[ValidationError]",
                "One or more parameter values were invalid: Type mismatch for Index Key g Expected: S Actual: N IndexName: by-g",
            ),
        ] {
            let error = service.call("TransactWriteItems", write(actions)).await.expect_err(reason);
            assert_eq!(error.message, format!("{canceled}{reasons}"));
            assert_eq!(error.reasons[0].message.as_deref(), Some(reason));
        }
        // All conditions that do not hold are told of.
        let absent = |key: &str| {
            json!({"Delete": {
                "TableName": "table", "Key": {"k": {"S": key}},
                "ConditionExpression": "attribute_exists(k)",
            }})
        };
        let request =
            write(json!([absent("x"), put("table", json!({"k": {"S": "y"}})), absent("z")]));
        assert_eq!(
            service.refused("TransactWriteItems", request).await,
            format!(
                "TransactionCanceledException: {canceled}[ConditionalCheckFailed, None, ConditionalCheckFailed]"
            )
        );
        // An index's key with nothing in it is no reason, in an update either.
        assert_eq!(
            service.refused("TransactWriteItems", write(json!([set_g(json!({"S": ""}))]))).await,
            "ValidationException: One or more parameter values are not valid. The update expression attempted to \
             update a secondary index key to a value that is not supported. The AttributeValue for a key \
             attribute cannot contain an empty string value."
        );
    });
}

#[test]
fn a_put_is_told_of_in_an_order_of_its_own() {
    on_tables(async |service| {
        service.create(single("table")).await;
        let deep = |levels: usize| {
            (0..levels).fold(json!({"S": "x"}), |value, _| json!({"M": {"a": value}}))
        };
        let long = format!("attribute_exists(a){}", " OR attribute_exists(b)".repeat(200));
        let put = |item: Value, condition: &str, values: Value| {
            write(json!([{"Put": {
                "TableName": "table", "Item": {"k": {"S": "a"}, "d": item},
                "ConditionExpression": condition, "ExpressionAttributeValues": values,
            }}]))
        };
        let too_deep = "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit";
        for (request, says) in [
            (
                put(deep(32), "d = :v", json!({":v": deep(33)})),
                format!("ExpressionAttributeValues contains invalid value: {too_deep} for key :v"),
            ),
            (
                put(deep(32), &long, json!({":v": {"S": "x"}})),
                format!(
                    "Invalid ConditionExpression: Expression size has exceeded the maximum allowed size; expression size: {}",
                    long.len()
                ),
            ),
            (put(deep(32), "attribute_exists(d)", json!({":v": {"S": "x"}})), too_deep.to_owned()),
            (
                put(json!({"SS": ["a", "a"]}), "attribute_exists(", json!({":v": {"S": "x"}})),
                "One or more parameter values were invalid: Input collection [a, a] contains duplicates.".to_owned(),
            ),
        ] {
            let told = service.refused("TransactWriteItems", request).await;
            assert_eq!(told, format!("ValidationException: {says}"));
        }
        // Values that no condition could use are taken.
        let request = write(json!([{"Put": {
            "TableName": "table", "Item": {"k": {"S": "a"}},
            "ExpressionAttributeValues": {":v": {"S": "x"}},
        }}]));
        service.ok("TransactWriteItems", request).await;
    });
}

#[test]
fn of_an_item_of_which_nothing_is_asked_for_nothing_comes() {
    on_tables(async |service| {
        service.create(single("table")).await;
        service.put("table", json!({"k": {"S": "a"}, "b": {"S": "c"}})).await;
        let get = |parts: &str| {
            json!({"Get": {
                "TableName": "table", "Key": {"k": {"S": "a"}}, "ProjectionExpression": parts,
            }})
        };
        for (parts, item) in [("b", json!({"Item": {"b": {"S": "c"}}})), ("c", json!({}))] {
            let answer = service.ok("TransactGetItems", write(json!([get(parts)]))).await;
            assert_eq!(answer, json!({"Responses": [item]}));
        }
    });
}

#[test]
fn a_token_stands_for_its_transaction() {
    on_tables(async |service| {
        service.create(single("table")).await;
        let add = |token: &str, n: &str| {
            let mut request = write(json!([{"Update": {
                "TableName": "table", "Key": {"k": {"S": "a"}},
                "UpdateExpression": "ADD n :n", "ExpressionAttributeValues": {":n": {"N": n}},
            }}]));
            request["ClientRequestToken"] = json!(token);
            request["ReturnConsumedCapacity"] = json!("TOTAL");
            request
        };
        let first = service.ok("TransactWriteItems", add("token", "1")).await;
        assert_eq!(first["ConsumedCapacity"][0]["WriteCapacityUnits"], 2.0);
        let again = service.ok("TransactWriteItems", add("token", "1")).await;
        assert_eq!(again["ConsumedCapacity"][0]["ReadCapacityUnits"], 2.0);
        let other = service.call("TransactWriteItems", add("token", "2")).await;
        let other = other.expect_err("another request");
        assert_eq!(other.code, ErrorCode::IdempotentParameterMismatch);
        service.ok("TransactWriteItems", add("another token", "1")).await;
        let get = json!({"TableName": "table", "Key": {"k": {"S": "a"}}});
        assert_eq!(service.ok("GetItem", get.clone()).await["Item"]["n"], json!({"N": "2"}));
        service.sleep(Duration::from_secs(700)).await;
        service.ok("TransactWriteItems", add("token", "1")).await;
        assert_eq!(service.ok("GetItem", get).await["Item"]["n"], json!({"N": "3"}));
    });
}

/// Accounts that transfers move money between; what all have together never changes.
const ACCOUNTS: u64 = 6;
const EACH: u64 = 100;

fn account(n: u64) -> Value {
    json!({"k": {"S": format!("account {n}")}})
}

fn accounts() -> Value {
    let mut table = single("table");
    let number = json!({"AttributeName": "tag", "AttributeType": "N"});
    table["AttributeDefinitions"].as_array_mut().expect("a list").push(number);
    table["GlobalSecondaryIndexes"] = json!([{
        "IndexName": "by_tag",
        "KeySchema": [{"AttributeName": "tag", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }]);
    table
}

async fn open_accounts(service: &Service) {
    service.create(accounts()).await;
    for n in 0..ACCOUNTS {
        let mut item = account(n);
        item["n"] = json!({"N": EACH.to_string()});
        item["tag"] = json!({"N": "0"});
        service.put("table", item).await;
    }
}

/// Moves one from an account to another, tags both with the transfer's number, and leaves a note of it;
/// whether it was done.
async fn transfer(service: &Service, from: u64, to: u64, number: u64) -> bool {
    let step = |n: u64, expression: &str| {
        json!({"Update": {
            "TableName": "table", "Key": account(n),
            "UpdateExpression": format!("SET n = n {expression} :one, tag = :tag"),
            "ExpressionAttributeValues": {":one": {"N": "1"}, ":tag": {"N": number.to_string()}},
        }})
    };
    let note = json!({
        "k": {"S": format!("transfer {number}")}, "from": {"N": from.to_string()}, "to": {"N": to.to_string()},
    });
    let request = write(json!([step(from, "-"), put("table", note), step(to, "+")]));
    match service.call("TransactWriteItems", request).await {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.code, ErrorCode::TransactionCanceled, "{error}");
            false
        }
    }
}

/// What all accounts have, read at one moment; `None` if transfers disturbed it.
async fn total(service: &Service) -> Option<u64> {
    let gets: Vec<Value> =
        (0..ACCOUNTS).map(|n| json!({"Get": {"TableName": "table", "Key": account(n)}})).collect();
    let answer = service.call("TransactGetItems", write(json!(gets))).await.ok()?;
    let items = answer["Responses"].as_array().expect("responses").iter();
    let amounts = items.map(|found| found["Item"]["n"]["N"].as_str().expect("a number").parse());
    Some(amounts.map(|amount: Result<u64, _>| amount.expect("whole")).sum())
}

#[test]
fn transfers_at_the_same_time_conserve_the_sum_and_reads_see_it_whole() {
    on_tables(async |service| {
        open_accounts(&service).await;
        let (done, seen) = (Cell::new(0), Cell::new(0));
        let transfers = (0..8u64).map(async |client| {
            for round in 0..20 {
                let (from, to) = ((client + round) % ACCOUNTS, (client * 3 + round + 1) % ACCOUNTS);
                if from != to && transfer(&service, from, to, client * 100 + round).await {
                    done.set(done.get() + 1);
                }
            }
        });
        let reads = (0..3).map(async |_| {
            for _ in 0..60 {
                if let Some(total) = total(&service).await {
                    assert_eq!(total, ACCOUNTS * EACH);
                    seen.set(seen.get() + 1);
                }
                service.sleep(Duration::from_micros(200)).await;
            }
        });
        futures_util::future::join(join_all(transfers), join_all(reads)).await;
        assert!(
            done.get() > 15 && seen.get() > 5,
            "{} transfers, {} reads",
            done.get(),
            seen.get()
        );
        assert_eq!(total(&service).await, Some(ACCOUNTS * EACH));
    });
}

#[test]
fn a_crash_at_any_step_leaves_whole_transactions() {
    let (mut cut, mut acknowledged_in_all) = (0, 0);
    for seed in 0..150u64 {
        let disk = SimDisk::new();
        on_disk(&disk, async |service| open_accounts(&service).await);
        // Transfers that were acknowledged, by number.
        let acknowledged: RefCell<Vec<u64>> = RefCell::default();
        let steps = 600 + seed * 37;
        let ended = run_steps(seed, &disk, steps, async |world| {
            let service = Service::open(&world).await;
            let clients = (0..3u64).map(async |client| {
                for round in 0..40 {
                    let from = (client * 2 + round) % ACCOUNTS;
                    let number = client * 100 + round + 1;
                    if transfer(&service, from, (from + 1) % ACCOUNTS, number).await {
                        acknowledged.borrow_mut().push(number);
                    }
                }
            });
            join_all(clients).await;
        });
        cut += u64::from(ended.is_none());
        disk.power_loss(seed);
        let acknowledged = acknowledged.into_inner();
        acknowledged_in_all += acknowledged.len();
        on_disk(&disk, async |service| {
            assert_eq!(total(&service).await, Some(ACCOUNTS * EACH), "seed {seed}");
            let scan = service.ok("Scan", json!({"TableName": "table"})).await;
            let items = scan["Items"].as_array().expect("items");
            let number = |item: &Value, name: &str| -> Option<u64> {
                item[name]["N"].as_str().map(|text| text.parse().expect("whole"))
            };
            // What the notes say is what the accounts have: each transfer is there whole or not at all.
            let mut expected = [EACH; ACCOUNTS as usize];
            for note in items.iter().filter(|item| item["from"].is_object()) {
                expected[number(note, "from").expect("an account") as usize] -= 1;
                expected[number(note, "to").expect("an account") as usize] += 1;
            }
            for n in 0..ACCOUNTS {
                let item = items.iter().find(|item| item["k"] == account(n)["k"]).expect("there");
                let held = number(item, "n").expect("an amount");
                assert_eq!(held, expected[n as usize], "seed {seed}: account {n}");
            }
            // And each that was acknowledged is there.
            for number in &acknowledged {
                let key = json!({"S": format!("transfer {number}")});
                assert!(items.iter().any(|item| item["k"] == key), "seed {seed}: {number} is lost");
            }
            let tags: Vec<u64> = items.iter().filter_map(|item| number(item, "tag")).collect();
            // The index, once it has followed, says of each account what the account says.
            service.sleep(Duration::from_secs(2)).await;
            for tag in &tags {
                let query = json!({
                    "TableName": "table", "IndexName": "by_tag",
                    "KeyConditionExpression": "tag = :tag",
                    "ExpressionAttributeValues": {":tag": {"N": tag.to_string()}},
                });
                let found = service.ok("Query", query).await["Count"].as_u64();
                let expected = tags.iter().filter(|other| *other == tag).count() as u64;
                assert_eq!(found, Some(expected), "seed {seed}: tag {tag}");
            }
            // What a crash left behind holds nobody up.
            assert!(transfer(&service, 0, 1, 9999).await, "seed {seed}");
        });
    }
    assert!(cut > 100, "{cut} of 150 crashed midway");
    assert!(acknowledged_in_all > 300, "{acknowledged_in_all} transfers were acknowledged");
}

#[test]
fn the_items_that_take_most_can_be_held_and_indexed() {
    on_large_tables(async |service| {
        // Counted as little as anything is for what it takes: 400 KB that are stored as more than 600.
        let mut table = pair("table");
        let key = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
        let mut locals = Vec::new();
        for n in 0..5 {
            let name = format!("n{n}");
            let definition = json!({"AttributeName": name, "AttributeType": "N"});
            table["AttributeDefinitions"].as_array_mut().expect("a list").push(definition);
            locals.push(json!({
                "IndexName": format!("by_{name}"),
                "KeySchema": [key("p", "HASH"), key(&name, "RANGE")],
                "Projection": {"ProjectionType": "ALL"},
            }));
        }
        table["LocalSecondaryIndexes"] = json!(locals);
        let all = json!({"ProjectionType": "ALL"});
        table["GlobalSecondaryIndexes"] =
            json!([{"IndexName": "global", "KeySchema": [key("s", "HASH")], "Projection": all}]);
        service.create(table).await;
        let empty = vec![json!({"S": ""}); 400_000];
        let small = vec![json!({"N": "1"}); 130_000];
        for (list, n) in [(empty, "1"), (small, "2")] {
            let number = json!({"N": n});
            let item = json!({
                "p": {"S": "a"}, "s": {"S": "b"}, "l": {"L": list},
                "n0": number, "n1": number, "n2": number, "n3": number, "n4": number,
            });
            service.ok("TransactWriteItems", write(json!([put("table", item.clone())]))).await;
            let get = json!({"TableName": "table", "Key": {"p": {"S": "a"}, "s": {"S": "b"}}});
            assert_eq!(service.ok("GetItem", get).await["Item"]["n4"], number);
            service.put("table", item).await;
        }
    });
}

#[test]
fn an_item_that_was_left_in_a_crash_is_free_again() {
    for steps in (300..2000).step_by(100) {
        let disk = SimDisk::new();
        on_disk(&disk, async |service| {
            service.create(single("table")).await;
            service.put("table", json!({"k": {"S": "a"}})).await;
        });
        run_steps(steps, &disk, steps, async |world| {
            let service = Service::open(&world).await;
            let actions = json!([
                put("table", json!({"k": {"S": "a"}, "v": {"S": "x"}})),
                put("table", json!({"k": {"S": "b"}}))
            ]);
            let mut request = write(actions);
            request["ClientRequestToken"] = json!("token");
            service.ok("TransactWriteItems", request).await;
            service.sleep(Duration::from_secs(3600)).await;
        });
        disk.power_loss(steps);
        on_disk(&disk, async |service| {
            let scan = service.ok("Scan", json!({"TableName": "table"})).await;
            let is_there = scan["Count"] == 2;
            assert_eq!(is_there, scan["Items"].to_string().contains("\"x\""), "{steps}: {scan}");
            // The client asks again, as it would: what was done is not done twice, and what was not is done.
            let actions = json!([
                put("table", json!({"k": {"S": "a"}, "v": {"S": "x"}})),
                put("table", json!({"k": {"S": "b"}}))
            ]);
            let mut request = write(actions);
            request["ClientRequestToken"] = json!("token");
            service.ok("TransactWriteItems", request).await;
            let scan = service.ok("Scan", json!({"TableName": "table"})).await;
            assert_eq!(scan["Count"], 2);
            service.put("table", json!({"k": {"S": "a"}})).await;
        });
    }
}
