//! The operations that DynamoDB has, by name. Not which of them are answered here.

use flywheel_item::{Invalid, Wording};

use crate::error::ApiError;

macro_rules! operations {
    ($($name:ident),* $(,)?) => {
        /// An operation of `DynamoDB_20120810`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Operation {
            $(
                #[doc = concat!("`", stringify!($name), "`.")]
                $name,
            )*
        }

        impl Operation {
            /// All of them, by name.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// The operation of that name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $(stringify!($name) => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

operations! {
    BatchExecuteStatement,
    BatchGetItem,
    BatchWriteItem,
    CreateBackup,
    CreateGlobalTable,
    CreateTable,
    DeleteBackup,
    DeleteItem,
    DeleteResourcePolicy,
    DeleteTable,
    DescribeBackup,
    DescribeContinuousBackups,
    DescribeContributorInsights,
    DescribeEndpoints,
    DescribeExport,
    DescribeGlobalTable,
    DescribeGlobalTableSettings,
    DescribeImport,
    DescribeKinesisStreamingDestination,
    DescribeLimits,
    DescribeTable,
    DescribeTableReplicaAutoScaling,
    DescribeTimeToLive,
    DisableKinesisStreamingDestination,
    EnableKinesisStreamingDestination,
    ExecuteStatement,
    ExecuteTransaction,
    ExportTableToPointInTime,
    GetItem,
    GetResourcePolicy,
    ImportTable,
    ListBackups,
    ListContributorInsights,
    ListExports,
    ListGlobalTables,
    ListImports,
    ListTables,
    ListTagsOfResource,
    PutItem,
    PutResourcePolicy,
    Query,
    RestoreTableFromBackup,
    RestoreTableToPointInTime,
    Scan,
    SearchVectors,
    TagResource,
    TransactGetItems,
    TransactWriteItems,
    UntagResource,
    UpdateContinuousBackups,
    UpdateContributorInsights,
    UpdateGlobalTable,
    UpdateGlobalTableSettings,
    UpdateItem,
    UpdateKinesisStreamingDestination,
    UpdateTable,
    UpdateTableReplicaAutoScaling,
    UpdateTimeToLive,
}

impl std::fmt::Display for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Operation {
    /// In whose words it refuses values and expressions: the newer ones only where AWS has moved it to them.
    pub const fn wording(self, wording: Wording) -> Wording {
        match self {
            Self::BatchWriteItem | Self::TransactWriteItems | Self::TransactGetItems => {
                Wording::Former
            }
            _ => wording,
        }
    }

    /// `ValidationException` for what is wrong with a request that has its members: the newer wording of the
    /// operations that write one item counts it as it does faults of members.
    pub fn validation(self, message: &str, wording: Wording) -> ApiError {
        let counts = matches!(self, Self::PutItem | Self::UpdateItem | Self::DeleteItem);
        if counts && wording == Wording::Current {
            ApiError::validation(crate::constraints::wording::listed(&[message.to_owned()]))
        } else {
            ApiError::validation(message)
        }
    }

    /// The same for what is wrong with a value or an expression. Of what is no value at all, it does not count.
    pub fn invalid(self, invalid: &Invalid, wording: Wording) -> ApiError {
        let message = invalid.message(self.wording(wording));
        match invalid {
            Invalid::EmptyValue | Invalid::SeveralTypes => ApiError::validation(message),
            _ => self.validation(&message, wording),
        }
    }
}
