//! UpdateTimeToLive and DescribeTimeToLive. Not ending items: see `upkeep`.

use flywheel_api::{
    ApiError, DescribeTimeToLiveRequest, DescribeTimeToLiveResponse, Operation,
    TimeToLiveDescription, UpdateTimeToLiveRequest, UpdateTimeToLiveResponse,
};

use crate::catalog::record::{TableRecord, TimeToLiveRecord};
use crate::storage::Storage;
use crate::tables::{Tables, table_name};

impl<S: Storage> Tables<S> {
    /// UpdateTimeToLive.
    ///
    /// # Errors
    /// DynamoDB's.
    pub async fn update_time_to_live(
        &self,
        request: UpdateTimeToLiveRequest,
    ) -> Result<UpdateTimeToLiveResponse, ApiError> {
        self.check(Operation::UpdateTimeToLive, &request)?;
        let name = table_name(request.table_name.as_deref().unwrap_or_default());
        let specification = request.time_to_live_specification.unwrap_or_default();
        let wanted = TimeToLiveRecord {
            is_enabled: specification.enabled == Some(true),
            attribute: specification.attribute_name.clone().unwrap_or_default(),
            is_found: false,
        };
        let changed = self.catalog().change(name, 0, |record, _| update(record, &wanted)).await;
        changed.map_err(|error| error.told(name))?;
        Ok(UpdateTimeToLiveResponse { time_to_live_specification: Some(specification) })
    }

    /// DescribeTimeToLive.
    ///
    /// # Errors
    /// DynamoDB's.
    pub async fn describe_time_to_live(
        &self,
        request: DescribeTimeToLiveRequest,
    ) -> Result<DescribeTimeToLiveResponse, ApiError> {
        self.check(Operation::DescribeTimeToLive, &request)?;
        let table = self.existing(request.table_name.as_deref())?;
        let enabled = table.record.time_to_live.as_ref().filter(|setting| setting.is_enabled);
        let status = if enabled.is_some() { "ENABLED" } else { "DISABLED" };
        Ok(DescribeTimeToLiveResponse {
            time_to_live_description: Some(TimeToLiveDescription {
                time_to_live_status: Some(status.into()),
                attribute_name: enabled.map(|setting| setting.attribute.clone()),
            }),
        })
    }
}

fn update(record: TableRecord, wanted: &TimeToLiveRecord) -> Result<Option<TableRecord>, ApiError> {
    let current = record.time_to_live.as_ref().filter(|setting| setting.is_enabled);
    let refuse = |message: String| Err(ApiError::validation(message));
    match (current, wanted.is_enabled) {
        (Some(current), _) if current.attribute != wanted.attribute => refuse(format!(
            "TimeToLive is active on a different AttributeName: current AttributeName is {}",
            current.attribute
        )),
        (Some(_), true) => refuse("TimeToLive is already enabled".into()),
        (None, false) => refuse("TimeToLive is already disabled".into()),
        _ => Ok(Some(TableRecord { time_to_live: Some(wanted.clone()), ..record })),
    }
}
