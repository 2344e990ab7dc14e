//! Keys, indexes and throughput, as tables are made of them.

use crate::wire::message;

message! {
    /// One attribute of a key.
    pub struct KeySchemaElement {
        attribute_name "AttributeName": String,
        key_type "KeyType": String,
    }

    /// The type of an attribute of a key.
    pub struct AttributeDefinition {
        attribute_name "AttributeName": String,
        attribute_type "AttributeType": String,
    }

    /// What of an item is in an index.
    pub struct Projection {
        projection_type "ProjectionType": String,
        non_key_attributes "NonKeyAttributes": Vec<String>,
    }

    /// Capacity that is asked for.
    pub struct ProvisionedThroughput {
        read_capacity_units "ReadCapacityUnits": i64,
        write_capacity_units "WriteCapacityUnits": i64,
    }

    /// Capacity that there is. Times are in seconds since 1970.
    pub struct ProvisionedThroughputDescription {
        last_increase_date_time "LastIncreaseDateTime": f64,
        last_decrease_date_time "LastDecreaseDateTime": f64,
        number_of_decreases_today "NumberOfDecreasesToday": i64,
        read_capacity_units "ReadCapacityUnits": i64,
        write_capacity_units "WriteCapacityUnits": i64,
    }

    /// The most that a table without provisioned capacity may be asked for.
    pub struct OnDemandThroughput {
        max_read_request_units "MaxReadRequestUnits": i64,
        max_write_request_units "MaxWriteRequestUnits": i64,
    }

    /// What a table is ready for at once.
    pub struct WarmThroughput {
        read_units_per_second "ReadUnitsPerSecond": i64,
        write_units_per_second "WriteUnitsPerSecond": i64,
        status "Status": String,
    }

    /// An index with a table's partition key.
    pub struct LocalSecondaryIndex {
        index_name "IndexName": String,
        key_schema "KeySchema": Vec<KeySchemaElement>,
        projection "Projection": Projection,
    }

    /// What is told of one.
    pub struct LocalSecondaryIndexDescription {
        index_name "IndexName": String,
        key_schema "KeySchema": Vec<KeySchemaElement>,
        projection "Projection": Projection,
        index_size_bytes "IndexSizeBytes": i64,
        item_count "ItemCount": i64,
        index_arn "IndexArn": String,
    }

    /// An index with a key of its own.
    pub struct GlobalSecondaryIndex {
        index_name "IndexName": String,
        key_schema "KeySchema": Vec<KeySchemaElement>,
        projection "Projection": Projection,
        provisioned_throughput "ProvisionedThroughput": ProvisionedThroughput,
        on_demand_throughput "OnDemandThroughput": OnDemandThroughput,
        warm_throughput "WarmThroughput": WarmThroughput,
    }

    /// What is told of one.
    pub struct GlobalSecondaryIndexDescription {
        index_name "IndexName": String,
        key_schema "KeySchema": Vec<KeySchemaElement>,
        projection "Projection": Projection,
        index_status "IndexStatus": String,
        backfilling "Backfilling": bool,
        provisioned_throughput "ProvisionedThroughput": ProvisionedThroughputDescription,
        index_size_bytes "IndexSizeBytes": i64,
        item_count "ItemCount": i64,
        index_arn "IndexArn": String,
        on_demand_throughput "OnDemandThroughput": OnDemandThroughput,
        warm_throughput "WarmThroughput": WarmThroughput,
    }

    /// One change of such indexes, of one of three kinds.
    pub struct GlobalSecondaryIndexUpdate {
        update "Update": UpdateGlobalSecondaryIndexAction,
        create "Create": CreateGlobalSecondaryIndexAction,
        delete "Delete": DeleteGlobalSecondaryIndexAction,
    }

    /// An index to be changed.
    pub struct UpdateGlobalSecondaryIndexAction {
        index_name "IndexName": String,
        provisioned_throughput "ProvisionedThroughput": ProvisionedThroughput,
        on_demand_throughput "OnDemandThroughput": OnDemandThroughput,
        warm_throughput "WarmThroughput": WarmThroughput,
    }

    /// An index to be made.
    pub struct CreateGlobalSecondaryIndexAction {
        index_name "IndexName": String,
        key_schema "KeySchema": Vec<KeySchemaElement>,
        projection "Projection": Projection,
        provisioned_throughput "ProvisionedThroughput": ProvisionedThroughput,
        on_demand_throughput "OnDemandThroughput": OnDemandThroughput,
        warm_throughput "WarmThroughput": WarmThroughput,
    }

    /// An index to be deleted.
    pub struct DeleteGlobalSecondaryIndexAction {
        index_name "IndexName": String,
    }
}
