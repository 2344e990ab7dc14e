//! Parameters that came before expressions, from how they are sent to what `flywheel_item::legacy` makes
//! conditions and updates of. What their values mean is decided there.

use std::collections::BTreeMap;

use flywheel_item::legacy::{
    AttributeUpdate, Combine, Expectation, LegacyAction, LegacyCondition, LegacyOperator,
};
use flywheel_item::{AttributeValue, Invalid, Wording};

use crate::constraints::wording;
use crate::error::ApiError;
use crate::messages::{AttributeValueUpdate, Condition, ExpectedAttributeValue};
use crate::operation::Operation;
use crate::value::Sent;

/// Whose parameters they are, and in which words they are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sender {
    /// The operation.
    pub operation: Operation,
    /// The words.
    pub wording: Wording,
}

impl Sender {
    fn refuse(self, message: &str) -> ApiError {
        self.operation.validation(message, self.wording)
    }

    fn invalid(self, invalid: &Invalid) -> ApiError {
        self.operation.invalid(invalid, self.wording)
    }

    fn operator(self, name: &str) -> Result<LegacyOperator, ApiError> {
        let found = LegacyOperator::ALL.into_iter().find(|operator| operator.name() == name);
        found.ok_or_else(|| self.refuse(wording::COMPARISON_OPERATOR))
    }

    fn values(self, sent: Vec<Sent<AttributeValue>>) -> Result<Vec<AttributeValue>, ApiError> {
        sent.into_iter().map(|value| self.value(value)).collect()
    }

    fn value(self, sent: Sent<AttributeValue>) -> Result<AttributeValue, ApiError> {
        sent.into_sound().map_err(|invalid| self.invalid(&invalid))
    }

    /// What `Expected` says.
    ///
    /// # Errors
    /// `ValidationException` for values and operators that are none.
    pub fn expected(
        self,
        sent: BTreeMap<String, ExpectedAttributeValue>,
    ) -> Result<BTreeMap<String, Expectation>, ApiError> {
        let one = |(name, entry): (String, ExpectedAttributeValue)| {
            let operator = entry.comparison_operator.as_deref();
            let expectation = Expectation {
                value: entry.value.map(|value| self.value(value)).transpose()?,
                exists: entry.exists,
                operator: operator.map(|name| self.operator(name)).transpose()?,
                values: entry.attribute_value_list.map(|list| self.values(list)).transpose()?,
            };
            Ok((name, expectation))
        };
        sent.into_iter().map(one).collect()
    }

    /// What `QueryFilter`, `ScanFilter` or `KeyConditions` says.
    ///
    /// # Errors
    /// As [`Self::expected`].
    pub fn conditions(
        self,
        sent: BTreeMap<String, Condition>,
    ) -> Result<BTreeMap<String, LegacyCondition>, ApiError> {
        let one = |(name, condition): (String, Condition)| {
            let condition = LegacyCondition {
                operator: self.operator(&condition.comparison_operator.unwrap_or_default())?,
                values: self.values(condition.attribute_value_list.unwrap_or_default())?,
            };
            Ok((name, condition))
        };
        sent.into_iter().map(one).collect()
    }

    /// What `AttributeUpdates` says.
    ///
    /// # Errors
    /// `ValidationException` for values and actions that are none.
    pub fn updates(
        self,
        sent: BTreeMap<String, AttributeValueUpdate>,
    ) -> Result<BTreeMap<String, AttributeUpdate>, ApiError> {
        let one = |(name, update): (String, AttributeValueUpdate)| {
            let action = match update.action.as_deref() {
                None | Some("PUT") => LegacyAction::Put,
                Some("ADD") => LegacyAction::Add,
                Some("DELETE") => LegacyAction::Delete,
                Some(_) => return Err(self.refuse(wording::ACTION)),
            };
            let value = update.value.map(|value| self.value(value)).transpose()?;
            Ok((name, AttributeUpdate { action, value }))
        };
        sent.into_iter().map(one).collect()
    }

    /// What `ConditionalOperator` says of so many conditions.
    ///
    /// # Errors
    /// `ValidationException` if there are not two of them, or it is none.
    pub fn combine(self, sent: Option<&str>, conditions: usize) -> Result<Combine, ApiError> {
        let Some(sent) = sent else { return Ok(Combine::And) };
        match (conditions, sent) {
            (0, _) => Err(self.refuse(wording::NOTHING_TO_COMBINE)),
            (1, _) => Err(self.refuse(wording::ONE_TO_COMBINE)),
            (_, "AND") => Ok(Combine::And),
            (_, "OR") => Ok(Combine::Or),
            _ => Err(self.refuse(wording::CONDITIONAL_OPERATOR)),
        }
    }
}
