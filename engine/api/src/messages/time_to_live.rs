//! UpdateTimeToLive and DescribeTimeToLive: items that end by themselves.

use crate::wire::message;

message! {
    /// What UpdateTimeToLive is asked.
    pub struct UpdateTimeToLiveRequest {
        table_name "TableName": String,
        time_to_live_specification "TimeToLiveSpecification": TimeToLiveSpecification,
    }

    /// What UpdateTimeToLive answers.
    pub struct UpdateTimeToLiveResponse {
        time_to_live_specification "TimeToLiveSpecification": TimeToLiveSpecification,
    }

    /// Whether items end, and the attribute that says when.
    pub struct TimeToLiveSpecification {
        enabled "Enabled": bool,
        attribute_name "AttributeName": String,
    }

    /// What DescribeTimeToLive is asked.
    pub struct DescribeTimeToLiveRequest {
        table_name "TableName": String,
    }

    /// What DescribeTimeToLive answers.
    pub struct DescribeTimeToLiveResponse {
        time_to_live_description "TimeToLiveDescription": TimeToLiveDescription,
    }

    /// Whether items end by now, and the attribute that says when.
    pub struct TimeToLiveDescription {
        time_to_live_status "TimeToLiveStatus": String,
        attribute_name "AttributeName": String,
    }
}
