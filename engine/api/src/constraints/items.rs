//! GetItem, PutItem, UpdateItem and DeleteItem.

use std::collections::BTreeMap;

use flywheel_item::Wording;
use flywheel_item::legacy::LegacyOperator;

use super::wording::{self, Constraint};
use super::{
    CAPACITY, CONDITIONAL, Checked, Faults, METRICS, ON_FAILURE, names, not_null, one_of,
    texts_within,
};
use crate::error::ApiError;
use crate::limits::MAX_ATTRIBUTES_TO_GET;
use crate::messages::{
    DeleteItemRequest, ExpectedAttributeValue, GetItemRequest, PutItemRequest, UpdateItemRequest,
};

/// Values of `ReturnValues`.
const RETURN_VALUES: &[&str] = &["ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"];

/// Those that DeleteItem does not have.
const NOT_OF_DELETE: [&str; 3] = ["ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"];

/// Values of `ComparisonOperator`, in the order in which DynamoDB lists them.
pub(super) const COMPARISONS: &[&str] = &{
    let mut names = [""; LegacyOperator::ALL.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = LegacyOperator::ALL[at].name();
        at += 1;
    }
    names
};

/// `ReturnValues` in the newer form, which names neither the value nor the member.
fn return_values(member: &Option<String>) -> Option<String> {
    let is_wrong = member.as_deref().is_some_and(|value| !RETURN_VALUES.contains(&value));
    is_wrong.then(|| wording::RETURN_VALUES.into())
}

fn capacity(member: &Option<String>) -> Option<String> {
    one_of("returnConsumedCapacity", member, CAPACITY)
}

fn metrics(member: &Option<String>) -> Option<String> {
    one_of("returnItemCollectionMetrics", member, METRICS)
}

fn on_failure(member: &Option<String>) -> Option<String> {
    one_of("returnValuesOnConditionCheckFailure", member, ON_FAILURE)
}

/// Operators of `Expected`, in the older form; the newer one tells of them later.
fn expected(member: &Option<BTreeMap<String, ExpectedAttributeValue>>) -> Vec<String> {
    let entries = member.iter().flatten();
    let fault = |(name, entry): (&String, &ExpectedAttributeValue)| {
        let path = format!("expected.{name}.member.comparisonOperator");
        one_of(&path, &entry.comparison_operator, COMPARISONS)
    };
    entries.filter_map(fault).collect()
}

impl Checked for GetItemRequest {
    fn check(&self, wording: Wording) -> Result<(), ApiError> {
        let attributes =
            texts_within("attributesToGet", &self.attributes_to_get, 1, MAX_ATTRIBUTES_TO_GET);
        if wording == Wording::Former {
            return Faults::none()
                .and(capacity(&self.return_consumed_capacity))
                .and(attributes)
                .and(names::all_faults("tableName", &self.table_name))
                .and(not_null("key", &self.key))
                .end();
        }
        Faults::none().and(names::empty_fault(&self.table_name)).end()?;
        Faults::none()
            .and(not_null("key", &self.key))
            .and(names::first_fault("tableName", &self.table_name))
            .and(capacity(&self.return_consumed_capacity))
            .and(attributes)
            .end()
    }
}

impl Checked for PutItemRequest {
    fn check(&self, wording: Wording) -> Result<(), ApiError> {
        let on_failure = on_failure(&self.return_values_on_condition_check_failure);
        if wording == Wording::Former {
            return Faults::none()
                .and(capacity(&self.return_consumed_capacity))
                .and(names::all_faults("tableName", &self.table_name))
                .and(not_null("item", &self.item))
                .and(one_of("conditionalOperator", &self.conditional_operator, CONDITIONAL))
                .and(expected(&self.expected))
                .and(one_of("returnValues", &self.return_values, RETURN_VALUES))
                .and(on_failure)
                .and(metrics(&self.return_item_collection_metrics))
                .end();
        }
        Faults::none().and(names::empty_fault(&self.table_name)).end()?;
        Faults::none()
            .and(names::first_fault("tableName", &self.table_name))
            .and(not_null("item", &self.item))
            .and(capacity(&self.return_consumed_capacity))
            .and(return_values(&self.return_values))
            .and(metrics(&self.return_item_collection_metrics))
            .and(on_failure)
            .end()
    }
}

impl Checked for DeleteItemRequest {
    fn check(&self, wording: Wording) -> Result<(), ApiError> {
        let on_failure = on_failure(&self.return_values_on_condition_check_failure);
        if wording == Wording::Former {
            return Faults::none()
                .and(capacity(&self.return_consumed_capacity))
                .and(names::all_faults("tableName", &self.table_name))
                .and(one_of("returnValues", &self.return_values, RETURN_VALUES))
                .and(on_failure)
                .and(metrics(&self.return_item_collection_metrics))
                .and(not_null("key", &self.key))
                .and(one_of("conditionalOperator", &self.conditional_operator, CONDITIONAL))
                .and(expected(&self.expected))
                .end();
        }
        Faults::none().and(names::empty_fault(&self.table_name)).end()?;
        let value = self.return_values.as_deref().filter(|_| self.key.is_some());
        let is_not_deletes = value.is_some_and(|value| NOT_OF_DELETE.contains(&value));
        Faults::none()
            .and(names::first_fault("tableName", &self.table_name))
            .and(not_null("key", &self.key))
            .and(capacity(&self.return_consumed_capacity))
            .and(return_values(&self.return_values))
            .and(metrics(&self.return_item_collection_metrics))
            .and(on_failure)
            .and(is_not_deletes.then(|| wording::OLD_OR_NONE.into()))
            .end()
    }
}

impl UpdateItemRequest {
    /// The older form, in which it is also told of a key that is missing.
    fn check_older(&self) -> Result<(), ApiError> {
        Faults::none()
            .and(capacity(&self.return_consumed_capacity))
            .and(names::all_faults("tableName", &self.table_name))
            .and(one_of("returnValues", &self.return_values, RETURN_VALUES))
            .and(on_failure(&self.return_values_on_condition_check_failure))
            .and(metrics(&self.return_item_collection_metrics))
            .and(not_null("key", &self.key))
            .and(one_of("conditionalOperator", &self.conditional_operator, CONDITIONAL))
            .and(expected(&self.expected))
            .end()
    }

    /// The newer form without a key: the older one, but for the name unless it is missing.
    fn check_without_key(&self) -> Result<(), ApiError> {
        let missing_name = not_null("tableName", &self.table_name);
        Faults::none()
            .and(capacity(&self.return_consumed_capacity))
            .and(missing_name)
            .and(one_of("returnValues", &self.return_values, RETURN_VALUES))
            .and(on_failure(&self.return_values_on_condition_check_failure))
            .and(metrics(&self.return_item_collection_metrics))
            .and(not_null("key", &self.key))
            .end()
    }

    /// Of the words of several members, the first that is wrong; some without the list around them.
    fn check_words(&self) -> Result<(), ApiError> {
        let bare =
            |fault: Option<String>| fault.map_or(Ok(()), |fault| Err(ApiError::validation(fault)));
        Faults::none().and(return_values(&self.return_values)).end()?;
        bare(on_failure(&self.return_values_on_condition_check_failure))?;
        Faults::none().and(metrics(&self.return_item_collection_metrics)).end()?;
        bare(capacity(&self.return_consumed_capacity))
    }
}

impl Checked for UpdateItemRequest {
    fn check(&self, wording: Wording) -> Result<(), ApiError> {
        if wording == Wording::Former {
            return self.check_older();
        }
        Faults::none().and(names::empty_fault(&self.table_name)).end()?;
        if self.key.is_none() {
            return self.check_without_key();
        }
        if self.table_name.is_none() {
            return Faults::none()
                .and(Some(Constraint::NotNull.broken_by_null("tableName")))
                .and(one_of("returnValues", &self.return_values, RETURN_VALUES))
                .end();
        }
        Faults::none().and(names::all_faults("tableName", &self.table_name)).end()?;
        self.check_words()
    }
}
