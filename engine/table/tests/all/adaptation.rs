//! Partitions under load: what one of them serves, what becomes of those that are asked for more, and which keys are
//! told to be hot.

use std::time::Duration;

use flywheel_api::{ApiError, ErrorCode};
use flywheel_disk::World;
use flywheel_disk::sim::SimDisk;
use flywheel_shard::EngineOptions;
use flywheel_table::HotKey;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Service, on_adapting_disk, on_adapting_tables, pair, single};

/// Ten write units.
const PUT_BYTES: usize = 10_000;

const TICK: Duration = Duration::from_millis(50);

fn put(item: &Value) -> Value {
    let mut item = item.clone();
    item["v"] = json!({"S": ".".repeat(PUT_BYTES)});
    json!({"TableName": "load", "Item": item})
}

/// Puts so many a second, at fixed times; how many were throttled in each second.
async fn load(
    service: &Service,
    seconds: usize,
    per_s: usize,
    item: impl Fn(usize) -> Value,
) -> Vec<usize> {
    let ticks_per_s = (1000 / TICK.as_millis()) as usize;
    let begun_ns = service.world.now_ns();
    let mut throttled = vec![0; seconds];
    for tick in 0..seconds * ticks_per_s {
        let due_ns = begun_ns + (TICK * tick as u32).as_nanos() as u64;
        let early_ns = due_ns.saturating_sub(service.world.now_ns());
        service.sleep(Duration::from_nanos(early_ns)).await;
        let puts = (0..per_s / ticks_per_s)
            .map(|n| service.call("PutItem", put(&item(tick * (per_s / ticks_per_s) + n))));
        for answer in join_all(puts).await {
            match answer {
                Ok(_) => {}
                Err(error) if is_of_partition(&error) => throttled[tick / ticks_per_s] += 1,
                Err(error) => panic!("{error}"),
            }
        }
    }
    throttled
}

fn is_of_partition(error: &ApiError) -> bool {
    let reasons: Vec<_> = error.throttling.iter().map(|it| &*it.reason).collect();
    error.code == ErrorCode::Throttling && reasons == ["TableWriteKeyRangeThroughputExceeded"]
}

fn adapting(options: &mut EngineOptions) {
    options.split.rules.hot_looks = 2;
    options.split.balance.lopsided_looks = 2;
}

fn fixed(options: &mut EngineOptions) {
    options.split.automatic = false;
}

/// Keys in no order.
fn scattered(n: usize) -> Value {
    json!({"k": {"S": format!("{}", n % 199)}})
}

async fn partitions_of_items(service: &Service) -> usize {
    let all = service.engine.admin().partitions().await.expect("listed");
    all.iter()
        .filter(|(partition, _)| matches!(partition.spec.start.first(), Some(0x10 | 0x11)))
        .count()
}

#[test]
fn a_partition_serves_what_one_may_and_no_more() {
    on_adapting_tables(fixed, async |service| {
        service.create(single("load")).await;
        let one_key = |_| json!({"k": {"S": "hot"}});
        let throttled = load(&service, 5, 140, one_key).await;
        // A second's units are there at first, then 100 puts a second.
        assert_eq!(throttled[..2], [0, 0]);
        let of_each = 36..=44;
        assert!(throttled[3..].iter().all(|count| of_each.contains(count)), "{throttled:?}");
        // Half of that for each of two partitions is within both.
        let throttled = load(&service, 3, 140, scattered).await;
        assert_eq!(throttled[1..], [0, 0]);
    });
}

#[test]
fn partitions_that_are_asked_for_too_much_are_cut_until_all_is_served() {
    for (change, ends) in [(fixed as fn(&mut EngineOptions), false), (adapting, true)] {
        on_adapting_tables(change, async |service| {
            service.create(single("load")).await;
            let before = partitions_of_items(&service).await;
            let throttled = load(&service, 14, 300, scattered).await;
            assert!(throttled[2] > 60, "3,000 units a second, and two partitions: {throttled:?}");
            assert_eq!(throttled[12..] == [0, 0], ends, "{throttled:?}");
            assert_eq!(partitions_of_items(&service).await > before, ends);
        });
    }
}

#[test]
fn a_single_hot_key_is_throttled_and_nothing_is_cut_for_it() {
    on_adapting_tables(adapting, async |service| {
        service.create(single("load")).await;
        let before = partitions_of_items(&service).await;
        let throttled = load(&service, 10, 160, |_| json!({"k": {"S": "hot"}})).await;
        assert!(throttled[9] >= 50, "{throttled:?}");
        assert_eq!(partitions_of_items(&service).await, before, "there is nobody beside it");
        let vetoed: u64 = {
            let stats = service.engine.admin().stats().await.expect("stats");
            stats.shards.iter().map(|shard| shard.splits_vetoed).sum()
        };
        assert!(vetoed > 0, "it was looked at, and left");
    });
}

#[test]
fn a_hot_item_collection_comes_to_stand_alone_and_its_neighbours_are_served() {
    on_adapting_tables(adapting, async |service| {
        let mut table = pair("load");
        // With a local index a collection is never divided.
        table["LocalSecondaryIndexes"] = json!([{
            "IndexName": "idx",
            "KeySchema": [
                {"AttributeName": "p", "KeyType": "HASH"},
                {"AttributeName": "t", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }]);
        let attributes = table["AttributeDefinitions"].as_array_mut().expect("a list");
        attributes.push(json!({"AttributeName": "t", "AttributeType": "S"}));
        service.create(table).await;
        let item = |n: usize| {
            let partition = if n % 10 < 8 { "hot".to_owned() } else { format!("{}", n % 97) };
            json!({"p": {"S": partition}, "s": {"S": format!("{}", n % 31)}})
        };
        let before = partitions_of_items(&service).await;
        load(&service, 10, 240, item).await;
        assert!(partitions_of_items(&service).await >= before + 2, "it was cut off on both sides");
        // 480 units a second beside it, wherever they are.
        let neighbours = |n: usize| json!({"p": {"S": format!("{}", n % 97)}, "s": {"S": "1"}});
        let hot = |_| json!({"p": {"S": "hot"}, "s": {"S": "1"}});
        let both = futures_util::future::join(
            load(&service, 3, 180, hot),
            load(&service, 3, 40, neighbours),
        );
        let (hot, beside) = both.await;
        assert!(hot[2] > 50, "the collection is too hot for one partition: {hot:?}");
        assert_eq!(beside, [0, 0, 0], "and nobody else is throttled for it");
    });
}

#[test]
fn scans_take_units_and_have_nothing_cut() {
    on_adapting_tables(adapting, async |service| {
        service.create(single("load")).await;
        for n in 0..100 {
            service.ok("PutItem", put(&scattered(n))).await;
        }
        let before = partitions_of_items(&service).await;
        // A megabyte each: 128 units, and some gets beside them.
        for n in 0..200 {
            let get = json!({"TableName": "load", "Key": scattered(n)});
            let _ = service.call("Scan", json!({"TableName": "load"})).await;
            let _ = service.call("GetItem", get).await;
            service.sleep(Duration::from_millis(25)).await;
        }
        assert_eq!(partitions_of_items(&service).await, before);
    });
}

#[test]
fn queries_of_many_items_cut_as_gets_do() {
    on_adapting_tables(adapting, async |service| {
        service.create(pair("load")).await;
        let item = |n: usize| json!({"p": {"S": format!("{}", n % 40)}, "s": {"S": format!("{}", n / 40)}});
        for n in 0..400 {
            let mut put = put(&item(n));
            put["Item"]["v"] = json!({"S": ".".repeat(40_000)});
            service.ok("PutItem", put).await;
            service.sleep(Duration::from_millis(25)).await;
        }
        let before = partitions_of_items(&service).await;
        for n in 0..1000 {
            // 100 units.
            let query = json!({
                "TableName": "load", "KeyConditionExpression": "p = :p", "ConsistentRead": true,
                "ExpressionAttributeValues": {":p": {"S": format!("{}", n % 40)}},
            });
            let _ = service.call("Query", query).await;
            service.sleep(Duration::from_millis(8)).await;
        }
        assert!(partitions_of_items(&service).await > before);
    });
}

#[test]
fn hot_keys_are_told_by_their_attributes_with_what_they_took_and_since_when() {
    on_adapting_tables(fixed, async |service| {
        service.create(pair("load")).await;
        let item = |n: usize| json!({"p": {"S": format!("{}", n % 7)}, "s": {"S": "1"}});
        load(&service, 2, 40, item).await;
        load(&service, 3, 160, |_| json!({"p": {"S": "hot"}, "s": {"S": "é"}})).await;
        let query = json!({
            "TableName": "load", "KeyConditionExpression": "p = :p",
            "ExpressionAttributeValues": {":p": {"S": "3"}}, "ConsistentRead": true,
        });
        for _ in 0..20 {
            service.sleep(Duration::from_millis(20)).await;
            service.ok("Query", query.clone()).await;
        }
        let report = service.tables.hot(3).await.expect("told");
        let busiest = &report.partitions[0];
        assert_eq!((&*busiest.table, &busiest.index), ("load", &None));
        assert!(busiest.write_share > 0.5, "{busiest:?}");
        let name = |key: &HotKey| serde_json::to_value(&key.key).expect("an item");
        let hot = json!({"p": {"S": "hot"}, "s": {"S": "é"}});
        assert_eq!(
            (busiest.accessed[0].operation, name(&busiest.accessed[0])),
            ("write", hot.clone())
        );
        assert_eq!((busiest.throttled[0].operation, name(&busiest.throttled[0])), ("write", hot));
        assert!(busiest.throttled[0].since > 1_000_000_000, "seconds since 1970");
        let read: Vec<Value> = report
            .partitions
            .iter()
            .flat_map(|of| &of.accessed)
            .filter(|key| key.operation == "read")
            .map(name)
            .collect();
        assert_eq!(read, [json!({"p": {"S": "3"}})], "a query is for all of its partition key");
    });
}

/// Partitions that are no bound of their own, and items of the largest size.
fn unbounded(options: &mut EngineOptions) {
    options.partition_limits = None;
    options.store.segment_bytes = 32 << 20;
    options.store.cache_bytes = 32 << 20;
}

/// Reads of 100 units each, so many a second for so many seconds; how many were throttled, and the reason.
async fn read(service: &Service, seconds: usize, per_s: usize) -> (usize, Option<String>) {
    let get = json!({"TableName": "load", "Key": {"k": {"S": "large"}}, "ConsistentRead": true});
    let (mut throttled, mut reason) = (0, None);
    for _ in 0..seconds * 10 {
        for answer in join_all((0..per_s / 10).map(|_| service.call("GetItem", get.clone()))).await
        {
            if let Err(error) = answer {
                throttled += 1;
                reason = error.throttling.first().map(|it| it.reason.clone());
            }
        }
        service.sleep(Duration::from_millis(100)).await;
    }
    (throttled, reason)
}

async fn warm_reads(service: &Service) -> u64 {
    let described = service.ok("DescribeTable", json!({"TableName": "load"})).await;
    described["Table"]["WarmThroughput"]["ReadUnitsPerSecond"].as_u64().expect("a number")
}

#[test]
fn a_table_on_demand_serves_twice_its_previous_peak_and_keeps_what_it_has_grown_to() {
    let disk = SimDisk::new();
    on_adapting_disk(&disk, unbounded, async |service| {
        service.create(single("load")).await;
        let item = json!({"k": {"S": "large"}, "v": {"S": ".".repeat(399_000)}});
        service.put("load", item).await;
        let (throttled, reason) = read(&service, 130, 130).await;
        // 12,000 units a second at first; a minute's average of that is a new peak.
        assert!((500..1600).contains(&throttled), "{throttled} of 16,900");
        assert_eq!(reason.as_deref(), Some("TableReadKeyRangeThroughputExceeded"));
        assert_eq!(warm_reads(&service).await, 12_000, "half an hour has not passed");
        service.set_clock_ahead(1);
        service.sleep(Duration::from_secs(3)).await;
        let warm = warm_reads(&service).await;
        assert!((23_000..24_100).contains(&warm), "{warm}");
        assert_eq!(read(&service, 10, 200).await.0, 0);
    });
    on_adapting_disk(&disk, unbounded, async |service| {
        assert!(warm_reads(&service).await >= 23_000, "another start knows it");
        assert_eq!(read(&service, 10, 200).await.0, 0);
    });
}
