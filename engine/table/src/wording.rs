//! What DynamoDB says of requests that do not fit a table, or each other's parameters: all texts of this
//! crate, and nothing but texts. Those of values and expressions are in `flywheel-item`, those of single
//! members in `flywheel-api`.

use flywheel_capacity::admission::Limit;
use flywheel_item::AttributeType;

/// How many of its texts begin.
macro_rules! invalid {
    ($($text:tt)*) => {
        format!("One or more parameter values were invalid: {}", format_args!($($text)*))
    };
}

pub(crate) use invalid;

/// Of writes to a table whose global indexes are behind.
pub(crate) const INDEX_BEHIND: &str = "Throughput exceeds the current capacity for one or more global secondary indexes. \
     DynamoDB is automatically scaling your index so please try again shortly.";

/// Of a request that met a limit of its table, or of one of its global indexes.
pub(crate) fn throttled(limit: Limit, is_index: bool) -> &'static str {
    match (limit, is_index) {
        (Limit::ProvisionedThroughput, false) => {
            "The level of configured provisioned throughput for the table was exceeded. Consider increasing your \
             provisioning level with the UpdateTable API."
        }
        (Limit::ProvisionedThroughput, true) => {
            "The level of configured provisioned throughput for one or more global secondary indexes of the table \
             was exceeded. Consider increasing your provisioning level for the under-provisioned global secondary \
             indexes with the UpdateTable API"
        }
        (Limit::MaxOnDemandThroughput, _) => {
            "Throughput exceeds the maximum OnDemandThroughput configured on table or index"
        }
        (Limit::KeyRangeThroughput, false) => {
            "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your \
             table or index so please try again shortly. If exceptions persist, check if you have a hot key: \
             https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html"
        }
        (Limit::KeyRangeThroughput, true) => INDEX_BEHIND,
        (Limit::AccountLimit, _) => {
            "Throughput exceeds the current throughput limit for your account. Please contact AWS Support at \
             https://aws.amazon.com/support to request a limit increase."
        }
    }
}

pub(crate) const KEY_MISMATCH: &str = "The provided key element does not match the schema";
pub(crate) const START_KEY_INVALID: &str = "The provided starting key is invalid";
pub(crate) const START_KEY_OUTSIDE: &str =
    "The provided starting key is outside query boundaries based on provided conditions";
pub(crate) const START_KEY_PREDICATE: &str =
    "The provided starting key does not match the range key predicate";
pub(crate) const START_KEY_ONE_ROW: &str =
    "The query can return at most one row and cannot be restarted";
pub(crate) const START_KEY_EXCLUSIVE: &str = "The provided exclusive start key is invalid";
pub(crate) const START_KEY_OTHER_SEGMENT: &str = "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey \
     with correct Segment. TotalSegments: ";
pub(crate) const CONSISTENT_GLOBAL: &str =
    "Consistent reads are not supported on global secondary indexes";
pub(crate) const NO_KEY_CONDITION: &str = "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.";
pub(crate) const SEGMENT_TOO_LARGE: &str =
    "The Segment parameter is zero-based and must be less than parameter TotalSegments";
pub(crate) const TOTAL_SEGMENTS_MISSING: &str = "The TotalSegments parameter is required but was not present in the request when Segment \
     parameter is present";
pub(crate) const SEGMENT_MISSING: &str = "The Segment parameter is required but was not present in the request when parameter \
     TotalSegments is present";
pub(crate) const NAMES_WITHOUT_EXPRESSION: &str =
    "ExpressionAttributeNames can only be specified when using expressions";
pub(crate) const ONLY_OLD_OR_NONE: &str = "ReturnValues can only be ALL_OLD or NONE";
pub(crate) const DUPLICATE_KEYS: &str = "Provided list of item keys contains duplicates";
pub(crate) const TRANSACTION_ONGOING: &str = "Transaction is ongoing for the item";
pub(crate) const SEVERAL_ON_ONE_ITEM: &str =
    "Transaction request cannot include multiple operations on one item";
pub(crate) const TRANSACTION_TOO_LARGE: &str = "Collection size of items exceeded, which can also be caused by the aggregate size of the \
     items in the transaction exceeding the 4MB limit";
pub(crate) const TRANSACTION_IN_PROGRESS: &str =
    "The transaction with the given request token is already in progress.";
pub(crate) const TOKEN_OF_ANOTHER: &str =
    "The request uses the same client token as a previous, but non-identical request.";
pub(crate) const NO_ACTION: &str =
    "Invalid Request: TransactWriteRequest should contain Delete or Put or Update request";
pub(crate) const SEVERAL_ACTIONS: &str =
    "TransactItems can only contain one of Check, Put, Update or Delete";
pub(crate) const NO_SPECIFIC_ATTRIBUTES: &str = "Must specify the AttributesToGet or ProjectionExpression when choosing to get \
     SPECIFIC_ATTRIBUTES";
pub(crate) const PROJECTED_WITHOUT_INDEX: &str =
    "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName";

/// Expressions and what came before them in one request.
pub(crate) fn mixed(legacy: &[&str], expressions: &[&str]) -> String {
    format!(
        "Can not use both expression and non-expression parameters in the same request: \
         Non-expression parameters: {{{}}} Expression parameters: {{{}}}",
        legacy.join(", "),
        expressions.join(", ")
    )
}

/// Values without an expression that could use them; `absent` are those that could have.
pub(crate) fn values_without_expression(absent: &[&str]) -> String {
    let absent: Vec<String> = absent.iter().map(|name| format!("{name} is null")).collect();
    let colon = if absent.is_empty() { "" } else { ": " };
    format!(
        "ExpressionAttributeValues can only be specified when using expressions{colon}{}",
        absent.join(" and ")
    )
}

/// Attributes that are asked for where something else was chosen.
pub(crate) fn projection_with_select(parameter: &str, select: &str) -> String {
    let target = if select == "COUNT" { "only the Count" } else { select };
    format!("Cannot specify the {parameter} when choosing to get {target}")
}

pub(crate) fn missing_key(name: &str) -> String {
    invalid!("Missing the key {name} in the item")
}

pub(crate) fn key_type(name: &str, expected: AttributeType, actual: AttributeType) -> String {
    let (expected, actual) = (expected.code(), actual.code());
    invalid!("Type mismatch for key {name} expected: {expected} actual: {actual}")
}

pub(crate) fn index_key_type(
    name: &str,
    expected: AttributeType,
    actual: AttributeType,
    index: &str,
) -> String {
    let (expected, actual) = (expected.code(), actual.code());
    invalid!(
        "Type mismatch for Index Key {name} Expected: {expected} Actual: {actual} IndexName: {index}"
    )
}

/// A key of an index with nothing in it.
pub(crate) fn empty_index_key(kind: AttributeType, name: &str, index: &str) -> String {
    format!(
        "One or more parameter values are not valid. A value specified for a secondary index key \
         is not supported. The AttributeValue for a key attribute cannot contain an empty {} \
         value. IndexName: {index}, IndexKey: {name}",
        of_type(kind)
    )
}

/// The same of an update.
pub(crate) fn updated_empty_index_key(kind: AttributeType) -> String {
    format!(
        "One or more parameter values are not valid. The update expression attempted to update a \
         secondary index key to a value that is not supported. The AttributeValue for a key \
         attribute cannot contain an empty {} value.",
        of_type(kind)
    )
}

fn of_type(kind: AttributeType) -> &'static str {
    if kind == AttributeType::B { "binary" } else { "string" }
}

pub(crate) fn key_update(name: &str) -> String {
    invalid!("Cannot update attribute {name}. This attribute is part of the key")
}

pub(crate) fn duplicate_name(name: &str) -> String {
    invalid!("Duplicate value in attribute name: {name}")
}

pub(crate) fn no_index(name: &str) -> String {
    format!("The table does not have the specified index: {name}")
}

pub(crate) fn backfilling_index(name: &str) -> String {
    format!("Cannot read from backfilling global secondary index: {name}")
}

pub(crate) fn key_in_filter(parameter: &str, name: &str) -> String {
    format!(
        "{parameter} can only contain non-primary key attributes: Primary key attribute: {name}"
    )
}

/// A path into an attribute of a key.
pub(crate) fn path_into_key(is_index_key: bool, name: &str) -> String {
    let which = if is_index_key { "IndexKey" } else { "Key" };
    format!(
        "Key attributes must be scalars; list random access '[]' and map lookup '.' are not \
         allowed: {which}: {name}"
    )
}

/// All attributes of an index that does not hold all.
pub(crate) fn all_of_index(name: &str) -> String {
    invalid!(
        "Select type ALL_ATTRIBUTES is not supported for global secondary index {name} because \
         its projection type is not ALL"
    )
}

/// Attributes that a global index does not hold.
pub(crate) fn not_projected(index: &str, names: &[&str]) -> String {
    invalid!("Global secondary index {index} does not project [{}]", names.join(", "))
}

/// A transaction that was given up, and the codes of its reasons.
pub(crate) fn transaction_canceled(codes: &str) -> String {
    format!(
        "Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    )
}

/// How the error of a key with nothing in it begins.
pub(crate) const EMPTY_KEY: &str = "One or more parameter values are not valid. ";
