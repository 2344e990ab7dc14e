//! TransactGetItems and TransactWriteItems.

use std::collections::BTreeMap;

use flywheel_item::Item;

use super::{ConsumedCapacity, ItemCollectionMetrics};
use crate::value::{ItemOut, Sent, Values};
use crate::wire::message;

message! {
    /// What TransactGetItems is asked.
    pub struct TransactGetItemsRequest {
        transact_items "TransactItems": Vec<TransactGetItem>,
        return_consumed_capacity "ReturnConsumedCapacity": String,
    }

    /// What TransactGetItems answers.
    pub struct TransactGetItemsResponse {
        consumed_capacity "ConsumedCapacity": Vec<ConsumedCapacity>,
        responses "Responses": Vec<ItemResponse>,
    }

    /// One read of a transaction.
    pub struct TransactGetItem {
        get "Get": Get,
    }

    /// What to read.
    pub struct Get {
        key "Key": Sent<Item>,
        table_name "TableName": String,
        projection_expression "ProjectionExpression": String,
        expression_attribute_names "ExpressionAttributeNames": BTreeMap<String, String>,
    }

    /// What was read.
    pub struct ItemResponse {
        item "Item": ItemOut,
    }

    /// What TransactWriteItems is asked.
    pub struct TransactWriteItemsRequest {
        transact_items "TransactItems": Vec<TransactWriteItem>,
        client_request_token "ClientRequestToken": String,
        return_consumed_capacity "ReturnConsumedCapacity": String,
        return_item_collection_metrics "ReturnItemCollectionMetrics": String,
    }

    /// What TransactWriteItems answers.
    pub struct TransactWriteItemsResponse {
        consumed_capacity "ConsumedCapacity": Vec<ConsumedCapacity>,
        item_collection_metrics "ItemCollectionMetrics": BTreeMap<String, Vec<ItemCollectionMetrics>>,
    }

    /// One action of a transaction, of one of four kinds.
    pub struct TransactWriteItem {
        condition_check "ConditionCheck": ConditionCheck,
        put "Put": Put,
        delete "Delete": Delete,
        update "Update": Update,
    }

    /// What must hold of an item that the transaction does not write.
    pub struct ConditionCheck {
        key "Key": Sent<Item>,
        table_name "TableName": String,
        condition_expression "ConditionExpression": String,
        expression_attribute_names "ExpressionAttributeNames": BTreeMap<String, String>,
        expression_attribute_values "ExpressionAttributeValues": Sent<Item> as Values,
        return_values_on_condition_check_failure "ReturnValuesOnConditionCheckFailure": String,
    }

    /// An item to be put.
    pub struct Put {
        item "Item": Sent<Item>,
        table_name "TableName": String,
        condition_expression "ConditionExpression": String,
        expression_attribute_names "ExpressionAttributeNames": BTreeMap<String, String>,
        expression_attribute_values "ExpressionAttributeValues": Sent<Item> as Values,
        return_values_on_condition_check_failure "ReturnValuesOnConditionCheckFailure": String,
    }

    /// An item to be deleted.
    pub struct Delete {
        key "Key": Sent<Item>,
        table_name "TableName": String,
        condition_expression "ConditionExpression": String,
        expression_attribute_names "ExpressionAttributeNames": BTreeMap<String, String>,
        expression_attribute_values "ExpressionAttributeValues": Sent<Item> as Values,
        return_values_on_condition_check_failure "ReturnValuesOnConditionCheckFailure": String,
    }

    /// An item to be updated.
    pub struct Update {
        key "Key": Sent<Item>,
        update_expression "UpdateExpression": String,
        table_name "TableName": String,
        condition_expression "ConditionExpression": String,
        expression_attribute_names "ExpressionAttributeNames": BTreeMap<String, String>,
        expression_attribute_values "ExpressionAttributeValues": Sent<Item> as Values,
        return_values_on_condition_check_failure "ReturnValuesOnConditionCheckFailure": String,
    }
}
