//! Query and Scan.

use std::collections::BTreeMap;

use flywheel_item::{AttributeValue, Item};

use super::ConsumedCapacity;
use crate::value::{ItemOut, Sent, Values};
use crate::wire::{Integer, Narrowed, message};

message! {
    /// What Query is asked.
    pub struct QueryRequest {
        table_name "TableName": String,
        index_name "IndexName": String,
        select "Select": String,
        limit "Limit": Narrowed,
        consistent_read "ConsistentRead": bool,
        scan_index_forward "ScanIndexForward": bool,
        exclusive_start_key "ExclusiveStartKey": Sent<Item>,
        key_condition_expression "KeyConditionExpression": String,
        filter_expression "FilterExpression": String,
        projection_expression "ProjectionExpression": String,
        expression_attribute_names "ExpressionAttributeNames": BTreeMap<String, String>,
        expression_attribute_values "ExpressionAttributeValues": Sent<Item> as Values,
        return_consumed_capacity "ReturnConsumedCapacity": String,
        key_conditions "KeyConditions": BTreeMap<String, Condition>,
        query_filter "QueryFilter": BTreeMap<String, Condition>,
        conditional_operator "ConditionalOperator": String,
        attributes_to_get "AttributesToGet": Vec<String>,
    }

    /// What Query answers.
    pub struct QueryResponse {
        consumed_capacity "ConsumedCapacity": ConsumedCapacity,
        count "Count": i64 as Integer,
        items "Items": Vec<ItemOut>,
        last_evaluated_key "LastEvaluatedKey": ItemOut,
        scanned_count "ScannedCount": i64 as Integer,
    }

    /// What Scan is asked.
    pub struct ScanRequest {
        table_name "TableName": String,
        index_name "IndexName": String,
        select "Select": String,
        limit "Limit": Narrowed,
        consistent_read "ConsistentRead": bool,
        segment "Segment": Narrowed,
        total_segments "TotalSegments": Narrowed,
        exclusive_start_key "ExclusiveStartKey": Sent<Item>,
        filter_expression "FilterExpression": String,
        projection_expression "ProjectionExpression": String,
        expression_attribute_names "ExpressionAttributeNames": BTreeMap<String, String>,
        expression_attribute_values "ExpressionAttributeValues": Sent<Item> as Values,
        return_consumed_capacity "ReturnConsumedCapacity": String,
        scan_filter "ScanFilter": BTreeMap<String, Condition>,
        conditional_operator "ConditionalOperator": String,
        attributes_to_get "AttributesToGet": Vec<String>,
    }

    /// What Scan answers.
    pub struct ScanResponse {
        consumed_capacity "ConsumedCapacity": ConsumedCapacity,
        count "Count": i64 as Integer,
        items "Items": Vec<ItemOut>,
        last_evaluated_key "LastEvaluatedKey": ItemOut,
        scanned_count "ScannedCount": i64 as Integer,
    }

    /// A condition on one attribute, of before expressions.
    pub struct Condition {
        attribute_value_list "AttributeValueList": Vec<Sent<AttributeValue>>,
        comparison_operator "ComparisonOperator": String,
    }
}
