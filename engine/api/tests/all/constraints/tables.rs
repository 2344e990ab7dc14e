//! Members of operations on tables.

use flywheel_api::*;
use flywheel_item::Wording::{Current, Former};

use super::*;
use crate::support::{fault, with};

const TABLE: &str = r#"{"TableName":"abc","KeySchema":[{"AttributeName":"a","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"a","AttributeType":"S"}]}"#;

#[test]
fn tables_to_be_created() {
    let say = |extra: &str| fault::<CreateTableRequest>(&with(TABLE, extra), Current);
    assert_eq!(say("{}"), "");
    assert_eq!(say(r#"{"TableName":null}"#), NAME_REQUIRED);
    assert_eq!(
        say(r#"{"TableName":"a!","KeySchema":null}"#),
        count(&[&pattern("tableName", "a!"), &short("tableName", "a!")])
    );
    let body = with(TABLE, r#"{"TableName":"a!"}"#);
    assert_eq!(fault::<CreateTableRequest>(&body, Former), NAME_LENGTH);
    assert_eq!(
        say(
            r#"{"KeySchema":null,"AttributeDefinitions":null,"BillingMode":"X","ProvisionedThroughput":{"ReadCapacityUnits":0}}"#
        ),
        count(&[
            &enumerated("X", "billingMode", "PROVISIONED, PAY_PER_REQUEST"),
            &null("provisionedThroughput.writeCapacityUnits"),
            &older(0, "provisionedThroughput.readCapacityUnits", "greater than or equal to 1"),
            &null("keySchema"),
            &null("attributeDefinitions"),
        ])
    );
    assert_eq!(
        say(
            r#"{"KeySchema":[{"AttributeName":"a","KeyType":"X"},{}],"AttributeDefinitions":[{"AttributeType":"M"}]}"#
        ),
        count(&[
            &enumerated("X", "keySchema.1.member.keyType", "HASH, RANGE"),
            &null("keySchema.2.member.attributeName"),
            &null("keySchema.2.member.keyType"),
            &null("attributeDefinitions.1.member.attributeName"),
            &enumerated("M", "attributeDefinitions.1.member.attributeType", "B, N, S"),
        ])
    );
    let element = r#"{"AttributeName":"a","KeyType":"HASH"}"#;
    let printed = "KeySchemaElement(attributeName=a, keyType=HASH)";
    assert_eq!(
        say(&format!(r#"{{"KeySchema":[{element},{element},{element}]}}"#)),
        count(&[&format!(
            "Value '[{printed}, {printed}, {printed}]' at 'keySchema' failed to satisfy constraint: Member must have length less than or equal to 2"
        )])
    );
    assert_eq!(
        say(r#"{"TableClass":"X"}"#),
        count(&[&enumerated("X", "tableClass", "STANDARD, STANDARD_INFREQUENT_ACCESS")])
    );
}

#[test]
fn indexes_to_be_created() {
    let say = |extra: &str| fault::<CreateTableRequest>(&with(TABLE, extra), Current);
    let index = r#"{"IndexName":"h;","KeySchema":[],"Projection":{"ProjectionType":"X","NonKeyAttributes":[]}}"#;
    let of = |prefix: &str| {
        let path = |member: &str| format!("{prefix}.1.member.{member}");
        let empty = |member: &str| {
            format!(
                "Value '[]' at '{}' failed to satisfy constraint: Member must have length greater than or equal to 1",
                path(member)
            )
        };
        (
            [pattern(&path("indexName"), "h;"), short(&path("indexName"), "h;")],
            empty("keySchema"),
            [
                enumerated("X", &path("projection.projectionType"), "ALL, INCLUDE, KEYS_ONLY"),
                empty("projection.nonKeyAttributes"),
            ],
        )
    };
    let (names, schema, projection) = of("globalSecondaryIndexes");
    assert_eq!(
        say(&format!(r#"{{"GlobalSecondaryIndexes":[{index}]}}"#)),
        count(&[&schema, &projection[0], &projection[1], &names[0], &names[1]])
    );
    let (names, schema, projection) = of("localSecondaryIndexes");
    assert_eq!(
        say(&format!(r#"{{"LocalSecondaryIndexes":[{index}]}}"#)),
        count(&[&names[0], &names[1], &schema, &projection[0], &projection[1]])
    );
    // No more than ten are told.
    let many = say(&format!(r#"{{"LocalSecondaryIndexes":[{index},{index},{index}]}}"#));
    assert!(many.starts_with("10 validation errors detected: "), "{many}");
    assert_eq!(many.matches("failed to satisfy").count(), 10);
}

#[test]
fn tables_to_be_updated() {
    let say =
        |extra: &str| fault::<UpdateTableRequest>(&with(r#"{"TableName":"abc"}"#, extra), Current);
    assert_eq!(say(r#"{"TableName":null}"#), NAME_REQUIRED);
    assert_eq!(say(r#"{"TableName":""}"#), NAME_LENGTH);
    assert_eq!(say(r#"{"TableName":"abc;"}"#), count(&[&pattern("tableName", "abc;")]));
    let path = "globalSecondaryIndexUpdates.1.member";
    assert_eq!(
        say(
            r#"{"GlobalSecondaryIndexUpdates":[{"Update":{"IndexName":"a;","ProvisionedThroughput":{"WriteCapacityUnits":0}}}]}"#
        ),
        count(&[
            &short(&format!("{path}.update.indexName"), "a;"),
            &pattern(&format!("{path}.update.indexName"), "a;"),
            &older(
                0,
                &format!("{path}.update.provisionedThroughput.writeCapacityUnits"),
                "greater than or equal to 1"
            ),
            &null(&format!("{path}.update.provisionedThroughput.readCapacityUnits")),
        ])
    );
    assert_eq!(
        say(r#"{"GlobalSecondaryIndexUpdates":[{"Delete":{}}]}"#),
        count(&[&null(&format!("{path}.delete.indexName"))])
    );
    assert_eq!(
        say(r#"{"BillingMode":"X"}"#),
        count(&[&enumerated("X", "billingMode", "PROVISIONED, PAY_PER_REQUEST")])
    );
}

#[test]
fn tables_to_be_described_deleted_or_listed() {
    for (name, says) in [
        ("null", NAME_REQUIRED.to_owned()),
        (r#""ab""#, NAME_LENGTH.to_owned()),
        (r#""abc;""#, count(&[&pattern("tableName", "abc;")])),
        (r#""abc""#, String::new()),
    ] {
        let body = format!(r#"{{"TableName":{name}}}"#);
        assert_eq!(fault::<DescribeTableRequest>(&body, Current), says);
        assert_eq!(fault::<DeleteTableRequest>(&body, Current), says);
        assert_eq!(fault::<DescribeTimeToLiveRequest>(&body, Former), says);
        assert_eq!(fault::<DescribeContinuousBackupsRequest>(&body, Former), says);
    }
    let body = r#"{"ExclusiveStartTableName":"ab","Limit":101}"#;
    let name = short("exclusiveStartTableName", "ab");
    let limit = older(101, "limit", "less than or equal to 100");
    assert_eq!(fault::<ListTablesRequest>(body, Current), count(&[&name, &limit]));
    assert_eq!(fault::<ListTablesRequest>(body, Former), count(&[&limit, &name]));
    assert_eq!(fault::<DescribeLimitsRequest>("{}", Current), "");
    assert_eq!(fault::<DescribeEndpointsRequest>("{}", Current), "");
}

#[test]
fn tags_and_time_to_live() {
    assert_eq!(fault::<TagResourceRequest>("{}", Current), "Invalid TableArn");
    assert_eq!(fault::<UntagResourceRequest>("{}", Current), "Invalid TableArn");
    assert_eq!(fault::<ListTagsOfResourceRequest>("{}", Current), "Invalid TableArn");
    let arn = r#"{"ResourceArn":"arn"}"#;
    assert_eq!(fault::<TagResourceRequest>(arn, Current), count(&[&null("tags")]));
    assert_eq!(fault::<UntagResourceRequest>(arn, Current), count(&[&null("tagKeys")]));
    assert_eq!(
        fault::<TagResourceRequest>(r#"{"ResourceArn":"arn","Tags":[{"Key":"k"}]}"#, Current),
        count(&[&null("tags.1.member.value")])
    );
    let path = "timeToLiveSpecification";
    assert_eq!(
        fault::<UpdateTimeToLiveRequest>(r#"{"TableName":"abc"}"#, Current),
        count(&[&null(path)])
    );
    assert_eq!(
        fault::<UpdateTimeToLiveRequest>(
            r#"{"TableName":"abc","TimeToLiveSpecification":{"AttributeName":"","Enabled":true}}"#,
            Current
        ),
        count(&[
            "Value '' at 'timeToLiveSpecification.attributeName' failed to satisfy constraint: Member must have length greater than or equal to 1"
        ])
    );
}
