//! What must hold of values and items before they are stored or compared. Sets with equal members cannot
//! be told here, for a set has none: whoever reads them looks.

use crate::invalid::Invalid;
use crate::key::KeyAttribute;
use crate::limits::{
    MAX_ITEM_BYTES, MAX_LEVELS, MAX_NAME_BYTES, MAX_PARTITION_KEY_BYTES, MAX_SORT_KEY_BYTES,
};
use crate::size::{item_size_bytes, value_size_bytes};
use crate::value::{AttributeValue, Item};

/// Checks a value: its depth, the names in it, sets without members.
///
/// # Errors
/// What is wrong first.
pub fn check_value(value: &AttributeValue) -> Result<(), Invalid> {
    if !value.is_within_levels(MAX_LEVELS) {
        return Err(Invalid::NestedTooDeep);
    }
    check_contents(value)
}

fn check_contents(value: &AttributeValue) -> Result<(), Invalid> {
    let is_empty_set = match value {
        AttributeValue::M(map) => return check_names(map),
        AttributeValue::L(list) => return list.iter().try_for_each(check_contents),
        AttributeValue::Ss(set) => set.is_empty(),
        AttributeValue::Ns(set) => set.is_empty(),
        AttributeValue::Bs(set) => set.is_empty(),
        _ => false,
    };
    if is_empty_set { Err(Invalid::EmptySet(value.kind())) } else { Ok(()) }
}

fn check_names(map: &Item) -> Result<(), Invalid> {
    for (name, value) in map {
        if name.is_empty() {
            return Err(Invalid::EmptyAttributeName);
        }
        if name.len() > MAX_NAME_BYTES {
            return Err(Invalid::NameTooLong(name.len()));
        }
        check_contents(value)?;
    }
    Ok(())
}

/// Checks an item: each value, each name, and the size of all.
///
/// # Errors
/// What is wrong first.
pub fn check_item(item: &Item) -> Result<(), Invalid> {
    item.values().try_for_each(|value| {
        if value.is_within_levels(MAX_LEVELS) { Ok(()) } else { Err(Invalid::NestedTooDeep) }
    })?;
    check_names(item)?;
    if item_size_bytes(item) > MAX_ITEM_BYTES {
        return Err(Invalid::ItemTooLarge);
    }
    Ok(())
}

/// Checks the value of a key attribute: neither empty nor too large. Its type callers have looked at, for
/// what is said of a wrong one hangs on where it stands.
///
/// # Errors
/// What is wrong.
pub fn check_key_value(
    attribute: &KeyAttribute,
    value: &AttributeValue,
    is_partition: bool,
) -> Result<(), Invalid> {
    let is_empty = match value {
        AttributeValue::S(text) => text.is_empty(),
        AttributeValue::B(bytes) => bytes.is_empty(),
        _ => false,
    };
    if is_empty {
        return Err(Invalid::EmptyKeyValue(attribute.name.clone(), value.kind()));
    }
    let most = if is_partition { MAX_PARTITION_KEY_BYTES } else { MAX_SORT_KEY_BYTES };
    if value_size_bytes(value) > most {
        return Err(Invalid::KeyValueTooLarge { is_partition });
    }
    Ok(())
}
