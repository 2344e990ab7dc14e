//! aws-sdk-dynamodb for Rust against a running server. Not a crate of the workspace: `scripts/clients/run` puts it into
//! a package of its own, runs it, and says by the environment where the server is. FLYWHEEL_TRANSACTIONS=1 adds
//! transactions.

use std::collections::HashMap;
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::retry::RetryConfig;
use aws_sdk_dynamodb::client::Waiters;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue::{B, Bool, Bs, L, M, N, Ns, Null, S, Ss};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, ConditionCheck, Delete, Get,
    GlobalSecondaryIndex, KeySchemaElement, KeyType, KeysAndAttributes, LocalSecondaryIndex,
    Projection, ProjectionType, Put, PutRequest, ReturnConsumedCapacity, ReturnValue,
    ReturnValuesOnConditionCheckFailure, ScalarAttributeType, Select, TableStatus, Tag,
    TimeToLiveSpecification, TransactGetItem, TransactWriteItem, WriteRequest,
};
use aws_sdk_dynamodb::{Client, Config};

const TABLE: &str = "rust-readings";
type Item = HashMap<String, AttributeValue>;

fn item<const N: usize>(of: [(&str, AttributeValue); N]) -> Item {
    of.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn text(text: impl Into<String>) -> AttributeValue {
    S(text.into())
}

fn number(number: i64) -> AttributeValue {
    N(number.to_string())
}

fn key(name: &str, kind: KeyType) -> KeySchemaElement {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build().expect("it is whole")
}

/// Asserts the code of an error, whatever the operation.
fn code<T: std::fmt::Debug, E: ProvideErrorMetadata, R>(
    result: Result<T, SdkError<E, R>>,
    code: &str,
) {
    let error = result.expect_err(code);
    assert_eq!(error.code(), Some(code), "{:?}", error.message());
}

/// Waits for something, a few seconds at most.
async fn until<F: Future<Output = bool>>(look: impl Fn() -> F, what: &str) {
    for _ in 0..200 {
        if look().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never: {what}");
}

async fn status_of(client: &Client) -> Option<TableStatus> {
    let described = client.describe_table().table_name(TABLE).send().await.ok()?;
    described.table()?.table_status().cloned()
}

async fn tables(client: &Client) {
    let attribute = |name: &str, kind| {
        AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(kind)
            .build()
            .expect("it is whole")
    };
    let projection = |kind| Projection::builder().projection_type(kind).build();
    let local = LocalSecondaryIndex::builder()
        .index_name("by-value")
        .key_schema(key("sensor", KeyType::Hash))
        .key_schema(key("value", KeyType::Range))
        .projection(projection(ProjectionType::All));
    let global = GlobalSecondaryIndex::builder()
        .index_name("by-room")
        .key_schema(key("room", KeyType::Hash))
        .key_schema(key("at", KeyType::Range))
        .projection(projection(ProjectionType::KeysOnly));
    let made = client
        .create_table()
        .table_name(TABLE)
        .attribute_definitions(attribute("sensor", ScalarAttributeType::S))
        .attribute_definitions(attribute("at", ScalarAttributeType::N))
        .attribute_definitions(attribute("value", ScalarAttributeType::N))
        .attribute_definitions(attribute("room", ScalarAttributeType::S))
        .key_schema(key("sensor", KeyType::Hash))
        .key_schema(key("at", KeyType::Range))
        .local_secondary_indexes(local.build().expect("it is whole"))
        .global_secondary_indexes(global.build().expect("it is whole"))
        .billing_mode(BillingMode::PayPerRequest)
        .tags(Tag::builder().key("owner").value("clients").build().expect("it is whole"))
        .send()
        .await
        .expect("made");
    let status = made.table_description().and_then(|table| table.table_status().cloned());
    assert_eq!(status, Some(TableStatus::Creating));
    // The waiter looks every twenty seconds: it is asked when there is nothing to wait for.
    until(|| async { status_of(client).await == Some(TableStatus::Active) }, "the table is active")
        .await;
    client
        .wait_until_table_exists()
        .table_name(TABLE)
        .wait(Duration::from_secs(30))
        .await
        .expect("there");
    let described = client.describe_table().table_name(TABLE).send().await.expect("described");
    let table = described.table().expect("a table");
    assert_eq!(table.deletion_protection_enabled(), Some(false));
    assert_eq!(table.global_secondary_indexes().len(), 1);
    let arn = table.table_arn().expect("an ARN");
    let tags = client.list_tags_of_resource().resource_arn(arn).send().await.expect("tags");
    assert_eq!(tags.tags()[0].value(), "clients");
    let names: Vec<String> = client
        .list_tables()
        .limit(1)
        .into_paginator()
        .items()
        .send()
        .collect::<Result<_, _>>()
        .await
        .expect("listed");
    assert!(names.contains(&TABLE.to_owned()), "{names:?}");
    let on = TimeToLiveSpecification::builder()
        .enabled(true)
        .attribute_name("ends")
        .build()
        .expect("it is whole");
    client
        .update_time_to_live()
        .table_name(TABLE)
        .time_to_live_specification(on)
        .send()
        .await
        .expect("expiry");
    let expiry = client.describe_time_to_live().table_name(TABLE).send().await.expect("expiry");
    let described = expiry.time_to_live_description().expect("a description");
    assert_eq!(described.attribute_name(), Some("ends"));
}

async fn every_type(client: &Client) {
    let sent = item([
        ("sensor", text("types")),
        ("at", number(1)),
        ("s", text("\u{e4}\u{1f600}\"\\\n")),
        ("empty", text("")),
        ("n", N("-1234567890.0123456789".into())),
        ("b", B(Blob::new((0..=255).collect::<Vec<u8>>()))),
        ("t", Bool(true)),
        ("z", Null(true)),
        ("l", L(vec![number(1), L(vec![]), M(item([("x", Null(true))]))])),
        ("m", M(item([("a", M(item([("b.c", text("deep"))])))]))),
        ("ss", Ss(vec!["only".into()])),
        ("ns", Ns(vec!["2.5".into()])),
        ("bs", Bs(vec![Blob::new([0, 255])])),
    ]);
    client.put_item().table_name(TABLE).set_item(Some(sent.clone())).send().await.expect("put");
    let got = client
        .get_item()
        .table_name(TABLE)
        .key("sensor", text("types"))
        .key("at", N("1.0".into()))
        .consistent_read(true)
        .return_consumed_capacity(ReturnConsumedCapacity::Total)
        .send()
        .await
        .expect("got");
    assert_eq!(got.item(), Some(&sent));
    assert_eq!(got.consumed_capacity().and_then(|c| c.capacity_units()), Some(1.0));
    let absent = client
        .get_item()
        .table_name(TABLE)
        .key("sensor", text("none"))
        .key("at", number(1))
        .send()
        .await;
    assert_eq!(absent.expect("an answer").item(), None);
}

async fn conditions(client: &Client) {
    let (sensor, at) = (text("conditions"), number(1));
    client
        .put_item()
        .table_name(TABLE)
        .item("sensor", sensor.clone())
        .item("at", at.clone())
        .item("words", Ss(vec!["a".into(), "b".into()]))
        .send()
        .await
        .expect("put");
    let refused = client
        .put_item()
        .table_name(TABLE)
        .item("sensor", sensor.clone())
        .item("at", at.clone())
        .condition_expression("attribute_not_exists(sensor)")
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .send()
        .await
        .expect_err("there is one")
        .into_service_error();
    assert!(refused.is_conditional_check_failed_exception(), "{refused:?}");
    let aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(
        failed,
    ) = refused
    else {
        unreachable!("it was looked at");
    };
    assert!(failed.item().is_some_and(|item| item.contains_key("words")), "{failed:?}");
    let updated = client
        .update_item()
        .table_name(TABLE)
        .key("sensor", sensor.clone())
        .key("at", at.clone())
        .update_expression("SET #v = if_not_exists(#v, :zero) + :two DELETE words :a")
        .expression_attribute_names("#v", "value")
        .expression_attribute_values(":zero", number(0))
        .expression_attribute_values(":two", number(2))
        .expression_attribute_values(":a", Ss(vec!["a".into()]))
        .return_values(ReturnValue::UpdatedNew)
        .send()
        .await
        .expect("updated");
    let expected = item([("value", number(2)), ("words", Ss(vec!["b".into()]))]);
    assert_eq!(updated.attributes(), Some(&expected));
    let gone = client
        .delete_item()
        .table_name(TABLE)
        .key("sensor", sensor)
        .key("at", at)
        .condition_expression("size(words) = :one")
        .expression_attribute_values(":one", number(1))
        .return_values(ReturnValue::AllOld)
        .send()
        .await
        .expect("deleted");
    assert_eq!(gone.attributes().and_then(|item| item.get("value")), Some(&number(2)));
}

async fn many(client: &Client) {
    let reading = |n: i64| {
        item([
            ("sensor", text(format!("s{}", n % 3))),
            ("at", number(n)),
            ("value", number(100 - n)),
            ("room", text(if n % 2 == 0 { "even" } else { "odd" })),
            ("note", text("x".repeat(50))),
        ])
    };
    for first in [0, 25, 50] {
        let puts = (first..first + 25).map(|n| {
            let put =
                PutRequest::builder().set_item(Some(reading(n))).build().expect("it is whole");
            WriteRequest::builder().put_request(put).build()
        });
        let left = client
            .batch_write_item()
            .request_items(TABLE, puts.collect())
            .send()
            .await
            .expect("written");
        assert_eq!(left.unprocessed_items().map(HashMap::len), Some(0));
    }
    let keys = (0..80).map(|n| item([("sensor", text(format!("s{}", n % 3))), ("at", number(n))]));
    let wanted = KeysAndAttributes::builder()
        .set_keys(Some(keys.collect()))
        .projection_expression("note")
        .build();
    let got = client
        .batch_get_item()
        .request_items(TABLE, wanted.expect("it is whole"))
        .send()
        .await
        .expect("got");
    assert_eq!(got.responses().and_then(|tables| tables.get(TABLE)).map(Vec::len), Some(75));
    assert_eq!(got.unprocessed_keys().map(HashMap::len), Some(0));

    let mine = || client.query().table_name(TABLE).expression_attribute_values(":s", text("s1"));
    let found: Vec<Item> = mine()
        .key_condition_expression("sensor = :s")
        .into_paginator()
        .page_size(4)
        .items()
        .send()
        .collect::<Result<_, _>>()
        .await
        .expect("found");
    let times: Vec<&AttributeValue> = found.iter().map(|item| &item["at"]).collect();
    assert_eq!(
        times,
        (0..25).map(|n| number(3 * n + 1)).collect::<Vec<_>>().iter().collect::<Vec<_>>()
    );
    let low = mine()
        .index_name("by-value")
        .key_condition_expression("sensor = :s AND #v BETWEEN :a AND :b")
        .expression_attribute_names("#v", "value")
        .expression_attribute_values(":a", number(30))
        .expression_attribute_values(":b", number(40))
        .scan_index_forward(false)
        .consistent_read(true)
        .send()
        .await
        .expect("found");
    let values: Vec<&AttributeValue> = low.items().iter().map(|item| &item["value"]).collect();
    assert_eq!(values, [&number(39), &number(36), &number(33), &number(30)]);

    until(
        || async {
            let even: Vec<Item> = client
                .query()
                .table_name(TABLE)
                .index_name("by-room")
                .key_condition_expression("room = :r")
                .expression_attribute_values(":r", text("even"))
                .into_paginator()
                .page_size(10)
                .items()
                .send()
                .collect::<Result<_, _>>()
                .await
                .expect("found");
            even.iter().all(|item| item.len() == 3) && even.len() == 38
        },
        "38 items with what KEYS_ONLY projects are in the index",
    )
    .await;

    let mut scans = tokio::task::JoinSet::new();
    for segment in 0..4 {
        let scan = client
            .scan()
            .table_name(TABLE)
            .segment(segment)
            .total_segments(4)
            .filter_expression("attribute_exists(room)")
            .into_paginator()
            .page_size(7)
            .items()
            .send();
        scans.spawn(scan.collect::<Result<Vec<Item>, _>>());
    }
    let segments = scans.join_all().await;
    assert_eq!(segments.into_iter().map(|items| items.expect("scanned").len()).sum::<usize>(), 75);
    let count = client
        .scan()
        .table_name(TABLE)
        .index_name("by-room")
        .select(Select::Count)
        .send()
        .await
        .expect("scanned");
    assert_eq!(count.count(), 75);
}

async fn errors(client: &Client) {
    let put = || client.put_item().table_name(TABLE).item("sensor", text("errors"));
    code(put().send().await, "ValidationException");
    code(put().item("at", text("1")).send().await, "ValidationException");
    code(
        put().item("at", number(1)).item("x", N("one".into())).send().await,
        "ValidationException",
    );
    let nowhere = client.get_item().table_name("rust-nothing").key("a", text("b")).send().await;
    assert!(nowhere.expect_err("no table").into_service_error().is_resource_not_found_exception());
    let described = client.describe_table().table_name("rust-nothing").send().await;
    assert!(
        described.expect_err("no table").into_service_error().is_resource_not_found_exception()
    );
    let again = client
        .create_table()
        .table_name(TABLE)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(
            AttributeDefinition::builder()
                .attribute_name("a")
                .attribute_type(ScalarAttributeType::S)
                .build()
                .expect("it is whole"),
        )
        .key_schema(key("a", KeyType::Hash))
        .send()
        .await;
    assert!(again.expect_err("it is there").into_service_error().is_resource_in_use_exception());
}

/// When the server has them.
async fn transactions(client: &Client) {
    let put = |at| {
        let put =
            Put::builder().table_name(TABLE).item("sensor", text("tx")).item("at", number(at));
        TransactWriteItem::builder().put(put.build().expect("it is whole")).build()
    };
    client
        .transact_write_items()
        .transact_items(put(1))
        .transact_items(put(2))
        .send()
        .await
        .expect("written");
    let get = Get::builder()
        .table_name(TABLE)
        .key("sensor", text("tx"))
        .key("at", number(2))
        .build()
        .expect("it is whole");
    let got = client
        .transact_get_items()
        .transact_items(TransactGetItem::builder().get(get).build())
        .send()
        .await
        .expect("got");
    assert_eq!(got.responses()[0].item().map(HashMap::len), Some(2));
    let delete = Delete::builder()
        .table_name(TABLE)
        .key("sensor", text("tx"))
        .key("at", number(1))
        .build()
        .expect("it is whole");
    let check = ConditionCheck::builder()
        .table_name(TABLE)
        .key("sensor", text("tx"))
        .key("at", number(2))
        .condition_expression("attribute_not_exists(sensor)")
        .build()
        .expect("it is whole");
    let error = client
        .transact_write_items()
        .transact_items(TransactWriteItem::builder().delete(delete).build())
        .transact_items(TransactWriteItem::builder().condition_check(check).build())
        .send()
        .await
        .expect_err("cancelled")
        .into_service_error();
    let aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::TransactionCanceledException(cancelled) = error else {
        panic!("{error:?}");
    };
    let codes: Vec<Option<&str>> =
        cancelled.cancellation_reasons().iter().map(|reason| reason.code()).collect();
    assert_eq!(codes, [Some("None"), Some("ConditionalCheckFailed")]);
}

#[tokio::main]
async fn main() {
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    // Not more attempts than one: a retry would hide what failed.
    let config = Config::from(&config).to_builder().retry_config(RetryConfig::disabled()).build();
    let client = Client::from_conf(config);
    println!("aws-sdk-dynamodb {}", aws_sdk_dynamodb::meta::PKG_VERSION);
    tables(&client).await;
    every_type(&client).await;
    conditions(&client).await;
    many(&client).await;
    errors(&client).await;
    let with_transactions = std::env::var("FLYWHEEL_TRANSACTIONS").is_ok_and(|value| value == "1");
    if with_transactions {
        transactions(&client).await;
    }
    client.delete_table().table_name(TABLE).send().await.expect("deleted");
    until(|| async { status_of(&client).await.is_none() }, "the table is gone").await;
    client
        .wait_until_table_not_exists()
        .table_name(TABLE)
        .wait(Duration::from_secs(30))
        .await
        .expect("gone");
    println!("{} passed, 0 failed", 5 + usize::from(with_transactions));
}
