//! Items that end by themselves.

use std::time::Duration;

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
