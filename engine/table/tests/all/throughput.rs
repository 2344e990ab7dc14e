//! Who is let in by the capacity of tables and indexes, what is told of who is not, and what is accounted.

use std::time::Duration;

use flywheel_api::{ApiError, ErrorCode, ThrottlingReason};
use serde_json::{Value, json};

use crate::support::{Service, on_tables, on_throttled_tables, pair, single};

/// A table with so many units of reads and writes a second.
fn provisioned(mut table: Value, read: u64, write: u64) -> Value {
    table["BillingMode"] = "PROVISIONED".into();
    table["ProvisionedThroughput"] = units(read, write);
    table
}

fn units(read: u64, write: u64) -> Value {
    json!({"ReadCapacityUnits": read, "WriteCapacityUnits": write})
}

/// A PutItem of an item of about so many bytes.
fn put(number: usize, size_bytes: usize) -> Value {
    let value = ".".repeat(size_bytes.saturating_sub(20));
    json!({"TableName": "load", "Item": {"k": {"S": format!("{number}")}, "v": {"S": value}}})
}

/// Puts of a unit each until one is throttled: how many went through, and the error.
async fn until_throttled(service: &Service) -> (usize, ApiError) {
    for number in 0..5000 {
        if let Err(error) = service.call("PutItem", put(number, 100)).await {
            return (number, error);
        }
    }
    panic!("nobody throttles");
}

fn reason(error: &ApiError) -> (&str, &str) {
    let [ThrottlingReason { reason, resource }] = &*error.throttling else {
        panic!("one reason expected: {error:?}");
    };
    (reason, resource)
}

const TABLE: &str = "arn:aws:dynamodb:eu-west-1:000000000000:table/load";

#[test]
fn what_is_provisioned_is_let_in_and_what_was_unused_for_300_s() {
    on_throttled_tables(async |service| {
        service.create(provisioned(single("load"), 5, 10)).await;
        let (count, error) = until_throttled(&service).await;
        assert!((10..15).contains(&count), "a second's units, {count}");
        assert_eq!(error.code, ErrorCode::ProvisionedThroughputExceeded);
        assert_eq!(reason(&error), ("TableWriteProvisionedThroughputExceeded", TABLE));
        assert!(error.message.starts_with("The level of configured provisioned throughput"));
        service.sleep(Duration::from_secs(20)).await;
        let (count, _) = until_throttled(&service).await;
        assert!((195..210).contains(&count), "20 seconds', {count}");
        service.sleep(Duration::from_secs(1000)).await;
        let (count, _) = until_throttled(&service).await;
        assert!((3000..3050).contains(&count), "no more than 300 seconds', {count}");
        // Reads have units of their own.
        let get = json!({"TableName": "load", "Key": {"k": {"S": "1"}}});
        service.ok("GetItem", get).await;
    });
}

#[test]
fn what_an_operation_took_beyond_its_reservation_is_waited_for() {
    on_throttled_tables(async |service| {
        service.create(provisioned(single("load"), 100, 10)).await;
        service.sleep(Duration::from_secs(3)).await;
        service.ok("PutItem", put(1, 30 << 10)).await;
        // Reserves one unit, and takes the 30 of what it deletes.
        service.sleep(Duration::from_secs(1)).await;
        let delete = json!({"TableName": "load", "Key": {"k": {"S": "1"}}});
        service.ok("DeleteItem", delete).await;
        let (count, _) = until_throttled(&service).await;
        assert_eq!(count, 0, "some 10 units are owed");
        service.sleep(Duration::from_secs(5)).await;
        assert!(until_throttled(&service).await.0 > 0);
    });
}

#[test]
fn a_condition_that_does_not_hold_takes_its_units() {
    on_throttled_tables(async |service| {
        service.create(provisioned(single("load"), 5, 5)).await;
        let mut refused = put(1, 100);
        refused["ConditionExpression"] = "attribute_exists(k)".into();
        for _ in 0..5 {
            let error = service.refused("PutItem", refused.clone()).await;
            assert!(error.starts_with("ConditionalCheckFailed"), "{error}");
        }
        let error = service.refused("PutItem", refused).await;
        assert!(error.starts_with("ProvisionedThroughputExceeded"), "{error}");
    });
}

#[test]
fn a_global_index_that_falls_short_throttles_its_table() {
    on_throttled_tables(async |service| {
        let mut table = provisioned(pair("load"), 1000, 1000);
        table["GlobalSecondaryIndexes"] = json!([{
            "IndexName": "idx",
            "KeySchema": [{"AttributeName": "s", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
            "ProvisionedThroughput": units(5, 5),
        }]);
        service.create(table).await;
        let put = |n: usize| json!({"TableName": "load", "Item": {"p": {"S": "p"}, "s": {"S": format!("{n}")}}});
        let mut throttled = None;
        for n in 0..50 {
            if let Err(error) = service.call("PutItem", put(n)).await {
                throttled = Some((n, error));
                break;
            }
        }
        let (count, error) = throttled.expect("the index throttles");
        assert!((5..10).contains(&count), "{count}");
        assert_eq!(error.code, ErrorCode::ProvisionedThroughputExceeded);
        let index = format!("{TABLE}/index/idx");
        assert_eq!(reason(&error), ("IndexWriteProvisionedThroughputExceeded", &*index));
        // Reads of the index have its own units, and those of the table the table's.
        let query = json!({
            "TableName": "load", "IndexName": "idx", "KeyConditionExpression": "s = :s",
            "ExpressionAttributeValues": {":s": {"S": "1"}},
        });
        let mut reads = 0;
        let error = loop {
            match service.call("Query", query.clone()).await {
                Ok(_) => reads += 1,
                Err(error) => break error,
            }
        };
        assert!((10..20).contains(&reads), "half a unit each, {reads}");
        assert_eq!(reason(&error), ("IndexReadProvisionedThroughputExceeded", &*index));
        service.ok("Scan", json!({"TableName": "load"})).await;
    });
}

#[test]
fn capacity_changes_while_requests_go_on() {
    on_throttled_tables(async |service| {
        service.create(provisioned(single("load"), 5, 5)).await;
        until_throttled(&service).await;
        let update = json!({"TableName": "load", "ProvisionedThroughput": units(5, 500)});
        service.ok("UpdateTable", update).await;
        service.until_status(&"load".into(), "ACTIVE").await;
        service.sleep(Duration::from_secs(1)).await;
        let (count, _) = until_throttled(&service).await;
        assert!(count >= 490, "{count}");
        service
            .ok("UpdateTable", json!({"TableName": "load", "BillingMode": "PAY_PER_REQUEST"}))
            .await;
        service.until_status(&"load".into(), "ACTIVE").await;
        for number in 0..2000 {
            service.ok("PutItem", put(number, 100)).await;
        }
        let bound =
            json!({"TableName": "load", "OnDemandThroughput": {"MaxWriteRequestUnits": 20}});
        service.ok("UpdateTable", bound).await;
        service.until_status(&"load".into(), "ACTIVE").await;
        service.sleep(Duration::from_secs(100)).await;
        let (count, error) = until_throttled(&service).await;
        assert!((20..30).contains(&count), "no bursts, {count}");
        assert_eq!(error.code, ErrorCode::Throttling);
        assert_eq!(reason(&error).0, "TableWriteMaxOnDemandThroughputExceeded");
    });
}

#[test]
fn of_a_batch_comes_back_what_there_are_no_units_for() {
    on_throttled_tables(async |service| {
        service.create(provisioned(single("load"), 4, 10)).await;
        let write = |n: usize| json!({"PutRequest": {"Item": {"k": {"S": format!("{n}")}}}});
        let batch = json!({"RequestItems": {"load": (0..25).map(write).collect::<Vec<_>>()}});
        let answer = service.ok("BatchWriteItem", batch.clone()).await;
        let back = answer["UnprocessedItems"]["load"].as_array().expect("some").len();
        assert!((10..=15).contains(&back), "{back}");
        let error = service.call("BatchWriteItem", batch).await.expect_err("nothing is left");
        assert_eq!(error.code, ErrorCode::ProvisionedThroughputExceeded);
        let key = |n: usize| json!({"k": {"S": format!("{n}")}});
        let keys = json!({"Keys": (0..20).map(key).collect::<Vec<_>>(), "ConsistentRead": true});
        let answer = service.ok("BatchGetItem", json!({"RequestItems": {"load": keys}})).await;
        let back = answer["UnprocessedKeys"]["load"]["Keys"].as_array().expect("some").len();
        assert!((12..=16).contains(&back), "{back}");
        let error = service.call("BatchGetItem", json!({"RequestItems": {"load": keys}})).await;
        assert_eq!(
            reason(&error.expect_err("nothing is left")).0,
            "TableReadProvisionedThroughputExceeded"
        );
    });
}

#[test]
fn a_transaction_without_units_is_canceled_whole() {
    on_throttled_tables(async |service| {
        service.create(provisioned(single("load"), 10, 10)).await;
        let put = |n: usize| json!({"Put": put(n, 100)});
        let transaction = json!({"TransactItems": (0..4).map(put).collect::<Vec<_>>()});
        service.ok("TransactWriteItems", transaction.clone()).await;
        // Two of ten units are left: one is let in, and owes six.
        service.ok("TransactWriteItems", transaction.clone()).await;
        let throttled = async |operation, body: Value| {
            let error = service.call(operation, body).await.expect_err("nothing is left");
            assert_eq!(error.code, ErrorCode::TransactionCanceled);
            let codes: Vec<&str> = error.reasons.iter().map(|reason| &*reason.code).collect();
            assert_eq!(codes, ["ProvisionedThroughputExceeded"; 4]);
        };
        throttled("TransactWriteItems", transaction.clone()).await;
        service.sleep(Duration::from_secs(2)).await;
        service.ok("TransactWriteItems", transaction).await;
        let get =
            |n: usize| json!({"Get": {"TableName": "load", "Key": {"k": {"S": format!("{n}")}}}});
        let reads = json!({"TransactItems": (0..4).map(get).collect::<Vec<_>>()});
        let mut let_in = 0;
        while service.call("TransactGetItems", reads.clone()).await.is_ok() {
            let_in += 1;
        }
        assert!((3..8).contains(&let_in), "some 30 units, 8 each, {let_in}");
        throttled("TransactGetItems", reads).await;
    });
}

#[test]
fn what_is_larger_than_a_bucket_is_let_in_however_busy_the_table() {
    on_throttled_tables(async |service| {
        let mut table = single("load");
        table["OnDemandThroughput"] = json!({"MaxWriteRequestUnits": 10});
        service.create(table).await;
        // Small ones pass by all the time.
        let put = |n: usize| json!({"Put": put(n, 30 << 10)});
        let transaction = json!({"TransactItems": (0..6).map(put).collect::<Vec<_>>()});
        until_throttled(&service).await;
        service.sleep(Duration::from_millis(500)).await;
        service.ok("TransactWriteItems", transaction).await;
        let (count, _) = until_throttled(&service).await;
        assert_eq!(count, 0, "360 units are owed");
        service.sleep(Duration::from_secs(38)).await;
        assert!(until_throttled(&service).await.0 > 0);
    });
}

#[test]
fn an_index_of_which_nothing_was_said_has_as_much_as_its_table() {
    on_throttled_tables(async |service| {
        let mut table = pair("load");
        table["GlobalSecondaryIndexes"] = json!([{
            "IndexName": "idx",
            "KeySchema": [{"AttributeName": "s", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }]);
        service.create(table).await;
        let update = json!({
            "TableName": "load", "BillingMode": "PROVISIONED", "ProvisionedThroughput": units(20, 20),
        });
        service.ok("UpdateTable", update).await;
        service.until_status(&"load".into(), "ACTIVE").await;
        for n in 0..20 {
            service.put("load", json!({"p": {"S": "p"}, "s": {"S": format!("{n}")}})).await;
        }
    });
}

#[test]
fn all_is_accounted_whether_or_not_anybody_is_throttled() {
    on_tables(async |service| {
        service.create(provisioned(single("load"), 1, 1)).await;
        let mut told = [0.0, 0.0];
        let mut tell = |answer: Value, place: usize| {
            told[place] += answer["ConsumedCapacity"]["CapacityUnits"].as_f64().expect("told");
        };
        for number in 0..50 {
            let mut request = put(number, 100 * number);
            request["ReturnConsumedCapacity"] = "TOTAL".into();
            tell(service.ok("PutItem", request).await, 1);
        }
        let scan = json!({"TableName": "load", "ReturnConsumedCapacity": "TOTAL"});
        tell(service.ok("Scan", scan).await, 0);
        let of = |is_read| {
            let consumed = service.tables.consumed();
            let row = consumed.into_iter().find(|row| row.is_read == is_read).expect("both kinds");
            (row.units, row.throttled)
        };
        assert_eq!([of(true), of(false)], [(told[0], 0), (told[1], 0)]);
        assert!(told[1] > 50.0 && told[0] > 1.0);
    });
}
