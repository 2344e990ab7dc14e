//! CreateTable, DescribeTable, UpdateTable, DeleteTable, ListTables, and what they say of a table. Not
//! its indexes.

use super::{
    AttributeDefinition, GlobalSecondaryIndex, GlobalSecondaryIndexDescription,
    GlobalSecondaryIndexUpdate, KeySchemaElement, LocalSecondaryIndex,
    LocalSecondaryIndexDescription, OnDemandThroughput, ProvisionedThroughput,
    ProvisionedThroughputDescription, Tag, WarmThroughput,
};
use crate::wire::{Integer, message};

message! {
    /// What CreateTable is asked.
    pub struct CreateTableRequest {
        attribute_definitions "AttributeDefinitions": Vec<AttributeDefinition>,
        table_name "TableName": String,
        key_schema "KeySchema": Vec<KeySchemaElement>,
        local_secondary_indexes "LocalSecondaryIndexes": Vec<LocalSecondaryIndex>,
        global_secondary_indexes "GlobalSecondaryIndexes": Vec<GlobalSecondaryIndex>,
        billing_mode "BillingMode": String,
        provisioned_throughput "ProvisionedThroughput": ProvisionedThroughput,
        stream_specification "StreamSpecification": StreamSpecification,
        sse_specification "SSESpecification": SSESpecification,
        tags "Tags": Vec<Tag>,
        table_class "TableClass": String,
        deletion_protection_enabled "DeletionProtectionEnabled": bool,
        warm_throughput "WarmThroughput": WarmThroughput,
        resource_policy "ResourcePolicy": String,
        on_demand_throughput "OnDemandThroughput": OnDemandThroughput,
    }

    /// What CreateTable answers.
    pub struct CreateTableResponse {
        table_description "TableDescription": TableDescription,
    }

    /// What DescribeTable is asked.
    pub struct DescribeTableRequest {
        table_name "TableName": String,
    }

    /// What DescribeTable answers.
    pub struct DescribeTableResponse {
        table "Table": TableDescription,
    }

    /// What UpdateTable is asked. Replicas are passed over.
    pub struct UpdateTableRequest {
        attribute_definitions "AttributeDefinitions": Vec<AttributeDefinition>,
        table_name "TableName": String,
        billing_mode "BillingMode": String,
        provisioned_throughput "ProvisionedThroughput": ProvisionedThroughput,
        global_secondary_index_updates "GlobalSecondaryIndexUpdates": Vec<GlobalSecondaryIndexUpdate>,
        stream_specification "StreamSpecification": StreamSpecification,
        sse_specification "SSESpecification": SSESpecification,
        table_class "TableClass": String,
        deletion_protection_enabled "DeletionProtectionEnabled": bool,
        on_demand_throughput "OnDemandThroughput": OnDemandThroughput,
        warm_throughput "WarmThroughput": WarmThroughput,
    }

    /// What UpdateTable answers.
    pub struct UpdateTableResponse {
        table_description "TableDescription": TableDescription,
    }

    /// What DeleteTable is asked.
    pub struct DeleteTableRequest {
        table_name "TableName": String,
    }

    /// What DeleteTable answers.
    pub struct DeleteTableResponse {
        table_description "TableDescription": TableDescription,
    }

    /// What ListTables is asked.
    pub struct ListTablesRequest {
        exclusive_start_table_name "ExclusiveStartTableName": String,
        limit "Limit": i64 as Integer,
    }

    /// What ListTables answers.
    pub struct ListTablesResponse {
        last_evaluated_table_name "LastEvaluatedTableName": String,
        table_names "TableNames": Vec<String>,
    }

    /// A table. Times are in seconds since 1970.
    pub struct TableDescription {
        attribute_definitions "AttributeDefinitions": Vec<AttributeDefinition>,
        table_name "TableName": String,
        key_schema "KeySchema": Vec<KeySchemaElement>,
        table_status "TableStatus": String,
        creation_date_time "CreationDateTime": f64,
        provisioned_throughput "ProvisionedThroughput": ProvisionedThroughputDescription,
        table_size_bytes "TableSizeBytes": i64,
        item_count "ItemCount": i64,
        table_arn "TableArn": String,
        table_id "TableId": String,
        billing_mode_summary "BillingModeSummary": BillingModeSummary,
        table_throughput_mode_summary "TableThroughputModeSummary": TableThroughputModeSummary,
        local_secondary_indexes "LocalSecondaryIndexes": Vec<LocalSecondaryIndexDescription>,
        global_secondary_indexes "GlobalSecondaryIndexes": Vec<GlobalSecondaryIndexDescription>,
        stream_specification "StreamSpecification": StreamSpecification,
        latest_stream_label "LatestStreamLabel": String,
        latest_stream_arn "LatestStreamArn": String,
        sse_description "SSEDescription": SSEDescription,
        table_class_summary "TableClassSummary": TableClassSummary,
        deletion_protection_enabled "DeletionProtectionEnabled": bool,
        on_demand_throughput "OnDemandThroughput": OnDemandThroughput,
        warm_throughput "WarmThroughput": WarmThroughput,
    }

    /// How a table is paid for.
    pub struct BillingModeSummary {
        billing_mode "BillingMode": String,
        last_update_to_pay_per_request_date_time "LastUpdateToPayPerRequestDateTime": f64,
    }

    /// The same, under the name it had first.
    pub struct TableThroughputModeSummary {
        table_throughput_mode "TableThroughputMode": String,
        last_update_to_pay_per_request_date_time "LastUpdateToPayPerRequestDateTime": f64,
    }

    /// Whether changes of a table are told, and what of them.
    pub struct StreamSpecification {
        stream_enabled "StreamEnabled": bool,
        stream_view_type "StreamViewType": String,
    }

    /// How a table is to be encrypted at rest.
    pub struct SSESpecification {
        enabled "Enabled": bool,
        sse_type "SSEType": String,
        kms_master_key_id "KMSMasterKeyId": String,
    }

    /// How a table is encrypted at rest.
    pub struct SSEDescription {
        status "Status": String,
        sse_type "SSEType": String,
        kms_master_key_arn "KMSMasterKeyArn": String,
        inaccessible_encryption_date_time "InaccessibleEncryptionDateTime": f64,
    }

    /// What storage costs against requests.
    pub struct TableClassSummary {
        table_class "TableClass": String,
        last_update_date_time "LastUpdateDateTime": f64,
    }
}
