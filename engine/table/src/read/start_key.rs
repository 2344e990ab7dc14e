//! `ExclusiveStartKey`: whether it can be where a page ended, and which key it is.

use bytes::Bytes;
use flywheel_api::ApiError;
use flywheel_item::expression::QueriedKey;
use flywheel_item::key::{KeyRange, KeySchema, SortCondition};
use flywheel_item::{AttributeValue, Item, check_key_value};

use super::bounds::Bounds;
use crate::table::{Source, Table};
use crate::wording;
use crate::words::Words;

/// The key behind which a page begins. `start_key` has the attributes that such a key must have.
pub(crate) fn of_source(
    words: Words,
    table: &Table,
    source: Source<'_>,
    start_key: &Item,
) -> Result<Bytes, ApiError> {
    let invalid = || ApiError::validation(wording::START_KEY_INVALID);
    if start_key.len() != table.key_names(source).len() {
        return Err(invalid());
    }
    let schemas = [(source.schema(table), false), (&table.key, true)];
    for (schema, is_table) in schemas {
        let partition = schema.partition.iter().map(|key| (key, true));
        for (key, is_partition) in partition.chain(schema.sort.iter().map(|key| (key, false))) {
            let value = start_key.get(&key.name).ok_or_else(invalid)?;
            if value.kind() != key.kind {
                return Err(invalid());
            }
            if is_table {
                check_key_value(key, value, is_partition)
                    .map_err(|invalid| words.unfit(&invalid))?;
            }
        }
    }
    source.key_of(table, start_key).ok_or_else(invalid)
}

/// Checks types as scans of tables with indexes do: of all attributes that are of any key, before it is
/// asked which key this should be, and in the words for the index that is read, or else for the first.
pub(crate) fn check_types_of_scan(
    table: &Table,
    source: Source<'_>,
    start_key: &Item,
) -> Result<(), ApiError> {
    let globals = table.globals.iter().map(|index| (&index.name, &index.key));
    let mut indexes = globals.chain(table.locals.iter().map(|index| (&index.name, &index.key)));
    let index = match source {
        Source::Table => indexes.clone().next().map(|(name, _)| name),
        Source::Local(index) => Some(&index.name),
        Source::Global(index) => Some(&index.name),
    };
    let Some(index) = index else { return Ok(()) };
    let check = |schema: &KeySchema| {
        for key in schema.partition.iter().chain(&schema.sort) {
            if let Some(value) = start_key.get(&key.name).filter(|value| value.kind() != key.kind) {
                let (name, expected, actual) = (&key.name, key.kind, value.kind());
                let message = wording::index_key_type(name, expected, actual, index);
                return Err(ApiError::validation(message));
            }
        }
        Ok(())
    };
    check(&table.key)?;
    indexes.try_for_each(|(_, schema)| check(schema))
}

/// Checks that a query could have ended at `start_key`.
pub(crate) fn check_within_query(
    table: &Table,
    source: Source<'_>,
    queried: &QueriedKey,
    start_key: &Item,
) -> Result<(), ApiError> {
    let refuse = |message: &str| Err(ApiError::validation(message));
    let schema = source.schema(table);
    let holds = |(key, value): (&flywheel_item::key::KeyAttribute, &AttributeValue)| {
        start_key.get(&key.name) == Some(value)
    };
    let mut partition = schema.partition.iter().zip(&queried.partition);
    let last = partition.next_back();
    if !partition.all(holds) {
        return refuse(wording::START_KEY_ONE_ROW);
    }
    let sorts_equally = schema.sort.iter().zip(&queried.sort_equal).all(holds);
    let behind = &schema.sort[queried.sort_equal.len().min(schema.sort.len())..];
    let sorts_within = match (behind.first(), &queried.sort) {
        (Some(key), Some(condition)) => {
            start_key.get(&key.name).is_some_and(|value| meets(value, condition))
        }
        _ => true,
    };
    if !sorts_equally || !sorts_within {
        return refuse(wording::START_KEY_PREDICATE);
    }
    if last.is_none_or(holds) {
        return Ok(());
    }
    if !queried.sort_equal.is_empty() || queried.sort.is_some() {
        return refuse(wording::START_KEY_ONE_ROW);
    }
    if matches!(source, Source::Table) && schema.sort.is_empty() {
        return refuse(wording::START_KEY_EXCLUSIVE);
    }
    refuse(wording::START_KEY_OUTSIDE)
}

/// Checks that a scan of one segment could have ended at `key`.
pub(crate) fn check_within_segment(
    bounds: &Bounds,
    key: &[u8],
    segment: u64,
    segments: u64,
) -> Result<(), ApiError> {
    if bounds.contain(key) {
        return Ok(());
    }
    let which = format!("{segments} Segment: {segment}");
    Err(ApiError::validation(format!("{}{which}", wording::START_KEY_OTHER_SEGMENT)))
}

/// Whether a value meets a condition, which its key's bytes tell.
fn meets(value: &AttributeValue, condition: &SortCondition) -> bool {
    let start = flywheel_item::key::KeyEncoder::new(b"", &[]);
    let mut key = start.clone();
    key.push_last(value);
    KeyRange::of_condition(&start, condition, false).contains(key.as_bytes())
}
