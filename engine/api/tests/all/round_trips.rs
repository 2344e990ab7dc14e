//! What is written is read again as it was: every message, and items of every kind.

use flywheel_api::*;
use flywheel_item::{AttributeValue, Item};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::support::{any_item, any_value};

/// Reads, writes and reads again; the body must have all members of the message.
fn check<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(body: &str) {
    let message: T = read(body.as_bytes()).unwrap_or_else(|error| panic!("{body}: {error}"));
    let written = write(&message).unwrap();
    let sent: serde_json::Value = serde_json::from_str(body).unwrap();
    let kept: serde_json::Value = serde_json::from_slice(&written).unwrap();
    assert_eq!(kept, sent, "of {body}");
    assert_eq!(written, serde_json::to_vec(&message).unwrap(), "of {body}");
    assert_eq!(read::<T>(&written).unwrap(), message, "of {body}");
}

const KEY: &str = r##"{"p":{"S":"a"}}"##;
const CAPACITY: &str = r##"{"TableName":"t","CapacityUnits":1.5,"ReadCapacityUnits":1.0,"WriteCapacityUnits":0.5,"Table":{"CapacityUnits":1.0},"LocalSecondaryIndexes":{"l":{"CapacityUnits":0.5}},"GlobalSecondaryIndexes":{"g":{"CapacityUnits":0.5,"ReadCapacityUnits":0.5,"WriteCapacityUnits":0.5}}}"##;
const METRICS: &str = r##"{"ItemCollectionKey":{"p":{"S":"a"}},"SizeEstimateRangeGB":[0.0,1.0]}"##;
const WRITE: &str = r##""ConditionExpression":"c","ExpressionAttributeNames":{"#n":"n"},"ExpressionAttributeValues":{":v":{"N":"1"}},"ReturnValues":"NONE","ReturnConsumedCapacity":"TOTAL","ReturnItemCollectionMetrics":"SIZE","ReturnValuesOnConditionCheckFailure":"NONE","Expected":{"a":{"Value":{"S":"x"},"Exists":true,"ComparisonOperator":"EQ","AttributeValueList":[{"S":"x"}]}},"ConditionalOperator":"AND""##;
const INDEX: &str = r##""IndexName":"idx","KeySchema":[{"AttributeName":"p","KeyType":"HASH"}],"Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":["a"]}"##;
const THROUGHPUT: &str = r##""ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":2},"OnDemandThroughput":{"MaxReadRequestUnits":3,"MaxWriteRequestUnits":4},"WarmThroughput":{"ReadUnitsPerSecond":5,"WriteUnitsPerSecond":6,"Status":"ACTIVE"}"##;
const ACTION: &str = r##""TableName":"t","ConditionExpression":"c","ExpressionAttributeNames":{"#n":"n"},"ExpressionAttributeValues":{":v":{"N":"1"}},"ReturnValuesOnConditionCheckFailure":"NONE""##;

#[test]
fn operations_on_one_item() {
    check::<GetItemRequest>(&format!(
        r##"{{"TableName":"t","Key":{KEY},"ConsistentRead":true,"ProjectionExpression":"a","ExpressionAttributeNames":{{"#n":"n"}},"AttributesToGet":["a"],"ReturnConsumedCapacity":"TOTAL"}}"##
    ));
    check::<GetItemResponse>(&format!(r##"{{"ConsumedCapacity":{CAPACITY},"Item":{KEY}}}"##));
    check::<PutItemRequest>(&format!(r##"{{"TableName":"t","Item":{KEY},{WRITE}}}"##));
    check::<DeleteItemRequest>(&format!(r##"{{"TableName":"t","Key":{KEY},{WRITE}}}"##));
    check::<UpdateItemRequest>(&format!(
        r##"{{"TableName":"t","Key":{KEY},"UpdateExpression":"u","AttributeUpdates":{{"a":{{"Value":{{"N":"1"}},"Action":"ADD"}}}},{WRITE}}}"##
    ));
    let response = format!(
        r##"{{"Attributes":{KEY},"ConsumedCapacity":{CAPACITY},"ItemCollectionMetrics":{METRICS}}}"##
    );
    check::<PutItemResponse>(&response);
    check::<UpdateItemResponse>(&response);
    check::<DeleteItemResponse>(&response);
}

#[test]
fn queries_and_scans() {
    let common = format!(
        r##""TableName":"t","IndexName":"i","Select":"COUNT","Limit":3,"ConsistentRead":false,"ExclusiveStartKey":{KEY},"FilterExpression":"f","ProjectionExpression":"p","ExpressionAttributeNames":{{"#n":"n"}},"ExpressionAttributeValues":{{":v":{{"BOOL":true}}}},"ReturnConsumedCapacity":"NONE","ConditionalOperator":"OR","AttributesToGet":["a"]"##
    );
    let filter = r##"{"a":{"AttributeValueList":[{"N":"1"}],"ComparisonOperator":"LT"}}"##;
    check::<QueryRequest>(&format!(
        r##"{{{common},"ScanIndexForward":false,"KeyConditionExpression":"k","KeyConditions":{filter},"QueryFilter":{filter}}}"##
    ));
    check::<ScanRequest>(&format!(
        r##"{{{common},"Segment":1,"TotalSegments":2,"ScanFilter":{filter}}}"##
    ));
    let response = format!(
        r##"{{"ConsumedCapacity":{CAPACITY},"Count":1,"Items":[{KEY}],"LastEvaluatedKey":{KEY},"ScannedCount":2}}"##
    );
    check::<QueryResponse>(&response);
    check::<ScanResponse>(&response);
}

#[test]
fn batches() {
    let keys = format!(
        r##"{{"t":{{"Keys":[{KEY}],"ConsistentRead":true,"ProjectionExpression":"p","ExpressionAttributeNames":{{"#n":"n"}},"AttributesToGet":["a"]}}}}"##
    );
    check::<BatchGetItemRequest>(&format!(
        r##"{{"RequestItems":{keys},"ReturnConsumedCapacity":"INDEXES"}}"##
    ));
    check::<BatchGetItemResponse>(&format!(
        r##"{{"ConsumedCapacity":[{CAPACITY}],"Responses":{{"t":[{KEY}]}},"UnprocessedKeys":{keys}}}"##
    ));
    let writes = format!(
        r##"{{"t":[{{"PutRequest":{{"Item":{KEY}}}}},{{"DeleteRequest":{{"Key":{KEY}}}}}]}}"##
    );
    check::<BatchWriteItemRequest>(&format!(
        r##"{{"RequestItems":{writes},"ReturnConsumedCapacity":"INDEXES","ReturnItemCollectionMetrics":"SIZE"}}"##
    ));
    check::<BatchWriteItemResponse>(&format!(
        r##"{{"ConsumedCapacity":[{CAPACITY}],"ItemCollectionMetrics":{{"t":[{METRICS}]}},"UnprocessedItems":{writes}}}"##
    ));
}

#[test]
fn transactions() {
    check::<TransactGetItemsRequest>(&format!(
        r##"{{"TransactItems":[{{"Get":{{"Key":{KEY},"TableName":"t","ProjectionExpression":"p","ExpressionAttributeNames":{{"#n":"n"}}}}}}],"ReturnConsumedCapacity":"TOTAL"}}"##
    ));
    check::<TransactGetItemsResponse>(&format!(
        r##"{{"ConsumedCapacity":[{CAPACITY}],"Responses":[{{"Item":{KEY}}},{{}}]}}"##
    ));
    check::<TransactWriteItemsRequest>(&format!(
        r##"{{"TransactItems":[{{"ConditionCheck":{{"Key":{KEY},{ACTION}}}}},{{"Put":{{"Item":{KEY},{ACTION}}}}},{{"Delete":{{"Key":{KEY},{ACTION}}}}},{{"Update":{{"Key":{KEY},"UpdateExpression":"u",{ACTION}}}}}],"ClientRequestToken":"x","ReturnConsumedCapacity":"TOTAL","ReturnItemCollectionMetrics":"SIZE"}}"##
    ));
    check::<TransactWriteItemsResponse>(&format!(
        r##"{{"ConsumedCapacity":[{CAPACITY}],"ItemCollectionMetrics":{{"t":[{METRICS}]}}}}"##
    ));
}

#[test]
fn tables() {
    let stream = r##""StreamSpecification":{"StreamEnabled":true,"StreamViewType":"KEYS_ONLY"}"##;
    let sse = r##""SSESpecification":{"Enabled":true,"SSEType":"KMS","KMSMasterKeyId":"k"}"##;
    let common = format!(
        r##""AttributeDefinitions":[{{"AttributeName":"p","AttributeType":"S"}}],"TableName":"t","BillingMode":"PROVISIONED",{stream},{sse},"TableClass":"STANDARD","DeletionProtectionEnabled":true,{THROUGHPUT}"##
    );
    check::<CreateTableRequest>(&format!(
        r##"{{{common},"KeySchema":[{{"AttributeName":"p","KeyType":"HASH"}}],"LocalSecondaryIndexes":[{{{INDEX}}}],"GlobalSecondaryIndexes":[{{{INDEX},{THROUGHPUT}}}],"Tags":[{{"Key":"k","Value":"v"}}],"ResourcePolicy":"r"}}"##
    ));
    check::<UpdateTableRequest>(&format!(
        r##"{{{common},"GlobalSecondaryIndexUpdates":[{{"Update":{{"IndexName":"idx",{THROUGHPUT}}}}},{{"Create":{{{INDEX},{THROUGHPUT}}}}},{{"Delete":{{"IndexName":"idx"}}}}]}}"##
    ));
    let provisioned = r##""ProvisionedThroughput":{"LastIncreaseDateTime":1.5,"LastDecreaseDateTime":2.5,"NumberOfDecreasesToday":0,"ReadCapacityUnits":1,"WriteCapacityUnits":2}"##;
    let bounds =
        r##""OnDemandThroughput":{"MaxReadRequestUnits":3},"WarmThroughput":{"Status":"ACTIVE"}"##;
    let sizes = r##""IndexSizeBytes":10,"ItemCount":2,"IndexArn":"arn""##;
    let table = format!(
        r##"{{"AttributeDefinitions":[{{"AttributeName":"p","AttributeType":"S"}}],"TableName":"t","KeySchema":[{{"AttributeName":"p","KeyType":"HASH"}}],"TableStatus":"ACTIVE","CreationDateTime":1700000000.125,{provisioned},"TableSizeBytes":10,"ItemCount":2,"TableArn":"arn","TableId":"id","BillingModeSummary":{{"BillingMode":"PROVISIONED","LastUpdateToPayPerRequestDateTime":3.5}},"TableThroughputModeSummary":{{"TableThroughputMode":"PROVISIONED","LastUpdateToPayPerRequestDateTime":3.5}},"LocalSecondaryIndexes":[{{{INDEX},{sizes}}}],"GlobalSecondaryIndexes":[{{{INDEX},"IndexStatus":"CREATING","Backfilling":true,{provisioned},{sizes},{bounds}}}],{stream},"LatestStreamLabel":"l","LatestStreamArn":"a","SSEDescription":{{"Status":"ENABLED","SSEType":"KMS","KMSMasterKeyArn":"k","InaccessibleEncryptionDateTime":4.5}},"TableClassSummary":{{"TableClass":"STANDARD","LastUpdateDateTime":5.5}},"DeletionProtectionEnabled":false,{bounds}}}"##
    );
    check::<CreateTableResponse>(&format!(r##"{{"TableDescription":{table}}}"##));
    check::<UpdateTableResponse>(&format!(r##"{{"TableDescription":{table}}}"##));
    check::<DeleteTableResponse>(&format!(r##"{{"TableDescription":{table}}}"##));
    check::<DescribeTableResponse>(&format!(r##"{{"Table":{table}}}"##));
    check::<DescribeTableRequest>(r##"{"TableName":"t"}"##);
    check::<DeleteTableRequest>(r##"{"TableName":"t"}"##);
    check::<ListTablesRequest>(r##"{"ExclusiveStartTableName":"t","Limit":5}"##);
    check::<ListTablesResponse>(r##"{"LastEvaluatedTableName":"t","TableNames":["t"]}"##);
}

#[test]
fn tags_time_to_live_and_the_service() {
    check::<TagResourceRequest>(r##"{"ResourceArn":"a","Tags":[{"Key":"k","Value":"v"}]}"##);
    check::<UntagResourceRequest>(r##"{"ResourceArn":"a","TagKeys":["k"]}"##);
    check::<ListTagsOfResourceRequest>(r##"{"ResourceArn":"a","NextToken":"n"}"##);
    check::<ListTagsOfResourceResponse>(r##"{"Tags":[{"Key":"k","Value":"v"}],"NextToken":"n"}"##);
    let specification = r##"{"Enabled":true,"AttributeName":"ttl"}"##;
    check::<UpdateTimeToLiveRequest>(&format!(
        r##"{{"TableName":"t","TimeToLiveSpecification":{specification}}}"##
    ));
    check::<UpdateTimeToLiveResponse>(&format!(
        r##"{{"TimeToLiveSpecification":{specification}}}"##
    ));
    check::<DescribeTimeToLiveRequest>(r##"{"TableName":"t"}"##);
    check::<DescribeTimeToLiveResponse>(
        r##"{"TimeToLiveDescription":{"TimeToLiveStatus":"ENABLED","AttributeName":"ttl"}}"##,
    );
    check::<DescribeLimitsRequest>("{}");
    check::<DescribeLimitsResponse>(
        r##"{"AccountMaxReadCapacityUnits":1,"AccountMaxWriteCapacityUnits":2,"TableMaxReadCapacityUnits":3,"TableMaxWriteCapacityUnits":4}"##,
    );
    check::<DescribeEndpointsRequest>("{}");
    check::<DescribeEndpointsResponse>(
        r##"{"Endpoints":[{"Address":"a","CachePeriodInMinutes":1440}]}"##,
    );
    check::<DescribeContinuousBackupsRequest>(r##"{"TableName":"t"}"##);
    check::<DescribeContinuousBackupsResponse>(
        r##"{"ContinuousBackupsDescription":{"ContinuousBackupsStatus":"ENABLED","PointInTimeRecoveryDescription":{"PointInTimeRecoveryStatus":"DISABLED","RecoveryPeriodInDays":35,"EarliestRestorableDateTime":1.5,"LatestRestorableDateTime":2.5}}}"##,
    );
}

proptest! {
    #[test]
    fn any_value_is_read_as_it_was_written(value in any_value()) {
        let written = write(&Sent::from(value.clone())).unwrap();
        prop_assert_eq!(read::<Sent<AttributeValue>>(&written).unwrap(), Sent(Ok(value)));
    }

    #[test]
    fn any_text_is_written_as_serde_json_writes_it(text in proptest::collection::vec(any::<char>(), 0..40)) {
        let text: String = text.into_iter().collect();
        let table = DescribeTableRequest { table_name: Some(text) };
        prop_assert_eq!(write(&table).unwrap(), serde_json::to_vec(&table).unwrap());
    }

    #[test]
    fn any_ascii_is_written_as_serde_json_writes_it(bytes in proptest::collection::vec(0u8..128, 0..40)) {
        let text = String::from_utf8(bytes).unwrap();
        let table = DescribeTableRequest { table_name: Some(text) };
        prop_assert_eq!(write(&table).unwrap(), serde_json::to_vec(&table).unwrap());
    }

    #[test]
    fn any_item_is_read_as_it_was_written(item in any_item()) {
        let written = write(&Sent::from(item.clone())).unwrap();
        prop_assert_eq!(read::<Sent<Item>>(&written).unwrap(), Sent(Ok(item)));
    }
}

#[test]
fn a_number_that_was_cut_off_is_not_written_as_another() {
    for limit in ["0.5", "4294967296"] {
        let body = format!(r#"{{"TableName":"abc","Limit":{limit}}}"#);
        let request: ScanRequest = read(body.as_bytes()).expect("it is a number");
        assert!(write(&request).is_err(), "{limit}");
    }
}
