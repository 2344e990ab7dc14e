//! What PutItem, UpdateItem, DeleteItem and transactions share: conditions, and what is told beside the
//! result. Not the write itself: see `change`.

use flywheel_api::{ApiError, ItemCollectionMetrics};
use flywheel_item::expression::Condition;
use flywheel_item::{Invalid, Item};

use crate::capacity::Units;
use crate::change::Changed;
use crate::table::Table;
use crate::wording;
use crate::words::Words;

/// Refuses a write whose condition does not hold of what is there. `shows` is whether that is told.
pub(crate) fn check_condition(
    condition: Option<&Condition>,
    before: Option<&Item>,
    shows: bool,
) -> Result<(), ApiError> {
    let Some(condition) = condition else { return Ok(()) };
    let nothing = Item::new();
    if condition.holds(before.unwrap_or(&nothing)) {
        return Ok(());
    }
    Err(ApiError::condition_failed(before.filter(|_| shows).cloned()))
}

/// Whether a write that puts or deletes returns what was there; it can return nothing else.
pub(crate) fn returns_old(words: Words, return_values: Option<&str>) -> Result<bool, ApiError> {
    match return_values {
        Some("ALL_OLD") => Ok(true),
        None | Some("NONE") => Ok(false),
        Some(_) => Err(words.refuse(wording::ONLY_OLD_OR_NONE)),
    }
}

/// What is told of an item that cannot be stored.
pub(crate) fn of_item(words: Words, invalid: &Invalid) -> ApiError {
    match invalid {
        Invalid::ItemTooLarge => words.unfit(invalid),
        _ => words.invalid(invalid),
    }
}

/// What is told of the items of one partition key, if the request asks and the table has local indexes.
pub(crate) fn collection(
    table: &Table,
    item: &Item,
    mode: Option<&str>,
) -> Option<ItemCollectionMetrics> {
    if mode != Some("SIZE") || table.locals.is_empty() {
        return None;
    }
    let partition = table.key.partition.iter();
    let key: Item = partition.map(|key| (key.name.clone(), item[&key.name].clone())).collect();
    // An estimate, as in DynamoDB: all that is said of a collection below a gigabyte.
    Some(ItemCollectionMetrics {
        item_collection_key: Some(key.into()),
        size_estimate_range_gb: Some(vec![0.0, 1.0]),
    })
}

impl Changed {
    /// Request units of this write.
    pub fn units(&self, table: &Table) -> Units {
        Units::of_write(table, self.before_bytes, self.after_bytes, &self.entries)
    }
}
