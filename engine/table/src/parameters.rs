//! Parameters that many operations have, from what was sent to what can be run: expressions and their
//! placeholders, the parameters that came before them, attributes to return. Nothing here knows tables.

use std::collections::{BTreeMap, BTreeSet};

use flywheel_api::{
    ApiError, AttributeValueUpdate, Condition as LegacyEntry, ExpectedAttributeValue, Sent,
};
use flywheel_item::expression::{Condition, KeyCondition, Placeholders, Projection, Update};
use flywheel_item::{ExpressionKind, Invalid, Item, Path};

use crate::wording;
use crate::words::Words;

/// Which expressions and which of the parameters that came before them a request has, by name.
#[derive(Debug)]
pub(crate) struct Given<'a> {
    pub legacy: &'a [(&'static str, bool)],
    pub expressions: &'a [(&'static str, bool)],
    /// Expressions that are said to be missing where values are there and none of them is.
    pub named_as_missing: &'a [&'static str],
}

impl Given<'_> {
    /// Checks that not both are there, and reads the placeholders.
    pub fn placeholders(
        &self,
        words: Words,
        names: Option<BTreeMap<String, String>>,
        values: Option<Sent<Item>>,
    ) -> Result<Placeholders, ApiError> {
        let present = |all: &[(&'static str, bool)]| -> Vec<&'static str> {
            all.iter().filter(|(_, is_there)| *is_there).map(|(name, _)| *name).collect()
        };
        let (legacy, expressions) = (present(self.legacy), present(self.expressions));
        if !legacy.is_empty() && !expressions.is_empty() {
            return Err(words.refuse(wording::mixed(&legacy, &expressions)));
        }
        if expressions.is_empty() && names.is_some() {
            return Err(words.refuse(wording::NAMES_WITHOUT_EXPRESSION));
        }
        if expressions.is_empty() && values.is_some() {
            return Err(words.refuse(wording::values_without_expression(self.named_as_missing)));
        }
        let values = values.map(|values| sound(words, values)).transpose()?;
        Placeholders::new(names, values).map_err(|invalid| words.invalid(&invalid))
    }
}

/// The value that was sent.
pub(crate) fn sound<T>(words: Words, sent: Sent<T>) -> Result<T, ApiError> {
    sent.into_sound().map_err(|invalid| words.invalid(&invalid))
}

/// Whether a parameter says that it wants old values.
pub(crate) fn is_all_old(parameter: Option<&str>) -> bool {
    parameter == Some("ALL_OLD")
}

/// The condition of a write: its expression, or `Expected`.
pub(crate) fn condition_of_write(
    words: Words,
    expression: Option<&str>,
    expected: Option<BTreeMap<String, ExpectedAttributeValue>>,
    operator: Option<&str>,
    placeholders: &mut Placeholders,
) -> Result<Option<Condition>, ApiError> {
    let combine = words.legacy().combine(operator, expected.as_ref().map_or(0, BTreeMap::len))?;
    if let Some(text) = expression {
        return condition(words, ExpressionKind::Condition, text, placeholders).map(Some);
    }
    let entries = words.legacy().expected(expected.unwrap_or_default())?;
    flywheel_item::legacy::expected(entries, combine).map_err(|invalid| words.invalid(&invalid))
}

/// A condition or a filter from its text.
pub(crate) fn condition(
    words: Words,
    kind: ExpressionKind,
    text: &str,
    placeholders: &mut Placeholders,
) -> Result<Condition, ApiError> {
    Condition::parse(kind, text, placeholders).map_err(|invalid| words.invalid(&invalid))
}

/// What an update does: its expression, or `AttributeUpdates`; `None` if it has neither.
pub(crate) fn update(
    words: Words,
    expression: Option<&str>,
    updates: Option<BTreeMap<String, AttributeValueUpdate>>,
    placeholders: &mut Placeholders,
) -> Result<Option<Update>, ApiError> {
    if let Some(text) = expression {
        let update = Update::parse(text, placeholders);
        return update.map(Some).map_err(|invalid| words.invalid(&invalid));
    }
    let Some(updates) = updates else { return Ok(None) };
    let update = flywheel_item::legacy::updates(words.legacy().updates(updates)?);
    update.map(Some).map_err(|invalid| words.invalid(&invalid))
}

/// Refuses `AttributesToGet` with an empty name, which is told before anything of expressions is.
pub(crate) fn check_names(words: Words, names: Option<&[String]>) -> Result<(), ApiError> {
    let mut names = names.unwrap_or_default().iter();
    if names.any(String::is_empty) {
        return Err(words.invalid(&Invalid::EmptyAttributeName));
    }
    Ok(())
}

/// Refuses `Expected` and `AttributeUpdates` with an empty name, before all else that is looked at.
pub(crate) fn check_entries<T>(
    words: Words,
    entries: Option<&BTreeMap<String, T>>,
) -> Result<(), ApiError> {
    if entries.is_some_and(|entries| entries.contains_key("")) {
        return Err(words.invalid(&Invalid::EmptyAttributeName));
    }
    Ok(())
}

/// What of an item is returned: its expression, or `AttributesToGet`; `None` for all.
pub(crate) fn projection(
    words: Words,
    expression: Option<&str>,
    names: Option<&[String]>,
    placeholders: &mut Placeholders,
) -> Result<Option<Projection>, ApiError> {
    if let Some(text) = expression {
        let projection = Projection::parse(text, placeholders);
        return projection.map(Some).map_err(|invalid| words.invalid(&invalid));
    }
    let Some(names) = names else { return Ok(None) };
    let mut seen = BTreeSet::new();
    if let Some(twice) = names.iter().find(|name| !seen.insert(*name)) {
        return Err(words.refuse(wording::duplicate_name(twice)));
    }
    Ok(Some(Projection::of(names.iter().map(|name| Path::of_name(name)).collect())))
}

/// The filter of a query or a scan: its expression, or `QueryFilter` or `ScanFilter`.
pub(crate) fn filter(
    words: Words,
    expression: Option<&str>,
    entries: Option<BTreeMap<String, LegacyEntry>>,
    operator: Option<&str>,
    placeholders: &mut Placeholders,
) -> Result<Option<Condition>, ApiError> {
    let combine = words.legacy().combine(operator, entries.as_ref().map_or(0, BTreeMap::len))?;
    if let Some(text) = expression {
        return condition(words, ExpressionKind::Filter, text, placeholders).map(Some);
    }
    let Some(entries) = entries else { return Ok(None) };
    let filter = flywheel_item::legacy::filter(words.legacy().conditions(entries)?, combine);
    filter.map_err(|invalid| words.invalid(&invalid))
}

/// The condition on keys of a query: its expression, or `KeyConditions`.
pub(crate) fn key_condition(
    words: Words,
    expression: Option<&str>,
    entries: Option<BTreeMap<String, LegacyEntry>>,
    placeholders: &mut Placeholders,
) -> Result<KeyCondition, ApiError> {
    let condition = match (expression, entries) {
        (Some(text), _) => KeyCondition::parse(text, placeholders),
        (None, Some(entries)) => {
            flywheel_item::legacy::key_conditions(words.legacy().conditions(entries)?)
        }
        (None, None) => return Err(words.refuse(wording::NO_KEY_CONDITION)),
    };
    condition.map_err(|invalid| words.invalid(&invalid))
}

/// That no placeholder was left over.
pub(crate) fn finish(words: Words, placeholders: Placeholders) -> Result<(), ApiError> {
    placeholders.finish().map_err(|invalid| words.invalid(&invalid))
}
