//! The rows and columns of the counters: operations, statuses, response times. Not which operations there
//! are: a name that is missing here is only counted among the others.

/// Rows. The first two are for no operation, and for those that nobody knows; the others are sorted.
pub(super) const OPERATIONS: [&str; 51] = [
    "none",
    "other",
    "BatchExecuteStatement",
    "BatchGetItem",
    "BatchWriteItem",
    "CreateBackup",
    "CreateGlobalTable",
    "CreateTable",
    "DeleteBackup",
    "DeleteItem",
    "DeleteResourcePolicy",
    "DeleteTable",
    "DescribeBackup",
    "DescribeContinuousBackups",
    "DescribeContributorInsights",
    "DescribeEndpoints",
    "DescribeExport",
    "DescribeGlobalTable",
    "DescribeImport",
    "DescribeLimits",
    "DescribeStream",
    "DescribeTable",
    "DescribeTimeToLive",
    "ExecuteStatement",
    "ExecuteTransaction",
    "ExportTableToPointInTime",
    "GetItem",
    "GetRecords",
    "GetResourcePolicy",
    "GetShardIterator",
    "ImportTable",
    "ListBackups",
    "ListExports",
    "ListImports",
    "ListStreams",
    "ListTables",
    "ListTagsOfResource",
    "PutItem",
    "PutResourcePolicy",
    "Query",
    "RestoreTableFromBackup",
    "RestoreTableToPointInTime",
    "Scan",
    "TagResource",
    "TransactGetItems",
    "TransactWriteItems",
    "UntagResource",
    "UpdateContinuousBackups",
    "UpdateItem",
    "UpdateTable",
    "UpdateTimeToLive",
];

/// Operations before the sorted ones.
const UNSORTED: usize = 2;

/// The row of a name.
pub(super) fn position(name: &str) -> usize {
    OPERATIONS[UNSORTED..].binary_search(&name).map_or(1, |at| at + UNSORTED)
}

/// Statuses that are counted apart; the last one is for all others.
pub(super) const STATUSES: [u16; 7] = [200, 400, 404, 413, 503, 501, 500];

pub(super) fn status_position(status: u16) -> usize {
    let found = STATUSES.iter().position(|&known| known == status);
    found.unwrap_or(STATUSES.len() - 1)
}

/// Upper bounds of response times, in nanoseconds, and as the page says them, in seconds.
pub(super) const BUCKETS: [(u64, &str); 16] = [
    (50_000, "0.00005"),
    (100_000, "0.0001"),
    (250_000, "0.00025"),
    (500_000, "0.0005"),
    (1_000_000, "0.001"),
    (2_500_000, "0.0025"),
    (5_000_000, "0.005"),
    (10_000_000, "0.01"),
    (25_000_000, "0.025"),
    (50_000_000, "0.05"),
    (100_000_000, "0.1"),
    (250_000_000, "0.25"),
    (500_000_000, "0.5"),
    (1_000_000_000, "1"),
    (2_500_000_000, "2.5"),
    (10_000_000_000, "10"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_in_its_row() {
        for (row, name) in OPERATIONS.iter().enumerate().skip(UNSORTED) {
            assert_eq!(position(name), row, "{name} is out of order");
        }
        assert_eq!(position("Nonsense"), 1);
        assert_eq!(status_position(404), 2);
        assert_eq!(status_position(418), STATUSES.len() - 1);
    }

    #[test]
    fn bounds_of_times_rise_and_say_what_they_are() {
        assert!(BUCKETS.is_sorted_by(|one, next| one.0 < next.0));
        for (bound_ns, seconds) in BUCKETS {
            let said_s: f64 = seconds.parse().expect("a number");
            assert!((said_s * 1e9 - bound_ns as f64).abs() < 1.0, "{seconds}");
        }
    }
}
