//! What the model asks of members, in both wordings. The newer one as AWS answered in most regions in
//! October 2026, the older one as it did before.

use flywheel_api::*;
use flywheel_item::Wording::{Current, Former};

use crate::support::{fault, request, with};

const EMPTY_NAME: &str = "Value at 'TableName' failed to satisfy constraint: Member must have length greater than or equal to 1";
const CAPACITY: &str = "Value 'X' at 'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]";
const METRICS: &str = "Value 'X' at 'returnItemCollectionMetrics' failed to satisfy constraint: Member must satisfy enum value set: [SIZE, NONE]";
const VALUES: &str = "Failed to satisfy constraint: Member must satisfy enum value set: [ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]";
const VALUES_FORMER: &str = "Value 'X' at 'returnValues' failed to satisfy constraint: Member must satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]";
const ON_FAILURE: &str = "Value 'X' at 'returnValuesOnConditionCheckFailure' failed to satisfy constraint: Member must satisfy enum value set: [ALL_OLD, NONE]";
const SELECT: &str = "Value 'X' at 'select' failed to satisfy constraint: Member must satisfy enum value set: [SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]";
const KEY_NULL: &str = "Value null at 'key' failed to satisfy constraint: Member must not be null";
const NAME_NULL: &str =
    "Value null at 'tableName' failed to satisfy constraint: Member must not be null";
const NAME_REQUIRED: &str =
    "The parameter 'TableName' is required but was not present in the request";
const NAME_LENGTH: &str =
    "TableName must be at least 3 characters long and at most 255 characters long";

fn count(faults: &[&str]) -> String {
    let ending = if faults.len() == 1 { "" } else { "s" };
    format!("{} validation error{ending} detected: {}", faults.len(), faults.join("; "))
}

fn short(path: &str, name: &str) -> String {
    format!(
        "Value '{name}' at '{path}' failed to satisfy constraint: Member must have length greater than or equal to 3"
    )
}

fn pattern(path: &str, name: &str) -> String {
    format!(
        "Value '{name}' at '{path}' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
    )
}

fn null(path: &str) -> String {
    format!("Value null at '{path}' failed to satisfy constraint: Member must not be null")
}

fn enumerated(value: &str, path: &str, values: &str) -> String {
    format!(
        "Value '{value}' at '{path}' failed to satisfy constraint: Member must satisfy enum value set: [{values}]"
    )
}

#[test]
fn puts_and_deletes_tell_all_at_once_but_an_empty_name() {
    let put = r#"{"TableName":"abc","Item":{}}"#;
    let delete = r#"{"TableName":"abc","Key":{}}"#;
    let name = short("tableName", "ab");
    for (extra, says) in [
        ("{}", String::new()),
        (r#"{"TableName":"","ReturnConsumedCapacity":"X"}"#, count(&[EMPTY_NAME])),
        (r#"{"TableName":"a!"}"#, count(&[&short("tableName", "a!")])),
        (r#"{"TableName":"ab","ReturnConsumedCapacity":"X"}"#, count(&[&name, CAPACITY])),
        (r#"{"TableName":"bad!"}"#, count(&[&pattern("tableName", "bad!")])),
        (r#"{"TableName":"ab","ReturnValues":"X"}"#, count(&[&name, VALUES])),
        (
            r#"{"ReturnValuesOnConditionCheckFailure":"X","ReturnItemCollectionMetrics":"X"}"#,
            count(&[METRICS, ON_FAILURE]),
        ),
        (
            r#"{"ReturnValues":"X","ReturnConsumedCapacity":"X","ReturnItemCollectionMetrics":"X"}"#,
            count(&[CAPACITY, VALUES, METRICS]),
        ),
        // Not looked at here.
        (r#"{"ConditionalOperator":"XOR"}"#, String::new()),
    ] {
        assert_eq!(fault::<PutItemRequest>(&with(put, extra), Current), says, "put {extra}");
        assert_eq!(
            fault::<DeleteItemRequest>(&with(delete, extra), Current),
            says,
            "delete {extra}"
        );
    }
    assert_eq!(fault::<PutItemRequest>("{}", Current), count(&[NAME_NULL, &null("item")]));
    assert_eq!(
        fault::<DeleteItemRequest>(&with(delete, r#"{"ReturnValues":"ALL_NEW"}"#), Current),
        count(&["ReturnValues can only be ALL_OLD or NONE"])
    );
}

#[test]
fn formerly_all_faults_were_told_with_their_values() {
    let body = r#"{"TableName":"a!","ReturnValues":"X","ReturnConsumedCapacity":"X","ConditionalOperator":"XOR"}"#;
    let (name, length) = (pattern("tableName", "a!"), short("tableName", "a!"));
    let conditional = enumerated("XOR", "conditionalOperator", "OR, AND");
    let item = null("item");
    assert_eq!(
        fault::<PutItemRequest>(body, Former),
        count(&[CAPACITY, &name, &length, &item, &conditional, VALUES_FORMER])
    );
    assert_eq!(
        fault::<GetItemRequest>(r#"{"TableName":"","AttributesToGet":[]}"#, Former),
        count(&[
            "Value '[]' at 'attributesToGet' failed to satisfy constraint: Member must have length greater than or equal to 1",
            &pattern("tableName", ""),
            &short("tableName", ""),
            KEY_NULL
        ])
    );
    let operator = r#"{"TableName":"abc","Item":{},"Expected":{"a":{"ComparisonOperator":"X"}}}"#;
    assert_eq!(
        fault::<PutItemRequest>(operator, Former),
        count(&[&enumerated(
            "X",
            "expected.a.member.comparisonOperator",
            "IN, NULL, BETWEEN, LT, NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, BEGINS_WITH, GE, CONTAINS"
        )])
    );
    assert_eq!(fault::<PutItemRequest>(operator, Current), "");
}

#[test]
fn updates_stop_at_the_first_word() {
    let base = r#"{"TableName":"abc","Key":{}}"#;
    for (extra, says) in [
        ("{}", String::new()),
        (r#"{"TableName":""}"#, count(&[EMPTY_NAME])),
        (r#"{"TableName":"ab","ReturnConsumedCapacity":"X"}"#, count(&[&short("tableName", "ab")])),
        (r#"{"TableName":"a!"}"#, count(&[&pattern("tableName", "a!"), &short("tableName", "a!")])),
        (r#"{"ReturnConsumedCapacity":"X"}"#, CAPACITY.to_owned()),
        (r#"{"ReturnConsumedCapacity":"X","ReturnItemCollectionMetrics":"X"}"#, count(&[METRICS])),
        (
            r#"{"ReturnValuesOnConditionCheckFailure":"X","ReturnItemCollectionMetrics":"X"}"#,
            ON_FAILURE.to_owned(),
        ),
        (r#"{"ReturnValuesOnConditionCheckFailure":"X","ReturnValues":"X"}"#, count(&[VALUES])),
        (
            r#"{"Key":null,"ReturnValues":"X","ReturnConsumedCapacity":"X"}"#,
            count(&[CAPACITY, VALUES_FORMER, KEY_NULL]),
        ),
        (r#"{"Key":null,"TableName":"ab"}"#, count(&[KEY_NULL])),
        (r#"{"Key":null,"TableName":null}"#, count(&[NAME_NULL, KEY_NULL])),
        (r#"{"TableName":null,"ReturnValues":"X"}"#, count(&[NAME_NULL, VALUES_FORMER])),
    ] {
        assert_eq!(fault::<UpdateItemRequest>(&with(base, extra), Current), says, "of {extra}");
    }
}

#[test]
fn gets() {
    let base = r#"{"TableName":"abc","Key":{}}"#;
    let name = short("tableName", "ab");
    for (extra, says) in [
        (r#"{"TableName":"","ReturnConsumedCapacity":"X"}"#, count(&[EMPTY_NAME])),
        (r#"{"TableName":"ab","ReturnConsumedCapacity":"X"}"#, count(&[&name, CAPACITY])),
        (r#"{"TableName":"ab","Key":null}"#, count(&[KEY_NULL, &name])),
        (r#"{"TableName":null}"#, count(&[NAME_NULL])),
        (r#"{"TableName":"arn:aws:dynamodb:eu-west-1:123456789012:table/abc"}"#, String::new()),
    ] {
        assert_eq!(fault::<GetItemRequest>(&with(base, extra), Current), says, "of {extra}");
    }
    let long = "n".repeat(256);
    assert_eq!(
        fault::<GetItemRequest>(&with(base, &format!(r#"{{"TableName":"{long}"}}"#)), Current),
        count(&[&format!(
            "Value '{long}' at 'tableName' failed to satisfy constraint: Member must have length less than or equal to 255"
        )])
    );
}

fn newer(path: &str, bound: &str) -> String {
    format!("Value at '{path}' failed to satisfy constraint: Member must have value {bound}")
}

fn older(value: i64, path: &str, bound: &str) -> String {
    format!(
        "Value '{value}' at '{path}' failed to satisfy constraint: Member must have value {bound}"
    )
}

#[test]
fn queries() {
    let base = r#"{"TableName":"abc"}"#;
    let limit = newer("Limit", "greater than or equal to 1");
    let limit_former = older(0, "limit", "greater than or equal to 1");
    for (extra, says) in [
        (r#"{"Limit":0,"ReturnConsumedCapacity":"X"}"#, count(&[&limit])),
        (r#"{"Limit":0,"TableName":"","Select":"X"}"#, count(&[&limit, EMPTY_NAME])),
        (r#"{"TableName":"ab","Select":"X"}"#, count(&[&short("tableName", "ab")])),
        (r#"{"Select":"X"}"#, String::new()),
        (
            r#"{"TableName":null,"Select":"X","Limit":0,"ReturnConsumedCapacity":"X"}"#,
            count(&[SELECT, CAPACITY, NAME_NULL, &limit_former]),
        ),
        (
            r#"{"KeyConditions":{"a":{}}}"#,
            count(&[&null("keyConditions.a.member.comparisonOperator")]),
        ),
    ] {
        assert_eq!(fault::<QueryRequest>(&with(base, extra), Current), says, "of {extra}");
    }
    let select = request::<QueryRequest>(r#"{"Select":"X"}"#).check_select().unwrap_err();
    assert_eq!(select.message, count(&[SELECT]));
    assert_eq!(
        fault::<QueryRequest>(
            r#"{"TableName":"abc","Select":"X","IndexName":"a","Limit":0}"#,
            Former
        ),
        count(&[SELECT, &short("indexName", "a"), &limit_former])
    );
}

#[test]
fn scans() {
    let base = r#"{"TableName":"abc"}"#;
    let limit = newer("Limit", "greater than or equal to 1");
    let segment = newer("Segment", "greater than or equal to 0");
    let total = newer("TotalSegments", "greater than or equal to 1");
    let conditional = enumerated("X", "conditionalOperator", "OR, AND");
    let operator = null("scanFilter.a.member.comparisonOperator");
    let all = r#"{"TableName":null,"Select":"X","ReturnConsumedCapacity":"X","ConditionalOperator":"X","Segment":-1,"TotalSegments":0,"Limit":0,"ScanFilter":{"a":{}}}"#;
    for (extra, says) in [
        (r#"{"Limit":0,"Segment":-1,"Select":"X"}"#, count(&[&limit, &segment])),
        (r#"{"Limit":0,"Segment":0,"TotalSegments":0}"#, count(&[&limit, &total])),
        (r#"{"Limit":0,"TableName":""}"#, count(&[&limit, EMPTY_NAME])),
        (
            r#"{"Segment":0,"TotalSegments":1000001}"#,
            count(&[&newer("TotalSegments", "less than or equal to 1000000")]),
        ),
        (
            r#"{"Segment":1000000,"TotalSegments":1000000}"#,
            count(&[&newer("Segment", "less than or equal to 999999")]),
        ),
        (r#"{"Segment":5,"TotalSegments":5}"#, String::new()),
        (
            r#"{"TableName":"ab","ReturnConsumedCapacity":"X"}"#,
            count(&[&short("tableName", "ab"), CAPACITY]),
        ),
        (
            r#"{"TableName":"","ScanFilter":{"a":{}}}"#,
            count(&[
                "Value '' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 1",
                &operator,
            ]),
        ),
        (r#"{"TableName":"ab","ScanFilter":{"a":{}}}"#, count(&[&operator])),
        (
            all,
            count(&[
                SELECT,
                &older(0, "totalSegments", "greater than or equal to 1"),
                CAPACITY,
                NAME_NULL,
                &conditional,
                &operator,
                &older(-1, "segment", "greater than or equal to 0"),
                &older(0, "limit", "greater than or equal to 1"),
            ]),
        ),
    ] {
        assert_eq!(fault::<ScanRequest>(&with(base, extra), Current), says, "of {extra}");
    }
}

#[test]
fn batches_of_gets() {
    let at_least = |path: &str| {
        count(&[&format!(
            "Value at '{path}' failed to satisfy constraint: Member must have length greater than or equal to 1"
        )])
    };
    let say = |body: &str| fault::<BatchGetItemRequest>(body, Current);
    assert_eq!(say("{}"), count(&[&null("requestItems")]));
    assert_eq!(say(r#"{"RequestItems":{}}"#), at_least("RequestItems"));
    let none = r#"{"RequestItems":{"abc":{"Keys":[]}},"ReturnConsumedCapacity":"X"}"#;
    assert_eq!(say(none), at_least("RequestItems.abc.member.Keys"));
    let keys = vec![r#"{"a":{"S":"x"}}"#; 101].join(",");
    assert_eq!(
        say(&format!(r#"{{"RequestItems":{{"abc":{{"Keys":[{keys}]}}}}}}"#)),
        count(&[
            "Value at 'RequestItems.abc.member.Keys' failed to satisfy constraint: Member must have length less than or equal to 100"
        ])
    );
    let echo = r#"{"ab":{"Keys":[{"a":{"S":"x"}}]}}"#;
    let names = format!(
        "Value '{echo}' at 'requestItems' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 255, Member must have length greater than or equal to 3, Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+]"
    );
    let body = format!(r#"{{"RequestItems":{echo},"ReturnConsumedCapacity":"X"}}"#);
    assert_eq!(say(&body), count(&[&names, CAPACITY]));
    assert_eq!(fault::<BatchGetItemRequest>(&body, Former), count(&[CAPACITY, &names]));
}

#[test]
fn batches_of_writes() {
    let say = |body: &str| fault::<BatchWriteItemRequest>(body, Current);
    assert_eq!(
        say(r#"{"RequestItems":{}}"#),
        "The requestItems parameter is required for BatchWriteItem"
    );
    let sizes = "Map value must satisfy constraint: [Member must have length less than or equal to 25, Member must have length greater than or equal to 1]";
    let none =
        format!("Value '{{abc=[]}}' at 'requestItems' failed to satisfy constraint: {sizes}");
    assert_eq!(
        say(
            r#"{"RequestItems":{"abc":[]},"ReturnConsumedCapacity":"X","ReturnItemCollectionMetrics":"X"}"#
        ),
        count(&[&none, CAPACITY, METRICS])
    );
    let write = r#"{"DeleteRequest":{"Key":{"pk":{"S":"a"}}}}"#;
    let echo = "WriteRequest(putRequest=null, deleteRequest=DeleteRequest(key={pk=AttributeValue(s=a, n=null, b=null, iNT=null, dECIMAL=null, dOUBLE=null, sS=null, nS=null, bS=null, iNTSET=null, dECIMALSET=null, dOUBLESET=null, m=null, l=null, nULL=null, bOOL=null)}, workloadProfileName=null))";
    let many = format!(r#"{{"RequestItems":{{"abc":[{}]}}}}"#, vec![write; 26].join(","));
    let echoes = vec![echo; 26].join(", ");
    assert_eq!(
        say(&many),
        count(&[&format!(
            "Value '{{abc=[{echoes}]}}' at 'requestItems' failed to satisfy constraint: {sizes}"
        )])
    );
    assert_eq!(
        say(r#"{"RequestItems":{"abc":[{"PutRequest":{}}]}}"#),
        count(&[&null("requestItems.abc.member.1.member.putRequest.item")])
    );
}

#[test]
fn what_errors_repeat_is_bounded() {
    let value = "x".repeat(40_000);
    let write = format!(r#"{{"PutRequest":{{"Item":{{"pk":{{"S":"{value}"}}}}}}}}"#);
    let writes = vec![write.as_str(); 100].join(",");
    let said = fault::<BatchWriteItemRequest>(
        &format!(r#"{{"RequestItems":{{"abc":[{writes}]}}}}"#),
        Current,
    );
    assert!(said.len() <= limits::MAX_ECHO_BYTES + 1000, "{}", said.len());
    assert!(said.contains("...' at 'requestItems'"));
}

#[test]
fn transactions_of_gets() {
    let say = |body: &str| fault::<TransactGetItemsRequest>(body, Current);
    assert_eq!(say("{}"), count(&[&null("transactItems")]));
    assert_eq!(
        say(r#"{"TransactItems":[],"ReturnConsumedCapacity":"X"}"#),
        count(&[
            "Value '[]' at 'transactItems' failed to satisfy constraint: Member must have length greater than or equal to 1"
        ])
    );
    let get = r#"{"Get":{"TableName":"abc","Key":{}}}"#;
    let many = format!(r#"{{"TransactItems":[{}]}}"#, vec![get; 101].join(","));
    assert!(say(&many).ends_with("at 'transactItems' failed to satisfy constraint: Member must have length less than or equal to 100"));
    assert!(say(&many).contains("[TransactGetItem(get=Get(key={}, tableName=abc, projectionExpression=null, expressionAttributeNames=null, workloadProfileName=null)), "));
    assert_eq!(
        say(&format!(r#"{{"TransactItems":[{get},{{}}],"ReturnConsumedCapacity":"X"}}"#)),
        count(&[&null("transactItems.2.member.get"), CAPACITY])
    );
    let path = "transactItems.2.member.get.tableName";
    assert_eq!(
        say(&format!(r#"{{"TransactItems":[{get},{{"Get":{{"TableName":"a!","Key":{{}}}}}}]}}"#)),
        count(&[&short(path, "a!"), &pattern(path, "a!")])
    );
}

#[test]
fn transactions_of_writes() {
    let say = |items: &str, extra: &str| {
        let body = with(&format!(r#"{{"TransactItems":{items}}}"#), extra);
        fault::<TransactWriteItemsRequest>(&body, Current)
    };
    let put = r#"{"Put":{"TableName":"abc","Item":{},"ReturnValuesOnConditionCheckFailure":"X"}}"#;
    let token = "t".repeat(37);
    let long = format!(
        "Value '{token}' at 'clientRequestToken' failed to satisfy constraint: Member must have length less than or equal to 36"
    );
    let words = format!(
        r#"{{"ClientRequestToken":"{token}","ReturnConsumedCapacity":"X","ReturnItemCollectionMetrics":"X"}}"#
    );
    let on_failure = enumerated(
        "X",
        "transactItems.1.member.put.returnValuesOnConditionCheckFailure",
        "ALL_OLD, NONE",
    );
    assert_eq!(
        say(&format!("[{put},{{}}]"), &words),
        count(&[&on_failure, &long, CAPACITY, METRICS])
    );
    assert_eq!(
        say("[{}]", "{}"),
        "Invalid Request: TransactWriteRequest should contain Delete or Put or Update request"
    );
    let delete = r#""Delete":{"TableName":"a!","Key":{}}"#;
    let check = r#""ConditionCheck":{"TableName":"abc","Key":{},"ConditionExpression":"c"}"#;
    assert_eq!(
        say(&format!("[{{{delete},{check}}}]"), "{}"),
        "TransactItems can only contain one of Check, Put, Update or Delete"
    );
    let path = "transactItems.2.member.delete.tableName";
    assert_eq!(
        say(&format!("[{{{check}}},{{{delete}}}]"), "{}"),
        count(&[&short(path, "a!"), &pattern(path, "a!")])
    );
    assert_eq!(
        say(r#"[{"Update":{}}]"#, "{}"),
        count(&[
            &null("transactItems.1.member.update.key"),
            &null("transactItems.1.member.update.updateExpression"),
            &null("transactItems.1.member.update.tableName"),
        ])
    );
}

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
