//! Tags of tables: what names and values may be.

use std::collections::BTreeMap;

use flywheel_api::{ApiError, Tag};

use crate::limits::MAX_TAGS;

/// The tags of a request, added to those that there are.
///
/// # Errors
/// If there would be too many, one is there twice, or a name is AWS's own.
pub(crate) fn added(
    mut tags: BTreeMap<String, String>,
    new: &[Tag],
) -> Result<BTreeMap<String, String>, ApiError> {
    let mut names = std::collections::BTreeSet::new();
    for tag in new {
        let key = tag.key.clone().unwrap_or_default();
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(ApiError::validation(
                "One or more parameter values were invalid: Tag keys starting with 'aws:' are reserved for system use",
            ));
        }
        if !names.insert(key.clone()) {
            return Err(ApiError::validation(format!(
                "One or more parameter values were invalid: Duplicate tag key: {key}"
            )));
        }
        tags.insert(key, tag.value.clone().unwrap_or_default());
    }
    if tags.len() > MAX_TAGS {
        return Err(ApiError::validation(format!(
            "One or more parameter values were invalid: Too many tags, limit is {MAX_TAGS}"
        )));
    }
    Ok(tags)
}
