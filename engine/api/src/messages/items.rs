//! GetItem, PutItem, UpdateItem, DeleteItem, and what they say of one item.

use std::collections::BTreeMap;

use flywheel_item::{AttributeValue, Item};

use super::{ConsumedCapacity, ItemCollectionMetrics};
use crate::value::{ItemOut, Sent, Values};
use crate::wire::message;

message! {
    /// What GetItem is asked.
    pub struct GetItemRequest {
        table_name "TableName": String,
        key "Key": Sent<Item>,
        consistent_read "ConsistentRead": bool,
        projection_expression "ProjectionExpression": String,
        expression_attribute_names "ExpressionAttributeNames": BTreeMap<String, String>,
        attributes_to_get "AttributesToGet": Vec<String>,
        return_consumed_capacity "ReturnConsumedCapacity": String,
    }

    /// What GetItem answers.
    pub struct GetItemResponse {
        consumed_capacity "ConsumedCapacity": ConsumedCapacity,
        item "Item": ItemOut,
    }

    /// What PutItem is asked.
    pub struct PutItemRequest {
        table_name "TableName": String,
        item "Item": Sent<Item>,
        condition_expression "ConditionExpression": String,
        expression_attribute_names "ExpressionAttributeNames": BTreeMap<String, String>,
        expression_attribute_values "ExpressionAttributeValues": Sent<Item> as Values,
        return_values "ReturnValues": String,
        return_consumed_capacity "ReturnConsumedCapacity": String,
        return_item_collection_metrics "ReturnItemCollectionMetrics": String,
        return_values_on_condition_check_failure "ReturnValuesOnConditionCheckFailure": String,
        expected "Expected": BTreeMap<String, ExpectedAttributeValue>,
        conditional_operator "ConditionalOperator": String,
    }

    /// What PutItem answers.
    pub struct PutItemResponse {
        attributes "Attributes": ItemOut,
        consumed_capacity "ConsumedCapacity": ConsumedCapacity,
        item_collection_metrics "ItemCollectionMetrics": ItemCollectionMetrics,
    }

    /// What UpdateItem is asked.
    pub struct UpdateItemRequest {
        table_name "TableName": String,
        key "Key": Sent<Item>,
        update_expression "UpdateExpression": String,
        condition_expression "ConditionExpression": String,
        expression_attribute_names "ExpressionAttributeNames": BTreeMap<String, String>,
        expression_attribute_values "ExpressionAttributeValues": Sent<Item> as Values,
        return_values "ReturnValues": String,
        return_consumed_capacity "ReturnConsumedCapacity": String,
        return_item_collection_metrics "ReturnItemCollectionMetrics": String,
        return_values_on_condition_check_failure "ReturnValuesOnConditionCheckFailure": String,
        attribute_updates "AttributeUpdates": BTreeMap<String, AttributeValueUpdate>,
        expected "Expected": BTreeMap<String, ExpectedAttributeValue>,
        conditional_operator "ConditionalOperator": String,
    }

    /// What UpdateItem answers.
    pub struct UpdateItemResponse {
        attributes "Attributes": ItemOut,
        consumed_capacity "ConsumedCapacity": ConsumedCapacity,
        item_collection_metrics "ItemCollectionMetrics": ItemCollectionMetrics,
    }

    /// What DeleteItem is asked.
    pub struct DeleteItemRequest {
        table_name "TableName": String,
        key "Key": Sent<Item>,
        condition_expression "ConditionExpression": String,
        expression_attribute_names "ExpressionAttributeNames": BTreeMap<String, String>,
        expression_attribute_values "ExpressionAttributeValues": Sent<Item> as Values,
        return_values "ReturnValues": String,
        return_consumed_capacity "ReturnConsumedCapacity": String,
        return_item_collection_metrics "ReturnItemCollectionMetrics": String,
        return_values_on_condition_check_failure "ReturnValuesOnConditionCheckFailure": String,
        expected "Expected": BTreeMap<String, ExpectedAttributeValue>,
        conditional_operator "ConditionalOperator": String,
    }

    /// What DeleteItem answers.
    pub struct DeleteItemResponse {
        attributes "Attributes": ItemOut,
        consumed_capacity "ConsumedCapacity": ConsumedCapacity,
        item_collection_metrics "ItemCollectionMetrics": ItemCollectionMetrics,
    }

    /// What must hold of one attribute; a condition of before expressions.
    pub struct ExpectedAttributeValue {
        value "Value": Sent<AttributeValue>,
        exists "Exists": bool,
        comparison_operator "ComparisonOperator": String,
        attribute_value_list "AttributeValueList": Vec<Sent<AttributeValue>>,
    }

    /// What becomes of one attribute; an update of before expressions.
    pub struct AttributeValueUpdate {
        value "Value": Sent<AttributeValue>,
        action "Action": String,
    }
}
