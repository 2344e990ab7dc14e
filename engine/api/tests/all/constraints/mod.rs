//! What the model asks of members, in both wordings. The newer one as AWS answered in most regions in
//! October 2026, the older one as it did before.

mod batches;
mod items;
mod tables;

pub const EMPTY_NAME: &str = "Value at 'TableName' failed to satisfy constraint: Member must have length greater than or equal to 1";
pub const CAPACITY: &str = "Value 'X' at 'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]";
pub const METRICS: &str = "Value 'X' at 'returnItemCollectionMetrics' failed to satisfy constraint: Member must satisfy enum value set: [SIZE, NONE]";
pub const VALUES: &str = "Failed to satisfy constraint: Member must satisfy enum value set: [ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]";
pub const VALUES_FORMER: &str = "Value 'X' at 'returnValues' failed to satisfy constraint: Member must satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]";
pub const ON_FAILURE: &str = "Value 'X' at 'returnValuesOnConditionCheckFailure' failed to satisfy constraint: Member must satisfy enum value set: [ALL_OLD, NONE]";
pub const SELECT: &str = "Value 'X' at 'select' failed to satisfy constraint: Member must satisfy enum value set: [SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]";
pub const KEY_NULL: &str =
    "Value null at 'key' failed to satisfy constraint: Member must not be null";
pub const NAME_NULL: &str =
    "Value null at 'tableName' failed to satisfy constraint: Member must not be null";
pub const NAME_REQUIRED: &str =
    "The parameter 'TableName' is required but was not present in the request";
pub const NAME_LENGTH: &str =
    "TableName must be at least 3 characters long and at most 255 characters long";

pub fn count(faults: &[&str]) -> String {
    let ending = if faults.len() == 1 { "" } else { "s" };
    format!("{} validation error{ending} detected: {}", faults.len(), faults.join("; "))
}

pub fn short(path: &str, name: &str) -> String {
    format!(
        "Value '{name}' at '{path}' failed to satisfy constraint: Member must have length greater than or equal to 3"
    )
}

pub fn pattern(path: &str, name: &str) -> String {
    format!(
        "Value '{name}' at '{path}' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
    )
}

pub fn null(path: &str) -> String {
    format!("Value null at '{path}' failed to satisfy constraint: Member must not be null")
}

pub fn enumerated(value: &str, path: &str, values: &str) -> String {
    format!(
        "Value '{value}' at '{path}' failed to satisfy constraint: Member must satisfy enum value set: [{values}]"
    )
}

pub fn newer(path: &str, bound: &str) -> String {
    format!("Value at '{path}' failed to satisfy constraint: Member must have value {bound}")
}

pub fn older(value: i64, path: &str, bound: &str) -> String {
    format!(
        "Value '{value}' at '{path}' failed to satisfy constraint: Member must have value {bound}"
    )
}
