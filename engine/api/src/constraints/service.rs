//! The operations on tables that have little to check: to describe, list and delete them, their tags, their
//! time to live.

use flywheel_item::Wording;

use super::wording::{self, Constraint};
use super::{Checked, Faults, length_beyond, names, not_null, tables, within};
use crate::error::ApiError;
use crate::limits::{MAX_TABLE_NAMES, MAX_TTL_NAME_LENGTH};
use crate::messages::{
    DeleteTableRequest, DescribeContinuousBackupsRequest, DescribeEndpointsRequest,
    DescribeLimitsRequest, DescribeTableRequest, DescribeTimeToLiveRequest, ListTablesRequest,
    ListTagsOfResourceRequest, TagResourceRequest, TimeToLiveSpecification, UntagResourceRequest,
    UpdateTimeToLiveRequest,
};

/// Requests that have a table's name and no other member.
macro_rules! only_a_name {
    ($($request:ty),*) => {$(
        impl Checked for $request {
            fn check(&self, _: Wording) -> Result<(), ApiError> {
                names::check_managed(&self.table_name)
            }
        }
    )*};
}

only_a_name!(
    DescribeTableRequest,
    DeleteTableRequest,
    DescribeTimeToLiveRequest,
    DescribeContinuousBackupsRequest
);

/// Requests without members.
macro_rules! nothing {
    ($($request:ty),*) => {$(
        impl Checked for $request {
            fn check(&self, _: Wording) -> Result<(), ApiError> {
                Ok(())
            }
        }
    )*};
}

nothing!(DescribeLimitsRequest, DescribeEndpointsRequest);

impl Checked for ListTablesRequest {
    fn check(&self, wording: Wording) -> Result<(), ApiError> {
        let name =
            names::faults_if_any("exclusiveStartTableName", &self.exclusive_start_table_name);
        let limit = within("limit", self.limit, 1, MAX_TABLE_NAMES);
        match wording {
            Wording::Current => Faults::none().and(name).and(limit).end(),
            Wording::Former => Faults::none().and(limit).and(name).end(),
        }
    }
}

/// What is told of no ARN, before all else.
fn check_arn(arn: &Option<String>) -> Result<(), ApiError> {
    if arn.is_some() { Ok(()) } else { Err(ApiError::validation(wording::NO_ARN)) }
}

impl Checked for TagResourceRequest {
    fn check(&self, _: Wording) -> Result<(), ApiError> {
        check_arn(&self.resource_arn)?;
        Faults::none().and(not_null("tags", &self.tags)).and(tables::tags(&self.tags)).end()
    }
}

impl Checked for UntagResourceRequest {
    fn check(&self, _: Wording) -> Result<(), ApiError> {
        check_arn(&self.resource_arn)?;
        Faults::none().and(not_null("tagKeys", &self.tag_keys)).end()
    }
}

impl Checked for ListTagsOfResourceRequest {
    fn check(&self, _: Wording) -> Result<(), ApiError> {
        check_arn(&self.resource_arn)
    }
}

fn specification(specification: &Option<TimeToLiveSpecification>) -> Vec<String> {
    let path = "timeToLiveSpecification";
    let Some(sent) = specification else {
        return not_null(path, specification).into_iter().collect();
    };
    let path_of_name = format!("{path}.attributeName");
    let name = sent.attribute_name.as_ref().and_then(|name| {
        let broken: Constraint = length_beyond(name.len(), 1, MAX_TTL_NAME_LENGTH)?;
        Some(broken.broken_by(name, &path_of_name))
    });
    let faults = [
        not_null(&path_of_name, &sent.attribute_name),
        name,
        not_null(&format!("{path}.enabled"), &sent.enabled),
    ];
    faults.into_iter().flatten().collect()
}

impl Checked for UpdateTimeToLiveRequest {
    fn check(&self, _: Wording) -> Result<(), ApiError> {
        names::check_managed(&self.table_name)?;
        Faults::none().and(specification(&self.time_to_live_specification)).end()
    }
}
