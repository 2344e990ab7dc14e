//! Whether an item or a key fits its table. Not where it stands: see `table`.

use flywheel_api::ApiError;
use flywheel_item::key::{KeyAttribute, KeySchema};
use flywheel_item::limits::{MAX_PARTITION_KEY_BYTES, MAX_SORT_KEY_BYTES};
use flywheel_item::{AttributeValue, Invalid, Item, check_key_value, value_size_bytes};

use crate::table::Table;
use crate::wording;
use crate::words::Words;

/// What is told of a key attribute that is missing or of the wrong type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyTypeFault {
    /// Which one, and what it should be.
    Named,
    /// That the key does not fit.
    Unnamed,
}

impl Table {
    /// Checks that `key` has the table's key attributes and no others.
    pub fn check_key(&self, words: Words, key: &Item) -> Result<(), ApiError> {
        let mismatch = || ApiError::validation(wording::KEY_MISMATCH);
        if key.len() != self.key.attributes().count() {
            return Err(mismatch());
        }
        for (attribute, is_partition) in self.key_parts() {
            let value = key.get(&attribute.name).ok_or_else(mismatch)?;
            if value.kind() != attribute.kind {
                return Err(mismatch());
            }
            check_value(words, attribute, value, is_partition)?;
        }
        Ok(())
    }

    /// Checks the attributes of an item that are keys of the table or of its indexes.
    pub fn check_item(
        &self,
        words: Words,
        item: &Item,
        fault: KeyTypeFault,
    ) -> Result<(), ApiError> {
        for (attribute, is_partition) in self.key_parts() {
            let (name, kind) = (&attribute.name, attribute.kind);
            let value = match item.get(name) {
                Some(value) if value.kind() == kind => value,
                found => {
                    return Err(ApiError::validation(match (found, fault) {
                        (Some(value), KeyTypeFault::Named) => {
                            wording::key_type(name, kind, value.kind())
                        }
                        (None, KeyTypeFault::Named) => wording::missing_key(name),
                        (_, KeyTypeFault::Unnamed) => wording::KEY_MISMATCH.into(),
                    }));
                }
            };
            check_value(words, attribute, value, is_partition)?;
        }
        self.check_index_keys(words, item, None)
    }

    /// Checks the attributes that are keys of indexes. Of an item that was changed, those that were:
    /// others may be older than the index.
    pub fn check_index_keys(
        &self,
        words: Words,
        item: &Item,
        before: Option<&Item>,
    ) -> Result<(), ApiError> {
        let mut faults: Vec<(&str, ApiError)> = Vec::new();
        let locals = self.locals.iter().map(|index| (&index.name, &index.key));
        let globals = self.globals.iter().map(|index| (&index.name, &index.key));
        for (index, key) in globals.chain(locals) {
            for attribute in key.attributes().filter(|key| !self.key.contains(&key.name)) {
                let Some(value) = item.get(&attribute.name) else { continue };
                if before.is_some_and(|before| before.get(&attribute.name) == Some(value)) {
                    continue;
                }
                let is_partition = key.partition.contains(attribute);
                if let Err(error) = check_parts(words, key, item) {
                    faults.push((index.as_str(), error));
                }
                let is_update = before.is_some();
                let checked =
                    check_index_value(words, index, attribute, value, is_partition, is_update);
                faults.extend(checked.err().map(|error| (index.as_str(), error)));
            }
        }
        // The first index by name, and its first attribute.
        faults.sort_by_key(|(index, _)| *index);
        faults.into_iter().next().map_or(Ok(()), |(_, error)| Err(error))
    }

    fn key_parts(&self) -> impl Iterator<Item = (&KeyAttribute, bool)> {
        let partition = self.key.partition.iter().map(|attribute| (attribute, true));
        partition.chain(self.key.sort.iter().map(|attribute| (attribute, false)))
    }
}

/// That the attributes of either part of a key are not too large together.
fn check_parts(words: Words, key: &KeySchema, item: &Item) -> Result<(), ApiError> {
    let parts = [(&key.partition, MAX_PARTITION_KEY_BYTES), (&key.sort, MAX_SORT_KEY_BYTES)];
    for (place, (part, most_bytes)) in parts.into_iter().enumerate() {
        let sizes = part.iter().filter_map(|key| item.get(&key.name)).map(value_size_bytes);
        if part.len() > 1 && sizes.sum::<usize>() > most_bytes {
            return Err(words.unfit(&Invalid::KeyValueTooLarge { is_partition: place == 0 }));
        }
    }
    Ok(())
}

fn check_value(
    words: Words,
    attribute: &KeyAttribute,
    value: &AttributeValue,
    is_partition: bool,
) -> Result<(), ApiError> {
    check_key_value(attribute, value, is_partition).map_err(|invalid| words.unfit(&invalid))
}

fn check_index_value(
    words: Words,
    index: &str,
    attribute: &KeyAttribute,
    value: &AttributeValue,
    is_partition: bool,
    is_update: bool,
) -> Result<(), ApiError> {
    let (name, kind) = (&attribute.name, attribute.kind);
    if value.kind() != kind {
        let message = wording::index_key_type(name, kind, value.kind(), index);
        return Err(ApiError::validation(message));
    }
    check_key_value(attribute, value, is_partition).map_err(|invalid| match invalid {
        Invalid::EmptyKeyValue(..) if is_update => {
            ApiError::validation(wording::updated_empty_index_key(kind))
        }
        Invalid::EmptyKeyValue(..) => {
            ApiError::validation(wording::empty_index_key(kind, name, index))
        }
        other => words.unfit(&other),
    })
}
