//! What DynamoDB says of a member that breaks a constraint of its model: all texts of this crate, and nothing
//! but texts.
//!
//! AWS moves its operations, region by region since 2026, to a validation of other words. The older form
//! quotes the value and writes member names in lower case; the newer one says `Value at 'Limit'`.

use crate::limits::{MAX_BATCH_WRITES, MAX_NAME_LENGTH, MIN_NAME_LENGTH};

/// What names of tables and indexes are made of.
pub(crate) const NAME_PATTERN: &str = "[a-zA-Z0-9_.-]+";

/// What must hold of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Constraint {
    NotNull,
    AtLeast(i64),
    AtMost(i64),
    LengthAtLeast(usize),
    LengthAtMost(usize),
    NamePattern,
    OneOf(&'static [&'static str]),
    /// Of the names of tables that are keys of a map.
    TableNames,
    /// Of the writes to one table that are values of a map.
    WritesOfTable,
}

impl Constraint {
    fn text(self) -> String {
        match self {
            Self::NotNull => "Member must not be null".into(),
            Self::AtLeast(least) => {
                format!("Member must have value greater than or equal to {least}")
            }
            Self::AtMost(most) => format!("Member must have value less than or equal to {most}"),
            Self::LengthAtLeast(least) => {
                format!("Member must have length greater than or equal to {least}")
            }
            Self::LengthAtMost(most) => {
                format!("Member must have length less than or equal to {most}")
            }
            Self::NamePattern => {
                format!("Member must satisfy regular expression pattern: {NAME_PATTERN}")
            }
            Self::OneOf(names) => {
                format!("Member must satisfy enum value set: [{}]", names.join(", "))
            }
            Self::TableNames => format!(
                "Map keys must satisfy constraint: [{}, {}, {}]",
                Self::LengthAtMost(MAX_NAME_LENGTH).text(),
                Self::LengthAtLeast(MIN_NAME_LENGTH).text(),
                Self::NamePattern.text()
            ),
            Self::WritesOfTable => format!(
                "Map value must satisfy constraint: [{}, {}]",
                Self::LengthAtMost(MAX_BATCH_WRITES).text(),
                Self::LengthAtLeast(1).text()
            ),
        }
    }

    /// The older form, for a value and the path to it.
    pub(crate) fn broken_by(self, value: impl std::fmt::Display, path: &str) -> String {
        format!("Value '{value}' at '{path}' failed to satisfy constraint: {}", self.text())
    }

    /// The older form for nothing.
    pub(crate) fn broken_by_null(self, path: &str) -> String {
        format!("Value null at '{path}' failed to satisfy constraint: {}", self.text())
    }

    /// The newer form.
    pub(crate) fn broken_at(self, path: &str) -> String {
        format!("Value at '{path}' failed to satisfy constraint: {}", self.text())
    }
}

/// Of `ReturnValues`, in the newer form. `UPDATE_NEW` is how it is spelled there.
pub(crate) const RETURN_VALUES: &str = "Failed to satisfy constraint: Member must satisfy enum value \
    set: [ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]";

/// Of `ConditionalOperator`, in the newer form; those are not the words it takes.
pub(crate) const CONDITIONAL_OPERATOR: &str =
    "Failed to satisfy constraint: Member must satisfy enum value set: [ALL, OR]";

/// Of `ConditionalOperator` where there is nothing to combine.
pub(crate) const NOTHING_TO_COMBINE: &str =
    "ConditionalOperator cannot be used without Filter or Expected";

/// Of `ConditionalOperator` where there is one condition.
pub(crate) const ONE_TO_COMBINE: &str =
    "ConditionalOperator can only be used when Filter or Expected has two or more elements";

/// Of a `ComparisonOperator` that is none, in the newer form.
pub(crate) const COMPARISON_OPERATOR: &str =
    "One or more parameter values were invalid: Invalid comparison operator";

/// Of an `Action` of `AttributeUpdates` that is none, quotation marks as they are.
pub(crate) const ACTION: &str =
    "Member must satisfy enum value set: [ADD, DELETE, PUT]' for Action";

/// Of `ReturnValues` of DeleteItem and PutItem, which has fewer of them.
pub(crate) const OLD_OR_NONE: &str = "ReturnValues can only be ALL_OLD or NONE";

/// Of a table's name that is not there, where tables are managed.
pub(crate) const TABLE_NAME_REQUIRED: &str =
    "The parameter 'TableName' is required but was not present in the request";

/// Of a table's name that is too long or too short, where tables are managed.
pub(crate) fn table_name_length() -> String {
    format!(
        "TableName must be at least {MIN_NAME_LENGTH} characters long and at most {MAX_NAME_LENGTH} \
         characters long"
    )
}

/// Of a batch that writes nothing.
pub(crate) const NOTHING_TO_WRITE: &str =
    "The requestItems parameter is required for BatchWriteItem";

/// Of an action of a transaction that is none.
pub(crate) const NO_ACTION: &str =
    "Invalid Request: TransactWriteRequest should contain Delete or Put or Update request";

/// Of an action of a transaction that is several.
pub(crate) const SEVERAL_ACTIONS: &str =
    "TransactItems can only contain one of Check, Put, Update or Delete";

/// Of an ARN that is not there.
pub(crate) const NO_ARN: &str = "Invalid TableArn";

/// Faults as an error lists them.
pub(crate) fn listed(faults: &[String]) -> String {
    let (count, ending) = (faults.len(), if faults.len() == 1 { "" } else { "s" });
    format!("{count} validation error{ending} detected: {}", faults.join("; "))
}
