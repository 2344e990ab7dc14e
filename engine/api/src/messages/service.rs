//! DescribeLimits, DescribeEndpoints, DescribeContinuousBackups: what the service says of itself.

use crate::wire::message;

message! {
    /// What DescribeLimits is asked: nothing.
    pub struct DescribeLimitsRequest {}

    /// What DescribeLimits answers.
    pub struct DescribeLimitsResponse {
        account_max_read_capacity_units "AccountMaxReadCapacityUnits": i64,
        account_max_write_capacity_units "AccountMaxWriteCapacityUnits": i64,
        table_max_read_capacity_units "TableMaxReadCapacityUnits": i64,
        table_max_write_capacity_units "TableMaxWriteCapacityUnits": i64,
    }

    /// What DescribeEndpoints is asked: nothing.
    pub struct DescribeEndpointsRequest {}

    /// What DescribeEndpoints answers.
    pub struct DescribeEndpointsResponse {
        endpoints "Endpoints": Vec<Endpoint>,
    }

    /// Where the service is reached.
    pub struct Endpoint {
        address "Address": String,
        cache_period_in_minutes "CachePeriodInMinutes": i64,
    }

    /// What DescribeContinuousBackups is asked.
    pub struct DescribeContinuousBackupsRequest {
        table_name "TableName": String,
    }

    /// What DescribeContinuousBackups answers.
    pub struct DescribeContinuousBackupsResponse {
        continuous_backups_description "ContinuousBackupsDescription": ContinuousBackupsDescription,
    }

    /// Backups of a table.
    pub struct ContinuousBackupsDescription {
        continuous_backups_status "ContinuousBackupsStatus": String,
        point_in_time_recovery_description
            "PointInTimeRecoveryDescription": PointInTimeRecoveryDescription,
    }

    /// To which times a table may be taken back, in seconds since 1970.
    pub struct PointInTimeRecoveryDescription {
        point_in_time_recovery_status "PointInTimeRecoveryStatus": String,
        recovery_period_in_days "RecoveryPeriodInDays": i64,
        earliest_restorable_date_time "EarliestRestorableDateTime": f64,
        latest_restorable_date_time "LatestRestorableDateTime": f64,
    }
}
