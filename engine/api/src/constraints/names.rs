//! Names of tables and indexes: what they are made of, how long they are, and which of several faults of
//! one is told. A table may also be named by its ARN.

use super::wording::{self, Constraint};
use super::{Faults, length_beyond};
use crate::error::ApiError;
use crate::limits::{MAX_ARN_LENGTH, MAX_NAME_LENGTH, MIN_NAME_LENGTH};

fn is_of_pattern(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    !name.is_empty() && name.bytes().all(fits)
}

/// The table that a request names: by its name, or by its ARN, `arn:aws:dynamodb:eu-west-1:1234:table/name`.
pub fn table_of_arn(name: &str) -> &str {
    let resource = name.strip_prefix("arn:").filter(|_| name.len() <= MAX_ARN_LENGTH);
    resource.and_then(|rest| rest.split_once(":table/")).map_or(name, |(_, table)| table)
}

fn length_fault(name: &str) -> Option<Constraint> {
    length_beyond(name.chars().count(), MIN_NAME_LENGTH, MAX_NAME_LENGTH)
}

/// Whether a name may be a table's.
pub(super) fn is_sound(name: &str) -> bool {
    let name = table_of_arn(name);
    is_of_pattern(name) && length_fault(name).is_none()
}

/// The first fault of a table's name: its length, or what it is made of.
pub(super) fn first_fault(path: &str, name: &Option<String>) -> Option<String> {
    let Some(name) = name else { return Some(Constraint::NotNull.broken_by_null(path)) };
    let table = table_of_arn(name);
    let pattern = || (!is_of_pattern(table)).then_some(Constraint::NamePattern);
    let broken = length_fault(table).or_else(pattern)?;
    Some(broken.broken_by(name, path))
}

/// All faults of a name, what it is made of first.
pub(super) fn all_faults(path: &str, name: &Option<String>) -> Vec<String> {
    let Some(name) = name else { return vec![Constraint::NotNull.broken_by_null(path)] };
    let table = table_of_arn(name);
    let pattern = (!is_of_pattern(table)).then_some(Constraint::NamePattern);
    let broken = pattern.into_iter().chain(length_fault(table));
    broken.map(|broken| broken.broken_by(name, path)).collect()
}

/// The same, its length first.
pub(super) fn all_faults_length_first(path: &str, name: &Option<String>) -> Vec<String> {
    let mut faults = all_faults(path, name);
    faults.reverse();
    faults
}

/// The same for a name that may be missing.
pub(super) fn faults_if_any(path: &str, name: &Option<String>) -> Vec<String> {
    if name.is_some() { all_faults(path, name) } else { Vec::new() }
}

/// A name of no characters, which the newer form tells of before all else.
pub(super) fn empty_fault(name: &Option<String>) -> Option<String> {
    let is_empty = name.as_deref().is_some_and(str::is_empty);
    is_empty.then(|| Constraint::LengthAtLeast(1).broken_at("TableName"))
}

/// What is told of a table's name where tables are managed.
pub(super) fn check_managed(name: &Option<String>) -> Result<(), ApiError> {
    let Some(name) = name else {
        return Err(ApiError::validation(wording::TABLE_NAME_REQUIRED));
    };
    let table = table_of_arn(name);
    if length_fault(table).is_some() {
        return Err(ApiError::validation(wording::table_name_length()));
    }
    let pattern = || Constraint::NamePattern.broken_by(name, "tableName");
    Faults::none().and((!is_of_pattern(table)).then(pattern)).end()
}
