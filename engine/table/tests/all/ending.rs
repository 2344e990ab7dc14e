//! Items that end by themselves.

use std::ops::Bound;
use std::time::Duration;

use flywheel_shard::{Direction, ScanRequest, own_prefix};
use serde_json::{Value, json};

use crate::support::{BEGINNING_MS, Service, on_tables, single};

fn item(key: &str, ends_in_seconds: i64) -> Value {
    let ends = BEGINNING_MS as i64 / 1000 + ends_in_seconds;
    json!({"k": {"S": key}, "ends": {"N": ends.to_string()}})
}

async fn keys(service: &Service) -> Vec<String> {
    let scan = service.ok("Scan", json!({"TableName": "table"})).await;
    let items = scan["Items"].as_array().expect("items").iter();
    let mut keys: Vec<String> =
        items.map(|item| item["k"]["S"].as_str().expect("text").to_owned()).collect();
    keys.sort();
    keys
}

fn setting(is_enabled: bool) -> Value {
    json!({
        "TableName": "table",
        "TimeToLiveSpecification": {"Enabled": is_enabled, "AttributeName": "ends"},
    })
}

#[test]
fn items_end_and_no_others() {
    on_tables(async |service| {
        service.create(single("table")).await;
        service.put("table", item("before the setting", 30)).await;
        service.ok("UpdateTimeToLive", setting(true)).await;
        let described = service.ok("DescribeTimeToLive", json!({"TableName": "table"})).await;
        assert_eq!(
            described["TimeToLiveDescription"],
            json!({"TimeToLiveStatus": "ENABLED", "AttributeName": "ends"})
        );
        service.put("table", item("soon", 20)).await;
        service.put("table", item("later", 20)).await;
        service.put("table", item("later", 2000)).await;
        service.put("table", item("long ago", -6 * 365 * 24 * 3600)).await;
        service.put("table", json!({"k": {"S": "text"}, "ends": {"S": "1"}})).await;
        service.put("table", json!({"k": {"S": "never"}})).await;
        service.sleep(Duration::from_secs(10)).await;
        assert_eq!(keys(&service).await.len(), 6);
        service.sleep(Duration::from_secs(60)).await;
        assert_eq!(keys(&service).await, ["later", "long ago", "never", "text"]);
    });
}

#[test]
fn the_setting_changes_once() {
    on_tables(async |service| {
        service.create(single("table")).await;
        assert_eq!(
            service.refused("UpdateTimeToLive", setting(false)).await,
            "ValidationException: TimeToLive is already disabled"
        );
        service.ok("UpdateTimeToLive", setting(true)).await;
        assert_eq!(
            service.refused("UpdateTimeToLive", setting(true)).await,
            "ValidationException: TimeToLive is already enabled"
        );
        service.ok("UpdateTimeToLive", setting(false)).await;
        service.put("table", item("soon", 5)).await;
        service.sleep(Duration::from_secs(30)).await;
        assert_eq!(keys(&service).await, ["soon"]);
    });
}

/// Ends of items that are noted for the time when they come.
async fn noted(service: &Service) -> usize {
    let (handle, mut count) = (service.engine.handle(), 0);
    for shard in 0..handle.shards() {
        let prefix = own_prefix(shard);
        let request = ScanRequest {
            start: Bound::Included([&prefix[..], &[2]].concat().into()),
            end: Bound::Excluded([&prefix[..], &[3]].concat().into()),
            direction: Direction::Forward,
            max_items: 10_000,
            max_bytes: 1 << 20,
        };
        count += handle.scan(request).await.expect("read").items.len();
    }
    count
}

#[test]
fn ends_that_are_far_away_are_not_kept_until_they_come() {
    const DAY: i64 = 24 * 3600;
    on_tables(async |service| {
        service.create(single("table")).await;
        service.put("table", item("before the setting", 3 * DAY)).await;
        service.ok("UpdateTimeToLive", setting(true)).await;
        service.sleep(Duration::from_secs(5)).await;
        for day in 0..50 {
            service.put("table", item("put off", (70 - day) * DAY)).await;
        }
        service.put("table", item("far", 20 * DAY)).await;
        service.put("table", item("late", 30 * DAY)).await;
        service.sleep(Duration::from_secs(5)).await;
        assert_eq!(noted(&service).await, 0, "all are days away");
        service.put("table", item("today", 3600)).await;
        assert_eq!(noted(&service).await, 1);
        // Found by a sweep in time, and by one that comes late.
        service.set_clock_ahead(2);
        service.sleep(Duration::from_secs(10)).await;
        assert_eq!(keys(&service).await, ["before the setting", "far", "late", "put off"]);
        assert_eq!(noted(&service).await, 1);
        service.set_clock_ahead(1);
        service.sleep(Duration::from_secs(10)).await;
        assert_eq!(keys(&service).await, ["far", "late", "put off"]);
        service.set_clock_ahead(16);
        service.sleep(Duration::from_secs(10)).await;
        service.set_clock_ahead(6);
        service.sleep(Duration::from_secs(10)).await;
        assert_eq!(keys(&service).await, ["late"]);
        assert_eq!(noted(&service).await, 0);
    });
}
