//! Tables that are made, changed and taken away.

use serde_json::{Value, json};

use crate::support::{on_tables, pair, single};

#[test]
fn a_table_is_made_described_listed_and_deleted() {
    on_tables(async |service| {
        let created = service.ok("CreateTable", pair("table")).await;
        let description = &created["TableDescription"];
        assert_eq!(description["TableStatus"], "CREATING");
        assert_eq!(description["TableArn"], "arn:aws:dynamodb:eu-west-1:000000000000:table/table");
        assert_eq!(description["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST");
        assert_eq!(description["KeySchema"], pair("table")["KeySchema"]);
        assert_eq!(description["DeletionProtectionEnabled"], false);
        assert_eq!(
            service.refused("CreateTable", pair("table")).await,
            "ResourceInUseException: Table already exists: table"
        );
        service.until_status(&json!("table"), "ACTIVE").await;
        service.put("table", json!({"p": {"S": "a"}, "s": {"S": "b"}})).await;
        // By its ARN, too.
        let arn = &description["TableArn"];
        let described = service.ok("DescribeTable", json!({"TableName": arn})).await;
        assert_eq!(described["Table"]["ItemCount"], 1);
        assert_eq!(service.ok("ListTables", json!({})).await, json!({"TableNames": ["table"]}));
        let deleted = service.ok("DeleteTable", json!({"TableName": "table"})).await;
        assert_eq!(deleted["TableDescription"]["TableStatus"], "DELETING");
        assert!(deleted["TableDescription"]["KeySchema"].is_null());
        for _ in 0..1000 {
            let listed = service.ok("ListTables", json!({})).await;
            if listed == json!({"TableNames": []}) {
                break;
            }
            service.sleep(std::time::Duration::from_millis(5)).await;
        }
        assert_eq!(
            service.refused("DescribeTable", json!({"TableName": "table"})).await,
            "ResourceNotFoundException: Requested resource not found: Table: table not found"
        );
        // The next one of that name has nothing of it.
        service.create(pair("table")).await;
        let scan = service.ok("Scan", json!({"TableName": "table"})).await;
        assert_eq!(scan["Count"], 0);
    });
}

#[test]
fn definitions_that_do_not_hold_together_are_refused() {
    on_tables(async |service| {
        let change = |at: &str, value: Value| {
            let mut table = pair("table");
            table[at] = value;
            table
        };
        let text = |name: &str| json!({"AttributeName": name, "AttributeType": "S"});
        let key = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
        let index = |name: &str, keys: Value| json!({"IndexName": name, "KeySchema": keys, "Projection": {"ProjectionType": "ALL"}});
        for (table, message) in [
            (
                change("KeySchema", json!([key("p", "RANGE"), key("s", "HASH")])),
                "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
            ),
            (
                change("AttributeDefinitions", json!([text("p")])),
                "Invalid KeySchema: Some index key attribute have no definition",
            ),
            (
                change("AttributeDefinitions", json!([text("p"), text("s"), text("x")])),
                "One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions",
            ),
            (
                change(
                    "ProvisionedThroughput",
                    json!({"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}),
                ),
                "One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
            ),
            (
                change("BillingMode", json!("PROVISIONED")),
                "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
            ),
            (
                change("LocalSecondaryIndexes", json!([])),
                "One or more parameter values were invalid: List of LocalSecondaryIndexes is empty",
            ),
            (
                change(
                    "LocalSecondaryIndexes",
                    json!([index("lsi", json!([key("s", "HASH"), key("p", "RANGE")]))]),
                ),
                "One or more parameter values were invalid: Index KeySchema does not have the same leading hash key as table KeySchema for index: lsi. index hash key: s, table hash key: p",
            ),
            (
                change(
                    "GlobalSecondaryIndexes",
                    json!([
                        index("same", json!([key("s", "HASH")])),
                        index("same", json!([key("s", "HASH")])),
                    ]),
                ),
                "One or more parameter values were invalid: Duplicate index name: same",
            ),
        ] {
            let expected = format!("ValidationException: {message}");
            assert_eq!(service.refused("CreateTable", table).await, expected);
        }
        assert_eq!(service.ok("ListTables", json!({})).await, json!({"TableNames": []}));
    });
}

#[test]
fn settings_change_and_protect() {
    on_tables(async |service| {
        service.create(single("table")).await;
        let update = |at: &str, value: Value| json!({"TableName": "table", at: value});
        let protected =
            service.ok("UpdateTable", update("DeletionProtectionEnabled", json!(true))).await;
        assert_eq!(protected["TableDescription"]["DeletionProtectionEnabled"], true);
        service.until_status(&json!("table"), "ACTIVE").await;
        assert_eq!(
            service.refused("DeleteTable", json!({"TableName": "table"})).await,
            "ValidationException: Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first."
        );
        let throughput = json!({"ReadCapacityUnits": 5, "WriteCapacityUnits": 6});
        assert_eq!(
            service
                .refused("UpdateTable", update("ProvisionedThroughput", throughput.clone()))
                .await,
            "ValidationException: One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
        );
        assert_eq!(
            service
                .refused("UpdateTable", update("GlobalSecondaryIndexUpdates", json!([{}])))
                .await,
            "ValidationException: One or more parameter values were invalid: One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be null"
        );
        let mut provisioned = update("ProvisionedThroughput", throughput);
        provisioned["BillingMode"] = json!("PROVISIONED");
        service.ok("UpdateTable", provisioned).await;
        service.until_status(&json!("table"), "ACTIVE").await;
        let described = service.ok("DescribeTable", json!({"TableName": "table"})).await;
        assert_eq!(described["Table"]["ProvisionedThroughput"]["WriteCapacityUnits"], 6);
        assert!(described["Table"]["BillingModeSummary"].is_null());
    });
}

#[test]
fn tags_come_and_go() {
    on_tables(async |service| {
        service.create(single("table")).await;
        let arn = "arn:aws:dynamodb:eu-west-1:000000000000:table/table";
        let tags: Vec<Value> = (0..12)
            .map(|n| json!({"Key": format!("key{n:02}"), "Value": format!("{n}")}))
            .collect();
        service.ok("TagResource", json!({"ResourceArn": arn, "Tags": tags})).await;
        let page = service.ok("ListTagsOfResource", json!({"ResourceArn": arn})).await;
        assert_eq!(page["Tags"].as_array().map(Vec::len), Some(10));
        let token = &page["NextToken"];
        let request = json!({"ResourceArn": arn, "NextToken": token});
        let rest = service.ok("ListTagsOfResource", request).await;
        assert_eq!(rest, json!({"Tags": tags[10..]}));
        service
            .ok("UntagResource", json!({"ResourceArn": arn, "TagKeys": ["key00", "nope"]}))
            .await;
        let page = service.ok("ListTagsOfResource", json!({"ResourceArn": arn})).await;
        assert_eq!(page["Tags"][0]["Key"], "key01");
        let other = "arn:aws:dynamodb:eu-west-1:000000000000:table/other";
        assert_eq!(
            service.refused("ListTagsOfResource", json!({"ResourceArn": other})).await,
            format!(
                "ResourceNotFoundException: Requested resource not found: ResourcArn: {other} not found"
            )
        );
    });
}

#[test]
fn tables_are_listed_in_pages() {
    on_tables(async |service| {
        for n in 0..5 {
            service.create(single(&format!("table{n}"))).await;
        }
        let page = service.ok("ListTables", json!({"Limit": 2})).await;
        assert_eq!(
            page,
            json!({"TableNames": ["table0", "table1"], "LastEvaluatedTableName": "table1"})
        );
        let rest = json!({"ExclusiveStartTableName": "table1", "Limit": 3});
        let page = service.ok("ListTables", rest).await;
        assert_eq!(page, json!({"TableNames": ["table2", "table3", "table4"]}));
    });
}

#[test]
fn clients_are_told_where_the_tables_are() {
    on_tables(async |service| {
        let address = async || {
            let described = service.ok("DescribeEndpoints", json!({})).await;
            described["Endpoints"][0]["Address"].clone()
        };
        assert_eq!(address().await, "127.0.0.1:8000");
        service.tables.is_at("127.0.0.1:4711".into());
        assert_eq!(address().await, "127.0.0.1:4711");
    });
}

#[test]
fn descriptions_say_what_tables_are_ready_for_and_which_key_encrypts_them() {
    on_tables(async |service| {
        let warm = |read: u64, write: u64| json!({"ReadUnitsPerSecond": read, "WriteUnitsPerSecond": write, "Status": "ACTIVE"});
        service.create(single("on-demand")).await;
        let describe = async |name: &str| {
            service.ok("DescribeTable", json!({"TableName": name})).await["Table"].clone()
        };
        assert_eq!(describe("on-demand").await["WarmThroughput"], warm(12000, 4000));
        assert!(describe("on-demand").await["SSEDescription"].is_null());

        let mut provisioned = single("provisioned");
        provisioned["BillingMode"] = json!("PROVISIONED");
        let units =
            |read: u64, write: u64| json!({"ReadCapacityUnits": read, "WriteCapacityUnits": write});
        provisioned["ProvisionedThroughput"] = units(5, 6);
        provisioned["GlobalSecondaryIndexes"] = json!([{
            "IndexName": "index",
            "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
            "ProvisionedThroughput": units(7, 8),
            "WarmThroughput": {"ReadUnitsPerSecond": 100},
        }]);
        provisioned["SSESpecification"] = json!({"Enabled": true, "SSEType": "KMS"});
        service.create(provisioned).await;
        let described = describe("provisioned").await;
        assert_eq!(described["WarmThroughput"], warm(5, 6));
        assert_eq!(described["GlobalSecondaryIndexes"][0]["WarmThroughput"], warm(100, 8));
        let key = described["SSEDescription"]["KMSMasterKeyArn"].as_str().expect("a key");
        let id = key.strip_prefix("arn:aws:kms:eu-west-1:000000000000:key/").expect("its ARN");
        assert_eq!(id.len(), 36, "{id}");

        let wanted = json!({"ReadUnitsPerSecond": 15000, "WriteUnitsPerSecond": 5000});
        service
            .ok("UpdateTable", json!({"TableName": "on-demand", "WarmThroughput": wanted}))
            .await;
        service.until_status(&json!("on-demand"), "ACTIVE").await;
        assert_eq!(describe("on-demand").await["WarmThroughput"], warm(15000, 5000));
    });
}
