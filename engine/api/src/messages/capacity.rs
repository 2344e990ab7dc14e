//! What operations consumed, and how large the collections of items are that they touched.

use std::collections::BTreeMap;

use crate::value::ItemOut;
use crate::wire::message;

message! {
    /// Capacity that an operation consumed of one table and its indexes.
    pub struct ConsumedCapacity {
        table_name "TableName": String,
        capacity_units "CapacityUnits": f64,
        read_capacity_units "ReadCapacityUnits": f64,
        write_capacity_units "WriteCapacityUnits": f64,
        table "Table": Capacity,
        local_secondary_indexes "LocalSecondaryIndexes": BTreeMap<String, Capacity>,
        global_secondary_indexes "GlobalSecondaryIndexes": BTreeMap<String, Capacity>,
    }

    /// Capacity consumed of one of them.
    pub struct Capacity {
        read_capacity_units "ReadCapacityUnits": f64,
        write_capacity_units "WriteCapacityUnits": f64,
        capacity_units "CapacityUnits": f64,
    }

    /// The items of one partition key of a table with local indexes.
    pub struct ItemCollectionMetrics {
        item_collection_key "ItemCollectionKey": ItemOut,
        size_estimate_range_gb "SizeEstimateRangeGB": Vec<f64>,
    }
}
