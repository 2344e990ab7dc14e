//! What DynamoDB says of definitions of tables and indexes: texts, and nothing but texts.

use crate::wording::invalid;

pub(crate) const KEY_UNDEFINED: &str =
    "Invalid KeySchema: Some index key attribute have no definition";
pub(crate) const FIRST_NOT_HASH: &str =
    "Invalid KeySchema: The first KeySchemaElement is not a HASH key type";
pub(crate) const SECOND_NOT_RANGE: &str =
    "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type";
pub(crate) const SAME_NAMES: &str =
    "Both the Hash Key and the Range Key element in the KeySchema have the same name";
pub(crate) const REPEATED_NAME: &str =
    "The KeySchema contains multiple key attributes with the same name";
pub(crate) const NO_INDEX_UPDATE: &str = "One or more parameter values were invalid: One of GlobalSecondaryIndexUpdate.Update, \
     GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be null";
pub(crate) const ONE_ONLINE_INDEX: &str = "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per \
     table";
pub(crate) const INDEX_UPDATE_BLOCKED: &str = "This operation cannot be performed with given input values. Please contact DynamoDB service \
     team for more info: Action Blocked: IndexUpdate";
pub(crate) const PROTECTED: &str = "Resource cannot be deleted as it is currently protected against deletion. Disable deletion \
     protection first.";
pub(crate) const NO_CHANGE: &str = "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, \
     GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required";

/// What is wrong and has no name or figure in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    HashAfterRange,
    NoRangeKey,
    EmptyLocalIndexes,
    EmptyGlobalIndexes,
    TooManyLocalIndexes,
    TooManyGlobalIndexes,
    UnknownProjection,
    NamesOfAll,
    NamesOfKeysOnly,
    NoNames,
    EmptyNames,
    DuplicateNames,
    AttributeCount,
    ThroughputOnDemand,
    ThroughputMissing,
    UpdateThroughputMissing,
    ViewOfDisabledStream,
    StreamWithoutView,
}

pub(crate) fn fault(fault: Fault) -> String {
    invalid!(
        "{}",
        match fault {
            Fault::HashAfterRange =>
                "All HASH key attributes must precede RANGE key attributes in the KeySchema",
            Fault::NoRangeKey =>
                "Table KeySchema does not have a range key, which is required when specifying a \
             LocalSecondaryIndex",
            Fault::EmptyLocalIndexes => "List of LocalSecondaryIndexes is empty",
            Fault::EmptyGlobalIndexes => "List of GlobalSecondaryIndexes is empty",
            Fault::TooManyLocalIndexes =>
                "Number of LocalSecondaryIndexes exceeds per-table limit of 5",
            Fault::TooManyGlobalIndexes =>
                "GlobalSecondaryIndex count exceeds the per-table limit of 20",
            Fault::UnknownProjection => "Unknown ProjectionType: null",
            Fault::NamesOfAll => "ProjectionType is ALL, but NonKeyAttributes is specified",
            Fault::NamesOfKeysOnly =>
                "ProjectionType is KEYS_ONLY, but NonKeyAttributes is specified",
            Fault::NoNames => "ProjectionType is INCLUDE, but NonKeyAttributes is not specified",
            Fault::EmptyNames => "NonKeyAttributes must not be empty",
            Fault::DuplicateNames => "NonKeyAttributes contains duplicates",
            Fault::AttributeCount =>
                "Number of attributes in KeySchema does not exactly match number of attributes \
             defined in AttributeDefinitions",
            Fault::ThroughputOnDemand =>
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode \
             is PAY_PER_REQUEST",
            Fault::ThroughputMissing =>
                "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is \
             PROVISIONED",
            Fault::UpdateThroughputMissing =>
                "ProvisionedThroughput must be specified when BillingMode is PROVISIONED",
            Fault::ViewOfDisabledStream =>
                "Table is being created with a stream disabled, UpdateViewType should not be specified",
            Fault::StreamWithoutView =>
                "StreamViewType must be specified when the stream is enabled",
        }
    )
}

/// Attributes of a key that the request does not define.
pub(crate) fn undefined(keys: &[String], defined: &[String]) -> String {
    invalid!(
        "Some index key attributes are not defined in AttributeDefinitions. Keys: [{}], \
         AttributeDefinitions: [{}]",
        keys.join(", "),
        defined.join(", ")
    )
}

/// Attributes that the request defines and no key uses.
pub(crate) fn unused(defined: &[String], used: &[String]) -> String {
    invalid!(
        "Some AttributeDefinitions are not used. AttributeDefinitions: [{}], keys used: [{}]",
        defined.join(", "),
        used.join(", ")
    )
}

pub(crate) fn too_many_parts(kind: &str) -> String {
    invalid!("The KeySchema exceeds the maximum allowed number of {kind} key attributes")
}

pub(crate) fn duplicate_index(name: &str) -> String {
    invalid!("Duplicate index name: {name}")
}

pub(crate) fn index_exists(name: &str) -> String {
    invalid!("Index already exists: {name}")
}

pub(crate) fn no_range_of_index(name: &str) -> String {
    invalid!("Index KeySchema does not have a range key for index: {name}")
}

pub(crate) fn other_hash(index: &str, own: &str, tables: &str) -> String {
    invalid!(
        "Index KeySchema does not have the same leading hash key as table KeySchema for index: \
         {index}. index hash key: {own}, table hash key: {tables}"
    )
}

pub(crate) fn throughput_of_index(name: &str) -> String {
    invalid!(
        "ProvisionedThroughput should not be specified for index: {name} when BillingMode is \
         PAY_PER_REQUEST"
    )
}

pub(crate) fn no_throughput_of_index(name: &str) -> String {
    invalid!("ProvisionedThroughput is not specified for index: {name}")
}

pub(crate) fn out_of_bounds(value: i64, what: &str) -> String {
    format!("Given value {value} for {what} is out of bounds")
}

/// A bound on demand of a table that has none; tables are made and changed in other words.
pub(crate) fn on_demand_of_provisioned(member: &str, is_new: bool) -> String {
    let (the, stop) = if is_new { ("", ".") } else { ("the ", "") };
    invalid!(
        "{member} for OnDemandThroughput cannot be specified when {the}table BillingMode is \
         PROVISIONED{stop}"
    )
}

pub(crate) fn on_demand_range(member: &str) -> String {
    invalid!("Requested {member} for OnDemandThroughput for table is outside of valid range")
}

pub(crate) fn table_exists(name: &str) -> String {
    format!("Table already exists: {name}")
}

pub(crate) fn no_table(name: &str) -> String {
    format!("Requested resource not found: Table: {name} not found")
}

/// A table that is being made, changed or deleted.
pub(crate) fn in_use(name: &str, status: &str) -> String {
    match status {
        "CREATING" => format!(
            "Attempt to change a resource which is still in use: Table is being created: {name}"
        ),
        "UPDATING" => format!(
            "Attempt to change a resource which is still in use: Table is being updated: {name}"
        ),
        _ => format!(
            "Attempt to change a resource which is still in use: Table is being deleted: {name}"
        ),
    }
}

pub(crate) fn same_throughput(read: i64, write: i64) -> String {
    format!(
        "The provisioned throughput for the table will not change. The requested value equals the \
         current value. Current ReadCapacityUnits provisioned for the table: {read}. Requested \
         ReadCapacityUnits: {read}. Current WriteCapacityUnits provisioned for the table: {write}. \
         Requested WriteCapacityUnits: {write}. Refer to the Amazon DynamoDB Developer Guide for \
         current limits and how to request higher limits."
    )
}
