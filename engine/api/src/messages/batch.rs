//! BatchGetItem and BatchWriteItem.

use std::collections::BTreeMap;

use flywheel_item::Item;

use super::{ConsumedCapacity, ItemCollectionMetrics};
use crate::value::{ItemOut, Sent};
use crate::wire::message;

message! {
    /// What BatchGetItem is asked.
    pub struct BatchGetItemRequest {
        request_items "RequestItems": BTreeMap<String, KeysAndAttributes>,
        return_consumed_capacity "ReturnConsumedCapacity": String,
    }

    /// What BatchGetItem answers.
    pub struct BatchGetItemResponse {
        consumed_capacity "ConsumedCapacity": Vec<ConsumedCapacity>,
        responses "Responses": BTreeMap<String, Vec<ItemOut>>,
        unprocessed_keys "UnprocessedKeys": BTreeMap<String, KeysAndAttributes>,
    }

    /// Which items of a table are asked for, and what of them.
    pub struct KeysAndAttributes {
        keys "Keys": Vec<Sent<Item>>,
        consistent_read "ConsistentRead": bool,
        projection_expression "ProjectionExpression": String,
        expression_attribute_names "ExpressionAttributeNames": BTreeMap<String, String>,
        attributes_to_get "AttributesToGet": Vec<String>,
    }

    /// What BatchWriteItem is asked.
    pub struct BatchWriteItemRequest {
        request_items "RequestItems": BTreeMap<String, Vec<WriteRequest>>,
        return_consumed_capacity "ReturnConsumedCapacity": String,
        return_item_collection_metrics "ReturnItemCollectionMetrics": String,
    }

    /// What BatchWriteItem answers.
    pub struct BatchWriteItemResponse {
        consumed_capacity "ConsumedCapacity": Vec<ConsumedCapacity>,
        item_collection_metrics "ItemCollectionMetrics": BTreeMap<String, Vec<ItemCollectionMetrics>>,
        unprocessed_items "UnprocessedItems": BTreeMap<String, Vec<WriteRequest>>,
    }

    /// One write of a batch, of either kind.
    pub struct WriteRequest {
        put_request "PutRequest": PutRequest,
        delete_request "DeleteRequest": DeleteRequest,
    }

    /// An item to be put.
    pub struct PutRequest {
        item "Item": Sent<Item>,
    }

    /// The key of an item to be deleted.
    pub struct DeleteRequest {
        key "Key": Sent<Item>,
    }
}
