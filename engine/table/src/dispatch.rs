//! Operations by their names: from the JSON of a request to that of its response. Not what they do.

use flywheel_api::{ApiError, ErrorCode, Operation, read, write};

use crate::storage::Storage;
use crate::tables::Tables;

/// Reads a request, does it, and writes its response.
macro_rules! answer {
    ($tables:expr, $body:expr, $method:ident) => {
        write(&$tables.$method(read($body)?).await?)
    };
}

impl<S: Storage> Tables<S> {
    /// Does what `operation` is asked with `body`.
    ///
    /// # Errors
    /// DynamoDB's; `UnknownOperationException` for operations that there are not here.
    pub async fn call(&self, operation: Operation, body: &[u8]) -> Result<Vec<u8>, ApiError> {
        match operation {
            Operation::GetItem => answer!(self, body, get_item),
            Operation::PutItem => answer!(self, body, put_item),
            Operation::UpdateItem => answer!(self, body, update_item),
            Operation::DeleteItem => answer!(self, body, delete_item),
            Operation::Query => answer!(self, body, query),
            Operation::Scan => answer!(self, body, scan),
            Operation::BatchGetItem => answer!(self, body, batch_get_item),
            Operation::BatchWriteItem => answer!(self, body, batch_write_item),
            Operation::TransactGetItems => answer!(self, body, transact_get_items),
            Operation::TransactWriteItems => answer!(self, body, transact_write_items),
            _ => self.call_for_tables(operation, body).await,
        }
    }

    /// Those that are not for items.
    async fn call_for_tables(
        &self,
        operation: Operation,
        body: &[u8],
    ) -> Result<Vec<u8>, ApiError> {
        match operation {
            Operation::CreateTable => answer!(self, body, create_table),
            Operation::DescribeTable => answer!(self, body, describe_table),
            Operation::UpdateTable => answer!(self, body, update_table),
            Operation::DeleteTable => answer!(self, body, delete_table),
            Operation::ListTables => answer!(self, body, list_tables),
            Operation::UpdateTimeToLive => answer!(self, body, update_time_to_live),
            Operation::DescribeTimeToLive => answer!(self, body, describe_time_to_live),
            Operation::DescribeLimits => answer!(self, body, describe_limits),
            Operation::DescribeEndpoints => answer!(self, body, describe_endpoints),
            Operation::DescribeContinuousBackups => {
                answer!(self, body, describe_continuous_backups)
            }
            Operation::ListTagsOfResource => answer!(self, body, list_tags_of_resource),
            // These two answer nothing at all, not even an empty object.
            Operation::TagResource => self.tag_resource(read(body)?).await.map(|()| Vec::new()),
            Operation::UntagResource => self.untag_resource(read(body)?).await.map(|()| Vec::new()),
            _ => Err(ApiError::new(ErrorCode::UnknownOperation, "")),
        }
    }
}
