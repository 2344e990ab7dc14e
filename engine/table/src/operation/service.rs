//! DescribeLimits, DescribeEndpoints, DescribeContinuousBackups: what the service says of itself.

use flywheel_api::{
    ApiError, ContinuousBackupsDescription, DescribeContinuousBackupsRequest,
    DescribeContinuousBackupsResponse, DescribeEndpointsRequest, DescribeEndpointsResponse,
    DescribeLimitsRequest, DescribeLimitsResponse, Endpoint, ErrorCode, Operation,
    PointInTimeRecoveryDescription,
};

use crate::limits::{MAX_ACCOUNT_UNITS, MAX_TABLE_UNITS};
use crate::storage::Storage;
use crate::tables::{Tables, table_name};

/// How long a client may keep an endpoint, in minutes. Source: observed.
const ENDPOINT_CACHE_MINUTES: i64 = 1440;

impl<S: Storage> Tables<S> {
    /// DescribeLimits.
    ///
    /// # Errors
    /// None so far.
    pub async fn describe_limits(
        &self,
        _: DescribeLimitsRequest,
    ) -> Result<DescribeLimitsResponse, ApiError> {
        Ok(DescribeLimitsResponse {
            account_max_read_capacity_units: Some(MAX_ACCOUNT_UNITS),
            account_max_write_capacity_units: Some(MAX_ACCOUNT_UNITS),
            table_max_read_capacity_units: Some(MAX_TABLE_UNITS),
            table_max_write_capacity_units: Some(MAX_TABLE_UNITS),
        })
    }

    /// DescribeEndpoints.
    ///
    /// # Errors
    /// None so far.
    pub async fn describe_endpoints(
        &self,
        _: DescribeEndpointsRequest,
    ) -> Result<DescribeEndpointsResponse, ApiError> {
        let endpoint = Endpoint {
            address: Some(self.endpoint().to_owned()),
            cache_period_in_minutes: Some(ENDPOINT_CACHE_MINUTES),
        };
        Ok(DescribeEndpointsResponse { endpoints: Some(vec![endpoint]) })
    }

    /// DescribeContinuousBackups: there are none.
    ///
    /// # Errors
    /// DynamoDB's.
    pub async fn describe_continuous_backups(
        &self,
        request: DescribeContinuousBackupsRequest,
    ) -> Result<DescribeContinuousBackupsResponse, ApiError> {
        self.check(Operation::DescribeContinuousBackups, &request)?;
        let name = table_name(request.table_name.as_deref().unwrap_or_default());
        if self.catalog().get(name).is_none() {
            let message = format!("Table not found: {name}");
            return Err(ApiError::new(ErrorCode::TableNotFound, message));
        }
        let recovery = PointInTimeRecoveryDescription {
            point_in_time_recovery_status: Some("DISABLED".into()),
            ..PointInTimeRecoveryDescription::default()
        };
        Ok(DescribeContinuousBackupsResponse {
            continuous_backups_description: Some(ContinuousBackupsDescription {
                continuous_backups_status: Some("ENABLED".into()),
                point_in_time_recovery_description: Some(recovery),
            }),
        })
    }
}
