//! Query and Scan. Without a table's name both are answered in the older form, whatever the wording, and so are
//! numbers that lose something in the 32 bits that they have in the service.

use std::collections::BTreeMap;

use flywheel_item::Wording;

use super::items::COMPARISONS;
use super::wording::Constraint;
use super::{
    CAPACITY, CONDITIONAL, Checked, Faults, names, not_null, one_of, texts_within, within,
    within_newer,
};
use crate::error::ApiError;
use crate::limits::{MAX_ATTRIBUTES_TO_GET, MAX_SEGMENT, MAX_TOTAL_SEGMENTS};
use crate::messages::{Condition, QueryRequest, ScanRequest};
use crate::wire::Narrowed;

/// Values of `Select`.
const SELECT: &[&str] =
    &["SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"];

/// Conditions without an operator, in either form, or with one that is none, in the older form.
fn operators(
    path: &str,
    member: &Option<BTreeMap<String, Condition>>,
    wording: Wording,
) -> Vec<String> {
    let fault = |(name, condition): (&String, &Condition)| {
        let path = format!("{path}.{name}.member.comparisonOperator");
        let operator = &condition.comparison_operator;
        let unknown = || one_of(&path, operator, COMPARISONS);
        not_null(&path, operator)
            .or_else(|| if wording == Wording::Former { unknown() } else { None })
    };
    member.iter().flatten().filter_map(fault).collect()
}

/// What is left of a number.
fn left(member: Option<Narrowed>) -> Option<i64> {
    member.map(|member| member.value)
}

fn is_exact(member: Option<Narrowed>) -> bool {
    member.is_none_or(|member| member.is_exact)
}

fn limit(member: Option<Narrowed>) -> Option<String> {
    within("limit", left(member), 1, i64::MAX)
}

/// The older form of a table's name that is missing or empty, which is all that it tells of one where most is told
/// in the newer.
fn no_name(name: &Option<String>) -> Option<String> {
    let is_empty = name.as_deref().is_some_and(str::is_empty);
    let empty = || Constraint::LengthAtLeast(1).broken_by("", "tableName");
    not_null("tableName", name).or_else(|| is_empty.then(empty))
}

fn limit_newer(member: Option<Narrowed>) -> Option<String> {
    within_newer("Limit", left(member), 1, i64::MAX)
}

fn capacity(member: &Option<String>) -> Option<String> {
    one_of("returnConsumedCapacity", member, CAPACITY)
}

fn attributes(member: &Option<Vec<String>>) -> Option<String> {
    texts_within("attributesToGet", member, 1, MAX_ATTRIBUTES_TO_GET)
}

impl QueryRequest {
    fn check_former(&self) -> Result<(), ApiError> {
        Faults::none()
            .and(one_of("select", &self.select, SELECT))
            .and(names::faults_if_any("indexName", &self.index_name))
            .and(capacity(&self.return_consumed_capacity))
            .and(operators("queryFilter", &self.query_filter, Wording::Former))
            .and(names::all_faults("tableName", &self.table_name))
            .and(one_of("conditionalOperator", &self.conditional_operator, CONDITIONAL))
            .and(attributes(&self.attributes_to_get))
            .and(limit(self.limit))
            .and(operators("keyConditions", &self.key_conditions, Wording::Former))
            .end()
    }

    fn operators(&self) -> Vec<String> {
        let mut faults = operators("keyConditions", &self.key_conditions, Wording::Current);
        faults.extend(operators("queryFilter", &self.query_filter, Wording::Current));
        faults
    }
}

impl Checked for QueryRequest {
    fn check(&self, wording: Wording) -> Result<(), ApiError> {
        if wording == Wording::Former {
            return self.check_former();
        }
        if self.table_name.is_none() || !is_exact(self.limit) {
            Faults::none()
                .and(one_of("select", &self.select, SELECT))
                .and(capacity(&self.return_consumed_capacity))
                .and(no_name(&self.table_name))
                .and(self.operators())
                .and(limit(self.limit))
                .end()?;
        }
        Faults::none()
            .and(limit_newer(self.limit))
            .and(names::empty_fault(&self.table_name))
            .end()?;
        Faults::none()
            .and(names::first_fault("tableName", &self.table_name))
            .and(capacity(&self.return_consumed_capacity))
            .and(self.operators())
            .end()?;
        Faults::none().and(attributes(&self.attributes_to_get)).end()
    }
}

impl QueryRequest {
    /// Checks `Select`, which the newer form looks at behind expressions, conditions of before them and which of
    /// these go together, and before segments and start keys.
    ///
    /// # Errors
    /// `ValidationException`.
    pub fn check_select(&self) -> Result<(), ApiError> {
        Faults::none().and(one_of("select", &self.select, SELECT)).end()
    }
}

impl ScanRequest {
    /// As [`QueryRequest::check_select`].
    ///
    /// # Errors
    /// `ValidationException`.
    pub fn check_select(&self) -> Result<(), ApiError> {
        Faults::none().and(one_of("select", &self.select, SELECT)).end()
    }

    fn check_former(&self) -> Result<(), ApiError> {
        Faults::none()
            .and(one_of("select", &self.select, SELECT))
            .and(names::faults_if_any("indexName", &self.index_name))
            .and(within("totalSegments", left(self.total_segments), 1, MAX_TOTAL_SEGMENTS))
            .and(capacity(&self.return_consumed_capacity))
            .and(names::all_faults("tableName", &self.table_name))
            .and(one_of("conditionalOperator", &self.conditional_operator, CONDITIONAL))
            .and(operators("scanFilter", &self.scan_filter, Wording::Former))
            .and(within("segment", left(self.segment), 0, MAX_SEGMENT))
            .and(limit(self.limit))
            .and(attributes(&self.attributes_to_get))
            .end()
    }

    /// The older form as it is used where most is told in the newer.
    fn check_older(&self, operators: Vec<String>) -> Result<(), ApiError> {
        Faults::none()
            .and(one_of("select", &self.select, SELECT))
            .and(within("totalSegments", left(self.total_segments), 1, MAX_TOTAL_SEGMENTS))
            .and(capacity(&self.return_consumed_capacity))
            .and(no_name(&self.table_name))
            .and(one_of("conditionalOperator", &self.conditional_operator, CONDITIONAL))
            .and(operators)
            .and(within("segment", left(self.segment), 0, MAX_SEGMENT))
            .and(limit(self.limit))
            .end()
    }
}

impl Checked for ScanRequest {
    fn check(&self, wording: Wording) -> Result<(), ApiError> {
        if wording == Wording::Former {
            return self.check_former();
        }
        let operators = operators("scanFilter", &self.scan_filter, wording);
        let are_exact = [self.limit, self.segment, self.total_segments].map(is_exact);
        if self.table_name.is_none() || !operators.is_empty() || are_exact.contains(&false) {
            return self.check_older(operators);
        }
        Faults::none()
            .and(limit_newer(self.limit))
            .and(within_newer("Segment", left(self.segment), 0, MAX_SEGMENT))
            .and(within_newer("TotalSegments", left(self.total_segments), 1, MAX_TOTAL_SEGMENTS))
            .and(names::empty_fault(&self.table_name))
            .end()?;
        Faults::none()
            .and(names::first_fault("tableName", &self.table_name))
            .and(capacity(&self.return_consumed_capacity))
            .end()?;
        Faults::none().and(attributes(&self.attributes_to_get)).end()
    }
}
