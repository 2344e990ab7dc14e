//! Scans of what stands far apart: pages are bounded by what is read, not only by what is found.

use serde_json::{Value, json};

use crate::support::{Service, on_large_tables, pair};

/// A table with three local indexes, one for each type that sorts.
fn with_locals() -> Value {
    let mut table = pair("table");
    let kinds = ["S", "N", "B"];
    let defined = table["AttributeDefinitions"].as_array_mut().expect("a list");
    defined.extend(kinds.map(|kind| json!({"AttributeName": kind, "AttributeType": kind})));
    table["LocalSecondaryIndexes"] = kinds
        .map(|kind| {
            json!({
                "IndexName": format!("by-{kind}"),
                "KeySchema": [
                    {"AttributeName": "p", "KeyType": "HASH"},
                    {"AttributeName": kind, "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            })
        })
        .to_vec()
        .into();
    table
}

/// Puts items of a kilobyte and more, with one attribute more each.
async fn put(service: &Service, items: impl Iterator<Item = (String, String, Option<Value>)>) {
    let puts: Vec<Value> = items
        .map(|(p, s, more)| {
            let mut item = json!({"p": {"S": p}, "s": {"S": s}, "f": {"S": "x".repeat(1500)}});
            if let Some(more) = more {
                let kind = more.as_object().expect("typed").keys().next().expect("a type").clone();
                item[kind] = more;
            }
            json!({"PutRequest": {"Item": item}})
        })
        .collect();
    for some in puts.chunks(25) {
        let written = service.ok("BatchWriteItem", json!({"RequestItems": {"table": some}})).await;
        assert_eq!(written["UnprocessedItems"], json!({}));
    }
}

/// The sort keys that a scan finds, and the pages it takes.
async fn scan(service: &Service, more: Value) -> (Vec<String>, usize) {
    let (mut found, mut pages) = (Vec::new(), 0);
    let mut request = json!({"TableName": "table"});
    request.as_object_mut().expect("an object").extend(more.as_object().expect("one").clone());
    loop {
        let page = service.ok("Scan", request.clone()).await;
        let items = page["Items"].as_array().expect("items").iter();
        found.extend(items.map(|item| item["s"]["S"].as_str().expect("text").to_owned()));
        pages += 1;
        if page["LastEvaluatedKey"].is_null() {
            found.sort();
            return (found, pages);
        }
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"].clone();
    }
}

#[test]
fn a_page_of_a_sparse_index_ends_after_a_megabyte_of_what_is_not_in_it() {
    on_large_tables(async |service| {
        service.create(with_locals()).await;
        // 4 MB of items that are in no index, and some that are: apart, and many of one partition key.
        let apart = (0..2000).map(|n| (format!("p{n}"), "none".into(), None));
        put(&service, apart).await;
        let largest = format!("9.{}E125", "9".repeat(37));
        let indexed = [
            ("p7", "s1", json!({"S": "a"})),
            ("p900", "s2", json!({"S": "\u{10ffff}".repeat(256)})),
            ("p1500", "s3", json!({"N": "-1"})),
            ("p1500", "s4", json!({"N": largest})),
            ("p13", "s5", json!({"B": "/////w=="})),
        ];
        put(&service, indexed.into_iter().map(|(p, s, more)| (p.into(), s.into(), Some(more))))
            .await;
        let together = (0..800).map(|n| ("many".into(), format!("x{n:03}"), None));
        put(&service, together).await;
        let sorted = (0..3).map(|n| ("many".into(), format!("y{n}"), Some(json!({"N": "5"}))));
        put(&service, sorted).await;
        for (index, expected) in [
            ("by-S", vec!["s1", "s2"]),
            ("by-N", vec!["s3", "s4", "y0", "y1", "y2"]),
            ("by-B", vec!["s5"]),
        ] {
            for limit in [1, 2, 1000] {
                let more = json!({"IndexName": index, "Limit": limit});
                let (found, pages) = scan(&service, more).await;
                assert_eq!(found, expected, "{index} by {limit}");
                assert!(pages >= 3, "{pages} pages of {index} by {limit}");
                assert!(pages <= 6 + expected.len(), "{pages} pages of {index} by {limit}");
            }
            // The same of attributes that only the table has, and in segments.
            let mut all = Vec::new();
            for segment in 0..3 {
                let more = json!({
                    "IndexName": index, "Segment": segment, "TotalSegments": 3, "Limit": 50,
                    "ProjectionExpression": "s, f", "Select": "SPECIFIC_ATTRIBUTES",
                });
                all.extend(scan(&service, more).await.0);
            }
            all.sort();
            assert_eq!(all, expected, "{index} in segments");
        }
        for limit in [1, 700] {
            let filter = json!({"Limit": limit, "FilterExpression": "s = :s", "ExpressionAttributeValues": {":s": {"S": "x042"}}});
            assert_eq!(scan(&service, filter).await.0, ["x042"]);
        }
    });
}

#[test]
fn a_scan_of_a_table_passes_entries_of_its_indexes_by() {
    on_large_tables(async |service| {
        service.create(with_locals()).await;
        let entries = (0..700).map(|n| {
            let (p, s) = (format!("p{}", n % 3), format!("{n:03}"));
            (p, s, Some(json!({"N": n.to_string()})))
        });
        put(&service, entries).await;
        let expected: Vec<String> = (0..700).map(|n| format!("{n:03}")).collect();
        for limit in [1, 7, 300, 1000] {
            let (found, pages) = scan(&service, json!({"Limit": limit})).await;
            assert_eq!(found, expected, "by {limit}");
            assert!(pages >= 700 / limit, "{pages} pages by {limit}");
        }
        let (found, _) = scan(&service, json!({"IndexName": "by-N", "Limit": 33})).await;
        assert_eq!(found, expected);
    });
}
